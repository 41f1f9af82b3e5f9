//! What a plan promises about its end: goals, totals, what stays and what goes.

use taffrail_balancer::{Goal, Operation, Options, Plan, ProvisionStatus};

use super::Complaints;
use super::amount::{Amount, Amounts, DISK, RESOURCES, add, value};
use super::facts::Facts;
use super::limits::Limits;
use super::racks;
use super::replay::{Tally, about};
use super::scope::Scope;
use super::state::{Partition, Replica, State};
use super::violations::{Judge, by_priority};

pub(super) fn check(
    facts: &Facts,
    options: &Options,
    before: &State,
    after: &State,
    tally: &Tally,
    plan: &Plan,
    complaints: &mut Complaints,
) {
    let end = End { facts, options, before, after, plan };
    end.check_totals(tally, complaints);
    end.check_sums(tally, complaints);
    end.check_goals(complaints);
    end.check_what_had_to_go(complaints);
    end.check_what_had_to_stay(complaints);
    end.check_leaders(complaints);
    end.check_replication_factor(complaints);
    end.check_verdict(complaints);
}

/// Whether a goal limits what leading costs a broker.
fn is_capacity(goal: Goal) -> bool {
    matches!(
        goal,
        Goal::CpuCapacity
            | Goal::NetworkInboundCapacity
            | Goal::NetworkOutboundCapacity
            | Goal::DiskCapacity
    )
}

/// How many replicas a partition is to have.
fn asked_factor(facts: &Facts, options: &Options, before: &Partition) -> usize {
    let topic = &facts.topics[before.topic];
    match &options.operation {
        Operation::ReplicationFactor { topics, factor } => {
            let named =
                if topics.is_empty() { !topic.excluded } else { topics.contains(&topic.name) };
            if named { *factor as usize } else { before.replicas.len() }
        }
        _ => before.replicas.len(),
    }
}

/// Whether every partition has as many replicas in the end as it is to have. Where one has not, its missing replicas
/// weigh in the planner's limits, and nothing in the plan says what they cost.
pub(super) fn is_whole(facts: &Facts, options: &Options, before: &State, after: &State) -> bool {
    let mut pairs = before.partitions.iter().zip(&after.partitions);
    pairs.all(|(before, after)| after.replicas.len() == asked_factor(facts, options, before))
}

struct End<'a> {
    facts: &'a Facts,
    options: &'a Options,
    before: &'a State,
    after: &'a State,
    plan: &'a Plan,
}

impl End<'_> {
    fn check_totals(&self, tally: &Tally, complaints: &mut Complaints) {
        let plan = self.plan;
        complaints.expect(plan.operation == self.options.operation.name(), || {
            format!("the plan says that it is for {}", plan.operation)
        });
        complaints.expect(plan.seed == self.options.seed, || {
            format!("the plan says that its seed is {}", plan.seed)
        });
        complaints.expect(about(plan.bytes_moved, tally.bytes), || {
            format!("bytes_moved is {}, and the steps move {}", plan.bytes_moved, tally.bytes)
        });
        complaints.expect(plan.replicas_moved == tally.replicas, || {
            format!(
                "replicas_moved is {}, and the steps move {}",
                plan.replicas_moved, tally.replicas
            )
        });
        let pairs = self.before.partitions.iter().zip(&self.after.partitions);
        let leaders = pairs.filter(|(before, after)| before.leader != after.leader).count() as u64;
        complaints.expect(plan.leaders_moved == leaders, || {
            format!(
                "leaders_moved is {}, and {leaders} partitions get another leader",
                plan.leaders_moved
            )
        });
    }

    /// The cluster has the same load after the plan as before it: replay can't lose a replica and nothing is counted
    /// twice on a broker, a machine or a rack.
    fn check_sums(&self, tally: &Tally, complaints: &mut Complaints) {
        let count = |state: &State| -> u64 {
            state.partitions.iter().map(|partition| partition.replicas.len() as u64).sum()
        };
        let expected = count(self.before) + tally.adds - tally.removes;
        complaints.expect(count(self.after) == expected, || "replicas got lost on the way".into());
        for state in [self.before, self.after] {
            let placed: u64 = state.sums.iter().map(|sums| sums.replicas).sum();
            complaints.expect(placed == count(state), || {
                "brokers have more or fewer replicas than there are".into()
            });
        }
        if tally.adds > 0 || tally.removes > 0 {
            return;
        }
        let mut expected = self.before.cluster_load();
        for (before, after) in self.before.partitions.iter().zip(&self.after.partitions) {
            if before.leader.is_none() && after.leader.is_some() {
                super::amount::add(&mut expected, &after.leader_extra);
            }
        }
        complaints
            .expect(self.after.cluster_load() == expected, || "the cluster's load changed".into());
        let by_host: Amount = self
            .facts
            .hosts
            .iter()
            .flatten()
            .map(|broker| self.after.sums[*broker].load[DISK])
            .sum();
        complaints
            .expect(by_host == expected[DISK], || "machines don't add up to the cluster".into());
        let by_dir: Amount = self.after.dirs.iter().flatten().sum();
        complaints
            .expect(by_dir == expected[DISK], || "directories don't add up to the cluster".into());
    }

    fn check_goals(&self, complaints: &mut Complaints) {
        let order = by_priority(self.options);
        let listed: Vec<Goal> = self.plan.goals.iter().map(|outcome| outcome.name).collect();
        if listed != order {
            complaints
                .add(format!("the plan's goals are {listed:?}, and {order:?} were asked for"));
            return;
        }
        let limits = |end: &State| Limits::of(self.facts, self.options, self.before, end);
        let (limits_before, limits_after) = (limits(self.before), limits(self.after));
        let before = Judge { facts: self.facts, limits: &limits_before, state: self.before };
        let after = Judge { facts: self.facts, limits: &limits_after, state: self.after };
        let whole = is_whole(self.facts, self.options, self.before, self.after);
        let mut better = self.mended();
        for outcome in &self.plan.goals {
            let goal = outcome.name;
            complaints.expect(outcome.hard == goal.is_hard(), || {
                format!("{goal}: hard is {}", outcome.hard)
            });
            let (counted_before, counted_after) = (before.count(goal), after.count(goal));
            complaints.expect(counted_before.may_be(outcome.violations_before), || {
                format!(
                    "{goal}: {} violations before, recounted {counted_before:?}",
                    outcome.violations_before
                )
            });
            let known = !whole || counted_after.may_be(outcome.violations_after);
            complaints.expect(known, || {
                format!(
                    "{goal}: {} violations after, recounted {counted_after:?}",
                    outcome.violations_after
                )
            });
            let worse = counted_after.is_worse_than(&counted_before);
            let allowed = if goal.is_hard() {
                self.changes_factor() || (self.elects() && is_capacity(goal))
            } else {
                better
            };
            complaints.expect(!worse || allowed, || {
                format!("{goal}: {counted_before:?} violations become {counted_after:?}, and no goal before it gained")
            });
            better |= counted_after.is_better_than(&counted_before);
        }
    }

    /// Whether something was put right that comes before every soft goal: replicas that had to go, partitions without
    /// leader, leaders that may not lead; or replicas came and went because a replication factor was asked for.
    fn mended(&self) -> bool {
        let ills = |state: &State| {
            let led_badly = |partition: &&Partition| match partition.leader {
                None => partition.replicas.iter().any(|replica| self.facts.is_online(replica)),
                Some(leader) => !self.facts.brokers[leader].leads,
            };
            state.stranded(self.facts).count() + state.partitions.iter().filter(led_badly).count()
        };
        self.changes_factor() || self.elects() || ills(self.after) < ills(self.before)
    }

    /// Whether a partition gets a leader that had none: that comes before what leading costs a broker.
    fn elects(&self) -> bool {
        let mut pairs = self.before.partitions.iter().zip(&self.after.partitions);
        pairs.any(|(before, after)| before.leader.is_none() && after.leader.is_some())
    }

    fn changes_factor(&self) -> bool {
        matches!(self.options.operation, Operation::ReplicationFactor { .. })
    }

    /// Nothing stays on what is dead, drained or removed, unless the plan says why; and what goes to an old broker while
    /// there are new ones could go to none of those.
    fn check_what_had_to_go(&self, complaints: &mut Complaints) {
        let leaders_only =
            matches!(self.options.operation, Operation::Leaders | Operation::Demote(_));
        let limits = Limits::of(self.facts, self.options, self.before, self.after);
        for (index, place) in self.after.stranded(self.facts) {
            if leaders_only {
                break;
            }
            let partition = &self.after.partitions[index];
            let name = self.name(partition);
            complaints.expect(!self.plan.reasons.is_empty(), || {
                format!("{name} stays stranded, and no reason is given")
            });
            // What has no replica online can't be copied, and moving it would give up what it holds.
            let source = partition.replicas.iter().any(|replica| self.facts.is_online(replica));
            if let Some(broker) =
                self.place_for(&limits, partition, place, false).filter(|_| source)
            {
                complaints.add(format!("{name} stays stranded, and broker {broker} could hold it"));
            }
        }
        if !self.facts.any_new {
            return;
        }
        for partition in &self.after.partitions {
            for (place, replica) in partition.replicas.iter().enumerate() {
                let moved = replica.origin.is_some_and(|(broker, _)| broker != replica.broker);
                if !moved || self.facts.brokers[replica.broker].receives {
                    continue;
                }
                if let Some(broker) = self.place_for(&limits, partition, place, true) {
                    let name = self.name(partition);
                    complaints.add(format!(
                        "{name} went to an old broker, and new broker {broker} could hold it"
                    ));
                }
            }
        }
    }

    /// A broker that could hold a replica, as everything stands at the end, without breaking a hard goal.
    fn place_for(
        &self,
        limits: &Limits<'_>,
        partition: &Partition,
        place: usize,
        only_new: bool,
    ) -> Option<i32> {
        let replica = &partition.replicas[place];
        let of_topic = &self.facts.topics[partition.topic];
        let candidate = (0..self.facts.brokers.len()).find(|index| {
            let broker = &self.facts.brokers[*index];
            // Where it was it had to go from, in whatever directory. And the steps of a partition don't wait for each
            // other: where one of its replicas leaves, none comes in the same plan.
            let left = partition.replicas.iter().filter_map(|replica| replica.origin);
            let left = left.map(|(origin, _)| origin).any(|origin| origin == *index);
            if !broker.counted || (only_new && !broker.receives) || left || partition.is_on(*index)
            {
                return false;
            }
            let has = |goal: Goal| self.options.has(goal);
            let sums = &self.after.sums[*index];
            let leads = partition.leader == Some(replica.broker);
            if leads && !broker.leads {
                // Another replica would have to lead, and whether it has room for that is left out.
                return false;
            }
            let fits = (0..RESOURCES).all(|resource| {
                let goal = [
                    Goal::CpuCapacity,
                    Goal::NetworkInboundCapacity,
                    Goal::NetworkOutboundCapacity,
                    Goal::DiskCapacity,
                ][resource];
                let extra = if leads { partition.leader_extra[resource] } else { 0 };
                let load = value(sums.load[resource] + replica.load[resource] + extra);
                !has(goal) || load <= limits.capacity(broker, resource) * (1.0 - 1e-6)
            });
            let shared = self.facts.hosts[broker.host].len() > 1;
            let mut moved = partition.replicas.clone();
            moved[place] = Replica { broker: *index, dir: 0, ..replica.clone() };
            let no_worse =
                |excess: &dyn Fn(&[Replica]) -> u64| excess(&moved) <= excess(&partition.replicas);
            let room_in_a_dir =
                broker.dirs.iter().zip(&self.after.dirs[*index]).any(|(dir, bytes)| {
                    !dir.closed && value(bytes + replica.load[DISK]) <= dir.capacity * 0.8
                });
            // Whether a shared machine has room is left out: better no complaint than a wrong one.
            fits && !shared
                && room_in_a_dir
                && (!has(Goal::ReplicaCapacity) || sums.replicas < limits.replicas_max())
                && (!has(Goal::RackAware)
                    || no_worse(&|replicas| racks::excess(self.facts, replicas)))
                && (!has(Goal::RackAwareDistribution)
                    || no_worse(&|replicas| racks::uneven(self.facts, replicas)))
                && (!has(Goal::BrokerSetAware) || of_topic.may_be_on(*index))
                && !(leads && of_topic.min_leaders > 0)
        });
        candidate.map(|index| self.facts.brokers[index].id)
    }

    /// What may not move: excluded topics, old brokers' replicas for soft goals when something had to go, anything at all
    /// when only leaders were to change.
    fn check_what_had_to_stay(&self, complaints: &mut Complaints) {
        let scope = Scope::of(self.facts, self.options, self.before);
        let limits = Limits::of(self.facts, self.options, self.before, self.after);
        let to_be_led = self.to_be_led();
        for (before, after) in self.before.partitions.iter().zip(&self.after.partitions) {
            for replica in &after.replicas {
                let moved = replica.origin.is_some_and(|(broker, _)| broker != replica.broker);
                if !moved {
                    continue;
                }
                let name = self.name(after);
                complaints.expect(scope != Scope::Leadership, || {
                    format!("{name} moves, and only leaders were to change")
                });
                if self.facts.was_stranded(replica) {
                    continue;
                }
                let excluded = self.facts.topics[after.topic].excluded && !self.changes_factor();
                complaints.expect(!excluded, || format!("{name} moves, and its topic is excluded"));
                complaints.expect(
                    scope == Scope::All
                        || self.broke_hard_goal(&limits, &to_be_led, before, replica),
                    || format!("{name} moves for a soft goal, and only what had to go was to move"),
                );
            }
        }
    }

    /// Whether a replica was part of a hard goal's violation before the plan.
    fn broke_hard_goal(
        &self,
        limits: &Limits<'_>,
        to_be_led: &[Amounts],
        partition: &Partition,
        replica: &Replica,
    ) -> bool {
        let Some((origin, _)) = replica.origin else { return true };
        let has = |goal: Goal| self.options.has(goal);
        let broker = &self.facts.brokers[origin];
        let sums = &self.before.sums[origin];
        let full = (0..RESOURCES).any(|resource| {
            let host = &self.facts.hosts[broker.host];
            let load = |broker: usize| {
                self.before.sums[broker].load[resource] + to_be_led[broker][resource]
            };
            let on_host = host.iter().map(|broker| load(*broker)).sum();
            value(load(origin)) > limits.capacity(broker, resource) * (1.0 - 1e-7)
                || (resource != DISK
                    && host.len() > 1
                    && value(on_host)
                        > limits.host_capacity(self.facts, host, resource) * (1.0 - 1e-7))
        });
        full || sums.replicas > limits.replicas_max()
            || (has(Goal::RackAware) && racks::excess(self.facts, &partition.replicas) > 0)
            || (has(Goal::RackAwareDistribution)
                && racks::uneven(self.facts, &partition.replicas) > 0)
            || (has(Goal::BrokerSetAware) && racks::outside_set(self.facts, partition) > 0)
            || (has(Goal::MinTopicLeadersPerBroker)
                && self.facts.topics[partition.topic].min_leaders > 0)
    }

    /// By broker: what it may have to carry on top. A partition without a leader, or with one that has to resign, gets
    /// another, and that can be any that has a replica of it online.
    fn to_be_led(&self) -> Vec<Amounts> {
        let mut more = vec![[0; RESOURCES]; self.facts.brokers.len()];
        let gets_another = |partition: &&Partition| {
            partition.leader.is_none_or(|leader| !self.facts.brokers[leader].leads)
        };
        for partition in self.before.partitions.iter().filter(gets_another) {
            let online = partition.replicas.iter().filter(|replica| self.facts.is_online(replica));
            online.for_each(|replica| add(&mut more[replica.broker], &partition.leader_extra));
        }
        more
    }

    /// Whether a plan answers for the order of a partition's list. It does where it changed something, and otherwise
    /// where it is free to: not in a topic that is excluded, nor when only what had to change was to.
    fn is_in_order(&self, scope: Scope, before: &Partition, after: &Partition) -> bool {
        let operation = &self.options.operation;
        let demotes = matches!(operation, Operation::Demote(_));
        let asked = demotes || matches!(operation, Operation::Leaders);
        if !asked && !self.options.has(Goal::PreferredLeaderElection) {
            return false;
        }
        let moved = |replica: &Replica| {
            replica.origin.is_none_or(|(broker, _)| broker != replica.broker)
                || self.facts.was_stranded(replica)
        };
        let changed = before.leader != after.leader || after.replicas.iter().any(moved);
        let resigns = |replica: &Replica| !self.facts.brokers[replica.broker].leads;
        let free = match scope {
            Scope::Leadership if demotes => after.replicas.iter().any(resigns),
            Scope::Leadership | Scope::All => !self.facts.topics[after.topic].excluded,
            Scope::Stranded => false,
        };
        changed || free
    }

    /// Whether the plan says that a step of a partition couldn't be taken, or that there are too many such to say all.
    fn is_left_out(&self, partition: &Partition) -> bool {
        let topic = &self.facts.topics[partition.topic].name;
        let named = format!("topic {topic:?} partition {}:", partition.id);
        let mut reasons = self.plan.reasons.iter();
        reasons.any(|text| text.starts_with(&named) || text.contains("more steps are left out"))
    }

    fn check_leaders(&self, complaints: &mut Complaints) {
        let scope = Scope::of(self.facts, self.options, self.before);
        for (before, partition) in self.before.partitions.iter().zip(&self.after.partitions) {
            let online =
                || partition.replicas.iter().filter(|replica| self.facts.is_online(replica));
            let name = || self.name(partition);
            let first = online().next().map(|replica| replica.broker);
            // A leader that may not lead is not made the preferred one.
            let stays =
                partition.leader.is_none_or(|leader| self.facts.brokers[leader].keeps_leading);
            let preferred = self.is_in_order(scope, before, partition);
            let ordered = !preferred || !stays || partition.leader == first;
            complaints.expect(ordered || self.is_left_out(partition), || {
                format!("{} isn't led by the first of its online replicas", name())
            });
            complaints.expect(partition.leader.is_some() || first.is_none(), || {
                format!("{} has no leader, and a replica that is online", name())
            });
            let Some(leader) = partition.leader else { continue };
            let another = online().any(|replica| self.facts.brokers[replica.broker].leads);
            let may = self.facts.brokers[leader].keeps_leading
                || !another
                || !self.plan.reasons.is_empty();
            complaints.expect(may, || {
                format!(
                    "{} is led by broker {}, which may not",
                    name(),
                    self.facts.brokers[leader].id
                )
            });
        }
    }

    fn check_replication_factor(&self, complaints: &mut Complaints) {
        for (before, after) in self.before.partitions.iter().zip(&self.after.partitions) {
            let asked = asked_factor(self.facts, self.options, before);
            let said = asked != before.replicas.len() && !self.plan.reasons.is_empty();
            complaints.expect(after.replicas.len() == asked || said, || {
                format!("{} has {} replicas in the end", self.name(after), after.replicas.len())
            });
        }
    }

    fn check_verdict(&self, complaints: &mut Complaints) {
        let plan = self.plan;
        if !is_whole(self.facts, self.options, self.before, self.after) {
            return;
        }
        let unmet: u64 = plan.goals.iter().map(|outcome| outcome.violations_after).sum();
        let left = self.after.stranded(self.facts).count();
        let met = unmet == 0 && left == 0;
        complaints.expect(met || !plan.reasons.is_empty(), || {
            format!(
                "{unmet} violations and {left} stranded replicas are left, and no reason is given"
            )
        });
        complaints.expect(!met || plan.reasons.is_empty() || self.changes_factor(), || {
            format!("everything is met, and reasons are given: {:?}", plan.reasons)
        });
        complaints
            .expect(!met || plan.provision.status != ProvisionStatus::UnderProvisioned, || {
                "everything is met, and the cluster is said to be too small".into()
            });
        let sized = plan.provision.status == ProvisionStatus::RightSized;
        complaints.expect(sized == plan.provision.recommendations.is_empty(), || {
            format!(
                "{:?} with recommendations {:?}",
                plan.provision.status, plan.provision.recommendations
            )
        });
        complaints.expect(plan.id.len() == 64 && plan.basis.len() == 64, || {
            "id and basis aren't hashes".into()
        });
    }

    fn name(&self, partition: &Partition) -> String {
        format!("partition {} of {}", partition.id, self.facts.topics[partition.topic].name)
    }
}
