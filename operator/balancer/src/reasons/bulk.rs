//! Bands that can't be met because of how much there is, or because it comes in pieces that are too large or too few.

use super::unmet::Cause;
use crate::evaluate::{BANDS, Evaluation};
use crate::goal::Goal;
use crate::limits::{LEADERS, Limits, REPLICAS, UNLIMITED, totals_of};
use crate::log_dirs::{log_dir_bands, log_dir_use};
use crate::model::{NONE, Resource};
use crate::placement::Placement;
use crate::task::Task;

/// Why a goal's bands can't be met by whatever placement.
#[derive(Default)]
pub(super) struct Bulk {
    /// By broker or by directory: the largest replica on it that is above every band, or [`NONE`].
    too_large: Vec<u32>,
    /// By broker or by directory: one like that on another, whose bulk leaves too little for this one, or [`NONE`].
    shadow: Vec<u32>,
    /// How many replicas cost anything, when they are fewer than the brokers that should hold a share.
    too_few: Option<u64>,
    /// What there is in all and what all bands hold together, when that is less.
    too_much: Option<(i64, i64)>,
}

impl Bulk {
    /// Looks at a goal; those that aren't about amounts have nothing of this.
    pub(super) fn of(
        task: &Task<'_>,
        limits: &Limits,
        after: &Evaluation,
        placement: &Placement,
        goal: Goal,
    ) -> Self {
        if goal == Goal::IntraBrokerDiskUsageDistribution {
            return Self::of_log_dirs(task, placement);
        }
        let band = BANDS.into_iter().find(|(other, _)| *other == goal);
        match band {
            None | Some((_, REPLICAS | LEADERS)) => Self::default(),
            Some((_, dimension)) => Self {
                too_much: too_much(task, limits, after, dimension),
                ..Self::of_brokers(task, limits, placement, dimension)
            },
        }
    }

    fn of_brokers(
        task: &Task<'_>,
        limits: &Limits,
        placement: &Placement,
        dimension: usize,
    ) -> Self {
        let model = task.model;
        let mut largest = vec![(0, NONE); model.brokers.len()];
        let counted = || {
            limits.brokers.iter().zip(&task.roles).filter(|(_, role)| role.counted).map(|(l, _)| l)
        };
        let widest = counted().map(|limits| limits.high[dimension]).max().unwrap_or(UNLIMITED);
        let mut costly = 0;
        for (index, replica) in model.replicas.iter().enumerate() {
            let leads = placement.leader[replica.partition as usize] == index as u32;
            let cost = totals_of(model, index as u32, leads)[dimension];
            costly += u64::from(cost > 0);
            // Another replica might lead for less, but one of them has to.
            let least = if leads { cheapest(task, index as u32, dimension) } else { cost };
            if let Some(largest) = largest.get_mut(placement.broker[index] as usize)
                && least > widest.max(largest.0)
            {
                *largest = (least, index as u32);
            }
        }
        let hungry = counted().filter(|limits| limits.low[dimension] > 0).count() as u64;
        let shadow =
            largest.iter().max_by_key(|(least, _)| *least).map_or(NONE, |(_, replica)| *replica);
        Self {
            shadow: vec![shadow; largest.len()],
            too_large: largest.into_iter().map(|(_, replica)| replica).collect(),
            too_few: (costly < hungry).then_some(costly),
            too_much: None,
        }
    }

    fn of_log_dirs(task: &Task<'_>, placement: &Placement) -> Self {
        let model = task.model;
        let bands = log_dir_bands(task, &log_dir_use(model, placement));
        let mut largest = vec![(0, NONE); model.log_dirs.len()];
        for (index, dir) in placement.log_dir.iter().enumerate().filter(|(_, dir)| **dir != NONE) {
            let size = model.replicas[index].load[Resource::Disk as usize];
            if size > largest[*dir as usize].0 {
                largest[*dir as usize] = (size, index as u32);
            }
        }
        let widest = |broker: u32| {
            let open = model.log_dirs_of(broker).filter(|dir| !task.closed_dirs[*dir as usize]);
            open.map(|dir| bands[dir as usize].1).max().unwrap_or(UNLIMITED)
        };
        let dirs = model.log_dirs.iter().zip(&largest);
        let too_large = dirs
            .map(|(dir, (size, replica))| if *size > widest(dir.broker) { *replica } else { NONE });
        let too_large: Vec<u32> = too_large.collect();
        let shadow = model.log_dirs.iter().map(|dir| {
            let beside =
                model.log_dirs_of(dir.broker).filter(|dir| too_large[*dir as usize] != NONE);
            beside
                .max_by_key(|dir| largest[*dir as usize].0)
                .map_or(NONE, |dir| too_large[dir as usize])
        });
        Self { shadow: shadow.collect(), too_large, ..Self::default() }
    }

    /// What stands in the way of this broker or directory, which is above its band or below it.
    pub(super) fn cause(&self, place: u32, above: bool) -> Cause {
        if let Some((whole, allowed)) = self.too_much {
            return Cause::TooMuch { whole, allowed };
        }
        let large = if above { &self.too_large } else { &self.shadow };
        match (self.too_few, large.get(place as usize)) {
            (Some(number), _) => Cause::TooFew(number),
            (_, Some(replica)) if *replica != NONE => Cause::TooLarge(*replica),
            _ => Cause::Unknown,
        }
    }
}

fn too_much(
    task: &Task<'_>,
    limits: &Limits,
    after: &Evaluation,
    dimension: usize,
) -> Option<(i64, i64)> {
    let open = limits.brokers.iter().zip(&task.roles).filter(|(_, role)| !role.closed);
    let highs = open.map(|(limits, _)| limits.high[dimension]);
    let allowed = highs.fold(0, |sum: i64, high| sum.saturating_add(high));
    let whole = after.whole()[dimension];
    (whole > allowed).then_some((whole, allowed))
}

/// What the partition's leader costs on whichever of its replicas it costs least.
fn cheapest(task: &Task<'_>, replica: u32, dimension: usize) -> i64 {
    let replicas = task.model.replicas_of(task.model.replicas[replica as usize].partition);
    replicas.map(|replica| totals_of(task.model, replica, true)[dimension]).min().unwrap_or(0)
}
