//! The thread that owns the group coordinator's shards.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicI32, Ordering};
use std::sync::mpsc::{Receiver, RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use arc_swap::ArcSwap;
use taffrail_coordinator::{Answer, DeletedTopic, ReplyToken, Request, RequestContext};
use taffrail_model::{ErrorCode, Offset, PartitionIndex, partition_for_key};
use taffrail_node::groups::{Effect, Event, Groups};
use tokio::sync::oneshot;

use super::clock::Clock;
use super::failure::{FailureSender, PanicWatch};
use super::partition_cell::PartitionCell;

const THREAD: &str = "groups";
/// How many messages are taken in before the deadlines are looked at.
const DRAIN_MAX: usize = 1_000;
/// How long the thread sleeps when no group wants anything.
const IDLE: Duration = Duration::from_secs(1);
/// What is read of a shard's log at a time while it loads.
const LOAD_CHUNK_BYTES: usize = 1 << 20;
/// The most that a compressed batch of `__consumer_offsets` may become.
const INFLATED_BATCH_BYTES_MAX: usize = 256 << 20;

enum Message {
    Ask {
        partition: PartitionIndex,
        context: RequestContext,
        request: Box<Request>,
        reply: oneshot::Sender<Answer>,
    },
    Elected(Arc<PartitionCell>),
    Resigned(PartitionIndex),
    TopicsDeleted(Vec<DeletedTopic>),
    Committed {
        partition: PartitionIndex,
        high_watermark: Offset,
    },
    Shutdown,
}

/// The way to the groups. Cheap to clone.
#[derive(Clone)]
pub(crate) struct GroupsHandle {
    sender: Sender<Message>,
    /// How many partitions `__consumer_offsets` has.
    partitions: Arc<AtomicI32>,
    /// The partitions whose shards are here.
    led: Arc<ArcSwap<Vec<PartitionIndex>>>,
}

impl GroupsHandle {
    /// The partition of `__consumer_offsets` that owns a group.
    pub(crate) fn partition_of(&self, group_id: &str) -> PartitionIndex {
        partition_for_key(group_id, self.partitions.load(Ordering::Relaxed))
    }

    /// Asks the shard that owns `group_id`.
    ///
    /// # Errors
    /// `COORDINATOR_NOT_AVAILABLE` while the node shuts down.
    pub(crate) async fn ask(
        &self,
        group_id: &str,
        context: RequestContext,
        request: Request,
    ) -> Result<Answer, ErrorCode> {
        self.ask_shard(self.partition_of(group_id), context, request).await
    }

    /// Asks every shard that is here.
    pub(crate) async fn ask_all(
        &self,
        context: &RequestContext,
        request: &Request,
    ) -> Vec<Result<Answer, ErrorCode>> {
        let led = self.led.load_full();
        let mut answers = Vec::with_capacity(led.len());
        for &partition in led.iter() {
            answers.push(self.ask_shard(partition, context.clone(), request.clone()).await);
        }
        answers
    }

    async fn ask_shard(
        &self,
        partition: PartitionIndex,
        context: RequestContext,
        request: Request,
    ) -> Result<Answer, ErrorCode> {
        let (reply, answer) = oneshot::channel();
        let message = Message::Ask { partition, context, request: Box::new(request), reply };
        self.sender.send(message).map_err(|_| ErrorCode::CoordinatorNotAvailable)?;
        answer.await.map_err(|_| ErrorCode::CoordinatorNotAvailable)
    }

    /// This node leads a partition of `__consumer_offsets` from now on.
    pub(super) fn elected(&self, cell: Arc<PartitionCell>) {
        self.led.rcu(|led| {
            let mut led = Vec::clone(led);
            led.push(cell.id.partition);
            led.sort_unstable();
            led.dedup();
            led
        });
        self.send(Message::Elected(cell));
    }

    /// This node leads a partition of `__consumer_offsets` no longer.
    pub(super) fn resigned(&self, partition: PartitionIndex) {
        self.led.rcu(|led| led.iter().copied().filter(|&led| led != partition).collect::<Vec<_>>());
        self.send(Message::Resigned(partition));
    }

    /// Topics are gone, and with them the offsets that groups committed for them.
    pub(super) fn topics_deleted(&self, topics: Vec<DeletedTopic>) {
        self.send(Message::TopicsDeleted(topics));
    }

    /// A high watermark of `__consumer_offsets` moved.
    pub(super) fn committed(&self, partition: PartitionIndex, high_watermark: Offset) {
        self.send(Message::Committed { partition, high_watermark });
    }

    /// `__consumer_offsets` has this many partitions.
    pub(super) fn set_partitions(&self, partitions: i32) {
        self.partitions.store(partitions, Ordering::Relaxed);
    }

    /// Ends the thread; whoever still waits is told that there is no coordinator.
    pub(super) fn shut_down(&self) {
        self.send(Message::Shutdown);
    }

    fn send(&self, message: Message) {
        // The thread ends with the process; what comes after that has nobody to be told to.
        let _ = self.sender.send(message);
    }
}

/// The end that the thread is made of.
pub(super) struct GroupsQueue {
    receiver: Receiver<Message>,
}

/// The way to the groups, which may be handed on before the thread runs. `partitions` is
/// `offsets.topic.num.partitions`, until the topic exists and says itself.
pub(super) fn handle(partitions: i32) -> (GroupsHandle, GroupsQueue) {
    let (sender, receiver) = channel();
    let handle = GroupsHandle {
        sender,
        partitions: Arc::new(AtomicI32::new(partitions)),
        led: Arc::new(ArcSwap::from_pointee(Vec::new())),
    };
    (handle, GroupsQueue { receiver })
}

/// Starts the thread.
pub(super) fn spawn(
    groups: Groups,
    queue: GroupsQueue,
    clock: Clock,
    failure: FailureSender,
) -> std::io::Result<JoinHandle<()>> {
    let watch = PanicWatch::new(failure, THREAD);
    let carrier = Carrier {
        groups,
        clock,
        cells: BTreeMap::new(),
        waiting: BTreeMap::new(),
        next_token: 0,
        effects: Vec::new(),
    };
    std::thread::Builder::new().name(THREAD.to_owned()).spawn(move || {
        let _watch = watch;
        carrier.run(&queue.receiver);
    })
}

struct Carrier {
    groups: Groups,
    clock: Clock,
    cells: BTreeMap<PartitionIndex, Arc<PartitionCell>>,
    waiting: BTreeMap<ReplyToken, oneshot::Sender<Answer>>,
    next_token: u64,
    effects: Vec<Effect>,
}

impl Carrier {
    fn run(mut self, receiver: &Receiver<Message>) {
        loop {
            let wait = match self.groups.next_deadline() {
                Some(deadline) => deadline.saturating_since(self.clock.now().mono).min(IDLE),
                None => IDLE,
            };
            let mut next = match receiver.recv_timeout(wait) {
                Ok(message) => Some(message),
                Err(RecvTimeoutError::Timeout) => None,
                Err(RecvTimeoutError::Disconnected) => return,
            };
            let mut taken = 0;
            while let Some(message) = next {
                if matches!(message, Message::Shutdown) {
                    return;
                }
                self.take(message);
                taken += 1;
                next = if taken < DRAIN_MAX { receiver.try_recv().ok() } else { None };
            }
            if taken < DRAIN_MAX {
                // Only with an empty queue: a thread that was held up must hear of the heartbeats that wait there before
                // it counts them missing.
                self.step(Event::Tick);
            }
        }
    }

    fn take(&mut self, message: Message) {
        match message {
            Message::Ask { partition, context, request, reply } => {
                let token = ReplyToken(self.next_token);
                self.next_token += 1;
                self.waiting.insert(token, reply);
                self.step(Event::Request { partition, token, context, request: *request });
            }
            Message::Elected(cell) => self.load(&cell),
            Message::Resigned(partition) => {
                self.step(Event::Resigned { partition });
                self.cells.remove(&partition);
            }
            Message::TopicsDeleted(topics) => self.step(Event::TopicsDeleted(topics)),
            Message::Committed { partition, high_watermark } => {
                self.step(Event::Committed { partition, high_watermark });
            }
            Message::Shutdown => {}
        }
    }

    fn step(&mut self, event: Event) {
        let mut effects = VecDeque::new();
        self.groups.step(self.clock.now(), event, &mut self.effects);
        effects.extend(self.effects.drain(..));
        while let Some(effect) = effects.pop_front() {
            let Some(event) = self.carry_out(effect) else { continue };
            if let Event::AppendFailed { partition: failed, .. } = event {
                // A shard undoes all that came after a failed append, so none of it may reach the log.
                effects.retain(|later| !matches!(later, Effect::Append { partition, .. } if *partition == failed));
            }
            self.groups.step(self.clock.now(), event, &mut self.effects);
            effects.extend(self.effects.drain(..));
        }
    }

    /// Carries one effect out and says what the groups must hear of it.
    fn carry_out(&mut self, effect: Effect) -> Option<Event> {
        match effect {
            Effect::Append { partition, write_id, batch } => {
                let appended = match self.cells.get(&partition) {
                    Some(cell) => cell.append_now(batch).map_err(|error| error.code()),
                    None => Err(ErrorCode::NotLeaderOrFollower),
                };
                return Some(match appended {
                    Ok(appended) => {
                        Event::Appended { partition, write_id, last_offset: appended.last_offset }
                    }
                    Err(error) => Event::AppendFailed { partition, write_id, error },
                });
            }
            Effect::Reply { token, answer } => {
                if let Some(reply) = self.waiting.remove(&token) {
                    // Who asked may have gone.
                    let _ = reply.send(answer);
                }
            }
            Effect::Rebalancing { group_id, generation_id, reason } => {
                tracing::info!(group_id, generation_id, reason, "group rebalances");
            }
            Effect::LoadFinished { partition, report } => {
                tracing::debug!(partition, ?report, "group coordinator loaded");
            }
            Effect::LoadFailed { partition, last_offset, reason } => {
                tracing::error!(
                    partition,
                    last_offset,
                    reason,
                    "group coordinator can't load its partition"
                );
            }
        }
        None
    }

    fn load(&mut self, cell: &Arc<PartitionCell>) {
        let partition = cell.id.partition;
        let high_watermark = cell.view().high_watermark;
        self.cells.insert(partition, Arc::clone(cell));
        self.step(Event::Elected { partition, high_watermark });
        match self.replay(cell) {
            Ok(()) => self.step(Event::Loaded { partition }),
            Err(reason) => {
                tracing::error!(
                    partition,
                    reason,
                    "the log of groups can't be read; they have no coordinator"
                );
                self.step(Event::Resigned { partition });
            }
        }
    }

    fn replay(&mut self, cell: &PartitionCell) -> Result<(), String> {
        let partition = cell.id.partition;
        let end = cell.view().log_end;
        let mut offset = cell.view().log_start;
        while offset < end {
            let batches = cell.read_batches(offset, end, LOAD_CHUNK_BYTES)?;
            if batches.is_empty() {
                break;
            }
            for batch in batches {
                offset = batch.header.next_offset();
                let loaded = taffrail_node::groups::loaded_batch(&batch, INFLATED_BATCH_BYTES_MAX)
                    .map_err(|error| format!("the batch before offset {offset}: {error}"))?;
                if let Some(batch) = loaded {
                    self.step(Event::Load { partition, batch });
                }
            }
        }
        Ok(())
    }
}
