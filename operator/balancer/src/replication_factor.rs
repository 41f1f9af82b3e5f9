//! A model with another replication factor for some of its topics: what is to be there, with the new replicas unplaced.
//!
//! More replicas: the new ones follow those that are there, without a broker. Each costs what the leader's replica costs
//! as a follower (the first one's where nobody leads), since that is what it is copied from. Where they go is for the
//! search to find.
//!
//! Fewer replicas: those that go are chosen here. The one that leads stays, unless it has to leave its place anyway and
//! another could lead in its stead: then it goes like any other, rather than that it is copied away and what is well
//! placed goes. Of a partition that nobody is to go on leading, the last that may lead stays. Of the others there go, in
//! this order:
//! 1. those that are offline, then those that have to leave their place anyway;
//! 2. those outside of their topic's set of brokers;
//! 3. those that share a rack with others of the partition, the fullest rack first;
//! 4. those of which the topic has more on their broker than its band allows;
//! 5. those whose going evens the brokers out most ([`uneven_by`]).
//!
//! Each choice sees what the choices before it left, and all are made anew when the rest is known. Whether the replicas
//! that stay are in sync is not known here: whoever carries the plan out has to look.
//!
//! Too few racks for the factor is no error: the plan says that the goal can't be met.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::broker_sets::BrokerSets;
use crate::evenness::uneven_by;
use crate::limits::{Limits, Totals, sum_brokers, totals_of};
use crate::model::{Model, NONE, RESOURCES, Replica};
use crate::options::Options;
use crate::task::Task;

/// A model with other replicas than the one it was made from. Brokers, topics and partitions are the same, by the same
/// indices.
#[derive(Debug)]
pub(crate) struct Changed {
    /// With the replicas that are to be there. New ones have no broker.
    pub(crate) model: Model,
    /// By replica of the changed model: its index in the given one, or [`NONE`] for a new one.
    pub(crate) origin: Vec<u32>,
    /// Replicas of the given model that go, ascending.
    pub(crate) removed: Vec<u32>,
}

/// Why a replication factor can't be had.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
pub enum ReplicationFactorError {
    /// A partition has a replica.
    #[error("a replication factor of 0 would delete the data: ask for 1 at least")]
    Zero,
    /// Kafka counts replicas in 16 bits.
    #[error("a replication factor of {0} is too large: Kafka allows {max} at most", max = i16::MAX)]
    TooLarge(u32),
    /// Each replica has a broker of its own.
    #[error(
        "a replication factor of {factor} needs as many brokers, and {brokers} may hold replicas: \
         add brokers or ask for {brokers} at most"
    )]
    TooFewBrokers {
        /// What was asked for.
        factor: u32,
        /// How many brokers are neither dead nor to be emptied nor excluded.
        brokers: u32,
    },
    /// There are no such topics.
    #[error("no topic is named {names}: name topics of the model, or none to change all", names = listed(.0))]
    UnknownTopics(Vec<String>),
}

fn listed(names: &[String]) -> String {
    const SHOWN: usize = 10;
    let mut text =
        names.iter().take(SHOWN).map(|name| format!("\"{name}\"")).collect::<Vec<_>>().join(", ");
    if names.len() > SHOWN {
        text.push_str(&format!(" and {} more", names.len() - SHOWN));
    }
    text
}

/// Gives the topics of these names that many replicas for each partition. No names are all topics that aren't excluded.
pub(crate) fn with_replication_factor(
    model: &Model,
    options: &Options,
    topics: &BTreeSet<String>,
    factor: u32,
) -> Result<Changed, ReplicationFactorError> {
    let task = Task::new(model, options);
    check(&task, topics, factor)?;
    let wanted: Vec<Option<u32>> = model
        .topics
        .iter()
        .map(|topic| if topics.is_empty() { !topic.excluded } else { topics.contains(&topic.name) })
        .map(|named| named.then_some(factor))
        .collect();
    let mut gone = vec![false; model.replicas.len()];
    let mut changed = Changed::new(model, &wanted, &gone);
    for _ in 0..ROUNDS {
        let before = gone.clone();
        let after = Task::new(&changed.model, options);
        let limits = Limits::new(&after);
        let mut choice = Choice::new(&task, &limits, gone);
        for (topic, wanted) in wanted.iter().enumerate() {
            if let Some(factor) = wanted {
                choice.choose(topic as u32, *factor as usize);
            }
        }
        gone = choice.gone;
        if gone == before {
            break;
        }
        changed = Changed::new(model, &wanted, &gone);
    }
    changed.model.keep_sums_exact([0.0; RESOURCES]);
    Ok(changed)
}

/// Replicas that go are chosen so often: the first choices were made when most of what goes was still there.
const ROUNDS: u32 = 3;

fn check(
    task: &Task<'_>,
    topics: &BTreeSet<String>,
    factor: u32,
) -> Result<(), ReplicationFactorError> {
    if factor == 0 {
        return Err(ReplicationFactorError::Zero);
    }
    if factor > i16::MAX as u32 {
        return Err(ReplicationFactorError::TooLarge(factor));
    }
    let known =
        |name: &String| task.model.topics.binary_search_by(|topic| topic.name.cmp(name)).is_ok();
    let unknown: Vec<String> = topics.iter().filter(|name| !known(name)).cloned().collect();
    if !unknown.is_empty() {
        return Err(ReplicationFactorError::UnknownTopics(unknown));
    }
    let brokers = task.roles.iter().filter(|role| role.counted).count() as u32;
    if factor > brokers {
        return Err(ReplicationFactorError::TooFewBrokers { factor, brokers });
    }
    Ok(())
}

impl Changed {
    /// The given model without the replicas that go, and with new ones up to the factor that each topic is to have. A
    /// topic of which nothing is wanted stays as it is.
    fn new(model: &Model, wanted: &[Option<u32>], gone: &[bool]) -> Self {
        let replicas = Vec::with_capacity(model.replicas.len());
        let mut changed = Self {
            model: Model {
                racks: model.racks.clone(),
                hosts: model.hosts.clone(),
                brokers: model.brokers.clone(),
                log_dirs: model.log_dirs.clone(),
                topics: model.topics.clone(),
                partitions: model.partitions.clone(),
                replicas,
                units: model.units,
            },
            origin: Vec::with_capacity(model.replicas.len()),
            removed: (0..)
                .zip(gone)
                .filter(|(_, gone)| **gone)
                .map(|(replica, _)| replica)
                .collect(),
        };
        for (index, partition) in (0..).zip(&model.partitions) {
            let stay: Vec<u32> =
                model.replicas_of(index).filter(|replica| !gone[*replica as usize]).collect();
            let wanted = wanted[partition.topic as usize].map_or(0, |factor| factor as usize);
            changed.put(model, index, &stay, wanted.max(stay.len()));
        }
        changed
    }

    /// Puts a partition of the given model behind those that were put before it.
    fn put(&mut self, model: &Model, partition: u32, stay: &[u32], wanted: usize) {
        let before = &model.partitions[partition as usize];
        let first = self.model.replicas.len() as u32;
        for replica in stay {
            self.model.replicas.push(model.replicas[*replica as usize].clone());
            self.origin.push(*replica);
        }
        // A partition of a checked model has a replica.
        let pattern = if before.leader == NONE { before.first_replica } else { before.leader };
        for _ in stay.len()..wanted {
            let load = model.replicas[pattern as usize].load;
            self.model.replicas.push(Replica { partition, broker: NONE, log_dir: NONE, load });
            self.origin.push(NONE);
        }
        let after = &mut self.model.partitions[partition as usize];
        after.first_replica = first;
        after.replicas = wanted as u32;
        let place = stay.iter().position(|replica| *replica == before.leader);
        after.leader = place.map_or(NONE, |place| first + place as u32);
    }
}

/// Chooses which replicas go.
struct Choice<'a> {
    task: &'a Task<'a>,
    limits: &'a Limits,
    sets: BrokerSets,
    /// By replica: whether it goes.
    gone: Vec<bool>,
    /// By broker: what is left on it.
    sums: Vec<Totals>,
    /// The topic whose turn it is, and its replicas by broker.
    topic: u32,
    of_topic: Vec<u32>,
}

impl<'a> Choice<'a> {
    /// With what was chosen before, and limits for what is to be there.
    fn new(task: &'a Task<'a>, limits: &'a Limits, gone: Vec<bool>) -> Self {
        let model = task.model;
        let place = |(replica, gone): (&Replica, &bool)| if *gone { NONE } else { replica.broker };
        let brokers: Vec<u32> = model.replicas.iter().zip(&gone).map(place).collect();
        let leaders: Vec<u32> = model.partitions.iter().map(|partition| partition.leader).collect();
        Self {
            task,
            limits,
            sets: task.sets.clone(),
            gone,
            sums: sum_brokers(model, &brokers, &leaders),
            topic: 0,
            of_topic: vec![0; model.brokers.len()],
        }
    }

    /// Chooses anew what goes of a topic, partition by partition.
    fn choose(&mut self, topic: u32, factor: usize) {
        let model = self.task.model;
        self.topic = topic;
        self.of_topic.fill(0);
        for partition in model.partitions_of(topic) {
            for replica in
                model.replicas_of(partition).filter(|replica| !self.gone[*replica as usize])
            {
                if let Some(count) =
                    self.of_topic.get_mut(model.replicas[replica as usize].broker as usize)
                {
                    *count += 1;
                }
            }
        }
        for partition in model.partitions_of(topic) {
            let mut stay: Vec<u32> = model.replicas_of(partition).collect();
            for replica in &stay {
                self.set_gone(*replica, false);
            }
            while stay.len() > factor {
                let goes = stay.remove(self.least_needed(partition, &stay));
                self.set_gone(goes, true);
            }
        }
    }

    /// The place in the list of the replica that goes: never that of the one that is to lead, unless it is the only one.
    /// Of equal ones the last goes.
    fn least_needed(&self, partition: u32, replicas: &[u32]) -> usize {
        let leader = self.is_to_lead(partition, replicas);
        let mut least: Option<(usize, Need, f64)> = None;
        for (place, replica) in replicas.iter().copied().enumerate() {
            let (need, gain) = if Some(replica) == leader {
                (Need { held: Held::Leads, ..Need::default() }, 0.0)
            } else {
                self.need(replica, replicas)
            };
            let less = least.as_ref().is_none_or(|(_, other, least)| {
                need.cmp(other).then(least.total_cmp(&gain)).is_le()
            });
            if less {
                least = Some((place, need, gain));
            }
        }
        least.map_or(0, |(place, ..)| place)
    }

    /// The replica that has to stay for leadership: who leads now, unless it is stranded and another could, or else the
    /// last that could.
    fn is_to_lead(&self, partition: u32, replicas: &[u32]) -> Option<u32> {
        let leader = self.task.model.partitions[partition as usize].leader;
        let mut able = replicas.iter().filter(|replica| self.could_lead(partition, **replica));
        let (one, another) = (able.next(), able.next());
        if replicas.contains(&leader) && (one.is_none() || !self.task.is_stranded(leader)) {
            return Some(leader);
        }
        one.filter(|_| another.is_none()).copied()
    }

    /// Whether a replica may lead, and its broker has room for that beside what it has.
    fn could_lead(&self, partition: u32, replica: u32) -> bool {
        let model = self.task.model;
        let broker = model.replicas[replica as usize].broker;
        let extra = &model.partitions[partition as usize].leader_extra;
        self.task.may_lead(replica, broker) && {
            let (sums, caps) =
                (&self.sums[broker as usize], &self.limits.brokers[broker as usize].cap);
            let mut all = extra.iter().zip(sums).zip(caps);
            all.all(|((extra, sum), cap)| *extra == 0 || sum + extra <= *cap)
        }
    }

    /// How much the partition needs a replica beside the others, and how much its going evens out.
    fn need(&self, replica: u32, replicas: &[u32]) -> (Need, f64) {
        let model = self.task.model;
        let broker = model.replicas[replica as usize].broker;
        if model.is_offline(replica) {
            return (Need::default(), 0.0);
        }
        let rack = |replica: u32| {
            let broker = model.replicas[replica as usize].broker;
            model.brokers.get(broker as usize).map(|broker| broker.rack)
        };
        let need = Need {
            held: if self.task.is_stranded(replica) { Held::HasToGo } else { Held::Stays },
            in_set: self.sets.allow(self.topic, broker),
            in_rack: Reverse(
                replicas.iter().filter(|other| rack(**other) == rack(replica)).count(),
            ),
            in_band: self.of_topic[broker as usize]
                <= self.limits.topics[self.topic as usize].replicas.1,
        };
        let (sums, shares) = (&self.sums[broker as usize], &self.limits.shares[broker as usize]);
        (need, uneven_by(&self.totals_of(replica), sums, shares))
    }

    /// What a replica costs its broker now.
    fn totals_of(&self, replica: u32) -> Totals {
        let model = self.task.model;
        let partition = model.replicas[replica as usize].partition;
        totals_of(model, replica, model.partitions[partition as usize].leader == replica)
    }

    /// Takes a replica away, or puts it back.
    fn set_gone(&mut self, replica: u32, gone: bool) {
        if std::mem::replace(&mut self.gone[replica as usize], gone) == gone {
            return;
        }
        let broker = self.task.model.replicas[replica as usize].broker as usize;
        let totals = self.totals_of(replica);
        let sign = if gone { -1 } else { 1 };
        if let Some(sums) = self.sums.get_mut(broker) {
            self.of_topic[broker] = self.of_topic[broker].wrapping_add_signed(sign);
            for (sum, amount) in sums.iter_mut().zip(totals) {
                *sum += i64::from(sign) * amount;
            }
        }
    }
}

/// How much a partition needs a replica: in the order of the fields.
#[derive(Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
struct Need {
    held: Held,
    in_set: bool,
    in_rack: Reverse<usize>,
    in_band: bool,
}

#[derive(Debug, Default, Eq, Ord, PartialEq, PartialOrd)]
enum Held {
    #[default]
    Offline,
    HasToGo,
    Stays,
    Leads,
}

#[cfg(test)]
mod tests;
