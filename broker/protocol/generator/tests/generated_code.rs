//! The committed code is what the generator makes of the committed schema.

#![allow(clippy::disallowed_types, clippy::disallowed_methods, reason = "tests read files")]

use std::path::Path;

use taffrail_protocol_generator::schema::Family;
use taffrail_protocol_generator::{emit, text};

fn protocol() -> &'static Path {
    Path::new(concat!(env!("CARGO_MANIFEST_DIR"), "/.."))
}

#[test]
fn the_committed_code_is_up_to_date() {
    let families = Family::read_all(&protocol().join("schema")).unwrap();
    let files = emit::formatted(&emit::files(&families).unwrap()).unwrap();
    let differing = emit::differences(&files, &protocol().join("src/generated")).unwrap();
    assert!(
        differing.is_empty(),
        "run 'cargo run -p taffrail-protocol-generator -- generate'; these differ: {differing:?}"
    );
}

#[test]
fn the_committed_schema_is_in_its_own_form() {
    for family in Family::read_all(&protocol().join("schema")).unwrap() {
        let path = protocol().join(format!("schema/{}.schema", family.name));
        let committed = std::fs::read_to_string(path).unwrap();
        let printed = format!("{}{}", text::HEAD, text::print(&family.messages));
        assert_eq!(printed, committed, "{}", family.name);
    }
}

#[test]
fn a_file_too_many_is_a_difference() {
    let dir = tempfile::tempdir().unwrap();
    let files = emit::Files::from([("a/b.rs".into(), "text".to_owned())]);
    emit::write(&files, dir.path()).unwrap();
    assert!(emit::differences(&files, dir.path()).unwrap().is_empty());
    std::fs::write(dir.path().join("a/c.rs"), "").unwrap();
    std::fs::write(dir.path().join("a/b.rs"), "other").unwrap();
    let differing = emit::differences(&files, dir.path()).unwrap();
    assert_eq!(differing, [Path::new("a/b.rs"), Path::new("a/c.rs")]);
}
