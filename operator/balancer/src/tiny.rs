//! Tiny clusters for tests, written as text.

use crate::document::{Broker, BrokerState, Cluster, LogDir, Partition, Replica, Resources, Topic};
use crate::evaluate::{Evaluation, evaluate};
use crate::goal::Goal;
use crate::limits::Limits;
use crate::model::Model;
use crate::options::{Operation, Options};
use crate::placement::Placement;
use crate::task::Task;

/// A cluster, and what is asked of it.
#[derive(Clone)]
pub(crate) struct Tiny {
    pub(crate) cluster: Cluster,
    pub(crate) options: Options,
}

impl Tiny {
    /// Brokers, each as `id rack` and, if need be, `new`, `dead`, `demoted` or `draining`, `host=x`, and `dirs=n`. Each can
    /// carry 1,000 of everything; of what it has of disk, each of its directories can carry its part.
    pub(crate) fn new(brokers: &[&str]) -> Self {
        Self {
            cluster: Cluster {
                brokers: brokers.iter().map(|text| broker(text)).collect(),
                topics: Vec::new(),
            },
            options: Options::new(Operation::Rebalance),
        }
    }

    /// Adds a topic: its partitions, each as the ids of its brokers in order, with the directory, if need be, as `1/d0`.
    /// The one with a `*` leads, or none. A replica costs 10 of disk and network in and 1 of cpu; a leader 10 of network
    /// out and 1 of cpu on top.
    pub(crate) fn topic(mut self, name: &str, partitions: &[&str]) -> Self {
        let partitions =
            partitions.iter().enumerate().map(|(id, text)| partition(id as i32, text)).collect();
        let name = name.to_owned();
        self.cluster.topics.push(Topic {
            name,
            excluded: false,
            min_leaders_per_broker: 0,
            partitions,
        });
        self
    }

    /// Changes the cluster.
    pub(crate) fn with(mut self, change: impl FnOnce(&mut Cluster)) -> Self {
        change(&mut self.cluster);
        self
    }

    /// Asks for these goals alone.
    pub(crate) fn goals(mut self, goals: &[Goal]) -> Self {
        self.options.goals = goals.to_vec();
        self
    }

    /// Changes what is asked for.
    pub(crate) fn asked(mut self, change: impl FnOnce(&mut Options)) -> Self {
        change(&mut self.options);
        self
    }

    /// The cluster, checked.
    pub(crate) fn model(&self) -> Model {
        Model::new(self.cluster.clone()).expect("a sound cluster")
    }

    /// Shows what is asked of the cluster, where everything is, and what that breaks.
    pub(crate) fn show<T>(
        &self,
        show: impl FnOnce(&Task<'_>, &Limits, &Placement, &Evaluation) -> T,
    ) -> T {
        let model = self.model();
        let task = Task::new(&model, &self.options);
        let limits = Limits::new(&task);
        let placement = Placement::of(&model);
        let evaluation = evaluate(&task, &limits, &placement);
        show(&task, &limits, &placement, &evaluation)
    }
}

/// The same amount of everything.
pub(crate) fn all(amount: f64) -> Resources {
    Resources { cpu: amount, network_in: amount, network_out: amount, disk: amount }
}

fn broker(text: &str) -> Broker {
    let mut words = text.split_whitespace();
    let mut broker = Broker {
        id: words.next().and_then(|id| id.parse().ok()).expect("an id"),
        rack: words.next().map(str::to_owned),
        host: None,
        state: BrokerState::Alive,
        capacity: all(1000.0),
        log_dirs: Vec::new(),
    };
    for word in words {
        match word.split_once('=') {
            Some(("host", host)) => broker.host = Some(host.to_owned()),
            Some(("dirs", number)) => {
                let number: u32 = number.parse().expect("a number");
                let capacity = 1000.0 / f64::from(number);
                let dir = |index: u32| LogDir {
                    path: format!("/d{index}"),
                    capacity,
                    state: Default::default(),
                };
                broker.log_dirs = (0..number).map(dir).collect();
            }
            _ => {
                broker.state = match word {
                    "new" => BrokerState::New,
                    "dead" => BrokerState::Dead,
                    "demoted" => BrokerState::Demoted,
                    "draining" => BrokerState::Draining,
                    _ => panic!("unknown word {word}"),
                }
            }
        }
    }
    broker
}

fn partition(id: i32, text: &str) -> Partition {
    let mut leader = None;
    let replicas = text.split_whitespace().map(|word| {
        let (word, leads) = word.strip_suffix('*').map_or((word, false), |word| (word, true));
        let (id, dir) = word.split_once('/').map_or((word, None), |(id, dir)| (id, Some(dir)));
        let id = id.parse().expect("an id");
        if leads {
            leader = Some(id);
        }
        let load = Resources { cpu: 1.0, network_in: 10.0, network_out: 0.0, disk: 10.0 };
        Replica { broker: id, log_dir: dir.map(|dir| format!("/{dir}")), load }
    });
    let replicas = replicas.collect();
    let leader_extra = Resources { cpu: 1.0, network_out: 10.0, ..Resources::default() };
    Partition { id, leader, replicas, leader_extra }
}
