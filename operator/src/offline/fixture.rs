//! A plan that was made by hand, for the tests of the table and the picture.

use taffrail_balancer::document::BrokerState;
use taffrail_balancer::{
    Band, BrokerBands, BrokerStatistics, Constraints, Goal, GoalOutcome, LogDirMove, Plan,
    Provision, ProvisionStatus, Resource, Step, StepKind,
};

use super::dimension::Dimension;
use super::report::{Report, Size};

/// So many brokers, three to a rack, of which the last is dead.
pub(super) struct Fixture {
    /// A broker that has to go.
    pub(super) removed: Option<i32>,
    pub(super) plan: Plan,
    pub(super) before: Vec<BrokerStatistics>,
    pub(super) after: Vec<BrokerStatistics>,
}

impl Fixture {
    pub(super) fn new(brokers: u16) -> Self {
        let before: Vec<BrokerStatistics> =
            (0..brokers).map(|id| broker(id, id + 1, id + 1 == brokers)).collect();
        let after = (0..brokers)
            .map(|id| {
                broker(id, if id + 1 == brokers { 0 } else { brokers / 2 }, id + 1 == brokers)
            })
            .collect();
        Self { removed: None, plan: plan(), before, after }
    }

    pub(super) fn report(&self) -> Report<'_> {
        let closed = |broker: &BrokerStatistics| {
            broker.state == BrokerState::Dead || self.removed == Some(broker.id)
        };
        Report {
            plan: &self.plan,
            size: Size {
                brokers: self.before.len(),
                topics: 1,
                partitions: 1_000,
                replicas: 3_000,
            },
            before: self.before.clone(),
            after: self.after.clone(),
            bands: self.after.iter().map(|broker| bands(broker, closed(broker))).collect(),
        }
    }
}

/// The bands of a plan that leaves this broker with its share.
fn bands(broker: &BrokerStatistics, closed: bool) -> BrokerBands {
    let around = |dimension: Dimension| {
        let share = dimension.value(broker).unwrap_or_default();
        let width = Constraints::band(1.10);
        (share * (1.0 - width), share * (1.0 + width))
    };
    let whole = |dimension| {
        let (low, high) = around(dimension);
        Some((low.floor(), high.ceil()))
    };
    BrokerBands {
        counted: !closed,
        closed,
        capacity: broker.capacity,
        replicas: Band { ends: whole(Dimension::Replicas), limit: Some(10_000.0) },
        leaders: Band { ends: whole(Dimension::Leaders), limit: None },
        resources: Resource::ALL.map(|resource| Band {
            ends: Some(around(Dimension::Use(resource))),
            limit: Some(if resource == Resource::Cpu { 0.7 } else { 0.8 }),
        }),
    }
}

fn broker(id: u16, load: u16, dead: bool) -> BrokerStatistics {
    let load = f64::from(load);
    BrokerStatistics {
        id: id.into(),
        rack: format!("rack-{}", id / 3),
        state: if dead { BrokerState::Dead } else { BrokerState::Alive },
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "small whole numbers"
        )]
        replicas: (load * 1000.0) as u64,
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "small whole numbers"
        )]
        leaders: (load * 300.0) as u64,
        load: [load / 4.0, load * 1e6, load * 2e6, load * 1e11],
        capacity: [8.0, 1e8, 1e8, 1e12],
        potential_out: load * 6e6,
        leader_in: load * 1e6,
    }
}

fn plan() -> Plan {
    let step = |partition, kind, bytes, log_dir| Step {
        topic: "orders".into(),
        partition,
        from: vec![3, 1],
        to: if bytes > 0.0 { vec![0, 1] } else { vec![1, 3] },
        leader: (partition > 0).then_some(1),
        bytes,
        kind,
        log_dir,
    };
    let change = LogDirMove { broker: 0, from: None, to: "/data/1".to_owned() };
    let goal = |name: Goal, violations_before, violations_after| GoalOutcome {
        name,
        hard: name.is_hard(),
        violations_before,
        violations_after,
    };
    Plan {
        id: "0123456789abcdef".repeat(4),
        basis: "fedcba9876543210".repeat(4),
        seed: 7,
        operation: "rebalance",
        steps: vec![
            step(0, StepKind::Evacuate, 1.5e9, None),
            step(1, StepKind::Move, 999.0, Some(change)),
            step(2, StepKind::Leader, 0.0, None),
        ],
        goals: vec![
            goal(Goal::RackAware, 1_200, 0),
            goal(Goal::DiskCapacity, 0, 0),
            goal(Goal::ReplicaDistribution, 4, 1),
            goal(Goal::TopicReplicaDistribution, 2, 2),
            goal(Goal::CpuUsageDistribution, 0, 3),
        ],
        bytes_moved: 1.5e9,
        bytes_lower_bound: 1.2e9,
        replicas_moved: 2,
        replicas_lower_bound: 0,
        leaders_moved: 1,
        provision: Provision { status: ProvisionStatus::RightSized, recommendations: Vec::new() },
        reasons: Vec::new(),
    }
}
