//! What Apache Kafka answered: the fixtures that `tests/oracle/run` makes.

use std::io::Read;

use bytes::Bytes;
use flate2::read::GzDecoder;
use serde_json::Value;

const FIXTURES: &[u8] = include_bytes!("../fixtures/oracle.txt.gz");

/// A message as Kafka encodes it.
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) version: i16,
    pub(crate) bytes: Bytes,
    /// What Kafka's JSON converter shows; the messages of Kafka Streams have none.
    pub(crate) json: Option<Value>,
}

/// All samples, in the order of the fixtures.
pub(crate) fn all() -> Vec<Sample> {
    let mut text = String::new();
    GzDecoder::new(FIXTURES).read_to_string(&mut text).expect("the fixtures are text in gzip");
    text.lines().map(sample).collect()
}

fn sample(line: &str) -> Sample {
    let fields: Vec<&str> = line.splitn(4, '\t').collect();
    let [name, version, bytes, json] = fields.as_slice() else {
        panic!("four fields are expected: {line}");
    };
    Sample {
        name: (*name).to_owned(),
        version: version.parse().expect("a version"),
        bytes: from_hex(bytes),
        json: (*json != "-").then(|| serde_json::from_str(json).expect("JSON")),
    }
}

fn from_hex(text: &str) -> Bytes {
    text.as_bytes()
        .chunks(2)
        .map(|digits| {
            let digits = std::str::from_utf8(digits).expect("ASCII");
            u8::from_str_radix(digits, 16).expect("hexadecimal digits")
        })
        .collect()
}

/// Bytes for a failure's message.
pub(crate) fn to_hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}
