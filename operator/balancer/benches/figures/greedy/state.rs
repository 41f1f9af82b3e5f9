//! Where everything is while the greedy works, and whether a change is one that it may make.

use taffrail_balancer::document::BrokerState;
use taffrail_balancer::{Model, NONE, Partition};

use super::bands::{Band, OPEN, distance};
use super::sums::{self, DIMENSIONS, Totals};

/// A placement with the sums that make each change a matter of a few additions.
pub(crate) struct State<'a> {
    pub(crate) model: &'a Model,
    /// By replica: the index of its broker.
    pub(crate) broker: Vec<u32>,
    /// By partition: the index of the replica that leads.
    pub(crate) leader: Vec<u32>,
    /// By broker: the replicas on it, in no order.
    pub(crate) held: Vec<Vec<u32>>,
    /// By replica: where it is in its broker's list.
    position: Vec<u32>,
    /// By broker.
    pub(crate) sums: Vec<Totals>,
    /// By broker: where goals that were reached, or given up, want each sum.
    bands: Vec<[Band; DIMENSIONS]>,
    /// By topic, then by broker: replicas.
    topic_replicas: Vec<u32>,
    /// By topic; empty until the goal's turn has come.
    topic_bands: Vec<Band>,
    /// By topic, then by broker: leaders, for topics that ask for a minimum; empty for the others.
    topic_leaders: Vec<Vec<u32>>,
    /// By broker: whether replicas may come to it.
    pub(crate) receives: Vec<bool>,
}

/// One thing to do.
#[derive(Clone, Copy)]
pub(crate) enum Change {
    /// A replica goes to a broker.
    Move { replica: u32, to: u32 },
    /// This replica becomes the leader of its partition.
    Lead { replica: u32 },
    /// Two replicas of different partitions change places.
    Swap { replica: u32, with: u32 },
}

/// What a change does to the sums of the two brokers.
struct Effect {
    brokers: [u32; 2],
    sums: [Totals; 2],
}

impl<'a> State<'a> {
    /// Where everything is now. No broker is dead or draining, and each partition has a leader: the greedy stays out
    /// of what isn't measured.
    pub(crate) fn new(model: &'a Model) -> Self {
        let brokers = model.brokers().len();
        let any_new = model.brokers().iter().any(|broker| broker.state == BrokerState::New);
        let mut state =
            Self {
                model,
                broker: model.replicas().iter().map(|replica| replica.broker).collect(),
                leader: model.partitions().iter().map(|partition| partition.leader).collect(),
                held: vec![Vec::new(); brokers],
                position: vec![0; model.replicas().len()],
                sums: vec![[0; DIMENSIONS]; brokers],
                bands: vec![[OPEN; DIMENSIONS]; brokers],
                topic_replicas: vec![0; model.topics().len() * brokers],
                topic_bands: Vec::new(),
                topic_leaders: model
                    .topics()
                    .iter()
                    .map(|topic| {
                        if topic.min_leaders_per_broker > 0 { vec![0; brokers] } else { Vec::new() }
                    })
                    .collect(),
                receives: model
                    .brokers()
                    .iter()
                    .map(|broker| !any_new || broker.state == BrokerState::New)
                    .collect(),
            };
        for (replica, at) in (0_u32..).zip(model.replicas()) {
            let topic = model.partitions()[at.partition as usize].topic;
            let amounts = state.amounts(replica);
            let sums = &mut state.sums[at.broker as usize];
            *sums = sums::plus(*sums, &amounts);
            state.topic_replicas[topic as usize * brokers + at.broker as usize] += 1;
            state.hold(replica, at.broker);
            if state.leads(replica) {
                state.count_leader(topic, at.broker, 1);
            }
        }
        state
    }

    /// From now on a change has to respect this band, too.
    pub(crate) fn enforce(&mut self, broker: u32, dimension: usize, band: Band) {
        let current = &mut self.bands[broker as usize][dimension];
        let high = current.1.min(band.1);
        *current = (current.0.max(band.0).min(high), high);
    }

    /// From now on a change has to respect the bands of topics.
    pub(crate) fn enforce_topics(&mut self, bands: Vec<Band>) {
        self.topic_bands = bands;
    }

    pub(crate) fn leads(&self, replica: u32) -> bool {
        self.leader[self.model.replicas()[replica as usize].partition as usize] == replica
    }

    pub(crate) fn partition(&self, replica: u32) -> &'a Partition {
        &self.model.partitions()[self.model.replicas()[replica as usize].partition as usize]
    }

    /// The replicas of the same partition, itself included.
    pub(crate) fn siblings(&self, replica: u32) -> std::ops::Range<u32> {
        let partition = self.partition(replica);
        partition.first_replica..partition.first_replica + partition.replicas
    }

    /// What a replica adds to the sums of its broker.
    pub(crate) fn amounts(&self, replica: u32) -> Totals {
        let amounts = sums::of_follower(self.model, replica);
        if self.leads(replica) {
            sums::plus(amounts, &sums::of_leading(self.model, replica))
        } else {
            amounts
        }
    }

    /// How many replicas of a topic a broker has.
    pub(crate) fn topic_replicas(&self, topic: u32, broker: u32) -> i64 {
        i64::from(
            self.topic_replicas[topic as usize * self.model.brokers().len() + broker as usize],
        )
    }

    /// How many partitions of a topic a broker leads, and how many it has to. None when the topic doesn't care.
    pub(crate) fn topic_leaders(&self, topic: u32, broker: u32) -> Option<(u32, u32)> {
        let leaders = self.topic_leaders[topic as usize].get(broker as usize)?;
        Some((*leaders, self.model.topics()[topic as usize].min_leaders_per_broker))
    }

    /// How far a broker's sum is out of the bands in force.
    pub(crate) fn distance(&self, broker: u32, dimension: usize) -> i64 {
        distance(self.sums[broker as usize][dimension], self.bands[broker as usize][dimension])
    }

    /// Whether a replica shares its rack with another of its partition.
    pub(crate) fn is_crowded(&self, replica: u32) -> bool {
        !self.has_room(replica, self.broker[replica as usize])
    }

    /// Whether no other replica of the partition is in the broker's rack.
    fn has_room(&self, replica: u32, broker: u32) -> bool {
        let rack = |broker: u32| self.model.brokers()[broker as usize].rack;
        self.siblings(replica)
            .filter(|sibling| *sibling != replica)
            .all(|sibling| rack(self.broker[sibling as usize]) != rack(broker))
    }

    /// Makes the change if it is possible, takes nothing out of the bands in force or further away from them, and
    /// brings the sum of the broker nearer to its band.
    pub(crate) fn improve(&mut self, change: Change, broker: u32, dimension: usize) -> bool {
        let Some(effect) = self.effect(change) else { return false };
        let band = self.bands[broker as usize][dimension];
        let nearer = effect.brokers.iter().zip(&effect.sums).any(|(at, sums)| {
            *at == broker && distance(sums[dimension], band) < self.distance(broker, dimension)
        });
        nearer && self.harmless(change, &effect) && self.apply(change, &effect)
    }

    /// Makes the change if it is possible and takes nothing out of the bands in force or further away from them.
    pub(crate) fn allow(&mut self, change: Change) -> bool {
        let Some(effect) = self.effect(change) else { return false };
        self.harmless(change, &effect) && self.apply(change, &effect)
    }

    /// None when there is nothing to do.
    fn effect(&self, change: Change) -> Option<Effect> {
        let (from, to, gone, come) = match change {
            Change::Move { replica, to } => {
                let amounts = self.amounts(replica);
                (self.broker[replica as usize], to, amounts, amounts)
            }
            Change::Lead { replica } => {
                let leader =
                    self.leader[self.model.replicas()[replica as usize].partition as usize];
                let (from, to) = (self.broker[leader as usize], self.broker[replica as usize]);
                (
                    from,
                    to,
                    sums::of_leading(self.model, leader),
                    sums::of_leading(self.model, replica),
                )
            }
            Change::Swap { replica, with } => {
                let net = sums::minus(self.amounts(replica), &self.amounts(with));
                (self.broker[replica as usize], self.broker[with as usize], net, net)
            }
        };
        let sums = |broker: u32| self.sums[broker as usize];
        (from != to).then(|| Effect {
            brokers: [from, to],
            sums: [sums::minus(sums(from), &gone), sums::plus(sums(to), &come)],
        })
    }

    fn harmless(&self, change: Change, effect: &Effect) -> bool {
        let within = effect.brokers.iter().zip(&effect.sums).all(|(broker, after)| {
            let (bands, before) = (&self.bands[*broker as usize], &self.sums[*broker as usize]);
            (0..DIMENSIONS).all(|dimension| {
                let band = bands[dimension];
                let after = distance(after[dimension], band);
                after == 0 || after <= distance(before[dimension], band)
            })
        });
        within
            && match change {
                Change::Move { replica, to } => self.may_go(replica, to),
                Change::Lead { replica } => self.may_stop_leading(
                    self.leader[self.model.replicas()[replica as usize].partition as usize],
                ),
                Change::Swap { replica, with } => {
                    let topics = [self.partition(replica).topic, self.partition(with).topic];
                    !self.siblings(replica).contains(&with)
                        && self.swap_keeps_topics(topics, effect.brokers)
                        && self.may_come(replica, self.broker[with as usize])
                        && self.may_come(with, self.broker[replica as usize])
                }
            }
    }

    /// Topics' bands under a swap: none moves if both replicas are of one topic.
    fn swap_keeps_topics(&self, topics: [u32; 2], [one, other]: [u32; 2]) -> bool {
        topics[0] == topics[1]
            || (self.move_keeps_topic(topics[0], one, other)
                && self.move_keeps_topic(topics[1], other, one))
    }

    fn may_go(&self, replica: u32, to: u32) -> bool {
        self.move_keeps_topic(self.partition(replica).topic, self.broker[replica as usize], to)
            && self.may_come(replica, to)
    }

    fn may_come(&self, replica: u32, to: u32) -> bool {
        self.receives[to as usize] && self.may_stop_leading(replica) && self.has_room(replica, to)
    }

    /// Whether the broker of the replica can do without it as a leader.
    fn may_stop_leading(&self, replica: u32) -> bool {
        let topic = self.partition(replica).topic;
        match self.topic_leaders(topic, self.broker[replica as usize]) {
            Some((leaders, minimum)) => leaders > minimum || !self.leads(replica),
            None => true,
        }
    }

    fn move_keeps_topic(&self, topic: u32, from: u32, to: u32) -> bool {
        let Some(band) = self.topic_bands.get(topic as usize) else { return true };
        let (less, more) = (self.topic_replicas(topic, from), self.topic_replicas(topic, to));
        distance(less - 1, *band) <= distance(less, *band)
            && distance(more + 1, *band) <= distance(more, *band)
    }

    /// Always true, for the convenience of those who call it last.
    fn apply(&mut self, change: Change, effect: &Effect) -> bool {
        for (broker, sums) in effect.brokers.iter().zip(&effect.sums) {
            self.sums[*broker as usize] = *sums;
        }
        match change {
            Change::Move { replica, to } => self.relocate(replica, to),
            Change::Lead { replica } => {
                let at = self.model.replicas()[replica as usize].partition as usize;
                let topic = self.partition(replica).topic;
                self.count_leader(topic, effect.brokers[0], -1);
                self.count_leader(topic, effect.brokers[1], 1);
                self.leader[at] = replica;
            }
            Change::Swap { replica, with } => {
                self.relocate(replica, effect.brokers[1]);
                self.relocate(with, effect.brokers[0]);
            }
        }
        true
    }

    fn relocate(&mut self, replica: u32, to: u32) {
        let from = self.broker[replica as usize];
        let topic = self.partition(replica).topic;
        let held = &mut self.held[from as usize];
        let position = self.position[replica as usize];
        held.swap_remove(position as usize);
        if let Some(moved) = held.get(position as usize) {
            self.position[*moved as usize] = position;
        }
        let row = topic as usize * self.model.brokers().len();
        self.topic_replicas[row + from as usize] -= 1;
        self.topic_replicas[row + to as usize] += 1;
        if self.leads(replica) {
            self.count_leader(topic, from, -1);
            self.count_leader(topic, to, 1);
        }
        self.hold(replica, to);
    }

    fn hold(&mut self, replica: u32, broker: u32) {
        debug_assert_ne!(broker, NONE, "every replica has a place");
        self.broker[replica as usize] = broker;
        self.position[replica as usize] = self.held[broker as usize].len() as u32;
        self.held[broker as usize].push(replica);
    }

    fn count_leader(&mut self, topic: u32, broker: u32, by: i32) {
        if let Some(leaders) = self.topic_leaders[topic as usize].get_mut(broker as usize) {
            *leaders = leaders.saturating_add_signed(by);
        }
    }
}
