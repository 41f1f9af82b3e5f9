//! From a [`document::Cluster`](Cluster) to a [`Model`]: the one place where what a file says is believed or refused.
//!
//! Every problem is reported with its place in the file, not only the first. The document is consumed topic by topic.
//! What comes out is in canonical order (racks, topics and paths by name, brokers and partitions by number): the order
//! of a file changes neither a plan nor its basis.
//!
//! Not checked, on purpose: that the directories of a broker add up to its disk, that loads fit into capacities, and
//! that the partitions of a topic are numbered without gaps.

mod amounts;
mod basis;
mod brokers;
mod problem;
mod topics;

pub(crate) use amounts::{AMOUNT_MAX, in_units};
pub use problem::{ModelError, Problem};
pub(crate) use topics::PARTITIONS_MAX;

use crate::document::Cluster;
use crate::model::Model;
use amounts::Amounts;
use brokers::Brokers;
use problem::Problems;
use topics::Topics;

impl Model {
    /// Checks a document and takes it over.
    ///
    /// # Errors
    ///
    /// Everything that is wrong with it: each problem with its place in the file.
    pub fn new(cluster: Cluster) -> Result<Self, ModelError> {
        let mut problems = Problems::default();
        let Some(amounts) = Amounts::read(&cluster, &mut problems) else {
            return Err(problems.into_error());
        };
        let brokers = Brokers::read(cluster.brokers, &amounts, &mut problems);
        let topics = Topics::read(cluster.topics, &brokers, &amounts, &mut problems);
        if !problems.is_empty() {
            return Err(problems.into_error());
        }
        Ok(Self {
            racks: brokers.racks,
            hosts: brokers.hosts,
            brokers: brokers.brokers,
            log_dirs: brokers.log_dirs,
            topics: topics.topics,
            partitions: topics.partitions,
            replicas: topics.replicas,
            units: amounts.units,
        })
    }
}

#[cfg(test)]
mod tests;
