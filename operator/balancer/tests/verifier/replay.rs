//! One step: whether it may be taken where the plan stands, and what it changes.

use std::collections::BTreeSet;

use taffrail_balancer::{Step, StepKind};

use super::amount::{Amounts, DISK, value};
use super::facts::Facts;
use super::state::{Partition, Replica, State, Sums};

/// What the steps add up to.
#[derive(Debug, Default)]
pub(super) struct Tally {
    pub(super) bytes: f64,
    pub(super) replicas: u64,
    pub(super) adds: u64,
    pub(super) removes: u64,
}

/// What a step changed, for whoever compares before and after.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) partition: usize,
    pub(super) old: Partition,
    /// The broker that came.
    pub(super) came: Option<usize>,
    /// What the brokers that the partition touches had before.
    pub(super) sums: Vec<(usize, Sums)>,
    /// The directory that got bytes without the broker getting a replica.
    pub(super) dir: Option<(usize, usize)>,
}

/// Takes a step, or says why it can't be taken or isn't what it says it is.
pub(super) fn apply(
    facts: &Facts,
    state: &mut State,
    step: &Step,
    tally: &mut Tally,
) -> Result<Change, String> {
    let index = partition_of(facts, state, step)?;
    let old = &state.partitions[index];
    let from: Vec<i32> =
        old.replicas.iter().map(|replica| facts.brokers[replica.broker].id).collect();
    if step.from != from {
        return Err(format!("the replicas are on {from:?} before it"));
    }
    let to = indices(facts, &step.to)?;
    let came: Vec<usize> = to.iter().copied().filter(|broker| !old.is_on(*broker)).collect();
    let went: Vec<&Replica> =
        old.replicas.iter().filter(|replica| !to.contains(&replica.broker)).collect();
    if came.len() > 1 || went.len() > 1 {
        return Err("more than one broker comes or goes".into());
    }
    let (came, went) = (came.first().copied(), went.first().copied());
    let copies = came.is_some() || step.log_dir.is_some();
    if copies && !old.replicas.iter().any(|replica| facts.is_online(replica)) {
        return Err("no replica is online to copy from: this would give up what they hold".into());
    }
    let new = next(facts, old, step, &to, came, went)?;
    let kind_and_bytes = expected(facts, old, &new, step, came, went)?;
    if !kind_and_bytes.0.contains(&step.kind) {
        return Err(format!("it should be one of {:?}", kind_and_bytes.0));
    }
    if !about(step.bytes, kind_and_bytes.1) {
        return Err(format!("it copies {} bytes", kind_and_bytes.1));
    }
    check_destination(facts, came, went)?;
    check_leader(facts, old, &new)?;
    if came.is_some() {
        tally.bytes += step.bytes;
        tally.replicas += 1;
        tally.adds += u64::from(went.is_none());
    } else if went.is_some() {
        tally.removes += 1;
    }
    let dir = if came.is_none() { changed_dir(old, &new) } else { None };
    let touched: BTreeSet<usize> =
        old.replicas.iter().chain(&new.replicas).map(|replica| replica.broker).collect();
    let sums = touched.into_iter().map(|broker| (broker, state.sums[broker].clone())).collect();
    let old = state.replace(index, new);
    Ok(Change { partition: index, old, came, sums, dir })
}

fn partition_of(facts: &Facts, state: &State, step: &Step) -> Result<usize, String> {
    let topic = facts.topic_index(&step.topic).ok_or("no such topic")?;
    let first = state.partitions.partition_point(|partition| partition.topic < topic);
    let of_topic =
        state.partitions[first..].iter().take_while(|partition| partition.topic == topic);
    let place = of_topic
        .enumerate()
        .find(|(_, partition)| partition.id == step.partition)
        .map(|(place, _)| place);
    Ok(first + place.ok_or("no such partition")?)
}

fn indices(facts: &Facts, ids: &[i32]) -> Result<Vec<usize>, String> {
    let mut seen = BTreeSet::new();
    let index = |id: &i32| {
        if !seen.insert(*id) {
            return Err(format!("broker {id} is there twice"));
        }
        facts.by_id.get(id).copied().ok_or(format!("there is no broker {id}"))
    };
    ids.iter().map(index).collect()
}

/// The partition after the step: the broker that comes takes the load of the one that goes.
fn next(
    facts: &Facts,
    old: &Partition,
    step: &Step,
    to: &[usize],
    came: Option<usize>,
    went: Option<&Replica>,
) -> Result<Partition, String> {
    let mut replicas = Vec::new();
    for broker in to {
        let replica = match old.replicas.iter().find(|replica| replica.broker == *broker) {
            Some(stays) => moved_between_dirs(facts, stays, step, came)?,
            None => Replica {
                broker: *broker,
                dir: arrival_dir(facts, *broker, step)?,
                load: went.map_or(old.added, |replica| replica.load),
                origin: went.and_then(|replica| replica.origin),
            },
        };
        replicas.push(replica);
    }
    let leader = match step.leader {
        None => None,
        Some(id) => Some(*facts.by_id.get(&id).ok_or(format!("there is no broker {id} to lead"))?),
    };
    let new = Partition { replicas, leader, ..old.clone() };
    if leader.is_some() && new.leader_replica().is_none_or(|replica| !facts.is_online(replica)) {
        return Err("its leader has no replica that is online".into());
    }
    if leader.is_none() && new.replicas.iter().any(|replica| facts.is_online(replica)) {
        return Err("it leaves a partition without leader that has an online replica".into());
    }
    Ok(new)
}

fn arrival_dir(facts: &Facts, broker: usize, step: &Step) -> Result<usize, String> {
    let dirs = &facts.brokers[broker].dirs;
    let dir = match &step.log_dir {
        Some(target) if target.broker == facts.brokers[broker].id => {
            if target.from.is_some() {
                return Err("a replica that comes was in no directory of the broker".into());
            }
            dirs.iter().position(|dir| dir.path == target.to).ok_or("no such directory")?
        }
        Some(_) => return Err("its directory is of another broker".into()),
        None if dirs.len() == 1 => 0,
        None => return Err("it doesn't say which directory".into()),
    };
    if dirs[dir].closed {
        return Err("a replica comes to a directory that is to be emptied".into());
    }
    Ok(dir)
}

fn moved_between_dirs(
    facts: &Facts,
    stays: &Replica,
    step: &Step,
    came: Option<usize>,
) -> Result<Replica, String> {
    let broker = &facts.brokers[stays.broker];
    let Some(target) =
        step.log_dir.as_ref().filter(|target| came.is_none() && target.broker == broker.id)
    else {
        return Ok(stays.clone());
    };
    if target.from.as_deref() != Some(broker.dirs[stays.dir].path.as_str()) {
        return Err(format!("the replica is in \"{}\" before it", broker.dirs[stays.dir].path));
    }
    let dir =
        broker.dirs.iter().position(|dir| dir.path == target.to).ok_or("no such directory")?;
    if broker.dirs[dir].closed || dir == stays.dir {
        return Err("a replica can't go to that directory".into());
    }
    if !facts.is_online(stays) {
        return Err("a broker can't copy a replica out of a directory that is offline".into());
    }
    Ok(Replica { dir, ..stays.clone() })
}

/// What kinds the step may be, and how many bytes it copies.
fn expected(
    facts: &Facts,
    old: &Partition,
    new: &Partition,
    step: &Step,
    came: Option<usize>,
    went: Option<&Replica>,
) -> Result<(&'static [StepKind], f64), String> {
    let bytes_of = |load: &Amounts| value(load[DISK]);
    Ok(match (came, went) {
        (Some(_), Some(replica)) if facts.is_stranded(replica) => {
            (&[StepKind::Evacuate], bytes_of(&replica.load))
        }
        (Some(_), Some(replica)) => (&[StepKind::Move], bytes_of(&replica.load)),
        (Some(_), None) => (&[StepKind::Add], bytes_of(&old.added)),
        (None, Some(_)) => (&[StepKind::Remove], 0.0),
        (None, None) => match changed_dir(old, new) {
            Some((broker, dir)) => {
                let replica = old
                    .replicas
                    .iter()
                    .find(|replica| replica.broker == broker)
                    .ok_or("no replica")?;
                let leaves_closed =
                    facts.brokers[broker].dirs[replica.dir].closed && replica.dir != dir;
                let kinds: &[StepKind] = if leaves_closed {
                    &[StepKind::Evacuate, StepKind::LogDir]
                } else {
                    &[StepKind::LogDir]
                };
                (kinds, bytes_of(&replica.load))
            }
            None if step.log_dir.is_some() => return Err("nothing goes to its directory".into()),
            None if old.replicas == new.replicas && old.leader == new.leader => {
                return Err("it does nothing".into());
            }
            None => (&[StepKind::Leader], 0.0),
        },
    })
}

/// The directory that a replica goes to without leaving its broker.
fn changed_dir(old: &Partition, new: &Partition) -> Option<(usize, usize)> {
    new.replicas.iter().find_map(|replica| {
        let before = old.replicas.iter().find(|before| before.broker == replica.broker)?;
        (before.dir != replica.dir).then_some((replica.broker, replica.dir))
    })
}

fn check_destination(
    facts: &Facts,
    came: Option<usize>,
    went: Option<&Replica>,
) -> Result<(), String> {
    let Some(broker) = came.map(|broker| &facts.brokers[broker]) else { return Ok(()) };
    // What has to go may go to an old broker when there are new ones; `outcome` asks whether it had to.
    let must_go =
        went.is_none_or(|replica| facts.was_stranded(replica) || replica.origin.is_none());
    if broker.receives || (broker.counted && must_go) {
        Ok(())
    } else {
        Err(format!("broker {} receives nothing", broker.id))
    }
}

fn check_leader(facts: &Facts, old: &Partition, new: &Partition) -> Result<(), String> {
    let Some(leader) = new.leader.filter(|leader| old.leader != Some(*leader)) else {
        return Ok(());
    };
    let could =
        |replica: &&Replica| facts.is_online(replica) && facts.brokers[replica.broker].leads;
    match new.replicas.iter().find(could) {
        Some(better) if !facts.brokers[leader].leads => Err(format!(
            "broker {} may not lead, and broker {} could",
            facts.brokers[leader].id, facts.brokers[better.broker].id
        )),
        _ => Ok(()),
    }
}

/// The planner's grid and this one may differ in the last places.
pub(super) fn about(one: f64, other: f64) -> bool {
    (one - other).abs() <= 1e-6 * one.abs().max(other.abs()) + 1e-6
}
