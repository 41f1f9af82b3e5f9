//! An error that a broker gave in its answer.

use std::fmt;

use taffrail_model::ErrorCode;

/// Why a broker refused something: Kafka's code, and its words if it said any.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct Refusal {
    /// Kafka's error code.
    pub code: i16,
    /// What the broker said about it.
    pub message: Option<String>,
}

impl Refusal {
    /// Reads the error of an answer.
    ///
    /// # Errors
    /// The refusal, for every code but 0.
    pub fn check(code: i16, message: Option<&str>) -> Result<(), Self> {
        if code == ErrorCode::None.code() {
            return Ok(());
        }
        Err(Self { code, message: message.map(str::to_owned) })
    }

    /// Kafka's error, if it is one that is known.
    #[must_use]
    pub fn error(&self) -> Option<ErrorCode> {
        ErrorCode::from_code(self.code)
    }

    /// Whether the same request may well succeed in a moment.
    #[must_use]
    pub fn is_retriable(&self) -> bool {
        self.error().is_some_and(ErrorCode::is_retriable)
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, to: &mut fmt::Formatter<'_>) -> fmt::Result {
        let name = self
            .error()
            .map_or_else(|| format!("error {}", self.code), |error| error.name().to_owned());
        match self.message.as_deref() {
            Some(message) if !message.is_empty() => write!(to, "{message} ({name})"),
            _ => to.write_str(&name),
        }
    }
}

impl std::error::Error for Refusal {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_refusal_is_shown_by_its_message_and_kafkas_name() {
        let check = |code: i16, message: Option<&str>, expect: &str| {
            assert_eq!(Refusal::check(code, message).unwrap_err().to_string(), expect);
        };
        check(36, None, "TOPIC_ALREADY_EXISTS");
        check(36, Some("it is there"), "it is there (TOPIC_ALREADY_EXISTS)");
        check(9_999, Some(""), "error 9999");
        assert_eq!(Refusal::check(0, Some("fine")), Ok(()));
    }
}
