//! Java's `String.hashCode`, by which a group finds its coordinator.

/// `String.hashCode` of `text`: over its UTF-16 units, with wrapping arithmetic.
#[must_use]
pub fn java_string_hash(text: &str) -> i32 {
    text.encode_utf16()
        .fold(0, |hash: i32, unit| hash.wrapping_mul(31).wrapping_add(i32::from(unit)))
}

/// The partition, of `partitions`, that a coordinator's key (group id, transactional id) lives on.
///
/// Kafka's `Utils.abs` maps `i32::MIN` to 0; masking the sign bit instead would differ for half of all keys.
#[must_use]
pub fn partition_for_key(key: &str, partitions: i32) -> i32 {
    let hash = java_string_hash(key);
    let positive = if hash == i32::MIN { 0 } else { hash.abs() };
    positive % partitions.max(1)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hashes_as_java_does() {
        assert_eq!(java_string_hash(""), 0);
        assert_eq!(java_string_hash("abc"), 96_354);
        assert_eq!(java_string_hash("polygenelubricants"), i32::MIN);
        assert_eq!(java_string_hash("naïve 🦀"), {
            let units: Vec<u16> = "naïve 🦀".encode_utf16().collect();
            units.iter().fold(0i32, |h, &u| h.wrapping_mul(31).wrapping_add(i32::from(u)))
        });
        assert_eq!(partition_for_key("polygenelubricants", 50), 0);
        assert_eq!(partition_for_key("abc", 50), 4);
    }
}
