//! Values, read and checked.

use std::collections::BTreeSet;
use std::fmt;

use super::{ConfigType, Rule};

/// A configuration value of its key's type.
#[derive(Clone, PartialEq)]
pub enum ConfigValue {
    /// Of [`ConfigType::Boolean`].
    Boolean(bool),
    /// Of [`ConfigType::Int`], [`ConfigType::Short`] or [`ConfigType::Long`].
    Number(i64),
    /// Of [`ConfigType::Double`].
    Double(f64),
    /// Of [`ConfigType::String`] or [`ConfigType::Class`].
    Text(String),
    /// Of [`ConfigType::List`].
    List(Vec<String>),
    /// Of [`ConfigType::Password`]; not printed.
    Password(String),
}

impl fmt::Debug for ConfigValue {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Boolean(value) => write!(f, "{value}"),
            Self::Number(value) => write!(f, "{value}"),
            Self::Double(value) => write!(f, "{value}"),
            Self::Text(value) => write!(f, "{value:?}"),
            Self::List(value) => write!(f, "{value:?}"),
            Self::Password(_) => f.write_str("[hidden]"),
        }
    }
}

impl ConfigValue {
    /// Reads `text` as a value of type `kind`, as Kafka does: white space around it doesn't count, and
    /// an empty text is an empty list.
    ///
    /// # Errors
    /// Says why it isn't one.
    pub fn parse(kind: ConfigType, text: &str) -> Result<Self, String> {
        let text = text.trim();
        let not_a_number = || format!("Not a number of type {}", kind.name());
        match kind {
            ConfigType::Boolean if text.eq_ignore_ascii_case("true") => Ok(Self::Boolean(true)),
            ConfigType::Boolean if text.eq_ignore_ascii_case("false") => Ok(Self::Boolean(false)),
            ConfigType::Boolean => Err("Expected value to be either true or false".to_owned()),
            ConfigType::Int => match text.parse::<i32>() {
                Ok(number) => Ok(Self::Number(number.into())),
                Err(_) => Err(not_a_number()),
            },
            ConfigType::Short => match text.parse::<i16>() {
                Ok(number) => Ok(Self::Number(number.into())),
                Err(_) => Err(not_a_number()),
            },
            ConfigType::Long => match text.parse::<i64>() {
                Ok(number) => Ok(Self::Number(number)),
                Err(_) => Err(not_a_number()),
            },
            ConfigType::Double => match text.parse::<f64>() {
                Ok(number) if number.is_finite() => Ok(Self::Double(number)),
                _ => Err(not_a_number()),
            },
            ConfigType::String | ConfigType::Class => Ok(Self::Text(text.to_owned())),
            ConfigType::Password => Ok(Self::Password(text.to_owned())),
            ConfigType::List if text.is_empty() => Ok(Self::List(Vec::new())),
            ConfigType::List => {
                Ok(Self::List(text.split(',').map(|item| item.trim().to_owned()).collect()))
            }
        }
    }

    pub(super) fn is_empty_text(&self) -> bool {
        match self {
            Self::Text(text) | Self::Password(text) => text.is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Boolean(_) | Self::Number(_) | Self::Double(_) => false,
        }
    }
}

impl Rule {
    /// Whether `value` satisfies the rule; when not, why.
    pub(super) fn check(self, value: &ConfigValue) -> Result<(), String> {
        match (self, value) {
            (Self::AtLeast(min), ConfigValue::Number(n)) if *n < min => {
                Err(format!("Value must be at least {min}"))
            }
            (Self::Between(min, _), ConfigValue::Number(n)) if *n < min => {
                Err(format!("Value must be at least {min}"))
            }
            (Self::Between(_, max), ConfigValue::Number(n)) if *n > max => {
                Err(format!("Value must be no more than {max}"))
            }
            (Self::BetweenFractions(min, _), ConfigValue::Double(x)) if *x < min => {
                Err(format!("Value must be at least {min}"))
            }
            (Self::BetweenFractions(_, max), ConfigValue::Double(x)) if *x > max => {
                Err(format!("Value must be no more than {max}"))
            }
            (Self::GzipLevel, ConfigValue::Number(n)) if *n != -1 && !(1..=9).contains(n) => {
                Err("Value must be between 1 and 9 or equal to -1".to_owned())
            }
            (Self::OneOf(known), ConfigValue::Text(text)) if !known.contains(&text.as_str()) => {
                Err(format!("String must be one of: {}", known.join(", ")))
            }
            (Self::OneOfIgnoringCase(known), ConfigValue::Text(text))
                if !known.iter().any(|k| k.eq_ignore_ascii_case(text)) =>
            {
                Err(format!("String must be one of (case insensitive): {}", known.join(", ")))
            }
            (Self::NonEmptyListOf(_) | Self::NonEmptyDistinct, ConfigValue::List(items))
                if items.is_empty() =>
            {
                Err("must not be an empty list".to_owned())
            }
            (Self::ListOf(known) | Self::NonEmptyListOf(known), ConfigValue::List(items)) => {
                if items.iter().any(|item| !known.contains(&item.as_str())) {
                    return Err(format!("String must be one of: {}", known.join(", ")));
                }
                check_distinct(items)
            }
            (Self::Distinct | Self::NonEmptyDistinct, ConfigValue::List(items)) => {
                check_distinct(items)
            }
            (Self::NonEmpty, ConfigValue::Text(text)) if text.is_empty() => {
                Err("String must be non-empty".to_owned())
            }
            (Self::ThrottledReplicas, ConfigValue::List(items)) => check_throttled(items),
            _ => Ok(()),
        }
    }
}

fn check_distinct(items: &[String]) -> Result<(), String> {
    let mut seen = BTreeSet::new();
    for item in items {
        if item.is_empty() {
            return Err("values must not be empty".to_owned());
        }
        if !seen.insert(item) {
            return Err("values must not be duplicated".to_owned());
        }
    }
    Ok(())
}

fn check_throttled(items: &[String]) -> Result<(), String> {
    let is_pair = |item: &String| {
        item.split_once(':').is_some_and(|(partition, broker)| {
            partition.parse::<u32>().is_ok() && broker.parse::<u32>().is_ok()
        })
    };
    let wildcard = matches!(items, [only] if only == "*");
    if wildcard || items.iter().all(is_pair) {
        Ok(())
    } else {
        Err("must be the literal '*' or a list of replicas in the following format: \
             [partitionId]:[brokerId],[partitionId]:[brokerId],..."
            .to_owned())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read_as_kafka_reads_them() {
        let check = |kind, text: &str, expect: Result<ConfigValue, &str>| {
            assert_eq!(ConfigValue::parse(kind, text), expect.map_err(str::to_owned), "{text:?}");
        };
        check(ConfigType::Boolean, " TRUE ", Ok(ConfigValue::Boolean(true)));
        check(ConfigType::Boolean, "yes", Err("Expected value to be either true or false"));
        check(ConfigType::Int, "-7", Ok(ConfigValue::Number(-7)));
        check(ConfigType::Int, "2147483648", Err("Not a number of type INT"));
        check(ConfigType::Int, "", Err("Not a number of type INT"));
        check(ConfigType::Short, "32768", Err("Not a number of type SHORT"));
        check(ConfigType::Long, "9223372036854775807", Ok(ConfigValue::Number(i64::MAX)));
        check(ConfigType::Long, "1.5", Err("Not a number of type LONG"));
        check(ConfigType::Double, "0.5", Ok(ConfigValue::Double(0.5)));
        check(ConfigType::Double, "NaN", Err("Not a number of type DOUBLE"));
        check(ConfigType::List, "", Ok(ConfigValue::List(vec![])));
        check(ConfigType::List, "a , b", Ok(ConfigValue::List(vec!["a".into(), "b".into()])));
        assert_eq!(
            format!("{:?}", ConfigValue::parse(ConfigType::Password, "s3cret")),
            "Ok([hidden])"
        );
    }

    #[test]
    fn rules_are_kept() {
        let check = |rule: Rule, kind, text: &str, ok: bool| {
            let value = ConfigValue::parse(kind, text).unwrap();
            assert_eq!(rule.check(&value).is_ok(), ok, "{rule:?} {text:?}");
        };
        check(Rule::AtLeast(1), ConfigType::Int, "1", true);
        check(Rule::AtLeast(1), ConfigType::Int, "0", false);
        check(Rule::Between(1, 17), ConfigType::Int, "18", false);
        check(Rule::BetweenFractions(0.0, 1.0), ConfigType::Double, "1", true);
        check(Rule::BetweenFractions(0.0, 1.0), ConfigType::Double, "1.1", false);
        check(Rule::GzipLevel, ConfigType::Int, "-1", true);
        check(Rule::GzipLevel, ConfigType::Int, "0", false);
        check(Rule::OneOf(&["a", "b"]), ConfigType::String, "A", false);
        check(Rule::OneOfIgnoringCase(&["a"]), ConfigType::String, "A", true);
        check(Rule::ListOf(&["a", "b"]), ConfigType::List, "b,a", true);
        check(Rule::ListOf(&["a", "b"]), ConfigType::List, "a,a", false);
        check(Rule::ListOf(&["a"]), ConfigType::List, "", true);
        check(Rule::NonEmptyListOf(&["a"]), ConfigType::List, "", false);
        check(Rule::Distinct, ConfigType::List, "", true);
        check(Rule::Distinct, ConfigType::List, "a,,b", false);
        check(Rule::NonEmptyDistinct, ConfigType::List, "", false);
        check(Rule::NonEmptyDistinct, ConfigType::List, "a,b", true);
        check(Rule::NonEmpty, ConfigType::String, " ", false);
        check(Rule::ThrottledReplicas, ConfigType::List, "*", true);
        check(Rule::ThrottledReplicas, ConfigType::List, "0:1,1:2", true);
        check(Rule::ThrottledReplicas, ConfigType::List, "", true);
        check(Rule::ThrottledReplicas, ConfigType::List, "0:1,*", false);
    }
}
