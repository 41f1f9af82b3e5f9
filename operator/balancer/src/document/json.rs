//! Reads a cluster from JSON.

use serde::{Deserialize, Deserializer};
use serde_json::error::Category;

use super::Cluster;

/// How much of the parser's message is shown: it repeats names from the file.
const MESSAGE_CHARS: usize = 300;

/// A file that is no cluster's JSON.
#[derive(Clone, Debug, Eq, PartialEq, thiserror::Error)]
#[error("line {line}, column {column}: {cause}")]
pub struct DocumentError {
    /// The line, from 1.
    pub line: usize,
    /// The column in bytes, from 1; 0 is before the line's first byte.
    pub column: usize,
    /// What is wrong there, and what to do.
    pub cause: String,
}

impl Cluster {
    /// Reads a cluster from JSON. What it says is checked by [`Model::new`](crate::Model::new).
    ///
    /// # Errors
    ///
    /// The first place at which it isn't JSON of this shape.
    pub fn from_json(bytes: &[u8]) -> Result<Self, DocumentError> {
        serde_json::from_slice(bytes).map_err(|error| {
            let mut cause: String = error.to_string();
            if let Some(end) = cause.rfind(" at line ") {
                cause.truncate(end);
            }
            if let Some((end, _)) = cause.char_indices().nth(MESSAGE_CHARS) {
                cause.truncate(end);
                cause.push_str("...");
            }
            cause.push_str(match error.classify() {
                Category::Io | Category::Eof => {
                    ": the file ends too early, make sure that it is whole"
                }
                Category::Syntax => ": this is no JSON, mend it there",
                Category::Data => ": this is no field or value of a cluster, mend it there",
            });
            DocumentError { line: error.line(), column: error.column(), cause }
        })
    }
}

/// Reads a list and gives back the room that it doesn't fill: a million lists of three have grown to four.
pub(super) fn tight<'de, D: Deserializer<'de>, T: Deserialize<'de>>(
    deserializer: D,
) -> Result<Vec<T>, D::Error> {
    let mut list: Vec<T> = Deserialize::deserialize(deserializer)?;
    list.shrink_to_fit();
    Ok(list)
}

#[cfg(test)]
mod tests;
