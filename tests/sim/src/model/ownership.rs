//! Who owns what in which generation of a group.

use std::collections::BTreeMap;

use anyhow::{Result, ensure};
use taffrail_model::PartitionIndex;

#[derive(Debug, Default)]
struct Generation {
    leader: Option<String>,
    owners: BTreeMap<PartitionIndex, String>,
}

/// The generations of all groups.
#[derive(Debug, Default)]
pub(crate) struct Ownership {
    generations: BTreeMap<(String, i32), Generation>,
    newest: BTreeMap<String, i32>,
}

impl Ownership {
    /// A member entered a generation. Returns whether it is the first of it.
    pub(crate) fn joined(&mut self, group: &str, generation: i32, leader: &str) -> Result<bool> {
        let newest = self.newest.entry(group.to_owned()).or_insert(0);
        let is_new = generation > *newest;
        *newest = (*newest).max(generation);
        let known = self.generations.entry((group.to_owned(), generation)).or_default();
        let first = known.leader.get_or_insert_with(|| leader.to_owned());
        ensure!(
            first == leader,
            "group {group}: generation {generation} is led by {first} and by {leader}"
        );
        Ok(is_new)
    }

    /// A member was given partitions.
    pub(crate) fn assigned(
        &mut self,
        group: &str,
        generation: i32,
        member: &str,
        partitions: &[PartitionIndex],
    ) -> Result<()> {
        let known = self.generations.entry((group.to_owned(), generation)).or_default();
        for &partition in partitions {
            let owner = known.owners.entry(partition).or_insert_with(|| member.to_owned());
            ensure!(
                owner == member,
                "group {group}: {owner} and {member} own {partition} in generation {generation}"
            );
        }
        Ok(())
    }

    /// The newest generation that any member of the group has heard of.
    pub(crate) fn newest(&self, group: &str) -> i32 {
        self.newest.get(group).copied().unwrap_or(0)
    }

    /// The node stopped: generations that nobody was given anything in were not in the log, and come back.
    pub(crate) fn restarted(&mut self) {
        self.generations.retain(|_, generation| !generation.owners.is_empty());
        self.newest.clear();
        for (group, generation) in self.generations.keys() {
            let newest = self.newest.entry(group.clone()).or_insert(0);
            *newest = (*newest).max(*generation);
        }
    }

    /// The log of groups has lost its end, as it may: generations come back.
    pub(crate) fn forget(&mut self) {
        self.generations.clear();
        self.newest.clear();
    }
}
