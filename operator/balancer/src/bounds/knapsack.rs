//! The continuous knapsack: the least weight that covers a need.

use std::cmp::Ordering;

/// Something that can be taken, whole or in part.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    /// What taking it costs.
    pub(super) weight: i64,
    /// What it covers; above 0.
    pub(super) amount: i64,
}

impl Item {
    /// The cheapest cover first.
    fn by_price(&self, other: &Self) -> Ordering {
        product(self.weight, other.amount).cmp(&product(other.weight, self.amount))
    }
}

fn product(left: i64, right: i64) -> i128 {
    i128::from(left) * i128::from(right)
}

/// What `part` of `whole` is of `amount`, rounded up.
pub(super) fn share_up(amount: i64, part: i64, whole: i64) -> i64 {
    // A quotient is no more than `amount` as long as `part` is no more than `whole`.
    ((product(amount, part) + i128::from(whole - 1)) / i128::from(whole)) as i64
}

/// A weight that is enough to cover a need, seldom far from the least: the same part of all items that are cheaper than
/// the average, then of the rest. `whole` is the sum of the items, and covers the need.
pub(super) fn enough(items: impl Iterator<Item = Item>, whole: Item, need: i64) -> i64 {
    let mut cheap = Item { weight: 0, amount: 0 };
    for item in items.filter(|item| item.by_price(&whole).is_lt()) {
        cheap.weight += item.weight;
        cheap.amount += item.amount;
    }
    if cheap.amount >= need {
        share_up(cheap.weight, need, cheap.amount)
    } else {
        cheap.weight
            + share_up(
                whole.weight - cheap.weight,
                need - cheap.amount,
                whole.amount - cheap.amount,
            )
    }
}

/// The least weight, rounded up, of items that cover a need above 0; `None` if all of them don't.
///
/// A selection by halves: linear, where sorting isn't.
pub(super) fn knapsack(items: &mut [Item], need: i64) -> Option<i64> {
    if items.iter().map(|item| item.amount).sum::<i64>() < need {
        return None;
    }
    let (mut rest, mut need, mut weight) = (items, need, 0);
    while rest.len() > 1 {
        let half = rest.len() / 2;
        rest.select_nth_unstable_by(half, Item::by_price);
        let (cheap, dear) = rest.split_at_mut(half);
        let amount: i64 = cheap.iter().map(|item| item.amount).sum();
        if amount >= need {
            rest = cheap;
        } else {
            need -= amount;
            weight += cheap.iter().map(|item| item.weight).sum::<i64>();
            rest = dear;
        }
    }
    rest.first().map(|last| weight + share_up(last.weight, need, last.amount))
}

/// The largest of many amounts, and how many of them cover a need.
///
/// Needs are small beside the whole as a rule: only as many amounts are put in order as the largest need takes.
pub(super) struct Top {
    amounts: Vec<i64>,
    /// Sums of the largest one, two, ...
    sums: Vec<i64>,
}

impl Top {
    const FIRST: usize = 1024;

    pub(super) fn new(amounts: Vec<i64>) -> Self {
        Self { amounts, sums: Vec::new() }
    }

    /// How many of the largest amounts cover a need; `None` if all of them don't.
    pub(super) fn cover(&mut self, need: i64) -> Option<i64> {
        while self.sums.last().is_none_or(|sum| *sum < need) && self.sums.len() < self.amounts.len()
        {
            let count = (self.sums.len() * 4).max(Self::FIRST).min(self.amounts.len());
            if count < self.amounts.len() {
                self.amounts.select_nth_unstable_by(count, |left, right| right.cmp(left));
            }
            self.amounts[..count].sort_unstable_by(|left, right| right.cmp(left));
            self.sums = self.amounts[..count]
                .iter()
                .scan(0, |sum, amount| {
                    *sum += amount;
                    Some(*sum)
                })
                .collect();
        }
        let count = self.sums.partition_point(|sum| *sum < need);
        (count < self.sums.len()).then_some(count as i64 + 1)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(items: &[(i64, i64)], need: i64, expect: Option<i64>) {
        let mut items: Vec<Item> =
            items.iter().map(|&(weight, amount)| Item { weight, amount }).collect();
        let whole = Item {
            weight: items.iter().map(|item| item.weight).sum(),
            amount: items.iter().map(|item| item.amount).sum(),
        };
        if let Some(least) = expect {
            assert!(enough(items.iter().copied(), whole, need) >= least, "{items:?} for {need}");
        }
        assert_eq!(knapsack(&mut items, need), expect, "{items:?} for {need}");
    }

    #[test]
    fn covers_at_the_least_weight() {
        check(&[], 1, None);
        check(&[(5, 4)], 5, None);
        check(&[(5, 4)], 4, Some(5));
        check(&[(5, 4)], 1, Some(2));
        check(&[(0, 4), (9, 3)], 4, Some(0));
        check(&[(0, 4), (9, 3)], 5, Some(3));
        check(&[(1, 1), (1, 5), (1, 3), (1, 2)], 9, Some(3));
        check(&[(7, 1), (2, 1), (5, 1)], 2, Some(7));
        check(&[(i64::MAX >> 10, i64::MAX >> 10)], i64::MAX >> 11, Some(i64::MAX >> 11));
    }

    #[test]
    fn counts_the_largest() {
        let mut top = Top::new((1..=5000).collect());
        assert_eq!(top.cover(1), Some(1));
        assert_eq!(top.cover(5000), Some(1));
        assert_eq!(top.cover(5001), Some(2));
        assert_eq!(top.cover(5000 * 5001 / 2), Some(5000));
        assert_eq!(top.cover(5000 * 5001 / 2 + 1), None);
        assert_eq!(Top::new(Vec::new()).cover(1), None);
    }
}
