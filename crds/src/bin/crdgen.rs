//! Writes the definitions of Taffrail's resources, one file for each kind, or checks that those which
//! are there are what the types give.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a tool that reads and writes files"
)]

use std::fs;
use std::path::PathBuf;

use anyhow::{Context as _, bail};
use clap::Parser;
use taffrail_crds::definition::Definition;

/// Writes the definitions of Taffrail's resources.
#[derive(Parser)]
struct Arguments {
    /// Write nothing; fail if a file isn't what would be written.
    #[arg(long)]
    check: bool,
    /// Where the files are.
    #[arg(default_value = env!("CARGO_MANIFEST_DIR"))]
    dir: PathBuf,
}

fn main() -> anyhow::Result<()> {
    let Arguments { check, dir } = Arguments::parse();
    let mut stale = Vec::new();
    for definition in Definition::all()? {
        let path = dir.join(&definition.file_name);
        let wanted = definition.yaml()?;
        if check {
            if fs::read_to_string(&path).ok().as_ref() != Some(&wanted) {
                stale.push(path.display().to_string());
            }
        } else {
            fs::write(&path, wanted).with_context(|| format!("can't write {}", path.display()))?;
        }
    }
    if !stale.is_empty() {
        bail!("not what the types give: {}; run crdgen without --check", stale.join(", "));
    }
    Ok(())
}
