//! The names in one directory: what programs see, what is durable, and the changes between.

use std::collections::BTreeMap;
use std::sync::Arc;

use parking_lot::Mutex;

use super::content::Content;
use crate::SeededRng;

/// What a name stands for. Clones are the same file or directory.
#[derive(Clone, Debug)]
pub(super) enum Node {
    File(Arc<Mutex<Content>>),
    Directory(Arc<Mutex<Directory>>),
}

/// A change of names that hasn't been synced.
#[derive(Clone, Debug)]
enum Change {
    Insert(String, Node),
    Remove(String),
    Rename(String, String),
}

/// One directory. Changes of names become durable in their order, as a journalling file system does it.
#[derive(Clone, Debug, Default)]
pub(super) struct Directory {
    entries: BTreeMap<String, Node>,
    durable: BTreeMap<String, Node>,
    unsynced: Vec<Change>,
}

impl Directory {
    pub(super) fn get(&self, name: &str) -> Option<Node> {
        self.entries.get(name).cloned()
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = (&String, &Node)> {
        self.entries.iter()
    }

    pub(super) fn insert(&mut self, name: &str, node: Node) {
        self.change(Change::Insert(name.to_owned(), node));
    }

    pub(super) fn remove(&mut self, name: &str) {
        self.change(Change::Remove(name.to_owned()));
    }

    pub(super) fn rename(&mut self, from: &str, to: &str) {
        self.change(Change::Rename(from.to_owned(), to.to_owned()));
    }

    pub(super) fn sync(&mut self) {
        self.durable.clone_from(&self.entries);
        self.unsynced.clear();
    }

    /// Syncs this directory, all that is in it, and so on down.
    pub(super) fn settle(&mut self) {
        self.sync();
        for node in self.entries.values() {
            match node {
                Node::File(content) => content.lock().sync(),
                Node::Directory(directory) => directory.lock().settle(),
            }
        }
    }

    /// Loses power: some first part of the unsynced changes is kept, here and in each directory below.
    pub(super) fn crash(&mut self, rng: &mut SeededRng) {
        let changes = std::mem::take(&mut self.unsynced);
        let kept = usize::try_from(rng.below(changes.len() as u64 + 1)).unwrap_or(0);
        for change in changes.into_iter().take(kept) {
            apply(&mut self.durable, change);
        }
        self.entries.clone_from(&self.durable);
        for node in self.entries.values() {
            match node {
                Node::File(content) => content.lock().crash(rng),
                Node::Directory(directory) => directory.lock().crash(rng),
            }
        }
    }

    /// The bytes of all files below.
    pub(super) fn used_bytes(&self) -> u64 {
        self.entries
            .values()
            .map(|node| match node {
                Node::File(content) => content.lock().len() as u64,
                Node::Directory(directory) => directory.lock().used_bytes(),
            })
            .sum()
    }

    fn change(&mut self, change: Change) {
        apply(&mut self.entries, change.clone());
        self.unsynced.push(change);
    }
}

fn apply(entries: &mut BTreeMap<String, Node>, change: Change) {
    match change {
        Change::Insert(name, node) => {
            entries.insert(name, node);
        }
        Change::Remove(name) => {
            entries.remove(&name);
        }
        Change::Rename(from, to) => {
            if let Some(node) = entries.remove(&from) {
                entries.insert(to, node);
            }
        }
    }
}
