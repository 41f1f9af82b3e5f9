//! What the control part is told, and what it wants done.

use taffrail_metadata::{Answer, Loaded, Notice, Operation, Refusal, ReplyToken};
use taffrail_model::{LeaderEpoch, Mono};

use super::ControlFailure;

/// What the control part is told.
#[derive(Clone, Debug)]
pub enum ControlEvent {
    /// The node is up: hold the first election. Sent once, before all others.
    Start,
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
    /// Time has passed; due when [`Control::next_deadline`](super::Control::next_deadline) says so.
    Tick,
    /// Lead no longer, and stand for election again after a while, in a higher epoch. Whoever waits still is
    /// answered with an error, though what was appended for them may be committed by the next leader.
    Resign {
        /// Chooses the length of that while.
        random: u64,
    },
    /// The node stops: commit what was stepped, and lead no longer. Whoever waits still, and whoever asks
    /// later, is answered with an error.
    Shutdown,
}

/// What the control part wants done, in this order.
#[derive(Debug)]
pub enum ControlEffect {
    /// Answer a request. All that the answer rests on is committed.
    Reply {
        /// Whose request.
        token: ReplyToken,
        /// The answer, or why there is none.
        answer: Result<Answer, Refusal>,
    },
    /// A new committed image, for everybody on this node.
    Publish(Box<Loaded>),
    /// This node is the active controller.
    Leading {
        /// The epoch that it leads.
        epoch: LeaderEpoch,
    },
    /// This node is the active controller no longer.
    Resigned {
        /// The epoch that it led.
        epoch: LeaderEpoch,
    },
    /// Something that an administrator should read in the log.
    Announce(Notice),
    /// Nothing can be acknowledged any more: the process must stop, and say why.
    Failed(ControlFailure),
}
