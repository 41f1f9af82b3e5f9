//! Fetches that wait for data.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::Mutex;
use tokio::sync::Notify;

/// One parked fetch. It is left with every partition that the fetch wants and woken by the first that moves.
#[derive(Debug, Default)]
pub(crate) struct Waiter {
    done: AtomicBool,
    notify: Notify,
}

impl Waiter {
    /// Waits until a partition moved. A wake-up before the call isn't lost.
    pub(crate) async fn woken(&self) {
        self.notify.notified().await;
    }

    /// Says that nobody waits any longer, so that partitions forget this waiter.
    pub(crate) fn finish(&self) {
        self.done.store(true, Ordering::Release);
    }

    fn is_done(&self) -> bool {
        self.done.load(Ordering::Acquire)
    }
}

/// The waiters of one partition.
#[derive(Debug, Default)]
pub(crate) struct Waiters {
    parked: Mutex<Vec<Arc<Waiter>>>,
}

impl Waiters {
    /// Leaves a waiter. Those that gave up since are swept when the list would grow, so that a partition without
    /// writes keeps no more of them than twice the fetches that wait.
    pub(crate) fn park(&self, waiter: &Arc<Waiter>) {
        let mut parked = self.parked.lock();
        if parked.len() == parked.capacity() {
            parked.retain(|waiter| !waiter.is_done());
        }
        parked.push(Arc::clone(waiter));
    }

    /// Wakes everybody who waits here. They stay until they are done: a fetch that wants more than came now needn't be
    /// left again.
    pub(crate) fn wake(&self) {
        let mut parked = self.parked.lock();
        parked.retain(|waiter| {
            let waits = !waiter.is_done();
            if waits {
                waiter.notify.notify_one();
            }
            waits
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_wake_up_before_the_wait_is_kept() {
        let waiters = Waiters::default();
        let waiter = Arc::new(Waiter::default());
        waiters.park(&waiter);
        waiters.wake();
        waiter.woken().await;
    }

    #[test]
    fn finished_waiters_are_swept() {
        let waiters = Waiters::default();
        for _ in 0..1_000 {
            let waiter = Arc::new(Waiter::default());
            waiters.park(&waiter);
            waiter.finish();
        }
        assert!(waiters.parked.lock().len() < 16);
    }
}
