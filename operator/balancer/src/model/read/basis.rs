//! What a plan was made for, as a hash.

use sha2::{Digest, Sha256};

use crate::document::BrokerState;
use crate::model::{Broker, Model, NONE, Resource};

impl Model {
    /// A hash of the placement, the states and the capacities: SHA-256 in hexadecimal digits.
    ///
    /// It doesn't depend on the order of the file. Loads are not in it: they change by the minute, and a plan made a
    /// minute ago still applies.
    #[must_use]
    pub fn basis(&self) -> String {
        let mut hash = Hash(Sha256::new());
        hash.text("taffrail basis 1");
        hash.count(self.brokers.len());
        for (index, broker) in self.brokers.iter().enumerate() {
            self.hash_broker(&mut hash, index as u32, broker);
        }
        hash.count(self.topics.len());
        for (index, topic) in self.topics.iter().enumerate() {
            hash.text(&topic.name);
            hash.count(topic.partitions as usize);
            for partition in self.partitions_of(index as u32) {
                self.hash_partition(&mut hash, partition);
            }
        }
        hash.0.finalize().iter().map(|byte| format!("{byte:02x}")).collect()
    }

    fn hash_broker(&self, hash: &mut Hash, index: u32, broker: &Broker) {
        hash.number(broker.id);
        hash.text(&self.racks[broker.rack as usize]);
        hash.text(&self.hosts[broker.host as usize].name);
        hash.0.update([match broker.state {
            BrokerState::Alive => 0_u8,
            BrokerState::New => 1,
            BrokerState::Dead => 2,
            BrokerState::Demoted => 3,
            BrokerState::Draining => 4,
        }]);
        for (resource, capacity) in Resource::ALL.into_iter().zip(broker.capacity) {
            hash.capacity(self.amount(resource, capacity));
        }
        hash.count(broker.log_dirs as usize);
        for dir in self.log_dirs_of(index) {
            let dir = &self.log_dirs[dir as usize];
            hash.text(&dir.path);
            hash.capacity(self.amount(Resource::Disk, dir.capacity));
            hash.0.update([u8::from(dir.online)]);
        }
    }

    fn hash_partition(&self, hash: &mut Hash, index: u32) {
        let partition = &self.partitions[index as usize];
        hash.number(partition.number);
        let replicas =
            &self.replicas[partition.first_replica as usize..][..partition.replicas as usize];
        let leader = if partition.leader == NONE {
            NONE
        } else {
            partition.leader - partition.first_replica
        };
        hash.0.update(leader.to_be_bytes());
        hash.count(replicas.len());
        for replica in replicas {
            if replica.broker == NONE {
                hash.number(-1);
                continue;
            }
            let broker = &self.brokers[replica.broker as usize];
            hash.number(broker.id);
            // Its place among the broker's directories, which the hash knows by path.
            hash.0.update((replica.log_dir - broker.first_log_dir).to_be_bytes());
        }
    }
}

/// Every list and text comes with its length, so that no two models give the same bytes.
struct Hash(Sha256);

impl Hash {
    fn text(&mut self, text: &str) {
        self.count(text.len());
        self.0.update(text.as_bytes());
    }

    fn count(&mut self, count: usize) {
        self.0.update((count as u64).to_be_bytes());
    }

    fn number(&mut self, number: i32) {
        self.0.update(number.to_be_bytes());
    }

    /// To the 24 binary places of an `f32`: the model's units are far finer, but follow the loads.
    fn capacity(&mut self, amount: f64) {
        self.0.update((amount as f32).to_be_bytes());
    }
}
