//! The schema's text: a line a message, a line a field, fields of a struct indented below it.
//!
//! ```text
//! request FetchRequest key 1 versions 4-18 flexible 12+ listeners broker,controller
//!   ClusterId string 12+ nullable 12+ tag 0 12+ default null ignorable
//!   Topics []FetchTopic 0+
//!     Topic string 0-12 ignorable entity topicName
//! ```
//! A struct that several fields share comes first, as `common Name versions`. Lines that begin with `#`
//! are comments.

use std::fmt::Write;

use anyhow::{Context, bail};

use crate::schema::{CommonStruct, Field, Kind, Message, Type};
use crate::versions::Versions;

const INDENT: usize = 2;

/// The first lines of each file of the schema.
pub const HEAD: &str = "\
# Facts of Apache Kafka 4.3's message definitions, in the form that generator/src/text.rs describes.
# Made by 'taffrail-protocol-generator convert'; the code in src/generated is made from it.

";

/// Writes messages as text.
#[must_use]
pub fn print(messages: &[Message]) -> String {
    let mut out = String::new();
    for message in messages {
        if !out.is_empty() {
            out.push('\n');
        }
        print_message(&mut out, message);
    }
    out
}

fn print_message(out: &mut String, message: &Message) {
    let mut line = format!("{} {}", message.kind.word(), message.name);
    if let Some(key) = message.key {
        write!(line, " key {key}").unwrap_or_default();
    }
    write!(line, " versions {} flexible {}", message.versions, message.flexible)
        .unwrap_or_default();
    if !message.listeners.is_empty() {
        write!(line, " listeners {}", message.listeners.join(",")).unwrap_or_default();
    }
    if message.latest_unstable {
        line.push_str(" latest-unstable");
    }
    out.push_str(&line);
    out.push('\n');
    for common in &message.common {
        writeln!(out, "  common {} {}", common.name, common.versions).unwrap_or_default();
        print_fields(out, &common.fields, 2 * INDENT);
    }
    print_fields(out, &message.fields, INDENT);
}

fn print_fields(out: &mut String, fields: &[Field], indent: usize) {
    for field in fields {
        let mut line =
            format!("{:indent$}{} {} {}", "", field.name, field.ty.name(), field.versions);
        if !field.nullable.is_empty() {
            write!(line, " nullable {}", field.nullable).unwrap_or_default();
        }
        if let Some((tag, versions)) = field.tag {
            write!(line, " tag {tag} {versions}").unwrap_or_default();
        }
        if !field.default.is_empty() {
            write!(line, " default {}", field.default).unwrap_or_default();
        }
        for (set, word) in [
            (field.ignorable, "ignorable"),
            (field.map_key, "key"),
            (field.zero_copy, "zero-copy"),
            (field.never_compact, "never-compact"),
            (field.secret, "secret"),
        ] {
            if set {
                line.push(' ');
                line.push_str(word);
            }
        }
        if let Some(entity) = &field.entity {
            write!(line, " entity {entity}").unwrap_or_default();
        }
        out.push_str(&line);
        out.push('\n');
        print_fields(out, &field.fields, indent + INDENT);
    }
}

/// Reads messages from text.
///
/// # Errors
/// Names the line that can't be understood.
pub fn parse(text: &str) -> anyhow::Result<Vec<Message>> {
    let lines: Vec<Line<'_>> = text
        .lines()
        .enumerate()
        .filter(|(_, line)| !line.trim().is_empty() && !line.starts_with('#'))
        .map(|(number, line)| Line {
            number: number + 1,
            indent: line.len() - line.trim_start().len(),
            words: line.split_whitespace().collect(),
        })
        .collect();
    let mut lines = lines.as_slice();
    let mut messages = Vec::new();
    while let Some((first, rest)) = lines.split_first() {
        let mut message = parse_message(first).with_context(|| format!("line {}", first.number))?;
        lines = rest;
        while let Some((line, rest)) = lines.split_first()
            && line.indent == INDENT
            && line.words.first() == Some(&"common")
        {
            let [_, name, versions] = line.words.as_slice() else {
                bail!("line {}: 'common NAME VERSIONS' is expected", line.number);
            };
            lines = rest;
            message.common.push(CommonStruct {
                name: (*name).to_owned(),
                versions: versions.parse()?,
                fields: parse_fields(&mut lines, 2 * INDENT)?,
            });
        }
        message.fields = parse_fields(&mut lines, INDENT)?;
        messages.push(message);
    }
    Ok(messages)
}

struct Line<'a> {
    number: usize,
    indent: usize,
    words: Vec<&'a str>,
}

fn parse_message(line: &Line<'_>) -> anyhow::Result<Message> {
    let mut words = line.words.iter().copied();
    let mut next = |what: &str| words.next().with_context(|| format!("{what} is missing"));
    let kind = Kind::from_word(next("the kind")?).context("the kind is unknown")?;
    let mut message = Message {
        name: next("the name")?.to_owned(),
        kind,
        key: None,
        versions: Versions::NONE,
        flexible: Versions::NONE,
        listeners: Vec::new(),
        latest_unstable: false,
        common: Vec::new(),
        fields: Vec::new(),
    };
    if line.indent != 0 {
        bail!("a message is expected, not indented");
    }
    while let Ok(word) = next("") {
        match word {
            "key" => message.key = Some(next("the key")?.parse()?),
            "versions" => message.versions = next("the versions")?.parse()?,
            "flexible" => message.flexible = next("the flexible versions")?.parse()?,
            "listeners" => {
                message.listeners = next("the listeners")?.split(',').map(str::to_owned).collect();
            }
            "latest-unstable" => message.latest_unstable = true,
            other => bail!("'{other}' is unknown"),
        }
    }
    Ok(message)
}

fn parse_fields(lines: &mut &[Line<'_>], indent: usize) -> anyhow::Result<Vec<Field>> {
    let mut fields = Vec::new();
    while let Some((line, rest)) = lines.split_first()
        && line.indent == indent
    {
        *lines = rest;
        let mut field = parse_field(line).with_context(|| format!("line {}", line.number))?;
        field.fields = parse_fields(lines, indent + INDENT)?;
        fields.push(field);
    }
    match lines.first() {
        Some(line) if line.indent > indent => bail!("line {}: indented too far", line.number),
        _ => Ok(fields),
    }
}

fn parse_field(line: &Line<'_>) -> anyhow::Result<Field> {
    let mut words = line.words.iter().copied();
    let mut next = |what: &str| words.next().with_context(|| format!("{what} is missing"));
    let mut field = Field {
        name: next("the name")?.to_owned(),
        ty: Type::parse(next("the type")?),
        versions: next("the versions")?.parse()?,
        nullable: Versions::NONE,
        tag: None,
        default: String::new(),
        ignorable: false,
        map_key: false,
        zero_copy: false,
        never_compact: false,
        secret: false,
        entity: None,
        fields: Vec::new(),
    };
    while let Ok(word) = next("") {
        match word {
            "nullable" => field.nullable = next("the nullable versions")?.parse()?,
            "tag" => {
                let tag = next("the tag")?.parse()?;
                field.tag = Some((tag, next("the tagged versions")?.parse()?));
            }
            "default" => next("the default")?.clone_into(&mut field.default),
            "ignorable" => field.ignorable = true,
            "key" => field.map_key = true,
            "zero-copy" => field.zero_copy = true,
            "never-compact" => field.never_compact = true,
            "secret" => field.secret = true,
            "entity" => field.entity = Some(next("the entity")?.to_owned()),
            other => bail!("'{other}' is unknown"),
        }
    }
    Ok(field)
}

#[cfg(test)]
mod tests {
    use super::*;

    const TEXT: &str = "\
request FetchRequest key 1 versions 4-18 flexible 12+ listeners broker,controller latest-unstable
  common Shared 2+
    Partition int32 0+
  ClusterId string 12+ nullable 12+ tag 0 12+ default null ignorable
  Topics []FetchTopic 0+
    Topic string 0-12 ignorable key entity topicName
    Token bytes 0+ zero-copy never-compact secret

data Empty versions 0 flexible none
";

    #[test]
    fn text_round_trips() {
        let messages = parse(TEXT).unwrap();
        assert_eq!(messages.len(), 2);
        assert_eq!(messages[0].fields[1].fields.len(), 2);
        assert_eq!(print(&messages), TEXT);
    }

    #[test]
    fn mistakes_name_their_line() {
        let check = |text: &str, expect: &str| {
            let error = format!("{:#}", parse(text).unwrap_err());
            assert!(error.contains(expect), "{error}");
        };
        check("nonsense X versions 0 flexible none", "line 1: the kind");
        check("data X versions 0 flexible none\n  A int8", "line 2: the versions");
        check("data X versions 0 flexible none\n  A int8 0 odd", "line 2: 'odd'");
        check("data X versions 0 flexible none\n    A int8 0", "line 2: indented");
    }
}
