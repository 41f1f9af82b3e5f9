//! What fits on which broker.

use crate::limits::{Limits, POTENTIAL_OUT, REPLICAS, Totals, UNLIMITED, add, sum_brokers};
use crate::model::{Load, RESOURCES, Resource};
use crate::placement::Placement;
use crate::task::Task;

/// The sums of brokers and machines, against their limits.
pub(super) struct Room<'a> {
    task: &'a Task<'a>,
    limits: &'a Limits,
    /// By broker.
    pub(super) sums: Vec<Totals>,
    /// By machine.
    hosts: Vec<Load>,
}

impl<'a> Room<'a> {
    /// With what is there.
    pub(super) fn new(task: &'a Task<'a>, limits: &'a Limits) -> Self {
        let model = task.model;
        let placement = Placement::of(model);
        let sums = sum_brokers(model, &placement.broker, &placement.leader);
        let mut hosts = vec![[0; RESOURCES]; model.hosts.len()];
        for (broker, sums) in model.brokers.iter().zip(&sums) {
            for (sum, amount) in hosts[broker.host as usize].iter_mut().zip(sums) {
                *sum += amount;
            }
        }
        Self { task, limits, sums, hosts }
    }

    /// How often so much more fits on a broker, and what of it runs out first.
    pub(super) fn times(&self, broker: u32, amount: &Totals) -> (i64, &'static str) {
        let host = self.task.model.brokers[broker as usize].host as usize;
        let cap = &self.limits.brokers[broker as usize].cap;
        let of_broker = self.sums[broker as usize].iter().zip(cap).zip(amount).zip(NAMES);
        let of_host =
            self.hosts[host].iter().zip(&self.limits.hosts[host]).zip(amount).zip(NAMES_OF_HOST);
        of_broker
            .chain(of_host)
            .filter(|(((_, cap), amount), _)| **amount > 0 && **cap != UNLIMITED)
            .map(|(((sum, cap), amount), name)| ((cap - sum).max(0) / amount, name))
            .min_by_key(|(times, _)| *times)
            .unwrap_or((i64::MAX, ""))
    }

    /// Whether so much more fits on a broker.
    pub(super) fn fits(&self, broker: u32, amount: &Totals) -> bool {
        self.times(broker, amount).0 > 0
    }

    /// Puts so much on a broker.
    pub(super) fn put(&mut self, broker: u32, amount: &Totals) {
        add(&mut self.sums[broker as usize], amount);
        let host = &mut self.hosts[self.task.model.brokers[broker as usize].host as usize];
        for (sum, amount) in host.iter_mut().zip(amount) {
            *sum += amount;
        }
    }
}

const NAMES: [&str; crate::limits::DIMENSIONS] = {
    let mut names = ["leaders"; crate::limits::DIMENSIONS];
    let mut resource = 0;
    while resource < RESOURCES {
        names[resource] = Resource::ALL[resource].name();
        resource += 1;
    }
    names[REPLICAS] = "replicas";
    names[POTENTIAL_OUT] = "network_out";
    names
};
const NAMES_OF_HOST: [&str; RESOURCES] = [
    "cpu of the machine",
    "network_in of the machine",
    "network_out of the machine",
    "disk of the machine",
];
