//! The last violations: few, and each needs a closer look than `shed` takes. Broker by broker, the worst first, with the
//! actual load: leadership once more, single replicas to any broker, and swaps.

use rand::RngExt as _;
use rand::rngs::ChaCha8Rng;

use crate::limits::Totals;
use crate::model::NONE;
use crate::planner::Threads;
use crate::search::ground::{Departure, Entry, Ground, Holder, Offer};
use crate::search::lead;
use crate::search::pricing::Pricing;
use crate::search::rules::Care;
use crate::search::shed::{NOTHING, scoring};
use crate::search::state::State;

/// Passes at most, and passes without progress.
const PASSES: usize = 80;
const IDLE_PASSES: usize = 3;
/// Brokers that are looked at in a pass.
const BROKERS: usize = 64;
/// Partners that a broker tries.
const PARTNERS: usize = 12;
/// Replicas of each side that are looked at: the best by weight, and as many by chance.
const LIKELY: usize = 12;
/// Topics outside their bands that a broker tries to mend.
const TOPICS: usize = 8;
/// A list is looked through in windows of so many entries.
const WINDOW: usize = 2048;
/// Actions that a broker takes in a pass.
const ACTIONS: usize = 24;

/// Mends what is left.
pub(super) fn finish(state: &mut State<'_>, rng: &mut ChaCha8Rng, threads: Threads<'_>) {
    state.reprice(Pricing::count_each);
    let mut idle = 0;
    for _ in 0..PASSES {
        let worst = worst(state);
        if worst.is_empty() || idle == IDLE_PASSES {
            break;
        }
        let mut acted = 0;
        for broker in worst {
            acted += mend_broker(state, broker, rng);
        }
        acted += lead::balance(state, threads);
        if acted > 0 {
            idle = 0;
        } else {
            idle += 1;
            if idle == 1 {
                state.reprice(Pricing::at_any_cost);
            }
        }
    }
}

fn broker_price(state: &State<'_>, broker: u32) -> f64 {
    state.ground.price(&state.holders[broker as usize])
}

fn worst(state: &State<'_>) -> Vec<u32> {
    let mut worst: Vec<(f64, u32)> = (0..state.holders.len() as u32)
        .map(|broker| (broker_price(state, broker), broker))
        .filter(|(price, _)| *price > NOTHING)
        .collect();
    worst.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    worst.into_iter().take(BROKERS).map(|(_, broker)| broker).collect()
}

fn mend_broker(state: &mut State<'_>, broker: u32, rng: &mut ChaCha8Rng) -> usize {
    let mut acted = 0;
    while acted < ACTIONS && broker_price(state, broker) > NOTHING {
        if spread_topics(state, broker)
            || move_one(state, broker, rng)
            || swap_one(state, broker, rng)
        {
            acted += 1;
        } else {
            break;
        }
    }
    acted
}

/// Brokers by how well they fit what a broker has too much and too little of, the best first; some by chance.
fn partners(state: &State<'_>, broker: u32, rng: &mut ChaCha8Rng) -> Vec<u32> {
    let pricing = &state.ground.pricing;
    let (over, under) = pricing.outside(broker, &state.holders[broker as usize].totals);
    let middle = |partner: u32, dimension: usize| {
        let band = pricing.band(partner);
        let (low, high) =
            (band.low[dimension] as f64, band.high[dimension].min(i64::MAX / 2) as f64);
        let total = state.holders[partner as usize].totals[dimension] as f64;
        ((total - low) / (high - low).max(1.0)).clamp(-1.0, 2.0)
    };
    let mut fits: Vec<(f64, u32)> = (0..state.holders.len() as u32)
        .filter(|partner| *partner != broker && !state.ground.task.roles[*partner as usize].closed)
        .map(|partner| {
            let misfit: f64 = (0..over.len())
                .map(|dimension| {
                    let fill = middle(partner, dimension);
                    if over[dimension] > 0.0 {
                        fill
                    } else if under[dimension] > 0.0 {
                        1.0 - fill
                    } else {
                        0.0
                    }
                })
                .sum();
            (misfit, partner)
        })
        .collect();
    fits.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
    let likely = fits.len().min(PARTNERS);
    for place in likely / 2..likely {
        let other = rng.random_range(place..fits.len());
        fits.swap(place, other);
    }
    fits.into_iter().take(likely).map(|(_, partner)| partner).collect()
}

/// Entries of one broker that are worth looking at for another: the best by weight, and some by chance.
fn likely(ground: &Ground<'_>, from: &Holder, to: &Holder, rng: &mut ChaCha8Rng) -> Vec<Entry> {
    let score = scoring(ground, from, to);
    let length = from.entries.len();
    let start = if length > WINDOW { rng.random_range(0..length - WINDOW) } else { 0 };
    let mut scored: Vec<(f32, u32)> = from
        .entries
        .iter()
        .enumerate()
        .skip(start)
        .take(WINDOW)
        .filter(|(_, entry)| !entry.pinned)
        .map(|(slot, entry)| (score(entry), slot as u32))
        .collect();
    let count = scored.len().min(LIKELY);
    if count == 0 {
        return Vec::new();
    }
    if scored.len() > count {
        scored.select_nth_unstable_by(count, |a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
    }
    let mut slots: Vec<u32> = scored[..count].iter().map(|(_, slot)| *slot).collect();
    slots.extend((0..count).map(|_| scored[rng.random_range(0..scored.len())].1));
    slots.sort_unstable();
    slots.dedup();
    slots.into_iter().map(|slot| from.entries[slot as usize]).collect()
}

/// Moves the single replica that helps most, from the broker or to it.
fn move_one(state: &mut State<'_>, broker: u32, rng: &mut ChaCha8Rng) -> bool {
    let mut best = None;
    for partner in partners(state, broker, rng) {
        for (from, to) in [(broker, partner), (partner, broker)] {
            if state.ground.task.roles[to as usize].receives {
                let source = &state.holders[from as usize];
                for entry in likely(&state.ground, source, &state.holders[to as usize], rng) {
                    let departure = state.ground.departure(entry.replica, Some(source));
                    consider(state, &departure, to, &mut best);
                }
            }
        }
    }
    take(state, best)
}

/// Keeps what is better than the best so far.
fn consider(state: &State<'_>, departure: &Departure, to: u32, best: &mut Option<Offer>) {
    let worth = best.map_or(-NOTHING, |best| best.price);
    let target = &state.holders[to as usize];
    *best = state.ground.offer(departure, target, Some(worth), Care::AnyOrder).or(*best);
}

fn take(state: &mut State<'_>, best: Option<Offer>) -> bool {
    if let Some(Offer { replica, to, .. }) = best {
        state.apply_move(replica, to);
    }
    best.is_some()
}

/// Moves one replica of a topic that the broker has too many or too few of.
fn spread_topics(state: &mut State<'_>, broker: u32) -> bool {
    let outside = state.ground.topics_outside(&state.holders[broker as usize]);
    let best =
        outside.take(TOPICS).find_map(|(topic, gives)| spreading(state, broker, topic, gives));
    take(state, best)
}

/// The best move of a replica of a topic away from a broker, or to it.
fn spreading(state: &State<'_>, broker: u32, topic: u32, gives: bool) -> Option<Offer> {
    let ground = &state.ground;
    let task = ground.task;
    let mut best = None;
    for replica in
        task.model.partitions_of(topic).flat_map(|partition| task.model.replicas_of(partition))
    {
        let from = ground.broker_of[replica as usize];
        if from == NONE || (from == broker) != gives || !task.is_movable(replica) {
            continue;
        }
        let targets = if gives { 0..state.holders.len() as u32 } else { broker..broker + 1 };
        let departure = ground.departure(replica, Some(&state.holders[from as usize]));
        for to in targets.filter(|to| *to != from && task.roles[*to as usize].receives) {
            consider(state, &departure, to, &mut best);
        }
    }
    best
}

/// Swaps the pair of replicas that helps most.
fn swap_one(state: &mut State<'_>, broker: u32, rng: &mut ChaCha8Rng) -> bool {
    let mut best: Option<(f64, u32, u32, u32)> = None;
    for partner in partners(state, broker, rng) {
        if best.is_some() {
            break;
        }
        let roles = &state.ground.task.roles;
        if roles[broker as usize].receives && roles[partner as usize].receives {
            consider_swaps(state, broker, partner, rng, &mut best);
        }
    }
    let Some((_, mine, theirs, partner)) = best else { return false };
    state.apply_move(mine, partner);
    state.apply_move(theirs, broker);
    true
}

fn consider_swaps(
    state: &State<'_>,
    broker: u32,
    partner: u32,
    rng: &mut ChaCha8Rng,
    best: &mut Option<(f64, u32, u32, u32)>,
) {
    let ground = &state.ground;
    let pricing = &ground.pricing;
    let (a, b) = (&state.holders[broker as usize], &state.holders[partner as usize]);
    // A topic's replica that should go is looked at first of all, whatever it weighs.
    let spread: Vec<Entry> = ground
        .topics_outside(a)
        .filter(|(_, many)| *many)
        .take(TOPICS)
        .flat_map(|(topic, _)| ground.task.model.partitions_of(topic))
        .flat_map(|partition| ground.task.model.replicas_of(partition))
        .filter(|replica| ground.broker_of[*replica as usize] == broker)
        .map(|replica| state.entry(replica))
        .filter(|entry| !entry.pinned)
        .collect();
    let with_amounts = |entries: Vec<Entry>| -> Vec<(Entry, Totals)> {
        entries.into_iter().map(|entry| (entry, ground.amounts(entry.replica))).collect()
    };
    let mine = with_amounts(if spread.is_empty() { likely(ground, a, b, rng) } else { spread });
    let theirs = with_amounts(likely(ground, b, a, rng));
    let now = a.price + b.price;
    for (one, gives) in &mine {
        for (other, takes) in &theirs {
            let mut after_a = a.totals;
            let mut after_b = b.totals;
            for dimension in 0..after_a.len() {
                after_a[dimension] += takes[dimension] - gives[dimension];
                after_b[dimension] += gives[dimension] - takes[dimension];
            }
            let mut price =
                pricing.price(broker, &after_a) + pricing.price(partner, &after_b) - now;
            price += ground.copy_price(one.replica, one.home, broker, partner)
                + ground.copy_price(other.replica, other.home, partner, broker);
            if (price >= best.map_or(-NOTHING, |(least, ..)| least)
                && a.topics_outside == 0
                && b.topics_outside == 0)
                || one.partition == other.partition
                || !ground.may_hold(one, b)
                || !ground.may_hold(other, a)
                || !pricing.allows(broker, &a.totals, &after_a)
                || !pricing.allows(partner, &b.totals, &after_b)
            {
                continue;
            }
            let (Some(there), Some(back)) =
                (ground.topics_delta(one, a, b), ground.topics_delta(other, b, a))
            else {
                continue;
            };
            price += there + back;
            if price < best.map_or(-NOTHING, |(least, ..)| least)
                && ground.rules.verdict(ground, one.replica, partner, Care::AnyOrder).is_some()
                && ground.rules.verdict(ground, other.replica, broker, Care::AnyOrder).is_some()
            {
                *best = Some((price, one.replica, other.replica, partner));
            }
        }
    }
}
