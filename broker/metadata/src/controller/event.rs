//! What the controller is told and what it wants done.

use std::fmt;

use taffrail_model::{BrokerEpoch, LeaderEpoch, Mono, NodeId, Offset, TopicName};
use taffrail_protocol::records::MetadataRecord;

use super::{Answer, Operation, Refusal, VersionedRecord};
use crate::features::MetadataVersion;
use crate::image::{Loaded, MetadataImage, ReplayError};

/// Whom an answer is for: given with a request, handed back with its reply, meaningless in between.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplyToken(pub u64);

/// One append to the metadata log. Ids rise by one and are never used twice in a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct AppendId(pub u64);

/// What the controller is told.
#[derive(Clone, Debug)]
pub enum Event {
    /// A snapshot holds all records below `next_offset`. Replaces everything; only while not leading.
    LoadSnapshot {
        /// What the snapshot holds.
        image: MetadataImage,
        /// The offset after the snapshot's last record.
        next_offset: Offset,
    },
    /// Committed records, in the order of the log; only while not leading. Control records of the quorum
    /// are left out, so that offsets may have gaps between batches.
    Replay {
        /// The offset of the first record.
        base_offset: Offset,
        /// The records, of offsets one after the other.
        records: Vec<MetadataRecord>,
    },
    /// This node leads the quorum. Told once the epoch's leader-change record is committed and every
    /// record before it was replayed.
    BecameLeader {
        /// The leadership's epoch.
        epoch: LeaderEpoch,
        /// The offset of the next record.
        end_offset: Offset,
    },
    /// This node leads the quorum no more.
    Resigned,
    /// The quorum appended records of its own (voters, its version) while leading.
    LogEndMoved {
        /// The offset of the next record.
        end_offset: Offset,
    },
    /// Somebody asks for something. Authorisation has been seen to.
    Request {
        /// Whom the reply is for.
        token: ReplyToken,
        /// When the asker gives up.
        deadline: Option<Mono>,
        /// Random bits, for ids and placement.
        random: u64,
        /// What is asked.
        operation: Operation,
    },
    /// An append is in the log, though not yet committed. Appends are told in their order.
    Appended {
        /// Which.
        append_id: AppendId,
        /// The offset of its last record.
        last_offset: Offset,
    },
    /// An append isn't in the log, and none that was asked for after it.
    AppendFailed {
        /// Which.
        append_id: AppendId,
    },
    /// Every record below `high_watermark` is committed.
    Committed {
        /// The quorum's high watermark: the offset after the last committed record.
        high_watermark: Offset,
    },
    /// Time has passed; due when [`super::Controller::next_deadline`] says so.
    Tick,
}

/// What the controller wants done, in this order. When one fails, those after it aren't done.
#[derive(Clone, Debug)]
pub enum Effect {
    /// Append the records as one batch, atomically, at `base_offset` or not at all. Answer with
    /// [`Event::Appended`] or [`Event::AppendFailed`] before any other event.
    Append {
        /// Which append this is.
        append_id: AppendId,
        /// The epoch in which this controller leads; another one makes the append fail.
        epoch: LeaderEpoch,
        /// Where the first record must go: epochs of brokers are offsets.
        base_offset: Offset,
        /// The records, 1 to 10,000.
        records: Vec<VersionedRecord>,
    },
    /// Answer a request. All that the answer rests on is committed.
    Reply {
        /// Whose request.
        token: ReplyToken,
        /// The answer, or why there is none.
        answer: Result<Answer, Refusal>,
    },
    /// A new committed image for everybody on this node.
    Publish(Box<Loaded>),
    /// Something that an administrator should read in the log.
    Announce(Notice),
    /// A committed record doesn't fit. The node must stop: it can't follow the cluster.
    Fatal {
        /// The record's offset.
        offset: Offset,
        /// Why it doesn't fit.
        error: ReplayError,
    },
}

/// What the controller did that wasn't asked for, for the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The log was empty and was given its first records.
    Bootstrapped {
        /// The metadata version that the cluster begins with.
        version: MetadataVersion,
    },
    /// A transaction that an earlier leader left open was aborted.
    TransactionAborted {
        /// Where it began.
        start_offset: Offset,
    },
    /// A broker wasn't heard of for a session.
    SessionExpired {
        /// The broker.
        id: NodeId,
        /// The epoch of its registration.
        epoch: BrokerEpoch,
    },
    /// A leader was elected that may lack acknowledged records.
    UncleanElection {
        /// The topic.
        topic: TopicName,
        /// The partition's index.
        partition: i32,
        /// The new leader.
        leader: NodeId,
    },
}

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Bootstrapped { version } => {
                write!(f, "the metadata log is empty: it begins at metadata.version {version}")
            }
            Self::TransactionAborted { start_offset } => write!(
                f,
                "aborting the metadata transaction that an earlier leader began at offset {start_offset}"
            ),
            Self::SessionExpired { id, epoch } => {
                write!(f, "fencing broker {id} at epoch {epoch}: its session has timed out")
            }
            Self::UncleanElection { topic, partition, leader } => write!(
                f,
                "unclean election: broker {leader} leads {topic}-{partition} and may lack acknowledged records"
            ),
        }
    }
}
