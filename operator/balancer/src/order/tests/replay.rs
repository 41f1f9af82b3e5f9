//! Replays steps and holds each of them against the rules, from the documents' view of a cluster: lists of broker ids.
//! It shares no code with the ordering but the limits.

use std::collections::BTreeMap;

use crate::goal::Goal;
use crate::limits::{Limits, REPLICAS, UNLIMITED};
use crate::model::{Load, Model, NONE, RESOURCES, Resource};
use crate::order::{Leaving, Ordered};
use crate::placement::Placement;
use crate::plan::{Step, StepKind};
use crate::task::Task;

/// A replica on its way: what it costs, and the directory that it is in.
#[derive(Clone, Debug, PartialEq)]
struct Held {
    load: Load,
    log_dir: Option<u32>,
}

/// Where a partition is.
#[derive(Clone, Debug)]
struct Whereabouts {
    list: Vec<i32>,
    leader: Option<i32>,
    held: BTreeMap<i32, Held>,
    /// Loads of replicas that have no place yet.
    unplaced: Vec<Load>,
}

struct Replay<'a> {
    task: &'a Task<'a>,
    limits: &'a Limits,
    partitions: Vec<Whereabouts>,
}

/// Sums from scratch: by broker five amounts, by machine four, by directory one.
#[derive(Clone, Debug)]
struct Sums {
    brokers: Vec<[i64; REPLICAS + 1]>,
    hosts: Vec<Load>,
    log_dirs: Vec<i64>,
}

/// Replays; fails the test at the first step that breaks a rule.
pub(super) fn replay(task: &Task<'_>, limits: &Limits, leaving: &[Leaving], ordered: &Ordered) {
    let mut replay = Replay { task, limits, partitions: start(task.model, leaving) };
    for (index, step) in ordered.steps.iter().enumerate() {
        if let Err(broken) = replay.step(step) {
            panic!("step {index} {broken}: {step:?}");
        }
    }
    replay.is_at(&ordered.placement, ordered.left_out.is_empty());
}

fn start(model: &Model, leaving: &[Leaving]) -> Vec<Whereabouts> {
    let id = |broker: u32| model.brokers[broker as usize].id;
    let mut leaving = leaving.iter().peekable();
    (0..model.partitions.len() as u32)
        .map(|partition| {
            let mut list = Vec::new();
            let mut held = BTreeMap::new();
            let mut unplaced = Vec::new();
            for replica in model.replicas_of(partition) {
                let replica = &model.replicas[replica as usize];
                if replica.broker == NONE {
                    unplaced.push(replica.load);
                } else {
                    list.push(id(replica.broker));
                    held.insert(
                        id(replica.broker),
                        Held { load: replica.load, log_dir: Some(replica.log_dir) },
                    );
                }
            }
            let leader = model.partitions[partition as usize].leader;
            let mut leader = (leader != NONE).then(|| id(model.replicas[leader as usize].broker));
            while let Some(goes) = leaving.next_if(|leaving| leaving.replica.partition == partition)
            {
                let broker = id(goes.replica.broker);
                if goes.leads {
                    leader = Some(broker);
                }
                list.insert(goes.place as usize, broker);
                held.insert(
                    broker,
                    Held { load: goes.replica.load, log_dir: Some(goes.replica.log_dir) },
                );
            }
            Whereabouts { list, leader, held, unplaced }
        })
        .collect()
}

impl Replay<'_> {
    fn partition(&self, step: &Step) -> usize {
        let model = self.task.model;
        let topic =
            model.topics.iter().position(|topic| *topic.name == *step.topic).expect("a topic");
        let mut partitions = model.partitions_of(topic as u32);
        partitions
            .find(|index| model.partitions[*index as usize].number == step.partition)
            .expect("a partition") as usize
    }

    fn step(&mut self, step: &Step) -> Result<(), String> {
        let index = self.partition(step);
        let before = self.sums();
        let excess = self.excess(index);
        let lacking = self.lacking(index);
        let was = self.partitions[index].clone();
        if was.list != step.from {
            return Err(format!("doesn't begin at {:?}", was.list));
        }
        let comes: Vec<i32> =
            step.to.iter().copied().filter(|id| !step.from.contains(id)).collect();
        let goes: Vec<i32> = step.from.iter().copied().filter(|id| !step.to.contains(id)).collect();
        let shape = match step.kind {
            StepKind::Move | StepKind::Evacuate => comes.len() == 1 && goes.len() == 1,
            StepKind::Add => comes.len() == 1 && goes.is_empty(),
            StepKind::Remove => comes.is_empty() && goes.len() == 1,
            StepKind::Leader => comes.is_empty() && goes.is_empty() && step.bytes == 0.0,
            StepKind::LogDir => step.from == step.to && step.leader == was.leader,
        };
        if !shape {
            return Err("isn't what it says".into());
        }
        if step.kind == StepKind::Leader && step.from == step.to && step.leader == was.leader {
            return Err("does nothing".into());
        }
        if was.leader.is_some() && step.leader.is_none()
            || step.leader.is_some_and(|id| !step.to.contains(&id))
        {
            return Err("leaves the partition without a leader".into());
        }
        let copies = matches!(
            step.kind,
            StepKind::Move | StepKind::Evacuate | StepKind::Add | StepKind::LogDir
        );
        if copies && was.leader.is_none() {
            return Err("copies from a partition that has no leader".into());
        }
        self.transfer(index, step, &comes, &goes)?;
        self.check_leader(index, step, &was)?;

        // While it runs, what goes is still where it was, and so is the leader's work.
        let mut peak = self.sums();
        for (peak, before) in peak.brokers.iter_mut().zip(&before.brokers) {
            for (peak, before) in peak.iter_mut().zip(before) {
                *peak = (*peak).max(*before);
            }
        }
        for (peak, before) in peak.log_dirs.iter_mut().zip(&before.log_dirs) {
            *peak = (*peak).max(*before);
        }
        if was.leader.is_some() {
            self.check_sums(&before, &peak)?;
        }
        if self.excess(index) > excess {
            return Err(format!(
                "leaves {} replicas in wrong racks instead of {excess}",
                self.excess(index)
            ));
        }
        if let Some(broker) =
            self.lacking(index).into_iter().find(|broker| !lacking.contains(broker))
        {
            return Err(format!(
                "leaves broker {broker} with too few partitions of the topic to lead"
            ));
        }
        Ok(())
    }

    fn transfer(
        &mut self,
        index: usize,
        step: &Step,
        comes: &[i32],
        goes: &[i32],
    ) -> Result<(), String> {
        let model = self.task.model;
        let partition = &mut self.partitions[index];
        let mut moved = match goes {
            [id] => partition.held.remove(id),
            _ => None,
        };
        if step.kind == StepKind::Add {
            let load = partition
                .unplaced
                .iter()
                .position(|load| model.amount(Resource::Disk, load[3]) == step.bytes);
            moved = load.map(|load| Held { load: partition.unplaced.remove(load), log_dir: None });
        }
        if step.kind == StepKind::LogDir {
            moved = step.log_dir.as_ref().and_then(|to| partition.held.get(&to.broker).cloned());
        }
        if let Some(moved) = &moved
            && step.kind != StepKind::Remove
            && model.amount(Resource::Disk, moved.load[3]) != step.bytes
        {
            return Err("copies another number of bytes".into());
        }
        let dir_named = |broker: i32| -> Option<u32> {
            let broker = model.broker_index(broker).expect("a broker");
            let dirs = model.log_dirs_of(broker);
            match &step.log_dir {
                Some(to) => {
                    dirs.into_iter().find(|dir| model.log_dirs[*dir as usize].path == to.to)
                }
                None if dirs.len() == 1 => Some(dirs.start),
                None => None,
            }
        };
        match (comes, &step.log_dir, moved) {
            ([id], named, Some(mut moved)) => {
                moved.log_dir = dir_named(*id);
                if moved.log_dir.is_none()
                    || named.as_ref().is_some_and(|to| to.broker != *id || to.from.is_some())
                {
                    return Err("doesn't say which directory".into());
                }
                partition.held.insert(*id, moved);
            }
            ([], Some(to), Some(moved)) if step.kind == StepKind::LogDir => {
                let from = moved.log_dir.map(|dir| model.log_dirs[dir as usize].path.clone());
                if from != to.from || from.as_ref() == Some(&to.to) {
                    return Err("moves from another directory".into());
                }
                let log_dir = dir_named(to.broker);
                partition.held.insert(to.broker, Held { log_dir, ..moved });
            }
            ([], None, _) if matches!(step.kind, StepKind::Leader | StepKind::Remove) => {}
            _ => return Err("moves nothing that there is".into()),
        }
        partition.list.clone_from(&step.to);
        partition.leader = step.leader;
        if partition.list.len() != partition.held.len() {
            return Err("has a broker twice".into());
        }
        Ok(())
    }

    /// Nothing that is offline leads, and a broker that may not lead gets no leadership that it hadn't while another
    /// replica could lead.
    fn check_leader(&self, index: usize, step: &Step, was: &Whereabouts) -> Result<(), String> {
        let Some(id) = step.leader.filter(|id| Some(*id) != was.leader) else { return Ok(()) };
        let model = self.task.model;
        let held = &self.partitions[index].held;
        let broker = |id: i32| model.broker_index(id).expect("a broker") as usize;
        let online = |id: i32| {
            model.brokers[broker(id)].state != crate::document::BrokerState::Dead
                && held[&id].log_dir.is_none_or(|dir| model.log_dirs[dir as usize].online)
        };
        if !online(id) {
            return Err("makes a leader of a replica that is offline".into());
        }
        let may = |id: i32| online(id) && self.task.roles[broker(id)].leads;
        match held.keys().find(|other| may(**other)) {
            Some(other) if !may(id) => Err(format!("makes a leader of {id}, and {other} could be")),
            _ => Ok(()),
        }
    }

    fn sums(&self) -> Sums {
        let model = self.task.model;
        let mut sums = Sums {
            brokers: vec![[0; REPLICAS + 1]; model.brokers.len()],
            hosts: vec![[0; RESOURCES]; model.hosts.len()],
            log_dirs: vec![0; model.log_dirs.len()],
        };
        for (index, partition) in self.partitions.iter().enumerate() {
            for (id, held) in &partition.held {
                let broker = model.broker_index(*id).expect("a broker") as usize;
                let mut load = held.load;
                if partition.leader == Some(*id) {
                    for (load, extra) in load.iter_mut().zip(model.partitions[index].leader_extra) {
                        *load += extra;
                    }
                }
                let host = model.brokers[broker].host as usize;
                for (resource, amount) in load.into_iter().enumerate() {
                    sums.brokers[broker][resource] += amount;
                    sums.hosts[host][resource] += amount;
                }
                sums.brokers[broker][REPLICAS] += 1;
                if let Some(dir) = held.log_dir {
                    sums.log_dirs[dir as usize] += held.load[Resource::Disk as usize];
                }
            }
        }
        sums
    }

    fn check_sums(&self, before: &Sums, peak: &Sums) -> Result<(), String> {
        for (broker, limits) in self.limits.brokers.iter().enumerate() {
            for dimension in 0..=REPLICAS {
                let (was, is) =
                    (before.brokers[broker][dimension], peak.brokers[broker][dimension]);
                if is > was && is > limits.cap[dimension] {
                    return Err(format!(
                        "fills broker {broker} to {is} of {} in {dimension}",
                        limits.cap[dimension]
                    ));
                }
            }
        }
        for (host, limits) in self.limits.hosts.iter().enumerate() {
            for (resource, limit) in limits.iter().enumerate() {
                let (was, is) = (before.hosts[host][resource], peak.hosts[host][resource]);
                if *limit != UNLIMITED && is > was && is > *limit {
                    return Err(format!("fills machine {host} to {is} of {limit} in {resource}"));
                }
            }
        }
        for (dir, log_dir) in self.task.model.log_dirs.iter().enumerate() {
            let (was, is) = (before.log_dirs[dir], peak.log_dirs[dir]);
            if is > was && is > log_dir.capacity {
                return Err(format!("fills directory {dir} to {is} of {}", log_dir.capacity));
            }
        }
        Ok(())
    }

    /// How many replicas of a partition are too many in their racks.
    fn excess(&self, index: usize) -> usize {
        let model = self.task.model;
        let mut racks: BTreeMap<u32, usize> = BTreeMap::new();
        for id in &self.partitions[index].list {
            let broker = model.broker_index(*id).expect("a broker");
            *racks.entry(model.brokers[broker as usize].rack).or_default() += 1;
        }
        if self.task.options.has(Goal::RackAware) {
            return racks.values().map(|count| count - 1).sum();
        }
        if !self.task.options.has(Goal::RackAwareDistribution) {
            return 0;
        }
        let mut counted: Vec<u32> = Vec::new();
        for (broker, role) in model.brokers.iter().zip(&self.task.roles) {
            if role.counted && !counted.contains(&broker.rack) {
                counted.push(broker.rack);
            }
        }
        let replicas = self.partitions[index].list.len();
        let fair = replicas / counted.len().max(1);
        let more = replicas % counted.len().max(1);
        let above: usize = racks.values().map(|count| count.saturating_sub(fair)).sum();
        above - more.min(racks.values().filter(|count| **count > fair).count())
    }

    /// The brokers that lead too few partitions of a partition's topic.
    fn lacking(&self, index: usize) -> Vec<i32> {
        let model = self.task.model;
        let topic = model.partitions[index].topic;
        let min = self.limits.topics[topic as usize].min_leaders as usize;
        let leads = |id: i32| {
            model
                .partitions_of(topic)
                .filter(|p| self.partitions[*p as usize].leader == Some(id))
                .count()
        };
        let brokers = model
            .brokers
            .iter()
            .zip(&self.task.roles)
            .filter(|(_, role)| role.leads && role.counted);
        brokers.map(|(broker, _)| broker.id).filter(|id| leads(*id) < min).collect()
    }

    /// Everything is where the ordering says that it is.
    fn is_at(&self, placement: &Placement, all: bool) {
        let model = self.task.model;
        let id = |broker: u32| model.brokers[broker as usize].id;
        for (index, partition) in self.partitions.iter().enumerate() {
            let leader = placement.leader[index];
            let mut order: Vec<u32> = model.replicas_of(index as u32).collect();
            if placement.leader_first[index] {
                order.sort_by_key(|replica| *replica != leader);
            }
            let list: Vec<i32> = order
                .iter()
                .map(|replica| placement.broker[*replica as usize])
                .filter(|broker| *broker != NONE)
                .map(id)
                .collect();
            let mut replicas = model.replicas_of(index as u32);
            if all && replicas.any(|replica| !model.is_offline(replica)) {
                assert_eq!(partition.list, list, "partition {index} isn't where it was to be");
            } else {
                // Replicas that were to go may be left, and are where nothing is online.
                assert!(list.iter().all(|id| partition.list.contains(id)), "partition {index}");
            }
            for replica in
                order.iter().filter(|replica| placement.broker[**replica as usize] != NONE)
            {
                let held = &partition.held[&id(placement.broker[*replica as usize])];
                assert_eq!(held.load, model.replicas[*replica as usize].load, "partition {index}");
                assert_eq!(
                    held.log_dir,
                    Some(placement.log_dir[*replica as usize]),
                    "partition {index}"
                );
            }
            let leader = (leader != NONE).then(|| id(placement.broker[leader as usize]));
            if !all && partition.leader.is_some_and(|id| !list.contains(&id)) {
                // One that was to go leads still.
                continue;
            }
            assert_eq!(partition.leader, leader, "partition {index}");
        }
    }
}
