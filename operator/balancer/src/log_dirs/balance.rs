//! Few bytes between the directories of one broker, until each is within its limits.
//!
//! The worst directory goes first. Out of one that holds too much, and into one that holds too little, goes the replica
//! that is the largest of those that don't overshoot, or else the smallest that does; replicas that are copied anyway
//! go before those at rest. Where no single replica fits, two change places. Neither end ever leaves its limits for it:
//! what is outside gets smaller with every step, in whole units, so that it ends.
//!
//! At the end, what was at rest goes back home if nothing needs it elsewhere any more.
//!
//! Deliberately absent: the order of the moves, which is for the plan's steps to find.

use std::cmp::Reverse;
use std::collections::BTreeSet;

use crate::limits::UNLIMITED;

/// A replica on the broker.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    /// Its index in the model.
    pub(super) replica: u32,
    /// What it takes, in units of disk.
    pub(super) size: i64,
    /// The shelf where it is at rest: to leave it costs its bytes. None for one that is copied anyway.
    pub(super) home: Option<usize>,
    /// It stays at home.
    pub(super) pinned: bool,
    /// The shelf that it is on.
    pub(super) shelf: usize,
}

impl Item {
    /// Whether it is where it was: to put it elsewhere costs its bytes. Anything else is copied already.
    fn is_at_rest(&self) -> bool {
        self.home == Some(self.shelf)
    }

    /// What it costs to put it elsewhere.
    fn cost(&self) -> i64 {
        if self.is_at_rest() { self.size } else { 0 }
    }
}

/// An open directory.
#[derive(Clone, Debug)]
pub(super) struct Shelf {
    /// What lies in it.
    pub(super) used: i64,
    /// How many replicas do.
    count: u32,
    /// What it could hold.
    capacity: i64,
    /// What it may hold.
    cap: i64,
    /// What it should hold.
    band: (i64, i64),
    /// Movable replicas by size: first those that are copied anyway, then those at rest ([`Item::is_at_rest`]).
    movable: [BTreeSet<(i64, u32)>; 2],
}

impl Shelf {
    /// An empty one.
    pub(super) fn new(capacity: i64, cap: i64) -> Self {
        Self {
            used: 0,
            count: 0,
            capacity,
            cap,
            band: (0, UNLIMITED),
            movable: [BTreeSet::new(), BTreeSet::new()],
        }
    }

    /// How bad it is to put something here: whether it doesn't fit, then how full it gets, then how many there are.
    fn fill_with(&self, size: i64) -> (bool, f64, u32) {
        let used = self.used + size;
        let fill =
            if self.capacity > 0 { used as f64 / self.capacity as f64 } else { f64::INFINITY };
        (used > self.cap.min(self.capacity), fill, self.count)
    }

    fn too_much(&self) -> i64 {
        (self.used - self.band.1).max(0)
    }

    fn too_little(&self) -> i64 {
        (self.band.0 - self.used).max(0)
    }

    fn outside(&self) -> i64 {
        self.too_much().max(self.too_little())
    }
}

/// Puts what is at rest on its shelf, and everything else, the largest first, where it fills least.
pub(super) fn fill(shelves: &mut [Shelf], items: &mut [Item]) {
    let mut coming = Vec::new();
    for (index, item) in items.iter().enumerate() {
        if let Some(home) = item.home {
            shelves[home].used += item.size;
            shelves[home].count += 1;
        } else {
            coming.push(index);
        }
    }
    coming.sort_by_key(|index| (Reverse(items[*index].size), items[*index].replica));
    for index in coming {
        let size = items[index].size;
        let mut best = 0;
        for other in 1..shelves.len() {
            let ((over, fill, count), least) =
                (shelves[other].fill_with(size), shelves[best].fill_with(size));
            if over.cmp(&least.0).then(fill.total_cmp(&least.1)).then(count.cmp(&least.2)).is_lt() {
                best = other;
            }
        }
        items[index].shelf = best;
        shelves[best].used += size;
        shelves[best].count += 1;
    }
}

/// Takes what is too much out of the directories that hold more than they may.
pub(super) fn bring_below_caps(shelves: &mut [Shelf], items: &mut [Item]) {
    for shelf in shelves.iter_mut() {
        shelf.band = (0, shelf.cap);
    }
    settle(shelves, items);
}

/// Brings the directories into their bands, as far as the caps let them. Where everything together is more than the
/// caps allow, nothing but the band is left to keep.
pub(super) fn bring_into_bands(shelves: &mut [Shelf], items: &mut [Item], bands: &[(i64, i64)]) {
    let used: i64 = shelves.iter().map(|shelf| shelf.used).sum();
    let fits = used <= shelves.iter().fold(0, |sum: i64, shelf| sum.saturating_add(shelf.cap));
    for (shelf, band) in shelves.iter_mut().zip(bands) {
        shelf.band = (band.0, if fits { band.1.min(shelf.cap) } else { band.1 });
    }
    settle(shelves, items);
}

fn settle(shelves: &mut [Shelf], items: &mut [Item]) {
    if shelves.iter().all(|shelf| shelf.outside() == 0) {
        return;
    }
    for shelf in shelves.iter_mut() {
        shelf.movable = [BTreeSet::new(), BTreeSet::new()];
    }
    for (index, item) in items.iter().enumerate().filter(|(_, item)| !item.pinned && item.size > 0)
    {
        shelves[item.shelf].movable[usize::from(item.is_at_rest())]
            .insert((item.size, index as u32));
    }
    let mut broker = Broker { shelves, items };
    // A swap looks at every replica of a directory: only so many are worth it.
    let mut swaps = SWAPS_PER_SHELF * broker.shelves.len();
    let mut stuck = vec![false; broker.shelves.len()];
    while let Some(worst) = broker.worst(&stuck) {
        let moved = broker.relieve(worst, Broker::transfer);
        if moved {
            stuck.fill(false);
        } else if swaps > 0 && broker.relieve(worst, Broker::swap) {
            swaps -= 1;
            stuck.fill(false);
        } else {
            stuck[worst] = true;
        }
    }
    broker.take_back();
}

const SWAPS_PER_SHELF: usize = 16;

/// The directories and the replicas of a broker.
struct Broker<'a> {
    shelves: &'a mut [Shelf],
    items: &'a mut [Item],
}

/// From one directory to another: at least so much would do, and no more than so much may go.
#[derive(Clone, Copy)]
struct Shift {
    from: usize,
    to: usize,
    enough: i64,
    most: i64,
}

impl Broker<'_> {
    /// The directory that is farthest outside, of those that something could help.
    fn worst(&self, stuck: &[bool]) -> Option<usize> {
        (0..self.shelves.len())
            .filter(|shelf| !stuck[*shelf] && self.shelves[*shelf].outside() > 0)
            .max_by_key(|shelf| (self.shelves[*shelf].outside(), Reverse(*shelf)))
    }

    /// Helps one directory in one way, with the help of the one that has most to give or to take.
    fn relieve(&mut self, worst: usize, way: fn(&mut Self, Shift) -> bool) -> bool {
        let gives = self.shelves[worst].too_much() > 0;
        let mut shifts: Vec<Shift> = (0..self.shelves.len())
            .filter(|other| *other != worst)
            .map(|other| {
                let (from, to) = if gives { (worst, other) } else { (other, worst) };
                let room = self.shelves[to].band.1.saturating_sub(self.shelves[to].used);
                let spare = self.shelves[from].used - self.shelves[from].band.0;
                Shift { from, to, enough: self.shelves[worst].outside(), most: room.min(spare) }
            })
            .filter(|shift| shift.most > 0)
            .collect();
        let helps_both = |shift: &Shift| {
            let other = if gives { shift.to } else { shift.from };
            self.shelves[other].outside() > 0
        };
        shifts.sort_by_key(|shift| (!helps_both(shift), Reverse(shift.most), shift.from, shift.to));
        shifts.into_iter().any(|shift| way(self, shift))
    }

    /// Moves one replica.
    fn transfer(&mut self, shift: Shift) -> bool {
        let up_to_enough = shift.enough.min(shift.most);
        let found = self.shelves[shift.from].movable.iter().find_map(|movable| {
            let below = movable.range(..(up_to_enough, u32::MAX)).next_back();
            let above = || movable.range((up_to_enough, u32::MAX)..(shift.most, u32::MAX)).next();
            below.or_else(above).map(|(_, item)| *item)
        });
        if let Some(item) = found {
            self.put(item, shift.to);
        }
        found.is_some()
    }

    /// Lets two replicas change places: one that does it at once with the fewest bytes, or else one that does the most.
    fn swap(&mut self, shift: Shift) -> bool {
        let mut best: Option<((i64, i64), u32, u32)> = None;
        for goes in self.shelves[shift.from].movable.iter().flatten() {
            for comes in &self.shelves[shift.to].movable {
                // The smallest that may come back is both the cheapest and the one that helps most.
                let least = (goes.0 - shift.most).max(0);
                let Some(comes) = comes.range((least, 0)..(goes.0, 0)).next() else { continue };
                let missing = (shift.enough - (goes.0 - comes.0)).max(0);
                let bytes =
                    self.items[goes.1 as usize].cost() + self.items[comes.1 as usize].cost();
                let order = (missing, bytes);
                if best.is_none_or(|(least, ..)| order < least) {
                    best = Some((order, goes.1, comes.1));
                }
            }
        }
        if let Some((_, goes, comes)) = best {
            self.put(goes, shift.to);
            self.put(comes, shift.from);
        }
        best.is_some()
    }

    /// Puts a replica on another shelf.
    fn put(&mut self, index: u32, to: usize) {
        let item = &mut self.items[index as usize];
        let from = item.shelf;
        self.shelves[from].movable[usize::from(item.is_at_rest())].remove(&(item.size, index));
        item.shelf = to;
        self.shelves[to].movable[usize::from(item.is_at_rest())].insert((item.size, index));
        self.shelves[from].used -= item.size;
        self.shelves[to].used += item.size;
    }

    /// Lets replicas go home again, the largest first, where no directory gets farther outside. One that goes may make
    /// way for another.
    fn take_back(&mut self) {
        let mut away: Vec<u32> =
            (0..self.items.len() as u32).filter(|index| self.is_away(*index)).collect();
        away.sort_by_key(|index| (Reverse(self.items[*index as usize].size), *index));
        loop {
            let count = away.len();
            away.retain(|index| !self.went_home(*index));
            if away.len() == count {
                return;
            }
        }
    }

    fn is_away(&self, index: u32) -> bool {
        let item = &self.items[index as usize];
        item.home.is_some_and(|home| home != item.shelf)
    }

    /// Lets a replica go home, unless that takes a directory farther outside.
    fn went_home(&mut self, index: u32) -> bool {
        let Item { shelf, home: Some(home), .. } = self.items[index as usize] else { return false };
        let before = (self.shelves[shelf].outside(), self.shelves[home].outside());
        self.put(index, home);
        let after = (self.shelves[shelf].outside(), self.shelves[home].outside());
        let fine = after.0 <= before.0 && after.1 <= before.1;
        if !fine {
            self.put(index, shelf);
        }
        fine
    }
}
