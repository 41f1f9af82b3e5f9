//! Where results are written.

use std::fs::File;
use std::io::{self, BufWriter, Write};
use std::path::Path;

use anyhow::Context as _;

/// Bytes that are written at once: a large model is some hundred megabytes.
const BUFFER_BYTES: usize = 1 << 18;

/// Hands a buffered stdout to `write`. Who has read enough of it and went away is no failure.
///
/// # Errors
/// If stdout can't be written for another reason.
pub(super) fn to_stdout(
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> anyhow::Result<()> {
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, io::stdout().lock());
    match write(&mut out).and_then(|()| out.flush()) {
        Err(error) if error.kind() == io::ErrorKind::BrokenPipe => {
            // What is still in the buffer has no reader: dropping the writer would try again, in vain but quietly.
            Ok(())
        }
        other => other.context("can't write to stdout"),
    }
}

/// Hands a buffered file to `write`: a new one, or an old one that is overwritten.
///
/// # Errors
/// If it can't be created or written.
pub(super) fn to_file(
    path: &Path,
    write: impl FnOnce(&mut dyn Write) -> io::Result<()>,
) -> anyhow::Result<()> {
    let file = File::create(path).with_context(|| format!("can't create {}", path.display()))?;
    let mut out = BufWriter::with_capacity(BUFFER_BYTES, file);
    write(&mut out)
        .and_then(|()| out.flush())
        .with_context(|| format!("can't write {}", path.display()))
}

/// Writes a value as one line of JSON.
///
/// # Errors
/// Those of the writer.
pub(super) fn json(out: &mut dyn Write, value: &impl serde::Serialize) -> io::Result<()> {
    serde_json::to_writer(&mut *out, value)?;
    out.write_all(b"\n")
}
