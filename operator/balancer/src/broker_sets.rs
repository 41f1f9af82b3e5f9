//! Which set of brokers each topic belongs to (`BrokerSetAwareGoal`).
//!
//! Who belongs where is settled once, from the model as it is before the plan: a topic doesn't change its set because
//! the plan moves it.

use crate::goal::Goal;
use crate::model::{Model, NONE, Resource};
use crate::options::Options;

/// Sets of brokers by name, ascending, and who belongs to them.
#[derive(Clone, Debug, Eq, PartialEq)]
pub(crate) struct BrokerSets {
    /// By broker: the index of its set. A broker in none ([`NONE`]) can't hold a topic that is in one. A broker that is
    /// named by several belongs to the first.
    pub(crate) brokers: Vec<u32>,
    /// By topic: the index of its set; [`NONE`] when there are no sets or the goal isn't asked for: it may be anywhere.
    pub(crate) topics: Vec<u32>,
}

impl BrokerSets {
    /// Whether a topic may have replicas on a broker.
    pub(crate) fn allow(&self, topic: u32, broker: u32) -> bool {
        let set = self.topics[topic as usize];
        set == NONE || set == self.brokers[broker as usize]
    }
}

/// The sets of a model. A topic that the options don't place belongs to the set that has most of its bytes; of equal ones
/// to that with most of its replicas, then to the first by name.
pub(crate) fn broker_sets(model: &Model, options: &Options) -> BrokerSets {
    let mut brokers = vec![NONE; model.brokers.len()];
    let mut topics = vec![NONE; model.topics.len()];
    if options.broker_sets.is_empty() || !options.has(Goal::BrokerSetAware) {
        return BrokerSets { brokers, topics };
    }
    for (set, ids) in options.broker_sets.values().enumerate() {
        for broker in ids.iter().filter_map(|id| model.broker_index(*id)) {
            let broker = &mut brokers[broker as usize];
            *broker = (*broker).min(set as u32);
        }
    }
    let mut held = vec![(0_i64, 0_u32); options.broker_sets.len()];
    for (index, topic) in model.topics.iter().enumerate() {
        let named = options.topic_sets.get(&topic.name);
        let named = named.and_then(|name| options.broker_sets.keys().position(|set| set == name));
        topics[index] = if let Some(set) = named {
            set as u32
        } else {
            held.fill((0, 0));
            for partition in model.partitions_of(index as u32) {
                for replica in model.replicas_of(partition) {
                    let replica = &model.replicas[replica as usize];
                    let set = if replica.broker == NONE {
                        NONE
                    } else {
                        brokers[replica.broker as usize]
                    };
                    if let Some((bytes, replicas)) = held.get_mut(set as usize) {
                        *bytes += replica.load[Resource::Disk as usize];
                        *replicas += 1;
                    }
                }
            }
            most(&held)
        };
    }
    BrokerSets { brokers, topics }
}

/// The index of the first of the largest.
fn most(held: &[(i64, u32)]) -> u32 {
    let mut best = 0;
    for (set, amount) in held.iter().enumerate() {
        if *amount > held[best] {
            best = set;
        }
    }
    best as u32
}

#[cfg(test)]
mod tests {
    use super::broker_sets;
    use crate::goal::Goal;
    use crate::model::NONE;
    use crate::tiny::Tiny;

    /// The sets of the topics and of the brokers 1 to 5.
    #[track_caller]
    fn check(tiny: &Tiny, topics: &[u32], brokers: [u32; 5]) {
        let model = tiny.model();
        let sets = broker_sets(&model, &tiny.options);
        assert_eq!(sets.topics, topics);
        assert_eq!(sets.brokers, brokers);
    }

    fn tiny() -> Tiny {
        Tiny::new(&["1 a", "2 a", "3 a", "4 a", "5 a"]).goals(&[Goal::BrokerSetAware]).asked(
            |options| {
                options.broker_sets.insert("red".to_owned(), [3, 4].into());
                options.broker_sets.insert("blue".to_owned(), [1, 2].into());
            },
        )
    }

    #[test]
    fn topics_belong_to_the_set_with_most_of_them() {
        let brokers = [0, 0, 1, 1, NONE];
        check(&tiny().topic("t", &["1* 3"]).topic("u", &["1* 3", "3*"]), &[0, 1], brokers);
        check(&tiny().topic("t", &["5*"]), &[0], brokers);
        // Bytes count before replicas, and replicas when nothing has bytes.
        let sized = |sizes: [f64; 3]| {
            tiny().topic("t", &["1* 3 4"]).with(|cluster| {
                for (replica, size) in
                    cluster.topics[0].partitions[0].replicas.iter_mut().zip(sizes)
                {
                    replica.load.disk = size;
                }
            })
        };
        check(&sized([30.0, 10.0, 10.0]), &[0], brokers);
        check(&sized([0.0, 0.0, 0.0]), &[1], brokers);
    }

    #[test]
    fn what_is_said_goes_first() {
        let named = tiny().topic("t", &["1* 2"]).asked(|options| {
            options.topic_sets.insert("t".to_owned(), "red".to_owned());
        });
        check(&named, &[1], [0, 0, 1, 1, NONE]);
        let twice = tiny().topic("t", &["3*"]).asked(|options| {
            options.broker_sets.insert("azure".to_owned(), [2, 5].into());
        });
        check(&twice, &[2], [1, 0, 2, 2, 0]);
    }

    #[test]
    fn without_the_goal_there_are_no_sets() {
        check(&tiny().goals(&[Goal::RackAware]).topic("t", &["1*"]), &[NONE], [NONE; 5]);
    }
}
