//! For every message and version: what the schema allows is read whole, and written as it was.

use std::path::Path;

use bytes::Bytes;
use proptest::collection::vec;
use proptest::prelude::any;
use proptest::test_runner::{Config, TestCaseError, TestRunner};
use taffrail_protocol::catalogue::Entry;
use taffrail_protocol_generator::schema::Family;

use crate::samples::to_hex;
use crate::wire_values::{Choices, Writer};

const CASES: u32 = 24;

#[test]
fn what_the_schema_allows_round_trips() {
    let schema = Path::new(env!("CARGO_MANIFEST_DIR")).join("schema");
    let families = Family::read_all(&schema).expect("the schema");
    for message in families.iter().flat_map(|family| &family.messages) {
        let entry = Entry::named(&message.name).expect("every message is in the catalogue");
        for version in message.versions.low..=message.versions.high {
            let mut runner = TestRunner::new(Config {
                cases: CASES,
                failure_persistence: None,
                ..Config::default()
            });
            let writer = Writer { message, version };
            let outcome = runner.run(&vec(any::<u8>(), 0..400), |choices| {
                let bytes = writer.message(&mut Choices::new(&choices));
                let fail =
                    |error: String| TestCaseError::fail(format!("{error}: {}", to_hex(&bytes)));
                let rewritten = entry
                    .rewrite(Bytes::copy_from_slice(&bytes), version)
                    .map_err(|error| fail(error.to_string()))?;
                if rewritten.left_over != 0 {
                    return Err(fail(format!("{} bytes left over", rewritten.left_over)));
                }
                let encoded = rewritten.encoded.map_err(|error| fail(error.to_string()))?;
                if encoded != bytes {
                    return Err(fail(format!("written as {}", to_hex(&encoded))));
                }
                Ok(())
            });
            if let Err(error) = outcome {
                panic!("{} version {version}: {error}", message.name);
            }
        }
    }
}
