//! How long a frame may take on the wire.

use std::time::Duration;

use tokio::time::Instant;

/// Bytes that earn a transfer one second more. Any real link is faster; who is slower holds memory and a
/// connection for nothing.
const SLOWEST_BYTES_PER_SECOND: u64 = 16 * 1024;

/// Stands for no end at all, where a timeout is beyond what a clock can say.
const FAR_AWAY: Duration = Duration::from_secs(365 * 24 * 3600);

/// The end of one frame's transfer. Silence for as long as the timeout ends it; and so does a trickle,
/// since the whole may take the timeout and a second more for each 16 KiB that moved. It follows what has
/// moved and not what was announced, so that a lie about the length earns nothing.
#[derive(Clone, Copy, Debug)]
pub(super) struct TransferDeadline {
    start: Instant,
    last_moved: Instant,
    moved_bytes: u64,
    timeout: Duration,
}

impl TransferDeadline {
    /// A transfer that begins now.
    pub(super) fn start(timeout: Duration) -> Self {
        let now = Instant::now();
        Self { start: now, last_moved: now, moved_bytes: 0, timeout }
    }

    /// More bytes moved.
    pub(super) fn moved(&mut self, bytes: usize) {
        self.last_moved = Instant::now();
        self.moved_bytes = self.moved_bytes.saturating_add(bytes as u64);
    }

    /// When the transfer has to be over, or further on.
    pub(super) fn end(&self) -> Instant {
        let earned = Duration::from_secs(self.moved_bytes / SLOWEST_BYTES_PER_SECOND);
        let silence = self.last_moved.checked_add(self.timeout);
        let trickle = self.start.checked_add(self.timeout.saturating_add(earned));
        let end = silence.into_iter().chain(trickle).min();
        end.unwrap_or_else(|| self.start + FAR_AWAY)
    }

    /// Leaves out the time since `before`, which was spent waiting for something that isn't the peer's
    /// fault.
    pub(super) fn forgive_since(&mut self, before: Instant) {
        let waited = before.elapsed();
        self.start += waited;
        self.last_moved += waited;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const TIMEOUT: Duration = Duration::from_secs(30);

    /// A transfer of so many bytes that began and last moved so many seconds ago ends in so many.
    fn check(bytes: u64, began_s: u64, moved_s: u64, ends_in_s: i64) {
        let now = Instant::now() + Duration::from_secs(100_000);
        let deadline = TransferDeadline {
            start: now - Duration::from_secs(began_s),
            last_moved: now - Duration::from_secs(moved_s),
            moved_bytes: bytes,
            timeout: TIMEOUT,
        };
        let left = deadline.end().duration_since(now).as_secs().cast_signed();
        let over = now.duration_since(deadline.end()).as_secs().cast_signed();
        assert_eq!(left - over, ends_in_s);
    }

    #[test]
    fn silence_ends_it_however_much_moved() {
        check(0, 0, 0, 30);
        check(50 << 20, 5, 5, 25);
        check(50 << 20, 40, 40, -10);
    }

    #[test]
    fn a_trickle_ends_it_and_a_steady_stream_does_not() {
        check(100, 29, 0, 1);
        check(160 * 1024, 35, 0, 5);
        check(100 << 20, 1_000, 0, 30);
    }

    #[test]
    fn waiting_for_us_is_forgiven() {
        let mut deadline = TransferDeadline::start(TIMEOUT);
        let (before, end) = (deadline.start - Duration::from_secs(5), deadline.end());
        deadline.forgive_since(before);
        assert!(deadline.end() >= end + Duration::from_secs(5));
    }

    #[test]
    fn an_endless_timeout_is_far_away() {
        let deadline = TransferDeadline::start(Duration::MAX);
        assert_eq!(deadline.end(), deadline.start + FAR_AWAY);
    }
}
