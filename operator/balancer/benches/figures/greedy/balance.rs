//! The goals about a sum of each broker.

use std::collections::BTreeMap;

use taffrail_balancer::Goal;

use super::Greedy;
use super::state::Change;
use super::sums::{self, REPLICAS, follows_leaders};

/// How often the brokers out of a goal's band are gone through.
const ROUNDS: usize = 3;
/// How many changes are tried to bring one broker nearer to one band, by each of the three means.
const TRIES: usize = 200_000;
/// How many replicas of one partner are tried in a swap for one replica.
const PARTNER_TRIES: usize = 64;

impl Greedy<'_> {
    /// One goal about a sum of each broker.
    pub(super) fn balance(&mut self, goal: Goal) {
        let brokers = self.state.model.brokers().len() as u32;
        let mut dimension = 0;
        for broker in 0..brokers {
            if let Some((about, band)) = self.bands.of(goal, broker) {
                dimension = about;
                self.state.enforce(broker, about, band);
            }
        }
        for _ in 0..ROUNDS {
            let mut out: Vec<(f64, u32)> = (0..brokers)
                .map(|broker| (broker, self.state.distance(broker, dimension)))
                .filter(|(_, distance)| *distance > 0)
                .map(|(broker, distance)| {
                    (distance as f64 / self.bands.share(broker, dimension).max(1.0), broker)
                })
                .collect();
            out.sort_by(|one, other| other.0.total_cmp(&one.0));
            let mut changed = false;
            for (_, broker) in out {
                changed |= self.bring_in(broker, dimension);
            }
            if !changed {
                break;
            }
        }
    }

    /// Tries to bring a broker into its band. Whether anything changed.
    fn bring_in(&mut self, broker: u32, dimension: usize) -> bool {
        let share = self.bands.share(broker, dimension);
        let above = self.state.sums[broker as usize][dimension] as f64 > share;
        let mut changed = false;
        if follows_leaders(dimension) {
            changed |= self.pass_leadership(broker, dimension, above);
        }
        changed |=
            if above { self.move_out(broker, dimension) } else { self.move_in(broker, dimension) };
        if dimension != REPLICAS {
            changed |= self.swap(broker, dimension, above);
        }
        changed
    }

    fn is_out(&self, broker: u32, dimension: usize) -> bool {
        self.state.distance(broker, dimension) > 0
    }

    /// Gives leadership away, or takes it.
    fn pass_leadership(&mut self, broker: u32, dimension: usize, away: bool) -> bool {
        let mut changed = false;
        let replicas = self.sorted(broker, |state, replica| {
            (state.leads(replica) == away)
                .then(|| sums::of_leading(state.model, replica)[dimension])
        });
        for replica in replicas.into_iter().take(TRIES) {
            if !self.is_out(broker, dimension) {
                break;
            }
            if away {
                let mut heirs: Vec<u32> =
                    self.state.siblings(replica).filter(|heir| *heir != replica).collect();
                heirs.sort_by(|one, other| {
                    let fill =
                        |replica: u32| self.fill(self.state.broker[replica as usize], dimension);
                    fill(*one).total_cmp(&fill(*other))
                });
                changed |= heirs
                    .into_iter()
                    .any(|replica| self.state.improve(Change::Lead { replica }, broker, dimension));
            } else {
                changed |= self.state.improve(Change::Lead { replica }, broker, dimension);
            }
        }
        changed
    }

    /// Moves replicas away, the biggest first, each to the least used broker that takes it.
    fn move_out(&mut self, broker: u32, dimension: usize) -> bool {
        let mut changed = false;
        let mut tries = TRIES;
        let mut ranking = self.rank(dimension);
        ranking.retain(|to| self.state.receives[*to as usize]);
        for replica in self.by_size(broker, dimension) {
            let mut taken = None;
            for (at, to) in ranking.iter().enumerate() {
                if !self.is_out(broker, dimension) || tries == 0 {
                    return changed;
                }
                tries -= 1;
                if self.state.improve(Change::Move { replica, to: *to }, broker, dimension) {
                    taken = Some(at);
                    break;
                }
            }
            if let Some(at) = taken {
                self.rank_anew(&mut ranking, at, dimension);
                changed = true;
            }
        }
        changed
    }

    /// Moves replicas to the broker, from the most used one that gives away, the biggest first.
    fn move_in(&mut self, broker: u32, dimension: usize) -> bool {
        if !self.state.receives[broker as usize] {
            return false;
        }
        let mut changed = false;
        let mut tries = TRIES;
        let mut ranking = self.rank(dimension);
        let mut queues: BTreeMap<u32, std::vec::IntoIter<u32>> = BTreeMap::new();
        while let Some(from) = ranking.last().copied() {
            if from == broker {
                ranking.pop();
                continue;
            }
            let queue =
                queues.entry(from).or_insert_with(|| self.by_size(from, dimension).into_iter());
            let Some(replica) = queue.next() else {
                ranking.pop();
                continue;
            };
            if !self.is_out(broker, dimension) || tries == 0 {
                break;
            }
            tries -= 1;
            if self.state.improve(Change::Move { replica, to: broker }, broker, dimension) {
                let last = ranking.len() - 1;
                self.rank_anew(&mut ranking, last, dimension);
                changed = true;
            }
        }
        changed
    }

    /// Swaps big replicas of the broker for small ones of the least used others, or the other way round.
    fn swap(&mut self, broker: u32, dimension: usize, above: bool) -> bool {
        if !self.state.receives[broker as usize] {
            return false;
        }
        let mut changed = false;
        let mut tries = TRIES;
        let mut ranking = self.rank(dimension);
        let mut own = self.by_size(broker, dimension);
        if !above {
            ranking.reverse();
            own.reverse();
        }
        ranking.retain(|partner| *partner != broker && self.state.receives[*partner as usize]);
        let mut offers: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for replica in own {
            'partners: for partner in &ranking {
                if !self.is_out(broker, dimension) || tries == 0 {
                    return changed;
                }
                let offer = offers.entry(*partner).or_insert_with(|| {
                    let mut offer = self
                        .sorted(*partner, |state, replica| Some(state.amounts(replica)[dimension]));
                    if above {
                        offer.reverse();
                    }
                    offer
                });
                for with in offer.iter().take(PARTNER_TRIES) {
                    tries = tries.saturating_sub(1);
                    let change = Change::Swap { replica, with: *with };
                    if self.state.improve(change, broker, dimension) {
                        offers.remove(partner);
                        changed = true;
                        break 'partners;
                    }
                }
            }
        }
        changed
    }
}
