//! The planner's own statistics by broker, held against the verifier's sums.

use taffrail_balancer::{BrokerStatistics, Model, Plan, statistics_after, statistics_before};

use crate::verifier::{Totals, Verified};

/// Where the two differ.
pub(crate) fn compare(model: &Model, plan: &Plan, verified: &Verified) -> Vec<String> {
    let mut complaints = Vec::new();
    compare_at("before", &statistics_before(model), &verified.before, &mut complaints);
    compare_at("after", &statistics_after(model, plan), &verified.after, &mut complaints);
    complaints
}

fn compare_at(
    when: &str,
    planner: &[BrokerStatistics],
    verifier: &[Totals],
    complaints: &mut Vec<String>,
) {
    for totals in verifier {
        let Some(own) = planner.iter().find(|statistics| statistics.id == totals.id) else {
            complaints.push(format!("{when}: broker {} has no statistics", totals.id));
            continue;
        };
        let pairs = own.load.iter().zip(&totals.load);
        let pairs = pairs.chain([
            (&own.potential_out, &totals.potential_out),
            (&own.leader_in, &totals.leader_in),
        ]);
        let near = |(own, other): (&f64, &f64)| {
            (own - other).abs() <= 1e-6 * own.abs().max(other.abs()) + 1e-6
        };
        let counts = (own.replicas, own.leaders) == (totals.replicas, totals.leaders);
        if !counts || !pairs.into_iter().all(near) {
            complaints
                .push(format!("{when}: the statistics have {own:?}, the verifier {totals:?}"));
        }
    }
}
