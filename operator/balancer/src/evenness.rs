//! How uneven a replica makes its broker: what decides between places that every rule allows.

use crate::limits::{REPLICAS, Totals};

/// By how much a broker is more uneven with a replica than without it. `with` are its sums with the replica.
///
/// How uneven a broker is is the sum over the four resources and the number of replicas of (amount / share)^2, where the
/// share is what it should hold. Over all brokers that is least when each holds its share.
pub(crate) fn uneven_by(own: &Totals, with: &Totals, shares: &Totals) -> f64 {
    (0..=REPLICAS)
        .map(|dimension| {
            let share = shares[dimension] as f64;
            let own = own[dimension] as f64;
            (own / share) * ((2.0 * with[dimension] as f64 - own) / share)
        })
        .sum()
}
