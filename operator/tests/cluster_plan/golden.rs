//! Every object of a few specs, to the letter: a change of what clusters are made of shows as a difference
//! of these files. `UPDATE_GOLDEN=1` writes them anew.

use std::path::{Path, PathBuf};

use serde_json::Value;

use crate::fake::{World, quickstart, with_node_port};

fn file(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/data/cluster").join(name)
}

#[expect(clippy::disallowed_methods, reason = "a test reads its fixtures")]
fn check(name: &str, spec: Value) {
    let mut world = World::new(spec);
    let mut documents = Vec::new();
    for plan in world.settle() {
        for object in plan.applies {
            documents.push(serde_yaml::to_string(&object.to_json()).expect("YAML"));
        }
    }
    let text = documents.join("---\n");
    let path = file(&format!("{name}.objects.yaml"));
    if std::env::var_os("UPDATE_GOLDEN").is_some() {
        std::fs::write(&path, &text).expect("the golden file is written");
    }
    let golden = std::fs::read(&path).map(|bytes| String::from_utf8_lossy(&bytes).into_owned());
    assert!(
        golden.ok().as_ref() == Some(&text),
        "{} differs: UPDATE_GOLDEN=1 writes it anew",
        path.display()
    );
}

#[test]
fn the_quickstart_is_made_of_these() {
    check("quickstart", quickstart());
}

#[test]
fn a_listener_for_the_outside_is_made_of_these() {
    check("node-port", with_node_port());
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test reads its fixtures")]
fn a_spec_with_everything_is_made_of_these() {
    let spec = std::fs::read(file("everything.spec.yaml")).expect("the spec");
    check("everything", serde_yaml::from_slice(&spec).expect("YAML"));
}
