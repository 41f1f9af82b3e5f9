//! What each broker carries, before a plan and after it: for tables and pictures.

use std::collections::BTreeMap;

use crate::document::BrokerState;
use crate::limits::{
    LEADER_IN, LEADERS, POTENTIAL_OUT, REPLICAS, Totals, add, sum_brokers, totals_of,
};
use crate::model::{Model, NONE, RESOURCES, Resource};
use crate::placement::Placement;
use crate::plan::{Plan, Step};

/// What a broker carries, in the units of the model's file.
#[derive(Clone, Debug, PartialEq)]
pub struct BrokerStatistics {
    /// Kafka's `node.id`.
    pub id: i32,
    /// The name of its rack.
    pub rack: String,
    /// What may be asked of it.
    pub state: BrokerState,
    /// Replicas on it.
    pub replicas: u64,
    /// Partitions that it leads.
    pub leaders: u64,
    /// What its replicas cost, by [`Resource`].
    pub load: [f64; RESOURCES],
    /// What it can carry, by [`Resource`].
    pub capacity: [f64; RESOURCES],
    /// Network out if every replica on it led.
    pub potential_out: f64,
    /// Network in of the partitions that it leads.
    pub leader_in: f64,
}

/// The brokers by id, as they are.
#[must_use]
pub fn statistics_before(model: &Model) -> Vec<BrokerStatistics> {
    describe(model, &sums_before(model))
}

/// The brokers by id, once every step of the plan is done. The plan is one that was made from this model; a step of
/// another that names what isn't there changes nothing.
#[must_use]
pub fn statistics_after(model: &Model, plan: &Plan) -> Vec<BrokerStatistics> {
    let mut sums = sums_before(model);
    let mut touched: BTreeMap<u32, Replicas> = BTreeMap::new();
    for step in &plan.steps {
        if let Some(partition) = find(model, step) {
            touched
                .entry(partition)
                .or_insert_with(|| Replicas::of(model, partition))
                .apply(model, step);
        }
    }
    for (partition, after) in &touched {
        Replicas::of(model, *partition).sum(model, &mut sums, -1);
        after.sum(model, &mut sums, 1);
    }
    describe(model, &sums)
}

fn sums_before(model: &Model) -> Vec<Totals> {
    let now = Placement::of(model);
    sum_brokers(model, &now.broker, &now.leader)
}

fn describe(model: &Model, sums: &[Totals]) -> Vec<BrokerStatistics> {
    let by_resource = |units: &[i64]| {
        Resource::ALL.map(|resource| model.amount(resource, units[resource as usize]))
    };
    let brokers = model.brokers.iter().zip(sums);
    brokers
        .map(|(broker, sums)| BrokerStatistics {
            id: broker.id,
            rack: model.racks[broker.rack as usize].clone(),
            state: broker.state,
            replicas: sums[REPLICAS] as u64,
            leaders: sums[LEADERS] as u64,
            load: by_resource(sums),
            capacity: by_resource(&broker.capacity),
            potential_out: model.amount(Resource::NetworkOut, sums[POTENTIAL_OUT]),
            leader_in: model.amount(Resource::NetworkIn, sums[LEADER_IN]),
        })
        .collect()
}

/// The index of the partition that a step is about.
fn find(model: &Model, step: &Step) -> Option<u32> {
    let topic = model.topics.binary_search_by(|topic| topic.name.as_str().cmp(&step.topic)).ok()?;
    let range = model.partitions_of(topic as u32);
    let partitions = &model.partitions[range.start as usize..range.end as usize];
    let index =
        partitions.binary_search_by_key(&step.partition, |partition| partition.number).ok()?;
    Some(range.start + index as u32)
}

/// The replicas of a partition while steps are replayed.
struct Replicas {
    /// In order: the broker, and the replica of the model whose load it has there.
    places: Vec<(u32, u32)>,
    /// The broker that leads, or [`NONE`].
    leader: u32,
    /// Whose load a replica has that is added: the leader's before the plan, or the first's when nobody led.
    copied: Option<u32>,
}

impl Replicas {
    fn of(model: &Model, partition: u32) -> Self {
        let leader = model.partitions[partition as usize].leader;
        Self {
            places: model
                .replicas_of(partition)
                .map(|replica| (model.replicas[replica as usize].broker, replica))
                .collect(),
            leader: if leader == NONE { NONE } else { model.replicas[leader as usize].broker },
            copied: if leader == NONE { model.replicas_of(partition).next() } else { Some(leader) },
        }
    }

    /// Whoever comes takes over the load of whoever goes, and without one that goes a copy's.
    fn apply(&mut self, model: &Model, step: &Step) {
        let to: Vec<u32> = step.to.iter().filter_map(|id| model.broker_index(*id)).collect();
        let mut going = self
            .places
            .iter()
            .filter(|(broker, _)| !to.contains(broker))
            .map(|(_, replica)| *replica);
        let copied = self.copied;
        let places = to.iter().filter_map(|broker| {
            let stays =
                self.places.iter().find(|(other, _)| other == broker).map(|(_, replica)| *replica);
            Some((*broker, stays.or_else(|| going.next()).or(copied)?))
        });
        let places = places.collect();
        self.places = places;
        self.leader = step.leader.and_then(|id| model.broker_index(id)).unwrap_or(NONE);
    }

    /// Adds what the replicas cost to the sums of their brokers, or takes it away.
    fn sum(&self, model: &Model, sums: &mut [Totals], sign: i64) {
        for (broker, replica) in &self.places {
            if let Some(sum) = sums.get_mut(*broker as usize) {
                let leads = *broker == self.leader;
                add(sum, &totals_of(model, *replica, leads).map(|amount| sign * amount));
            }
        }
    }
}

#[cfg(test)]
mod tests;
