//! Where a replica may go at all.
//!
//! A plan is carried out step by step, and the steps of a partition in any order. So a replica may go only where it
//! breaks no rule beside the other replicas of its partition, whether those are where they were or where they will be.

use crate::broker_sets::BrokerSets;
use crate::model::NONE;
use crate::racks::{RackRule, Racks};
use crate::search::ground::Ground;
use crate::task::Task;

/// The rules of a task.
#[derive(Debug)]
pub(super) struct Rules {
    racks: Racks,
    sets: BrokerSets,
}

/// How careful a move has to be.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Care {
    /// It breaks no rule, in whatever order the steps of the partition are done.
    AnyOrder,
    /// It breaks no rule, in some order.
    SomeOrder,
}

impl Rules {
    /// The rules that the goals of a task make.
    pub(super) fn new(task: &Task<'_>) -> Self {
        Self { racks: Racks::new(task), sets: task.sets.clone() }
    }

    /// Whether a replica breaks a rule where it is: it shares its rack, or is outside its topic's set.
    pub(super) fn misplaced(&self, ground: &Ground<'_>, replica: u32) -> bool {
        let model = ground.task.model;
        let partition = model.replicas[replica as usize].partition;
        let broker = ground.broker_of[replica as usize];
        if broker == NONE || !self.belongs(ground, partition, broker) {
            return true;
        }
        let rack = |broker: u32| model.brokers[broker as usize].rack;
        let placed = |replica: u32| {
            let at = ground.broker_of[replica as usize];
            (at != NONE).then(|| rack(at))
        };
        let others = model.replicas_of(partition).filter(|other| *other != replica);
        let shared = others.filter_map(placed).any(|other| other == rack(broker));
        match self.racks.rule() {
            RackRule::Any => false,
            RackRule::Aware => shared,
            RackRule::Distribution => {
                shared && {
                    let mut racks: Vec<u32> =
                        model.replicas_of(partition).filter_map(placed).collect();
                    self.racks.excess(&mut racks) > 0
                }
            }
        }
    }

    fn belongs(&self, ground: &Ground<'_>, partition: u32, broker: u32) -> bool {
        self.sets.allow(ground.task.model.partitions[partition as usize].topic, broker)
    }

    /// Whether a replica may go to a broker as far as its siblings, racks and sets go, and how many rules it mends
    /// there.
    pub(super) fn verdict(
        &self,
        ground: &Ground<'_>,
        replica: u32,
        to: u32,
        care: Care,
    ) -> Option<u32> {
        let model = ground.task.model;
        let partition = model.replicas[replica as usize].partition;
        let from = ground.broker_of[replica as usize];
        let home = model.replicas[replica as usize].broker;
        let rack = |broker: u32| model.brokers[broker as usize].rack;
        if to == home
            && ground.task.is_stranded(replica)
            && !ground.task.may_stay_on_broker(replica)
        {
            return None;
        }
        let rack_to = rack(to);
        let rack_from = if from == NONE { NONE } else { rack(from) };
        let (mut beside_before, mut beside_after, mut clash) = (false, false, false);
        for other in model.replicas_of(partition) {
            if other == replica {
                continue;
            }
            let at = ground.broker_of[other as usize];
            let origin = model.replicas[other as usize].broker;
            if at == to || origin == to {
                return None;
            }
            if at != NONE {
                let at = rack(at);
                beside_before |= at == rack_from;
                beside_after |= at == rack_to;
                clash |= origin != NONE && rack(origin) == rack_to && at != rack_to;
            }
        }
        let (mends, worse) = match self.racks.rule() {
            RackRule::Any => (false, false),
            RackRule::Aware => {
                if care == Care::AnyOrder && clash && (home == NONE || rack(home) != rack_to) {
                    return None;
                }
                (beside_before && !beside_after, beside_after && !beside_before)
            }
            RackRule::Distribution => {
                let excess = |own: u32| {
                    let others = model.replicas_of(partition).filter(|other| *other != replica);
                    let at = others.map(|other| ground.broker_of[other as usize]).chain([own]);
                    let mut racks: Vec<u32> =
                        at.filter(|broker| *broker != NONE).map(rack).collect();
                    self.racks.excess(&mut racks)
                };
                let (before, after) = (excess(from), excess(to));
                (after < before, after > before)
            }
        };
        let belongs_before = from != NONE && self.belongs(ground, partition, from);
        let belongs_after = self.belongs(ground, partition, to);
        if (belongs_before && !belongs_after) || (worse) || (!belongs_after && from == NONE) {
            return None;
        }
        Some(u32::from(mends) + u32::from(belongs_after && !belongs_before))
    }
}
