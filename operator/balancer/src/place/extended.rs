//! A model with the new partitions in it, unplaced.

use super::{NewPartitions, by_resource};
use crate::model::{Model, NONE, Partition, Replica, Topic, in_units};

/// A model with new partitions. Brokers have the indices that they had.
pub(super) struct Extended {
    /// The replicas of the new partitions have no broker. The first of each counts as the one that leads, so that what
    /// leading costs is part of the averages.
    pub(super) model: Model,
    /// Index of the topic.
    pub(super) topic: u32,
    /// Index of the first new partition; they follow each other.
    pub(super) first_partition: u32,
    /// How many are new.
    pub(super) partitions: u32,
    /// Replicas of each of them.
    pub(super) factor: u32,
    /// Whether the topic is new.
    pub(super) new_topic: bool,
}

impl Extended {
    /// The new partitions come after those that the topic has. What is asked for has been checked.
    pub(super) fn new(model: &Model, new: &NewPartitions) -> Self {
        let mut model = model.clone();
        let (partitions, factor) = (new.partitions, new.replication_factor);
        let replicas = f64::from(partitions) * f64::from(factor);
        let (load, extra) = (by_resource(&new.load), by_resource(&new.leader_extra));
        model.keep_sums_exact(std::array::from_fn(|resource| {
            replicas * (load[resource] + extra[resource])
        }));
        let (topic, new_topic) = insert_topic(&mut model, &new.topic);
        let before = &model.topics[topic as usize];
        let number = before.partitions as i32;
        let first_partition = before.first_partition + before.partitions;
        let first_replica = model
            .partitions
            .get(first_partition as usize)
            .map_or(model.replicas.len() as u32, |partition| partition.first_replica);
        let mut extended = Self { model, topic, first_partition, partitions, factor, new_topic };
        extended.make_room(first_replica);
        let load = in_units(&extended.model.units, &new.load);
        let leader_extra = in_units(&extended.model.units, &new.leader_extra);
        let added = (0..partitions).map(|index| Partition {
            topic,
            number: number + index as i32,
            first_replica: first_replica + index * factor,
            replicas: factor,
            leader: first_replica + index * factor,
            leader_extra,
        });
        extended.model.partitions.splice(first_partition as usize..first_partition as usize, added);
        let added = (0..partitions * factor).map(|index| Replica {
            partition: first_partition + index / factor,
            broker: NONE,
            log_dir: NONE,
            load,
        });
        extended.model.replicas.splice(first_replica as usize..first_replica as usize, added);
        extended
    }

    /// Moves the indices of what comes after the new partitions.
    fn make_room(&mut self, first_replica: u32) {
        let (partitions, replicas) = (self.partitions, self.partitions * self.factor);
        for topic in &mut self.model.topics[self.topic as usize + 1..] {
            topic.first_partition += partitions;
        }
        self.model.topics[self.topic as usize].partitions += partitions;
        for partition in &mut self.model.partitions[self.first_partition as usize..] {
            partition.first_replica += replicas;
            if partition.leader != NONE {
                partition.leader += replicas;
            }
        }
        for replica in &mut self.model.replicas[first_replica as usize..] {
            replica.partition += partitions;
        }
    }

    /// The replicas of the first new partition: they cost all the same.
    pub(super) fn pattern(&self) -> u32 {
        self.model.partitions[self.first_partition as usize].first_replica
    }
}

/// The index of the topic, and whether it had to be made.
fn insert_topic(model: &mut Model, name: &str) -> (u32, bool) {
    let place = match model.topics.binary_search_by(|topic| topic.name.as_str().cmp(name)) {
        Ok(place) => return (place as u32, false),
        Err(place) => place,
    };
    let first_partition = model
        .topics
        .get(place)
        .map_or(model.partitions.len() as u32, |topic| topic.first_partition);
    for partition in &mut model.partitions[first_partition as usize..] {
        partition.topic += 1;
    }
    let topic = Topic {
        name: name.to_owned(),
        excluded: false,
        min_leaders_per_broker: 0,
        first_partition,
        partitions: 0,
    };
    model.topics.insert(place, topic);
    (place as u32, true)
}
