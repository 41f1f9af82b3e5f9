//! Topic names.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// The internal topic that holds groups and their offsets.
pub const GROUP_METADATA_TOPIC: &str = "__consumer_offsets";
/// The internal topic that holds transactions.
pub const TRANSACTION_STATE_TOPIC: &str = "__transaction_state";

const MAX_LENGTH: usize = 249;

/// A legal topic name: 1 to 249 of `a-z A-Z 0-9 . _ -`, and neither `.` nor `..`. Cheap to clone.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct TopicName(Arc<str>);

impl TopicName {
    /// Checks `name` by Kafka's rules.
    ///
    /// # Errors
    /// Says which rule the name breaks.
    pub fn new(name: &str) -> Result<Self, InvalidTopicName> {
        if name.is_empty() {
            return Err(InvalidTopicName("the empty string is not allowed".into()));
        }
        if name == "." || name == ".." {
            return Err(InvalidTopicName("it cannot be \".\" or \"..\"".into()));
        }
        if name.len() > MAX_LENGTH {
            return Err(InvalidTopicName(format!(
                "the length of '{name}' is longer than the max allowed length {MAX_LENGTH}"
            )));
        }
        let legal = |c: u8| c.is_ascii_alphanumeric() || matches!(c, b'.' | b'_' | b'-');
        if !name.bytes().all(legal) {
            return Err(InvalidTopicName(format!(
                "'{name}' contains one or more characters other than ASCII alphanumerics, '.', '_' and '-'"
            )));
        }
        Ok(Self(name.into()))
    }

    /// The name as text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// Whether the brokers keep their own state in this topic.
    #[must_use]
    pub fn is_internal(&self) -> bool {
        matches!(
            self.as_str(),
            GROUP_METADATA_TOPIC | TRANSACTION_STATE_TOPIC | "__share_group_state"
        )
    }

    /// The form in which `.` and `_` are the same: two topics that share it collide in metric names.
    #[must_use]
    pub fn collision_key(&self) -> String {
        self.0.replace('.', "_")
    }
}

impl fmt::Display for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl fmt::Debug for TopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.0, f)
    }
}

impl AsRef<str> for TopicName {
    fn as_ref(&self) -> &str {
        &self.0
    }
}

/// Lets maps keyed by name be asked with a plain `&str`.
impl std::borrow::Borrow<str> for TopicName {
    fn borrow(&self) -> &str {
        &self.0
    }
}

impl FromStr for TopicName {
    type Err = InvalidTopicName;

    fn from_str(name: &str) -> Result<Self, Self::Err> {
        Self::new(name)
    }
}

/// Why a topic name is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct InvalidTopicName(String);

impl fmt::Display for InvalidTopicName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "topic name is invalid: {}", self.0)
    }
}

impl std::error::Error for InvalidTopicName {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_follow_kafkas_rules() {
        let check =
            |name: &str, legal: bool| assert_eq!(TopicName::new(name).is_ok(), legal, "{name:?}");
        check("orders", true);
        check("a.b_c-D9", true);
        check(&"x".repeat(249), true);
        check(&"x".repeat(250), false);
        check("", false);
        check(".", false);
        check("..", false);
        check("...", true);
        check("a/b", false);
        check("naïve", false);
        check("a b", false);
        check("a\0", false);
    }
}
