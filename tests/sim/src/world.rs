//! One run: a node, its clients, its faults, and the checks.

use std::fmt;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use taffrail_model::{GROUP_METADATA_TOPIC, Now, Offset};
use taffrail_node::partition::Acks;
use taffrail_protocol::batch::Batch;
use taffrail_testkit::{ManualClock, MemDisk, SeededRng};

use crate::clients::{Admin, Consumer, Member, Producer};
use crate::coverage::Coverage;
use crate::faults::Faults;
use crate::model::{History, Model, Stop};
use crate::node::{DATA_DIR, Node, NodeOptions, format_disk};
use crate::replay::replayed_fingerprint;
use crate::trace::Trace;
use crate::turn::Turn;

/// How long the phase of faults lasts at least, in simulated time.
const FAULTS_FOR: Duration = Duration::from_secs(60);
/// In how many ticks of it the node must have served.
const SERVING_TICKS_MIN: u32 = 400;
/// How long the healed node may take to serve everybody.
const HEALED_WITHIN: Duration = Duration::from_secs(120);
/// How far the wall clock goes astray. Producers are forgotten after a day.
const WALL_JUMP_MS_MAX: u64 = 6 * 60 * 60 * 1000;
const GROUPS: [&str; 3] = ["readers", "writers", "others"];

/// What a run came to.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Outcome {
    /// A hash of all events. The same seed gives the same one.
    pub trace: u64,
    /// What the run has met.
    pub coverage: Coverage,
}

/// A promise that was broken.
#[derive(Clone, Debug)]
pub struct Failure {
    /// The seed that shows it.
    pub seed: u64,
    /// Which promise.
    pub reason: String,
    /// What happened last.
    pub last_events: String,
}

impl fmt::Display for Failure {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let Self { seed, reason, last_events } = self;
        writeln!(f, "{last_events}seed {seed}: {reason}")?;
        write!(f, "repeat it: cargo run --release -p taffrail-sim -- --seed {seed}")
    }
}

impl std::error::Error for Failure {}

/// Runs one seed.
///
/// # Errors
/// [`Failure`] when a promise is broken.
pub fn run(seed: u64, is_verbose: bool) -> Result<Outcome, Failure> {
    let mut world = World::new(seed, is_verbose);
    match world.run() {
        Ok(()) => Ok(Outcome { trace: world.trace.hash(), coverage: world.coverage }),
        Err(error) => {
            Err(Failure { seed, reason: format!("{error:#}"), last_events: world.trace.last() })
        }
    }
}

struct World {
    disk: MemDisk,
    clock: ManualClock,
    rng: SeededRng,
    options: NodeOptions,
    node: Option<Node>,
    /// The worst stop since the node's data was compared with the model.
    stop: Stop,
    /// Whether the present life's data was compared with the model.
    is_compared: bool,
    failed_starts: u32,
    model: Model,
    faults: Faults,
    admin: Admin,
    producers: Vec<Producer>,
    consumers: Vec<Consumer>,
    members: Vec<Member>,
    trace: Trace,
    coverage: Coverage,
}

impl World {
    fn new(seed: u64, is_verbose: bool) -> Self {
        let mut rng = SeededRng::new(seed);
        let producer = |index: u32| {
            let acks = if index % 3 == 2 { Acks::Leader } else { Acks::All };
            Producer::new(acks, index.is_multiple_of(2))
        };
        Self {
            disk: MemDisk::new(),
            clock: ManualClock::default(),
            options: NodeOptions { segment_bytes: 2_000 + rng.below(20_000) },
            admin: Admin { are_offsets_durable: rng.coin() },
            rng,
            node: None,
            stop: Stop::Clean,
            is_compared: false,
            failed_starts: 0,
            model: Model::default(),
            faults: Faults::default(),
            producers: (0..6).map(producer).collect(),
            consumers: (0..3).map(|_| Consumer::default()).collect(),
            members: (0..6).map(|index| Member::new(GROUPS[index % GROUPS.len()])).collect(),
            trace: Trace::new(is_verbose),
            coverage: Coverage::default(),
        }
    }

    fn now(&self) -> Now {
        self.clock.now()
    }

    fn note(&mut self, event: fmt::Arguments<'_>) {
        self.trace.note(self.clock.now(), event);
    }

    fn run(&mut self) -> Result<()> {
        let now = self.now();
        format_disk(&self.disk, &mut self.rng, now)?;
        let mut served = 0;
        while self.now().mono.since_start() < FAULTS_FOR || served < SERVING_TICKS_MIN {
            self.inject();
            served += u32::from(self.tick()?);
        }
        self.heal()?;
        self.demand_progress()?;
        // Once more from the disk alone.
        self.take_down(Stop::Power);
        self.serve_within(HEALED_WITHIN, |world| world.is_compared)
    }

    /// One step of time. Returns whether the node served.
    fn tick(&mut self) -> Result<bool> {
        let is_serving = self.node.as_ref().is_some_and(Node::is_ready);
        let ms = if is_serving { 10 + self.rng.below(150) } else { 200 + self.rng.below(500) };
        self.clock.advance_ms(u32::try_from(ms)?);
        let now = self.now();
        self.keep_running(now)?;
        let Some(node) = &mut self.node else { return Ok(false) };
        node.tick(now, &mut self.rng);
        let led = node.take_led_epochs();
        let published = node.take_published();
        let (epoch, truncations) = (node.quorum_epoch(), node.take_truncations());
        let is_ready = node.is_ready();
        self.coverage.truncations += truncations;
        self.model.metadata.check_epochs(&led, epoch)?;
        self.model.metadata.check_published(&published)?;
        for (offset, fingerprint) in published {
            self.note(format_args!("metadata {offset}: {fingerprint:016x}"));
        }
        if !is_ready {
            return Ok(false);
        }
        if !self.is_compared && !self.compare()? {
            return Ok(false);
        }
        self.let_clients_act()?;
        Ok(true)
    }

    /// Starts a node where there is none, and buries one that failed.
    fn keep_running(&mut self, now: Now) -> Result<()> {
        if let Some(reason) = self.node.as_ref().and_then(Node::failure) {
            let reason = reason.to_owned();
            self.note(format_args!("the node failed: {reason}"));
            ensure!(
                self.faults.have_struck(&self.disk),
                "no fault has struck, and the node failed: {reason}"
            );
            self.bury();
        } else if self.node.is_some() && self.disk.is_down() {
            self.bury();
        }
        if self.node.is_some() {
            return Ok(());
        }
        match Node::start(&self.disk, &self.options, now, &mut self.rng) {
            Ok(node) => {
                self.failed_starts = 0;
                let stop = self.stop;
                self.note(format_args!("started after {stop:?}"));
                match stop {
                    Stop::Clean => self.coverage.clean_restarts += 1,
                    Stop::Kill => self.coverage.kill_restarts += 1,
                    Stop::Power => self.coverage.power_restarts += 1,
                }
                self.node = Some(node);
                self.is_compared = false;
            }
            Err(error) => {
                self.note(format_args!("a start failed: {error:#}"));
                ensure!(
                    self.faults.have_struck(&self.disk),
                    "no fault has struck, and a start failed: {error:#}"
                );
                self.coverage.failed_starts += 1;
                self.failed_starts += 1;
                if self.failed_starts >= 3 && self.faults.is_full() {
                    self.faults.make_room(&self.disk);
                }
                self.bury();
            }
        }
        Ok(())
    }

    /// A node that can't go on: its process ends by itself, or with the machine.
    fn bury(&mut self) {
        if self.disk.is_down() {
            self.coverage.crashes_in_operations += 1;
            let stop = if self.rng.coin() { Stop::Power } else { Stop::Kill };
            return self.take_down(stop);
        }
        self.coverage.io_failures += 1;
        if self.faults.is_full() && self.rng.coin() {
            self.faults.make_room(&self.disk);
        }
        let now = self.now();
        if self.rng.coin()
            && let Some(node) = self.node.take()
        {
            // As the broker does; it is no clean stop.
            let stopped = node.stop(now);
            self.note(format_args!("stopped after the failure: {:?}", stopped.is_ok()));
        }
        let stop = if self.rng.one_in(4) { Stop::Power } else { Stop::Kill };
        self.take_down(stop);
    }

    /// Ends the node's life. [`Stop::Clean`] is tried, and is a kill where it fails.
    fn take_down(&mut self, how: Stop) {
        let now = self.now();
        let mut stop = how;
        if let (Stop::Clean, Some(node)) = (how, self.node.take()) {
            match node.stop(now) {
                Ok(()) => {
                    self.model.histories.values_mut().for_each(History::closed);
                    // Nothing that was closed needs the page cache.
                    stop = if self.rng.one_in(3) { Stop::Power } else { Stop::Clean };
                }
                Err(error) => {
                    self.note(format_args!("a stop failed: {error:#}"));
                    stop = Stop::Kill;
                }
            }
        }
        self.node = None;
        match stop {
            Stop::Power => self.disk.crash(&mut self.rng),
            Stop::Kill | Stop::Clean => self.disk.kill(),
        }
        self.note(format_args!("{how:?} ended as {stop:?}"));
        self.faults.restart();
        self.stop = match (self.stop, stop) {
            (Stop::Power, _) | (_, Stop::Power) => Stop::Power,
            (Stop::Kill, _) | (_, Stop::Kill) => Stop::Kill,
            (Stop::Clean, Stop::Clean) => Stop::Clean,
        };
        self.producers.iter_mut().for_each(Producer::disconnect);
        self.members.iter_mut().for_each(Member::disconnect);
        self.model.ownership.restarted();
    }

    /// Lets something go wrong, now and then.
    fn inject(&mut self) {
        if self.rng.one_in(100) {
            let wall = ManualClock::default().now().wall;
            let elapsed = i64::try_from(self.now().mono.since_start().as_millis()).unwrap_or(0);
            let jump = i64::try_from(self.rng.below(2 * WALL_JUMP_MS_MAX)).unwrap_or(0);
            let to = wall + elapsed + jump - i64::try_from(WALL_JUMP_MS_MAX).unwrap_or(0);
            self.clock.jump_wall_to(to);
            self.coverage.wall_clock_jumps += 1;
        }
        if self.faults.is_full() && self.rng.one_in(20) {
            self.faults.make_room(&self.disk);
        }
        if self.node.is_none() {
            // The start and its recovery are as good a moment as any.
            if self.rng.one_in(4) {
                self.faults.plan(&self.disk, &mut self.rng);
            }
            return;
        }
        if !self.is_compared || !self.rng.one_in(40) {
            return;
        }
        match self.rng.below(12) {
            0 => self.take_down(Stop::Clean),
            1 => self.take_down(Stop::Kill),
            2 | 3 => self.take_down(Stop::Power),
            4 => {
                let room = self.rng.below(6_000);
                self.faults.fill(&self.disk, room);
                self.coverage.full_disks += 1;
                self.note(format_args!("the disk has {room} bytes left"));
            }
            _ => {
                let fault = self.faults.plan(&self.disk, &mut self.rng);
                self.note(format_args!("{fault:?} is to come"));
            }
        }
    }

    /// Compares what the node has after a start with what it must have. Returns whether all of it could be read.
    fn compare(&mut self) -> Result<bool> {
        let Some(node) = &self.node else { return Ok(false) };
        let (image, offset) = node.image();
        self.model.metadata.settle_doubts(image);
        self.model.metadata.check_served_offset(offset)?;
        self.model.metadata.check_image(image)?;
        let directory = Path::new(DATA_DIR).join("__cluster_metadata-0");
        match replayed_fingerprint(&self.disk, &directory) {
            Ok(replayed) => ensure!(
                replayed == image.fingerprint(),
                "the metadata log adds up to another image than is served"
            ),
            Err(error) if error.is::<std::io::Error>() && self.faults.have_struck(&self.disk) => {
                return Ok(false);
            }
            Err(error) => return Err(error.context("the metadata log can't be replayed")),
        }
        let mut found: Vec<(_, Vec<Batch>, Offset)> = Vec::new();
        for &id in node.hosted().keys() {
            let view = node.view(id).context("a partition without a view")?;
            let rolled = node.segments(id).saturating_sub(1);
            self.coverage.segments_found += u64::try_from(rolled)?;
            match node.read(id, view.log_start, view.log_end) {
                Ok(batches) => found.push((id, batches, view.log_end)),
                Err(_) if self.faults.have_struck(&self.disk) => return Ok(false),
                Err(error) => bail!("{id:?} can't be read: {error}"),
            }
        }
        self.model.histories.retain(|id, _| image.topic(id.topic_id).is_some());
        for id in self.model.histories.keys() {
            ensure!(node.hosted().contains_key(id), "{id:?} is not served any longer");
        }
        self.adopt_partitions();
        let mut has_lost = false;
        for (id, batches, log_end) in found {
            let Some(history) = self.model.histories.get_mut(&id) else { continue };
            let loss = history.recovered(self.stop, &batches, log_end, &self.model.sent)?;
            self.coverage.acked_batches_lost += loss.acked_batches;
            has_lost |= loss.batches > 0;
        }
        self.coverage.crashes_with_lost_writes += u64::from(has_lost);
        self.forget_groups();
        let stop = std::mem::replace(&mut self.stop, Stop::Clean);
        self.note(format_args!("compared after {stop:?}"));
        self.is_compared = true;
        Ok(true)
    }

    /// Groups whose log may have lost its end with the power.
    fn forget_groups(&mut self) {
        if self.stop != Stop::Power || self.admin.are_offsets_durable {
            return;
        }
        self.model.committed.forget();
        self.model.ownership.forget();
        self.members.iter_mut().for_each(Member::begin_anew);
    }

    /// Begins a history for each partition that is new.
    fn adopt_partitions(&mut self) {
        let Some(node) = &self.node else { return };
        for (&id, topic) in node.hosted() {
            let is_durable = self.admin.is_durable(topic.as_str());
            let is_own = topic.as_str() == GROUP_METADATA_TOPIC;
            self.model.histories.entry(id).or_insert_with(|| History::new(id, is_durable, is_own));
        }
    }

    fn let_clients_act(&mut self) -> Result<()> {
        let now = self.now();
        if self.rng.coin()
            && let Some(node) = &mut self.node
        {
            node.begin_syncs(now);
        }
        self.with_turn(Admin::step)?;
        self.adopt_partitions();
        let mut producers = std::mem::take(&mut self.producers);
        let mut members = std::mem::take(&mut self.members);
        let mut consumers = std::mem::take(&mut self.consumers);
        let acted = self.with_turn(|_, turn| {
            producers.iter_mut().try_for_each(|producer| producer.step(turn))?;
            members.iter_mut().try_for_each(|member| member.step(turn))?;
            if turn.rng.one_in(4) {
                turn.node.end_syncs(turn.now);
                turn.node.begin_syncs(turn.now);
            }
            consumers.iter_mut().try_for_each(|consumer| consumer.step(turn))?;
            turn.node.end_syncs(turn.now);
            if turn.rng.one_in(15) {
                turn.node.maintain(turn.now);
            }
            if turn.rng.one_in(25) {
                turn.node.checkpoint();
            }
            let ids: Vec<_> = turn.node.hosted().keys().copied().collect();
            for id in ids {
                turn.observe(id)?;
            }
            if turn.node.is_ready() {
                turn.model.metadata.check_image(turn.node.image().0)?;
            }
            Ok(())
        });
        self.producers = producers;
        self.members = members;
        self.consumers = consumers;
        acted
    }

    fn with_turn(&mut self, act: impl FnOnce(&Admin, &mut Turn<'_>) -> Result<()>) -> Result<()> {
        let now = self.clock.now();
        let Some(node) = &mut self.node else { return Ok(()) };
        let mut turn = Turn {
            now,
            node,
            disk: &self.disk,
            faults: &self.faults,
            model: &mut self.model,
            rng: &mut self.rng,
            trace: &mut self.trace,
            coverage: &mut self.coverage,
        };
        act(&self.admin, &mut turn)
    }

    /// Everything heals: nothing excuses a failure any longer.
    fn heal(&mut self) -> Result<()> {
        self.note(format_args!("all heals"));
        self.faults.make_room(&self.disk);
        self.take_down(Stop::Kill);
        self.serve_within(HEALED_WITHIN, |world| world.is_compared)
    }

    /// Every producer and every group gets something done.
    fn demand_progress(&mut self) -> Result<()> {
        let acked: Vec<u64> = self.producers.iter().map(Producer::acked).collect();
        let commits = self.commits_by_group();
        let consumed = self.coverage.batches_consumed;
        self.serve_within(HEALED_WITHIN, |world| {
            world.producers.iter().zip(&acked).all(|(producer, before)| producer.acked() > *before)
                && world.commits_by_group().iter().zip(&commits).all(|(now, then)| now > then)
                && world.coverage.batches_consumed > consumed
        })
    }

    fn commits_by_group(&self) -> Vec<u64> {
        let of = |group: &str| {
            self.members
                .iter()
                .filter(|member| member.group() == group)
                .map(Member::commits_acked)
                .sum()
        };
        GROUPS.iter().map(|group| of(group)).collect()
    }

    fn serve_within(&mut self, patience: Duration, is_done: impl Fn(&Self) -> bool) -> Result<()> {
        let deadline = self.now().mono + patience;
        while !is_done(self) {
            ensure!(
                self.now().mono < deadline,
                "all has healed, and there is no progress within {patience:?}"
            );
            self.tick()?;
        }
        Ok(())
    }
}
