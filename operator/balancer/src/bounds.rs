//! The least that any plan has to move: lower bounds on the replicas and on the bytes that are copied between brokers.
//!
//! A plan is measured against these, so they are defined here completely, and proven. They read a [`Task`] and its
//! [`Limits`] and nothing of the search. All arithmetic is in whole units.
//!
//! # What is bounded
//!
//! A replica *moves* when a plan ends with it on another broker than it started on; one without a place always moves.
//! A plan that moves the set `M` makes at least `|M|` copies and copies at least the disk load of `M`. Both are a sum of
//! weights `w(i)` over `M`: `w(i) = 1` for replicas, `w(i) =` the replica's own disk load for bytes. Each definition
//! below holds for both weights unless it says otherwise.
//!
//! The bounds hold for every plan that
//! - leaves *fixed* replicas where they are: those of excluded topics that aren't stranded
//!   ([`Task::is_stranded`]). All others are *movable*, those without a place too;
//! - brings replicas only to brokers that [receive](crate::task::Role::receives);
//! - leaves nothing on a broker that *empties*: one that is closed, or whose log directories all are;
//! - never takes the leader from a partition without giving it another;
//! - ends within the limits: racks, `cap` of every broker, the topics' `min_leaders` on brokers that receive and may lead,
//!   and, in [`Scope::All`], `high` of every broker, `low` of those that receive, the topics' upper limit for replicas on
//!   those that are counted, and their lower limits on those that receive (for leaders: and may lead).
//!   Lower limits of excluded topics don't bind. In [`Scope::Stranded`] soft limits don't, since what isn't stranded may
//!   move for hard goals alone: `low` and the topics' lower limits for replicas and leaders are 0 below, `high` and the
//!   topics' upper limits unlimited.
//!   In [`Scope::Leadership`] nothing moves: both bounds are 0, and nothing below applies.
//!
//! Limits that no plan can reach make no plan to bound; the definitions then give some number, never more than the
//! weight of all movable replicas. Left out, though they could make the bounds larger: what has to go to its set of
//! brokers, limits of machines and of log directories, how many of a broker's replicas may lead at once, and that what
//! is in an offline directory has to leave a broker with open ones too.
//!
//! # Definition
//!
//! **Amounts.** By dimension `k` ([`DIMENSIONS`](crate::limits::DIMENSIONS) of them): `least(i, k)` is what replica `i`
//! adds to its broker ([`totals_of`](crate::limits::totals_of)) as a follower; as the leader, when its partition has no
//! other replica and it leads before the plan. `most(i, k)` is what it adds as the leader. `on(b)` are the replicas on
//! broker `b` before the plan.
//!
//! **Knapsack.** For a set of replicas `A`, amounts `x(i) >= 0` and a need `E`: `knap(A, x, E)` is the least
//! `sum w(i) z(i)` over `0 <= z(i) <= 1`, `i` in `A`, with `sum x(i) z(i) >= E`, rounded up. It is 0 for `E <= 0`, and
//! the whole weight of `A` if `A` doesn't reach `E`. (Whole replicas in the order of `w/x`, the last in part. For
//! `w = 1` it is how many of the largest `x` it takes.)
//!
//! **Leaving.** `leave(b)` is the weight of `on(b)` for a broker that empties. For any other broker it is the largest of
//! - for each dimension `k`: `knap(movable of on(b), least(., k), sum of least(i, k) over on(b) - limit)`, where the limit
//!   is the lesser of `high(b, k)` and `cap(b, k)`; an unlimited one gives 0;
//! - if `b` is counted: the sum over topics of the `min(m, n - upper)` smallest weights among the movable replicas of the
//!   topic on `b`, where `n > upper` of its replicas are on `b`, `m` of them movable, and `upper` is the topic's limit
//!   for replicas.
//!
//! Replicas without a place add their whole weight to the sum of `leave`: call it `unplaced`.
//!
//! **Coming.** `come(b)` is 0 unless `b` receives and doesn't empty. Then, for bytes, it is what
//! `short(b) = low(b, DISK) - disk of on(b)` has above 0. For replicas, with `short(b) = low(b, REPLICAS) - |on(b)|`, it
//! is the largest of
//! - for each dimension `k`: `knap(all movable replicas of the cluster, most(., k), low(b, k) - sum of most(i, k) over
//!   on(b))`, but 0 if they don't reach it;
//! - the sum over topics that aren't excluded of what `lower` exceeds the number of its replicas on `b` by, where `lower`
//!   is the topic's lower limit for replicas, or, if more and `b` may lead, its lower limit for leaders or its
//!   `min_leaders` (the latter in each scope), and 0 on brokers outside the topic's set.
//!
//! **Racks.** With `RackAware` each rack may keep `a = 1` replica of a partition; with `RackAwareDistribution` alone
//! `a =` the number of the partition's replicas by that of the racks that have a counted broker, rounded up (no rule if
//! there are none).
//! The replicas of a partition in one rack, on brokers that don't empty, are a *group*; it may keep
//! `a' = max(0, a - its fixed ones)` of its movable ones. For a set `U` of brokers, `repair(U)` is the sum over groups of
//! the weight of the group's movable replicas on `U`, without the `a'` heaviest of them.
//!
//! **Gain.** For costs `c(b) >= 0`, infinite for brokers that may not be in `U`, let `f(U) = repair(U) - sum of c over U`.
//! `gain(c)` is the largest of 0, `f(U1)` and `f(U2)`. `U1` starts as the brokers with `c = 0`, and takes in brokers as
//! long as taking one in raises `f`. `U2` starts as the brokers with finite `c`, and gives up brokers as long as giving
//! one up raises `f`. In what order doesn't matter: `f` is supermodular.
//!
//! **Bounds.** With `W` the weight of all movable replicas:
//! - `out = unplaced + sum of leave + gain(c)` with `c(b) = leave(b)`, infinite for brokers that empty;
//! - `in = sum of come + gain(c)` with `c(b) = max(0, come(b) - short(b))` for brokers that receive and don't empty,
//!   infinite for others; for bytes less `extra`, the sum of the partitions' `leader_extra` of disk;
//! - replicas: `max(out, in)`, no more than `W`;
//! - bytes: the largest of `out`, `in`, and the sum of the smallest disk loads of as many movable replicas as the bound
//!   of replicas says; no more than `W`.
//!
//! # Proof
//!
//! *Knapsack.* A plan that moves the members `L` of `A` with `sum of x over L >= E` is the point `z = 1` on `L`, `0`
//! elsewhere; its weight is a whole number and no less than the least over all points, so no less than that rounded up.
//!
//! *Leaving.* A broker's total at the end is no less than `least` summed over those of `on(b)` that stay: leader loads
//! aren't negative, and a partition's only replica leads if it did. So those that leave `b` have at least
//! `sum of least - limit` between them, and only movable ones leave. More than `upper` replicas of a topic can't stay, and
//! sets of different topics are disjoint. Hence what leaves `b` weighs at least `leave(b)`.
//!
//! *Coming.* The total of `b` at the end is no more than `most` summed over what was there and what came. What comes is
//! movable, so it is at least as many as the knapsack says. A broker that leads `n` partitions of a topic has `n` of its
//! replicas. For `REPLICAS` and `DISK` the balance is exact: at the end `b` has what it had, less what left, and what
//! came; so with `out(b)` the weight that left, `in(b) >= short(b) + out(b)`, but for leader loads of disk, which are no
//! more than `extra` for all brokers together.
//!
//! *Repairs.* Of a group's movable replicas on `U` at most `a'` can stay, for the rack may keep `a`, and the fixed ones
//! stay. So the replicas that leave brokers of `U` weigh at least `repair(U)`.
//!
//! *Out.* Each replica that moves has no place or leaves one broker. For any `U` without brokers that empty, brokers
//! outside `U` lose at least their `leave`, those in `U` at least `repair(U)`: together
//! `unplaced + sum of leave outside U + repair(U) = unplaced + sum of leave + f(U)`.
//!
//! *In.* Each replica that moves comes to one broker. For any `U` of brokers that receive, those outside `U` get at least
//! their `come`; those in `U` at least `sum of short over U + repair(U)`. Since `short(b) >= come(b) - c(b)`, together at
//! least `sum of come + f(U)`, for bytes less `extra` once (bytes that come to a broker outside `U` count against it too).
//! (`short(b) > come(b)` is possible only where the movable replicas don't reach a deficit: then there is no plan.)
//!
//! *Supermodular.* For one group the weight of a set `T` is modular, and its `a'` heaviest weigh the rank of `T` in a
//! weighted uniform matroid, which is submodular; so `repair` is supermodular, and `f` too. What taking a broker into
//! `U` adds to `f` never falls when `U` grows: a broker worth taking in stays so while others are taken in, and one worth
//! giving up stays so while others are given up. The sets `U1` and `U2` are therefore the same in any order.
//!
//! *Smallest.* As many replicas as the bound says move, and they weigh no less than the lightest so many.

mod coming;
mod knapsack;
mod leaving;
mod repairs;
mod survey;
#[cfg(test)]
mod tests;

use crate::limits::Limits;
use crate::model::Resource;
use crate::planner::Threads;
use crate::task::{Scope, Task};

use coming::{coming, smallest};
use leaving::leaving;
use repairs::{Groups, UNUSED, gains};
use survey::Survey;

/// How many weights there are.
const WEIGHTS: usize = 2;
/// Something by weight.
type ByWeight = [i64; WEIGHTS];
/// Every replica weighs one.
const COUNT: usize = 0;
/// A replica weighs its own disk load.
const BYTES: usize = 1;

const DISK: usize = Resource::Disk as usize;

/// What no plan that ends within its limits can do with less than.
#[derive(Clone, Copy, Debug, Default, Eq, PartialEq)]
pub(crate) struct Bounds {
    /// Replicas that move to another broker.
    pub(crate) replicas: u64,
    /// Their disk loads, in units of disk.
    pub(crate) bytes: i64,
}

/// The bounds of a task. They are the same with any number of threads.
pub(crate) fn bounds(task: &Task<'_>, limits: &Limits, threads: Threads<'_>) -> Bounds {
    if task.scope == Scope::Leadership {
        return Bounds::default();
    }
    let survey = Survey::of(task, limits, threads);
    let leave = leaving(task, limits, &survey, threads);
    let coming = coming(task, limits, &survey);

    let costs_out: Vec<ByWeight> = leave
        .iter()
        .zip(&survey.empties)
        .map(|(leave, empties)| if *empties { [UNUSED; WEIGHTS] } else { *leave })
        .collect();
    let costs_in: Vec<ByWeight> = coming
        .iter()
        .enumerate()
        .map(|(broker, coming)| {
            if task.roles[broker].receives && !survey.empties[broker] {
                [COUNT, BYTES].map(|weight| (coming.come[weight] - coming.short[weight]).max(0))
            } else {
                [UNUSED; WEIGHTS]
            }
        })
        .collect();
    let asked =
        [(&costs_out[..], COUNT), (&costs_out, BYTES), (&costs_in, COUNT), (&costs_in, BYTES)];
    let gains = gains(&Groups::of(task, &survey), &asked, threads);

    let out = [COUNT, BYTES].map(|weight| {
        survey.unplaced[weight]
            + leave.iter().map(|leave| leave[weight]).sum::<i64>()
            + gains[weight]
    });
    let into = [COUNT, BYTES].map(|weight| {
        coming.iter().map(|coming| coming.come[weight]).sum::<i64>() + gains[WEIGHTS + weight]
    });
    let replicas = out[COUNT].max(into[COUNT]).min(survey.movable[COUNT]);
    let bytes = out[BYTES].max(into[BYTES] - survey.leader_extra_disk);
    let bytes = bytes.max(smallest(task, &survey, replicas, bytes)).min(survey.movable[BYTES]);
    Bounds { replicas: replicas as u64, bytes }
}
