//! Memory for requests, bounded for all connections together.

use std::sync::Arc;

use prometheus_client::metrics::gauge::Gauge;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

/// Bytes that requests may hold, from the moment that room is made for them until their reply is
/// written. Who finds none waits, and so does the peer, whose socket isn't read meanwhile.
///
/// Requests grow while they arrive, so that many half-read ones could wait for each other for ever. One
/// request at a time may therefore go on without being charged: what is held in all is at most the
/// budget and one request more.
#[derive(Clone, Debug)]
pub(crate) struct ByteBudget {
    bytes: Arc<Semaphore>,
    overdraft: Arc<Semaphore>,
    held: Gauge,
}

impl ByteBudget {
    /// A budget of so many bytes; `held` shows what is taken.
    pub(crate) fn new(bytes: u64, held: Gauge) -> Self {
        let bytes = usize::try_from(bytes).unwrap_or(usize::MAX);
        Self {
            bytes: Arc::new(Semaphore::new(bytes.min(Semaphore::MAX_PERMITS))),
            overdraft: Arc::new(Semaphore::new(1)),
            held,
        }
    }

    /// A charge of nothing yet.
    pub(crate) fn open(&self) -> Charge {
        Charge { budget: self.clone(), permits: None, overdraft: None, bytes: 0 }
    }
}

/// What one request holds of a [`ByteBudget`]. Dropping it gives all of it back.
#[derive(Debug)]
pub(crate) struct Charge {
    budget: ByteBudget,
    permits: Option<OwnedSemaphorePermit>,
    overdraft: Option<OwnedSemaphorePermit>,
    bytes: u32,
}

impl Charge {
    /// Takes `bytes` more, and waits while there aren't as many.
    pub(crate) async fn grow(&mut self, bytes: u32) {
        if self.overdraft.is_none() {
            let budget = &self.budget;
            match Arc::clone(&budget.bytes).try_acquire_many_owned(bytes) {
                Ok(permit) => self.keep(permit),
                Err(_) => {
                    // Neither semaphore is ever closed, so that neither branch can fail.
                    tokio::select! {
                        biased;
                        Ok(permit) = Arc::clone(&budget.bytes).acquire_many_owned(bytes) => {
                            self.keep(permit);
                        }
                        Ok(permit) = Arc::clone(&budget.overdraft).acquire_owned() => {
                            self.overdraft = Some(permit);
                        }
                        else => {}
                    }
                }
            }
        }
        self.bytes = self.bytes.saturating_add(bytes);
        self.budget.held.inc_by(i64::from(bytes));
    }

    fn keep(&mut self, permit: OwnedSemaphorePermit) {
        match &mut self.permits {
            Some(permits) => permits.merge(permit),
            none => *none = Some(permit),
        }
    }
}

impl Drop for Charge {
    fn drop(&mut self) {
        self.budget.held.dec_by(i64::from(self.bytes));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_request_may_overdraw_and_the_next_waits() {
        let held = Gauge::default();
        let budget = ByteBudget::new(100, held.clone());
        let mut first = budget.open();
        first.grow(60).await;
        let mut second = budget.open();
        second.grow(60).await;
        second.grow(1_000).await;
        assert_eq!(held.get(), 1_120);

        let mut third = budget.open();
        {
            let mut waiting = std::pin::pin!(third.grow(60));
            let polled = futures_poll_once(waiting.as_mut()).await;
            assert!(!polled, "neither budget nor overdraft is left");
            drop(first);
            waiting.await;
        }
        drop((second, third));
        assert_eq!(held.get(), 0);
        assert_eq!(budget.bytes.available_permits(), 100);
        assert_eq!(budget.overdraft.available_permits(), 1);
    }

    #[tokio::test]
    async fn a_waiter_that_gives_up_takes_nothing() {
        let budget = ByteBudget::new(10, Gauge::default());
        let mut holder = budget.open();
        holder.grow(10).await;
        let mut overdrawn = budget.open();
        overdrawn.grow(1).await;
        {
            let mut gone = budget.open();
            let waiting = std::pin::pin!(gone.grow(5));
            assert!(!futures_poll_once(waiting).await);
        }
        drop((holder, overdrawn));
        assert_eq!(budget.bytes.available_permits(), 10);
    }

    /// Polls once; whether the future was ready.
    async fn futures_poll_once(mut future: std::pin::Pin<&mut impl Future<Output = ()>>) -> bool {
        std::future::poll_fn(|cx| std::task::Poll::Ready(future.as_mut().poll(cx).is_ready())).await
    }
}
