//! The brokers of a random cluster.

use rand::RngExt as _;

use super::chance::{Question, stream};
use super::recipe::Recipe;
use crate::document::{Broker, BrokerState, LogDir, LogDirState, Resources};

const CAPACITY: Resources =
    Resources { cpu: 100.0, network_in: 300_000.0, network_out: 200_000.0, disk: 300_000.0 };
/// Of the last broker that isn't new.
const SMALL_CAPACITY: Resources =
    Resources { cpu: 100.0, network_in: 150_000.0, network_out: 150_000.0, disk: 150_000.0 };

/// By broker: its rack.
pub(super) fn racks(recipe: &Recipe) -> Vec<u32> {
    let mut generator = stream(recipe.seed, Question::Racks);
    let brokers = recipe.brokers + recipe.new_brokers;
    let hosts: Vec<u32> = (0..brokers.div_ceil(recipe.brokers_per_host))
        .map(
            |host| if host < recipe.racks { host } else { generator.random_range(0..recipe.racks) },
        )
        .collect();
    (0..brokers).map(|broker| hosts[(broker / recipe.brokers_per_host) as usize]).collect()
}

/// The brokers, given the racks they are in.
pub(super) fn brokers(recipe: &Recipe, racks: &[u32]) -> Vec<Broker> {
    (0_u32..).zip(racks).map(|(index, rack)| broker(recipe, index, *rack)).collect()
}

fn broker(recipe: &Recipe, index: u32, rack: u32) -> Broker {
    let small = index + 1 == recipe.brokers;
    let Resources { cpu, network_in, network_out, disk } =
        if small { SMALL_CAPACITY } else { CAPACITY };
    let factor = recipe.capacity_factor;
    let capacity = Resources {
        cpu: cpu * factor,
        network_in: network_in * factor,
        network_out: network_out * factor,
        disk: disk * factor,
    };
    let state = if index < recipe.dead_brokers {
        BrokerState::Dead
    } else if index < recipe.dead_brokers + recipe.demoted_brokers {
        BrokerState::Demoted
    } else if index < recipe.brokers {
        BrokerState::Alive
    } else {
        BrokerState::New
    };
    Broker {
        id: index as i32,
        rack: Some(format!("rack-{rack}")),
        host: (recipe.brokers_per_host > 1)
            .then(|| format!("host-{}", index / recipe.brokers_per_host)),
        state,
        capacity,
        log_dirs: log_dirs(recipe, index, capacity.disk),
    }
}

fn log_dirs(recipe: &Recipe, broker: u32, disk: f64) -> Vec<LogDir> {
    if recipe.log_dirs == 1 {
        return Vec::new();
    }
    let first_offline =
        (recipe.dead_brokers..recipe.dead_brokers + recipe.offline_log_dirs).contains(&broker);
    (0..recipe.log_dirs)
        .map(|dir| LogDir {
            path: log_dir_path(dir),
            capacity: disk / f64::from(recipe.log_dirs),
            state: if dir == 0 && first_offline {
                LogDirState::Offline
            } else {
                LogDirState::Online
            },
        })
        .collect()
}

/// The path of a broker's directory.
pub(super) fn log_dir_path(index: u32) -> String {
    format!("/data/{index}")
}
