//! The schema in memory: messages, structs, fields.

use std::path::Path;

use anyhow::Context;

use crate::text;
use crate::versions::Versions;

/// What a message is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Kind {
    /// The header of a request or of a response.
    Header,
    /// A request, sent under its API key.
    Request,
    /// The answer to a request.
    Response,
    /// A record of a metadata-like log: the API key is the record's type.
    Metadata,
    /// The key of a coordinator's record: the API key is the record's type.
    CoordinatorKey,
    /// The value of a coordinator's record.
    CoordinatorValue,
    /// Anything else that is stored or sent inside of something.
    Data,
}

impl Kind {
    /// The kinds and their words in the schema's text, which are Kafka's.
    pub const WORDS: [(Self, &'static str); 7] = [
        (Self::Header, "header"),
        (Self::Request, "request"),
        (Self::Response, "response"),
        (Self::Metadata, "metadata"),
        (Self::CoordinatorKey, "coordinator-key"),
        (Self::CoordinatorValue, "coordinator-value"),
        (Self::Data, "data"),
    ];

    /// The word in the schema's text.
    #[must_use]
    pub fn word(self) -> &'static str {
        Self::WORDS.iter().find(|(kind, _)| *kind == self).map_or("", |(_, word)| word)
    }

    /// The kind of that word.
    #[must_use]
    pub fn from_word(word: &str) -> Option<Self> {
        Self::WORDS.iter().find(|(_, w)| *w == word).map(|(kind, _)| *kind)
    }

    /// Whether the message belongs to the conversation between clients and brokers.
    #[must_use]
    pub fn is_exchange(self) -> bool {
        matches!(self, Self::Header | Self::Request | Self::Response)
    }
}

/// One file of the schema.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Family {
    /// The file's name without its ending.
    pub name: String,
    /// The messages, in the file's order.
    pub messages: Vec<Message>,
}

impl Family {
    /// Reads the files of a folder that end in `.schema`, sorted by name.
    ///
    /// # Errors
    /// When the folder or a file can't be read or understood.
    pub fn read_all(dir: &Path) -> anyhow::Result<Vec<Self>> {
        let mut families = Vec::new();
        for entry in std::fs::read_dir(dir).with_context(|| dir.display().to_string())? {
            let path = entry?.path();
            if path.extension().is_none_or(|extension| extension != "schema") {
                continue;
            }
            let name = path.file_stem().unwrap_or_default();
            let text = std::fs::read_to_string(&path)?;
            families.push(Self {
                name: name.to_string_lossy().into_owned(),
                messages: text::parse(&text).with_context(|| path.display().to_string())?,
            });
        }
        families.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(families)
    }
}

/// A message: a struct with versions of its own.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Message {
    /// Kafka's name.
    pub name: String,
    /// What it is for.
    pub kind: Kind,
    /// The API key, or the type of the record.
    pub key: Option<i16>,
    /// The versions that exist.
    pub versions: Versions,
    /// The versions with tagged fields and compact lengths.
    pub flexible: Versions,
    /// Who answers the request: `broker`, `controller`.
    pub listeners: Vec<String>,
    /// Whether the latest version may still change (and is not advertised).
    pub latest_unstable: bool,
    /// Structs that several fields share.
    pub common: Vec<CommonStruct>,
    /// The fields.
    pub fields: Vec<Field>,
}

/// A struct that several fields of a message share.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CommonStruct {
    /// Kafka's name.
    pub name: String,
    /// The versions in which it exists.
    pub versions: Versions,
    /// Its fields.
    pub fields: Vec<Field>,
}

/// A field.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(
    clippy::struct_excessive_bools,
    reason = "they are the flags of the schema, each of its own"
)]
pub struct Field {
    /// Kafka's name.
    pub name: String,
    /// The type.
    pub ty: Type,
    /// The versions that have it.
    pub versions: Versions,
    /// The versions in which it may be null.
    pub nullable: Versions,
    /// Its tag, with the versions in which it is tagged.
    pub tag: Option<(u32, Versions)>,
    /// The default, as Kafka writes it; empty for the type's own.
    pub default: String,
    /// Whether a value may be dropped silently in versions that lack the field.
    pub ignorable: bool,
    /// Whether it is part of the key by which elements of the array are told apart.
    pub map_key: bool,
    /// Whether Kafka doesn't copy it.
    pub zero_copy: bool,
    /// Whether it is never written with a compact length.
    pub never_compact: bool,
    /// Whether the value is a credential, which Debug must not show.
    pub secret: bool,
    /// What the value names, such as `topicName`.
    pub entity: Option<String>,
    /// The fields of the struct that is declared here.
    pub fields: Vec<Self>,
}

impl Field {
    /// The versions in which it is tagged.
    #[must_use]
    pub fn tagged(&self) -> Versions {
        self.tag.map_or(Versions::NONE, |(_, versions)| versions)
    }

    /// The versions in which it is written in its place.
    #[must_use]
    pub fn untagged(&self) -> Versions {
        self.versions.without_tail(self.tagged())
    }

    /// Whether there is a version in which it may be null, or no other way to say "nothing".
    #[must_use]
    pub fn is_optional(&self) -> bool {
        !self.nullable.is_empty() || self.ty == Type::Records
    }
}

/// The type of a field.
#[derive(Clone, Debug, PartialEq, Eq)]
#[expect(missing_docs, reason = "the names are Kafka's, and say all")]
pub enum Type {
    Bool,
    Int8,
    Int16,
    Uint16,
    Int32,
    Uint32,
    Int64,
    Float64,
    Uuid,
    String,
    Bytes,
    Records,
    Struct(String),
    Array(Box<Self>),
}

impl Type {
    const PRIMITIVES: [(&'static str, Self); 12] = [
        ("bool", Self::Bool),
        ("int8", Self::Int8),
        ("int16", Self::Int16),
        ("uint16", Self::Uint16),
        ("int32", Self::Int32),
        ("uint32", Self::Uint32),
        ("int64", Self::Int64),
        ("float64", Self::Float64),
        ("uuid", Self::Uuid),
        ("string", Self::String),
        ("bytes", Self::Bytes),
        ("records", Self::Records),
    ];

    /// The type of that name, `[]` before it for an array.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        if let Some(element) = text.strip_prefix("[]") {
            return Self::Array(Box::new(Self::parse(element)));
        }
        Self::PRIMITIVES
            .iter()
            .find(|(name, _)| *name == text)
            .map_or_else(|| Self::Struct(text.to_owned()), |(_, ty)| ty.clone())
    }

    /// The name, as [`Type::parse`] reads it.
    #[must_use]
    pub fn name(&self) -> String {
        match self {
            Self::Struct(name) => name.clone(),
            Self::Array(element) => format!("[]{}", element.name()),
            primitive => Self::PRIMITIVES
                .iter()
                .find(|(_, ty)| ty == primitive)
                .map_or_else(String::new, |(name, _)| (*name).to_owned()),
        }
    }

    /// The struct that it is, or that its elements are.
    #[must_use]
    pub fn struct_name(&self) -> Option<&str> {
        match self {
            Self::Struct(name) => Some(name),
            Self::Array(element) => element.struct_name(),
            _ => None,
        }
    }
}
