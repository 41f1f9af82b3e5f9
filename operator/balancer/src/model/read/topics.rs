//! Topics of a document, with their partitions and replicas.

use super::amounts::Amounts;
use super::brokers::Brokers;
use super::problem::{Place, Problems, quoted};
use crate::document::{self, BrokerState};
use crate::model::{NONE, Partition, Replica, Topic};

/// A topic may have no more partitions.
pub(crate) const PARTITIONS_MAX: usize = 65_535;

/// What the topics of a document become. A topic without partitions is taken as it is: there is nothing to do for it.
pub(super) struct Topics {
    /// By name, ascending.
    pub(super) topics: Vec<Topic>,
    /// Topic by topic, by number.
    pub(super) partitions: Vec<Partition>,
    /// Partition by partition, in the order of the document.
    pub(super) replicas: Vec<Replica>,
}

impl Topics {
    /// Checks topics and takes them over, one after the other: what is read is freed.
    pub(super) fn read(
        topics: Vec<document::Topic>,
        brokers: &Brokers,
        amounts: &Amounts,
        problems: &mut Problems,
    ) -> Self {
        let mut numbered: Vec<(usize, document::Topic)> = topics.into_iter().enumerate().collect();
        numbered.sort_by(|a, b| (&a.1.name, a.0).cmp(&(&b.1.name, b.0)));
        let mut reader = Reader {
            read: Self {
                topics: Vec::with_capacity(numbered.len()),
                partitions: Vec::with_capacity(amounts.partitions),
                replicas: Vec::with_capacity(amounts.replicas),
            },
            seen: vec![NONE; brokers.brokers.len()],
            brokers,
            amounts,
            problems,
        };
        for (index, topic) in numbered {
            reader.topic(index, topic);
        }
        reader.read
    }
}

struct Reader<'a> {
    read: Topics,
    /// By broker: the last partition that has a replica there. A partition may have any number of replicas, and is not
    /// searched for each.
    seen: Vec<u32>,
    brokers: &'a Brokers,
    amounts: &'a Amounts,
    problems: &'a mut Problems,
}

impl Reader<'_> {
    fn topic(&mut self, index: usize, mut topic: document::Topic) {
        let place = Place::Topic(index, &topic.name);
        if topic.name.is_empty() {
            self.problems.add(place, "name", || "it is empty: give the topic's name".to_owned());
        }
        if self.read.topics.last().is_some_and(|last| last.name == topic.name) {
            self.problems
                .add(place, "name", || "an earlier topic has this name: give each once".to_owned());
        }
        if topic.partitions.len() > PARTITIONS_MAX {
            let count = topic.partitions.len();
            self.problems.add(place, "partitions", || {
                format!("{count} are too many: {PARTITIONS_MAX} is the most")
            });
        }
        let first_partition = self.read.partitions.len() as u32;
        let partitions = std::mem::take(&mut topic.partitions);
        let mut numbered: Vec<(usize, document::Partition)> =
            partitions.into_iter().enumerate().collect();
        numbered.sort_by_key(|(partition_index, partition)| (partition.id, *partition_index));
        let mut last = None;
        for (partition_index, partition) in numbered {
            let place = Place::Partition(index, &topic.name, partition_index, partition.id);
            if partition.id < 0 {
                self.problems.add(place, "id", || "ids are 0 or more".to_owned());
            }
            if last == Some(partition.id) {
                self.problems.add(place, "id", || {
                    "an earlier partition has this id: give each once".to_owned()
                });
            }
            last = Some(partition.id);
            self.partition(index, &topic.name, partition_index, &partition);
        }
        self.read.topics.push(Topic {
            name: topic.name,
            excluded: topic.excluded,
            min_leaders_per_broker: topic.min_leaders_per_broker,
            first_partition,
            partitions: self.read.partitions.len() as u32 - first_partition,
        });
    }

    fn partition(
        &mut self,
        topic: usize,
        name: &str,
        index: usize,
        partition: &document::Partition,
    ) {
        let place = Place::Partition(topic, name, index, partition.id);
        if partition.replicas.is_empty() {
            self.problems.add(place, "replicas", || {
                "there are none: a partition has at least one".to_owned()
            });
        }
        let own = self.read.partitions.len() as u32;
        let first_replica = self.read.replicas.len();
        for (replica_index, replica) in partition.replicas.iter().enumerate() {
            let place = Place::Replica(topic, name, index, partition.id, replica_index);
            let (broker, log_dir) = self.home(place, replica);
            let seen = self.seen.get_mut(broker as usize).map(|last| std::mem::replace(last, own));
            if seen == Some(own) {
                self.problems.add(place, "broker", || {
                    format!(
                        "broker {} has a replica of the partition already: give each broker once",
                        replica.broker
                    )
                });
            }
            let load = self.amounts.load(&replica.load);
            self.read.replicas.push(Replica { partition: own, broker, log_dir, load });
        }
        let leader = partition.leader.map_or(NONE, |id| self.leader(place, id, first_replica));
        self.read.partitions.push(Partition {
            topic: self.read.topics.len() as u32,
            number: partition.id,
            first_replica: first_replica as u32,
            replicas: self.read.replicas.len() as u32 - first_replica as u32,
            leader,
            leader_extra: self.amounts.load(&partition.leader_extra),
        });
    }

    /// Where a replica is: broker and log directory.
    fn home(&mut self, place: Place<'_>, replica: &document::Replica) -> (u32, u32) {
        let Some(broker) = self.brokers.index(replica.broker) else {
            self.problems.add(place, "broker", || unknown_broker(replica.broker));
            return (NONE, NONE);
        };
        let (first, dirs) = self.brokers.log_dirs_of(broker);
        let found = match &replica.log_dir {
            None if dirs.len() == 1 => Some(0),
            None => None,
            // The only directory of a broker that names none has no name to be called by.
            Some(path) if path.is_empty() => None,
            Some(path) => dirs.binary_search_by(|dir| dir.path.cmp(path)).ok(),
        };
        let Some(found) = found else {
            self.problems.add(place, "log_dir", || match &replica.log_dir {
                None => format!(
                    "broker {} has several: say in which of them the replica is",
                    replica.broker
                ),
                Some(path) => format!(
                    "broker {} has no directory {} in its log_dirs",
                    replica.broker,
                    quoted(path)
                ),
            });
            return (broker, NONE);
        };
        (broker, first + found as u32)
    }

    /// The index of the replica on the broker that leads the partition read last.
    ///
    /// A leader on a dead broker, or in a directory that is offline, leads nothing any more: whoever wrote the file saw
    /// the cluster before its controller did. The partition has no leader then, and a plan gives it one.
    fn leader(&mut self, place: Place<'_>, id: i32, first_replica: usize) -> u32 {
        let Some(broker) = self.brokers.index(id) else {
            self.problems.add(place, "leader", || unknown_broker(id));
            return NONE;
        };
        let replicas = &self.read.replicas[first_replica..];
        let Some(offset) = replicas.iter().position(|replica| replica.broker == broker) else {
            self.problems
                .add(place, "leader", || format!("broker {id} has no replica of the partition"));
            return NONE;
        };
        let dead = self.brokers.brokers[broker as usize].state == BrokerState::Dead;
        let dir = self.brokers.log_dirs.get(replicas[offset].log_dir as usize);
        if dead || dir.is_some_and(|dir| !dir.online) {
            NONE
        } else {
            (first_replica + offset) as u32
        }
    }
}

fn unknown_broker(id: i32) -> String {
    format!("no broker has the id {id}: add it to brokers (as dead, if it is gone)")
}
