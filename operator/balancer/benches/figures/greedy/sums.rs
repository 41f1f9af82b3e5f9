//! What is summed for each broker.

use taffrail_balancer::{Load, Model, RESOURCES, Resource};

/// How many sums are kept: the four resources stand first, by [`Resource`].
pub(crate) const DIMENSIONS: usize = 8;
/// The sums of a broker, or what one replica adds to them.
pub(crate) type Totals = [i64; DIMENSIONS];

/// Replicas on the broker.
pub(crate) const REPLICAS: usize = 4;
/// Partitions that it leads.
pub(crate) const LEADERS: usize = 5;
/// Network out if every replica on it led.
pub(crate) const POTENTIAL_OUT: usize = 6;
/// Network in of the partitions that it leads.
pub(crate) const LEADER_IN: usize = 7;

/// Whether leading a partition adds to the sum.
pub(crate) fn follows_leaders(dimension: usize) -> bool {
    dimension == Resource::Cpu as usize
        || dimension == Resource::NetworkOut as usize
        || dimension == LEADERS
        || dimension == LEADER_IN
}

/// What a replica adds as a follower.
pub(crate) fn of_follower(model: &Model, replica: u32) -> Totals {
    let replica = &model.replicas()[replica as usize];
    let out = Resource::NetworkOut as usize;
    let mut totals = [0; DIMENSIONS];
    totals[..RESOURCES].copy_from_slice(&replica.load);
    totals[REPLICAS] = 1;
    totals[POTENTIAL_OUT] = replica.load[out] + extra(model, replica.partition)[out];
    totals
}

/// What leading adds to it.
pub(crate) fn of_leading(model: &Model, replica: u32) -> Totals {
    let replica = &model.replicas()[replica as usize];
    let extra = extra(model, replica.partition);
    let network_in = Resource::NetworkIn as usize;
    let mut totals = [0; DIMENSIONS];
    totals[..RESOURCES].copy_from_slice(&extra);
    totals[LEADERS] = 1;
    totals[LEADER_IN] = replica.load[network_in] + extra[network_in];
    totals
}

fn extra(model: &Model, partition: u32) -> Load {
    model.partitions()[partition as usize].leader_extra
}

/// The sum of both.
pub(crate) fn plus(mut left: Totals, right: &Totals) -> Totals {
    for (left, right) in left.iter_mut().zip(right) {
        *left += right;
    }
    left
}

/// What is left of the first without the second.
pub(crate) fn minus(mut left: Totals, right: &Totals) -> Totals {
    for (left, right) in left.iter_mut().zip(right) {
        *left -= right;
    }
    left
}
