//! The file of a message: its structs, with decoding, encoding, defaults and JSON.

use anyhow::Context;

use super::field::{self, Condition, Place, when};
use super::json;
use crate::names;
use crate::schema::{Field, Kind, Message, Type};
use crate::versions::Versions;

/// A struct of the message, the topmost one or one that a field declares.
pub(super) struct Structure<'a> {
    pub(super) message: &'a Message,
    pub(super) name: &'a str,
    /// The versions in which it may be met.
    pub(super) versions: Versions,
    pub(super) fields: &'a [Field],
    pub(super) top: bool,
}

/// The text of a message's file.
pub(super) fn message(message: &Message) -> anyhow::Result<String> {
    let structures = structures(message);
    let mut body = String::new();
    for structure in &structures {
        body.push_str(&structure.declaration());
        body.push_str(&structure.default());
        body.push_str(&structure.debug());
        body.push_str(&structure.codec(&structures)?);
        body.push_str(&json::converter(structure));
    }
    Ok(format!("{}{body}", imports(message, &body)))
}

fn structures(message: &Message) -> Vec<Structure<'_>> {
    let mut all = vec![Structure {
        message,
        name: &message.name,
        versions: message.versions,
        fields: &message.fields,
        top: true,
    }];
    collect(message, &message.fields, message.versions, &mut all);
    for common in &message.common {
        let versions = common.versions.intersect(message.versions);
        all.push(Structure {
            message,
            name: &common.name,
            versions,
            fields: &common.fields,
            top: false,
        });
        collect(message, &common.fields, versions, &mut all);
    }
    all
}

fn collect<'a>(
    message: &'a Message,
    fields: &'a [Field],
    parent: Versions,
    all: &mut Vec<Structure<'a>>,
) {
    for field in fields {
        let versions = field.versions.intersect(parent);
        if let Some(name) = field.ty.struct_name()
            && !message.common.iter().any(|common| common.name == name)
        {
            all.push(Structure { message, name, versions, fields: &field.fields, top: false });
            collect(message, &field.fields, versions, all);
        }
    }
}

fn imports(message: &Message, body: &str) -> String {
    let has = |word: &str| uses(body, word);
    let mut out = String::new();
    if has("Bytes") {
        out.push_str("use bytes::Bytes;\n");
    }
    if has("Uuid") {
        out.push_str("use taffrail_model::Uuid;\n");
    }
    out.push('\n');
    if message.kind == Kind::Request {
        out.push_str("use crate::{ApiKey, Request};\n");
    }
    out.push_str("use crate::Message;\n");
    let wire: Vec<&str> = [
        "DecodeError",
        "DecodeErrorKind",
        "Decoder",
        "EncodeError",
        "Encoder",
        "Lengths",
        "RawTaggedField",
        "Records",
        "TaggedFields",
    ]
    .into_iter()
    .filter(|word| has(word))
    .collect();
    out.push_str(&format!("use crate::wire::{{{}}};\n", wire.join(", ")));
    let json: Vec<&str> = ["ToJson", "bytes_to_json", "double_to_json"]
        .into_iter()
        .filter(|word| has(word))
        .collect();
    out.push_str(&format!(
        "#[cfg(feature = \"json\")]\nuse crate::wire::{{{}}};\n\n",
        json.join(", ")
    ));
    out
}

/// The name of the variable that holds a field while a struct is decoded.
fn local(field: &Field) -> String {
    let name = names::field(&field.name);
    match name.as_str() {
        "version" | "lengths" | "decoder" | "tag" => format!("{name}_field"),
        _ => name,
    }
}

/// Whether code uses a name, other than as a field or inside of a text.
pub(super) fn uses(code: &str, name: &str) -> bool {
    let is_part = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(name).any(|(at, _)| {
        let before = code[..at].chars().next_back();
        let mut after = code[at + name.len()..].chars();
        let next = after.next();
        let is_key = next == Some(':') && after.next() != Some(':');
        !before.is_some_and(|c| is_part(c) || c == '.' || c == '"')
            && !next.is_some_and(|c| is_part(c) || c == '"')
            && !is_key
    })
}

/// The parameter `version`, with an underscore if the code doesn't use it.
pub(super) fn version_parameter(code: &str) -> &'static str {
    if uses(code, "version") { "version" } else { "_version" }
}

impl Structure<'_> {
    fn flexible(&self) -> Condition {
        Condition::of(self.message.flexible, self.versions)
    }

    /// Whether the struct keeps tagged fields that it doesn't know.
    fn keeps_tags(&self) -> bool {
        !self.message.flexible.intersect(self.message.versions).is_empty()
    }

    fn path(&self, field: &Field) -> String {
        let field = names::snake(&field.name);
        if self.top {
            format!("{}.{field}", self.name)
        } else {
            format!("{}.{}.{field}", self.message.name, self.name)
        }
    }

    fn has_plain_default(&self) -> bool {
        self.fields.iter().all(field::has_plain_default)
    }

    fn declaration(&self) -> String {
        let mut doc = if self.top {
            let what = match (self.message.kind, self.message.key) {
                (Kind::Request, Some(key)) => format!(", request {key}"),
                (Kind::Response, Some(key)) => format!(", response {key}"),
                (Kind::Metadata | Kind::CoordinatorKey | Kind::CoordinatorValue, Some(key)) => {
                    format!(", record type {key}")
                }
                _ => String::new(),
            };
            format!("Kafka's {}{what}: versions {}", self.name, self.message.versions)
        } else {
            format!("A part of {}: versions {}", self.message.name, self.versions)
        };
        if self.message.latest_unstable && self.top {
            doc.push_str(&format!(", of which {} may still change", self.versions.high));
        }
        let mut derives = vec!["Clone"];
        if !self.fields.iter().any(|field| field.secret) {
            derives.push("Debug");
        }
        derives.push("PartialEq");
        if self.has_plain_default() {
            derives.push("Default");
        }
        let mut out =
            format!("/// {doc}.\n#[derive({})]\npub struct {} {{\n", derives.join(", "), self.name);
        for field in self.fields {
            out.push_str(&format!(
                "    pub {}: {},\n",
                names::field(&field.name),
                field::rust_type(field)
            ));
        }
        if self.keeps_tags() {
            out.push_str("    pub unknown_tagged_fields: Vec<RawTaggedField>,\n");
        }
        out.push_str("}\n\n");
        out
    }

    fn default(&self) -> String {
        if self.has_plain_default() {
            return String::new();
        }
        let mut out =
            format!("impl Default for {} {{\n fn default() -> Self {{\n Self {{\n", self.name);
        for field in self.fields {
            out.push_str(&format!("{}: {},\n", names::field(&field.name), field::default(field)));
        }
        if self.keeps_tags() {
            out.push_str("unknown_tagged_fields: Vec::new(),\n");
        }
        out.push_str("}\n}\n}\n\n");
        out
    }

    /// Debug by hand where it must not show a credential.
    fn debug(&self) -> String {
        if !self.fields.iter().any(|field| field.secret) {
            return String::new();
        }
        let mut out = format!(
            "impl std::fmt::Debug for {0} {{\n fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {{\n f.debug_struct(\"{0}\")\n",
            self.name
        );
        for field in self.fields {
            let name = names::field(&field.name);
            let value = if field.secret {
                "&format_args!(\"hidden\")".to_owned()
            } else {
                format!("&self.{name}")
            };
            out.push_str(&format!(".field(\"{}\", {value})\n", names::snake(&field.name)));
        }
        out.push_str(".finish_non_exhaustive()\n}\n}\n\n");
        out
    }

    fn codec(&self, structures: &[Structure<'_>]) -> anyhow::Result<String> {
        let name = self.name;
        let decode = self.decode();
        let encode = self.encode();
        if !self.top {
            let (size_min, bound) = if self.is_element(structures) {
                (
                    format!("const SIZE_MIN: usize = {};\n\n", self.size_min(structures)?),
                    format!(
                        "const _: () = assert!(size_of::<{name}>() <= Decoder::MEMORY_PER_BYTE_MAX * {name}::SIZE_MIN);\n\n"
                    ),
                )
            } else {
                (String::new(), String::new())
            };
            return Ok(format!(
                "impl {name} {{\n {size_min} fn decode(decoder: &mut Decoder, {}: i16) -> Result<Self, DecodeError> {{\n{decode}}}\n\n fn encode(&self, encoder: &mut Encoder, {}: i16) -> Result<(), EncodeError> {{\n{encode}}}\n}}\n\n{bound}",
                version_parameter(&decode),
                version_parameter(&encode),
            ));
        }
        let Versions { low, high } = self.message.versions;
        let mut out = format!(
            "impl Message for {name} {{\n const NAME: &'static str = \"{name}\";\n const MIN_VERSION: i16 = {low};\n const MAX_VERSION: i16 = {high};\n\n fn decode(decoder: &mut Decoder, version: i16) -> Result<Self, DecodeError> {{\n decoder.check_version(Self::NAME, version, Self::MIN_VERSION..=Self::MAX_VERSION)?;\n{decode}}}\n\n fn encode(&self, encoder: &mut Encoder, version: i16) -> Result<(), EncodeError> {{\n encoder.check_version(Self::NAME, version, Self::MIN_VERSION..=Self::MAX_VERSION)?;\n{encode}}}\n}}\n\n"
        );
        if self.message.kind == Kind::Request {
            let api = name
                .strip_suffix("Request")
                .with_context(|| format!("{name} is a request, but not called so"))?;
            out.push_str(&format!(
                "impl Request for {name} {{\n const KEY: ApiKey = ApiKey::{api};\n type Response = super::{api}Response;\n}}\n\n"
            ));
        }
        Ok(out)
    }

    /// The form of lengths, when it depends on the version.
    fn lengths(&self, body: &str) -> String {
        match self.flexible() {
            Condition::If(condition) if uses(body, "lengths") => {
                format!("let lengths = Lengths::of({condition});\n")
            }
            _ => String::new(),
        }
    }

    fn decode(&self) -> String {
        let mut body = String::new();
        for field in self.fields {
            let name = local(field);
            let tagged = !field.tagged().intersect(self.versions).is_empty();
            let mutable = if tagged { "mut " } else { "" };
            let untagged = field.untagged().intersect(self.versions);
            let place = Place { message: self.message, versions: untagged, tagged: false };
            let value = match Condition::of(untagged, self.versions) {
                Condition::Never => field::default(field),
                condition => {
                    body.push_str(&format!("decoder.at({:?});\n", self.path(field)));
                    let read = place.read(field);
                    match condition {
                        Condition::If(condition) => format!(
                            "if {condition} {{ {read} }} else {{ {} }}",
                            field::default(field)
                        ),
                        _ => read,
                    }
                }
            };
            body.push_str(&format!("let {mutable}{name} = {value};\n"));
        }
        body.push_str(&self.decode_tags());
        body.push_str("Ok(Self {\n");
        for field in self.fields {
            body.push_str(&format!("{}: {},\n", names::field(&field.name), local(field)));
        }
        if self.keeps_tags() {
            body.push_str("unknown_tagged_fields,\n");
        }
        body.push_str("})\n");
        format!("{}{body}", self.lengths(&body))
    }

    fn decode_tags(&self) -> String {
        if !self.keeps_tags() {
            return String::new();
        }
        let flexible = self.message.flexible.intersect(self.versions);
        let read = self.decode_known_tags(flexible);
        let read = if read.is_empty() {
            "decoder.unknown_tagged_fields()?".to_owned()
        } else {
            format!(
                "decoder.tagged_fields(|tag, decoder| {{ match tag {{ {read} _ => return Ok(false), }} Ok(true) }})?"
            )
        };
        let at = format!("decoder.at(\"{} (tagged fields)\");\n", self.owner());
        match self.flexible() {
            Condition::Always => format!("{at}let unknown_tagged_fields = {read};\n"),
            Condition::Never => "let unknown_tagged_fields = Vec::new();\n".to_owned(),
            Condition::If(condition) => format!(
                "{at}let unknown_tagged_fields = if {condition} {{ {read} }} else {{ Vec::new() }};\n"
            ),
        }
    }

    fn owner(&self) -> String {
        if self.top { self.name.to_owned() } else { format!("{}.{}", self.message.name, self.name) }
    }

    fn decode_known_tags(&self, flexible: Versions) -> String {
        let mut arms = String::new();
        for (tag, field) in self.tagged_fields() {
            let versions = field.tagged().intersect(flexible);
            let place = Place { message: self.message, versions, tagged: true };
            let set = format!(
                "decoder.at({:?}); {} = {};",
                self.path(field),
                local(field),
                place.read(field)
            );
            let arm = match Condition::of(versions, flexible) {
                Condition::If(condition) => format!(
                    "if {condition} {{ {set} }} else {{ return Err(decoder.error(DecodeErrorKind::InvalidTag {{ tag, version }})); }}"
                ),
                _ => set,
            };
            arms.push_str(&format!("{tag} => {{ {arm} }}\n"));
        }
        arms
    }

    /// The fields that are tagged in a version that exists, by tag.
    fn tagged_fields(&self) -> Vec<(u32, &Field)> {
        let mut fields: Vec<(u32, &Field)> = self
            .fields
            .iter()
            .filter_map(|field| {
                let (tag, versions) = field.tag?;
                (!versions.intersect(self.versions).is_empty()).then_some((tag, field))
            })
            .collect();
        fields.sort_by_key(|(tag, _)| *tag);
        fields
    }

    fn encode(&self) -> String {
        let mut body = String::new();
        for field in self.fields {
            let untagged = field.untagged().intersect(self.versions);
            let place = Place { message: self.message, versions: untagged, tagged: false };
            let path = self.path(field);
            let write = place.write(field).statement(&path);
            let refuse = format!(
                "return Err(EncodeError::UnsupportedField {{ field: {path:?}, version }});\n"
            );
            let absent = if field.ignorable {
                Condition::Never
            } else {
                Condition::outside(field.versions, self.versions)
            };
            let differs = field::differs(field);
            match (Condition::of(untagged, self.versions), absent) {
                // Present in its place or absent: the two are each other's opposite.
                (Condition::If(condition), Condition::If(_)) if field.tag.is_none() => body
                    .push_str(&format!(
                        "if {condition} {{ {write} }} else if {differs} {{ {refuse} }}\n"
                    )),
                (present, absent) => {
                    body.push_str(&when(&present, &write));
                    body.push_str(&when(&absent.and(&differs), &refuse));
                }
            }
        }
        body.push_str(&self.encode_tags());
        body.push_str("Ok(())\n");
        format!("{}{body}", self.lengths(&body))
    }

    fn encode_tags(&self) -> String {
        if !self.keeps_tags() {
            return String::new();
        }
        let refuse = format!(
            "if !self.unknown_tagged_fields.is_empty() {{ return Err(EncodeError::UnsupportedTaggedFields {{ message: {:?}, version }}); }}\n",
            self.owner()
        );
        let flexible = self.message.flexible.intersect(self.versions);
        let fields = self.tagged_fields();
        let mut write = format!("encoder.at(\"{} (tagged fields)\");\n", self.owner());
        if fields.is_empty() {
            write.push_str("encoder.unknown_tagged_fields(&self.unknown_tagged_fields)?;\n");
        } else {
            write.push_str("let mut tagged = TaggedFields::new(&self.unknown_tagged_fields);\n");
            for (tag, field) in fields {
                let versions = field.tagged().intersect(flexible);
                let place = Place { message: self.message, versions, tagged: true };
                let add = format!(
                    "tagged.add({tag}, |encoder| {})?;\n",
                    place.write(field).body(&self.path(field))
                );
                let condition = Condition::of(versions, flexible).and(&field::differs(field));
                write.push_str(&when(&condition, &add));
            }
            write.push_str("tagged.write(encoder)?;\n");
        }
        match self.flexible() {
            Condition::Always => write,
            Condition::Never => refuse,
            Condition::If(condition) => format!("if {condition} {{ {write} }} else {refuse}"),
        }
    }

    /// Whether there is an array of it.
    fn is_element(&self, structures: &[Structure<'_>]) -> bool {
        structures.iter().flat_map(|structure| structure.fields).any(|field| {
            matches!(field.ty, Type::Array(_)) && field.ty.struct_name() == Some(self.name)
        })
    }

    /// The least number of bytes that the struct takes in any version.
    fn size_min(&self, structures: &[Structure<'_>]) -> anyhow::Result<usize> {
        (self.versions.low..=self.versions.high.min(self.message.versions.high))
            .map(|version| self.size_min_of(version, structures))
            .try_fold(usize::MAX, |least, size| Ok(least.min(size?)))
    }

    fn size_min_of(&self, version: i16, structures: &[Structure<'_>]) -> anyhow::Result<usize> {
        let flexible = self.message.flexible.contains(version);
        let mut size = usize::from(flexible);
        for field in self.fields {
            if !field.untagged().contains(version) {
                continue;
            }
            size += match &field.ty {
                Type::Struct(_) if field.nullable.contains(version) => 1,
                Type::Struct(name) => structures
                    .iter()
                    .find(|structure| structure.name == name)
                    .with_context(|| format!("the struct {name} is not declared"))?
                    .size_min_of(version, structures)?,
                other => field::size_min(other, flexible && !field.never_compact),
            };
        }
        Ok(size)
    }
}
