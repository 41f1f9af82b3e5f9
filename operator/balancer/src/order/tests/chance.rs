//! Random small clusters with random targets. Whatever the target, every step keeps the rules; and with room enough, all of
//! a target that is legal is reached.

use std::collections::BTreeSet;

use rand::rngs::ChaCha8Rng;
use rand::seq::{IndexedRandom as _, SliceRandom as _};
use rand::{RngExt as _, SeedableRng as _};

use super::*;
use crate::model::{RESOURCES, Resource};
use crate::replication_factor::with_replication_factor;

/// What a random cluster is like.
#[derive(Clone, Copy)]
struct Recipe {
    /// Capacities over what is used.
    room: f64,
    /// Replicas of a partition share no racks, all brokers are alive, and nobody has to lead anything.
    orderly: bool,
}

fn cluster(random: &mut ChaCha8Rng, recipe: Recipe) -> Cluster {
    let count = random.random_range(3..=8);
    let racks = random.random_range(2..=count);
    let mut brokers: Vec<Broker> = (0..count)
        .map(|id| {
            let rack = format!("{}", id % racks);
            let dirs = random.random_bool(0.4);
            let made =
                if dirs { broker_with_dirs(id, &rack, [1.0, 1.0]) } else { broker(id, &rack, 1.0) };
            let host =
                random.random_bool(0.5).then(|| format!("{rack}-{}", random.random_range(0..2)));
            let state = match random.random_range(0..20) {
                _ if recipe.orderly || id == 0 => BrokerState::Alive,
                0 => BrokerState::Dead,
                1 => BrokerState::Draining,
                2 => BrokerState::Demoted,
                _ => BrokerState::Alive,
            };
            Broker { host, state, ..made }
        })
        .collect();
    let mut topics = Vec::new();
    for name in 0..random.random_range(1..=3) {
        let factor = random.random_range(1..=racks.min(3));
        let partitions = (0..random.random_range(1..=10))
            .map(|id| {
                let loose = !recipe.orderly && random.random_bool(0.1);
                let mut shuffled: Vec<i32> = (0..count).collect();
                shuffled.shuffle(random);
                let mut chosen: Vec<i32> = Vec::new();
                for id in shuffled {
                    let shared = chosen.iter().any(|other| other % racks == id % racks);
                    if chosen.len() < factor as usize && (loose || !shared) {
                        chosen.push(id);
                    }
                }
                partition(random, id, &chosen, &brokers)
            })
            .collect();
        let min_leaders_per_broker = if recipe.orderly { 0 } else { random.random_range(0..=1) };
        topics.push(Topic {
            name: format!("t{name}"),
            excluded: false,
            min_leaders_per_broker,
            partitions,
        });
    }
    give_room(random, &mut brokers, &topics, recipe.room);
    Cluster { brokers, topics }
}

fn partition(random: &mut ChaCha8Rng, id: i32, chosen: &[i32], brokers: &[Broker]) -> Partition {
    let disk = f64::from(random.random_range(0..20));
    let replicas = chosen
        .iter()
        .map(|id| Replica {
            broker: *id,
            log_dir: brokers[*id as usize].log_dirs.choose(random).map(|dir| dir.path.clone()),
            load: Resources {
                cpu: f64::from(random.random_range(0..5)),
                network_in: f64::from(random.random_range(0..5)),
                network_out: 0.0,
                // Replicas of one partition are about as large.
                disk: disk + f64::from(random.random_range(0..2)),
            },
        })
        .collect();
    let online: Vec<i32> = chosen
        .iter()
        .copied()
        .filter(|id| brokers[*id as usize].state != BrokerState::Dead)
        .collect();
    let leader_extra = Resources {
        cpu: f64::from(random.random_range(0..3)),
        network_out: f64::from(random.random_range(0..9)),
        ..Resources::default()
    };
    let led = random.random_bool(0.9);
    let leader = online.choose(random).copied().filter(|_| led);
    Partition { id, leader, replicas, leader_extra }
}

/// Gives every broker, and each of its directories, so much more than what it uses.
fn give_room(random: &mut ChaCha8Rng, brokers: &mut [Broker], topics: &[Topic], room: f64) {
    for broker in brokers {
        let mut used = [1.0_f64; RESOURCES];
        let mut in_dirs = vec![1.0_f64; broker.log_dirs.len()];
        for partition in topics.iter().flat_map(|topic| &topic.partitions) {
            for replica in partition.replicas.iter().filter(|replica| replica.broker == broker.id) {
                let leads = if partition.leader == Some(broker.id) { 1.0 } else { 0.0 };
                used[0] += replica.load.cpu + leads * partition.leader_extra.cpu;
                used[1] += replica.load.network_in;
                used[2] += leads * partition.leader_extra.network_out;
                used[3] += replica.load.disk;
                for (dir, used) in broker.log_dirs.iter().zip(&mut in_dirs) {
                    *used += if replica.log_dir.as_ref() == Some(&dir.path) {
                        replica.load.disk
                    } else {
                        0.0
                    };
                }
            }
        }
        // Some carry more than they may.
        let share = if room < 1.0 && random.random_bool(0.1) { 0.5 } else { 1.0 };
        let mut more = |used: f64| {
            (share * (used * (1.0 + room * random.random_range(0.0..1.0)) + room * 10.0)).ceil()
        };
        broker.capacity = Resources {
            cpu: more(used[0]),
            network_in: more(used[1]),
            network_out: more(used[2]),
            disk: more(used[3]),
        };
        for (dir, used) in broker.log_dirs.iter_mut().zip(in_dirs) {
            dir.capacity = more(used);
        }
        if !broker.log_dirs.is_empty() {
            broker.capacity.disk = broker.log_dirs.iter().map(|dir| dir.capacity).sum();
        }
    }
}

/// A random target. An orderly one shares no racks, like where it starts.
fn random_target(random: &mut ChaCha8Rng, model: &Model, orderly: bool) -> Placement {
    let mut after = Placement::of(model);
    for partition in 0..model.partitions.len() as u32 {
        let busy = random.random_bool(0.7);
        for replica in model.replicas_of(partition) {
            let at = after.broker[replica as usize];
            let dead = |broker: u32| model.brokers[broker as usize].state == BrokerState::Dead;
            if at == NONE || (busy && random.random_bool(0.6)) {
                let to = random.random_range(0..model.brokers.len() as u32);
                let rack = |broker: u32| model.brokers[broker as usize].rack;
                let clash = dead(to)
                    || model.replicas_of(partition).filter(|other| *other != replica).any(
                        |other| {
                            let other = after.broker[other as usize];
                            other == to || (orderly && other != NONE && rack(other) == rack(to))
                        },
                    );
                if !clash {
                    after.broker[replica as usize] = to;
                }
            }
            if after.broker[replica as usize] != NONE
                && (after.broker[replica as usize] != at || random.random_bool(0.1))
            {
                let dirs = model.log_dirs_of(after.broker[replica as usize]);
                after.log_dir[replica as usize] = random.random_range(dirs);
            }
        }
        // Exchanges the places of two, so that they are in each other's way.
        let replicas: Vec<u32> = model.replicas_of(partition).collect();
        if replicas.len() > 1 && random.random_bool(0.2) {
            let (one, other) = (replicas[0] as usize, replicas[1] as usize);
            after.broker.swap(one, other);
            after.log_dir.swap(one, other);
        }
        let may_lead = |replica: &u32| {
            let broker = after.broker[*replica as usize];
            broker != NONE && model.brokers[broker as usize].state != BrokerState::Dead
        };
        let candidates: Vec<u32> = replicas.iter().copied().filter(may_lead).collect();
        if (random.random_bool(0.5) || after.leader[partition as usize] == NONE)
            && let Some(leader) = candidates.choose(random)
        {
            after.leader[partition as usize] = *leader;
        }
        after.leader_first[partition as usize] = random.random_bool(0.5);
    }
    after
}

fn options_by_chance(random: &mut ChaCha8Rng) -> Options {
    let mut options = options();
    match random.random_range(0..4) {
        0 => options.goals.retain(|goal| *goal != Goal::RackAware),
        1 => {
            options.goals.retain(|goal| *goal != Goal::RackAware);
            options.goals.push(Goal::RackAwareDistribution);
        }
        _ => {}
    }
    if random.random_bool(0.3) {
        options.constraints.max_replicas_per_broker = random.random_range(1..12);
    }
    options
}

/// By partition: its brokers, ascending, and who leads.
fn places(model: &Model, placement: &Placement) -> Vec<(Vec<u32>, u32)> {
    (0..model.partitions.len() as u32)
        .map(|partition| {
            let mut brokers: Vec<u32> = model
                .replicas_of(partition)
                .map(|replica| placement.broker[replica as usize])
                .collect();
            brokers.sort_unstable();
            let leader = placement.leader[partition as usize];
            (brokers, if leader == NONE { NONE } else { placement.broker[leader as usize] })
        })
        .collect()
}

#[test]
fn every_step_keeps_the_rules() {
    for seed in 0..1500 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let room = *[0.0, 0.1, 0.3, 1.0].choose(&mut random).expect("one of them");
        let model =
            Model::new(cluster(&mut random, Recipe { room, orderly: false })).expect("a cluster");
        let options = options_by_chance(&mut random);
        let after = random_target(&mut random, &model, false);
        ordered(&model, &options, &after, &[]);
    }
}

#[test]
fn with_room_everything_legal_is_reached() {
    for seed in 0..1500 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let model = Model::new(cluster(&mut random, Recipe { room: 1000.0, orderly: true }))
            .expect("a cluster");
        let after = random_target(&mut random, &model, true);
        let ordered = ordered(&model, &options(), &after, &[]);
        assert_eq!(ordered.left_out, Vec::<String>::new(), "seed {seed}");
        assert_eq!(places(&model, &ordered.placement), places(&model, &after), "seed {seed}");
        let bytes: f64 = ordered.steps.iter().map(|step| step.bytes).sum();
        let moved = model.replicas.iter().zip(&after.broker).zip(&after.log_dir);
        let moved = moved.filter(|((replica, broker), dir)| {
            replica.broker != **broker || replica.log_dir != **dir
        });
        let most: i64 =
            moved.map(|((replica, _), _)| replica.load[Resource::Disk as usize] * 2).sum();
        assert!(
            bytes <= model.amount(Resource::Disk, most),
            "seed {seed}: copies more than what moves"
        );
    }
}

#[test]
fn replicas_come_and_go_by_the_rules() {
    for seed in 0..1000 {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let room = *[0.1, 1.0].choose(&mut random).expect("one of them");
        let given =
            Model::new(cluster(&mut random, Recipe { room, orderly: false })).expect("a cluster");
        let factor = random.random_range(1..=3);
        let mut options = options_by_chance(&mut random);
        options.operation = Operation::ReplicationFactor { topics: BTreeSet::new(), factor };
        let Ok(changed) = with_replication_factor(&given, &options, &BTreeSet::new(), factor)
        else {
            continue;
        };
        let leaving = Leaving::of(&given, &changed);
        let after = random_target(&mut random, &changed.model, false);
        ordered(&changed.model, &options, &after, &leaving);
    }
}
