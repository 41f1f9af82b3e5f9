//! The command line of the generator.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a tool that runs at a developer's desk, not a room of the broker"
)]

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use clap::Parser;
use taffrail_protocol_generator::schema::Family;
use taffrail_protocol_generator::{emit, kafka_json, text};

/// Makes the protocol crate's schema from Kafka's definitions, and its code from the schema.
#[derive(Parser)]
enum Command {
    /// Writes the schema from a folder of Kafka's JSON definitions, a folder in it for each module.
    Convert {
        /// The folder of definitions.
        dir: PathBuf,
    },
    /// Writes the code from the schema.
    Generate {
        /// Changes nothing; says which files differ, and fails if there are any.
        #[arg(long)]
        check: bool,
    },
}

fn main() -> anyhow::Result<()> {
    let protocol = Path::new(env!("CARGO_MANIFEST_DIR"))
        .parent()
        .context("the generator lies in the protocol crate")?;
    let schema = protocol.join("schema");
    let generated = protocol.join("src/generated");
    match Command::parse() {
        Command::Convert { dir } => {
            std::fs::create_dir_all(&schema)?;
            for family in kafka_json::read(&dir)? {
                let path = schema.join(format!("{}.schema", family.name));
                std::fs::write(&path, format!("{}{}", text::HEAD, text::print(&family.messages)))?;
                println!("{}: {} messages", path.display(), family.messages.len());
            }
        }
        Command::Generate { check } => {
            let files = emit::formatted(&emit::files(&Family::read_all(&schema)?)?)?;
            if check {
                let differing = emit::differences(&files, &generated)?;
                for path in &differing {
                    println!("{} differs", path.display());
                }
                if !differing.is_empty() {
                    bail!("the generated code is out of date: run the generator");
                }
            } else {
                if generated.exists() {
                    std::fs::remove_dir_all(&generated)?;
                }
                emit::write(&files, &generated)?;
                println!("{}: {} files", generated.display(), files.len());
            }
        }
    }
    Ok(())
}
