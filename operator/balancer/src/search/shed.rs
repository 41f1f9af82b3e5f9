//! Replicas go from brokers that have too much to brokers that have too little.
//!
//! Brokers are dealt into groups, each with its part of the full and of the empty ones, and every group works on its own:
//! it owns its brokers, reads where everything was when the round began, and moves a partition once at most. Then the
//! moves of all groups are entered, in the order of the groups, and those are taken back whose partition another group
//! moved too. The groups don't depend on the number of threads, and so neither does what comes of them.
//!
//! Within a group the broker that is furthest outside its bands gives to the one that it fits best, or takes from it; the
//! other way round if that fails, since it can have too much of one thing and too little of another. What to give is
//! looked for by a weight for each dimension: what both sides gain from a unit of it, less what copying costs. As long as
//! both gain from bytes, the largest replicas go; once only the count is left to mend, the smallest. That keeps both the
//! number of replicas and the bytes near what must move in any case.

use crate::limits::REPLICAS;
use crate::planner::Threads;
use crate::search::ground::{Entry, Ground, Holder, SIZES};
use crate::search::rules::Care;
use crate::search::state::{Move, State, book};
use rand::rngs::ChaCha8Rng;
use rand::seq::SliceRandom as _;

/// Brokers in a group.
const GROUP: usize = 32;
/// Replicas that go from one broker to another before the pair is weighed again.
const BATCH: usize = 16;
/// Candidates that are looked at for them.
const CANDIDATES: usize = 6 * BATCH;
/// Partners that a broker tries.
const PARTNERS: usize = 8;
/// A list is looked through in windows of so many entries.
const WINDOW: usize = 4096;
/// Rounds at most, the first of them for moves that help both sides.
const ROUNDS: usize = 24;
const ROUNDS_OF_BOTH: usize = 2;
/// A price below this is rounding.
pub(super) const NOTHING: f64 = 1e-12;

/// Sheds until no broker that is outside its band finds anything to give or to take.
pub(super) fn shed(state: &mut State<'_>, rng: &mut ChaCha8Rng, threads: Threads<'_>) {
    let mut idle = 0;
    for round in 0..ROUNDS {
        let both = round < ROUNDS_OF_BOTH;
        let moved = shed_round(state, rng, threads, both);
        idle = if moved == 0 && !both { idle + 1 } else { 0 };
        if idle == 2 || state.holders.iter().all(|holder| state.ground.price(holder) <= NOTHING) {
            break;
        }
    }
    state.index_slots();
}

fn shed_round(
    state: &mut State<'_>,
    rng: &mut ChaCha8Rng,
    threads: Threads<'_>,
    both: bool,
) -> usize {
    let groups = deal(state, rng);
    let ground = &state.ground;
    let work = |holders: Vec<Holder>| Group::new(ground, holders, both).run();
    let mut moves = Vec::new();
    for (holders, of_group) in threads.map(groups, work) {
        for holder in holders {
            let index = holder.index as usize;
            state.holders[index] = holder;
        }
        moves.push(of_group);
    }
    enter(state, moves)
}

/// Deals the brokers into groups: each has some of the fullest and some of the emptiest.
fn deal(state: &mut State<'_>, rng: &mut ChaCha8Rng) -> Vec<Vec<Holder>> {
    let ground = &state.ground;
    let mut order: Vec<(f64, u32)> = state
        .holders
        .iter()
        .map(|holder| {
            let (over, under) = ground.pricing.outside(holder.index, &holder.totals);
            (over.iter().sum::<f64>() - under.iter().sum::<f64>(), holder.index)
        })
        .collect();
    order.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    let count = (order.len() / GROUP).max(1);
    let mut groups: Vec<Vec<Holder>> = (0..count).map(|_| Vec::new()).collect();
    for rank in order.chunks_mut(count) {
        rank.shuffle(rng);
        for (group, (_, broker)) in groups.iter_mut().zip(rank.iter()) {
            group.push(std::mem::take(&mut state.holders[*broker as usize]));
        }
    }
    groups
}

/// Enters the moves of all groups, and takes back those of partitions that an earlier group moved.
fn enter(state: &mut State<'_>, moves: Vec<Vec<Move>>) -> usize {
    let mut entered = vec![false; state.ground.leader_of.len()];
    let mut count = 0;
    for moved in moves.into_iter().flatten() {
        let partition = moved.entry.partition as usize;
        if entered[partition] {
            let (to, from, ground) = state.pair(moved.to, moved.from);
            book(ground, &moved.entry, to, from);
            let at = to.entries.iter().rposition(|entry| entry.replica == moved.entry.replica);
            to.entries.swap_remove(at.expect("the group put it there"));
            from.entries.push(moved.entry);
        } else {
            entered[partition] = true;
            state.ground.broker_of[moved.entry.replica as usize] = moved.to;
            count += 1;
        }
    }
    count
}

/// A group of brokers at work.
struct Group<'a> {
    ground: &'a Ground<'a>,
    holders: Vec<Holder>,
    /// By partition: moved in this round.
    touched: Vec<u64>,
    /// Only moves that help both sides.
    both: bool,
    moves: Vec<Move>,
    /// Room for the scores of a window.
    scores: Vec<(f32, u32)>,
}

impl<'a> Group<'a> {
    fn new(ground: &'a Ground<'a>, holders: Vec<Holder>, both: bool) -> Self {
        let touched = vec![0; ground.leader_of.len().div_ceil(64)];
        Self {
            ground,
            holders,
            touched,
            both,
            moves: Vec::new(),
            scores: Vec::with_capacity(WINDOW),
        }
    }

    fn run(mut self) -> (Vec<Holder>, Vec<Move>) {
        let mut stuck = vec![false; self.holders.len()];
        while let Some((worst, gives)) = self.worst(&stuck) {
            // A broker can have too much of one thing and too little of another.
            stuck[worst] = !self.serve(worst, gives) && !self.serve(worst, !gives);
        }
        (self.holders, self.moves)
    }

    /// The broker that is furthest outside its band, and whether it gives or takes.
    fn worst(&self, stuck: &[bool]) -> Option<(usize, bool)> {
        let mut worst: Option<(f64, usize, bool)> = None;
        for (index, holder) in self.holders.iter().enumerate().filter(|(index, _)| !stuck[*index]) {
            let (over, under) = self.ground.pricing.outside(holder.index, &holder.totals);
            let (over, under) = (over.iter().sum::<f64>(), under.iter().sum::<f64>());
            let most = over.max(under);
            if most > NOTHING && worst.is_none_or(|(least, ..)| most > least) {
                worst = Some((most, index, over >= under));
            }
        }
        worst.map(|(_, index, gives)| (index, gives))
    }

    /// Lets a broker give to, or take from, the partners that fit it best. False if none of them helps.
    fn serve(&mut self, broker: usize, gives: bool) -> bool {
        let pricing = &self.ground.pricing;
        let holder = &self.holders[broker];
        let (over, under) = pricing.outside(holder.index, &holder.totals);
        let needed: f64 = if gives { &over } else { &under }.iter().sum();
        let receives = |index: u32| self.ground.task.roles[index as usize].receives;
        if needed <= NOTHING || !(gives || receives(holder.index)) {
            return false;
        }
        let mut partners: Vec<(f64, usize)> = Vec::with_capacity(self.holders.len());
        for (index, partner) in
            self.holders.iter().enumerate().filter(|(index, _)| *index != broker)
        {
            if gives && !receives(partner.index) {
                continue;
            }
            let (its_over, its_under) = pricing.outside(partner.index, &partner.totals);
            let (need, offer, against) = if gives {
                (&over, &its_under, &its_over)
            } else {
                (&under, &its_over, &its_under)
            };
            let fit: f64 = need.iter().zip(offer).map(|(need, offer)| need.min(*offer)).sum();
            let misfit: f64 =
                need.iter().zip(against).map(|(need, against)| need.min(*against)).sum();
            if self.both && fit <= 0.0 {
                continue;
            }
            partners.push((misfit - fit, index));
        }
        partners.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        partners.into_iter().take(PARTNERS).any(|(_, partner)| {
            let (from, to) = if gives { (broker, partner) } else { (partner, broker) };
            self.transfer(from, to) > 0
        })
    }

    /// Moves up to a batch of replicas from one broker to another.
    fn transfer(&mut self, from: usize, to: usize) -> usize {
        let ground = self.ground;
        self.score(from, to);
        let mut taken: Vec<(u32, Move)> = Vec::with_capacity(BATCH);
        let scores = std::mem::take(&mut self.scores);
        for (_, slot) in &scores {
            if taken.len() == BATCH {
                break;
            }
            let [source, target] = self.holders.get_disjoint_mut([from, to]).expect("two brokers");
            let entry = source.entries[*slot as usize];
            let (word, bit) = (entry.partition as usize / 64, 1 << (entry.partition % 64));
            if self.touched[word] & bit != 0 {
                continue;
            }
            let departure = ground.departure(entry.replica, Some(source));
            if ground.offer(&departure, target, Some(-NOTHING), Care::AnyOrder).is_none() {
                continue;
            }
            book(ground, &entry, source, target);
            self.touched[word] |= bit;
            taken.push((*slot, Move { entry, from: source.index, to: target.index }));
        }
        self.scores = scores;
        // From the back, so that what takes a place isn't among those that go.
        taken.sort_by_key(|(slot, _)| std::cmp::Reverse(*slot));
        for (slot, moved) in &taken {
            self.holders[from].entries.swap_remove(*slot as usize);
            self.holders[to].entries.push(moved.entry);
        }
        let count = taken.len();
        self.moves.extend(taken.into_iter().map(|(_, moved)| moved));
        count
    }

    /// The best candidates of a window of the source's list, best first.
    fn score(&mut self, from: usize, to: usize) {
        let ground = self.ground;
        let (source, target) = (&self.holders[from], &self.holders[to]);
        let score = scoring(ground, source, target);
        // A long list is looked at in part; which part changes with every move.
        let length = source.entries.len();
        let start = if length > WINDOW { (self.moves.len() * 7919) % (length - WINDOW) } else { 0 };
        let window = &source.entries[start..length.min(start + WINDOW)];
        self.scores.clear();
        for (offset, entry) in window.iter().enumerate().filter(|(_, entry)| !entry.pinned) {
            self.scores.push((score(entry), (start + offset) as u32));
        }
        let best_first = |a: &(f32, u32), b: &(f32, u32)| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1));
        if self.scores.len() > CANDIDATES {
            self.scores.select_nth_unstable_by(CANDIDATES, best_first);
            self.scores.truncate(CANDIDATES);
        }
        self.scores.sort_unstable_by(best_first);
    }
}

/// How much a replica helps both sides when it goes from one to the other, for choosing candidates: what they gain from
/// its sizes, less what copying its bytes costs. Where sizes don't matter, the smallest is the best.
pub(super) fn scoring(ground: &Ground<'_>, from: &Holder, to: &Holder) -> impl Fn(&Entry) -> f32 {
    let weights = weights(ground, from, to);
    let byte = (ground.pricing.byte * ground.pricing.share[SIZES[0]]) as f32;
    let (from, to) = (from.index, to.index);
    move |entry| {
        let gain: f32 = weights.iter().zip(entry.sizes).map(|(weight, size)| weight * size).sum();
        let copy = byte * entry.sizes[0];
        if entry.home == from {
            gain - copy
        } else if entry.home == to {
            gain + copy
        } else {
            gain
        }
    }
}

/// What both sides gain, in the price of a share, from a share of each of [`SIZES`] that goes from one to the other.
fn weights(ground: &Ground<'_>, from: &Holder, to: &Holder) -> [f32; 4] {
    SIZES.map(|dimension| {
        debug_assert_ne!(dimension, REPLICAS);
        let price = ground.pricing.scale(dimension) * ground.pricing.share[dimension];
        let (band_from, band_to) = (ground.pricing.band(from.index), ground.pricing.band(to.index));
        let (has, gets) = (from.totals[dimension], to.totals[dimension]);
        let leaves =
            i8::from(has > band_from.high[dimension]) - i8::from(has <= band_from.low[dimension]);
        let comes =
            i8::from(gets < band_to.low[dimension]) - i8::from(gets >= band_to.high[dimension]);
        (f64::from(leaves + comes) * price) as f32
    })
}
