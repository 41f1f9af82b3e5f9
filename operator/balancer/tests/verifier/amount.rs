//! Amounts of the four resources in fixed point, so that sums don't depend on their order.

use taffrail_balancer::document::Resources;

/// Binary places behind the point. A cluster of an exabyte takes 2^60, which leaves 2^27 for its sums.
const PLACES: i32 = 40;

/// An amount.
pub(super) type Amount = i128;

/// One of each resource, in the order of [`taffrail_balancer::Resource`].
pub(super) type Amounts = [Amount; RESOURCES];

pub(super) const RESOURCES: usize = 4;
pub(super) const CPU: usize = 0;
pub(super) const NETWORK_IN: usize = 1;
pub(super) const NETWORK_OUT: usize = 2;
pub(super) const DISK: usize = 3;

/// In the order of [`Amounts`].
pub(super) const fn in_order(resources: &Resources) -> [f64; RESOURCES] {
    [resources.cpu, resources.network_in, resources.network_out, resources.disk]
}

pub(super) fn amounts(resources: &Resources) -> Amounts {
    in_order(resources).map(|value| (value * 2_f64.powi(PLACES)).round() as Amount)
}

pub(super) fn value(amount: Amount) -> f64 {
    amount as f64 / 2_f64.powi(PLACES)
}

pub(super) fn add(sum: &mut Amounts, amounts: &Amounts) {
    for (sum, amount) in sum.iter_mut().zip(amounts) {
        *sum += amount;
    }
}

pub(super) fn subtract(sum: &mut Amounts, amounts: &Amounts) {
    for (sum, amount) in sum.iter_mut().zip(amounts) {
        *sum -= amount;
    }
}
