//! What is known of a configuration key.

use super::{ConfigError, ConfigValue};

/// A key's type, with Kafka's `DescribeConfigsResponse.ConfigType` numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(i8)]
pub enum ConfigType {
    /// `true` or `false`.
    Boolean = 1,
    /// Text.
    String = 2,
    /// 32 bits, signed.
    Int = 3,
    /// 16 bits, signed.
    Short = 4,
    /// 64 bits, signed.
    Long = 5,
    /// A floating-point number.
    Double = 6,
    /// Texts, separated by commas.
    List = 7,
    /// The name of a Java class. Kept as text: there is no Java here.
    Class = 8,
    /// Text that is never shown.
    Password = 9,
}

impl ConfigType {
    /// The number on the wire.
    #[must_use]
    pub const fn code(self) -> i8 {
        self as i8
    }

    /// Kafka's name of the type, as its errors print it.
    #[must_use]
    pub const fn name(self) -> &'static str {
        match self {
            Self::Boolean => "BOOLEAN",
            Self::String => "STRING",
            Self::Int => "INT",
            Self::Short => "SHORT",
            Self::Long => "LONG",
            Self::Double => "DOUBLE",
            Self::List => "LIST",
            Self::Class => "CLASS",
            Self::Password => "PASSWORD",
        }
    }
}

/// How much a key matters to somebody who sets up a cluster.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Importance {
    /// To be looked at.
    High,
    /// To be looked at when tuning.
    Medium,
    /// Rarely looked at.
    Low,
}

/// What a key's value must satisfy beside its type.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum Rule {
    /// Nothing.
    Any,
    /// A number of at least this.
    AtLeast(i64),
    /// A number within these bounds, both included.
    Between(i64, i64),
    /// A floating-point number within these bounds, both included.
    BetweenFractions(f64, f64),
    /// A compression level of gzip: 1 to 9, or -1 for its default.
    GzipLevel,
    /// One of these texts.
    OneOf(&'static [&'static str]),
    /// One of these texts, in any case.
    OneOfIgnoringCase(&'static [&'static str]),
    /// Some of these texts, none of them twice; the list may be empty.
    ListOf(&'static [&'static str]),
    /// Some of these texts, none of them twice, at least one.
    NonEmptyListOf(&'static [&'static str]),
    /// Any texts, none of them empty and none twice; the list may be empty.
    Distinct,
    /// Any texts, none of them empty and none twice, at least one.
    NonEmptyDistinct,
    /// A text that isn't empty.
    NonEmpty,
    /// Replicas as `partition:broker`, or `*`, or nothing.
    ThrottledReplicas,
}

/// When a changed value may take effect, as Kafka has it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum UpdateMode {
    /// Only in `server.properties`, at the next start.
    ReadOnly,
    /// Live, for one broker.
    PerBroker,
    /// Live, for one broker or for all.
    ClusterWide,
}

/// How far a key is honoured here.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Honoured {
    /// A change takes effect while running.
    Live,
    /// Read once, at the start.
    AtRestart,
    /// Taken, checked, shown, and without effect: what it tunes isn't there or needs no tuning.
    WithoutEffect,
    /// Any other value than the default is an error, since to ignore it would be dangerous.
    Refused,
}

/// What holds when a key isn't set.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum DefaultValue {
    /// There is no default.
    Required,
    /// There is no value.
    Null,
    /// This text.
    Text(&'static str),
}

/// One configuration key.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ConfigKey {
    /// The name.
    pub name: &'static str,
    /// The type.
    pub kind: ConfigType,
    /// What holds when it isn't set.
    pub default: DefaultValue,
    /// What its value must satisfy.
    pub rule: Rule,
    /// How much it matters.
    pub importance: Importance,
    /// When a change may take effect.
    pub update_mode: UpdateMode,
    /// How far it is honoured here.
    pub honoured: Honoured,
    /// Not shown when it isn't set, and not a promise.
    pub internal: bool,
    /// One sentence; empty for what isn't honoured and means what Kafka's documentation says.
    pub documentation: &'static str,
}

impl ConfigKey {
    /// Whether the value must not be shown.
    #[must_use]
    pub fn is_sensitive(&self) -> bool {
        self.kind == ConfigType::Password
    }

    /// The default as text.
    #[must_use]
    pub fn default_text(&self) -> Option<&'static str> {
        match self.default {
            DefaultValue::Text(text) => Some(text),
            DefaultValue::Required | DefaultValue::Null => None,
        }
    }

    /// Reads a value: its type, its bounds, and whether it is honoured here at all.
    ///
    /// # Errors
    /// Says what is wrong with it.
    pub fn parse(&self, text: &str) -> Result<ConfigValue, ConfigError> {
        let invalid = |reason: String| ConfigError::InvalidValue {
            name: self.name.to_owned(),
            value: self.shown(text),
            reason,
        };
        let value = ConfigValue::parse(self.kind, text).map_err(invalid)?;
        self.rule.check(&value).map_err(invalid)?;
        if self.honoured == Honoured::Refused && !self.is_default(&value) {
            return Err(ConfigError::NotSupported {
                name: self.name.to_owned(),
                value: self.shown(text),
                reason: "this broker cannot do what it asks for".to_owned(),
            });
        }
        Ok(value)
    }

    /// The default, read. `None` when there is none.
    #[must_use]
    pub fn default_value(&self) -> Option<ConfigValue> {
        ConfigValue::parse(self.kind, self.default_text()?).ok()
    }

    fn is_default(&self, value: &ConfigValue) -> bool {
        match self.default_value() {
            Some(default) => default == *value,
            // Kafka takes an empty text for "not set" where the default is null.
            None => value.is_empty_text(),
        }
    }

    fn shown(&self, text: &str) -> String {
        if self.is_sensitive() { "[hidden]".to_owned() } else { text.to_owned() }
    }
}
