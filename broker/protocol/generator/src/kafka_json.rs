//! Kafka's message definitions: JSON with comments, a file a message.

use std::path::{Path, PathBuf};

use anyhow::{Context, bail};
use serde_json::{Map, Value};

use crate::schema::{CommonStruct, Family, Field, Kind, Message, Type};
use crate::versions::Versions;

/// Values that are credentials, by message or struct and field. Kafka's definitions don't say so.
const SECRETS: [(&str, &str); 15] = [
    ("SaslAuthenticateRequest", "AuthBytes"),
    ("SaslAuthenticateResponse", "AuthBytes"),
    ("ScramCredentialUpsertion", "Salt"),
    ("ScramCredentialUpsertion", "SaltedPassword"),
    ("UserScramCredentialRecord", "Salt"),
    ("UserScramCredentialRecord", "StoredKey"),
    ("UserScramCredentialRecord", "ServerKey"),
    ("CreateDelegationTokenResponse", "Hmac"),
    ("RenewDelegationTokenRequest", "Hmac"),
    ("ExpireDelegationTokenRequest", "Hmac"),
    ("DescribedDelegationToken", "Hmac"),
    ("DelegationTokenRecord", "Hmac"),
    ("EnvelopeRequest", "RequestData"),
    // Passwords of key stores are configuration, too.
    ("AlterableConfig", "Value"),
    ("ConfigRecord", "Value"),
];

/// The file of the schema that a folder of definitions goes to; requests and responses have their own.
const FAMILIES: [(&str, &str); 8] = [
    ("clients", "data"),
    ("group-coordinator", "group"),
    ("metadata", "metadata"),
    ("raft", "raft"),
    ("share-coordinator", "share"),
    ("storage", "storage"),
    ("streams", "streams"),
    ("transaction-coordinator", "transaction"),
];

/// Reads a folder of definitions, with a folder in it for each of Kafka's modules. Messages without any
/// valid version are left out.
///
/// # Errors
/// When a file can't be read or understood.
pub fn read(dir: &Path) -> anyhow::Result<Vec<Family>> {
    let mut families = vec![Family { name: "messages".to_owned(), messages: Vec::new() }];
    for (folder, name) in FAMILIES {
        let mut family = Family { name: name.to_owned(), messages: Vec::new() };
        for path in definitions(&dir.join(folder))? {
            let message = read_file(&path).with_context(|| path.display().to_string())?;
            if message.versions.is_empty() {
                continue;
            }
            let exchange = message.kind.is_exchange();
            let target = if exchange { families.first_mut() } else { None };
            target.unwrap_or(&mut family).messages.push(message);
        }
        family.messages.sort_by_key(|m| (m.key, m.kind));
        families.push(family);
    }
    if let Some(exchange) = families.first_mut() {
        exchange.messages.sort_by_key(|m| (m.key, m.kind));
    }
    Ok(families)
}

fn definitions(dir: &Path) -> anyhow::Result<Vec<PathBuf>> {
    let mut paths = Vec::new();
    for entry in std::fs::read_dir(dir).with_context(|| dir.display().to_string())? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == "json") {
            paths.push(path);
        }
    }
    paths.sort();
    Ok(paths)
}

fn read_file(path: &Path) -> anyhow::Result<Message> {
    let text = std::fs::read_to_string(path)?;
    let value: Value = serde_json::from_str(&without_comments(&text))?;
    message(value.as_object().context("not an object")?)
}

/// Drops `//` and `/* */` comments outside of strings.
fn without_comments(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    let mut letters = text.chars().peekable();
    let mut in_string = false;
    while let Some(letter) = letters.next() {
        if in_string {
            out.push(letter);
            match letter {
                '\\' => out.extend(letters.next()),
                '"' => in_string = false,
                _ => {}
            }
        } else if letter == '/' && letters.peek() == Some(&'/') {
            while letters.next_if(|&letter| letter != '\n').is_some() {}
        } else if letter == '/' && letters.peek() == Some(&'*') {
            letters.next();
            let mut before = ' ';
            for letter in letters.by_ref() {
                if before == '*' && letter == '/' {
                    break;
                }
                before = letter;
            }
        } else {
            in_string = letter == '"';
            out.push(letter);
        }
    }
    out
}

fn message(object: &Map<String, Value>) -> anyhow::Result<Message> {
    let name = text(object, "name")?.context("'name' is missing")?;
    let kind = text(object, "type")?.context("'type' is missing")?;
    let mut common = Vec::new();
    for value in array(object, "commonStructs") {
        let object = value.as_object().context("a struct is not an object")?;
        let name = text(object, "name")?.context("'name' is missing")?;
        common.push(CommonStruct {
            versions: versions(object, "versions")?.context("'versions' is missing")?,
            fields: fields(object, &name)?,
            name,
        });
    }
    Ok(Message {
        kind: Kind::from_word(&kind).with_context(|| format!("the type '{kind}' is unknown"))?,
        key: text(object, "apiKey")?.map(|key| key.parse()).transpose()?,
        versions: versions(object, "validVersions")?.context("'validVersions' is missing")?,
        flexible: versions(object, "flexibleVersions")?.unwrap_or(Versions::NONE),
        listeners: array(object, "listeners")
            .iter()
            .filter_map(|listener| listener.as_str().map(str::to_owned))
            .collect(),
        latest_unstable: flag(object, "latestVersionUnstable"),
        common,
        fields: fields(object, &name)?,
        name,
    })
}

fn fields(object: &Map<String, Value>, owner: &str) -> anyhow::Result<Vec<Field>> {
    array(object, "fields")
        .iter()
        .map(|value| {
            let object = value.as_object().context("a field is not an object")?;
            let name = text(object, "name")?.context("a field without a name")?;
            field(object, &name, owner).with_context(|| format!("field {name}"))
        })
        .collect()
}

fn field(object: &Map<String, Value>, name: &str, owner: &str) -> anyhow::Result<Field> {
    let ty = Type::parse(&text(object, "type")?.context("'type' is missing")?);
    let tagged = versions(object, "taggedVersions")?;
    let tag = match (text(object, "tag")?, tagged) {
        (None, None) => None,
        (Some(tag), Some(versions)) if versions.high == i16::MAX => Some((tag.parse()?, versions)),
        _ => bail!("a tag needs tagged versions that are open, and they a tag"),
    };
    let never_compact = match text(object, "flexibleVersions")?.as_deref() {
        None => false,
        Some("none") => true,
        Some(other) => bail!("flexible versions '{other}' of a field are not supported"),
    };
    let inner = ty.struct_name().unwrap_or(owner).to_owned();
    Ok(Field {
        name: name.to_owned(),
        versions: versions(object, "versions")?.or(tagged).context("'versions' is missing")?,
        nullable: versions(object, "nullableVersions")?.unwrap_or(Versions::NONE),
        tag,
        default: text(object, "default")?.unwrap_or_default(),
        ignorable: flag(object, "ignorable"),
        map_key: flag(object, "mapKey"),
        zero_copy: flag(object, "zeroCopy"),
        never_compact,
        secret: SECRETS.contains(&(owner, name)),
        entity: text(object, "entityType")?,
        fields: fields(object, &inner)?,
        ty,
    })
}

/// A text, or a number or boolean as text. JSON's null is the same as no value, as it is for Kafka.
fn text(object: &Map<String, Value>, name: &str) -> anyhow::Result<Option<String>> {
    match object.get(name) {
        None | Some(Value::Null) => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(value @ (Value::Number(_) | Value::Bool(_))) => Ok(Some(value.to_string())),
        Some(_) => bail!("'{name}' is not a plain value"),
    }
}

fn versions(object: &Map<String, Value>, name: &str) -> anyhow::Result<Option<Versions>> {
    text(object, name)?.map(|text| text.parse()).transpose()
}

fn flag(object: &Map<String, Value>, name: &str) -> bool {
    match object.get(name) {
        Some(Value::Bool(value)) => *value,
        Some(Value::String(value)) => value == "true",
        _ => false,
    }
}

fn array<'a>(object: &'a Map<String, Value>, name: &str) -> &'a [Value] {
    object.get(name).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_go_and_strings_stay() {
        let text =
            "{ // \"gone\"\n \"a\": \"http://x\", // it's\n /***/ /** x */ \"b\": \"\\\"//\" }";
        let value: Value = serde_json::from_str(&without_comments(text)).unwrap();
        assert_eq!(value["a"], "http://x");
        assert_eq!(value["b"], "\"//");
    }

    #[test]
    fn defaults_are_texts_and_null_is_none() {
        let object = |text: &str| {
            let value: Value = serde_json::from_str(text).unwrap();
            field(value.as_object().unwrap(), "A", "Owner").unwrap()
        };
        let plain = object(r#"{"type": "int32", "versions": "0+", "default": -1}"#);
        assert_eq!(plain.default, "-1");
        let null = object(r#"{"type": "[]int32", "versions": "0+", "default": null}"#);
        assert_eq!(null.default, "");
        let tagged = object(r#"{"type": "string", "taggedVersions": "2+", "tag": 0}"#);
        assert_eq!(tagged.versions, tagged.tagged());
    }
}
