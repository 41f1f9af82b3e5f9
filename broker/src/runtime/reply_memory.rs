//! Memory for records on their way to clients, bounded for all connections together.
//!
//! Architecture Invariant: nobody waits for it. A client that reads slowly holds what it was given until it has it, and
//! must not be able to keep others waiting: when memory runs short, replies become smaller.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use bytes::Bytes;
use taffrail_protocol::wire::Records;

/// What replies may hold. Cheap to clone.
#[derive(Clone, Debug)]
pub(crate) struct ReplyMemory {
    /// Below zero while single batches, which every reply may have, were larger than what was left.
    free: Arc<AtomicI64>,
}

impl ReplyMemory {
    pub(super) fn new(bytes: u64) -> Self {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        Self { free: Arc::new(AtomicI64::new(bytes)) }
    }

    /// Takes `bytes`, or what there is if that is less.
    pub(crate) fn take_up_to(&self, bytes: usize) -> ReplyCharge {
        let wanted = i64::try_from(bytes).unwrap_or(i64::MAX);
        let taken = |free: i64| wanted.min(free.max(0));
        let before = self
            .free
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, |free| Some(free - taken(free)));
        ReplyCharge { memory: self.clone(), bytes: taken(before.unwrap_or(0)) }
    }
}

/// What one reply holds of a [`ReplyMemory`]. Dropping it gives all of it back.
#[derive(Debug)]
pub(crate) struct ReplyCharge {
    memory: ReplyMemory,
    bytes: i64,
}

impl ReplyCharge {
    /// How much it is.
    pub(crate) fn bytes(&self) -> usize {
        usize::try_from(self.bytes).unwrap_or(0)
    }

    /// Holds `bytes` from now on, whether that is more or less.
    pub(crate) fn set(&mut self, bytes: usize) {
        let bytes = i64::try_from(bytes).unwrap_or(i64::MAX);
        self.memory.free.fetch_add(self.bytes - bytes, Ordering::Relaxed);
        self.bytes = bytes;
    }
}

impl Drop for ReplyCharge {
    fn drop(&mut self) {
        self.memory.free.fetch_add(self.bytes, Ordering::Relaxed);
    }
}

/// Records that hold `charge` until the last of them was written or dropped.
pub(crate) fn charged(records: Records, charge: &Arc<ReplyCharge>) -> Records {
    struct Part {
        bytes: Bytes,
        _charge: Arc<ReplyCharge>,
    }
    impl AsRef<[u8]> for Part {
        fn as_ref(&self) -> &[u8] {
            &self.bytes
        }
    }
    let part = |bytes| Bytes::from_owner(Part { bytes, _charge: Arc::clone(charge) });
    Records::from(records.into_parts().into_iter().map(part).collect::<Vec<_>>())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_left_is_given_and_comes_back() {
        let memory = ReplyMemory::new(100);
        let free = || memory.free.load(Ordering::Relaxed);
        let mut first = memory.take_up_to(70);
        let mut second = memory.take_up_to(70);
        assert_eq!((first.bytes(), second.bytes(), free()), (70, 30, 0));
        // A batch comes whole, also when nothing is left.
        second.set(90);
        assert_eq!((free(), memory.take_up_to(5).bytes()), (-60, 0));
        first.set(10);
        assert_eq!(free(), 0);
        drop((first, second));
        assert_eq!(free(), 100);
    }

    #[test]
    fn records_hold_their_charge() {
        let memory = ReplyMemory::new(100);
        let charge = Arc::new(memory.take_up_to(100));
        let parts = vec![Bytes::from_static(b"ab"), Bytes::from_static(b"c")];
        let records = charged(Records::from(parts.clone()), &charge);
        assert_eq!(records, Records::from(parts));
        drop(charge);
        let mut parts = records.into_parts();
        parts.pop();
        assert_eq!(memory.take_up_to(1).bytes(), 0);
        parts.pop();
        assert_eq!(memory.take_up_to(1).bytes(), 1);
    }
}
