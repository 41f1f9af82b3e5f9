//! How far a partition is from its goals about racks and sets of brokers, in replicas that are where none should be.

use std::collections::{BTreeMap, BTreeSet};

use super::facts::Facts;
use super::state::{Partition, Replica};

/// Replicas beyond the first in each rack.
pub(super) fn excess(facts: &Facts, replicas: &[Replica]) -> u64 {
    by_rack(facts, replicas).values().map(|count| count - 1).sum()
}

/// Replicas beyond an even spread: RF / racks in each rack, and one more in RF mod racks of them, where racks are those
/// with a broker that holds its share.
pub(super) fn uneven(facts: &Facts, replicas: &[Replica]) -> u64 {
    let holders = facts.brokers.iter().filter(|broker| broker.counted);
    let racks = holders.map(|broker| broker.rack).collect::<BTreeSet<_>>().len() as u64;
    let factor = replicas.len() as u64;
    let share = factor.checked_div(racks).unwrap_or(0);
    let mut one_more = factor.checked_rem(racks).unwrap_or(0);
    let mut beyond = 0;
    for count in by_rack(facts, replicas).into_values().filter(|count| *count > share) {
        let allowed = share + u64::from(one_more > 0);
        one_more = one_more.saturating_sub(1);
        beyond += count - allowed;
    }
    beyond
}

/// Replicas outside the topic's set of brokers.
pub(super) fn outside_set(facts: &Facts, partition: &Partition) -> u64 {
    let topic = &facts.topics[partition.topic];
    partition.replicas.iter().filter(|replica| !topic.may_be_on(replica.broker)).count() as u64
}

fn by_rack(facts: &Facts, replicas: &[Replica]) -> BTreeMap<usize, u64> {
    let mut counts = BTreeMap::new();
    for replica in replicas {
        *counts.entry(facts.brokers[replica.broker].rack).or_default() += 1;
    }
    counts
}
