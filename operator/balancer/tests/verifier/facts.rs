//! What doesn't change while a plan runs: brokers and what may be asked of them, machines, racks, topics.

use std::collections::{BTreeMap, BTreeSet};

use taffrail_balancer::document::{BrokerState, Cluster, LogDirState};
use taffrail_balancer::{Goal, Operation, Options};

use super::amount::{DISK, RESOURCES, amounts, in_order};

/// Brokers and topics in the document's order.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) brokers: Vec<Broker>,
    pub(super) by_id: BTreeMap<i32, usize>,
    /// The brokers of each machine.
    pub(super) hosts: Vec<Vec<usize>>,
    pub(super) topics: Vec<Topic>,
    by_name: BTreeMap<String, usize>,
    /// There are new brokers, and only they receive.
    pub(super) any_new: bool,
}

#[derive(Debug)]
pub(super) struct Broker {
    pub(super) id: i32,
    pub(super) rack: usize,
    pub(super) host: usize,
    pub(super) capacity: [f64; RESOURCES],
    pub(super) dirs: Vec<LogDir>,
    pub(super) dead: bool,
    /// Everything on it has to go.
    pub(super) closed: bool,
    /// It is there to hold its share.
    pub(super) counted: bool,
    /// Replicas may come to it.
    pub(super) receives: bool,
    /// It may lead.
    pub(super) leads: bool,
    /// It may keep what it leads, but is not to be given more.
    pub(super) keeps_leading: bool,
}

#[derive(Debug)]
pub(super) struct LogDir {
    pub(super) path: String,
    pub(super) capacity: f64,
    pub(super) online: bool,
    /// Everything in it has to go.
    pub(super) closed: bool,
}

#[derive(Debug)]
pub(super) struct Topic {
    pub(super) name: String,
    pub(super) excluded: bool,
    pub(super) min_leaders: u32,
    /// The brokers that it is to stay on, when there are sets.
    pub(super) set: Option<BTreeSet<usize>>,
}

impl Facts {
    pub(super) fn of(cluster: &Cluster, options: &Options) -> Self {
        let any_new = match &options.operation {
            Operation::AddBrokers(ids) => !ids.is_empty(),
            _ => cluster.brokers.iter().any(|broker| broker.state == BrokerState::New),
        };
        let mut racks = BTreeMap::new();
        let mut hosts: Vec<Vec<usize>> = Vec::new();
        let mut host_names = BTreeMap::new();
        let mut brokers = Vec::new();
        for (index, broker) in cluster.brokers.iter().enumerate() {
            // A broker without a name for its rack or machine has one of its own: no name has a zero byte.
            let own = format!("\0{}", broker.id);
            let next = racks.len();
            // Brokers of one machine without a rack fall with the machine.
            let alone =
                || broker.host.as_ref().map_or_else(|| own.clone(), |host| format!("\0{host}"));
            let rack = *racks.entry(broker.rack.clone().unwrap_or_else(alone)).or_insert(next);
            let host = *host_names.entry(broker.host.clone().unwrap_or(own)).or_insert_with(|| {
                hosts.push(Vec::new());
                hosts.len() - 1
            });
            hosts[host].push(index);
            brokers.push(broker_of(broker, options, any_new, rack, host));
        }
        let by_id = brokers.iter().enumerate().map(|(index, broker)| (broker.id, index)).collect();
        let names =
            cluster.topics.iter().enumerate().map(|(index, topic)| (topic.name.clone(), index));
        let mut facts =
            Self { brokers, by_id, hosts, topics: Vec::new(), by_name: names.collect(), any_new };
        facts.topics = cluster
            .topics
            .iter()
            .map(|topic| Topic {
                name: topic.name.clone(),
                excluded: topic.excluded,
                min_leaders: topic.min_leaders_per_broker,
                set: facts.set_of(topic, options),
            })
            .collect();
        facts
    }

    /// The set that a topic is told to be in, or else the one that has most of its bytes, or else of its replicas. A
    /// broker that several sets name belongs to the first.
    fn set_of(
        &self,
        topic: &taffrail_balancer::document::Topic,
        options: &Options,
    ) -> Option<BTreeSet<usize>> {
        if !options.has(Goal::BrokerSetAware) {
            return None;
        }
        let mut taken = BTreeSet::new();
        let mut sets: Vec<(&String, BTreeSet<usize>)> = Vec::new();
        for (name, ids) in &options.broker_sets {
            let indices = ids.iter().filter_map(|id| self.by_id.get(id).copied());
            sets.push((name, indices.filter(|index| taken.insert(*index)).collect()));
        }
        if let Some(name) = options.topic_sets.get(&topic.name) {
            let named = sets.iter().find(|(other, _)| *other == name);
            return named.map(|(_, set)| set.clone());
        }
        let mut best: Option<((i128, usize), BTreeSet<usize>)> = None;
        for (_, set) in sets {
            let replicas = topic.partitions.iter().flat_map(|partition| &partition.replicas);
            let inside: Vec<i128> = replicas
                .filter(|replica| {
                    self.by_id.get(&replica.broker).is_some_and(|broker| set.contains(broker))
                })
                .map(|replica| amounts(&replica.load)[DISK])
                .collect();
            let held = (inside.iter().sum(), inside.len());
            if best.as_ref().is_none_or(|(most, _)| held > *most) {
                best = Some((held, set));
            }
        }
        best.map(|(_, set)| set)
    }

    pub(super) fn topic_index(&self, name: &str) -> Option<usize> {
        self.by_name.get(name).copied()
    }

    /// Machines of more than one broker that isn't dead. A machine of one broker has that broker's limits.
    pub(super) fn shared_hosts(&self) -> impl Iterator<Item = &Vec<usize>> {
        let alive = |brokers: &&Vec<usize>| {
            brokers.iter().filter(|broker| !self.brokers[**broker].dead).count()
        };
        self.hosts.iter().filter(move |brokers| alive(brokers) > 1)
    }

    /// What the brokers of a machine can carry together: all but the dead.
    pub(super) fn host_capacity(&self, brokers: &[usize], resource: usize) -> f64 {
        let alive =
            brokers.iter().map(|broker| &self.brokers[*broker]).filter(|broker| !broker.dead);
        alive.map(|broker| broker.capacity[resource]).sum()
    }
}

impl Topic {
    /// Whether its set of brokers has this one, or it has none.
    pub(super) fn may_be_on(&self, broker: usize) -> bool {
        self.set.as_ref().is_none_or(|set| set.contains(&broker))
    }
}

fn broker_of(
    broker: &taffrail_balancer::document::Broker,
    options: &Options,
    any_new: bool,
    rack: usize,
    host: usize,
) -> Broker {
    let id = broker.id;
    let operation = &options.operation;
    let removed = matches!(operation, Operation::RemoveBrokers(ids) if ids.contains(&id));
    let demoted = broker.state == BrokerState::Demoted
        || matches!(operation, Operation::Demote(ids) if ids.contains(&id));
    let new = match operation {
        Operation::AddBrokers(ids) => ids.contains(&id),
        _ => broker.state == BrokerState::New,
    };
    let dead = broker.state == BrokerState::Dead;
    let closed = dead || broker.state == BrokerState::Draining || removed;
    let emptied = |path: &str| matches!(operation, Operation::RemoveLogDirs(dirs) if dirs.contains(&(id, path.to_owned())));
    let dir = |path: &str, capacity: f64, online: bool| LogDir {
        path: path.to_owned(),
        capacity,
        online: online && !dead,
        closed: closed || !online || emptied(path),
    };
    let dirs = if broker.log_dirs.is_empty() {
        vec![dir("", broker.capacity.disk, true)]
    } else {
        let online = |state: LogDirState| state == LogDirState::Online;
        broker
            .log_dirs
            .iter()
            .map(|log_dir| dir(&log_dir.path, log_dir.capacity, online(log_dir.state)))
            .collect()
    };
    let mut capacity = in_order(&broker.capacity);
    if !closed {
        // What is in directories that are to be emptied can't be used.
        let lost: f64 = dirs.iter().filter(|dir| dir.closed).map(|dir| dir.capacity).sum();
        capacity[DISK] = (capacity[DISK] - lost).max(0.0);
    }
    let counted =
        !options.excluded_for_replicas.contains(&id) && dirs.iter().any(|dir| !dir.closed);
    Broker {
        id,
        rack,
        host,
        capacity,
        dirs,
        dead,
        closed,
        counted,
        receives: counted && (new || !any_new),
        leads: !closed && !demoted && !options.excluded_for_leadership.contains(&id),
        keeps_leading: !closed && !demoted,
    }
}
