//! The goals about which brokers go together: racks, least leaders, the replicas of a topic.

use super::Greedy;
use super::bands::distance;
use super::state::{Change, State};
use super::sums::REPLICAS;

/// How many replicas are offered in exchange for one.
const PARTNER_TRIES: usize = 64;

impl Greedy<'_> {
    /// Each replica that shares its rack with another of its partition goes to the least used broker that takes it.
    pub(super) fn spread_over_racks(&mut self) {
        let mut ranking = self.rank(REPLICAS);
        for replica in 0..self.state.model.replicas().len() as u32 {
            if !self.state.is_crowded(replica) {
                continue;
            }
            let to = (0..ranking.len())
                .find(|at| self.state.allow(Change::Move { replica, to: ranking[*at] }));
            if let Some(at) = to {
                self.rank_anew(&mut ranking, at, REPLICAS);
            }
        }
    }

    /// Brokers that lead too few partitions of a topic that asks for a minimum take over from those that lead more: the
    /// leadership if they hold a replica, else the replica that leads.
    pub(super) fn lead_the_least(&mut self) {
        let model = self.state.model;
        for (index, topic) in
            (0_u32..).zip(model.topics()).filter(|(_, topic)| topic.min_leaders_per_broker > 0)
        {
            let partitions = topic.first_partition..topic.first_partition + topic.partitions;
            for broker in 0..model.brokers().len() as u32 {
                let lacks = |state: &State<'_>| {
                    state
                        .topic_leaders(index, broker)
                        .is_some_and(|(leaders, minimum)| leaders < minimum)
                };
                for partition in partitions.clone() {
                    if !lacks(&self.state) {
                        break;
                    }
                    let first = model.partitions()[partition as usize].first_replica;
                    let held = self
                        .state
                        .siblings(first)
                        .find(|at| self.state.broker[*at as usize] == broker);
                    if let Some(replica) = held {
                        self.state.allow(Change::Lead { replica });
                    }
                }
                for partition in partitions.clone() {
                    if !lacks(&self.state) {
                        break;
                    }
                    let replica = self.state.leader[partition as usize];
                    self.state.allow(Change::Move { replica, to: broker });
                }
            }
        }
    }

    /// The replicas of each topic on each broker.
    pub(super) fn balance_topics(&mut self) {
        let model = self.state.model;
        let bands: Vec<_> =
            (0..model.topics().len() as u32).map(|topic| self.bands.of_topic(topic)).collect();
        self.state.enforce_topics(bands.clone());
        for ((index, topic), band) in (0_u32..).zip(model.topics()).zip(bands) {
            let partitions =
                &model.partitions()[topic.first_partition as usize..][..topic.partitions as usize];
            let replicas: Vec<u32> = partitions
                .iter()
                .flat_map(|at| at.first_replica..at.first_replica + at.replicas)
                .collect();
            for broker in 0..model.brokers().len() as u32 {
                let out =
                    |state: &State<'_>| distance(state.topic_replicas(index, broker), band) > 0;
                if !out(&self.state) {
                    continue;
                }
                let above = self.state.topic_replicas(index, broker) > band.1;
                let mut others = self.rank(REPLICAS);
                others.retain(|other| self.state.receives[*other as usize]);
                for replica in replicas.iter().copied() {
                    if !out(&self.state) {
                        break;
                    }
                    let at = self.state.broker[replica as usize];
                    if above && at == broker {
                        others.sort_by_key(|other| self.state.topic_replicas(index, *other));
                        others.iter().any(|to| self.give(replica, *to));
                    } else if !above
                        && at != broker
                        && self.state.topic_replicas(index, at) > band.0
                    {
                        self.give(replica, broker);
                    }
                }
            }
        }
    }

    /// Moves a replica, or swaps it for one of another topic.
    fn give(&mut self, replica: u32, to: u32) -> bool {
        if self.state.allow(Change::Move { replica, to }) {
            return true;
        }
        let topic = self.state.partition(replica).topic;
        let partners: Vec<u32> = self.state.held[to as usize]
            .iter()
            .copied()
            .filter(|with| self.state.partition(*with).topic != topic)
            .take(PARTNER_TRIES)
            .collect();
        partners.into_iter().any(|with| self.state.allow(Change::Swap { replica, with }))
    }
}
