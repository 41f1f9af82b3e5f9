//! Against the crate `kafka-protocol`: what Kafka wrote, both codecs read and write alike.

use std::collections::BTreeSet;

use bytes::{Bytes, BytesMut};
use kafka_protocol::messages::{ApiKey as TheirKey, RequestKind, ResponseKind};
use taffrail_protocol::ApiKey;
use taffrail_protocol::catalogue::Entry;

use crate::samples::{self, Sample, to_hex};

/// The other codec's request, or response, of the sample's kind, if the kind has the very same versions.
fn counterpart(sample: &Sample) -> Option<(TheirKey, bool)> {
    let is_request = sample.name.ends_with("Request");
    let name =
        sample.name.strip_suffix("Request").or_else(|| sample.name.strip_suffix("Response"))?;
    let ours = *ApiKey::ALL.iter().find(|key| key.name() == name)?;
    let entry = Entry::named(&sample.name)?;
    let theirs = TheirKey::try_from(ours.code()).ok()?;
    let versions = theirs.valid_versions();
    (versions.min == entry.min_version && versions.max == entry.max_version)
        .then_some((theirs, is_request))
}

/// Reads and writes the sample with the other codec. `None` when it doesn't have that version after all:
/// it leaves out the latest version of some requests whose kind, as it says, has it.
fn through(key: TheirKey, is_request: bool, sample: &Sample) -> Option<Bytes> {
    let mut bytes = sample.bytes.clone();
    let mut out = BytesMut::new();
    let version = sample.version;
    let written = if is_request {
        RequestKind::decode(key, &mut bytes, version)
            .and_then(|message| message.encode(&mut out, version))
    } else {
        ResponseKind::decode(key, &mut bytes, version)
            .and_then(|message| message.encode(&mut out, version))
    };
    match written.map_err(|error| format!("{error:#}")) {
        Ok(()) => Some(out.freeze()),
        Err(error) if error.contains("version not supported") => None,
        Err(error) => panic!("{error}: {}", context(sample)),
    }
}

fn context(sample: &Sample) -> String {
    format!("{} version {}: {}", sample.name, sample.version, to_hex(&sample.bytes))
}

#[test]
fn both_codecs_write_the_same_bytes() {
    let mut names = BTreeSet::new();
    let mut compared = 0;
    for sample in samples::all() {
        let Some((key, is_request)) = counterpart(&sample) else {
            continue;
        };
        let Some(theirs) = through(key, is_request, &sample) else {
            continue;
        };
        let ours = Entry::named(&sample.name)
            .expect("known")
            .rewrite(sample.bytes.clone(), sample.version)
            .expect("ours reads it")
            .encoded
            .expect("ours writes it");
        assert_eq!(to_hex(&theirs), to_hex(&ours), "{}", context(&sample));
        names.insert(sample.name);
        compared += 1;
    }
    println!("{compared} samples of {} messages", names.len());
    assert!(names.len() > 100, "only {} messages were compared", names.len());
}
