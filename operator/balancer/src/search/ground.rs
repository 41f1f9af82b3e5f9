//! What an action is priced by: where everything is, the limits, and a broker's sums.

use crate::goal::Goal;
use crate::limits::{DIMENSIONS, LEADER_IN, LEADERS, Limits, POTENTIAL_OUT, TopicLimits, Totals};
use crate::model::{NONE, RESOURCES, Resource};
use crate::placement::Placement;
use crate::search::pricing::{MIN_LEADERS, Pricing, View, amounts};
use crate::search::rules::{Care, Rules};
use crate::task::Task;

/// The dimensions by which replicas to move are looked for, in the order of [`Entry::sizes`].
pub(super) const SIZES: [usize; 4] =
    [Resource::Disk as usize, Resource::NetworkIn as usize, Resource::Cpu as usize, POTENTIAL_OUT];

/// What doesn't change while a round goes on; shared by its threads.
pub(super) struct Ground<'a> {
    pub(super) task: &'a Task<'a>,
    pub(super) limits: &'a Limits,
    emphasis: &'a [Goal],
    pub(super) rules: Rules,
    pub(super) pricing: Pricing,
    pub(super) view: View,
    /// By replica: its broker, or [`NONE`].
    pub(super) broker_of: Vec<u32>,
    /// By partition: the replica that leads, or [`NONE`].
    pub(super) leader_of: Vec<u32>,
    /// By topic: its column in [`Holder::topics`], or [`NONE`] for a topic so small that it can't leave its band.
    column_of: Vec<u32>,
    /// By column: the limits of its topic.
    column_limits: Vec<TopicLimits>,
}

/// A broker and what it holds.
#[derive(Debug, Default)]
pub(super) struct Holder {
    /// Its index in the model.
    pub(super) index: u32,
    /// Its sums.
    pub(super) totals: Totals,
    /// Their price.
    pub(super) price: f64,
    /// How far topics are outside their bands on it, in replicas and leaders.
    pub(super) topics_outside: i64,
    /// Its replicas, in no order.
    pub(super) entries: Vec<Entry>,
    /// By column: how many replicas and how many leaders of the topic.
    pub(super) topics: Vec<[u16; 2]>,
}

/// A replica on a broker, with what a look through the list needs beside it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Entry {
    pub(super) replica: u32,
    pub(super) partition: u32,
    /// The broker that it comes from, or [`NONE`].
    pub(super) home: u32,
    /// It may not move but to mend a rule about racks or sets.
    pub(super) pinned: bool,
    /// In shares of an average broker, by [`SIZES`]; for choosing candidates, never for sums.
    pub(super) sizes: [f32; 4],
}

impl<'a> Ground<'a> {
    /// The ground at a placement, as it is seen first.
    pub(super) fn new(
        task: &'a Task<'a>,
        limits: &'a Limits,
        emphasis: &'a [Goal],
        placement: &Placement,
        view: View,
    ) -> Self {
        let (column_of, column_limits) = columns(task, limits);
        Self {
            task,
            limits,
            emphasis,
            rules: Rules::new(task),
            pricing: Pricing::new(task, limits, emphasis, view, 1.0),
            view,
            broker_of: placement.broker.clone(),
            leader_of: placement.leader.clone(),
            column_of,
            column_limits,
        }
    }

    /// Looks at the actual load from here on, or at the expected one. Whether that is another one than so far.
    pub(super) fn look(&mut self, view: View, narrow: f64) -> bool {
        self.pricing = Pricing::new(self.task, self.limits, self.emphasis, view, narrow);
        std::mem::replace(&mut self.view, view) != view
    }

    /// A holder without anything.
    pub(super) fn empty_holder(&self, index: u32) -> Holder {
        Holder { index, topics: vec![[0; 2]; self.column_limits.len()], ..Holder::default() }
    }

    /// What a replica adds to its broker.
    pub(super) fn amounts(&self, replica: u32) -> Totals {
        let partition = self.task.model.replicas[replica as usize].partition;
        amounts(self.task, self.view, replica, self.leader_of[partition as usize] == replica)
    }

    /// Whether a replica leads.
    pub(super) fn leads(&self, entry: &Entry) -> bool {
        self.leader_of[entry.partition as usize] == entry.replica
    }

    /// Whether a holder may have a replica: one that leads needs a broker that may.
    pub(super) fn may_hold(&self, entry: &Entry, holder: &Holder) -> bool {
        self.view == View::Expected
            || !self.leads(entry)
            || self.task.roles[holder.index as usize].leads
    }

    /// The price of a holder: of its totals, and of what topics have too much or too little of on it.
    pub(super) fn price(&self, holder: &Holder) -> f64 {
        holder.price + holder.topics_outside as f64 * self.pricing.topic
    }

    /// How far the replicas and leaders of a topic are outside their bands on a broker. A leader that has to be there
    /// weighs as much as a thousand.
    fn outside(&self, broker: u32, column: usize, [replicas, leaders]: [u16; 2]) -> i64 {
        let role = self.task.roles[broker as usize];
        let limits = &self.column_limits[column];
        let beyond = |count: u16, held: bool, (low, high): (u32, u32)| {
            let count = u32::from(count);
            i64::from(count.saturating_sub(high))
                + if held { i64::from(low.saturating_sub(count)) } else { 0 }
        };
        let mut outside = beyond(replicas, role.counted, limits.replicas);
        if self.view == View::Actual {
            outside += beyond(leaders, role.counted && role.leads, limits.leaders);
            if role.counted && role.leads {
                outside +=
                    MIN_LEADERS * i64::from(limits.min_leaders.saturating_sub(u32::from(leaders)));
            }
        }
        outside
    }

    /// What a replica that leaves, or stops leading, changes for its topic on a holder.
    fn outside_change(&self, holder: &Holder, column: usize, replicas: i32, leaders: i32) -> i64 {
        let counts = holder.topics[column];
        let after = [
            counts[0].saturating_add_signed(replicas as i16),
            counts[1].saturating_add_signed(leaders as i16),
        ];
        self.outside(holder.index, column, after) - self.outside(holder.index, column, counts)
    }

    /// The column of a partition's topic.
    pub(super) fn column(&self, partition: u32) -> Option<usize> {
        let column = self.column_of[self.task.model.partitions[partition as usize].topic as usize];
        (column != NONE).then_some(column as usize)
    }

    /// What copying costs when a replica goes: nothing between two foreign brokers, and back home it is refunded.
    pub(super) fn copy_price(&self, replica: u32, home: u32, from: u32, to: u32) -> f64 {
        if home == NONE || (home != from && home != to) {
            return 0.0;
        }
        let disk = self.task.model.replicas[replica as usize].load[Resource::Disk as usize];
        let price = disk as f64 * self.pricing.byte + self.pricing.replica;
        if home == to { -price } else { price }
    }

    /// The change of price on a holder that a replica leaves. A replica without a place leaves nobody.
    pub(super) fn departure(&self, replica: u32, from: Option<&Holder>) -> Departure {
        let partition = self.task.model.replicas[replica as usize].partition;
        let amounts = self.amounts(replica);
        let leads = self.view == View::Actual && self.leader_of[partition as usize] == replica;
        let column = self.column(partition);
        let at = from.map_or(NONE, |from| from.index);
        let mut departure = Departure { replica, from: at, amounts, leads, column, delta: 0.0 };
        if let Some(from) = from {
            departure.delta =
                self.pricing.price(from.index, &minus(&from.totals, &amounts)) - from.price;
            if let Some(column) = column {
                let outside = self.outside_change(from, column, -1, -i32::from(leads));
                departure.delta += outside as f64 * self.pricing.topic;
                if outside >= MIN_LEADERS {
                    departure.delta = f64::INFINITY;
                }
            }
        }
        departure
    }

    /// The change of price on a holder that a replica comes to; none if a hard limit forbids it.
    fn arrival(&self, departure: &Departure, to: &Holder) -> Option<f64> {
        let after = plus(&to.totals, &departure.amounts);
        if !self.pricing.allows(to.index, &to.totals, &after)
            || (departure.leads && !self.task.roles[to.index as usize].leads)
        {
            return None;
        }
        let mut delta = self.pricing.price(to.index, &after) - to.price;
        if let Some(column) = departure.column {
            let outside = self.outside_change(to, column, 1, i32::from(departure.leads));
            delta += outside as f64 * self.pricing.topic;
        }
        Some(delta)
    }

    /// What a place is good for, if it costs less than this much, copying included, and neither a limit nor a rule
    /// forbids it.
    pub(super) fn offer(
        &self,
        departure: &Departure,
        to: &Holder,
        worth: Option<f64>,
        care: Care,
    ) -> Option<Offer> {
        let replica = departure.replica;
        let home = self.task.model.replicas[replica as usize].broker;
        let arrival = self.arrival(departure, to)?;
        let copy = self.copy_price(replica, home, departure.from, to.index);
        let price = departure.delta + arrival + copy;
        if worth.is_some_and(|worth| price >= worth) {
            return None;
        }
        // The look at the siblings is the dearest: it comes last.
        let mends = self.rules.verdict(self, replica, to.index, care)?;
        let cost = departure.delta + arrival.max(0.0) + copy;
        Some(Offer { replica, to: to.index, price, cost, mends })
    }

    /// The change of price when a replica goes from one holder to another, without the price of copying; none if a hard
    /// limit forbids it.
    pub(super) fn move_delta(&self, entry: &Entry, from: &Holder, to: &Holder) -> Option<f64> {
        let departure = self.departure(entry.replica, Some(from));
        let delta = departure.delta + self.arrival(&departure, to)?;
        delta.is_finite().then_some(delta)
    }

    /// The change of price of a move as far as its topic goes; none if a hard limit forbids it.
    pub(super) fn topics_delta(&self, entry: &Entry, from: &Holder, to: &Holder) -> Option<f64> {
        let Some(column) = self.column(entry.partition) else { return Some(0.0) };
        let leads = i32::from(self.view == View::Actual && self.leads(entry));
        let leaves = self.outside_change(from, column, -1, -leads);
        let comes = self.outside_change(to, column, 1, leads);
        (leaves < MIN_LEADERS).then(|| (leaves + comes) as f64 * self.pricing.topic)
    }

    /// Topics that a broker has too many or too few replicas of, or too few leaders to do without another replica, and
    /// whether they are too many.
    pub(super) fn topics_outside(&self, holder: &Holder) -> impl Iterator<Item = (u32, bool)> {
        let role = self.task.roles[holder.index as usize];
        let columns = if holder.topics_outside == 0 { &[] } else { &self.column_of[..] };
        columns.iter().enumerate().filter(|(_, column)| **column != NONE).filter_map(
            move |(topic, column)| {
                let limits = &self.column_limits[*column as usize];
                let [replicas, leaders] = holder.topics[*column as usize].map(u32::from);
                let (low, high) = limits.replicas;
                let lacks = (role.counted && replicas < low)
                    || (role.counted && role.leads && leaders < limits.min_leaders);
                (replicas > high || lacks).then_some((topic as u32, replicas > high))
            },
        )
    }

    /// Whether a broker has too many replicas of a topic.
    pub(super) fn is_crowded(&self, holder: &Holder, topic: u32) -> bool {
        let column = self.column_of[topic as usize] as usize;
        holder.topics.get(column).is_some_and(|[replicas, _]| {
            u32::from(*replicas) > self.column_limits[column].replicas.1
        })
    }

    /// How many partitions of a topic a broker may lead; none if no broker can lead more.
    pub(super) fn most_leaders(&self, topic: u32) -> Option<u32> {
        let column = self.column_of[topic as usize];
        (column != NONE).then(|| self.column_limits[column as usize].leaders.1)
    }

    /// The change of price on a holder whose replica stops leading.
    pub(super) fn resignation(&self, partition: u32, old: u32, from: &Holder) -> f64 {
        let after = minus(&from.totals, &leading(self.task, old));
        let delta = self.pricing.price(from.index, &after) - from.price;
        match self.column(partition) {
            Some(column) => {
                delta + self.outside_change(from, column, 0, -1) as f64 * self.pricing.topic
            }
            None => delta,
        }
    }

    /// The change of price on a holder whose replica starts to lead; none if a hard limit forbids it, or if it takes more
    /// than `worth`.
    pub(super) fn election(
        &self,
        partition: u32,
        new: u32,
        to: &Holder,
        worth: f64,
    ) -> Option<f64> {
        let after = plus(&to.totals, &leading(self.task, new));
        let delta = self.pricing.price(to.index, &after) - to.price;
        // The counts of topics are far apart in memory: where none is outside its band, they can only get worse.
        if (delta >= worth && to.topics_outside == 0)
            || !self.pricing.allows(to.index, &to.totals, &after)
        {
            return None;
        }
        let Some(column) = self.column(partition) else { return Some(delta) };
        Some(delta + self.outside_change(to, column, 0, 1) as f64 * self.pricing.topic)
    }

    /// Books a replica that comes to a holder or leaves it, and what it is there for.
    pub(super) fn book(&self, holder: &mut Holder, entry: &Entry, comes: bool) {
        let amounts = self.amounts(entry.replica);
        let leads = i32::from(self.leads(entry));
        let sign = if comes { 1 } else { -1 };
        if let Some(column) = self.column(entry.partition) {
            self.book_topic(holder, column, sign, sign * leads);
        }
        holder.totals =
            if comes { plus(&holder.totals, &amounts) } else { minus(&holder.totals, &amounts) };
        holder.price = self.pricing.price(holder.index, &holder.totals);
    }

    /// Books a replica that starts to lead on a holder, or stops.
    pub(super) fn book_lead(&self, holder: &mut Holder, replica: u32, starts: bool) {
        let partition = self.task.model.replicas[replica as usize].partition;
        if let Some(column) = self.column(partition) {
            self.book_topic(holder, column, 0, if starts { 1 } else { -1 });
        }
        let amounts = leading(self.task, replica);
        holder.totals =
            if starts { plus(&holder.totals, &amounts) } else { minus(&holder.totals, &amounts) };
        holder.price = self.pricing.price(holder.index, &holder.totals);
    }

    fn book_topic(&self, holder: &mut Holder, column: usize, replicas: i32, leaders: i32) {
        holder.topics_outside += self.outside_change(holder, column, replicas, leaders);
        let [of_replicas, of_leaders] = &mut holder.topics[column];
        *of_replicas = of_replicas.saturating_add_signed(replicas as i16);
        *of_leaders = of_leaders.saturating_add_signed(leaders as i16);
    }

    /// What a holder's list says of a replica that adds these amounts.
    pub(super) fn entry(&self, replica: u32, amounts: &Totals) -> Entry {
        let share = self.pricing.share;
        Entry {
            replica,
            partition: self.task.model.replicas[replica as usize].partition,
            home: self.task.model.replicas[replica as usize].broker,
            pinned: !self.task.is_movable(replica),
            sizes: SIZES.map(|dimension| (amounts[dimension] as f64 / share[dimension]) as f32),
        }
    }

    /// Prices a holder anew.
    pub(super) fn price_anew(&self, holder: &mut Holder) {
        holder.price = self.pricing.price(holder.index, &holder.totals);
        holder.topics_outside = holder
            .topics
            .iter()
            .enumerate()
            .map(|(column, counts)| self.outside(holder.index, column, *counts))
            .sum();
    }
}

/// A replica on its way, and what its leaving changes.
pub(super) struct Departure {
    replica: u32,
    /// Its broker, or [`NONE`].
    from: u32,
    amounts: Totals,
    leads: bool,
    column: Option<usize>,
    delta: f64,
}

/// A place for a replica on its way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Offer {
    pub(super) replica: u32,
    pub(super) to: u32,
    /// The change of price, copying included.
    pub(super) price: f64,
    /// The same, but for what its new broker gains: that another replica could give, too.
    pub(super) cost: f64,
    /// How many rules it mends.
    pub(super) mends: u32,
}

/// What leading adds to what a replica costs.
fn leading(task: &Task<'_>, replica: u32) -> Totals {
    let replica = &task.model.replicas[replica as usize];
    let extra = &task.model.partitions[replica.partition as usize].leader_extra;
    let mut totals = [0; DIMENSIONS];
    totals[..RESOURCES].copy_from_slice(extra);
    totals[LEADERS] = 1;
    let network_in = Resource::NetworkIn as usize;
    totals[LEADER_IN] = replica.load[network_in] + extra[network_in];
    totals
}

fn plus(totals: &Totals, amounts: &Totals) -> Totals {
    std::array::from_fn(|dimension| totals[dimension] + amounts[dimension])
}

fn minus(totals: &Totals, amounts: &Totals) -> Totals {
    std::array::from_fn(|dimension| totals[dimension] - amounts[dimension])
}

/// The topics that can leave their bands: a topic with fewer replicas than one broker may have of it never can.
fn columns(task: &Task<'_>, limits: &Limits) -> (Vec<u32>, Vec<TopicLimits>) {
    let mut columns = Vec::new();
    let column_of = task
        .model
        .topics
        .iter()
        .zip(&limits.topics)
        .enumerate()
        .map(|(topic, (entry, limits))| {
            let replicas: u32 = task
                .model
                .partitions_of(topic as u32)
                .map(|p| task.model.partitions[p as usize].replicas)
                .sum();
            let needed = replicas > limits.replicas.1
                || limits.replicas.0 > 0
                || entry.partitions > limits.leaders.1
                || limits.leaders.0 > 0
                || limits.min_leaders > 0;
            if !needed {
                return NONE;
            }
            columns.push(*limits);
            columns.len() as u32 - 1
        })
        .collect();
    (column_of, columns)
}
