//! The plain greedy that the planner is held against: goal by goal, broker by broker, the first change that helps.
//!
//! It works as Cruise Control does, in code of our own. Goals come by priority. Within a goal, brokers out of their band
//! come worst first. For each, leaderships, then replicas by size, then swaps are tried against the other brokers by
//! use, and the first is taken that brings the broker nearer to its band and takes neither broker out of a band of the
//! goals before, or further away from it. What a goal leaves is left: nothing is undone, and no goal is come back to.
//!
//! It is meant to be fair: every check is a few additions on sums that are kept, and the number of tries is bounded, not
//! their time. It knows the goals that Cruise Control has by default, on clusters without dead brokers, with a machine for
//! each broker.

mod balance;
mod bands;
mod layout;
mod state;
mod sums;

use std::collections::BTreeMap;

use taffrail_balancer::document::Cluster;
use taffrail_balancer::{Constraints, DEFAULT_GOALS, Goal, Model, Resource};

use bands::Bands;
use state::State;
use sums::{LEADERS, REPLICAS};

/// Goals that Cruise Control doesn't have by default; the greedy knows nothing of them.
pub(crate) const OURS: [Goal; 4] = [
    Goal::TopicLeaderDistribution,
    Goal::PreferredLeaderElection,
    Goal::IntraBrokerDiskCapacity,
    Goal::IntraBrokerDiskUsageDistribution,
];
/// Goals that have a stage of their own, before all others.
const FIRST: [Goal; 2] = [Goal::RackAware, Goal::MinTopicLeadersPerBroker];

/// Where the greedy puts everything, by the model's indices.
pub(crate) struct Outcome {
    broker: Vec<u32>,
    leader: Vec<u32>,
}

/// Runs the greedy on a model.
pub(crate) fn run(model: &Model, constraints: &Constraints) -> Outcome {
    let state = State::new(model);
    let bands = Bands::new(model, constraints, &state.sums);
    let mut greedy = Greedy { state, bands };
    greedy.spread_over_racks();
    greedy.lead_the_least();
    let others = |goal: &Goal| !FIRST.contains(goal) && !OURS.contains(goal);
    for goal in DEFAULT_GOALS.into_iter().filter(others) {
        if goal == Goal::TopicReplicaDistribution {
            greedy.balance_topics();
        } else {
            greedy.balance(goal);
        }
    }
    Outcome { broker: greedy.state.broker, leader: greedy.state.leader }
}

impl Outcome {
    /// How many replicas are on another broker than in the model, and their bytes.
    pub(crate) fn moved(&self, model: &Model) -> (u64, f64) {
        let moved = model
            .replicas()
            .iter()
            .zip(&self.broker)
            .filter(|(replica, broker)| replica.broker != **broker);
        let (count, units) = moved.fold((0, 0), |(count, units), (replica, _)| {
            (count + 1, units + replica.load[Resource::Disk as usize])
        });
        (count, model.amount(Resource::Disk, units))
    }

    /// Writes the outcome into the cluster that the model was made from. As in Cruise Control, who leads newly comes
    /// first in the list.
    pub(crate) fn write(&self, model: &Model, cluster: &mut Cluster) {
        let topics: BTreeMap<&str, &taffrail_balancer::Topic> =
            model.topics().iter().map(|topic| (topic.name.as_str(), topic)).collect();
        let id = |replica: u32| model.brokers()[self.broker[replica as usize] as usize].id;
        for topic in &mut cluster.topics {
            let Some(at) = topics.get(topic.name.as_str()) else { continue };
            topic.partitions.sort_by_key(|partition| partition.id);
            for (index, partition) in (at.first_partition..).zip(&mut topic.partitions) {
                let (before, leader) =
                    (&model.partitions()[index as usize], self.leader[index as usize]);
                for (replica, written) in (before.first_replica..).zip(&mut partition.replicas) {
                    written.broker = id(replica);
                }
                partition.leader = Some(id(leader));
                if leader != before.leader {
                    let position = (leader - before.first_replica) as usize;
                    partition.replicas[..=position].rotate_right(1);
                }
            }
        }
    }
}

struct Greedy<'a> {
    state: State<'a>,
    bands: Bands<'a>,
}

impl Greedy<'_> {
    /// The replicas of a broker that count in a dimension, the biggest first; where all are alike, those with the fewest
    /// bytes first.
    fn by_size(&self, broker: u32, dimension: usize) -> Vec<u32> {
        let disk = Resource::Disk as usize;
        self.sorted(broker, |state, replica| {
            let amounts = state.amounts(replica);
            match dimension {
                REPLICAS | LEADERS => (amounts[dimension] > 0).then_some(-amounts[disk]),
                _ => (amounts[dimension] > 0).then_some(amounts[dimension]),
            }
        })
    }

    /// The replicas of a broker with a size, the biggest first.
    fn sorted(&self, broker: u32, size: impl Fn(&State<'_>, u32) -> Option<i64>) -> Vec<u32> {
        let mut replicas: Vec<(i64, u32)> = self.state.held[broker as usize]
            .iter()
            .filter_map(|replica| Some((size(&self.state, *replica)?, *replica)))
            .collect();
        replicas.sort_unstable_by(|one, other| other.cmp(one));
        replicas.into_iter().map(|(_, replica)| replica).collect()
    }

    /// How much a broker has of its share.
    fn fill(&self, broker: u32, dimension: usize) -> f64 {
        self.state.sums[broker as usize][dimension] as f64
            / self.bands.share(broker, dimension).max(1.0)
    }

    /// The brokers, the least used first.
    fn rank(&self, dimension: usize) -> Vec<u32> {
        let mut brokers: Vec<u32> = (0..self.state.model.brokers().len() as u32).collect();
        brokers.sort_by(|one, other| {
            self.fill(*one, dimension).total_cmp(&self.fill(*other, dimension))
        });
        brokers
    }

    /// Puts one broker where it belongs after its sums have changed.
    fn rank_anew(&self, ranking: &mut Vec<u32>, at: usize, dimension: usize) {
        let broker = ranking.remove(at);
        let fill = self.fill(broker, dimension);
        let at = ranking.partition_point(|other| self.fill(*other, dimension) < fill);
        ranking.insert(at, broker);
    }
}
