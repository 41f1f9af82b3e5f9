//! Small clusters by hand, and the one way in which a plan for them is checked.

use std::collections::BTreeSet;
use std::fmt;

use taffrail_balancer::document::{
    Broker, BrokerState, Cluster, LogDir, LogDirState, Partition, Replica, Resources, Topic,
};
use taffrail_balancer::{
    Constraints, DEFAULT_GOALS, Goal, Model, Operation, Options, Plan, PlanError, Step, Threads,
    plan,
};

use crate::statistics;
use crate::verifier::{Totals, Verified, verify};

/// A cluster and what is asked for.
#[derive(Clone)]
pub(crate) struct Scene {
    pub(crate) cluster: Cluster,
    pub(crate) options: Options,
}

/// A plan that the verifier has nothing against.
#[derive(Debug)]
pub(crate) struct Checked {
    pub(crate) plan: Plan,
    pub(crate) verified: Verified,
}

/// What a replica costs in a scene unless it is told otherwise.
pub(crate) const REPLICA: Resources =
    Resources { cpu: 0.1, network_in: 1.0, network_out: 0.0, disk: 10.0 };
/// What its leader costs on top.
pub(crate) const LEADER: Resources =
    Resources { cpu: 0.1, network_in: 0.0, network_out: 1.0, disk: 0.0 };
/// What a broker can carry: plenty.
pub(crate) const CAPACITY: Resources =
    Resources { cpu: 100.0, network_in: 10_000.0, network_out: 10_000.0, disk: 100_000.0 };

impl Scene {
    /// Brokers 1, 2, 3... in racks of these names, and nothing on them.
    pub(crate) fn new(racks: &[&str]) -> Self {
        let broker = |(index, rack): (usize, &&str)| Broker {
            id: index as i32 + 1,
            rack: (!rack.is_empty()).then(|| (*rack).to_owned()),
            host: None,
            state: BrokerState::Alive,
            capacity: CAPACITY,
            log_dirs: Vec::new(),
        };
        let cluster =
            Cluster { brokers: racks.iter().enumerate().map(broker).collect(), topics: Vec::new() };
        Self { cluster, options: Options::new(Operation::Rebalance) }
    }

    /// A topic with these replicas, partition by partition; the first leads.
    pub(crate) fn topic(mut self, name: &str, partitions: &[&[i32]]) -> Self {
        let partition = |(id, brokers): (usize, &&[i32])| Partition {
            id: id as i32,
            leader: brokers.first().copied(),
            replicas: brokers
                .iter()
                .map(|id| Replica { broker: *id, log_dir: None, load: REPLICA })
                .collect(),
            leader_extra: LEADER,
        };
        let partitions = partitions.iter().enumerate().map(partition).collect();
        self.cluster.topics.push(Topic {
            name: name.to_owned(),
            excluded: false,
            min_leaders_per_broker: 0,
            partitions,
        });
        self
    }

    /// A topic of so many partitions, all with these replicas.
    pub(crate) fn same(self, name: &str, partitions: usize, brokers: &[i32]) -> Self {
        self.topic(name, &vec![brokers; partitions])
    }

    pub(crate) fn edit(mut self, edit: impl FnOnce(&mut Cluster)) -> Self {
        edit(&mut self.cluster);
        self
    }

    pub(crate) fn broker(mut self, id: i32, edit: impl FnOnce(&mut Broker)) -> Self {
        let broker = self.cluster.brokers.iter_mut().find(|broker| broker.id == id);
        edit(broker.expect("the broker is in the scene"));
        self
    }

    pub(crate) fn state(self, id: i32, state: BrokerState) -> Self {
        let mut scene = self.broker(id, |broker| broker.state = state);
        if state == BrokerState::Dead {
            for partition in scene.cluster.topics.iter_mut().flat_map(|topic| &mut topic.partitions)
            {
                if partition.leader == Some(id) {
                    partition.leader = partition
                        .replicas
                        .iter()
                        .map(|replica| replica.broker)
                        .find(|other| *other != id);
                }
            }
        }
        scene
    }

    /// Gives a broker these directories, each of an equal part of its disk, and puts its replicas into the first.
    pub(crate) fn log_dirs(self, id: i32, dirs: &[(&str, LogDirState)]) -> Self {
        let first = dirs.first().map(|(path, _)| (*path).to_owned());
        let mut scene = self.broker(id, |broker| {
            let capacity = broker.capacity.disk / dirs.len() as f64;
            let dir = |(path, state): &(&str, LogDirState)| LogDir {
                path: (*path).to_owned(),
                capacity,
                state: *state,
            };
            broker.log_dirs = dirs.iter().map(dir).collect();
        });
        for replica in scene.replicas_mut().filter(|replica| replica.broker == id) {
            replica.log_dir.clone_from(&first);
        }
        scene
    }

    pub(crate) fn replicas_mut(&mut self) -> impl Iterator<Item = &mut Replica> {
        let partitions = self.cluster.topics.iter_mut().flat_map(|topic| &mut topic.partitions);
        partitions.flat_map(|partition| &mut partition.replicas)
    }

    pub(crate) fn goals(mut self, goals: &[Goal]) -> Self {
        self.options.goals = goals.to_vec();
        self
    }

    pub(crate) fn operation(mut self, operation: Operation) -> Self {
        self.options.operation = operation;
        self
    }

    pub(crate) fn options(mut self, edit: impl FnOnce(&mut Options)) -> Self {
        edit(&mut self.options);
        self
    }

    pub(crate) fn model(&self) -> Model {
        Model::new(self.cluster.clone()).expect("the scene is a cluster")
    }

    /// Plans, verifies the plan, and holds the planner's own statistics against the verifier's.
    #[track_caller]
    pub(crate) fn check(&self) -> Checked {
        match self.try_check() {
            Ok(checked) => checked.expect("there is a plan"),
            Err(complaint) => panic!("{complaint}"),
        }
    }

    /// The same. Nothing if the planner refuses; a text if the plan is wrong.
    pub(crate) fn try_check(&self) -> Result<Result<Checked, PlanError>, String> {
        let model = self.model();
        let plan = match plan(&model, &self.options, Threads::One) {
            Ok(plan) => plan,
            Err(refusal) => return Ok(Err(refusal)),
        };
        let mut complaints = Vec::new();
        let verified = verify(&self.cluster, &self.options, &plan);
        if plan.basis != model.basis() {
            complaints.push("the plan's basis isn't the model's".to_owned());
        }
        match verified {
            Ok(verified) => {
                complaints.extend(statistics::compare(&model, &plan, &verified));
                if complaints.is_empty() {
                    return Ok(Ok(Checked { plan, verified }));
                }
            }
            Err(found) => complaints.extend(found),
        }
        Err(format!("{}\n{}", complaints.join("\n"), self.tell(&plan)))
    }

    fn tell(&self, plan: &Plan) -> String {
        let step = |step: &Step| {
            let Step { topic, partition, from, to, leader, kind, bytes, log_dir } = step;
            format!(
                "  {topic}-{partition} {from:?} -> {to:?} leader {leader:?} {kind:?} {bytes} {log_dir:?}"
            )
        };
        let steps: Vec<String> = plan.steps.iter().take(100).map(step).collect();
        let goals = plan
            .goals
            .iter()
            .filter(|outcome| outcome.violations_before + outcome.violations_after > 0);
        let goals = goals.map(|outcome| {
            format!(
                "  {}: {} -> {}",
                outcome.name, outcome.violations_before, outcome.violations_after
            )
        });
        let goals: Vec<String> = goals.collect();
        format!(
            "steps:\n{}\ngoals:\n{}\nreasons: {:?}\n{self:?}",
            steps.join("\n"),
            goals.join("\n"),
            plan.reasons
        )
    }
}

/// What a person has to see to understand a case, and no more.
impl fmt::Debug for Scene {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let amounts = |amounts: &Resources| {
            format!(
                "({}, {}, {}, {})",
                amounts.cpu, amounts.network_in, amounts.network_out, amounts.disk
            )
        };
        writeln!(f)?;
        for broker in &self.cluster.brokers {
            let Broker { id, rack, host, state, capacity, log_dirs } = broker;
            let (rack, host) = (rack.as_deref().unwrap_or("-"), host.as_deref().unwrap_or("-"));
            write!(
                f,
                "  broker {id} {state:?} rack {rack} host {host} capacity {}",
                amounts(capacity)
            )?;
            for dir in log_dirs {
                write!(f, " {} {:?} {}", dir.path, dir.state, dir.capacity)?;
            }
            writeln!(f)?;
        }
        for topic in &self.cluster.topics {
            let excluded = if topic.excluded { " excluded" } else { "" };
            writeln!(
                f,
                "  topic {}{excluded}, {} leaders",
                topic.name, topic.min_leaders_per_broker
            )?;
            for partition in &topic.partitions {
                write!(
                    f,
                    "    {} led by {:?} +{}:",
                    partition.id,
                    partition.leader,
                    amounts(&partition.leader_extra)
                )?;
                for replica in &partition.replicas {
                    let dir = replica.log_dir.as_deref().unwrap_or_default();
                    write!(f, " {}{dir} {}", replica.broker, amounts(&replica.load))?;
                }
                writeln!(f)?;
            }
        }
        let Options {
            operation,
            goals,
            constraints,
            seed,
            excluded_for_replicas,
            excluded_for_leadership,
            broker_sets,
            ..
        } = &self.options;
        let default =
            if *goals == DEFAULT_GOALS { "default".to_owned() } else { format!("{goals:?}") };
        writeln!(f, "  {operation:?} seed {seed} goals {default}")?;
        writeln!(
            f,
            "  excluded {excluded_for_replicas:?} {excluded_for_leadership:?} sets {broker_sets:?}"
        )?;
        if *constraints != Constraints::default() {
            writeln!(f, "  {constraints:?}")?;
        }
        Ok(())
    }
}

impl Checked {
    pub(crate) fn after(&self, goal: Goal) -> u64 {
        self.plan
            .goals
            .iter()
            .find(|outcome| outcome.name == goal)
            .expect("the goal was asked for")
            .violations_after
    }

    /// Every goal is met, and everything that had to go went.
    pub(crate) fn is_met(&self) -> bool {
        self.verified.stranded_left == 0
            && self.plan.goals.iter().all(|outcome| outcome.violations_after == 0)
    }

    pub(crate) fn on(&self, broker: i32) -> &Totals {
        self.verified
            .after
            .iter()
            .find(|totals| totals.id == broker)
            .expect("the broker is in the scene")
    }

    #[track_caller]
    pub(crate) fn assert_met(&self) {
        assert!(self.is_met(), "goals: {:?}, reasons: {:?}", self.plan.goals, self.plan.reasons);
    }

    #[track_caller]
    pub(crate) fn assert_reason(&self, part: &str) {
        assert!(
            self.plan.reasons.iter().any(|reason| reason.contains(part)),
            "reasons: {:?}",
            self.plan.reasons
        );
    }

    /// Brokers whose replicas the plan changed, in or out.
    pub(crate) fn moved_topics(&self) -> BTreeSet<&str> {
        self.plan.steps.iter().filter(|step| step.bytes > 0.0).map(|step| &*step.topic).collect()
    }
}
