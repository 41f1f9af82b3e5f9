//! How many partitions and replicas each topic of a random cluster has.

use std::collections::BTreeMap;

use rand::RngExt as _;

use super::chance::{Question, stream};
use super::recipe::Recipe;
use super::recipe_error::RecipeError;
use crate::model::PARTITIONS_MAX;

/// A topic's size.
#[derive(Clone, Copy)]
pub(super) struct Size {
    pub(super) partitions: u32,
    pub(super) rf: u32,
}

/// The sizes of the topics: random ones first, as far as they fit, and then a partition more for each in turn until the
/// replicas are exactly as many as they should be.
pub(super) fn sizes(recipe: &Recipe) -> Result<Vec<Size>, RecipeError> {
    let mut room = recipe.replicas - recipe.topics * recipe.rf;
    let mut sizes = vec![Size { partitions: 1, rf: recipe.rf }; recipe.topics as usize];
    let mut generator = stream(recipe.seed, Question::ReplicationFactors);
    for size in &mut sizes {
        let rf = generator.random_range(recipe.rf..=recipe.rf_max());
        if rf - size.rf <= room {
            room -= rf - size.rf;
            size.rf = rf;
        }
    }
    let mut generator = stream(recipe.seed, Question::Partitions);
    let most = (recipe.replicas / recipe.topics).max(2);
    for size in &mut sizes {
        let more = generator.random_range(2..=most) - size.partitions;
        if u64::from(more) * u64::from(size.rf) <= u64::from(room) {
            room -= more * size.rf;
            size.partitions += more;
        }
    }
    fill(&mut sizes, &mut room);
    swap(&mut sizes, &mut room);
    if room > 0 {
        return Err(RecipeError::Inexact {
            replicas: recipe.replicas,
            made: recipe.replicas - room,
        });
    }
    match sizes.iter().map(|size| size.partitions).max() {
        // It couldn't be read back.
        Some(partitions) if partitions as usize > PARTITIONS_MAX => {
            Err(RecipeError::TooManyPartitions { partitions, most: PARTITIONS_MAX })
        }
        _ => Ok(sizes),
    }
}

/// A partition more for each topic in turn, while there is room.
fn fill(sizes: &mut [Size], room: &mut u32) {
    let mut changed = true;
    while changed {
        changed = false;
        for size in &mut *sizes {
            if size.rf <= *room {
                *room -= size.rf;
                size.partitions += 1;
                changed = true;
            }
        }
    }
}

/// Fills room that is less than a partition: topics give up a partition for one of a topic whose partitions have more
/// replicas.
fn swap(sizes: &mut [Size], room: &mut u32) {
    let takes: BTreeMap<u32, usize> =
        sizes.iter().zip(0..).map(|(size, index)| (size.rf, index)).collect();
    while *room > 0 {
        let gives: BTreeMap<u32, usize> = sizes
            .iter()
            .zip(0..)
            .filter(|(size, _)| size.partitions > 1)
            .map(|(size, index)| (size.rf, index))
            .collect();
        let gains = gives.iter().flat_map(|(rf, from)| {
            takes.range(rf + 1..=rf + *room).map(move |(larger, to)| (larger - rf, *from, *to))
        });
        let Some((gain, from, to)) = gains.max() else { return };
        sizes[from].partitions -= 1;
        sizes[to].partitions += 1;
        *room -= gain;
    }
}
