//! Flat combining: a value behind a lock, and a queue of work for it.
//!
//! Who brings work puts it into the queue and tries the lock. Whoever has the lock does all that has gathered, in one
//! go; the others needn't wait for it.
//!
//! Architecture Invariant: no work is left behind. Everybody who had the lock, for whatever purpose, looks at the queue
//! once more after letting go: who failed to get the lock meanwhile has gone away and relies on it.

use parking_lot::Mutex;

/// A value `V` with a queue of work `W`.
#[derive(Debug)]
pub(super) struct Combining<V, W> {
    value: Mutex<V>,
    queue: Mutex<Vec<W>>,
}

impl<V, W> Combining<V, W> {
    pub(super) fn new(value: V) -> Self {
        Self { value: Mutex::new(value), queue: Mutex::new(Vec::new()) }
    }

    /// Queues `work`. It is done by `run` before this returns, or soon by whoever has the lock.
    pub(super) fn submit(&self, work: W, run: impl Fn(&mut V, Vec<W>)) {
        self.queue.lock().push(work);
        self.drain(run);
    }

    /// Does something else with the value, and then the work that came meanwhile.
    pub(super) fn with<T>(
        &self,
        action: impl FnOnce(&mut V) -> T,
        run: impl Fn(&mut V, Vec<W>),
    ) -> T {
        let result = action(&mut self.value.lock());
        self.drain(run);
        result
    }

    fn drain(&self, run: impl Fn(&mut V, Vec<W>)) {
        while !self.queue.lock().is_empty() {
            let Some(mut value) = self.value.try_lock() else { return };
            let work = std::mem::take(&mut *self.queue.lock());
            if !work.is_empty() {
                run(&mut value, work);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Barrier;
    use std::sync::atomic::{AtomicBool, Ordering};

    use super::*;

    /// The worst case: work that comes while somebody who is no worker has the lock.
    #[test]
    fn work_that_comes_while_the_lock_is_held_for_something_else_is_done() {
        let combining = Combining::new(0);
        let sum = |value: &mut i32, work: Vec<i32>| *value += work.iter().sum::<i32>();
        let (held, submitted) = (Barrier::new(2), Barrier::new(2));
        std::thread::scope(|scope| {
            scope.spawn(|| {
                combining.with(
                    |_| {
                        held.wait();
                        submitted.wait();
                    },
                    sum,
                );
            });
            held.wait();
            combining.submit(7, sum);
            submitted.wait();
        });
        assert_eq!(*combining.value.lock(), 7);
    }

    #[test]
    fn nothing_is_lost_or_done_twice_under_contention() {
        const THREADS: u64 = 4;
        const EACH: u64 = 20_000;
        let combining = Combining::new(0u64);
        let sum = |value: &mut u64, work: Vec<u64>| *value += work.iter().sum::<u64>();
        let done = AtomicBool::new(false);
        std::thread::scope(|scope| {
            let looker = scope.spawn(|| {
                while !done.load(Ordering::Relaxed) {
                    combining.with(|value| *value, sum);
                }
            });
            let workers: Vec<_> = (0..THREADS)
                .map(|_| scope.spawn(|| (0..EACH).for_each(|_| combining.submit(1, sum))))
                .collect();
            for worker in workers {
                worker.join().expect("a worker ended well");
            }
            done.store(true, Ordering::Relaxed);
            looker.join().expect("the looker ended well");
        });
        assert_eq!(*combining.value.lock(), THREADS * EACH);
    }
}
