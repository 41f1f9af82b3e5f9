//! The JSON that Kafka's own converters speak: for comparisons with them, and for people.

use serde_json::Value;

/// A message that can be shown as JSON, in the form of Kafka's `*JsonConverter` classes.
pub trait ToJson {
    /// The fields of this version, under Kafka's names in lower camel case. Tagged fields appear when
    /// they differ from their default; bytes are base64; record data is left out (an empty text), as
    /// Kafka does; fields that the version lacks are left out.
    fn to_json(&self, version: i16) -> Value;
}

/// Bytes as a text of padded base64.
#[must_use]
pub fn bytes_to_json(bytes: &[u8]) -> Value {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    let mut text = String::with_capacity(bytes.len().div_ceil(3) * 4);
    for group in bytes.chunks(3) {
        let bits = group
            .iter()
            .zip([16, 8, 0])
            .fold(0u32, |bits, (&byte, shift)| bits | u32::from(byte) << shift);
        for (i, shift) in [18, 12, 6, 0].into_iter().enumerate() {
            text.push(if i <= group.len() {
                char::from(ALPHABET[(bits >> shift & 63) as usize])
            } else {
                '='
            });
        }
    }
    Value::String(text)
}

/// A double; the values that JSON has no number for are texts, as Jackson writes them.
#[must_use]
pub fn double_to_json(value: f64) -> Value {
    serde_json::Number::from_f64(value).map_or_else(
        || {
            Value::String(if value.is_nan() {
                "NaN".to_owned()
            } else if value > 0.0 {
                "Infinity".to_owned()
            } else {
                "-Infinity".to_owned()
            })
        },
        Value::Number,
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_is_padded() {
        let check = |bytes: &[u8], text: &str| assert_eq!(bytes_to_json(bytes), text);
        check(b"", "");
        check(b"f", "Zg==");
        check(b"fo", "Zm8=");
        check(b"foo", "Zm9v");
        check(b"\xff\xfe\xfd\xfc", "//79/A==");
    }
}
