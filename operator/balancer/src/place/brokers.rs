//! Which brokers hold the new partitions.

use std::cmp::Ordering;
use std::collections::BTreeMap;

use super::extended::Extended;
use super::room::Room;
use super::{NewPartitions, PlaceError};
use crate::evenness::uneven_by;
use crate::goal::Goal;
use crate::limits::{Limits, Totals, totals_of};
use crate::model::NONE;
use crate::task::Task;

/// What decides between the brokers that a replica may go to.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum By {
    /// How many replicas of the topic they have.
    Evenness,
    /// How many more they have room for.
    Room,
}

/// A new partition that has a place.
#[derive(Clone, Debug)]
pub(super) struct Placed {
    /// Its brokers.
    pub(super) brokers: Vec<u32>,
    /// The one that leads.
    pub(super) leader: u32,
}

impl Placed {
    /// Its brokers, the one that leads before the others.
    pub(super) fn leader_first(&self) -> Vec<u32> {
        let mut brokers = self.brokers.clone();
        brokers.sort_by_key(|broker| *broker != self.leader);
        brokers
    }
}

/// The brokers that may hold something new.
pub(super) fn open(task: &Task<'_>) -> Vec<u32> {
    let has_open_dir =
        |broker: u32| task.model.log_dirs_of(broker).any(|dir| !task.closed_dirs[dir as usize]);
    (0..task.model.brokers.len() as u32)
        .filter(|broker| task.roles[*broker as usize].counted && has_open_dir(*broker))
        .collect()
}

/// The brokers that may hold the new partitions: at least as many as each has replicas.
pub(super) fn holders(
    task: &Task<'_>,
    extended: &Extended,
    new: &NewPartitions,
) -> Result<Vec<u32>, PlaceError> {
    let open = open(task);
    let sets = task.sets.clone();
    let mut set = sets.topics[extended.topic as usize];
    let members = |set: u32| -> Vec<u32> {
        open.iter()
            .copied()
            .filter(|broker| set == NONE || sets.brokers[*broker as usize] == set)
            .collect()
    };
    if set != NONE && extended.new_topic && !task.options.topic_sets.contains_key(&new.topic) {
        let mut replicas = vec![0_u64; task.model.brokers.len()];
        for replica in &task.model.replicas {
            if let Some(count) = replicas.get_mut(replica.broker as usize) {
                *count += 1;
            }
        }
        let fill = |set: &u32| {
            let members = members(*set);
            let held: u64 = members.iter().map(|broker| replicas[*broker as usize]).sum();
            (members.len() < extended.factor as usize, held as f64 / members.len().max(1) as f64)
        };
        let emptiest = (0..task.options.broker_sets.len() as u32)
            .map(|set| (fill(&set), set))
            .min_by(|(a, _), (b, _)| a.0.cmp(&b.0).then(a.1.total_cmp(&b.1)));
        set = emptiest.map_or(set, |(_, set)| set);
    }
    let holders = members(set);
    if holders.len() < extended.factor as usize {
        return Err(PlaceError::TooFewBrokers {
            factor: extended.factor,
            brokers: holders.len() as u32,
            set: task.options.broker_sets.keys().nth(set as usize).cloned(),
        });
    }
    Ok(holders)
}

/// Chooses the brokers of one partition after the other.
pub(super) struct Chooser<'a> {
    task: &'a Task<'a>,
    limits: &'a Limits,
    extended: &'a Extended,
    holders: &'a [u32],
    /// No broker that may hold the partitions may lead.
    none_leads: bool,
    pub(super) room: Room<'a>,
    /// What a follower costs, and what the leader does on top.
    follower: Totals,
    pub(super) on_top: Totals,
    /// By broker: the topic's replicas on it, and those that lead.
    replicas: Vec<u32>,
    pub(super) leaders: Vec<u32>,
    /// By rack: the topic's replicas on it, and its brokers that may hold some.
    of_rack: Vec<(u32, u32)>,
    /// By broker: with whom it shares how many of the new partitions.
    mates: Vec<BTreeMap<u32, u32>>,
    /// The new partitions that have a place.
    pub(super) placed: Vec<Placed>,
}

/// The brokers that a partition has so far.
struct Partial {
    brokers: Vec<u32>,
    /// By broker: whether it is one of them.
    taken: Vec<bool>,
    /// By rack: how many of them are there.
    on_rack: Vec<u32>,
    /// By broker: how many new partitions it shares with them.
    shared: Vec<u32>,
    /// By rack, by broker: how many more replicas they have room for.
    room: Option<(Vec<f64>, Vec<f64>)>,
}

impl<'a> Chooser<'a> {
    pub(super) fn new(
        task: &'a Task<'a>,
        limits: &'a Limits,
        extended: &'a Extended,
        holders: &'a [u32],
    ) -> Self {
        let model = task.model;
        let follower = totals_of(model, extended.pattern(), false);
        let leader = totals_of(model, extended.pattern(), true);
        let mut chooser = Self {
            task,
            limits,
            extended,
            holders,
            none_leads: !holders.iter().any(|broker| task.roles[*broker as usize].leads),
            room: Room::new(task, limits),
            follower,
            on_top: std::array::from_fn(|dimension| leader[dimension] - follower[dimension]),
            replicas: vec![0; model.brokers.len()],
            leaders: vec![0; model.brokers.len()],
            of_rack: vec![(0, 0); model.racks.len()],
            mates: vec![BTreeMap::new(); model.brokers.len()],
            placed: Vec::with_capacity(extended.partitions as usize),
        };
        for partition in model.partitions_of(extended.topic) {
            for replica in model.replicas_of(partition) {
                let broker = model.replicas[replica as usize].broker;
                if broker != NONE {
                    chooser.replicas[broker as usize] += 1;
                    let leads = model.partitions[partition as usize].leader == replica;
                    chooser.leaders[broker as usize] += u32::from(leads);
                }
            }
        }
        for broker in holders {
            let rack = &mut chooser.of_rack[model.brokers[*broker as usize].rack as usize];
            rack.0 += chooser.replicas[*broker as usize];
            rack.1 += 1;
        }
        chooser
    }

    /// Chooses the brokers of all, or says what stands against it.
    pub(super) fn choose(&mut self, by: By) -> Result<(), Vec<String>> {
        let options = self.task.options;
        let racks_first = options.has(Goal::RackAware) || options.has(Goal::RackAwareDistribution);
        for _ in 0..self.extended.partitions {
            let mut partial = self.start(by);
            for _ in 0..self.extended.factor {
                let Some(broker) = self.best(&partial, racks_first) else {
                    return Err(self.causes(&partial, racks_first));
                };
                self.take(&mut partial, broker);
            }
            self.finish(partial.brokers);
        }
        Ok(())
    }

    fn start(&self, by: By) -> Partial {
        let room = (by == By::Room).then(|| {
            let mut racks = vec![0.0; self.of_rack.len()];
            let mut brokers = vec![0.0; self.replicas.len()];
            for broker in self.holders {
                let times = self.room.times(*broker, &self.follower).0 as f64;
                brokers[*broker as usize] = times;
                racks[self.rack(*broker)] += times.min(f64::from(self.extended.partitions));
            }
            (racks, brokers)
        });
        Partial {
            brokers: Vec::with_capacity(self.extended.factor as usize),
            taken: vec![false; self.replicas.len()],
            on_rack: vec![0; self.of_rack.len()],
            shared: vec![0; self.replicas.len()],
            room,
        }
    }

    fn rack(&self, broker: u32) -> usize {
        self.task.model.brokers[broker as usize].rack as usize
    }

    /// The best broker for another replica of a partition.
    fn best(&self, partial: &Partial, racks_first: bool) -> Option<u32> {
        let least = self.least_on_rack(partial);
        let mut best: Option<Rank> = None;
        for broker in self.left(partial) {
            if racks_first && partial.on_rack[self.rack(broker)] != least {
                continue;
            }
            let mut rank = self.rank(partial, broker);
            // Most brokers are behind already: what is costly to find out isn't needed.
            if best.as_ref().is_some_and(|best| rank.cmp_topic(best).is_gt())
                || self.obstacle(partial, broker).is_some()
            {
                continue;
            }
            rank.load = self.load(partial, broker);
            if best.as_ref().is_none_or(|best| rank.cmp(best).is_lt()) {
                best = Some(rank);
            }
        }
        best.map(|best| best.broker)
    }

    /// The brokers that don't have a replica of the partition yet.
    fn left(&self, partial: &Partial) -> impl Iterator<Item = u32> {
        self.holders.iter().copied().filter(|broker| !partial.taken[*broker as usize])
    }

    /// How many replicas of the partition the racks have that have the fewest, of those that have brokers left.
    fn least_on_rack(&self, partial: &Partial) -> u32 {
        self.left(partial).map(|broker| partial.on_rack[self.rack(broker)]).min().unwrap_or(0)
    }

    /// What keeps a replica from a broker. The first that is chosen has to be able to lead.
    fn obstacle(&self, partial: &Partial, broker: u32) -> Option<&'static str> {
        let amount = if partial.brokers.is_empty() {
            if !self.may_lead(broker) {
                return Some("leadership");
            }
            self.leading()
        } else {
            self.follower
        };
        let (times, name) = self.room.times(broker, &amount);
        (times == 0).then_some(name)
    }

    /// Whether a broker may lead: when none may, all have to.
    pub(super) fn may_lead(&self, broker: u32) -> bool {
        self.task.roles[broker as usize].leads || self.none_leads
    }

    fn leading(&self) -> Totals {
        std::array::from_fn(|dimension| self.follower[dimension] + self.on_top[dimension])
    }

    /// How good a broker is, but for its load.
    fn rank(&self, partial: &Partial, broker: u32) -> Rank {
        let rack = self.rack(broker);
        let (replicas, brokers) = self.of_rack[rack];
        let (fill, replicas) = match &partial.room {
            Some((racks, _)) => (-racks[rack], 0),
            // Halfway to the next one (Sainte-Laguë): racks of different size get their share without a bias.
            None => {
                ((f64::from(replicas) + 0.5) / f64::from(brokers), self.replicas[broker as usize])
            }
        };
        let shared = partial.shared[broker as usize];
        Rank { on_rack: partial.on_rack[rack], rack: fill, replicas, load: 0.0, shared, broker }
    }

    fn load(&self, partial: &Partial, broker: u32) -> f64 {
        let index = broker as usize;
        if let Some((_, room)) = &partial.room {
            return -room[index];
        }
        let with = std::array::from_fn(|dimension| {
            self.room.sums[index][dimension] + self.follower[dimension]
        });
        uneven_by(&self.follower, &with, &self.limits.shares[index])
    }

    fn take(&mut self, partial: &mut Partial, broker: u32) {
        let rack = self.rack(broker);
        partial.on_rack[rack] += 1;
        for (mate, times) in &self.mates[broker as usize] {
            partial.shared[*mate as usize] += times;
        }
        partial.brokers.push(broker);
        partial.taken[broker as usize] = true;
        self.replicas[broker as usize] += 1;
        self.of_rack[rack].0 += 1;
    }

    /// All replicas of a partition have a broker: one of them leads, for now.
    fn finish(&mut self, brokers: Vec<u32>) {
        let leading = self.leading();
        let able = |broker: &u32| self.may_lead(*broker) && self.room.fits(*broker, &leading);
        let leads = |broker: &u32| (!able(broker), self.leaders[*broker as usize]);
        // The first has been chosen so that it is able.
        let leader = brokers.iter().copied().min_by_key(leads).unwrap_or(NONE);
        for broker in &brokers {
            self.room.put(*broker, &self.follower);
            for mate in brokers.iter().filter(|mate| *mate != broker) {
                *self.mates[*broker as usize].entry(*mate).or_default() += 1;
            }
        }
        self.room.put(leader, &self.on_top);
        self.leaders[leader as usize] += 1;
        self.placed.push(Placed { brokers, leader });
    }

    /// What stands against another replica of a partition, and on how many brokers.
    fn causes(&self, partial: &Partial, racks_first: bool) -> Vec<String> {
        let least = self.least_on_rack(partial);
        let mut counts: BTreeMap<&str, u32> = BTreeMap::new();
        let mut on_full_racks = 0;
        for broker in self.left(partial) {
            if racks_first && partial.on_rack[self.rack(broker)] > least {
                on_full_racks += 1;
            } else if let Some(name) = self.obstacle(partial, broker) {
                *counts.entry(name).or_default() += 1;
            }
        }
        let mut causes: Vec<String> = counts
            .into_iter()
            .map(|(name, count)| match name {
                "leadership" => format!("brokers that may not lead: {count}"),
                _ => format!("brokers at their limit of {name}: {count}"),
            })
            .collect();
        if on_full_racks > 0 {
            causes.push(format!(
                "brokers on racks that have their share of the partition: {on_full_racks}"
            ));
        }
        causes
    }
}

/// How good a broker is: the least is the best, in the order of the fields.
struct Rank {
    on_rack: u32,
    rack: f64,
    replicas: u32,
    load: f64,
    shared: u32,
    broker: u32,
}

impl Rank {
    fn cmp_topic(&self, other: &Self) -> Ordering {
        self.on_rack
            .cmp(&other.on_rack)
            .then(self.rack.total_cmp(&other.rack))
            .then(self.replicas.cmp(&other.replicas))
    }

    fn cmp(&self, other: &Self) -> Ordering {
        self.cmp_topic(other)
            .then(self.load.total_cmp(&other.load))
            .then(self.shared.cmp(&other.shared))
            .then(self.broker.cmp(&other.broker))
    }
}
