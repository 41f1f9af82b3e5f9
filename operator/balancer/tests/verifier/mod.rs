//! Replays a plan on the cluster that it was made for, and says everything that is wrong with it.
//!
//! Written apart from the planner, so that a mistake has to be made twice to pass: it reads the document, the options
//! and the plan, has its own sums, limits and bounds, and calls nothing of the crate that computes. Where the planner
//! rounds loads to its grid, a value at the very edge of a limit counts as either side of it ([`Band`]).
//!
//! What is looked at:
//! - each step: its precondition, who comes and goes, who leads, its kind and its bytes ([`replay`]);
//! - each prefix: no hard goal is worse after a step than before it ([`hard`]);
//! - the end: the violations of each goal, priorities, what may not move and what has to, the totals ([`outcome`]);
//! - the lower bounds, computed a second time ([`bound`]).

mod amount;
mod band;
mod bound;
mod facts;
mod hard;
mod limits;
mod outcome;
mod racks;
mod replay;
mod scope;
mod state;
mod violations;

use taffrail_balancer::document::Cluster;
use taffrail_balancer::{Options, Plan};

use self::facts::Facts;
use self::state::State;
pub(crate) use self::state::Totals;

/// What is wrong with a plan, one sentence each; so many are enough to see the pattern.
const COMPLAINTS_MAX: usize = 20;

/// A plan that is right, as the verifier saw it.
#[derive(Debug)]
pub(crate) struct Verified {
    /// By broker, in the document's order.
    pub(crate) before: Vec<Totals>,
    /// The same after the last step.
    pub(crate) after: Vec<Totals>,
    /// Replicas that should have gone and could not.
    pub(crate) stranded_left: usize,
}

/// Complaints about a plan.
#[derive(Debug, Default)]
struct Complaints(Vec<String>);

impl Complaints {
    fn add(&mut self, complaint: String) {
        if self.0.len() < COMPLAINTS_MAX {
            self.0.push(complaint);
        }
    }

    /// Complains unless it is so.
    fn expect(&mut self, so: bool, complaint: impl FnOnce() -> String) {
        if !so {
            self.add(complaint());
        }
    }
}

/// Replays the plan and checks all that it promises.
pub(crate) fn verify(
    cluster: &Cluster,
    options: &Options,
    plan: &Plan,
) -> Result<Verified, Vec<String>> {
    let facts = Facts::of(cluster, options);
    let before = State::of(cluster, &facts);
    let mut after = before.clone();
    let mut complaints = Complaints::default();
    let mut tally = replay::Tally::default();
    let watch = hard::Watch::new(&facts, options);
    for (index, step) in plan.steps.iter().enumerate() {
        let number = index + 1;
        match replay::apply(&facts, &mut after, step, &mut tally) {
            Ok(change) => watch.check(&after, &change, number, &mut complaints),
            Err(cause) => {
                // What follows would only repeat the first mistake.
                complaints.add(format!("step {number} ({step:?}): {cause}"));
                return Err(complaints.0);
            }
        }
    }
    outcome::check(&facts, options, &before, &after, &tally, plan, &mut complaints);
    bound::check(&facts, options, &before, &after, plan, &mut complaints);
    if complaints.0.is_empty() {
        let stranded_left = after.stranded(&facts).count();
        Ok(Verified { before: before.totals(&facts), after: after.totals(&facts), stranded_left })
    } else {
        Err(complaints.0)
    }
}
