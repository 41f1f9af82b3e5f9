//! Replicas that had to go somewhere and found no place.

use std::collections::BTreeMap;

use super::is_unreachable;
use crate::broker_sets::BrokerSets;
use crate::evaluate::{Evaluation, stranded};
use crate::goal::Goal;
use crate::limits::{Limits, REPLICAS, UNLIMITED, totals_of};
use crate::model::NONE;
use crate::placement::Placement;
use crate::racks::racks_counted;
use crate::task::{Scope, Task};
use crate::wording::{amount, count, of, some};

/// So many replicas are looked at one by one. The causes of the rest will be the same.
const LOOKED_AT: usize = 2_000;

/// How far a replica comes on its way to the broker that could almost take it; the furthest last.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
enum Obstacle {
    /// Every broker that may receive holds the partition already.
    Held,
    /// The others are outside the topic's set of brokers.
    Set,
    /// The others are in racks that have enough of the partition.
    Rack,
    /// The others have no room: what of their totals is at its end.
    Room(usize),
    /// Nothing that is provable.
    Nothing,
}

/// A sentence for each obstacle.
pub(super) fn sentences(
    task: &Task<'_>,
    limits: &Limits,
    after: &Evaluation,
    placement: &Placement,
) -> Vec<String> {
    if after.stranded == 0 {
        return Vec::new();
    }
    let model = task.model;
    let partition = |replica: u32| model.replicas[replica as usize].partition;
    let left: Vec<u32> = stranded(task, placement)
        .filter(|replica| !is_unreachable(model, partition(*replica)))
        .collect();
    let names = |replicas: &[u32]| {
        let names = replicas
            .iter()
            .take(LOOKED_AT)
            .map(|replica| crate::wording::partition(model, partition(*replica)));
        some(&names.collect::<Vec<_>>())
    };
    let number = left.len() as u64;
    if left.is_empty() {
        return Vec::new();
    }
    if task.scope == Scope::Leadership {
        return vec![format!(
            "{} where nothing may stay ({}): {} moves leadership alone: fix-offline or remove-brokers does the rest",
            if number == 1 {
                "1 replica stays".to_owned()
            } else {
                format!("{} stay", count(number, "replica"))
            },
            names(&left),
            task.options.operation.name(),
        )];
    }
    if task.roles.iter().all(|role| !role.receives) {
        return vec![format!(
            "{} found no place ({}): no broker may receive replicas: exclude fewer brokers, or add one",
            count(number, "replica"),
            names(&left),
        )];
    }
    let look = Look {
        task,
        limits,
        after,
        placement,
        sets: task.sets.clone(),
        racks: racks_counted(task),
    };
    let mut obstacles: BTreeMap<Obstacle, Vec<u32>> = BTreeMap::new();
    for replica in left.iter().copied().take(LOOKED_AT) {
        obstacles.entry(look.obstacle(replica)).or_default().push(replica);
    }
    let mut sentences: Vec<String> = obstacles
        .into_iter()
        .map(|(obstacle, replicas)| {
            let number = count(replicas.len() as u64, "replica");
            format!(
                "{number} found no place ({}): {}",
                names(&replicas),
                look.why(obstacle, replicas[0])
            )
        })
        .collect();
    if let Some(more) = left.len().checked_sub(LOOKED_AT).filter(|more| *more > 0) {
        sentences.push(format!("{} found no place either", count(more as u64, "more replica")));
    }
    sentences
}

struct Look<'a> {
    task: &'a Task<'a>,
    limits: &'a Limits,
    after: &'a Evaluation,
    placement: &'a Placement,
    sets: BrokerSets,
    racks: Vec<bool>,
}

impl Look<'_> {
    fn obstacle(&self, replica: u32) -> Obstacle {
        let model = self.task.model;
        let index = model.replicas[replica as usize].partition;
        let others: Vec<u32> = model
            .replicas_of(index)
            .filter(|other| *other != replica)
            .map(|other| self.placement.broker[other as usize])
            .filter(|broker| *broker != NONE)
            .collect();
        let receivers = (0..model.brokers.len() as u32)
            .filter(|broker| self.task.roles[*broker as usize].receives);
        let home = model.replicas[replica as usize].broker;
        let caught = !self.task.may_stay_on_broker(replica);
        let free =
            receivers.filter(|broker| !(others.contains(broker) || (caught && *broker == home)));
        free.map(|broker| self.obstacle_on(replica, broker, &others))
            .max()
            .unwrap_or(Obstacle::Held)
    }

    fn obstacle_on(&self, replica: u32, broker: u32, others: &[u32]) -> Obstacle {
        let (model, options) = (self.task.model, self.task.options);
        let partition = &model.partitions[model.replicas[replica as usize].partition as usize];
        if !self.sets.allow(partition.topic, broker) {
            return Obstacle::Set;
        }
        let rack = |broker: u32| model.brokers[broker as usize].rack;
        let beside = others.iter().filter(|other| rack(**other) == rack(broker)).count() as u32;
        let racks = self.racks.iter().filter(|counted| **counted).count() as u32;
        let most = if options.has(Goal::RackAware) {
            1
        } else {
            partition.replicas.div_ceil(racks.max(1))
        };
        let aware = options.has(Goal::RackAware) || options.has(Goal::RackAwareDistribution);
        if aware && beside >= most {
            return Obstacle::Rack;
        }
        let needs = totals_of(model, replica, false);
        let already = self.placement.broker[replica as usize] == broker;
        let room = (0..=REPLICAS).find(|dimension| {
            let cap = self.limits.brokers[broker as usize].cap[*dimension];
            let amount = self.after.totals[broker as usize][*dimension];
            cap != UNLIMITED && !already && amount + needs[*dimension] > cap
        });
        room.map_or(Obstacle::Nothing, Obstacle::Room)
    }

    fn why(&self, obstacle: Obstacle, example: u32) -> String {
        let model = self.task.model;
        let partition = &model.partitions[model.replicas[example as usize].partition as usize];
        match obstacle {
            Obstacle::Held => {
                "every broker that may receive has a replica of the same partition: needs 1 more broker".to_owned()
            }
            Obstacle::Set => {
                let set = self.sets.topics[partition.topic as usize] as usize;
                let set = self.task.options.broker_sets.keys().nth(set).map_or("", String::as_str);
                format!("no other broker of set {set} may receive: {} needs 1 more broker in it", Goal::BrokerSetAware)
            }
            Obstacle::Rack => {
                let goal = if self.task.options.has(Goal::RackAware) {
                    Goal::RackAware
                } else {
                    Goal::RackAwareDistribution
                };
                format!("the brokers that may receive are in racks that have their share: {goal} needs 1 more broker in \
                     another")
            }
            Obstacle::Room(dimension) => {
                let needs = totals_of(model, example, false)[dimension];
                format!(
                    "the brokers that they could go to are at their limits, with no room for {}{}: needs 1 more broker",
                    of(dimension),
                    amount(model, dimension, needs),
                )
            }
            Obstacle::Nothing => {
                "the search found none within its budget: another seed (--seed) may help".to_owned()
            }
        }
    }
}
