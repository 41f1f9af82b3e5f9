//! First of all: what has no place gets one, and what breaks a rule about racks or broker sets goes elsewhere.

use rand::RngExt as _;
use rand::rngs::ChaCha8Rng;
use rayon::prelude::*;

use crate::limits::DIMENSIONS;
use crate::model::{NONE, Resource};
use crate::planner::Threads;
use crate::search::ground::{Ground, Holder, Offer};
use crate::search::rules::Care;
use crate::search::state::State;

/// Brokers with the most room that are looked at for each replica...
const ROOMIEST: usize = 16;
/// ... and others, so that a cluster of many brokers doesn't send everything to the same few.
const OTHERS: usize = 8;
/// After so many replicas the brokers are sorted by their room again.
const REFRESH: usize = 64;
/// Partitions that are looked at together.
const CHUNK: usize = 512;

/// Places and mends.
pub(super) fn mend(state: &mut State<'_>, rng: &mut ChaCha8Rng, threads: Threads<'_>) {
    place_stranded(state, rng);
    mend_rules(state, rng, threads);
    spread_topics(state, rng, threads);
}

/// Gives what has to go a place, as far as there is room: the more rules a place keeps, the sooner it is taken.
pub(super) fn place_stranded(state: &mut State<'_>, rng: &mut ChaCha8Rng) {
    let task = state.ground.task;
    let mut stranded: Vec<u32> = (0..task.model.replicas.len() as u32)
        .filter(|replica| {
            // Those that have found a place have left where they were; on an old broker, for want of a new one, they look
            // again.
            let at = state.ground.broker_of[*replica as usize];
            (at == task.model.replicas[*replica as usize].broker
                || !task.roles[at as usize].receives)
                && task.is_stranded(*replica)
                && !task.may_stay_on_broker(*replica)
                && task.has_source(*replica)
        })
        .collect();
    if stranded.is_empty() {
        return;
    }
    // The largest first: the small ones fit into what is left.
    stranded.sort_by_key(|replica| {
        std::cmp::Reverse(task.model.replicas[*replica as usize].load[Resource::Disk as usize])
    });
    let mut room = Room::new(state);
    let roles = &task.roles;
    let counted: Vec<u32> =
        (0..roles.len() as u32).filter(|broker| roles[*broker as usize].counted).collect();
    for (done, replica) in stranded.into_iter().enumerate() {
        if done % REFRESH == 0 {
            room.sort(state);
        }
        let some = room.some(rng);
        let (ground, holders) = (&state.ground, &state.holders);
        let at = ground.broker_of[replica as usize];
        let home = task.model.replicas[replica as usize].broker;
        let find = |brokers: &[u32], wanted| {
            best(ground, holders, replica, wanted, brokers.iter().copied())
        };
        // An old broker takes it where no new one will do.
        let old = if at == home { &counted[..] } else { &[] };
        let found = find(&some, Wanted::Safe)
            .or_else(|| find(&room.brokers, Wanted::Safe))
            .or_else(|| find(&room.brokers, Wanted::Sound))
            .or_else(|| find(old, Wanted::Safe))
            .or_else(|| find(old, Wanted::Sound));
        match found {
            Some(place) if at != NONE => state.apply_move(replica, place.to),
            Some(place) => state.apply_placing(replica, place.to),
            // `reasons` says why nobody can take it.
            None => {}
        }
    }
}

fn mend_rules(state: &mut State<'_>, rng: &mut ChaCha8Rng, threads: Threads<'_>) {
    let broken = broken(state, threads);
    let mut room = Room::new(state);
    for chunk in broken.chunks(CHUNK) {
        room.sort(state);
        let brokers = room.some(rng);
        // Each partition is looked at as things are before the chunk, and once more if they have changed for it.
        let (ground, holders) = (&state.ground, &state.holders);
        let propose =
            |partition: &u32| mending(ground, holders, *partition, &brokers, Wanted::Mended);
        let proposals = threads.map(chunk, propose);
        for (partition, proposal) in chunk.iter().zip(proposals) {
            let mut next = proposal.filter(|proposal| still_good(state, proposal));
            for _ in 0..state.ground.task.model.replicas_of(*partition).len() {
                let (ground, holders) = (&state.ground, &state.holders);
                let again =
                    |brokers: &[u32], wanted| mending(ground, holders, *partition, brokers, wanted);
                let Some(mending) = next
                    .take()
                    .or_else(|| again(&brokers, Wanted::Mended))
                    .or_else(|| again(&room.brokers, Wanted::Mended))
                    .or_else(|| again(&room.brokers, Wanted::MendedSomehow))
                else {
                    break;
                };
                state.apply_move(mending.replica, mending.to);
                if misplaced(&state.ground, *partition).next().is_none() {
                    break;
                }
            }
        }
    }
}

/// The partitions with a replica that breaks a rule and may move for it.
fn broken(state: &State<'_>, threads: Threads<'_>) -> Vec<u32> {
    let ground = &state.ground;
    let is_broken = |partition: &u32| misplaced(ground, *partition).next().is_some();
    let partitions = 0..ground.task.model.partitions.len() as u32;
    match threads {
        Threads::One => partitions.filter(is_broken).collect(),
        Threads::Pool(pool) => {
            pool.install(|| partitions.into_par_iter().filter(is_broken).collect())
        }
    }
}

fn misplaced<'a>(ground: &'a Ground<'_>, partition: u32) -> impl Iterator<Item = u32> + 'a {
    ground.task.model.replicas_of(partition).filter(|replica| {
        ground.broker_of[*replica as usize] != NONE
            && ground.rules.misplaced(ground, *replica)
            && ground.task.may_move_for_hard_goals(*replica)
    })
}

/// The best move that mends a rule of a partition.
fn mending(
    ground: &Ground<'_>,
    holders: &[Holder],
    partition: u32,
    brokers: &[u32],
    wanted: Wanted,
) -> Option<Offer> {
    misplaced(ground, partition)
        .filter_map(|replica| best(ground, holders, replica, wanted, brokers.iter().copied()))
        // Any of them will do: so the one that relieves its own broker most, or has the fewest bytes to copy.
        .min_by(|a, b| a.cost.total_cmp(&b.cost))
}

/// Whether a move costs no more than when it was proposed.
fn still_good(state: &State<'_>, Offer { replica, to, cost, .. }: &Offer) -> bool {
    let (ground, holders) = (&state.ground, &state.holders);
    best(ground, holders, *replica, Wanted::Mended, std::iter::once(*to))
        .is_some_and(|now| now.cost <= cost.max(0.0))
}

/// Takes from each broker what it has too many of, topic by topic.
fn spread_topics(state: &mut State<'_>, rng: &mut ChaCha8Rng, threads: Threads<'_>) {
    let task = state.ground.task;
    let mut room = Room::new(state);
    let mut done = 0;
    for topic in crowded(state, threads) {
        // The smallest first: any of them will do.
        let partitions = task.model.partitions_of(topic);
        let mut movable: Vec<u32> = partitions
            .flat_map(|partition| task.model.replicas_of(partition))
            .filter(|replica| task.is_movable(*replica))
            .collect();
        movable.sort_by_key(|replica| {
            task.model.replicas[*replica as usize].load[Resource::Disk as usize]
        });
        for replica in movable {
            let (ground, holders) = (&state.ground, &state.holders);
            let from = holders.get(ground.broker_of[replica as usize] as usize);
            if !from.is_some_and(|from| ground.is_crowded(from, topic)) {
                continue;
            }
            let better = |brokers: &[u32]| {
                best(ground, holders, replica, Wanted::Safe, brokers.iter().copied())
                    .filter(|place| place.price < 0.0)
            };
            if let Some(place) = better(&room.some(rng)).or_else(|| better(&room.brokers)) {
                state.apply_move(replica, place.to);
                done += 1;
                if done % REFRESH == 0 {
                    room.sort(state);
                }
            }
        }
    }
}

/// The topics that some broker has too many replicas of.
fn crowded(state: &State<'_>, threads: Threads<'_>) -> Vec<u32> {
    let ground = &state.ground;
    let of_holder = |holder: &Holder| -> Vec<u32> {
        let crowded = ground.topics_outside(holder).filter(|(_, many)| *many);
        crowded.map(|(topic, _)| topic).collect()
    };
    let mut crowded = threads.map(&state.holders, of_holder).concat();
    crowded.sort_unstable();
    crowded.dedup();
    crowded
}

/// What a place has to be good for.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
enum Wanted {
    /// No rule is broken in some order of the partition's steps.
    Sound,
    /// No rule is broken.
    Safe,
    /// A rule is mended, and no other is broken.
    Mended,
    /// The same, in some order of the partition's steps.
    MendedSomehow,
}

/// The brokers that may receive, those with the most room first.
struct Room {
    brokers: Vec<u32>,
}

impl Room {
    fn new(state: &State<'_>) -> Self {
        let roles = &state.ground.task.roles;
        let brokers =
            (0..roles.len() as u32).filter(|broker| roles[*broker as usize].receives).collect();
        let mut room = Self { brokers };
        room.sort(state);
        room
    }

    fn sort(&mut self, state: &State<'_>) {
        let pricing = &state.ground.pricing;
        let fill = |broker: u32| {
            let totals = &state.holders[broker as usize].totals;
            let shares = &state.ground.limits.shares[broker as usize];
            (0..DIMENSIONS)
                .filter(|dimension| pricing.scale(*dimension) > 0.0)
                .map(|dimension| totals[dimension] as f64 / shares[dimension] as f64)
                .sum::<f64>()
        };
        let mut by_fill: Vec<(f64, u32)> =
            self.brokers.iter().map(|broker| (fill(*broker), *broker)).collect();
        by_fill.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        self.brokers.clear();
        self.brokers.extend(by_fill.into_iter().map(|(_, broker)| broker));
    }

    /// The roomiest brokers, and others by chance.
    fn some(&self, rng: &mut ChaCha8Rng) -> Vec<u32> {
        let count = self.brokers.len();
        let roomiest = count.min(ROOMIEST);
        let mut some = self.brokers[..roomiest].to_vec();
        if count > roomiest {
            some.extend((0..OTHERS).map(|_| self.brokers[rng.random_range(roomiest..count)]));
        }
        some
    }
}

/// The best of some brokers for a replica that comes from a holder, or from nowhere.
fn best(
    ground: &Ground<'_>,
    holders: &[Holder],
    replica: u32,
    wanted: Wanted,
    brokers: impl Iterator<Item = u32>,
) -> Option<Offer> {
    let (care, mends) = match wanted {
        Wanted::Sound => (Care::SomeOrder, 0),
        Wanted::Safe => (Care::AnyOrder, 0),
        Wanted::MendedSomehow => (Care::SomeOrder, 1),
        Wanted::Mended => (Care::AnyOrder, 1),
    };
    let at = ground.broker_of[replica as usize];
    let departure = ground.departure(replica, holders.get(at as usize));
    let mut best: Option<Offer> = None;
    for to in brokers.filter(|to| *to != at) {
        let worth = best.map(|best| best.price);
        let offer = ground.offer(&departure, &holders[to as usize], worth, care);
        best = offer.filter(|offer| offer.mends >= mends).or(best);
    }
    best
}
