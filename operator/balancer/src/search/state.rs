//! Where everything is while the search goes on: the brokers with what they hold, and the actions that change it.

use crate::model::NONE;
use crate::placement::Placement;
use crate::planner::Threads;
use crate::search::ground::{Entry, Ground, Holder};
use crate::search::pricing::{Pricing, View};
use crate::search::tally::tally;

/// The whole of it.
pub(super) struct State<'a> {
    pub(super) ground: Ground<'a>,
    /// By broker.
    pub(super) holders: Vec<Holder>,
    /// By replica: where in its holder's list it is.
    slot_of: Vec<u32>,
}

/// A replica that goes from one broker to another.
#[derive(Clone, Copy, Debug)]
pub(super) struct Move {
    pub(super) entry: Entry,
    pub(super) from: u32,
    pub(super) to: u32,
}

/// Books a move on the two holders' sums. The lists are the caller's.
pub(super) fn book(ground: &Ground<'_>, entry: &Entry, from: &mut Holder, to: &mut Holder) {
    ground.book(from, entry, false);
    ground.book(to, entry, true);
}

impl<'a> State<'a> {
    /// The state on a ground.
    pub(super) fn new(ground: Ground<'a>, threads: Threads<'_>) -> Self {
        let brokers = 0..ground.task.model.brokers.len() as u32;
        let mut state = Self {
            holders: brokers.map(|broker| ground.empty_holder(broker)).collect(),
            slot_of: vec![NONE; ground.task.model.replicas.len()],
            ground,
        };
        tally(&state.ground, &mut state.holders, true, threads);
        state.index_slots();
        state.price_anew(threads);
        state
    }

    fn price_anew(&mut self, threads: Threads<'_>) {
        let ground = &self.ground;
        threads.each(&mut self.holders, |holder| ground.price_anew(holder));
    }

    /// Looks at the actual load from here on, or at the expected one, and prices it anew.
    pub(super) fn view(&mut self, view: View, narrow: f64, threads: Threads<'_>) {
        if self.ground.look(view, narrow) {
            tally(&self.ground, &mut self.holders, false, threads);
        }
        self.price_anew(threads);
    }

    /// Changes prices.
    pub(super) fn reprice(&mut self, change: impl FnOnce(&mut Pricing)) {
        change(&mut self.ground.pricing);
        for holder in &mut self.holders {
            self.ground.price_anew(holder);
        }
    }

    /// Where each replica is in its holder's list, anew: a round changes lists without keeping count.
    pub(super) fn index_slots(&mut self) {
        for holder in &self.holders {
            for (slot, entry) in holder.entries.iter().enumerate() {
                self.slot_of[entry.replica as usize] = slot as u32;
            }
        }
    }

    /// A replica's entry. It has a place.
    pub(super) fn entry(&self, replica: u32) -> Entry {
        let holder = self.ground.broker_of[replica as usize] as usize;
        self.holders[holder].entries[self.slot_of[replica as usize] as usize]
    }

    /// Two holders at once.
    pub(super) fn pair(&mut self, a: u32, b: u32) -> (&mut Holder, &mut Holder, &Ground<'a>) {
        let [a, b] = self
            .holders
            .get_disjoint_mut([a as usize, b as usize])
            .expect("two brokers of the model that aren't the same");
        (a, b, &self.ground)
    }

    /// Moves a replica.
    pub(super) fn apply_move(&mut self, replica: u32, to: u32) {
        let from = self.ground.broker_of[replica as usize];
        let slot = self.slot_of[replica as usize] as usize;
        let (source, target, ground) = self.pair(from, to);
        let entry = source.entries.swap_remove(slot);
        let displaced = source.entries.get(slot).map(|entry| entry.replica);
        book(ground, &entry, source, target);
        let new_slot = target.entries.len() as u32;
        target.entries.push(entry);
        if let Some(displaced) = displaced {
            self.slot_of[displaced as usize] = slot as u32;
        }
        self.slot_of[replica as usize] = new_slot;
        self.ground.broker_of[replica as usize] = to;
    }

    /// Gives a replica its first place.
    pub(super) fn apply_placing(&mut self, replica: u32, to: u32) {
        let entry = self.ground.entry(replica, &self.ground.amounts(replica));
        let holder = &mut self.holders[to as usize];
        self.ground.book(holder, &entry, true);
        self.slot_of[replica as usize] = holder.entries.len() as u32;
        holder.entries.push(entry);
        self.ground.broker_of[replica as usize] = to;
    }

    /// Makes a replica the leader of its partition.
    pub(super) fn apply_lead(&mut self, partition: u32, new: u32) {
        let old = std::mem::replace(&mut self.ground.leader_of[partition as usize], new);
        for (replica, starts) in [(old, false), (new, true)] {
            if replica != NONE {
                let broker = self.ground.broker_of[replica as usize];
                self.ground.book_lead(&mut self.holders[broker as usize], replica, starts);
            }
        }
    }

    /// The placement that was reached.
    pub(super) fn placement(self, start: &Placement) -> Placement {
        let (broker, leader) = (self.ground.broker_of, self.ground.leader_of);
        Placement { broker, leader, ..start.clone() }
    }
}
