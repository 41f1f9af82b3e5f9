//! Which replica of each new partition is the preferred leader.
//!
//! Leading is passed on along chains: broker a gives a partition to b, b another to c, as long as the last has at least
//! two fewer than the first. When no chain is left, no choice has a smaller maximum (an optimal semi-matching): what can
//! be reached from the fullest broker has as many, or one less.

use std::collections::{BTreeMap, VecDeque};

use super::brokers::Chooser;

/// Spreads leading over the brokers that have the partitions.
pub(super) fn spread(chooser: &mut Chooser<'_>) {
    let mut led: Vec<Vec<u32>> = vec![Vec::new(); chooser.leaders.len()];
    for (partition, placed) in chooser.placed.iter().enumerate() {
        led[placed.leader as usize].push(partition as u32);
    }
    let mut settled = vec![false; led.len()];
    loop {
        let open = (0..led.len()).filter(|broker| !settled[*broker] && !led[*broker].is_empty());
        let Some(fullest) = open.max_by_key(|broker| chooser.leaders[*broker]) else { return };
        match chain(chooser, &led, fullest as u32) {
            Ok(chain) => pass_on(chooser, &mut led, fullest as u32, &chain),
            // From any of these nothing is reached but these, which have as many or one less.
            Err(reached) => reached.into_iter().for_each(|broker| settled[broker as usize] = true),
        }
    }
}

/// The shortest chain from a broker to one with at least two leaders fewer: each link is a partition and who is to lead
/// it. Without one, all brokers that can be reached.
fn chain(chooser: &Chooser<'_>, led: &[Vec<u32>], first: u32) -> Result<Vec<(u32, u32)>, Vec<u32>> {
    let most = chooser.leaders[first as usize].saturating_sub(2);
    // By broker: the partition that it would get, and from whom.
    let mut from: BTreeMap<u32, (u32, u32)> = BTreeMap::new();
    let mut queue = VecDeque::from([first]);
    while let Some(giver) = queue.pop_front() {
        for partition in &led[giver as usize] {
            for taker in chooser.placed[*partition as usize].brokers.iter().copied() {
                if taker == first || from.contains_key(&taker) || !chooser.may_lead(taker) {
                    continue;
                }
                from.insert(taker, (*partition, giver));
                let fewer =
                    chooser.leaders[first as usize] >= 2 && chooser.leaders[taker as usize] <= most;
                if fewer && chooser.room.fits(taker, &chooser.on_top) {
                    return Ok(back(&from, first, taker));
                }
                queue.push_back(taker);
            }
        }
    }
    Err(from.into_keys().chain([first]).collect())
}

fn back(from: &BTreeMap<u32, (u32, u32)>, first: u32, last: u32) -> Vec<(u32, u32)> {
    let mut links = Vec::new();
    let mut taker = last;
    while taker != first {
        let Some((partition, giver)) = from.get(&taker) else { break };
        links.push((*partition, taker));
        taker = *giver;
    }
    links
}

fn pass_on(chooser: &mut Chooser<'_>, led: &mut [Vec<u32>], first: u32, chain: &[(u32, u32)]) {
    for (partition, taker) in chain {
        let placed = &mut chooser.placed[*partition as usize];
        led[placed.leader as usize].retain(|other| other != partition);
        placed.leader = *taker;
        led[*taker as usize].push(*partition);
    }
    if let Some((_, last)) = chain.first() {
        let given = chooser.on_top.map(|amount| -amount);
        chooser.room.put(first, &given);
        chooser.room.put(*last, &chooser.on_top);
        chooser.leaders[first as usize] -= 1;
        chooser.leaders[*last as usize] += 1;
    }
}
