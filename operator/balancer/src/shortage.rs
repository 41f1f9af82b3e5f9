//! What a cluster provably lacks: no plan could meet these goals with the brokers that there are.
//!
//! Each shortage is a count or a sum that any placement has to fit into, and doesn't. What brokers excluded for replicas
//! hold may stay there, and counts as room for just that.
//!
//! What is deliberately absent: goals that aren't met for another reason, or for none that can be proven; they are the
//! business of [`reasons`](crate::reasons).

mod search;
mod spread;
mod uneven;

use crate::evaluate::{Place, Violation};
use crate::goal::Goal;
use crate::model::Resource;
use crate::task::Task;
use crate::wording::{
    amount, amounts, bytes, count, have, of, partition, plural, racks, some, thousands,
};

pub(crate) use search::{is_disk_full, shortages};
pub(crate) use uneven::Uneven;

/// Something that a cluster lacks.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) enum Shortage {
    /// No broker is there to hold its share.
    NoBrokers {
        /// The most replicas that a partition has.
        factor: u32,
    },
    /// Partitions have more replicas than there are brokers.
    Brokers {
        /// How many partitions.
        partitions: u64,
        /// The most replicas that one has.
        factor: u32,
        /// Brokers that may hold them.
        brokers: u32,
    },
    /// Partitions have more replicas than there are racks.
    Racks {
        /// How many partitions.
        partitions: u64,
        /// Names of their topics.
        topics: Vec<String>,
        /// The most replicas that one has.
        factor: u32,
        /// Racks that may hold them.
        racks: u32,
    },
    /// What there is to hold is more than brokers may hold.
    Capacity {
        /// The goal.
        goal: Goal,
        /// What of a broker's totals.
        dimension: usize,
        /// The racks that are too small together; none is the whole cluster.
        racks: Vec<u32>,
        /// What there is to hold.
        whole: i64,
        /// What may be held.
        allowed: i64,
        /// The index of the largest broker, and how many like it would do.
        like: Option<(u32, u64)>,
        /// Ids of brokers that would do, were they not excluded.
        excluded: Vec<i32>,
    },
    /// Racks are of so unequal size that brokers can't be in their bands.
    Uneven(Uneven),
    /// A replica is larger than what any broker may hold.
    Replica {
        /// The goal.
        goal: Goal,
        /// What of a broker's totals.
        dimension: usize,
        /// Its partition.
        partition: u32,
        /// What it needs.
        amount: i64,
        /// The most that a broker may hold.
        allowed: i64,
    },
    /// A topic has too few partitions for all its leaders.
    MinLeaders {
        /// The topic.
        topic: u32,
        /// Brokers that may lead it.
        brokers: u32,
    },
    /// A broker holds more than its directories may.
    LogDirs {
        /// The broker.
        broker: u32,
        /// What it holds in units of disk.
        used: i64,
        /// What its directories may hold.
        allowed: i64,
    },
}

impl Shortage {
    /// Whether it is why this breaks its goal.
    pub(crate) fn explains(&self, task: &Task<'_>, violation: &Violation) -> bool {
        match self {
            Self::NoBrokers { .. } => true,
            Self::Brokers { .. } => false,
            Self::Racks { racks, .. } => match violation.place {
                Place::Partition(partition) => {
                    violation.goal == Goal::RackAware
                        && task.model.partitions[partition as usize].replicas > *racks
                }
                _ => false,
            },
            Self::Capacity { goal, .. } | Self::Replica { goal, .. } => violation.goal == *goal,
            Self::Uneven(uneven) => uneven.explains(violation),
            Self::MinLeaders { topic, .. } => {
                violation.goal == Goal::MinTopicLeadersPerBroker
                    && matches!(violation.place, Place::Topic { topic: other, .. } if other == *topic)
            }
            Self::LogDirs { broker, .. } => {
                violation.goal == Goal::IntraBrokerDiskCapacity
                    && matches!(violation.place, Place::LogDir(dir)
                        if task.model.log_dirs[dir as usize].broker == *broker)
            }
        }
    }

    /// What is, as the first half of a sentence.
    pub(crate) fn cause(&self, task: &Task<'_>) -> String {
        let model = task.model;
        match self {
            Self::NoBrokers { .. } => {
                format!(
                    "each of the {} is dead, draining, to be removed or excluded",
                    count(model.brokers.len() as u64, "broker")
                )
            }
            Self::Brokers { partitions, factor, brokers } => format!(
                "{} up to {factor} replicas, but only {} may hold them",
                have(*partitions, "partition"),
                count(u64::from(*brokers), "broker"),
            ),
            Self::Racks { partitions, topics, factor, racks } => format!(
                "{} of {} {} up to {factor} replicas, but only {} brokers that may hold them",
                count(*partitions, "partition"),
                if let [topic] = topics.as_slice() {
                    format!("topic {topic}")
                } else {
                    format!("{} ({})", count(topics.len() as u64, "topic"), some(topics))
                },
                if *partitions == 1 { "has" } else { "have" },
                have(u64::from(*racks), "rack"),
            ),
            Self::Capacity { dimension, racks: within, whole, allowed, .. } => {
                let [needs, allowed] = amounts(model, *dimension, [*whole, *allowed]);
                let needs = format!("{}{needs}", of(*dimension));
                match within.as_slice() {
                    [] => format!("the brokers have to hold {needs}, but may hold {allowed}"),
                    [_] => format!(
                        "{} has to hold at least {needs}, but its brokers may hold {allowed}",
                        racks(model, within),
                    ),
                    _ => format!(
                        "{} have to hold at least {needs}, but their brokers may hold {allowed}",
                        racks(model, within),
                    ),
                }
            }
            Self::Uneven(uneven) => uneven.cause(task),
            Self::Replica { dimension, partition: index, amount: needs, allowed, .. } => {
                let [needs, allowed] = amounts(model, *dimension, [*needs, *allowed]);
                format!(
                    "a replica of {} alone has {}{needs}, but no broker may hold more than {allowed}",
                    partition(model, *index),
                    of(*dimension),
                )
            }
            Self::MinLeaders { topic, brokers } => {
                let topic = &model.topics[*topic as usize];
                format!(
                    "topic {} has {}, but {} x {} need {}",
                    topic.name,
                    count(u64::from(topic.partitions), "partition"),
                    count(u64::from(*brokers), "broker"),
                    count(u64::from(topic.min_leaders_per_broker), "leader"),
                    thousands(u64::from(*brokers) * u64::from(topic.min_leaders_per_broker)),
                )
            }
            Self::LogDirs { broker, used, allowed } => {
                let [used, allowed] = amounts(model, Resource::Disk as usize, [*used, *allowed]);
                let id = model.brokers[*broker as usize].id;
                format!("broker {id} holds {used}, but its log directories may hold {allowed}")
            }
        }
    }

    /// The smallest change that would help, with the goal that it would help.
    pub(crate) fn remedy(&self, task: &Task<'_>) -> String {
        let model = task.model;
        match self {
            Self::NoBrokers { factor } => {
                format!(
                    "needs {} that may hold replicas",
                    count(u64::from(*factor).max(1), "broker")
                )
            }
            Self::Brokers { factor, brokers, .. } => {
                let missing = u64::from(factor - brokers);
                format!("needs {}", count(missing, "more broker"))
            }
            Self::Racks { factor, racks, .. } => {
                let missing = u64::from(factor - racks);
                format!(
                    "{} needs brokers in {missing} more {}, or RackAwareDistributionGoal in its place",
                    Goal::RackAware,
                    plural(missing, "rack"),
                )
            }
            Self::Uneven(uneven) => uneven.remedy(task),
            Self::Capacity { goal, dimension, racks: within, like, excluded, .. } => {
                let place = if within.is_empty() {
                    String::new()
                } else {
                    format!(" in {}", racks(model, within))
                };
                let more = match like {
                    Some((broker, number)) => {
                        let broker = &model.brokers[*broker as usize];
                        let size =
                            broker.capacity.get(*dimension).map_or(String::new(), |capacity| {
                                format!(
                                    " ({}{})",
                                    of(*dimension),
                                    amount(model, *dimension, *capacity)
                                )
                            });
                        format!(
                            "{} like broker {}{size}{place}",
                            count(*number, "more broker"),
                            broker.id
                        )
                    }
                    None => format!("brokers that have capacity{place}"),
                };
                let ids: Vec<String> = excluded.iter().map(ToString::to_string).collect();
                let instead = if ids.is_empty() {
                    String::new()
                } else {
                    format!(
                        ", or the excluded {} {}",
                        plural(ids.len() as u64, "broker"),
                        some(&ids)
                    )
                };
                format!("{goal} needs {more}{instead}")
            }
            Self::Replica { goal, dimension, partition: index, amount: needs, .. } => {
                let threshold = task.options.constraints.capacity_thresholds[*dimension];
                let capacity = if threshold > 0.0 {
                    (*needs as f64 / threshold).ceil() as i64
                } else {
                    *needs
                };
                format!(
                    "{goal} needs brokers with {}{}, or topic {} more partitions",
                    of(*dimension),
                    amount(model, *dimension, capacity),
                    model.topics[model.partitions[*index as usize].topic as usize].name,
                )
            }
            Self::MinLeaders { topic, brokers } => {
                let topic = &model.topics[*topic as usize];
                let needs = u64::from(*brokers) * u64::from(topic.min_leaders_per_broker);
                let missing = needs - u64::from(topic.partitions);
                format!(
                    "{} needs {}, or fewer brokers that may lead",
                    Goal::MinTopicLeadersPerBroker,
                    count(missing, "more partition"),
                )
            }
            Self::LogDirs { broker, used, allowed } => format!(
                "{} needs room for {} more on broker {}",
                Goal::IntraBrokerDiskCapacity,
                bytes(model, used - allowed),
                model.brokers[*broker as usize].id,
            ),
        }
    }
}

#[cfg(test)]
mod tests;
