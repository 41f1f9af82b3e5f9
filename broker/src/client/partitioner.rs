//! Which partition a record goes to.

use taffrail_model::PartitionIndex;

/// The partition, of `partitions`, that Java's clients give a key: so one key's records stay together,
/// whichever client writes them.
pub(super) fn partition_of_key(key: &[u8], partitions: i32) -> PartitionIndex {
    (murmur2(key) & i32::MAX.unsigned_abs()).cast_signed() % partitions.max(1)
}

/// MurmurHash2 in 32 bits with the seed that Kafka chose.
fn murmur2(data: &[u8]) -> u32 {
    const SEED: u32 = 0x9747_b28c;
    const M: u32 = 0x5bd1_e995;
    // Kafka's lengths have 31 bits, so nothing is lost that counts.
    let mut hash = SEED ^ data.len() as u32;
    let mut words = data.chunks_exact(4);
    for word in &mut words {
        let mut k = word.iter().rev().fold(0, |k, &byte| k << 8 | u32::from(byte));
        k = k.wrapping_mul(M);
        k ^= k >> 24;
        hash = hash.wrapping_mul(M) ^ k.wrapping_mul(M);
    }
    let rest = words.remainder();
    if !rest.is_empty() {
        hash ^= rest.iter().rev().fold(0, |k, &byte| k << 8 | u32::from(byte));
        hash = hash.wrapping_mul(M);
    }
    hash ^= hash >> 13;
    hash = hash.wrapping_mul(M);
    hash ^ hash >> 15
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The vectors of Kafka's `UtilsTest.testMurmur2`.
    #[test]
    fn hashes_as_kafka_does() {
        let check = |key: &str, expect: i32| {
            assert_eq!(murmur2(key.as_bytes()).cast_signed(), expect, "{key}");
        };
        check("21", -973_932_308);
        check("foobar", -790_332_482);
        check("a-little-bit-long-string", -985_981_536);
        check("a-little-bit-longer-string", -1_486_304_829);
        check("lkjh234lh9fiuh90y23oiuhsafujhadof229phr9h19h89h8", -58_897_971);
        check("abc", 479_470_107);
    }

    #[test]
    fn partitions_are_in_range() {
        for key in 0..1_000u32 {
            assert!((0..7).contains(&partition_of_key(&key.to_be_bytes(), 7)));
        }
        assert_eq!(partition_of_key(b"any", 0), 0);
    }
}
