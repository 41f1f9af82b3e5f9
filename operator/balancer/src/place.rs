//! Brokers for the partitions of a new topic, or for further ones of a topic that is there. Nothing that is there moves.
//!
//! What is promised, in this order:
//! 1. No limit that a hard goal among the options sets to a broker or a machine is exceeded. What is beyond it already
//!    is left alone, but gets no more.
//! 2. The replicas of a partition are on as many racks as can be, and spread over them as evenly as the number of their
//!    brokers lets them: with at least as many racks as replicas, each is on a rack of its own. Brokers without a rack
//!    are a rack each. Without a rack goal among the options, limits come before racks.
//! 3. A topic stays in its set of brokers, when that goal is asked for. A new topic whose set isn't named gets the set
//!    that holds the fewest replicas for each of its brokers.
//! 4. The topic is spread evenly: the brokers of one rack differ by one replica at most, and all brokers do where racks
//!    have the same number of brokers. Bigger racks get as much more as promise 2 allows. The partitions that the topic
//!    has already count.
//! 5. Each broker leads as few of the topic's partitions as the choice of replicas allows: no other choice of preferred
//!    leaders has a smaller maximum, among the brokers that may lead and have room for it.
//! 6. Between brokers that are equal so far, the less loaded one is taken, by replicas and by each resource against what
//!    it should hold; then those that share the fewest of the new partitions, so that what one broker leaves behind when
//!    it fails is spread over many.
//!
//! When even spreading runs into the limits although there is room, the room decides instead, and promise 4 is void.
//!
//! Brokers that are dead or to be emptied, and those excluded for replicas, hold nothing new. New brokers and old ones
//! are the same here.

mod brokers;
mod extended;
mod leaders;
mod room;

use crate::document::Resources;
use crate::limits::Limits;
use crate::model::{AMOUNT_MAX, Model, NONE, PARTITIONS_MAX, RESOURCES, Resource};
use crate::options::Options;
use crate::planner::{self, PlanError};
use crate::task::Task;
use brokers::{By, Chooser};
use extended::Extended;

/// The partitions that are to be created.
#[derive(Clone, Debug, PartialEq)]
pub struct NewPartitions {
    /// The topic: a new one, or one of the model, which then gets further partitions.
    pub topic: String,
    /// How many come.
    pub partitions: u32,
    /// Replicas of each of them.
    pub replication_factor: u32,
    /// What each replica is expected to cost as a follower. Nothing is fine: numbers of replicas decide then.
    pub load: Resources,
    /// What leading is expected to cost on top.
    pub leader_extra: Resources,
}

/// Why there is no place.
#[derive(Clone, Debug, PartialEq, thiserror::Error)]
pub enum PlaceError {
    /// The options don't fit the model or each other.
    #[error(transparent)]
    Options(#[from] PlanError),
    /// A topic has a name.
    #[error("the topic has no name: give it one")]
    NoName,
    /// A partition has a replica.
    #[error("a replication factor of 0 keeps no data: ask for 1 at least")]
    NoReplicas,
    /// A topic has no more partitions than that.
    #[error("topic \"{topic}\" would have {partitions} partitions: {max} is the most")]
    TooManyPartitions {
        /// The topic.
        topic: String,
        /// With those that it has.
        partitions: u64,
        /// The most that it may have.
        max: u64,
    },
    /// A load is a number, and not less than nothing.
    #[error(
        "{field}.{resource} of the new partitions is {amount}: give a number from 0 to {max:e}",
        resource = .resource.name()
    )]
    Load {
        /// `load` or `leader_extra`.
        field: &'static str,
        /// The resource.
        resource: Resource,
        /// What it is.
        amount: f64,
        /// The most that it may be.
        max: f64,
    },
    /// New partitions are numbered after those that are there, which the model has to know.
    #[error(
        "the model doesn't know partition {missing} of topic \"{topic}\", but one after it: \
         what it holds can't be counted; give all of the topic's partitions"
    )]
    UnknownPartition {
        /// The topic.
        topic: String,
        /// The first number that is missing.
        missing: i32,
    },
    /// Each replica has a broker of its own.
    #[error(
        "a replication factor of {factor} needs as many brokers, and {brokers} may hold replicas{of_set}: \
         add brokers or ask for {brokers} at most",
        of_set = .set.as_ref().map_or_else(String::new, |set| format!(" in the set \"{set}\""))
    )]
    TooFewBrokers {
        /// What was asked for.
        factor: u32,
        /// How many brokers are neither dead nor to be emptied nor excluded, and have a directory that is open.
        brokers: u32,
        /// The set of brokers that the topic belongs to.
        set: Option<String>,
    },
    /// The limits leave no room.
    #[error(
        "partition {partition} of topic \"{topic}\" has no place: {causes}; \
         add brokers or capacity, or ask for {placed} partitions at most",
        causes = .causes.join(", ")
    )]
    Full {
        /// The topic.
        topic: String,
        /// The number of the first partition that has no place.
        partition: i32,
        /// How many can have one.
        placed: u32,
        /// What stands against it, and on how many brokers.
        causes: Vec<String>,
    },
}

/// Chooses the brokers of new partitions: by partition, in the order of their numbers, the ids of its brokers, the
/// preferred leader first.
///
/// # Errors
///
/// What is asked for makes no sense, or there are too few brokers or too little room.
pub fn place(
    model: &Model,
    options: &Options,
    new: &NewPartitions,
) -> Result<Vec<Vec<i32>>, PlaceError> {
    planner::check(model, options)?;
    check(model, options, new)?;
    if new.partitions == 0 {
        return Ok(Vec::new());
    }
    match try_to_place(model, options, new) {
        Err(PlaceError::Full { topic, partition, mut placed, causes }) => {
            // Room is looked at with all partitions in mind: fewer may be spread otherwise, and get stuck sooner.
            while placed > 0 {
                let fewer = NewPartitions { partitions: placed, ..new.clone() };
                match try_to_place(model, options, &fewer) {
                    Err(PlaceError::Full { placed: less, .. }) => placed = less,
                    _ => break,
                }
            }
            Err(PlaceError::Full { topic, partition, placed, causes })
        }
        result => result,
    }
}

fn try_to_place(
    model: &Model,
    options: &Options,
    new: &NewPartitions,
) -> Result<Vec<Vec<i32>>, PlaceError> {
    let extended = Extended::new(model, new);
    let task = Task::new(&extended.model, options);
    let limits = Limits::new(&task);
    let holders = brokers::holders(&task, &extended, new)?;
    let mut chosen = Chooser::new(&task, &limits, &extended, &holders);
    if chosen.choose(By::Evenness).is_err() {
        chosen = Chooser::new(&task, &limits, &extended, &holders);
        chosen.choose(By::Room).map_err(|causes| {
            let placed = chosen.placed.len() as u32;
            PlaceError::Full {
                topic: new.topic.clone(),
                partition: number_after(&extended, placed),
                placed,
                causes,
            }
        })?;
    }
    leaders::spread(&mut chosen);
    let id = |broker: &u32| model.brokers[*broker as usize].id;
    Ok(chosen.placed.iter().map(|placed| placed.leader_first().iter().map(id).collect()).collect())
}

/// The number of the new partition that comes after so many.
fn number_after(extended: &Extended, placed: u32) -> i32 {
    extended.model.partitions[(extended.first_partition + placed) as usize].number
}

/// What can be said before anything is placed.
fn check(model: &Model, options: &Options, new: &NewPartitions) -> Result<(), PlaceError> {
    if new.topic.is_empty() {
        return Err(PlaceError::NoName);
    }
    if new.replication_factor == 0 {
        return Err(PlaceError::NoReplicas);
    }
    for (field, amounts) in [("load", &new.load), ("leader_extra", &new.leader_extra)] {
        for (resource, amount) in Resource::ALL.into_iter().zip(by_resource(amounts)) {
            if !(0.0..=AMOUNT_MAX).contains(&amount) {
                return Err(PlaceError::Load { field, resource, amount, max: AMOUNT_MAX });
            }
        }
    }
    let mut partitions = u64::from(new.partitions);
    if let Ok(index) = model.topics.binary_search_by(|topic| topic.name.cmp(&new.topic)) {
        partitions += u64::from(model.topics[index].partitions);
        for (number, partition) in (0..).zip(model.partitions_of(index as u32)) {
            if model.partitions[partition as usize].number != number {
                return Err(PlaceError::UnknownPartition {
                    topic: new.topic.clone(),
                    missing: number,
                });
            }
        }
    }
    // Before a row is made of them: as many brokers as replicas, and an index for each.
    let brokers = brokers::open(&Task::new(model, options)).len() as u32;
    if new.replication_factor > brokers {
        return Err(PlaceError::TooFewBrokers {
            factor: new.replication_factor,
            brokers,
            set: None,
        });
    }
    let replicas = u64::from(NONE) - model.replicas.len() as u64 - 1;
    let before = partitions - u64::from(new.partitions);
    let max = (PARTITIONS_MAX as u64).min(before + replicas / u64::from(new.replication_factor));
    if partitions > max {
        return Err(PlaceError::TooManyPartitions { topic: new.topic.clone(), partitions, max });
    }
    Ok(())
}

fn by_resource(amounts: &Resources) -> [f64; RESOURCES] {
    [amounts.cpu, amounts.network_in, amounts.network_out, amounts.disk]
}

#[cfg(test)]
mod tests;
