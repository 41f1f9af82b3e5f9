//! Where new replicas go: KRaft's striped placer.
//!
//! - Racks take turns, from a random one on, so that leaders and followers spread over them.
//! - Inside a rack its brokers take turns, from a random one on; fenced ones only when the unfenced of
//!   that rack are used up.
//! - The first replica, the leader to be, is never on a fenced broker.
//! - When the turns have come round, racks and brokers are shuffled, so that the same sets of brokers
//!   don't come together over and over.

use std::collections::BTreeMap;

use taffrail_model::NodeId;

use super::SeededRandom;

/// A broker that may hold replicas.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UsableBroker {
    /// The broker.
    pub id: NodeId,
    /// Its rack; brokers without one share one of their own.
    pub rack: Option<String>,
    /// Whether it is fenced.
    pub fenced: bool,
}

/// Why replicas can't be placed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlacementError {
    /// Zero replicas, or fewer.
    #[error("Invalid replication factor {0}: the replication factor must be positive.")]
    NotPositive(i16),
    /// Nobody may lead.
    #[error("All brokers are currently fenced, or have all their log directories cordoned.")]
    NoUnfencedBroker,
    /// More replicas than brokers.
    #[error(
        "The target replication factor of {wanted} cannot be reached because only {brokers} broker(s) \
         are registered or some brokers have all their log directories cordoned."
    )]
    TooFewBrokers {
        /// The replicas that were asked for.
        wanted: i16,
        /// The brokers that there are.
        brokers: usize,
    },
}

/// The state of one placement: whose turn it is.
#[derive(Clone, Debug)]
pub struct StripedPlacer {
    random: SeededRandom,
    racks: Vec<Rack>,
    broker_count: usize,
    unfenced_count: usize,
    next_rack: usize,
    round: usize,
}

#[derive(Clone, Debug, Default)]
struct Rack {
    unfenced: Turns,
    fenced: Turns,
}

/// Brokers that take turns: in each round each comes once, and each round begins one further on.
#[derive(Clone, Debug, Default)]
struct Turns {
    brokers: Vec<NodeId>,
    start: usize,
    taken: usize,
    round: usize,
}

impl StripedPlacer {
    /// A placer over `brokers`. Their order doesn't matter.
    #[must_use]
    pub fn new(brokers: &[UsableBroker], mut random: SeededRandom) -> Self {
        let mut racks: BTreeMap<Option<&str>, Rack> = BTreeMap::new();
        for broker in brokers {
            let rack = racks.entry(broker.rack.as_deref()).or_default();
            let turns = if broker.fenced { &mut rack.fenced } else { &mut rack.unfenced };
            turns.brokers.push(broker.id);
        }
        let mut racks: Vec<Rack> = racks.into_values().collect();
        for rack in &mut racks {
            rack.unfenced.begin(&mut random);
            rack.fenced.begin(&mut random);
        }
        Self {
            next_rack: random.below(racks.len()),
            racks,
            broker_count: brokers.len(),
            unfenced_count: brokers.iter().filter(|b| !b.fenced).count(),
            round: 0,
            random,
        }
    }

    /// The replicas of one more partition, the preferred leader first.
    ///
    /// # Errors
    /// When there aren't as many brokers, or none that may lead.
    pub fn place(&mut self, replication_factor: i16) -> Result<Vec<NodeId>, PlacementError> {
        let wanted = usize::try_from(replication_factor).unwrap_or(0);
        if wanted == 0 {
            return Err(PlacementError::NotPositive(replication_factor));
        }
        if self.unfenced_count == 0 {
            return Err(PlacementError::NoUnfencedBroker);
        }
        if wanted > self.broker_count {
            return Err(PlacementError::TooFewBrokers {
                wanted: replication_factor,
                brokers: self.broker_count,
            });
        }
        // A single unfenced broker would shuffle for ever.
        if self.round == self.unfenced_count && self.unfenced_count > 1 {
            self.shuffle();
            self.round = 0;
        }
        let rack_count = self.racks.len();
        self.next_rack %= rack_count;
        let round = self.round;
        let mut replicas = Vec::with_capacity(wanted);
        let mut leader_rack = None;
        for step in 0..rack_count {
            let index = (self.next_rack + step) % rack_count;
            let leader = self.racks.get_mut(index).and_then(|r| r.unfenced.next(round));
            if let Some(leader) = leader {
                replicas.push(leader);
                leader_rack = Some(index);
                break;
            }
        }
        let mut index = self.next_rack;
        while replicas.len() < wanted {
            // The leader's rack has had its first turn already.
            if leader_rack == Some(index) {
                leader_rack = None;
            } else {
                replicas.extend(self.racks.get_mut(index).and_then(|r| r.next(round)));
            }
            index = (index + 1) % rack_count;
        }
        self.round += 1;
        self.next_rack += 1;
        Ok(replicas)
    }

    fn shuffle(&mut self) {
        self.random.shuffle(&mut self.racks);
        for rack in &mut self.racks {
            for turns in [&mut rack.unfenced, &mut rack.fenced] {
                self.random.shuffle(&mut turns.brokers);
                // Rounds are counted from zero again: who had a turn in the old round zero and none
                // since would seem to have had one in the new.
                turns.taken = 0;
            }
        }
    }
}

impl Rack {
    fn next(&mut self, round: usize) -> Option<NodeId> {
        self.unfenced.next(round).or_else(|| self.fenced.next(round))
    }
}

impl Turns {
    fn begin(&mut self, random: &mut SeededRandom) {
        self.brokers.sort_unstable();
        self.start = random.below(self.brokers.len());
    }

    fn next(&mut self, round: usize) -> Option<NodeId> {
        if self.brokers.is_empty() {
            return None;
        }
        if self.round != round {
            self.round = round;
            self.taken = 0;
            self.start = (self.start + 1) % self.brokers.len();
        }
        if self.taken >= self.brokers.len() {
            return None;
        }
        let index = (self.taken + self.start) % self.brokers.len();
        self.taken += 1;
        self.brokers.get(index).copied()
    }
}
