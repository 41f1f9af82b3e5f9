//! The thread that owns quorum, controller and metadata log.
//!
//! It serves nothing else and never takes a partition's lock, so that a stalled data disk costs no session and no
//! leadership.

use std::collections::BTreeMap;
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use prometheus_client::metrics::gauge::Gauge;
use taffrail_metadata::{Answer, Notice, Operation, Refusal, ReplyToken};
use taffrail_model::{ErrorCode, Mono};
use taffrail_node::control::{Control, ControlEffect, ControlEvent};
use tokio::sync::oneshot;

use super::applier::{self, Applier};
use super::clock::Clock;
use super::failure::{FailureSender, PanicWatch};
use super::os_disk::OsDisk;

const THREAD: &str = "control";
/// How many requests are taken in before the log is synced once for all of them.
const GROUP_COMMIT_MAX: usize = 1_000;
/// How long the thread sleeps when the rooms want nothing.
const IDLE: Duration = Duration::from_secs(1);

/// What a request to the controller comes back with.
pub(super) type ControlAnswer = Result<Answer, Refusal>;

enum Message {
    Ask { operation: Operation, deadline: Option<Mono>, reply: oneshot::Sender<ControlAnswer> },
    Shutdown,
}

/// The way to the control thread. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct ControlHandle {
    sender: Sender<Message>,
}

impl ControlHandle {
    /// Asks the controller and waits until what it decided is committed and visible on this node.
    ///
    /// # Errors
    /// Why nothing was done.
    pub(crate) async fn ask(&self, operation: Operation, deadline: Option<Mono>) -> ControlAnswer {
        let (reply, answer) = oneshot::channel();
        let gone = || Refusal::new(ErrorCode::NotController, "this node's controller has stopped");
        self.sender.send(Message::Ask { operation, deadline, reply }).map_err(|_| gone())?;
        answer.await.map_err(|_| gone())?
    }

    /// Makes the thread answer what it can no longer do, close the metadata log, and end.
    pub(super) fn shut_down(&self) {
        // A thread that is gone already needs no telling.
        let _ = self.sender.send(Message::Shutdown);
    }
}

/// Starts the thread.
pub(super) fn spawn(
    control: Control<OsDisk>,
    clock: Clock,
    applier: Applier,
    failure: FailureSender,
    is_active: Gauge,
) -> std::io::Result<(ControlHandle, JoinHandle<()>)> {
    let (sender, receiver) = channel();
    let watch = PanicWatch::new(failure.clone(), THREAD);
    let carrier = Carrier {
        control,
        clock,
        applier,
        failure,
        is_active,
        waiting: BTreeMap::new(),
        next_token: 0,
        effects: Vec::new(),
    };
    let thread = std::thread::Builder::new().name(THREAD.to_owned()).spawn(move || {
        let _watch = watch;
        carrier.run(&receiver);
    })?;
    Ok((ControlHandle { sender }, thread))
}

struct Carrier {
    control: Control<OsDisk>,
    clock: Clock,
    applier: Applier,
    failure: FailureSender,
    /// 1 while this node's controller is the active one.
    is_active: Gauge,
    waiting: BTreeMap<ReplyToken, oneshot::Sender<ControlAnswer>>,
    next_token: u64,
    effects: Vec<ControlEffect>,
}

impl Carrier {
    fn run(mut self, receiver: &Receiver<Message>) {
        let mut stopping = false;
        let mut events = vec![ControlEvent::Start];
        loop {
            self.control.step_many(self.clock.now(), events.drain(..), &mut self.effects);
            self.carry_out();
            if stopping {
                break;
            }
            match receiver.recv_timeout(self.until_deadline()) {
                Ok(message) => stopping |= self.take(message, &mut events),
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => stopping = true,
            }
            while events.len() < GROUP_COMMIT_MAX
                && !stopping
                && let Ok(message) = receiver.try_recv()
            {
                stopping |= self.take(message, &mut events);
            }
            // Last, so that a thread that was held up hears of the heartbeats in its queue before it counts them missing.
            events.push(ControlEvent::Tick);
            if stopping {
                events.push(ControlEvent::Shutdown);
            }
        }
        if let Err(error) = self.control.close(self.clock.now()) {
            tracing::error!(error = %chain(&error), "the metadata log can't be closed");
        }
    }

    fn until_deadline(&self) -> Duration {
        match self.control.next_deadline() {
            Some(deadline) => deadline.saturating_since(self.clock.now().mono).min(IDLE),
            None => IDLE,
        }
    }

    /// Whether the thread has to stop.
    fn take(&mut self, message: Message, events: &mut Vec<ControlEvent>) -> bool {
        match message {
            Message::Ask { operation, deadline, reply } => {
                let token = ReplyToken(self.next_token);
                self.next_token += 1;
                self.waiting.insert(token, reply);
                events.push(ControlEvent::Request {
                    token,
                    deadline,
                    random: rand::random(),
                    operation,
                });
                false
            }
            Message::Shutdown => true,
        }
    }

    fn carry_out(&mut self) {
        for effect in std::mem::take(&mut self.effects) {
            match effect {
                ControlEffect::Reply { token, answer } => {
                    if let Some(reply) = self.waiting.remove(&token) {
                        self.reply(reply, answer);
                    }
                }
                ControlEffect::Publish(loaded) => {
                    self.applier.send(applier::Message::Publish(loaded))
                }
                ControlEffect::Leading { epoch } => {
                    self.is_active.set(1);
                    tracing::info!(epoch, "active controller");
                }
                ControlEffect::Resigned { epoch } => {
                    self.is_active.set(0);
                    tracing::info!(epoch, "no longer active controller");
                }
                ControlEffect::Announce(notice @ Notice::Bootstrapped { .. }) => {
                    tracing::info!("{notice}")
                }
                ControlEffect::Announce(notice) => tracing::warn!("{notice}"),
                ControlEffect::Failed(failure) => {
                    self.failure.report(format!("the controller can't go on: {}", chain(&failure)));
                }
            }
        }
    }

    fn reply(&self, reply: oneshot::Sender<ControlAnswer>, answer: ControlAnswer) {
        let is_own_lifecycle = matches!(
            answer,
            Ok(Answer::BrokerHeartbeat(_)
                | Answer::RegisterBroker { .. }
                | Answer::AllocateProducerIds(_))
        );
        if is_own_lifecycle {
            // These must not wait for the data disks behind the applier. Who asked may have given up.
            let _ = reply.send(answer);
        } else {
            self.applier.send(applier::Message::Reply { reply, answer });
        }
    }
}

/// An error with all its causes, in one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
