//! Appends that wait.

use std::collections::VecDeque;

use taffrail_model::Offset;

use super::append::Appended;

/// Appends whose answers wait until some end has passed them, by rising last offset. A duplicate has the offsets of the
/// original, and stands beside it, however many came in between.
#[derive(Debug)]
pub(super) struct Parked<R> {
    queue: VecDeque<(Appended, R)>,
}

impl<R> Parked<R> {
    pub(super) fn new() -> Self {
        Self { queue: VecDeque::new() }
    }

    pub(super) fn park(&mut self, appended: Appended, reply: R) {
        let before =
            self.queue.partition_point(|(parked, _)| parked.last_offset <= appended.last_offset);
        self.queue.insert(before, (appended, reply));
    }

    /// Takes the next one of which all lies below `end`.
    pub(super) fn pop_below(&mut self, end: Offset) -> Option<(Appended, R)> {
        let is_below = self.queue.front().is_some_and(|(parked, _)| parked.last_offset < end);
        if is_below { self.queue.pop_front() } else { None }
    }

    /// Takes all, in order.
    pub(super) fn drain(&mut self) -> impl Iterator<Item = R> {
        self.queue.drain(..).map(|(_, reply)| reply)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parked(last_offsets: &[Offset]) -> Parked<usize> {
        let mut parked = Parked::new();
        for (reply, &last_offset) in last_offsets.iter().enumerate() {
            let appended = Appended {
                base_offset: last_offset,
                last_offset,
                log_append_time: -1,
                log_start_offset: 0,
            };
            parked.park(appended, reply);
        }
        parked
    }

    #[test]
    fn whatever_an_end_has_passed_comes_out_in_the_order_of_the_log() {
        let check = |last_offsets: &[Offset], end: Offset, expect: &[usize]| {
            let mut parked = parked(last_offsets);
            let popped: Vec<usize> =
                std::iter::from_fn(|| parked.pop_below(end)).map(|(_, reply)| reply).collect();
            assert_eq!(popped, expect, "{last_offsets:?} below {end}");
            assert_eq!(popped.len() + parked.drain().count(), last_offsets.len());
        };
        check(&[], 10, &[]);
        check(&[0, 4, 9], 0, &[]);
        check(&[0, 4, 9], 9, &[0, 1]);
        check(&[0, 4, 9], 10, &[0, 1, 2]);
        // Duplicates of the first and the second come after the third, and don't wait for it.
        check(&[0, 4, 9, 4, 0], 5, &[0, 4, 1, 3]);
    }
}
