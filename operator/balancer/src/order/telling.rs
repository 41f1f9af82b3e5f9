//! What is told of jobs: in the plan's steps, and of those that were left out.

use super::jobs::{Change, Job, Kind};
use super::position::Position;
use super::waiting::Place;
use crate::model::{NONE, Resource};
use crate::plan::{LogDirMove, StepKind};

impl Position<'_> {
    /// What a job's step is for.
    pub(super) fn step_kind(&self, job: &Job) -> StepKind {
        match job.kind {
            Kind::Place if self.model.replicas[job.replica as usize].broker == NONE => {
                StepKind::Add
            }
            Kind::Place if self.task.is_stranded(job.replica) => StepKind::Evacuate,
            Kind::Place => StepKind::Move,
            Kind::LogDir => StepKind::LogDir,
            Kind::Remove => StepKind::Remove,
            Kind::Elect | Kind::Leader => StepKind::Leader,
        }
    }

    /// Which directory a replica comes to, before it does.
    pub(super) fn log_dir_move(&self, job: &Job) -> Option<LogDirMove> {
        let broker = self.model.brokers.get(job.broker as usize)?;
        let to = self.model.log_dirs.get(job.log_dir as usize)?.path.clone();
        let from = match job.kind {
            Kind::LogDir => {
                let dir = self.now.log_dir[job.replica as usize];
                self.model.log_dirs.get(dir as usize).map(|dir| dir.path.clone())
            }
            _ if broker.log_dirs > 1 => None,
            _ => return None,
        };
        Some(LogDirMove { broker: broker.id, from, to })
    }

    /// Why a job was left out.
    pub(super) fn reason(&self, job: &Job, change: &Change, place: Place) -> String {
        let partition = &self.model.partitions[change.partition as usize];
        let id =
            |broker: u32| self.model.brokers.get(broker as usize).map_or(-1, |broker| broker.id);
        let from = if job.replica == NONE { NONE } else { self.broker(job.replica) };
        let what = match job.kind {
            Kind::Place if from == NONE => {
                format!("no replica is added on broker {}", id(job.broker))
            }
            Kind::Place => format!(
                "the replica on broker {} doesn't move to broker {}",
                id(from),
                id(job.broker)
            ),
            Kind::LogDir => format!("the replica on broker {} stays in its directory", id(from)),
            Kind::Remove => format!("the replica on broker {} isn't removed", id(from)),
            Kind::Elect => "it gets no leader".to_owned(),
            Kind::Leader => format!("leadership doesn't go to broker {}", id(from)),
        };
        let why = match place {
            Place::Broker(broker, dimension) => {
                let of = Resource::ALL.get(dimension as usize).map_or("replicas", |resource| resource.name());
                format!("broker {} has no room for it ({of}) until others leave, and nothing can leave first", id(broker))
            }
            Place::Host(host, resource) => {
                let of = Resource::ALL.get(resource as usize).map_or("", |resource| resource.name());
                let name = &self.model.hosts[host as usize].name;
                format!("machine \"{name}\" has no room for it ({of}) until others leave, and nothing can leave first")
            }
            Place::LogDir(dir) => {
                let dir = &self.model.log_dirs[dir as usize];
                let (path, broker) = (&dir.path, id(dir.broker));
                format!("directory \"{path}\" of broker {broker} has no room for it, and nothing can leave first")
            }
            Place::Leaders(_, broker) => {
                format!("broker {} would lead too few partitions of the topic until it leads another", id(broker))
            }
            Place::Partition(_) => {
                "the partition's other replicas stand in its way: by their racks, their brokers, or who can lead".into()
            }
        };
        let topic = &self.model.topics[partition.topic as usize].name;
        format!("topic \"{topic}\" partition {}: {what}: {why}", partition.number)
    }
}
