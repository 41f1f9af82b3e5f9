//! Random bytes of a message, straight from the schema: a second writer that shares no code with the
//! one under test.

use taffrail_protocol_generator::schema::{Field, Message, Type};

/// Where the choices come from; 0 once it is used up, so that what is left comes out small.
pub(crate) struct Choices<'a> {
    rest: &'a [u8],
}

impl<'a> Choices<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Self {
        Self { rest: bytes }
    }

    fn byte(&mut self) -> u8 {
        match self.rest.split_first() {
            Some((&byte, rest)) => {
                self.rest = rest;
                byte
            }
            None => 0,
        }
    }

    fn below(&mut self, bound: u8) -> u8 {
        self.byte() % bound
    }
}

/// Writes values of one message in one version.
pub(crate) struct Writer<'a> {
    pub(crate) message: &'a Message,
    pub(crate) version: i16,
}

impl Writer<'_> {
    fn flexible(&self) -> bool {
        self.message.flexible.contains(self.version)
    }

    /// The whole message.
    pub(crate) fn message(&self, choices: &mut Choices<'_>) -> Vec<u8> {
        let mut out = Vec::new();
        self.structure(&self.message.fields, choices, &mut out);
        out
    }

    fn structure(&self, fields: &[Field], choices: &mut Choices<'_>, out: &mut Vec<u8>) {
        for field in fields {
            if field.untagged().contains(self.version) {
                self.field(field, false, choices, out);
            }
        }
        if self.flexible() {
            self.tagged_fields(fields, choices, out);
        }
    }

    /// The fields of a struct, whether it is declared in place or shared.
    fn fields_of<'b>(&'b self, field: &'b Field) -> &'b [Field] {
        let shared = field
            .ty
            .struct_name()
            .and_then(|name| self.message.common.iter().find(|common| common.name == name));
        shared.map_or(field.fields.as_slice(), |common| common.fields.as_slice())
    }

    fn tagged_fields(&self, fields: &[Field], choices: &mut Choices<'_>, out: &mut Vec<u8>) {
        let mut contents: Vec<(u32, Vec<u8>)> = Vec::new();
        for field in fields {
            let Some((tag, versions)) = field.tag else {
                continue;
            };
            if !versions.contains(self.version) || choices.below(2) == 0 {
                continue;
            }
            let mut content = Vec::new();
            self.field(field, true, choices, &mut content);
            // A field with its default is left out when it is written.
            if content != self.default_content(field) {
                contents.push((tag, content));
            }
        }
        for _ in 0..choices.below(3) {
            let tag = u32::from(choices.byte()) + 8 * u32::from(choices.byte());
            let known = fields.iter().any(|field| field.tag.is_some_and(|(known, _)| known == tag));
            if !known && contents.iter().all(|(other, _)| *other != tag) {
                let length = choices.below(4);
                contents.push((tag, (0..length).map(|_| choices.byte()).collect()));
            }
        }
        contents.sort();
        varint(contents.len(), out);
        for (tag, content) in contents {
            varint(tag as usize, out);
            varint(content.len(), out);
            out.extend(content);
        }
    }

    fn field(&self, field: &Field, tagged: bool, choices: &mut Choices<'_>, out: &mut Vec<u8>) {
        let compact = self.flexible() && !field.never_compact;
        let nullable = field.nullable.contains(self.version);
        let null = nullable && choices.below(3) == 0;
        match (&field.ty, nullable) {
            (Type::Struct(_), true) if tagged => varint(usize::from(!null), out),
            (Type::Struct(_), true) => out.push(if null { 0xff } else { 1 }),
            (_, _) if null && compact => out.push(0),
            (Type::String, _) if null => out.extend((-1i16).to_be_bytes()),
            (_, _) if null => out.extend((-1i32).to_be_bytes()),
            _ => {}
        }
        if null {
            return;
        }
        match &field.ty {
            Type::Array(element) => {
                let count = choices.below(4);
                length(usize::from(count), compact, out);
                for _ in 0..count {
                    self.value(element, field, compact, choices, out);
                }
            }
            other => self.value(other, field, compact, choices, out),
        }
    }

    fn value(
        &self,
        ty: &Type,
        field: &Field,
        compact: bool,
        choices: &mut Choices<'_>,
        out: &mut Vec<u8>,
    ) {
        match ty {
            Type::Struct(_) => self.structure(self.fields_of(field), choices, out),
            Type::String => {
                let text = text(choices);
                if compact {
                    varint(text.len() + 1, out);
                } else {
                    out.extend((text.len() as i16).to_be_bytes());
                }
                out.extend(text.as_bytes());
            }
            Type::Bytes | Type::Records => {
                let count = choices.below(6);
                length(usize::from(count), compact, out);
                out.extend((0..count).map(|_| choices.byte()));
            }
            Type::Bool => out.push(choices.below(2)),
            Type::Float64 => out.extend(f64::from(choices.byte()).to_be_bytes()),
            Type::Array(_) => unreachable!("Kafka has no arrays of arrays"),
            fixed => out.extend((0..width(fixed)).map(|_| choices.byte())),
        }
    }

    /// What a tagged field's content is when it has its default.
    fn default_content(&self, field: &Field) -> Vec<u8> {
        let nullable = field.nullable.contains(self.version);
        let mut out = Vec::new();
        match &field.ty {
            _ if field.default == "null" => out.push(0),
            Type::Struct(_) => {
                if nullable {
                    out.push(1);
                }
                for inner in self.fields_of(field) {
                    if inner.untagged().contains(self.version) {
                        out.extend(self.default_content(inner));
                    }
                }
                out.push(0);
            }
            Type::String | Type::Bytes | Type::Array(_) => {
                assert!(field.default.is_empty(), "no such default is in Kafka");
                out.push(1);
            }
            Type::Bool => out.push(u8::from(field.default == "true")),
            fixed => {
                let value: i64 = field.default.parse().unwrap_or(0);
                out.extend(&value.to_be_bytes().repeat(2)[16 - width(fixed)..]);
            }
        }
        out
    }
}

fn width(ty: &Type) -> usize {
    match ty {
        Type::Int8 => 1,
        Type::Int16 | Type::Uint16 => 2,
        Type::Int32 | Type::Uint32 => 4,
        Type::Int64 => 8,
        Type::Uuid => 16,
        other => unreachable!("{other:?} has no fixed width"),
    }
}

fn text(choices: &mut Choices<'_>) -> String {
    const LETTERS: [&str; 4] = ["a", "é", "名", "😀"];
    let length = match choices.below(8) {
        7 => 100,
        short => short,
    };
    (0..length).map(|_| LETTERS[usize::from(choices.below(4))]).collect()
}

fn length(length: usize, compact: bool, out: &mut Vec<u8>) {
    if compact {
        varint(length + 1, out);
    } else {
        out.extend((length as i32).to_be_bytes());
    }
}

fn varint(mut value: usize, out: &mut Vec<u8>) {
    while value >= 0x80 {
        out.push((value & 0x7f) as u8 | 0x80);
        value >>= 7;
    }
    out.push(value as u8);
}
