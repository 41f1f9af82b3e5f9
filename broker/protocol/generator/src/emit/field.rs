//! Expressions for one field: its type, its default, how it is read and written.

use crate::names;
use crate::schema::{Field, Message, Type};
use crate::versions::Versions;

/// Whether a version is in a range, given what is known of it.
pub(super) enum Condition {
    Always,
    Never,
    If(String),
}

impl Condition {
    /// `version` in `range`, when it is known to be in `within`.
    pub(super) fn of(range: Versions, within: Versions) -> Self {
        let both = range.intersect(within);
        if both.is_empty() {
            return Self::Never;
        }
        let from = both.low > within.low;
        let to = both.high < within.high;
        match (from, to) {
            (false, false) => Self::Always,
            (true, false) => Self::If(format!("version >= {}", both.low)),
            (false, true) => Self::If(format!("version <= {}", both.high)),
            (true, true) if both.low == both.high => Self::If(format!("version == {}", both.low)),
            (true, true) => Self::If(format!("({}..={}).contains(&version)", both.low, both.high)),
        }
    }

    /// The opposite of `version` in `range`.
    pub(super) fn outside(range: Versions, within: Versions) -> Self {
        match Self::of(range, within) {
            Self::Always => Self::Never,
            Self::Never => Self::Always,
            Self::If(inside) => Self::If(match inside.split_once(' ') {
                Some(("version", rest)) => {
                    let (operator, bound) = rest.split_once(' ').unwrap_or((rest, ""));
                    let opposite = match operator {
                        ">=" => "<",
                        "<=" => ">",
                        _ => "!=",
                    };
                    format!("version {opposite} {bound}")
                }
                _ => format!("!{inside}"),
            }),
        }
    }

    /// This and another condition, as one.
    pub(super) fn and(self, other: &str) -> Self {
        match self {
            Self::Always => Self::If(other.to_owned()),
            Self::Never => Self::Never,
            Self::If(condition) => Self::If(format!("{condition} && {other}")),
        }
    }

    /// As an expression.
    pub(super) fn expression(&self) -> String {
        match self {
            Self::Always => "true".to_owned(),
            Self::Never => "false".to_owned(),
            Self::If(condition) => condition.clone(),
        }
    }
}

/// A statement that runs under a condition, or "" if it never does.
pub(super) fn when(condition: &Condition, body: &str) -> String {
    match condition {
        Condition::Always => body.to_owned(),
        Condition::Never => String::new(),
        Condition::If(condition) => format!("if {condition} {{ {body} }}\n"),
    }
}

/// The type in Rust, without the Option.
pub(super) fn plain_type(ty: &Type) -> String {
    match ty {
        Type::Bool => "bool".to_owned(),
        Type::Int8 => "i8".to_owned(),
        Type::Int16 => "i16".to_owned(),
        Type::Uint16 => "u16".to_owned(),
        Type::Int32 => "i32".to_owned(),
        Type::Uint32 => "u32".to_owned(),
        Type::Int64 => "i64".to_owned(),
        Type::Float64 => "f64".to_owned(),
        Type::Uuid => "Uuid".to_owned(),
        Type::String => "String".to_owned(),
        Type::Bytes => "Bytes".to_owned(),
        Type::Records => "Records".to_owned(),
        Type::Struct(name) => name.clone(),
        Type::Array(element) => format!("Vec<{}>", plain_type(element)),
    }
}

/// The type in Rust.
pub(super) fn rust_type(field: &Field) -> String {
    let plain = plain_type(&field.ty);
    if field.is_optional() { format!("Option<{plain}>") } else { plain }
}

/// Whether the default is that of the type.
pub(super) fn has_plain_default(field: &Field) -> bool {
    if field.is_optional() {
        return field.ty == Type::Records || field.default == "null";
    }
    matches!(field.default.as_str(), "" | "0" | "false")
}

/// The default as an expression.
pub(super) fn default(field: &Field) -> String {
    if field.is_optional() && (field.ty == Type::Records || field.default == "null") {
        return "None".to_owned();
    }
    let plain = match &field.ty {
        Type::Bool if field.default.is_empty() => "false".to_owned(),
        Type::Float64 if field.default.is_empty() => "0.0".to_owned(),
        Type::Float64 => format!("{}_f64", field.default),
        Type::Bool => field.default.clone(),
        Type::Int8 | Type::Int16 | Type::Uint16 | Type::Int32 | Type::Uint32 | Type::Int64 => {
            integer(&field.default)
        }
        Type::String if field.default.is_empty() => "String::new()".to_owned(),
        Type::String => format!("{:?}.to_owned()", field.default),
        Type::Uuid => "Uuid::ZERO".to_owned(),
        Type::Bytes => "Bytes::new()".to_owned(),
        Type::Array(_) => "Vec::new()".to_owned(),
        Type::Records => "Records::empty()".to_owned(),
        Type::Struct(name) => format!("{name}::default()"),
    };
    if field.is_optional() { format!("Some({plain})") } else { plain }
}

/// The longest integers get a name.
fn integer(text: &str) -> String {
    match text {
        "" => "0".to_owned(),
        "0x7fffffff" | "2147483647" => "i32::MAX".to_owned(),
        "-2147483648" => "i32::MIN".to_owned(),
        "9223372036854775807" | "0x7fffffffffffffff" => "i64::MAX".to_owned(),
        other => other.to_owned(),
    }
}

/// A condition that holds when the field differs from its default.
pub(super) fn differs(field: &Field) -> String {
    let name = format!("self.{}", names::field(&field.name));
    if field.is_optional() {
        return match (&field.ty, default(field).as_str()) {
            (_, "None") => format!("{name}.is_some()"),
            (Type::Array(_), _) => format!("!{name}.as_ref().is_some_and(Vec::is_empty)"),
            (Type::Bytes, _) => format!("!{name}.as_ref().is_some_and(Bytes::is_empty)"),
            (Type::String, _) => format!("{name}.as_deref() != Some({:?})", field.default),
            (_, other) => format!("{name} != {other}"),
        };
    }
    match (&field.ty, field.default.as_str()) {
        (Type::Bool, "true") => format!("!{name}"),
        (Type::Bool, _) => name,
        (Type::String, "") | (Type::Bytes | Type::Array(_), _) => format!("!{name}.is_empty()"),
        (Type::String, text) => format!("{name} != {text:?}"),
        _ => format!("{name} != {}", default(field)),
    }
}

/// Where a field stands: what its expressions depend on.
pub(super) struct Place<'a> {
    pub(super) message: &'a Message,
    /// The versions in which the code runs.
    pub(super) versions: Versions,
    /// Whether it is the content of a tagged field.
    pub(super) tagged: bool,
}

impl Place<'_> {
    /// The form of the field's lengths.
    fn lengths(&self, field: &Field) -> &'static str {
        if field.never_compact {
            return "Lengths::Fixed";
        }
        match Condition::of(self.message.flexible, self.versions) {
            Condition::Always => "Lengths::Compact",
            Condition::Never => "Lengths::Fixed",
            Condition::If(_) => "lengths",
        }
    }

    /// Whether null is allowed, in the versions in which the code runs.
    fn nullable(&self, field: &Field) -> Condition {
        Condition::of(field.nullable, self.versions)
    }

    fn element_size_min(&self, element: &Type) -> String {
        match element {
            Type::Struct(name) => format!("{name}::SIZE_MIN"),
            other => {
                let flexible = !self.message.flexible.intersect(self.versions).is_empty();
                size_min(other, flexible).to_string()
            }
        }
    }

    /// An expression that reads the field.
    pub(super) fn read(&self, field: &Field) -> String {
        let lengths = self.lengths(field);
        if !field.is_optional() {
            return match &field.ty {
                Type::Array(element) => format!(
                    "decoder.array({lengths}, {}, {})?",
                    self.element_size_min(element),
                    read_element(element, lengths),
                ),
                Type::Struct(name) => format!("{name}::decode(decoder, version)?"),
                Type::String => format!("decoder.string({lengths})?"),
                Type::Bytes => format!("decoder.bytes({lengths})?"),
                primitive => format!("decoder.{}()?", primitive.name()),
            };
        }
        let nullable = self.nullable(field);
        let read = match &field.ty {
            Type::Array(element) => format!(
                "decoder.nullable_array({lengths}, {}, {})?",
                self.element_size_min(element),
                read_element(element, lengths),
            ),
            // Unlike the others, a struct has no mark for null in versions that don't allow it.
            Type::Struct(name) => {
                let form = if self.tagged { "nullable_tagged_struct" } else { "nullable_struct" };
                let maybe = format!("decoder.{form}(|decoder| {name}::decode(decoder, version))?");
                let always = format!("Some({name}::decode(decoder, version)?)");
                return match nullable {
                    Condition::Always => maybe,
                    Condition::Never => always,
                    Condition::If(condition) => {
                        format!("if {condition} {{ {maybe} }} else {{ {always} }}")
                    }
                };
            }
            Type::String => format!("decoder.nullable_string({lengths})?"),
            Type::Bytes => format!("decoder.nullable_bytes({lengths})?"),
            Type::Records => format!("decoder.nullable_records({lengths})?"),
            primitive => format!("decoder.nullable_{}()?", primitive.name()),
        };
        match nullable {
            Condition::Always => read,
            condition => format!(
                "{{ let value = {read}; decoder.check_null(value.is_none(), {})?; value }}",
                condition.expression()
            ),
        }
    }

    /// Statements that write the field, the last without a semicolon and of type `Result`, or a plain
    /// call that can't fail.
    pub(super) fn write(&self, field: &Field) -> Write {
        let lengths = self.lengths(field);
        let name = format!("self.{}", names::field(&field.name));
        if !field.is_optional() {
            return match &field.ty {
                Type::Array(element) => Write::fallible(format!(
                    "encoder.array({lengths}, &{name}, {})",
                    write_element(element, lengths)
                )),
                Type::Struct(_) => Write::fallible(format!("{name}.encode(encoder, version)")),
                Type::String => Write::fallible(format!("encoder.string({lengths}, &{name})")),
                Type::Bytes => Write::fallible(format!("encoder.bytes({lengths}, &{name})")),
                primitive => Write::infallible(format!("encoder.{}({name})", primitive.name())),
            };
        }
        let nullable = self.nullable(field);
        let check = match &nullable {
            Condition::Always => String::new(),
            condition => {
                format!("encoder.check_null({name}.is_none(), {})?; ", condition.expression())
            }
        };
        let call = match &field.ty {
            Type::Array(element) => format!(
                "encoder.nullable_array({lengths}, {name}.as_deref(), {})",
                write_element(element, lengths)
            ),
            Type::Struct(_) => {
                let form = if self.tagged { "nullable_tagged_struct" } else { "nullable_struct" };
                let maybe = format!(
                    "encoder.{form}({name}.as_ref(), |encoder, value| value.encode(encoder, version))"
                );
                let always = format!(
                    "{name}.as_ref().map_or(Ok(()), |value| value.encode(encoder, version))"
                );
                match &nullable {
                    Condition::Always => maybe,
                    Condition::Never => always,
                    Condition::If(condition) => {
                        format!("if {condition} {{ {maybe} }} else {{ {always} }}")
                    }
                }
            }
            Type::String => format!("encoder.nullable_string({lengths}, {name}.as_deref())"),
            Type::Bytes => format!("encoder.nullable_bytes({lengths}, {name}.as_deref())"),
            Type::Records => format!("encoder.nullable_records({lengths}, {name}.as_ref())"),
            primitive => format!("encoder.nullable_{}({name})", primitive.name()),
        };
        Write::fallible(format!("{check}{call}"))
    }
}

/// Code that writes a field.
pub(super) struct Write {
    code: String,
    fallible: bool,
}

impl Write {
    fn fallible(code: String) -> Self {
        Self { code, fallible: true }
    }

    fn infallible(code: String) -> Self {
        Self { code, fallible: false }
    }

    /// As a statement; failures name the field.
    pub(super) fn statement(&self, path: &str) -> String {
        if self.fallible {
            format!("encoder.at({path:?});\n{}?;\n", self.code)
        } else {
            format!("{};\n", self.code)
        }
    }

    /// As the body of a closure that returns a `Result`.
    pub(super) fn body(&self, path: &str) -> String {
        if self.fallible {
            format!("{{ encoder.at({path:?}); {} }}", self.code)
        } else {
            format!("{{ {}; Ok(()) }}", self.code)
        }
    }
}

fn read_element(element: &Type, lengths: &str) -> String {
    match element {
        Type::Struct(name) => format!("|decoder| {name}::decode(decoder, version)"),
        Type::String => format!("|decoder| decoder.string({lengths})"),
        Type::Bytes => format!("|decoder| decoder.bytes({lengths})"),
        primitive => format!("Decoder::{}", primitive.name()),
    }
}

fn write_element(element: &Type, lengths: &str) -> String {
    match element {
        Type::Struct(_) => "|encoder, element| element.encode(encoder, version)".to_owned(),
        Type::String => format!("|encoder, element| encoder.string({lengths}, element)"),
        Type::Bytes => format!("|encoder, element| encoder.bytes({lengths}, element)"),
        primitive => {
            format!("|encoder, &element| {{ encoder.{}(element); Ok(()) }}", primitive.name())
        }
    }
}

/// The least number of bytes that a value takes, structs aside.
pub(super) fn size_min(ty: &Type, flexible: bool) -> usize {
    match ty {
        Type::Bool | Type::Int8 => 1,
        Type::Int16 | Type::Uint16 => 2,
        Type::Int32 | Type::Uint32 => 4,
        Type::Int64 | Type::Float64 => 8,
        Type::Uuid => 16,
        Type::String | Type::Bytes | Type::Records | Type::Array(_) if flexible => 1,
        Type::String => 2,
        Type::Bytes | Type::Records | Type::Array(_) => 4,
        Type::Struct(_) => 0,
    }
}
