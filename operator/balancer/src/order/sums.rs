//! What every broker, machine and directory holds on the way, and whether a step fits.

use std::collections::BTreeMap;

use super::Leaving;
use super::waiting::{Blocked, Place};
use crate::broker_sets::BrokerSets;
use crate::goal::Goal;
use crate::limits::{Limits, REPLICAS, UNLIMITED};
use crate::model::{Load, Model, NONE, Partition, RESOURCES, Resource};
use crate::task::Task;

const DISK: usize = Resource::Disk as usize;

/// How many sums of a broker hard goals limit: those of the resources, and its replicas.
pub(super) const LIMITED: usize = REPLICAS + 1;

/// Sums that hard goals limit, in the order of a broker's totals.
pub(super) type Amounts = [i64; LIMITED];

/// What a step adds and takes away. A broker that isn't there is [`NONE`].
#[derive(Clone, Copy, Debug)]
pub(super) struct Delta {
    pub(super) topic: u32,
    /// What the replica costs that comes, goes, or changes its directory.
    pub(super) load: Load,
    /// The broker that it leaves, and the one that it comes to.
    pub(super) brokers: [u32; 2],
    /// The directories of the same.
    pub(super) log_dirs: [u32; 2],
    /// What leading costs on top.
    pub(super) leader_extra: Load,
    /// The brokers that lead before and after.
    pub(super) leaders: [u32; 2],
}

impl Delta {
    /// What a broker loses (`side` 0) or gains (`side` 1), in the order that it is told. At most two brokers do.
    fn each(&self, side: usize) -> [(u32, Amounts); 2] {
        let (broker, leader) = (self.brokers[side], self.leaders[side]);
        let mut by_replica = [0; LIMITED];
        let mut by_leader = [0; LIMITED];
        if broker != NONE {
            by_replica[..RESOURCES].copy_from_slice(&self.load);
            by_replica[REPLICAS] = 1;
        }
        if leader == NONE || leader == self.leaders[1 - side] {
            return [(broker, by_replica), (NONE, by_leader)];
        }
        if leader == broker {
            add(&mut by_replica, &self.leader_extra);
            return [(broker, by_replica), (NONE, by_leader)];
        }
        by_leader[..RESOURCES].copy_from_slice(&self.leader_extra);
        [(broker, by_replica), (leader, by_leader)]
    }
}

fn add(sums: &mut [i64], amounts: &[i64]) {
    for (sum, amount) in sums.iter_mut().zip(amounts) {
        *sum += amount;
    }
}

/// The sums of everything at the point that the steps have reached.
pub(super) struct Sums<'a> {
    model: &'a Model,
    limits: &'a Limits,
    /// By broker.
    brokers: Vec<Amounts>,
    /// By machine.
    hosts: Vec<Load>,
    /// By directory.
    log_dirs: Vec<i64>,
    /// Whether any machine has a limit of its own.
    hosts_limited: bool,
    /// Whether directories may be filled to their capacity only: someone cares for disks.
    log_dirs_limited: bool,
    /// Of topics that every broker leads some of: how many each does.
    leaders: BTreeMap<(u32, u32), i64>,
    /// By broker: whether it has to lead its share of them.
    leads: Vec<bool>,
    sets: BrokerSets,
}

impl<'a> Sums<'a> {
    pub(super) fn new(task: &Task<'a>, limits: &'a Limits, leaving: &[Leaving]) -> Self {
        let model = task.model;
        let mut sums = Self {
            model,
            limits,
            brokers: vec![[0; LIMITED]; model.brokers.len()],
            hosts: vec![[0; RESOURCES]; model.hosts.len()],
            log_dirs: vec![0; model.log_dirs.len()],
            hosts_limited: limits.hosts.iter().flatten().any(|limit| *limit != UNLIMITED),
            log_dirs_limited: task.options.has(Goal::DiskCapacity)
                || task.options.has(Goal::IntraBrokerDiskCapacity),
            leaders: BTreeMap::new(),
            leads: task.roles.iter().map(|role| role.counted && role.leads).collect(),
            sets: task.sets.clone(),
        };
        for replica in model.replicas.iter().chain(leaving.iter().map(|leaving| &leaving.replica)) {
            if let Some(sum) = sums.brokers.get_mut(replica.broker as usize) {
                add(sum, &replica.load);
                sum[REPLICAS] += 1;
            }
            if let Some(sum) = sums.log_dirs.get_mut(replica.log_dir as usize) {
                *sum += replica.load[DISK];
            }
        }
        for partition in model.partitions.iter().filter(|partition| partition.leader != NONE) {
            let broker = model.replicas[partition.leader as usize].broker;
            if broker == NONE {
                continue;
            }
            sums.add_leader(partition, broker);
        }
        for goes in leaving.iter().filter(|goes| goes.leads) {
            sums.add_leader(
                &model.partitions[goes.replica.partition as usize],
                goes.replica.broker,
            );
        }
        for (broker, amounts) in model.brokers.iter().zip(&sums.brokers) {
            add(&mut sums.hosts[broker.host as usize], amounts);
        }
        sums
    }

    fn add_leader(&mut self, partition: &Partition, broker: u32) {
        add(&mut self.brokers[broker as usize], &partition.leader_extra);
        if self.limits.topics[partition.topic as usize].min_leaders > 0 {
            *self.leaders.entry((partition.topic, broker)).or_default() += 1;
        }
    }

    /// How much more fits. What is above its limit has less than no room.
    pub(super) fn room(&self, place: Place) -> i64 {
        let left = |limit: i64, sum: i64| if limit == UNLIMITED { UNLIMITED } else { limit - sum };
        match place {
            Place::Broker(broker, dimension) => {
                let (broker, dimension) = (broker as usize, dimension as usize);
                left(self.limits.brokers[broker].cap[dimension], self.brokers[broker][dimension])
            }
            Place::Host(host, resource) => {
                let (host, resource) = (host as usize, resource as usize);
                left(self.limits.hosts[host][resource], self.hosts[host][resource])
            }
            Place::LogDir(dir) => {
                let capacity = self.model.log_dirs[dir as usize].capacity;
                let known = self.log_dirs_limited && capacity > 0;
                if known { capacity - self.log_dirs[dir as usize] } else { UNLIMITED }
            }
            Place::Leaders(topic, broker) => {
                let min = i64::from(self.limits.topics[topic as usize].min_leaders);
                if min == 0 || !self.leads[broker as usize] || !self.sets.allow(topic, broker) {
                    return UNLIMITED;
                }
                let count = self.leaders.get(&(topic, broker)).copied().unwrap_or_default();
                // One that has too few already isn't broken by having fewer still.
                if count < min { UNLIMITED } else { count - min }
            }
            Place::Partition(_) => 0,
        }
    }

    /// Whether a broker is above a limit.
    pub(super) fn is_above(&self, broker: u32) -> bool {
        self.limits.brokers[broker as usize]
            .cap
            .iter()
            .zip(&self.brokers[broker as usize])
            .any(|(cap, sum)| sum > cap)
    }

    /// Whether a broker has no room for so much more.
    pub(super) fn is_short(&self, broker: u32, more: &Amounts) -> bool {
        self.lacking(broker, more).is_some()
    }

    /// The first limit of a broker that so much more would break. What is above it already stays as long as nothing comes.
    fn lacking(&self, broker: u32, more: &Amounts) -> Option<usize> {
        let (caps, sums) =
            (&self.limits.brokers[broker as usize].cap, &self.brokers[broker as usize]);
        (0..LIMITED).find(|dimension| {
            more[*dimension] > 0 && sums[*dimension] + more[*dimension] > caps[*dimension]
        })
    }

    /// Whether a directory has no room for so much more.
    pub(super) fn is_log_dir_short(&self, dir: u32, more: i64) -> bool {
        more > 0 && more > self.room(Place::LogDir(dir))
    }

    /// Whether a machine is above a limit.
    pub(super) fn is_host_above(&self, host: u32) -> bool {
        self.limits.hosts[host as usize]
            .iter()
            .zip(&self.hosts[host as usize])
            .any(|(limit, sum)| sum > limit)
    }

    /// Whether a broker leads too few partitions of a topic.
    pub(super) fn lacks_leaders(&self, topic: u32, broker: u32) -> bool {
        let min = i64::from(self.limits.topics[topic as usize].min_leaders);
        min > 0
            && self.leads[broker as usize]
            && self.sets.allow(topic, broker)
            && self.leaders.get(&(topic, broker)).copied().unwrap_or_default() < min
    }

    /// Whether a step can be done now.
    pub(super) fn fits(&self, delta: &Delta) -> Result<(), Blocked> {
        let check = |place: Place, needed: i64| {
            if needed > 0 && needed > self.room(place) {
                Err(Blocked { place, needed })
            } else {
                Ok(())
            }
        };
        let gains = delta.each(1);
        for (broker, more) in gains.iter().filter(|(broker, _)| *broker != NONE) {
            if let Some(dimension) = self.lacking(*broker, more) {
                let place = Place::Broker(*broker, dimension as u8);
                return Err(Blocked { place, needed: more[dimension] });
            }
            if self.hosts_limited {
                let host = self.model.brokers[*broker as usize].host;
                let net = self.net_of_host(delta, host);
                for (resource, net) in net.into_iter().enumerate() {
                    check(Place::Host(host, resource as u8), net)?;
                }
            }
        }
        if delta.log_dirs[1] != NONE {
            check(Place::LogDir(delta.log_dirs[1]), delta.load[DISK])?;
        }
        let [from, to] = delta.leaders;
        if from != NONE && from != to {
            check(Place::Leaders(delta.topic, from), 1)?;
        }
        Ok(())
    }

    fn net_of_host(&self, delta: &Delta, host: u32) -> Load {
        let mut net = [0; RESOURCES];
        for (side, sign) in [(0, -1), (1, 1)] {
            for (broker, amounts) in delta.each(side) {
                if broker != NONE && self.model.brokers[broker as usize].host == host {
                    net.iter_mut().zip(amounts).for_each(|(net, amount)| *net += sign * amount);
                }
            }
        }
        net
    }

    /// Does a step, and tells where there is more room now.
    pub(super) fn apply(&mut self, delta: &Delta, freed: &mut impl FnMut(Place)) {
        for (side, sign) in [(1, 1), (0, -1)] {
            for (broker, amounts) in delta.each(side).iter().filter(|(broker, _)| *broker != NONE) {
                let signed = amounts.map(|amount| sign * amount);
                add(&mut self.brokers[*broker as usize], &signed);
                let host = self.model.brokers[*broker as usize].host;
                if self.hosts_limited {
                    add(&mut self.hosts[host as usize], &signed);
                }
                if side == 1 {
                    continue;
                }
                (0..LIMITED)
                    .filter(|dimension| amounts[*dimension] > 0)
                    .for_each(|dimension| freed(Place::Broker(*broker, dimension as u8)));
                if self.hosts_limited {
                    (0..RESOURCES)
                        .filter(|resource| amounts[*resource] > 0)
                        .for_each(|resource| freed(Place::Host(host, resource as u8)));
                }
            }
        }
        let [from, to] = delta.log_dirs;
        if let Some(sum) = self.log_dirs.get_mut(to as usize) {
            *sum += delta.load[DISK];
        }
        if let Some(sum) = self.log_dirs.get_mut(from as usize) {
            *sum -= delta.load[DISK];
            freed(Place::LogDir(from));
        }
        let [from, to] = delta.leaders;
        if from != to && self.limits.topics[delta.topic as usize].min_leaders > 0 {
            if let Some(count) = self.leaders.get_mut(&(delta.topic, from)) {
                *count -= 1;
            }
            if to != NONE {
                *self.leaders.entry((delta.topic, to)).or_default() += 1;
                freed(Place::Leaders(delta.topic, to));
            }
        }
    }
}
