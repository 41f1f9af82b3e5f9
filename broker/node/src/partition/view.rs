//! What readers may know of a partition without its lock.

use std::sync::atomic::{AtomicBool, AtomicI32, AtomicI64, AtomicU64, Ordering, fence};

use taffrail_model::{LeaderEpoch, Offset};

/// A partition's published numbers at one moment.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ViewState {
    /// Whether this node leads the partition.
    pub leading: bool,
    /// The epoch of the last assignment.
    pub leader_epoch: LeaderEpoch,
    /// The first offset that may be read.
    pub log_start: Offset,
    /// All before it is on every in-sync replica.
    pub high_watermark: Offset,
    /// All before it belongs to no open transaction. An exclusive bound.
    pub last_stable: Offset,
    /// The offset that the next record gets.
    pub log_end: Offset,
}

/// A sequence lock over [`ViewState`]: one writer (whoever holds the partition's lock), which never waits, and any number of
/// readers, which look again while an update is under way and so never see half of one.
#[derive(Debug)]
pub struct View {
    /// Odd while an update is under way.
    sequence: AtomicU64,
    leading: AtomicBool,
    leader_epoch: AtomicI32,
    log_start: AtomicI64,
    high_watermark: AtomicI64,
    last_stable: AtomicI64,
    log_end: AtomicI64,
}

impl View {
    /// A view that shows `state`.
    #[must_use]
    pub fn new(state: ViewState) -> Self {
        Self {
            sequence: AtomicU64::new(0),
            leading: AtomicBool::new(state.leading),
            leader_epoch: AtomicI32::new(state.leader_epoch),
            log_start: AtomicI64::new(state.log_start),
            high_watermark: AtomicI64::new(state.high_watermark),
            last_stable: AtomicI64::new(state.last_stable),
            log_end: AtomicI64::new(state.log_end),
        }
    }

    /// Shows `state` from now on. Only the holder of the partition's lock may call it.
    pub(super) fn publish(&self, state: ViewState) {
        let sequence = self.sequence.load(Ordering::Relaxed);
        self.sequence.store(sequence.wrapping_add(1), Ordering::Relaxed);
        // Readers that see one of the stores below must also see the odd sequence above.
        fence(Ordering::Release);
        self.leading.store(state.leading, Ordering::Relaxed);
        self.leader_epoch.store(state.leader_epoch, Ordering::Relaxed);
        self.log_start.store(state.log_start, Ordering::Relaxed);
        self.high_watermark.store(state.high_watermark, Ordering::Relaxed);
        self.last_stable.store(state.last_stable, Ordering::Relaxed);
        self.log_end.store(state.log_end, Ordering::Relaxed);
        self.sequence.store(sequence.wrapping_add(2), Ordering::Release);
    }

    /// The numbers of one moment.
    #[must_use]
    pub fn load(&self) -> ViewState {
        loop {
            let before = self.sequence.load(Ordering::Acquire);
            let state = ViewState {
                leading: self.leading.load(Ordering::Relaxed),
                leader_epoch: self.leader_epoch.load(Ordering::Relaxed),
                log_start: self.log_start.load(Ordering::Relaxed),
                high_watermark: self.high_watermark.load(Ordering::Relaxed),
                last_stable: self.last_stable.load(Ordering::Relaxed),
                log_end: self.log_end.load(Ordering::Relaxed),
            };
            // The loads above must not move below the second look at the sequence.
            fence(Ordering::Acquire);
            if before.is_multiple_of(2) && self.sequence.load(Ordering::Relaxed) == before {
                return state;
            }
            std::hint::spin_loop();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(n: i64) -> ViewState {
        ViewState {
            leading: n % 2 == 0,
            leader_epoch: i32::try_from(n).unwrap_or(0),
            log_start: n,
            high_watermark: n,
            last_stable: n,
            log_end: n,
        }
    }

    #[test]
    #[expect(clippy::disallowed_methods, reason = "the readers of a view run on other threads")]
    fn readers_never_see_half_of_an_update() {
        let view = std::sync::Arc::new(View::new(at(0)));
        let reader = {
            let view = std::sync::Arc::clone(&view);
            std::thread::spawn(move || {
                let mut last = 0;
                while last < 20_000 {
                    let state = view.load();
                    assert_eq!(state, at(state.log_end));
                    assert!(state.log_end >= last);
                    last = state.log_end;
                }
            })
        };
        for n in 1..=20_000 {
            view.publish(at(n));
        }
        reader.join().expect("the reader saw whole updates only");
    }
}
