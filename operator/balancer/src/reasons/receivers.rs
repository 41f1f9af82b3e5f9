//! What can't be met because only some brokers receive: while there are new ones, those alone.
//!
//! Brokers that don't receive can only give. What they have above their limits has to go to those that receive, which can
//! take what fits below theirs. Leadership may go anywhere, so that what it costs counts on neither side. A replica can
//! leave a rack only for one where a broker receives, and those that have to may fill it beyond its band.

use crate::evaluate::{BANDS, CAPACITIES};
use crate::goal::Goal;
use crate::limits::{
    BrokerLimits, DIMENSIONS, Limits, REPLICAS, Totals, UNLIMITED, sum_brokers, totals_of,
};
use crate::model::{NONE, Partition};
use crate::placement::Placement;
use crate::racks::racks_to_spread_over;
use crate::task::Task;

/// What the brokers that receive can't take.
pub(super) struct Receivers<'a> {
    task: &'a Task<'a>,
    limits: &'a Limits,
    placement: &'a Placement,
    /// Indices of those that receive; empty when there are no others.
    brokers: Vec<u32>,
    /// How many racks there are to spread over.
    racks: u32,
    /// By dimension: whether they have less room in their bands than the others are above theirs.
    bands: [bool; DIMENSIONS],
    /// The same of capacities.
    capacities: [bool; DIMENSIONS],
    /// By dimension: whether they have less room in their bands than had to leave its rack.
    pressed: [bool; DIMENSIONS],
}

impl<'a> Receivers<'a> {
    /// `placement` is what the plan leaves.
    pub(super) fn of(task: &'a Task<'a>, limits: &'a Limits, placement: &'a Placement) -> Self {
        let nothing = [false; DIMENSIONS];
        let mut found = Self {
            task,
            limits,
            placement,
            brokers: Vec::new(),
            racks: racks_to_spread_over(task),
            bands: nothing,
            capacities: nothing,
            pressed: nothing,
        };
        if task.roles.iter().all(|role| role.receives || !role.counted) {
            return found;
        }
        let model = task.model;
        let receives = |broker: &u32| task.roles[*broker as usize].receives;
        found.brokers = (0..model.brokers.len() as u32).filter(receives).collect();
        let followed = vec![NONE; model.partitions.len()];
        let sums = sum_brokers(model, &Placement::of(model).broker, &followed);
        let bands = found.rooms(&sums, |limits| &limits.high);
        let capacities = found.rooms(&sums, |limits| &limits.cap);
        found.bands = is_less(&bands, &found.excess(&sums, |limits| &limits.high));
        found.capacities = is_less(&capacities, &found.excess(&sums, |limits| &limits.cap));
        found.pressed = is_less(&bands, &found.leaving_racks());
        found
    }

    /// The room that those that receive have below their limits.
    fn rooms(&self, sums: &[Totals], ends: impl Fn(&BrokerLimits) -> &Totals) -> Totals {
        let mut room = Totals::default();
        for broker in self.brokers.iter().map(|broker| *broker as usize) {
            let ends = ends(&self.limits.brokers[broker]);
            for ((room, end), sum) in room.iter_mut().zip(ends).zip(&sums[broker]) {
                *room = room.saturating_add(if *end == UNLIMITED { UNLIMITED } else { end - sum });
            }
        }
        room
    }

    /// What the others have above their limits.
    fn excess(&self, sums: &[Totals], ends: impl Fn(&BrokerLimits) -> &Totals) -> Totals {
        let mut excess = Totals::default();
        let brokers = sums.iter().zip(&self.limits.brokers).zip(&self.task.roles);
        for ((sums, limits), role) in brokers.filter(|(_, role)| !role.receives) {
            for ((excess, sum), end) in excess.iter_mut().zip(sums).zip(ends(limits)) {
                *excess += if role.closed { *sum } else { sum.saturating_sub(*end).max(0) };
            }
        }
        excess
    }

    /// What had to leave its rack, and did: of each partition no more than the smallest replicas.
    fn leaving_racks(&self) -> Totals {
        let (model, mut leaving) = (self.task.model, Totals::default());
        if !is_rack_aware(self.task) {
            return leaving;
        }
        let mut costs = Vec::new();
        for (index, partition) in model.partitions.iter().enumerate() {
            let replicas = model.replicas_of(index as u32);
            let held = replicas.clone().map(|replica| model.replicas[replica as usize].broker);
            let surplus = self.surplus(partition, held);
            if surplus == 0 || self.surplus(partition, self.held(index as u32)) > 0 {
                continue;
            }
            for (dimension, leaving) in leaving.iter_mut().enumerate() {
                costs.clear();
                costs.extend(
                    replicas.clone().map(|replica| totals_of(model, replica, false)[dimension]),
                );
                costs.sort_unstable();
                *leaving += costs[..surplus].iter().sum::<i64>();
            }
        }
        leaving
    }

    /// Whether a broker is above its limit because those that receive are full.
    pub(super) fn are_full(&self, goal: Goal, broker: u32) -> bool {
        !self.task.roles[broker as usize].receives
            && (is_one_of(goal, &BANDS, &self.bands)
                || is_one_of(goal, &CAPACITIES, &self.capacities))
    }

    /// Whether a broker is above its band because of what had to leave its rack.
    pub(super) fn are_pressed(&self, goal: Goal, broker: u32) -> bool {
        self.task.roles[broker as usize].receives && is_one_of(goal, &BANDS, &self.pressed)
    }

    /// Whether a partition has more replicas in racks that have too many than brokers that receive could take in others.
    pub(super) fn are_in_its_racks(&self, partition: u32) -> bool {
        let model = self.task.model;
        if self.brokers.is_empty() {
            return false;
        }
        let held: Vec<u32> = self.held(partition).collect();
        let of = &model.partitions[partition as usize];
        let fits = |broker: u32| {
            let cap = self.limits.brokers[broker as usize].cap;
            model.replicas_of(partition).any(|replica| {
                let needs = totals_of(model, replica, false);
                (0..=REPLICAS).all(|dimension| needs[dimension] <= cap[dimension])
            })
        };
        let free = self.brokers.iter().filter(|broker| !held.contains(broker) && fits(**broker));
        let mut racks: Vec<u32> = free.map(|broker| model.brokers[*broker as usize].rack).collect();
        racks.sort_unstable();
        let in_rack = |rack: u32| {
            held.iter().filter(|broker| model.brokers[**broker as usize].rack == rack).count()
        };
        let most = self.most_in_a_rack(of);
        let room: usize = racks
            .chunk_by(|left, right| left == right)
            .map(|brokers| brokers.len().min(most.saturating_sub(in_rack(brokers[0]))))
            .sum();
        self.surplus(of, held.iter().copied()) > room
    }

    /// The brokers of a partition's replicas after the plan.
    fn held(&self, partition: u32) -> impl Iterator<Item = u32> {
        let replicas = self.task.model.replicas_of(partition);
        replicas.map(|replica| self.placement.broker[replica as usize])
    }

    fn most_in_a_rack(&self, partition: &Partition) -> usize {
        if self.task.options.has(Goal::RackAware) {
            1
        } else {
            partition.replicas.div_ceil(self.racks.max(1)) as usize
        }
    }

    /// How many replicas on these brokers are too many for their racks.
    fn surplus(&self, partition: &Partition, brokers: impl Iterator<Item = u32>) -> usize {
        let known = brokers.filter(|broker| *broker != NONE);
        let mut racks: Vec<u32> =
            known.map(|broker| self.task.model.brokers[broker as usize].rack).collect();
        racks.sort_unstable();
        let most = self.most_in_a_rack(partition);
        let racks = racks.chunk_by(|left, right| left == right);
        racks.map(|replicas| replicas.len().saturating_sub(most)).sum()
    }
}

fn is_rack_aware(task: &Task<'_>) -> bool {
    task.options.has(Goal::RackAware) || task.options.has(Goal::RackAwareDistribution)
}

fn is_less(rooms: &Totals, needed: &Totals) -> [bool; DIMENSIONS] {
    std::array::from_fn(|dimension| rooms[dimension] < needed[dimension])
}

fn is_one_of(goal: Goal, goals: &[(Goal, usize)], which: &[bool; DIMENSIONS]) -> bool {
    goals.iter().any(|(other, dimension)| *other == goal && which[*dimension])
}
