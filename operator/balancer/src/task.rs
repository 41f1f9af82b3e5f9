//! An operation on a model, said as what may move, where to, and what has to.
//!
//! This is the one place that knows the operations apart: the search, the bounds, the evaluation and the ordering of
//! steps see a [`Task`] only.

use crate::broker_sets::{BrokerSets, broker_sets};
use crate::document::BrokerState;
use crate::model::{Model, NONE, Partition};
use crate::options::{Operation, Options};

/// An operation on a model. Indices are the model's.
#[derive(Debug)]
pub(crate) struct Task<'a> {
    /// The cluster. For a changed replication factor, and for new partitions, it has the replicas that are to be there,
    /// the new ones without a place.
    pub(crate) model: &'a Model,
    /// What was asked for.
    pub(crate) options: &'a Options,
    /// By broker.
    pub(crate) roles: Vec<Role>,
    /// By log directory: whether everything in it has to go.
    pub(crate) closed_dirs: Vec<bool>,
    /// What may move for a soft goal.
    pub(crate) scope: Scope,
    /// Who belongs to which set of brokers, by where things are before the operation.
    pub(crate) sets: BrokerSets,
    /// By partition: whether a replica of it is online, so that there is something to copy.
    has_source: Vec<bool>,
}

/// What a broker does in a task.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) struct Role {
    /// Replicas may come to it.
    pub(crate) receives: bool,
    /// It is there to hold its share: averages and bands are over such brokers.
    pub(crate) counted: bool,
    /// It may lead. One that may not keeps what it leads unless it resigns.
    pub(crate) leads: bool,
    /// It gives up what it leads.
    pub(crate) resigns: bool,
    /// Everything on it has to go.
    pub(crate) closed: bool,
}

/// What may move for a soft goal. Stranded replicas move in every scope but the last.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(crate) enum Scope {
    /// Every replica of a topic that isn't excluded.
    All,
    /// Stranded replicas alone.
    Stranded,
    /// No replica; leadership alone.
    Leadership,
}

impl<'a> Task<'a> {
    /// What the options ask of the model. The brokers that the operation names exist (`plan` has checked).
    pub(crate) fn new(model: &'a Model, options: &'a Options) -> Self {
        let roles = roles(model, options);
        let closed_dirs = (0..model.log_dirs.len())
            .map(|dir| {
                !is_open(model, options, dir) || roles[model.log_dirs[dir].broker as usize].closed
            })
            .collect();
        let offline = (0..model.replicas.len()).any(|replica| model.is_offline(replica as u32));
        let scope = match options.operation {
            Operation::Demote(_) | Operation::Leaders => Scope::Leadership,
            Operation::FixOffline
            | Operation::RemoveLogDirs(_)
            | Operation::ReplicationFactor { .. } => Scope::Stranded,
            Operation::RemoveBrokers(_) => Scope::Stranded,
            Operation::Rebalance | Operation::AddBrokers(_) if offline => Scope::Stranded,
            Operation::Rebalance | Operation::AddBrokers(_) => Scope::All,
        };
        let online =
            |partition| model.replicas_of(partition).any(|replica| !model.is_offline(replica));
        let has_source = (0..model.partitions.len() as u32).map(online).collect();
        Self {
            model,
            options,
            roles,
            closed_dirs,
            scope,
            sets: broker_sets(model, options),
            has_source,
        }
    }

    /// Whether a replica has to go somewhere: it has no place, or its broker or its directory is closed.
    pub(crate) fn is_stranded(&self, replica: u32) -> bool {
        let replica = &self.model.replicas[replica as usize];
        replica.broker == NONE || self.closed_dirs[replica.log_dir as usize]
    }

    /// Whether a stranded replica may stay on its broker, in another directory of it. Out of a directory that is offline
    /// a broker can't copy.
    pub(crate) fn may_stay_on_broker(&self, replica: u32) -> bool {
        let broker = self.model.replicas[replica as usize].broker;
        broker != NONE
            && !self.roles[broker as usize].closed
            && !self.model.is_offline(replica)
            && self.model.log_dirs_of(broker).any(|dir| !self.closed_dirs[dir as usize])
    }

    /// Whether a replica may move for a soft goal.
    pub(crate) fn is_movable(&self, replica: u32) -> bool {
        match self.scope {
            Scope::Leadership => false,
            // What can stay on its broker, in another directory, has no reason to leave it.
            Scope::Stranded => {
                self.is_stranded(replica)
                    && self.has_source(replica)
                    && !self.may_stay_on_broker(replica)
            }
            Scope::All => self.may_move_for_hard_goals(replica),
        }
    }

    /// Whether there is something to make a replica from: without an online replica of the partition, moving one would
    /// give up its data.
    pub(crate) fn has_source(&self, replica: u32) -> bool {
        self.has_source[self.model.replicas[replica as usize].partition as usize]
    }

    /// Whether a replica may move for a hard goal.
    pub(crate) fn may_move_for_hard_goals(&self, replica: u32) -> bool {
        if !self.has_source(replica) {
            return false;
        }
        let partition = self.model.replicas[replica as usize].partition as usize;
        let excluded = self.model.topics[self.model.partitions[partition].topic as usize].excluded;
        self.scope != Scope::Leadership && (!excluded || self.is_stranded(replica))
    }

    /// Whether things can't stay as they are, whatever that costs: something is where nothing may stay, or leads where
    /// nothing may lead.
    pub(crate) fn is_pressed(&self) -> bool {
        let resigns = |partition: &Partition| {
            let broker =
                self.model.replicas.get(partition.leader as usize).map(|replica| replica.broker);
            broker.is_some_and(|broker| broker != NONE && self.roles[broker as usize].resigns)
        };
        (0..self.model.replicas.len() as u32).any(|replica| self.is_stranded(replica))
            || self
                .model
                .partitions
                .iter()
                .any(|partition| partition.leader == NONE || resigns(partition))
    }

    /// Whether a replica can lead: it is online, and its broker may.
    pub(crate) fn may_lead(&self, replica: u32, broker: u32) -> bool {
        self.is_online(replica, broker) && self.roles[broker as usize].leads
    }

    /// Whether a replica is online on a broker.
    pub(crate) fn is_online(&self, replica: u32, broker: u32) -> bool {
        broker != NONE
            && !(self.model.replicas[replica as usize].broker == broker
                && self.model.is_offline(replica))
    }

    /// Whether the operation balances leadership, rather than moving it where it must.
    pub(crate) fn balances_leaders(&self) -> bool {
        matches!(
            self.options.operation,
            Operation::Rebalance | Operation::AddBrokers(_) | Operation::Leaders
        )
    }
}

/// By broker: what the operation makes of it.
pub(crate) fn roles(model: &Model, options: &Options) -> Vec<Role> {
    let named = |broker: &crate::model::Broker| match &options.operation {
        Operation::AddBrokers(ids) | Operation::RemoveBrokers(ids) | Operation::Demote(ids) => {
            ids.contains(&broker.id)
        }
        _ => false,
    };
    let removes = matches!(options.operation, Operation::RemoveBrokers(_));
    let demotes = matches!(options.operation, Operation::Demote(_));
    let adds = matches!(options.operation, Operation::AddBrokers(_));
    let any_new = adds || model.brokers.iter().any(|broker| broker.state == BrokerState::New);
    model
        .brokers
        .iter()
        .enumerate()
        .map(|(index, broker)| {
            let closed = matches!(broker.state, BrokerState::Dead | BrokerState::Draining)
                || (removes && named(broker));
            let open = !closed
                && !options.excluded_for_replicas.contains(&broker.id)
                && model.log_dirs_of(index as u32).any(|dir| is_open(model, options, dir as usize));
            let new = if adds { named(broker) } else { broker.state == BrokerState::New };
            let resigns =
                closed || broker.state == BrokerState::Demoted || (demotes && named(broker));
            Role {
                receives: open && (!any_new || new),
                counted: open,
                leads: !(resigns || options.excluded_for_leadership.contains(&broker.id)),
                resigns,
                closed,
            }
        })
        .collect()
}

/// Whether a log directory may hold replicas, as far as it goes itself.
fn is_open(model: &Model, options: &Options, dir: usize) -> bool {
    let dir = &model.log_dirs[dir];
    let removed = match &options.operation {
        Operation::RemoveLogDirs(dirs) => {
            dirs.contains(&(model.brokers[dir.broker as usize].id, dir.path.clone()))
        }
        _ => false,
    };
    dir.online && !removed
}
