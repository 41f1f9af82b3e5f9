//! What is wrong with a document, and where.

use std::fmt;

/// How many problems are kept; of the rest there is a count.
const KEPT: usize = 20;
/// How much of a name is shown.
const SHOWN_CHARS: usize = 80;

/// A document that is no cluster.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct ModelError {
    /// The first problems, at most 20.
    pub problems: Vec<Problem>,
    /// How many there are beyond those.
    pub more: u64,
}

/// One thing that is wrong with a document.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Problem {
    /// Where: `topics[3].partitions[5].replicas[1].load.disk (topic "a", partition 5)`.
    pub place: String,
    /// What is wrong, and what would be right.
    pub cause: String,
}

impl fmt::Display for ModelError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, problem) in self.problems.iter().enumerate() {
            if index > 0 {
                writeln!(f)?;
            }
            write!(f, "{problem}")?;
        }
        if self.more > 0 {
            write!(f, "\nand {} more", self.more)?;
        }
        Ok(())
    }
}

impl std::error::Error for ModelError {}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.place, self.cause)
    }
}

/// The problems found so far.
#[derive(Default)]
pub(super) struct Problems {
    kept: Vec<Problem>,
    more: u64,
}

impl Problems {
    /// Adds one. `cause` is asked for only when the problem is kept: a file with a million of them costs no more.
    pub(super) fn add(
        &mut self,
        place: Place<'_>,
        field: impl fmt::Display,
        cause: impl FnOnce() -> String,
    ) {
        if self.kept.len() < KEPT {
            self.kept.push(Problem { place: place.field(field), cause: cause() });
        } else {
            self.more += 1;
        }
    }

    pub(super) fn is_empty(&self) -> bool {
        self.kept.is_empty()
    }

    pub(super) fn into_error(self) -> ModelError {
        ModelError { problems: self.kept, more: self.more }
    }
}

/// A place in the file, by indices, and by the names that people know it by.
#[derive(Clone, Copy)]
pub(super) enum Place<'a> {
    /// The whole of it.
    Cluster,
    /// A broker: its index and its id.
    Broker(usize, i32),
    /// A log directory: the index of its broker, its broker's id, and its index.
    LogDir(usize, i32, usize),
    /// A topic: its index and its name.
    Topic(usize, &'a str),
    /// A partition: its topic, its index, and its number.
    Partition(usize, &'a str, usize, i32),
    /// A replica: its partition, and its index.
    Replica(usize, &'a str, usize, i32, usize),
}

impl Place<'_> {
    /// The place of a field of what is here.
    fn field(self, field: impl fmt::Display) -> String {
        match self {
            Self::Cluster => field.to_string(),
            Self::Broker(index, id) => format!("brokers[{index}].{field} (broker {id})"),
            Self::LogDir(broker, id, index) => {
                format!("brokers[{broker}].log_dirs[{index}].{field} (broker {id})")
            }
            Self::Topic(index, name) => {
                format!("topics[{index}].{field} (topic {})", quoted(name))
            }
            Self::Partition(topic, name, index, number) => {
                format!(
                    "topics[{topic}].partitions[{index}].{field} (topic {}, partition {number})",
                    quoted(name)
                )
            }
            Self::Replica(topic, name, partition, number, index) => format!(
                "topics[{topic}].partitions[{partition}].replicas[{index}].{field} (topic {}, partition {number})",
                quoted(name)
            ),
        }
    }
}

/// A name in quotes, cut if it is very long: a file may hold any.
pub(super) fn quoted(name: &str) -> String {
    match name.char_indices().nth(SHOWN_CHARS) {
        None => format!("{name:?}"),
        Some((end, _)) => format!("{:?}...", &name[..end]),
    }
}
