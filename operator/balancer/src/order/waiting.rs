//! Jobs that can't be done yet, by what blocks them.
//!
//! At each place that has a limit the one that needs least stands first: if it doesn't fit, none there does. So a place
//! where room comes up is looked at once for each job that leaves it, and never scanned.

use std::cmp::Reverse;
use std::collections::{BTreeMap, BinaryHeap};

use super::sums::LIMITED;
use crate::model::Model;

/// What blocks.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub(super) enum Place {
    /// A limit of a broker, by dimension of its totals.
    Broker(u32, u8),
    /// A limit of a machine, by resource.
    Host(u32, u8),
    /// The capacity of a directory.
    LogDir(u32),
    /// The fewest partitions of a topic that a broker leads.
    Leaders(u32, u32),
    /// Another job of the partition, by the index of its change.
    Partition(u32),
}

/// Why a job can't be done now.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) struct Blocked {
    pub(super) place: Place,
    /// How much room it needs there.
    pub(super) needed: i64,
}

/// Need, ticket, job: the least first.
type Queue = BinaryHeap<Reverse<(i64, u32, u32)>>;

/// Where a job stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Standing {
    /// It wasn't offered yet.
    New,
    /// It waits, with the ticket that it waits by.
    Waits(Place, u32),
    /// It was done, or there is nothing left to do.
    Done,
    /// It was left out.
    LeftOut,
}

/// All that waits.
#[derive(Debug)]
pub(super) struct Waiting {
    /// By job.
    standings: Vec<Standing>,
    /// By broker and dimension.
    brokers: Vec<[Queue; LIMITED]>,
    /// By directory.
    log_dirs: Vec<Queue>,
    /// Machines with limits, and topics that every broker leads some of, are few.
    others: BTreeMap<Place, Queue>,
    /// Makes entries of jobs that wait elsewhere by now void.
    tickets: u32,
}

impl Waiting {
    pub(super) fn new(model: &Model, jobs: usize) -> Self {
        Self {
            standings: vec![Standing::New; jobs],
            brokers: vec![Default::default(); model.brokers.len()],
            log_dirs: vec![Queue::new(); model.log_dirs.len()],
            others: BTreeMap::new(),
            tickets: 0,
        }
    }

    /// There is one job more.
    pub(super) fn grow(&mut self) {
        self.standings.push(Standing::New);
    }

    pub(super) fn standing(&self, job: u32) -> Standing {
        self.standings[job as usize]
    }

    /// A job is over.
    pub(super) fn settle(&mut self, job: u32, standing: Standing) {
        self.standings[job as usize] = standing;
    }

    /// A job waits where it is blocked. Those that wait for their partition are found by it.
    pub(super) fn wait(&mut self, job: u32, blocked: Blocked) {
        self.tickets = self.tickets.wrapping_add(1);
        self.standings[job as usize] = Standing::Waits(blocked.place, self.tickets);
        let entry = Reverse((blocked.needed, self.tickets, job));
        match blocked.place {
            Place::Broker(broker, dimension) => {
                self.brokers[broker as usize][dimension as usize].push(entry)
            }
            Place::LogDir(dir) => self.log_dirs[dir as usize].push(entry),
            Place::Host(..) | Place::Leaders(..) => {
                self.others.entry(blocked.place).or_default().push(entry)
            }
            Place::Partition(_) => {}
        }
    }

    /// Whether anything may wait there.
    pub(super) fn any_at(&self, place: Place) -> bool {
        match place {
            Place::Broker(broker, dimension) => {
                !self.brokers[broker as usize][dimension as usize].is_empty()
            }
            Place::LogDir(dir) => !self.log_dirs[dir as usize].is_empty(),
            Place::Host(..) | Place::Leaders(..) => self.others.contains_key(&place),
            Place::Partition(_) => true,
        }
    }

    /// Takes the job that needs least at a place, if there is that much room.
    pub(super) fn next(&mut self, place: Place, room: i64) -> Option<u32> {
        let queue = match place {
            Place::Broker(broker, dimension) => {
                &mut self.brokers[broker as usize][dimension as usize]
            }
            Place::LogDir(dir) => &mut self.log_dirs[dir as usize],
            Place::Host(..) | Place::Leaders(..) => self.others.get_mut(&place)?,
            Place::Partition(_) => return None,
        };
        while let Some(Reverse((needed, ticket, job))) = queue.peek().copied() {
            let waits = self.standings[job as usize] == Standing::Waits(place, ticket);
            if waits && needed > room {
                return None;
            }
            queue.pop();
            if waits {
                return Some(job);
            }
        }
        None
    }
}
