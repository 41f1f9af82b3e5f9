//! Who leads: free, so it is balanced as far as it goes before a single byte is moved for what it can mend.
//!
//! Every broker outside its band names the transfers of leadership that would help it most, all at once against the same
//! state; then they are made one after the other, as long as each still helps.

use crate::limits::{LEADER_IN, LEADERS};
use crate::model::{NONE, Resource};
use crate::planner::Threads;
use crate::search::ground::{Ground, Holder};
use crate::search::shed::NOTHING;
use crate::search::state::State;
use crate::task::Scope;

/// Passes at most.
const PASSES: usize = 40;
/// A pass that brings the price down by less than this part of it is the last: what is left is `finish`'s.
const WORTHWHILE: f64 = 0.1;
/// A list is looked through in windows of so many entries, another one in each pass.
const WINDOW: usize = 512;

/// Transfers that a broker names in a pass.
const PROPOSALS: usize = 64;

/// A change of leader.
#[derive(Clone, Copy, Debug)]
struct Transfer {
    delta: f64,
    partition: u32,
    to: u32,
}

/// Gives every partition that has none a leader, and takes leadership from brokers that may not lead.
pub(super) fn appoint(state: &mut State<'_>) {
    let task = state.ground.task;
    for partition in 0..task.model.partitions.len() as u32 {
        let leader = state.ground.leader_of[partition as usize];
        let fits = |state: &State<'_>, replica: u32| {
            replica != NONE && task.may_lead(replica, state.ground.broker_of[replica as usize])
        };
        if leader != NONE {
            let at = state.ground.broker_of[leader as usize];
            if task.is_online(leader, at) && !task.roles[at as usize].resigns {
                continue;
            }
        }
        let replicas = task.model.replicas_of(partition);
        let online =
            |replica: &u32| task.is_online(*replica, state.ground.broker_of[*replica as usize]);
        let candidates: Vec<u32> = if replicas.clone().any(|replica| fits(state, replica)) {
            replicas.filter(|replica| fits(state, *replica)).collect()
        } else if leader == NONE {
            // A leader where none should be is better than none.
            replicas.filter(online).collect()
        } else {
            continue;
        };
        let price = |replica: u32| {
            let to = &state.holders[state.ground.broker_of[replica as usize] as usize];
            if leader == NONE {
                return Some(state.ground.price(to));
            }
            let from = &state.holders[state.ground.broker_of[leader as usize] as usize];
            // A hard limit doesn't keep a partition without a leader: someone has to lead.
            let election = state.ground.election(partition, replica, to, f64::INFINITY);
            election
                .map(|election| election + state.ground.resignation(partition, leader, from))
                .or(Some(f64::MAX))
        };
        let best = candidates
            .into_iter()
            .filter_map(|replica| price(replica).map(|price| (price, replica)))
            .min_by(|a, b| a.0.total_cmp(&b.0));
        if let Some((_, replica)) = best {
            state.apply_lead(partition, replica);
        }
    }
}

/// Takes leadership from brokers that lead too many partitions of a topic, topic by topic.
pub(super) fn spread_topics(state: &mut State<'_>) {
    let task = state.ground.task;
    let mut led = vec![0_u32; state.holders.len()];
    for topic in 0..task.model.topics.len() as u32 {
        let Some(high) = state.ground.most_leaders(topic) else { continue };
        let broker = |state: &State<'_>, partition: u32| {
            let leader = state.ground.leader_of[partition as usize];
            if leader == NONE {
                None
            } else {
                Some(state.ground.broker_of[leader as usize] as usize)
            }
        };
        for partition in task.model.partitions_of(topic) {
            if let Some(broker) = broker(state, partition) {
                led[broker] += 1;
            }
        }
        for partition in task.model.partitions_of(topic) {
            let Some(from) = broker(state, partition).filter(|broker| led[*broker] > high) else {
                continue;
            };
            if !may_change_leader(&state.ground, partition) {
                continue;
            }
            let deltas = task.model.replicas_of(partition).filter_map(|replica| {
                delta(&state.ground, &state.holders, partition, replica)
                    .map(|delta| (delta, replica))
            });
            let best = deltas.min_by(|a, b| a.0.total_cmp(&b.0));
            if let Some((_, replica)) = best.filter(|(delta, _)| *delta < -NOTHING) {
                led[from] -= 1;
                led[state.ground.broker_of[replica as usize] as usize] += 1;
                state.apply_lead(partition, replica);
            }
        }
        led.fill(0);
    }
}

/// Balances leadership. Returns how many transfers it made.
pub(super) fn balance(state: &mut State<'_>, threads: Threads<'_>) -> usize {
    let mut made = 0;
    let mut last = f64::INFINITY;
    for pass in 0..PASSES {
        let before = made;
        let ground = &state.ground;
        let mut worst: Vec<(f64, u32)> = state
            .holders
            .iter()
            .map(|holder| (ground.price(holder), holder.index))
            .filter(|(price, _)| *price > NOTHING)
            .collect();
        worst.sort_by(|a, b| b.0.total_cmp(&a.0).then(a.1.cmp(&b.1)));
        let price: f64 = worst.iter().map(|(price, _)| price).sum();
        if price > last * (1.0 - WORTHWHILE) {
            break;
        }
        last = price;
        let holders = &state.holders;
        let propose = |(_, broker): &(f64, u32)| propose(ground, holders, *broker, pass);
        let proposals = threads.map(&worst, propose);
        for ((_, broker), transfers) in worst.iter().zip(proposals) {
            for transfer in transfers {
                if state.ground.price(&state.holders[*broker as usize]) <= NOTHING {
                    break;
                }
                if delta(&state.ground, &state.holders, transfer.partition, transfer.to)
                    .is_some_and(|delta| delta < -NOTHING)
                {
                    state.apply_lead(transfer.partition, transfer.to);
                    made += 1;
                }
            }
        }
        if made == before {
            break;
        }
    }
    made
}

/// The transfers to and from a broker that help, the best first.
fn propose(ground: &Ground<'_>, holders: &[Holder], broker: u32, pass: usize) -> Vec<Transfer> {
    let task = ground.task;
    let holder = &holders[broker as usize];
    let (gives, takes) = wishes(ground, holder);
    let length = holder.entries.len();
    let start = if length > WINDOW { (pass * WINDOW) % length } else { 0 };
    let mut transfers = Vec::new();
    let entries = holder.entries[start..].iter().chain(&holder.entries[..start]).take(WINDOW);
    for entry in entries {
        let partition = entry.partition;
        let leader = ground.leader_of[partition as usize];
        if leader == NONE || !(if leader == entry.replica { gives } else { takes }) {
            continue;
        }
        if !may_change_leader(ground, partition) {
            continue;
        }
        let resignation = ground.resignation(
            partition,
            leader,
            &holders[ground.broker_of[leader as usize] as usize],
        );
        let mut consider = |to: u32| {
            if let Some(election) = election(ground, holders, partition, to, -resignation)
                && resignation + election < -NOTHING
            {
                transfers.push(Transfer { delta: resignation + election, partition, to });
            }
        };
        if leader == entry.replica {
            for other in task.model.replicas_of(partition).filter(|other| *other != leader) {
                consider(other);
            }
        } else {
            consider(entry.replica);
        }
    }
    let best_first = |a: &Transfer, b: &Transfer| {
        a.delta.total_cmp(&b.delta).then(a.partition.cmp(&b.partition)).then(a.to.cmp(&b.to))
    };
    if transfers.len() > PROPOSALS {
        transfers.select_nth_unstable_by(PROPOSALS, best_first);
        transfers.truncate(PROPOSALS);
    }
    transfers.sort_unstable_by(best_first);
    transfers
}

/// Whether a broker should give leadership away, and whether it should take some.
fn wishes(ground: &Ground<'_>, holder: &Holder) -> (bool, bool) {
    const LED: [usize; 4] =
        [LEADERS, LEADER_IN, Resource::NetworkOut as usize, Resource::Cpu as usize];
    let (over, under) = ground.pricing.outside(holder.index, &holder.totals);
    let sum = |outside: &[f64]| LED.iter().map(|dimension| outside[*dimension]).sum::<f64>();
    let (over, under) = (sum(&over), sum(&under));
    // With both, or with topics outside their bands, the one for the other.
    let both = holder.topics_outside > 0 || (over > 0.0) == (under > 0.0);
    (both || over > 0.0, both || under > 0.0)
}

/// The change of price where a replica becomes the leader; none if it can't, or if it takes more than `worth`.
fn election(
    ground: &Ground<'_>,
    holders: &[Holder],
    partition: u32,
    to: u32,
    worth: f64,
) -> Option<f64> {
    let at = ground.broker_of[to as usize];
    if !ground.task.may_lead(to, at) {
        return None;
    }
    ground.election(partition, to, &holders[at as usize], worth)
}

/// The change of price when a replica becomes the leader; none if it can't.
fn delta(ground: &Ground<'_>, holders: &[Holder], partition: u32, to: u32) -> Option<f64> {
    let leader = ground.leader_of[partition as usize];
    if leader == to || leader == NONE {
        return None;
    }
    let from = &holders[ground.broker_of[leader as usize] as usize];
    let resignation = ground.resignation(partition, leader, from);
    election(ground, holders, partition, to, -resignation).map(|election| election + resignation)
}

/// Whether the balance may change who leads a partition.
fn may_change_leader(ground: &Ground<'_>, partition: u32) -> bool {
    let task = ground.task;
    let topic = task.model.partitions[partition as usize].topic as usize;
    if task.model.topics[topic].excluded {
        return false;
    }
    match task.scope {
        Scope::All => true,
        Scope::Leadership => task.balances_leaders(),
        Scope::Stranded => {
            task.model.replicas_of(partition).any(|replica| task.is_stranded(replica))
        }
    }
}
