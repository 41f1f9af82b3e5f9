//! Random clusters for the benchmark, for property tests and for trying a plan out.
//!
//! A [`Recipe`] is cooked the same everywhere: each question (racks, sizes of topics, places, loads, directories) has its
//! own ChaCha8 stream of the recipe's seed, and only whole numbers and the exact operations of `f64` are used. Changing
//! one knob leaves the answers to the other questions alone.
//!
//! The distributions are those of Cruise Control's own random clusters, so that figures can be put side by side; the
//! clusters themselves are others. Popularity of topics ~ Exp(1), loads of replicas ~ Exp(mean x popularity), network
//! out on leaders alone. What of a leader's processor time a follower would need goes by the default
//! [`CpuWeights`](crate::attribution::CpuWeights). Amounts are rounded, to keep the JSON small: bytes to 3 decimals, cores
//! to 6.

mod brokers;
mod chance;
mod distribution;
mod recipe;
mod recipe_error;
mod replicas;
mod sizes;

use crate::document::{Cluster, Topic};

pub use distribution::Distribution;
pub use recipe::Recipe;
pub use recipe_error::RecipeError;

/// Makes a cluster. Its ids are 0 and up; new brokers come last.
///
/// # Errors
///
/// The recipe asks for something that there can't be, or for too much.
pub fn generate(recipe: &Recipe) -> Result<Cluster, RecipeError> {
    recipe.check()?;
    let sizes = sizes::sizes(recipe)?;
    let racks = brokers::racks(recipe);
    let brokers = brokers::brokers(recipe, &racks);
    let mut replicas = replicas::Replicas::new(recipe, &racks);
    let mut topics: Vec<Topic> = sizes
        .iter()
        .zip(0_u32..)
        .map(|(size, index)| replicas.topic(format!("t{index}"), size))
        .collect();
    topics.push(replicas.topic_on_every_broker());
    Ok(Cluster { brokers, topics })
}

#[cfg(test)]
mod tests;
