//! Broken bytes: an error, or a message that can be written and read again. Never a panic.

use bytes::Bytes;
use proptest::prelude::*;
use taffrail_protocol::catalogue::Entry;

use crate::samples::{self, Sample, to_hex};

/// A way to break bytes, at a place that is a fraction of their length.
#[derive(Clone, Debug)]
enum Damage {
    Cut,
    Set(u8),
    Flip(u8),
    Insert(u8),
    Remove,
    /// Four bytes that may meet a length.
    Overwrite([u8; 4]),
}

fn damage() -> impl Strategy<Value = (f64, Damage)> {
    let kind = prop_oneof![
        Just(Damage::Cut),
        any::<u8>().prop_map(Damage::Set),
        (0..8u8).prop_map(|bit| Damage::Flip(1 << bit)),
        any::<u8>().prop_map(Damage::Insert),
        Just(Damage::Remove),
        prop_oneof![
            Just([0x7f, 0xff, 0xff, 0xff]),
            Just([0x80, 0, 0, 0]),
            Just([0xff, 0xff, 0xff, 0xfe]),
            Just([0xff, 0xff, 0xff, 0x0f]),
            any::<[u8; 4]>(),
        ]
        .prop_map(Damage::Overwrite),
    ];
    (0.0..1.0f64, kind)
}

fn apply(bytes: &mut Vec<u8>, place: f64, damage: &Damage) {
    let at = (bytes.len() as f64 * place) as usize;
    match damage {
        Damage::Cut => bytes.truncate(at),
        Damage::Insert(byte) => bytes.insert(at, *byte),
        _ if bytes.is_empty() => {}
        Damage::Set(byte) => bytes[at] = *byte,
        Damage::Flip(bit) => bytes[at] ^= bit,
        Damage::Remove => {
            bytes.remove(at);
        }
        Damage::Overwrite(new) => {
            for (place, byte) in bytes[at..].iter_mut().zip(new) {
                *place = *byte;
            }
        }
    }
}

/// Reads the bytes; if they are a message, it must survive writing and reading.
fn check(sample: &Sample, bytes: Vec<u8>) -> Result<(), TestCaseError> {
    let entry = Entry::named(&sample.name).expect("known");
    let context = format!("{} version {}: {}", sample.name, sample.version, to_hex(&bytes));
    let bytes = Bytes::from(bytes);
    let Ok(first) = entry.rewrite(bytes.clone(), sample.version) else {
        return Ok(());
    };
    let fail = |error: &dyn std::fmt::Display| TestCaseError::fail(format!("{error}: {context}"));
    let encoded = first.encoded.map_err(|error| fail(&error))?;
    let second = entry.rewrite(encoded.clone(), sample.version).map_err(|error| fail(&error))?;
    prop_assert_eq!(second.left_over, 0, "{}", &context);
    prop_assert_eq!(second.encoded.as_ref(), Ok(&encoded), "{}", &context);
    let debug = |bytes: Bytes| entry.read(bytes, sample.version).map(|reading| reading.debug);
    prop_assert_eq!(debug(encoded), debug(bytes), "{}", &context);
    Ok(())
}

#[test]
fn damaged_samples_are_refused_or_survive() {
    let samples = samples::all();
    proptest!(
        ProptestConfig { cases: 12, failure_persistence: None, ..ProptestConfig::default() },
        |(damages in prop::collection::vec(damage(), 1..3))| {
            for sample in &samples {
                let mut bytes = sample.bytes.to_vec();
                for (place, damage) in &damages {
                    apply(&mut bytes, *place, damage);
                }
                check(sample, bytes)?;
            }
        }
    );
}

#[test]
fn no_part_of_a_message_passes_for_the_whole() {
    for sample in samples::all() {
        let entry = Entry::named(&sample.name).expect("known");
        // All cuts of short messages, and a spread of them of long ones.
        for end in (0..sample.bytes.len()).step_by(1 + sample.bytes.len() / 40) {
            assert!(
                entry.rewrite(sample.bytes.slice(..end), sample.version).is_err(),
                "{} version {}: the first {end} bytes of {}",
                sample.name,
                sample.version,
                to_hex(&sample.bytes)
            );
        }
    }
}

#[test]
fn versions_that_do_not_exist_are_refused() {
    for entry in taffrail_protocol::catalogue::ENTRIES {
        for version in [entry.min_version - 1, entry.max_version + 1, i16::MIN, i16::MAX] {
            let zeros = Bytes::from_static(&[0; 256]);
            assert!(entry.rewrite(zeros, version).is_err(), "{} {version}", entry.name);
            assert!(entry.encode_default(version).is_err(), "{} {version}", entry.name);
        }
    }
}
