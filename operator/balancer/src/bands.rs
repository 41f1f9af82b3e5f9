//! Where a plan wants each broker to be, in the units of a table and a picture.
//!
//! These are the planner's own limits, read and not derived again. Nothing is decided by them.

use crate::limits::{BrokerLimits, LEADERS, Limits, REPLICAS, UNLIMITED, capacity};
use crate::model::{Model, RESOURCES, Resource};
use crate::options::Options;
use crate::planner::{PlanError, check, with_asked_factor};
use crate::task::Task;

/// What a plan makes of a broker, and where it wants it to be.
#[derive(Clone, Debug, PartialEq)]
pub struct BrokerBands {
    /// It is there to hold its share.
    pub counted: bool,
    /// Everything on it has to go.
    pub closed: bool,
    /// What of each [`Resource`] is there to be used: of disk without the log directories that are closed.
    pub capacity: [f64; RESOURCES],
    /// How many replicas it should have.
    pub replicas: Band,
    /// How many partitions it should lead.
    pub leaders: Band,
    /// What it should use of each [`Resource`], as shares of its capacity; zero of what it has none of.
    pub resources: [Band; RESOURCES],
}

/// A band and a limit.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Band {
    /// No less and no more than this, if a soft goal asks for it. A broker of which a goal can't ask its share has no
    /// lower end but zero.
    pub ends: Option<(f64, f64)>,
    /// Never more than this, if a hard goal asks for it.
    pub limit: Option<f64>,
}

/// The bands that a plan for this model with these options is made for: the brokers by id.
///
/// # Errors
/// If there is no such plan.
pub fn bands(model: &Model, options: &Options) -> Result<Vec<BrokerBands>, PlanError> {
    check(model, options)?;
    let changed = with_asked_factor(model, options)?;
    let task = Task::new(changed.as_ref().map_or(model, |changed| &changed.model), options);
    let limits = Limits::new(&task);
    let brokers = task.model.brokers.iter().zip(&task.roles).zip(&limits.brokers).enumerate();
    let bands = brokers.map(|(index, ((broker, role), limits))| {
        let open = capacity(&task, index);
        let of = |resource: Resource| {
            band(limits, resource as usize, broker.capacity[resource as usize])
        };
        BrokerBands {
            counted: role.counted,
            closed: role.closed,
            capacity: Resource::ALL
                .map(|resource| task.model.amount(resource, open[resource as usize])),
            replicas: band(limits, REPLICAS, 1),
            leaders: band(limits, LEADERS, 1),
            resources: Resource::ALL.map(of),
        }
    });
    Ok(bands.collect())
}

/// The band and the limit of one dimension, as shares of a whole.
fn band(limits: &BrokerLimits, dimension: usize, whole: i64) -> Band {
    let share = |units: i64| if whole > 0 { units as f64 / whole as f64 } else { 0.0 };
    let limit = |units: i64| (units < UNLIMITED).then(|| share(units));
    Band {
        ends: limit(limits.high[dimension]).map(|high| (share(limits.low[dimension]), high)),
        limit: limit(limits.cap[dimension]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::goal::Goal;
    use crate::options::Operation;
    use crate::tiny::Tiny;

    /// Six replicas and three leaders on three brokers; two replicas are 20 of the 1,000 that each can carry.
    fn even() -> Tiny {
        Tiny::new(&["1 a", "2 b", "3 c"]).topic("t", &["1* 2", "2* 3", "3* 1"])
    }

    fn of(tiny: &Tiny) -> Vec<BrokerBands> {
        bands(&tiny.model(), &tiny.options).expect("there is a plan")
    }

    fn near(left: Option<(f64, f64)>, right: (f64, f64)) -> bool {
        left.is_some_and(|(low, high)| {
            (low - right.0).abs() < 1e-9 && (high - right.1).abs() < 1e-9
        })
    }

    #[test]
    fn counts_are_numbers_and_resources_are_shares() {
        for broker in of(&even()) {
            assert_eq!(broker.replicas, Band { ends: Some((1.0, 3.0)), limit: Some(10_000.0) });
            assert_eq!(broker.leaders, Band { ends: Some((0.0, 2.0)), limit: None });
            let disk = broker.resources[Resource::Disk as usize];
            assert!(near(disk.ends, (0.02 * 0.91, 0.02 * 1.09)), "{disk:?}");
            assert!(disk.limit.is_some_and(|limit| (limit - 0.8).abs() < 1e-9), "{disk:?}");
        }
    }

    #[test]
    fn without_a_goal_there_is_no_band() {
        let broker = &of(&even().goals(&[Goal::DiskCapacity]))[0];
        assert_eq!((broker.replicas, broker.leaders), (Band::default(), Band::default()));
        let disk = broker.resources[Resource::Disk as usize];
        assert!(disk.ends.is_none() && disk.limit.is_some(), "{disk:?}");
    }

    #[test]
    fn who_is_emptied_has_no_share() {
        let removed = Operation::RemoveBrokers([3].into());
        let bands = of(&even().asked(|options| options.operation = removed));
        let roles = bands.iter().map(|broker| (broker.counted, broker.closed));
        assert_eq!(roles.collect::<Vec<_>>(), [(true, false), (true, false), (false, true)]);
        assert_eq!(bands[0].replicas.ends, Some((2.0, 4.0)));
        assert_eq!(bands[2].replicas.ends, Some((0.0, 4.0)));
    }

    #[test]
    fn a_directory_that_is_closed_carries_nothing() {
        let cluster = Tiny::new(&["1 a dirs=2", "2 b", "3 c"]).topic("t", &["2* 3", "3* 2"]);
        let removed = Operation::RemoveLogDirs([(1, "/d0".to_owned())].into());
        let bands = of(&cluster.asked(|options| options.operation = removed));
        // 40 of disk on 2,500 that are left: of what it had, the first broker is to use half of what the others use.
        let disk = |broker: &BrokerBands| broker.resources[Resource::Disk as usize].ends;
        let open: Vec<f64> =
            bands.iter().map(|broker| broker.capacity[Resource::Disk as usize]).collect();
        assert_eq!(open, [500.0, 1_000.0, 1_000.0]);
        assert!(near(disk(&bands[0]), (0.008 * 0.91, 0.008 * 1.09)), "{:?}", disk(&bands[0]));
        assert!(near(disk(&bands[1]), (0.016 * 0.91, 0.016 * 1.09)), "{:?}", disk(&bands[1]));
    }

    #[test]
    fn another_replication_factor_has_its_own_bands() {
        let operation = Operation::ReplicationFactor { topics: [].into(), factor: 1 };
        let bands = of(&even().asked(|options| options.operation = operation));
        assert_eq!(bands[0].replicas.ends, Some((0.0, 2.0)));
        let operation = Operation::ReplicationFactor { topics: [].into(), factor: 4 };
        let none = even().asked(|options| options.operation = operation);
        assert!(super::bands(&none.model(), &none.options).is_err());
    }
}
