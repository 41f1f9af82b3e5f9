//! Kafka's bytes are read to Kafka's JSON, and written again as they were.

use std::collections::BTreeMap;

use taffrail_protocol::catalogue::{ENTRIES, Entry};

use crate::samples::{self, to_hex};

#[test]
fn every_sample_of_kafkas_encoders_agrees() {
    for sample in samples::all() {
        let context =
            format!("{} version {}: {}", sample.name, sample.version, to_hex(&sample.bytes));
        let entry = Entry::named(&sample.name).unwrap_or_else(|| panic!("unknown: {context}"));
        let reading = entry
            .read(sample.bytes.clone(), sample.version)
            .unwrap_or_else(|error| panic!("{error}: {context}"));
        if let Some(json) = &sample.json {
            assert_eq!(&reading.json, json, "{context}");
        }
        let rewritten = entry
            .rewrite(sample.bytes.clone(), sample.version)
            .unwrap_or_else(|error| panic!("{error}: {context}"));
        assert_eq!(rewritten.left_over, 0, "{context}");
        let encoded = rewritten.encoded.unwrap_or_else(|error| panic!("{error}: {context}"));
        assert_eq!(to_hex(&encoded), to_hex(&sample.bytes), "{context}");
    }
}

#[test]
fn no_message_or_version_is_without_samples() {
    let mut counts: BTreeMap<(String, i16), usize> = BTreeMap::new();
    for sample in samples::all() {
        *counts.entry((sample.name, sample.version)).or_default() += 1;
    }
    assert_eq!(ENTRIES.len(), 273);
    for entry in ENTRIES {
        for version in entry.min_version..=entry.max_version {
            let count = counts.remove(&(entry.name.to_owned(), version));
            assert_eq!(count, Some(9), "{} version {version}", entry.name);
        }
    }
    assert_eq!(counts, BTreeMap::new(), "versions that the schema lacks");
}

/// The first sample of each message and version is the one with all defaults.
#[test]
fn defaults_are_kafkas() {
    let mut seen = std::collections::BTreeSet::new();
    for sample in samples::all() {
        if !seen.insert((sample.name.clone(), sample.version)) {
            continue;
        }
        let entry = Entry::named(&sample.name).expect("known");
        let bytes = entry.encode_default(sample.version);
        assert_eq!(
            bytes.map(|bytes| to_hex(&bytes)),
            Ok(to_hex(&sample.bytes)),
            "{} version {}",
            sample.name,
            sample.version
        );
    }
}
