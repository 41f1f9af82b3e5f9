//! Random small clusters with everything in them that can be: each plan is verified, and is the same again.

use std::collections::BTreeSet;

use proptest::collection::vec;
use proptest::prelude::*;
use proptest::strategy::ValueTree as _;
use proptest::test_runner::{RngSeed, TestRunner};
use taffrail_balancer::document::{
    Broker, BrokerState, Cluster, LogDir, LogDirState, Partition, Replica, Resources, Topic,
};
use taffrail_balancer::{DEFAULT_GOALS, Goal, Operation, Options, Plan, PlanError, Threads, plan};

use crate::scene::Scene;

/// The same cases in every run. `PROPTEST_CASES` and `PROPTEST_RNG_SEED` give more and others.
fn config() -> ProptestConfig {
    let default = ProptestConfig::default();
    let told = |name: &str| std::env::var_os(name).is_some();
    ProptestConfig {
        cases: if told("PROPTEST_CASES") { default.cases } else { 400 },
        rng_seed: if told("PROPTEST_RNG_SEED") {
            default.rng_seed
        } else {
            RngSeed::Fixed(20_260_801)
        },
        failure_persistence: None,
        max_shrink_iters: 2_000,
        ..default
    }
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn plans_are_right(scene in scenes()) {
        match scene.try_check() {
            Ok(Ok(_)) => {}
            Ok(Err(refusal)) => prop_assert!(may_refuse(&refusal), "{refusal}"),
            Err(complaint) if !is_only(&complaint, MISSED) => return Err(TestCaseError::fail(complaint)),
            Err(_) => {}
        }
    }

    #[test]
    fn plans_are_the_same_again_and_with_any_threads(scene in scenes()) {
        let model = scene.model();
        let pool = rayon::ThreadPoolBuilder::new().num_threads(2).build().expect("two threads");
        let bytes = |threads: Threads<'_>| {
            let plan = plan(&model, &scene.options, threads).map_err(|refusal| refusal.to_string());
            plan.map(|plan| serde_json::to_string(&plan).expect("a plan is JSON"))
        };
        let first = bytes(Threads::One);
        prop_assert_eq!(&first, &bytes(Threads::One));
        prop_assert_eq!(&first, &bytes(Threads::Pool(&pool)));
    }

    /// A plan that was carried out leaves nothing to do that it could have done: the next one has no hard goal to mend
    /// that it didn't have, and every goal at most as violated.
    #[test]
    fn a_second_plan_is_right_too(scene in scenes()) {
        if let Ok(Ok(first)) = scene.try_check()
            && let Err(complaint) = scene.after(&first.plan).try_check()
            && !is_only(&complaint, IN_VAIN)
        {
            return Err(TestCaseError::fail(complaint));
        }
    }
}

/// How a complaint ends about something better that was missed.
const MISSED: &str = "could hold it";
/// How one ends about a plan that costs a goal for what it then couldn't mend.
const IN_VAIN: &str = "and no goal before it gained";

/// A search can miss what would have been possible. In these scenes, most of them at or beyond their limits, it may in
/// two of a hundred; that it never breaks a promise is for `plans_are_right`.
#[test]
fn what_can_be_done_is_hardly_ever_missed() {
    assert_few(2, |scene| scene.try_check().err());
}

/// The same of plans for what a plan left behind that couldn't do everything: in one of a hundred they may cost a goal.
#[test]
fn a_second_plan_is_hardly_ever_in_vain() {
    assert_few(1, |scene| {
        let first = scene.try_check().ok()?.ok()?;
        scene.after(&first.plan).try_check().err()
    });
}

/// Of the random scenes, no more than so many in a hundred may have a complaint.
#[track_caller]
fn assert_few(hundredths: usize, complaint: impl Fn(&Scene) -> Option<String>) {
    let mut runner = TestRunner::new(config());
    let (scenes, cases) = (scenes(), config().cases as usize);
    let next = |_| scenes.new_tree(&mut runner).expect("a scene").current();
    let found: Vec<String> = (0..cases).map(next).filter_map(|scene| complaint(&scene)).collect();
    assert!(
        found.len() <= cases * hundredths / 100,
        "{} of {cases}: {}",
        found.len(),
        found.join("\n\n")
    );
}

/// Whether all that is complained of ends like this.
fn is_only(complaint: &str, end: &str) -> bool {
    let mut complaints =
        complaint.lines().take_while(|line| *line != "steps:").filter(|line| !line.is_empty());
    complaints.all(|line| line.ends_with(end))
}

impl Scene {
    /// What is left when a plan was carried out.
    fn after(&self, plan: &Plan) -> Self {
        let cluster = crate::carry_out::carry_out(&self.cluster, plan);
        Self { cluster, options: self.options.clone() }
    }
}

/// What a planner may refuse outright: there is nobody to hold replicas.
fn may_refuse(refusal: &PlanError) -> bool {
    matches!(refusal, PlanError::NobodyReceives | PlanError::ReplicationFactor(_))
}

/// A broker, in numbers from which a cluster can be built.
#[derive(Clone, Debug)]
struct RandomBroker {
    rack: Option<u8>,
    shares_host: bool,
    state: BrokerState,
    /// Capacity for each resource as a multiple of what a broker has on average.
    room: [f64; 4],
    /// Whether each directory is online. None at all is the broker's whole disk.
    dirs: Vec<bool>,
}

#[derive(Clone, Debug)]
struct RandomTopic {
    excluded: bool,
    min_leaders: u32,
    partitions: Vec<RandomPartition>,
}

#[derive(Clone, Debug)]
struct RandomPartition {
    /// Which brokers, by what is left when those before it are taken.
    brokers: Vec<prop::sample::Index>,
    leader: Option<prop::sample::Index>,
    loads: [f64; 4],
    /// How much larger each replica's load is.
    uneven: f64,
    extra: [f64; 4],
}

fn scenes() -> impl Strategy<Value = Scene> {
    let cluster = (vec(brokers(), 3..=12), vec(topics(), 1..=5));
    (cluster, options()).prop_map(|((brokers, topics), choices)| {
        let cluster = build(&brokers, &topics);
        let options = choices.build(&cluster);
        Scene { cluster, options }
    })
}

fn brokers() -> impl Strategy<Value = RandomBroker> {
    let state = prop_oneof![
        12 => Just(BrokerState::Alive),
        1 => Just(BrokerState::New),
        1 => Just(BrokerState::Dead),
        1 => Just(BrokerState::Demoted),
        1 => Just(BrokerState::Draining),
    ];
    let room = prop_oneof![3 => 2.0..6.0_f64, 1 => 1.1..2.0_f64];
    let dirs = prop_oneof![5 => Just(Vec::new()), 2 => vec(prop::bool::weighted(0.85), 1..=3)];
    let rack = prop_oneof![6 => (0..4_u8).prop_map(Some), 1 => Just(None)];
    (
        rack,
        prop::bool::weighted(0.15),
        state,
        [room.clone(), room.clone(), room.clone(), room],
        dirs,
    )
        .prop_map(|(rack, shares_host, state, room, dirs)| RandomBroker {
            rack,
            shares_host,
            state,
            room,
            dirs,
        })
}

fn topics() -> impl Strategy<Value = RandomTopic> {
    let min_leaders = prop_oneof![4 => Just(0), 1 => 1..=2_u32];
    (prop::bool::weighted(0.15), min_leaders, vec(partitions(), 1..=14)).prop_map(
        |(excluded, min_leaders, partitions)| RandomTopic { excluded, min_leaders, partitions },
    )
}

fn partitions() -> impl Strategy<Value = RandomPartition> {
    let index = any::<prop::sample::Index>;
    let load = prop_oneof![1 => Just(0.0), 8 => 0.1..10.0_f64, 1 => 10.0..100.0_f64];
    let loads = [load.clone(), load.clone(), load.clone(), load.clone()];
    let no_disk = prop_oneof![8 => Just(0.0), 1 => 0.0..1.0_f64];
    let extra = (load.clone(), prop_oneof![4 => Just(0.0), 1 => 0.0..5.0_f64], load, no_disk);
    let uneven = prop_oneof![3 => Just(0.0), 1 => 0.0..0.5_f64];
    (vec(index(), 1..=4), prop::option::weighted(0.9, index()), loads, uneven, extra).prop_map(
        |(brokers, leader, loads, uneven, (cpu, network_in, network_out, disk))| RandomPartition {
            brokers,
            leader,
            loads,
            uneven,
            extra: [cpu, network_in, network_out, disk],
        },
    )
}

const fn resources([cpu, network_in, network_out, disk]: [f64; 4]) -> Resources {
    Resources { cpu, network_in, network_out, disk }
}

fn build(brokers: &[RandomBroker], topics: &[RandomTopic]) -> Cluster {
    let mut average = [0.0; 4];
    for partition in topics.iter().flat_map(|topic| &topic.partitions) {
        for (resource, average) in average.iter_mut().enumerate() {
            let replicas = partition.brokers.len() as f64;
            *average += (partition.loads[resource] * replicas + partition.extra[resource])
                / brokers.len() as f64;
        }
    }
    let mut cluster = Cluster::default();
    for (index, random) in brokers.iter().enumerate() {
        let id = index as i32 + 1;
        let capacity: [f64; 4] =
            std::array::from_fn(|resource| (average[resource] * random.room[resource]).max(1.0));
        let online = |online: bool| if online { LogDirState::Online } else { LogDirState::Offline };
        let dirs = random.dirs.iter().enumerate().map(|(dir, state)| LogDir {
            path: format!("/d{dir}"),
            capacity: capacity[3] / random.dirs.len() as f64,
            state: online(*state),
        });
        // Brokers of a machine are in its rack.
        let host = random.rack.filter(|_| random.shares_host).map(|rack| format!("m{rack}"));
        cluster.brokers.push(Broker {
            id,
            rack: random.rack.map(|rack| format!("r{rack}")),
            host,
            state: random.state,
            capacity: resources(capacity),
            log_dirs: dirs.collect(),
        });
    }
    for (index, random) in topics.iter().enumerate() {
        let partitions = random.partitions.iter().enumerate();
        cluster.topics.push(Topic {
            name: format!("t{index}"),
            excluded: random.excluded,
            min_leaders_per_broker: random.min_leaders,
            partitions: partitions
                .map(|(id, random)| partition(&cluster.brokers, id as i32, random))
                .collect(),
        });
    }
    cluster
}

fn partition(brokers: &[Broker], id: i32, random: &RandomPartition) -> Partition {
    let mut left: Vec<&Broker> = brokers.iter().collect();
    let mut replicas = Vec::new();
    let mut online = Vec::new();
    for (place, index) in random.brokers.iter().enumerate().take(brokers.len()) {
        let broker = left.remove(index.index(left.len()));
        let dir = (!broker.log_dirs.is_empty())
            .then(|| &broker.log_dirs[(id as usize + place) % broker.log_dirs.len()]);
        if broker.state != BrokerState::Dead
            && dir.is_none_or(|dir| dir.state == LogDirState::Online)
        {
            online.push(broker.id);
        }
        let factor = 1.0 + random.uneven * place as f64;
        replicas.push(Replica {
            broker: broker.id,
            log_dir: dir.map(|dir| dir.path.clone()),
            load: resources(random.loads.map(|load| load * factor)),
        });
    }
    let leader =
        random.leader.filter(|_| !online.is_empty()).map(|index| online[index.index(online.len())]);
    Partition { id, leader, replicas, leader_extra: resources(random.extra) }
}

/// What is asked for, in numbers.
#[derive(Clone, Debug)]
struct Choices {
    operation: u8,
    picked: Vec<prop::sample::Index>,
    factor: u32,
    goals: Goals,
    excluded_for_replicas: Option<prop::sample::Index>,
    excluded_for_leadership: Option<prop::sample::Index>,
    sets: u8,
    seed: u64,
    threshold: f64,
    idle: f64,
    max_replicas: u32,
    weigh: bool,
}

#[derive(Clone, Debug)]
enum Goals {
    Default,
    EvenRacks,
    Some(Vec<Goal>),
}

fn options() -> impl Strategy<Value = Choices> {
    let goals = prop_oneof![
        4 => Just(Goals::Default),
        1 => Just(Goals::EvenRacks),
        1 => prop::sample::subsequence(DEFAULT_GOALS.to_vec(), 1..DEFAULT_GOALS.len()).prop_shuffle().prop_map(Goals::Some),
    ];
    let index = any::<prop::sample::Index>;
    let who = (0..12_u8, vec(index(), 1..=2), 1..=4_u32, goals);
    let excluded = (prop::option::weighted(0.1, index()), prop::option::weighted(0.1, index()));
    let sets = prop_oneof![5 => Just(0_u8), 1 => 1..=3_u8];
    let threshold = prop_oneof![3 => Just(1.10), 1 => Just(1.05), 1 => Just(1.25), 1 => Just(1.65)];
    let idle = prop_oneof![4 => Just(0.0), 1 => 0.0..0.5_f64];
    let max_replicas = prop_oneof![4 => Just(10_000), 1 => 3..30_u32];
    (who, excluded, sets, any::<u64>(), threshold, idle, max_replicas, any::<bool>()).prop_map(
        |(
            (operation, picked, factor, goals),
            excluded,
            sets,
            seed,
            threshold,
            idle,
            max_replicas,
            weigh,
        )| Choices {
            operation,
            picked,
            factor,
            goals,
            excluded_for_replicas: excluded.0,
            excluded_for_leadership: excluded.1,
            sets,
            seed,
            threshold,
            idle,
            max_replicas,
            weigh,
        },
    )
}

impl Choices {
    fn build(&self, cluster: &Cluster) -> Options {
        let id =
            |index: &prop::sample::Index| cluster.brokers[index.index(cluster.brokers.len())].id;
        let picked: BTreeSet<i32> = self.picked.iter().map(id).collect();
        let operation = match self.operation {
            5 => Operation::AddBrokers(picked),
            6 => Operation::RemoveBrokers(picked),
            7 => Operation::FixOffline,
            8 => Operation::RemoveLogDirs(
                cluster
                    .brokers
                    .iter()
                    .filter(|broker| picked.contains(&broker.id))
                    .filter_map(|broker| Some((broker.id, broker.log_dirs.first()?.path.clone())))
                    .collect(),
            ),
            9 => Operation::Demote(picked),
            10 => Operation::Leaders,
            11 => Operation::ReplicationFactor { topics: BTreeSet::new(), factor: self.factor },
            _ => Operation::Rebalance,
        };
        let mut options = Options::new(operation);
        options.goals = match &self.goals {
            Goals::Default => DEFAULT_GOALS.to_vec(),
            Goals::EvenRacks => {
                let even =
                    |goal| if goal == Goal::RackAware { Goal::RackAwareDistribution } else { goal };
                DEFAULT_GOALS.into_iter().map(even).collect()
            }
            Goals::Some(goals) => goals.clone(),
        };
        options.seed = self.seed;
        options.excluded_for_replicas.extend(self.excluded_for_replicas.iter().map(id));
        options.excluded_for_leadership.extend(self.excluded_for_leadership.iter().map(id));
        if self.sets > 0 {
            options.goals.insert(0, Goal::BrokerSetAware);
            for broker in &cluster.brokers {
                let set = format!("s{}", broker.id % i32::from(self.sets));
                options.broker_sets.entry(set).or_default().insert(broker.id);
            }
        }
        let constraints = &mut options.constraints;
        constraints.balance_thresholds = [self.threshold; 4];
        constraints.replica_threshold = self.threshold;
        constraints.leader_threshold = self.threshold;
        constraints.low_utilization_thresholds = [self.idle; 4];
        constraints.max_replicas_per_broker = self.max_replicas;
        constraints.weigh_leader_bytes_in = self.weigh;
        options
    }
}
