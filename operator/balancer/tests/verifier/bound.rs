//! The lower bounds, a second time, from their definition in the documentation of the crate's module `bounds`.
//!
//! Computed twice, with the limits a little wider and a little narrower than they are: a plan's bound has to be between
//! the two. That is the doubt that rounding leaves.

use std::collections::BTreeMap;

use taffrail_balancer::{Goal, Options, Plan};

use super::Complaints;
use super::amount::{CPU, DISK, NETWORK_IN, NETWORK_OUT, RESOURCES, value};
use super::facts::Facts;
use super::limits::Limits;
use super::outcome::is_whole;
use super::scope::Scope;
use super::state::State;

/// What is summed by broker: the resources, then these.
const DIMENSIONS: usize = 8;
const REPLICAS: usize = 4;
const LEADERS: usize = 5;
const POTENTIAL_OUT: usize = 6;
const LEADER_IN: usize = 7;
type Sums = [f64; DIMENSIONS];

/// By how much limits are in doubt, as a share of them.
const DOUBT: f64 = 1e-7;

pub(super) fn check(
    facts: &Facts,
    options: &Options,
    before: &State,
    after: &State,
    plan: &Plan,
    complaints: &mut Complaints,
) {
    let scope = Scope::of(facts, options, before);
    if scope == Scope::Leadership {
        let nothing = plan.replicas_lower_bound == 0 && plan.bytes_lower_bound == 0.0;
        complaints.expect(nothing, || "a plan for leaders alone has nothing to move".into());
        return;
    }
    if !is_whole(facts, options, before, after) {
        return;
    }
    let limits = Limits::of(facts, options, before, after);
    let bounds =
        |doubt: f64| Cluster::of(facts, options, &limits, before, after, scope, doubt).bounds();
    let (lower, upper) = (bounds(DOUBT), bounds(-DOUBT));
    let replicas = plan.replicas_lower_bound as f64;
    complaints.expect((lower.replicas..=upper.replicas).contains(&replicas), || {
        format!(
            "replicas_lower_bound is {replicas}, recomputed {} to {}",
            lower.replicas, upper.replicas
        )
    });
    let slack = 1e-6 * upper.bytes + 1e-6;
    let bytes = plan.bytes_lower_bound;
    complaints.expect((lower.bytes - slack..=upper.bytes + slack).contains(&bytes), || {
        format!("bytes_lower_bound is {bytes}, recomputed {} to {}", lower.bytes, upper.bytes)
    });
    let binding = plan.goals.iter().filter(|outcome| outcome.hard || scope == Scope::All);
    let met = binding.map(|outcome| outcome.violations_after).sum::<u64>() == 0
        && after.stranded(facts).count() == 0;
    let kept = plan.replicas_moved >= plan.replicas_lower_bound
        && plan.bytes_moved * (1.0 + 1e-9) + slack >= bytes;
    complaints.expect(!met || kept, || {
        let (moved, copied) = (plan.replicas_moved, plan.bytes_moved);
        format!("every limit is kept with {moved} replicas and {copied} bytes moved, less than {replicas} and {bytes}")
    });
}

/// The two bounds.
#[derive(Clone, Copy, Debug)]
struct Bounds {
    replicas: f64,
    bytes: f64,
}

/// Replicas that are to be there, where they were.
struct Replica {
    partition: usize,
    topic: usize,
    broker: Option<usize>,
    movable: bool,
    /// Bytes that are copied when it moves.
    disk: f64,
    /// What it adds to its broker at least, and at most.
    least: Sums,
    most: Sums,
}

struct Broker {
    /// Whatever is on it goes.
    empties: bool,
    low: Sums,
    high: Sums,
    on: Vec<usize>,
}

/// A weight of replicas: how many, or how many bytes.
type Weight = fn(&Replica) -> f64;

struct Cluster<'a> {
    facts: &'a Facts,
    options: &'a Options,
    limits: &'a Limits<'a>,
    scope: Scope,
    replicas: Vec<Replica>,
    brokers: Vec<Broker>,
    /// Of partitions.
    leader_extra_disk: f64,
}

impl<'a> Cluster<'a> {
    fn of(
        facts: &'a Facts,
        options: &'a Options,
        limits: &'a Limits<'a>,
        before: &State,
        after: &State,
        scope: Scope,
        doubt: f64,
    ) -> Self {
        let mut replicas = Vec::new();
        for (index, (old, new)) in before.partitions.iter().zip(&after.partitions).enumerate() {
            let extra = old.leader_extra.map(value);
            for replica in &new.replicas {
                let load = replica.load.map(value);
                let broker = replica.origin.map(|(broker, _)| broker);
                let mut follower = [0.0; DIMENSIONS];
                follower[..RESOURCES].copy_from_slice(&load);
                follower[REPLICAS] = 1.0;
                follower[POTENTIAL_OUT] = load[NETWORK_OUT] + extra[NETWORK_OUT];
                let mut leader = follower;
                for (sum, extra) in leader.iter_mut().zip(extra) {
                    *sum += extra;
                }
                leader[LEADERS] = 1.0;
                leader[LEADER_IN] = leader[NETWORK_IN];
                let alone = new.replicas.len() == 1 && broker.is_some() && broker == old.leader;
                replicas.push(Replica {
                    partition: index,
                    topic: old.topic,
                    broker,
                    movable: !facts.topics[old.topic].excluded
                        || broker.is_none()
                        || facts.was_stranded(replica),
                    disk: load[DISK],
                    least: if alone { leader } else { follower },
                    most: leader,
                });
            }
        }
        let mut brokers: Vec<Broker> = (0..facts.brokers.len())
            .map(|index| {
                let (low, high) = ends(facts, options, limits, index, scope, doubt);
                let empties = facts.brokers[index].dirs.iter().all(|dir| dir.closed);
                Broker { empties, low, high, on: Vec::new() }
            })
            .collect();
        for (index, replica) in replicas.iter().enumerate() {
            if let Some(broker) = replica.broker {
                brokers[broker].on.push(index);
            }
        }
        let leader_extra_disk =
            before.partitions.iter().map(|partition| value(partition.leader_extra[DISK])).sum();
        Self { facts, options, limits, scope, replicas, brokers, leader_extra_disk }
    }

    fn bounds(&self) -> Bounds {
        let count: Weight = |_| 1.0;
        let bytes: Weight = Replica::own_disk;
        let movable = || self.replicas.iter().filter(|replica| replica.movable);
        let whole = |weight: Weight| movable().map(weight).sum::<f64>();
        let replicas = self.out(count).max(self.come_in(true)).min(whole(count));
        let mut sizes: Vec<f64> = movable().map(bytes).collect();
        sizes.sort_by(f64::total_cmp);
        let smallest: f64 = sizes.iter().take(replicas as usize).sum();
        let into = self.come_in(false) - self.leader_extra_disk;
        Bounds { replicas, bytes: self.out(bytes).max(into).max(smallest).min(whole(bytes)) }
    }

    /// What leaves brokers, and what has no place.
    fn out(&self, weight: Weight) -> f64 {
        let unplaced: f64 =
            self.replicas.iter().filter(|replica| replica.broker.is_none()).map(weight).sum();
        let leave: Vec<f64> =
            (0..self.brokers.len()).map(|broker| self.leave(broker, weight)).collect();
        let costs = leave
            .iter()
            .zip(&self.brokers)
            .map(|(leave, broker)| (!broker.empties).then_some(*leave));
        unplaced + leave.iter().sum::<f64>() + self.gain(&costs.collect::<Vec<_>>(), weight)
    }

    /// What comes to brokers.
    fn come_in(&self, count: bool) -> f64 {
        let mut sum = 0.0;
        let mut costs = Vec::new();
        let largest = if count { self.largest() } else { Default::default() };
        for (index, broker) in self.brokers.iter().enumerate() {
            let receives = self.facts.brokers[index].receives;
            let (dimension, weight): (usize, Weight) =
                if count { (REPLICAS, |_| 1.0) } else { (DISK, Replica::own_disk) };
            let held: f64 = broker.on.iter().map(|replica| weight(&self.replicas[*replica])).sum();
            let short = broker.low[dimension] - held;
            let come = match (receives && !broker.empties, count) {
                (false, _) => 0.0,
                (true, false) => short.max(0.0),
                (true, true) => self.come(index, &largest),
            };
            sum += come;
            costs.push((receives && !broker.empties).then_some((come - short).max(0.0)));
        }
        sum + self.gain(&costs, if count { |_| 1.0 } else { Replica::own_disk })
    }

    /// The least weight that leaves a broker.
    fn leave(&self, index: usize, weight: Weight) -> f64 {
        let broker = &self.brokers[index];
        let on = || broker.on.iter().map(|replica| &self.replicas[*replica]);
        if broker.empties {
            return on().map(weight).sum();
        }
        let mut most: f64 = 0.0;
        for dimension in 0..DIMENSIONS {
            let held: f64 = on().map(|replica| replica.least[dimension]).sum();
            let items = || {
                on().filter(|replica| replica.movable)
                    .map(|replica| (weight(replica), replica.least[dimension]))
            };
            let need = held - broker.high[dimension];
            if need > 0.0 {
                most = most.max(
                    knapsack(items().collect(), need)
                        .unwrap_or_else(|| items().map(|(weight, _)| weight).sum()),
                );
            }
        }
        if self.facts.brokers[index].counted && self.scope == Scope::All {
            most = most.max(self.leave_for_topics(index, weight));
        }
        most
    }

    fn leave_for_topics(&self, index: usize, weight: Weight) -> f64 {
        if !self.options.has(Goal::TopicReplicaDistribution) {
            return 0.0;
        }
        let mut by_topic: BTreeMap<usize, (usize, Vec<f64>)> = BTreeMap::new();
        for replica in self.brokers[index].on.iter().map(|replica| &self.replicas[*replica]) {
            let (count, movable) = by_topic.entry(replica.topic).or_default();
            *count += 1;
            if replica.movable {
                movable.push(weight(replica));
            }
        }
        let mut sum = 0.0;
        for (topic, (count, mut movable)) in by_topic {
            let (_, upper) =
                self.limits.topic_replicas(&self.facts.brokers[index], topic, true).ends();
            movable.sort_by(f64::total_cmp);
            sum += movable.iter().take(count.saturating_sub(upper as usize)).sum::<f64>();
        }
        sum
    }

    /// By dimension: what each movable replica of the cluster adds at most, the largest first.
    fn largest(&self) -> [Vec<f64>; DIMENSIONS] {
        std::array::from_fn(|dimension| {
            let movable = self.replicas.iter().filter(|replica| replica.movable);
            let mut amounts: Vec<f64> = movable.map(|replica| replica.most[dimension]).collect();
            amounts.sort_by(|one, other| other.total_cmp(one));
            amounts
        })
    }

    /// The least replicas that come to a broker.
    fn come(&self, index: usize, largest: &[Vec<f64>; DIMENSIONS]) -> f64 {
        let broker = &self.brokers[index];
        let mut most: f64 = 0.0;
        for (dimension, largest) in largest.iter().enumerate() {
            let held: f64 =
                broker.on.iter().map(|replica| self.replicas[*replica].most[dimension]).sum();
            let mut need = broker.low[dimension] - held;
            let mut taken = 0.0;
            for amount in largest.iter().take_while(|amount| **amount > 0.0) {
                if need <= 0.0 {
                    break;
                }
                need -= amount;
                taken += 1.0;
            }
            if need <= 0.0 {
                most = most.max(taken);
            }
        }
        most.max(self.come_for_topics(index))
    }

    fn come_for_topics(&self, index: usize) -> f64 {
        let (facts, has) = (&self.facts.brokers[index], |goal: Goal| self.options.has(goal));
        let mut counts: BTreeMap<usize, f64> = BTreeMap::new();
        for replica in &self.brokers[index].on {
            *counts.entry(self.replicas[*replica].topic).or_default() += 1.0;
        }
        let mut sum = 0.0;
        for (topic, of_topic) in
            self.facts.topics.iter().enumerate().filter(|(_, topic)| !topic.excluded)
        {
            let mut lower: f64 = 0.0;
            if self.scope == Scope::All && has(Goal::TopicReplicaDistribution) {
                lower = lower.max(
                    self.limits.topic_replicas(facts, topic, of_topic.may_be_on(index)).ends().0,
                );
            }
            if self.scope == Scope::All && has(Goal::TopicLeaderDistribution) && facts.leads {
                lower = lower.max(
                    self.limits.topic_leaders(facts, topic, of_topic.may_be_on(index)).ends().0,
                );
            }
            if has(Goal::MinTopicLeadersPerBroker) && facts.leads && of_topic.may_be_on(index) {
                lower = lower.max(f64::from(of_topic.min_leaders));
            }
            sum += (lower - counts.get(&topic).copied().unwrap_or(0.0)).max(0.0);
        }
        sum
    }

    /// What racks add to the bounds: the better of two sets of brokers whose cost is given up for their repairs.
    fn gain(&self, costs: &[Option<f64>], weight: Weight) -> f64 {
        let groups = self.groups();
        if groups.is_empty() {
            return 0.0;
        }
        let mut groups_on: Vec<Vec<usize>> = vec![Vec::new(); costs.len()];
        for (group, (_, members)) in groups.iter().enumerate() {
            for member in members {
                groups_on[self.replicas[*member].broker.expect("members have a place")].push(group);
            }
        }
        for groups in &mut groups_on {
            groups.dedup();
        }
        let repair = |group: usize, chosen: &[bool]| {
            let (kept, members) = &groups[group];
            let inside = members.iter().map(|member| &self.replicas[*member]);
            let inside =
                inside.filter(|replica| chosen[replica.broker.expect("members have a place")]);
            let mut weights: Vec<f64> = inside.map(weight).collect();
            weights.sort_by(|one, other| other.total_cmp(one));
            weights.iter().skip(*kept).sum::<f64>()
        };
        let total = |chosen: &[bool]| {
            let paid: f64 = costs
                .iter()
                .zip(chosen)
                .filter(|(_, chosen)| **chosen)
                .filter_map(|(cost, _)| *cost)
                .sum();
            (0..groups.len()).map(|group| repair(group, chosen)).sum::<f64>() - paid
        };
        let climb = |mut chosen: Vec<bool>, take: bool| {
            let mut changed = true;
            while changed {
                changed = false;
                for (broker, cost) in costs.iter().enumerate() {
                    let Some(cost) = cost.filter(|_| chosen[broker] != take) else { continue };
                    let of_broker = |chosen: &[bool]| {
                        groups_on[broker].iter().map(|group| repair(*group, chosen)).sum::<f64>()
                    };
                    let before = of_broker(&chosen);
                    chosen[broker] = take;
                    let difference = of_broker(&chosen) - before - if take { cost } else { -cost };
                    if difference > 1e-9 * cost.abs().max(1.0) {
                        changed = true;
                    } else {
                        chosen[broker] = !take;
                    }
                }
            }
            total(&chosen)
        };
        let free = costs.iter().map(|cost| *cost == Some(0.0)).collect();
        let all = costs.iter().map(Option::is_some).collect();
        climb(free, true).max(climb(all, false)).max(0.0)
    }

    /// Movable replicas of a partition in one rack, more than may stay, with how many of them may.
    fn groups(&self) -> Vec<(usize, Vec<usize>)> {
        let holders = self.facts.brokers.iter().filter(|broker| broker.counted);
        let racks =
            holders.map(|broker| broker.rack).collect::<std::collections::BTreeSet<_>>().len();
        let mut factors: BTreeMap<usize, usize> = BTreeMap::new();
        let mut groups: BTreeMap<(usize, usize), (usize, Vec<usize>)> = BTreeMap::new();
        for (index, replica) in self.replicas.iter().enumerate() {
            *factors.entry(replica.partition).or_default() += 1;
            let Some(broker) = replica.broker.filter(|broker| !self.brokers[*broker].empties)
            else {
                continue;
            };
            let (fixed, movable) =
                groups.entry((replica.partition, self.facts.brokers[broker].rack)).or_default();
            if replica.movable {
                movable.push(index);
            } else {
                *fixed += 1;
            }
        }
        let allowed = |partition: usize| {
            if self.options.has(Goal::RackAware) {
                1
            } else if self.options.has(Goal::RackAwareDistribution) && racks > 0 {
                factors[&partition].div_ceil(racks)
            } else {
                usize::MAX
            }
        };
        let groups = groups.into_iter().map(|((partition, _), (fixed, movable))| {
            (allowed(partition).saturating_sub(fixed), movable)
        });
        groups.filter(|(kept, movable)| movable.len() > *kept).collect()
    }
}

impl Replica {
    fn own_disk(&self) -> f64 {
        self.disk
    }
}

/// The ends of a broker's limits by dimension. `doubt` widens them if it is positive, and narrows them otherwise.
fn ends(
    facts: &Facts,
    options: &Options,
    limits: &Limits<'_>,
    index: usize,
    scope: Scope,
    doubt: f64,
) -> (Sums, Sums) {
    let broker = &facts.brokers[index];
    let (mut low, mut high) = ([0.0; DIMENSIONS], [f64::INFINITY; DIMENSIONS]);
    let soft = [
        (Goal::ReplicaDistribution, REPLICAS, limits.replicas(broker)),
        (Goal::LeaderReplicaDistribution, LEADERS, limits.leaders(broker)),
        (Goal::PotentialNwOut, POTENTIAL_OUT, limits.potential_out(broker)),
        (Goal::LeaderBytesInDistribution, LEADER_IN, limits.leader_in(broker)),
        (Goal::CpuUsageDistribution, CPU, limits.usage(broker, CPU)),
        (Goal::NetworkInboundUsageDistribution, NETWORK_IN, limits.usage(broker, NETWORK_IN)),
        (Goal::NetworkOutboundUsageDistribution, NETWORK_OUT, limits.usage(broker, NETWORK_OUT)),
        (Goal::DiskUsageDistribution, DISK, limits.usage(broker, DISK)),
    ];
    for (goal, dimension, band) in soft {
        if scope == Scope::All && options.has(goal) {
            (low[dimension], high[dimension]) = band.ends();
        }
    }
    let hard = [
        (Goal::CpuCapacity, CPU),
        (Goal::NetworkInboundCapacity, NETWORK_IN),
        (Goal::NetworkOutboundCapacity, NETWORK_OUT),
        (Goal::DiskCapacity, DISK),
    ];
    for (goal, resource) in hard {
        if options.has(goal) {
            high[resource] = high[resource].min(limits.capacity(broker, resource));
        }
    }
    if options.has(Goal::ReplicaCapacity) {
        high[REPLICAS] = high[REPLICAS].min(limits.replicas_max() as f64);
    }
    for dimension in (0..DIMENSIONS).filter(|dimension| ![REPLICAS, LEADERS].contains(dimension)) {
        low[dimension] *= 1.0 - doubt;
        high[dimension] *= 1.0 + doubt;
    }
    (low, high)
}

/// The least weight that takes away so much: items in the order of weight for amount, the last in part, rounded up to
/// whole replicas where weights count them. Nothing if they don't reach it.
fn knapsack(mut items: Vec<(f64, f64)>, mut need: f64) -> Option<f64> {
    items.retain(|(_, amount)| *amount > 0.0);
    items.sort_by(|(weight, amount), (other_weight, other_amount)| {
        (weight * other_amount).total_cmp(&(other_weight * amount))
    });
    let counted = items.iter().all(|(weight, _)| *weight == 1.0);
    let mut sum = 0.0;
    for (weight, amount) in items {
        if need <= amount {
            let part = weight * need / amount;
            return Some(if counted { sum + 1.0 } else { sum + part });
        }
        need -= amount;
        sum += weight;
    }
    None
}
