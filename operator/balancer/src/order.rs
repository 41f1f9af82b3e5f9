//! The order of a plan's steps: from where everything is to where it is to be, so that no hard goal that holds is broken
//! on the way.
//!
//! Invariants, after each step and while it runs:
//! - While a replica moves, it is on both brokers: the one that receives stays within its limits with both what it has and
//!   what comes, in its directories too. What is above a limit already receives nothing that adds to it. A machine that a
//!   replica doesn't leave is counted once: it does the same work wherever on it the replica is.
//! - A partition never has more replicas than before that have to leave their racks, and no two on a broker.
//! - A broker that leads the fewest partitions of a topic that it may lead leads no fewer.
//! - A partition loses a replica without getting another only where its replication factor is lowered.
//! - Nothing is copied from a partition that has no leader: it gets one first, whatever that costs its broker, since
//!   nothing can be read from it or written to it until then. One without an online replica is left alone.
//! - A broker that may not lead gets no leadership while another replica that is online could lead.
//!
//! One step changes one partition: a replica moves, comes, goes or changes its directory. Who leads changes, and the list
//! is put in its order, with the last replica of a partition that comes to another broker. It is a step of its own if none
//! does, or if the leader can't follow yet. Whether a replica may be on a broker at all (sets of brokers, who receives) is
//! the same in any order, and the search's affair.
//!
//! Steps are offered in the order of their urgency ([`sequence`]). One that can't be done yet waits where it is blocked
//! ([`waiting`]) and is offered again when something leaves there. What waits at the end waits in a circle: it is left
//! out, the smallest first, and the plan says why.

mod changes;
mod jobs;
mod position;
mod run;
mod sequence;
mod sums;
mod telling;
mod waiting;

use crate::limits::Limits;
use crate::model::{Model, Replica, Resource};
use crate::placement::Placement;
use crate::plan::Step;
use crate::replication_factor::Changed;
use crate::task::Task;

/// Steps in order, and what they reach.
#[derive(Debug)]
pub(crate) struct Ordered {
    /// The steps.
    pub(crate) steps: Vec<Step>,
    /// Why some couldn't be ordered, one sentence each; long lists end with how many more there are.
    pub(crate) left_out: Vec<String>,
    /// Where everything is after the steps.
    pub(crate) placement: Placement,
}

/// A replica that goes without another coming. It is none of the task's model.
#[derive(Clone, Debug)]
pub(crate) struct Leaving {
    /// Where it stands in the list of its partition as it is now.
    pub(crate) place: u32,
    /// The replica, with the index of the task's partition.
    pub(crate) replica: Replica,
    /// Whether it is offline.
    pub(crate) offline: bool,
    /// Whether it leads its partition, which has no leader in the task's model then.
    pub(crate) leads: bool,
}

impl Leaving {
    /// The replicas of the given model that a changed replication factor takes away, partition by partition.
    pub(crate) fn of(given: &Model, changed: &Changed) -> Vec<Self> {
        let leaving = |index: u32| {
            let mut replica = given.replicas[index as usize].clone();
            for resource in Resource::ALL {
                // A changed model can have coarser units.
                let amount = given.amount(resource, replica.load[resource as usize]);
                replica.load[resource as usize] =
                    (amount / changed.model.units[resource as usize]).round() as i64;
            }
            Self {
                place: index - given.partitions[replica.partition as usize].first_replica,
                offline: given.is_offline(index),
                leads: given.partitions[replica.partition as usize].leader == index,
                replica,
            }
        };
        changed.removed.iter().map(|index| leaving(*index)).collect()
    }
}

/// Orders what leads from the task's model to `after`. `leaving` are replicas that the model no longer has.
pub(crate) fn order(
    task: &Task<'_>,
    limits: &Limits,
    after: &Placement,
    leaving: &[Leaving],
) -> Ordered {
    let changes = changes::between(task, after, leaving);
    let sums = sums::Sums::new(task, limits, leaving);
    let sequence = sequence::sequence(task, &changes, &sums, leaving);
    run::Run::new(task, changes, sums, after, leaving).all(&sequence)
}

#[cfg(test)]
mod tests;
