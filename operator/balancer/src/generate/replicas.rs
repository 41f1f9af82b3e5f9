//! The replicas of a random cluster: where they are and what they cost.

use rand::RngExt as _;
use rand::rngs::ChaCha8Rng;

use super::brokers::log_dir_path;
use super::chance::{Question, exponential, stream};
use super::recipe::Recipe;
use super::sizes::Size;
use crate::attribution::CpuWeights;
use crate::document::{Partition, Replica, Resources, Topic};

/// How often a place is drawn before those that are left are looked at one by one.
const DRAWS: u32 = 64;
/// To what amounts are rounded.
const BYTES_DECIMALS: f64 = 1e3;
const CORES_DECIMALS: f64 = 1e6;

/// Draws replicas, topic by topic.
pub(super) struct Replicas<'a> {
    recipe: &'a Recipe,
    /// By broker.
    racks: &'a [u32],
    places: ChaCha8Rng,
    popularity: ChaCha8Rng,
    loads: ChaCha8Rng,
    log_dirs: ChaCha8Rng,
    /// The brokers of the partition at hand, its leader's first.
    chosen: Vec<u32>,
}

impl<'a> Replicas<'a> {
    pub(super) fn new(recipe: &'a Recipe, racks: &'a [u32]) -> Self {
        Self {
            recipe,
            racks,
            places: stream(recipe.seed, Question::Places),
            popularity: stream(recipe.seed, Question::Popularity),
            loads: stream(recipe.seed, Question::Loads),
            log_dirs: stream(recipe.seed, Question::LogDirs),
            chosen: Vec::new(),
        }
    }

    /// A topic.
    pub(super) fn topic(&mut self, name: String, size: &Size) -> Topic {
        let leaders = std::iter::repeat_n(None, size.partitions as usize);
        self.topic_led_by(name, size.rf, leaders)
    }

    /// A topic with a leader on each broker that isn't new.
    pub(super) fn topic_on_every_broker(&mut self) -> Topic {
        let leaders = (0..self.recipe.brokers).map(Some);
        self.topic_led_by("one-leader-on-every-broker".to_owned(), 2, leaders)
    }

    fn topic_led_by(
        &mut self,
        name: String,
        rf: u32,
        leaders: impl ExactSizeIterator<Item = Option<u32>>,
    ) -> Topic {
        let popularity = exponential(&mut self.popularity);
        let partitions = leaders
            .zip(0..)
            .map(|(leader, id)| self.partition(id, rf, leader, popularity))
            .collect();
        Topic { name, excluded: false, min_leaders_per_broker: 0, partitions }
    }

    fn partition(&mut self, id: i32, rf: u32, leader: Option<u32>, popularity: f64) -> Partition {
        self.chosen.clear();
        self.chosen.extend(leader);
        while self.chosen.len() < rf as usize {
            let broker = self.place();
            self.chosen.push(broker);
        }
        let mean = self.recipe.mean_load;
        let mut replicas = Vec::with_capacity(rf as usize);
        for index in 0..rf as usize {
            let load = Resources {
                cpu: self.cores(mean.cpu * popularity),
                network_in: self.bytes(mean.network_in * popularity),
                network_out: 0.0,
                disk: self.bytes(mean.disk * popularity),
            };
            replicas.push(Replica {
                broker: self.chosen[index] as i32,
                log_dir: self.log_dir(),
                load,
            });
        }
        let network_out = self.bytes(mean.network_out * popularity);
        let mut leader_extra = Resources { network_out, ..Resources::default() };
        if let Some(leads) = replicas.first_mut() {
            let weights = CpuWeights::default();
            let follows = weights.as_follower(leads.load.cpu, leads.load.network_in, network_out);
            let follows = rounded(follows, CORES_DECIMALS);
            leader_extra.cpu = rounded(leads.load.cpu - follows, CORES_DECIMALS);
            leads.load.cpu = follows;
        }
        if !self.recipe.leader_first && rf > 1 {
            replicas.swap(0, 1);
        }
        Partition {
            id,
            leader: self.chosen.first().map(|broker| *broker as i32),
            replicas,
            leader_extra,
        }
    }

    /// A broker for one more replica of the partition at hand.
    fn place(&mut self) -> u32 {
        for _ in 0..DRAWS {
            let broker = self.recipe.distribution.draw(&mut self.places, self.recipe.brokers);
            if self.may_hold(broker) {
                return broker;
            }
        }
        // What is left is unlikely. To draw among it by weight is the same as to draw on.
        let weight = |broker: u32| self.recipe.distribution.weight(broker);
        let left: Vec<u32> =
            (0..self.recipe.brokers).filter(|broker| self.may_hold(*broker)).collect();
        let mut rest = self.places.random_range(0..left.iter().map(|broker| weight(*broker)).sum());
        let found = left.into_iter().find(|broker| {
            let within = rest < weight(*broker);
            rest = rest.saturating_sub(weight(*broker));
            within
        });
        found.expect("a checked recipe has a broker, and a rack if it has to, for each replica of a partition")
    }

    fn may_hold(&self, broker: u32) -> bool {
        let racks = self.racks;
        let alike = |held: &u32| {
            *held == broker
                || (self.recipe.rack_aware && racks[*held as usize] == racks[broker as usize])
        };
        !self.chosen.iter().any(alike)
    }

    fn log_dir(&mut self) -> Option<String> {
        let dirs = self.recipe.log_dirs;
        (dirs > 1).then(|| log_dir_path(self.log_dirs.random_range(0..dirs)))
    }

    fn bytes(&mut self, mean: f64) -> f64 {
        rounded(mean * exponential(&mut self.loads), BYTES_DECIMALS)
    }

    fn cores(&mut self, mean: f64) -> f64 {
        rounded(mean * exponential(&mut self.loads), CORES_DECIMALS)
    }
}

fn rounded(amount: f64, decimals: f64) -> f64 {
    (amount * decimals).round() / decimals
}
