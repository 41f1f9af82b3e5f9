//! Reading a model, and other JSON that flags name.

use std::fs;
use std::io::{self, Read as _};
use std::path::Path;

use anyhow::Context as _;
use serde::de::DeserializeOwned;
use taffrail_balancer::document::Cluster;

/// The name that means stdin.
const STDIN: &str = "-";

/// Reads a cluster from a file, or from stdin.
///
/// The text is read whole: a parser over a slice is more than twice as fast as one over a reader, and the text is
/// gone before the planner needs memory.
///
/// # Errors
/// If it can't be read, or isn't a cluster's JSON; the text names the file, the line and the column.
pub(super) fn read_cluster(path: &Path) -> anyhow::Result<Cluster> {
    let text = if path.as_os_str() == STDIN {
        let mut text = Vec::new();
        io::stdin().lock().read_to_end(&mut text).context("can't read the model from stdin")?;
        text
    } else {
        fs::read(path).with_context(|| format!("can't read the model {}", path.display()))?
    };
    let name = display_name(path);
    anyhow::ensure!(
        !text.trim_ascii().is_empty(),
        "{name} is empty: `taffrail-operator generate` writes a model to start from"
    );
    Cluster::from_json(&text).with_context(|| format!("{name} is no model"))
}

/// Reads the JSON file that a flag names.
///
/// # Errors
/// If it can't be read, or isn't what the flag takes; the text names the flag, the file, the line and the column.
pub(super) fn read_json<T: DeserializeOwned>(flag: &str, path: &Path) -> anyhow::Result<T> {
    let text = fs::read(path).with_context(|| format!("{flag}: can't read {}", path.display()))?;
    serde_json::from_slice(&text)
        .with_context(|| format!("{flag}: {} isn't what it takes", path.display()))
}

/// How a model is called in messages.
pub(super) fn display_name(path: &Path) -> String {
    if path.as_os_str() == STDIN { "stdin".to_owned() } else { path.display().to_string() }
}
