//! Loads and capacities: which amounts are taken, and the fixed point that they are kept in.

use std::fmt;

use super::problem::{Place, Problems};
use crate::document::{BrokerState, Cluster, LogDirState, Resources};
use crate::model::{Load, NONE, RESOURCES, Resource};

/// No amount may be more. It leaves the smallest loads of a cluster enough binary places beside the largest.
pub(crate) const AMOUNT_MAX: f64 = 1e18;
/// The sum over the cluster has so many binary places: a plan may hold eight times as much (a larger replication factor,
/// new partitions) before a sum reaches 2^53, where `f64` is no longer exact.
const SUM_BITS: i32 = 50;
/// Binary places behind the point while the sum is taken.
const FRACTION_BITS: i32 = 32;

/// What the first look at a document gives: how much of everything there is.
pub(super) struct Amounts {
    /// By resource, what one unit is: a power of two.
    pub(super) units: [f64; RESOURCES],
    /// How many partitions there are.
    pub(super) partitions: usize,
    /// How many replicas there are.
    pub(super) replicas: usize,
    /// How many log directories there are, with those that aren't named.
    pub(super) log_dirs: usize,
}

impl Amounts {
    /// Checks every amount in the document, and chooses the units. None: there is more than there are indices for.
    pub(super) fn read(cluster: &Cluster, problems: &mut Problems) -> Option<Self> {
        let mut sums = Sums { sums: [0; RESOURCES], problems };
        let log_dirs = sums.add_brokers(cluster);
        let (partitions, replicas) = sums.add_topics(cluster);
        let units = sums.sums.map(unit);
        let mut fits = true;
        for (field, count) in [
            ("brokers", cluster.brokers.len()),
            ("brokers.log_dirs", log_dirs),
            ("topics", cluster.topics.len()),
            ("topics.partitions", partitions),
            ("topics.partitions.replicas", replicas),
        ] {
            if count >= NONE as usize {
                fits = false;
                problems.add(Place::Cluster, field, || {
                    format!("{count} are too many: {} is the most", NONE - 1)
                });
            }
        }
        fits.then_some(Self { units, partitions, replicas, log_dirs })
    }

    /// Turns amounts into units.
    pub(super) fn load(&self, amounts: &Resources) -> Load {
        in_units(&self.units, amounts)
    }

    /// Turns capacities into units. A broker that has anything of a resource has at least one.
    pub(super) fn capacity(&self, amounts: &Resources) -> Load {
        let given = by_resource(amounts);
        let mut load = self.load(amounts);
        for (units, given) in load.iter_mut().zip(given) {
            *units = (*units).max(i64::from(given > 0.0));
        }
        load
    }

    /// Turns the capacity of a directory into units, in the same way.
    pub(super) fn disk(&self, amount: f64) -> i64 {
        rounded(amount, self.units[Resource::Disk as usize]).max(i64::from(amount > 0.0))
    }
}

/// Turns amounts into units, rounding to the nearest. A load that is very small beside the cluster's may become nothing.
pub(crate) fn in_units(units: &[f64; RESOURCES], amounts: &Resources) -> Load {
    let amounts = by_resource(amounts);
    Resource::ALL.map(|resource| rounded(amounts[resource as usize], units[resource as usize]))
}

fn rounded(amount: f64, unit: f64) -> i64 {
    // Exact: a unit is a power of two.
    (amount / unit).round_ties_even() as i64
}

fn by_resource(amounts: &Resources) -> [f64; RESOURCES] {
    [amounts.cpu, amounts.network_in, amounts.network_out, amounts.disk]
}

/// The finest power of two that keeps the sum (in 2^-`FRACTION_BITS`) within `SUM_BITS`.
fn unit(sum: u128) -> f64 {
    let bits = u128::BITS as i32 - sum.leading_zeros() as i32 - FRACTION_BITS;
    let exponent = if sum == 0 { 0 } else { bits - SUM_BITS };
    let power = (1_u128 << exponent.unsigned_abs()) as f64;
    if exponent < 0 { 1.0 / power } else { power }
}

/// The sums over the cluster, in 2^-`FRACTION_BITS`, each amount rounded up. Whole numbers, so that the order of the file
/// has no say in the units.
struct Sums<'a> {
    sums: [u128; RESOURCES],
    problems: &'a mut Problems,
}

impl Sums<'_> {
    /// Adds the capacities, and counts the log directories.
    fn add_brokers(&mut self, cluster: &Cluster) -> usize {
        let mut log_dirs = 0;
        for (index, broker) in cluster.brokers.iter().enumerate() {
            let place = Place::Broker(index, broker.id);
            self.add(place, "capacity", &broker.capacity, 1);
            let in_use = broker.state != BrokerState::Dead;
            for (resource, capacity) in Resource::ALL.into_iter().zip(by_resource(&broker.capacity))
            {
                if in_use && capacity == 0.0 {
                    self.problems.add(
                        place,
                        format_args!("capacity.{}", resource.name()),
                        no_capacity,
                    );
                }
            }
            log_dirs += broker.log_dirs.len().max(1);
            for (dir_index, dir) in broker.log_dirs.iter().enumerate() {
                let place = Place::LogDir(index, broker.id, dir_index);
                self.add_one(place, "capacity", Resource::Disk, dir.capacity, 1);
                if in_use && dir.state == LogDirState::Online && dir.capacity == 0.0 {
                    self.problems.add(place, "capacity", no_capacity);
                }
            }
        }
        log_dirs
    }

    /// Adds the loads, and counts partitions and replicas.
    fn add_topics(&mut self, cluster: &Cluster) -> (usize, usize) {
        let (mut partitions, mut replicas) = (0, 0);
        for (topic_index, topic) in cluster.topics.iter().enumerate() {
            partitions += topic.partitions.len();
            for (index, partition) in topic.partitions.iter().enumerate() {
                let count = partition.replicas.len();
                replicas += count;
                // Each replica counts as a leader: the potential network out of a broker is a sum too.
                let place = Place::Partition(topic_index, &topic.name, index, partition.id);
                self.add(place, "leader_extra", &partition.leader_extra, count);
                for (replica_index, replica) in partition.replicas.iter().enumerate() {
                    let place = Place::Replica(
                        topic_index,
                        &topic.name,
                        index,
                        partition.id,
                        replica_index,
                    );
                    self.add(place, "load", &replica.load, 1);
                }
            }
        }
        (partitions, replicas)
    }

    fn add(&mut self, place: Place<'_>, field: &str, amounts: &Resources, times: usize) {
        for (resource, amount) in Resource::ALL.into_iter().zip(by_resource(amounts)) {
            let field = format_args!("{field}.{}", resource.name());
            self.add_one(place, field, resource, amount, times);
        }
    }

    fn add_one(
        &mut self,
        place: Place<'_>,
        field: impl fmt::Display,
        resource: Resource,
        amount: f64,
        times: usize,
    ) {
        if (0.0..=AMOUNT_MAX).contains(&amount) {
            let amount = (amount * (1_u64 << FRACTION_BITS) as f64).ceil() as u128;
            let sum = &mut self.sums[resource as usize];
            *sum = sum.saturating_add(amount.saturating_mul(times as u128));
            return;
        }
        self.problems.add(place, field, || {
            if amount.is_nan() {
                "this is no number: give 0 or more".to_owned()
            } else if amount < 0.0 {
                format!("{amount} is less than nothing: give 0 or more")
            } else {
                format!("{amount:e} is too much: {AMOUNT_MAX:e} is the most")
            }
        });
    }
}

fn no_capacity() -> String {
    "nothing can be here without capacity: give what it has, or call it dead or offline if it is"
        .to_owned()
}
