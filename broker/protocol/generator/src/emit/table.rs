//! What spans messages: API keys, records by type, the list of all.

use super::folder;
use crate::names;
use crate::schema::{Family, Kind, Message};
use crate::versions::Versions;

/// The module at the root of the generated code.
pub(super) const ROOT: &str = "\
#[cfg(feature = \"messages\")]
pub(crate) mod api_key;
#[cfg(all(feature = \"messages\", feature = \"json\"))]
pub(crate) mod catalogue;
#[cfg(feature = \"messages\")]
pub(crate) mod messages;
pub(crate) mod record_types;
pub(crate) mod records;
";

fn of_kind(families: &[Family], kind: Kind) -> impl Iterator<Item = &Message> {
    families.iter().flat_map(|family| &family.messages).filter(move |message| message.kind == kind)
}

/// The enum of API keys, with what the schema knows about each.
pub(super) fn api_keys(families: &[Family]) -> String {
    let mut variants = String::new();
    let mut all = String::new();
    let mut facts = String::new();
    for request in of_kind(families, Kind::Request) {
        let name = request.name.trim_end_matches("Request");
        let key = request.key.unwrap_or_default();
        variants.push_str(&format!("/// {name}, {key}.\n{name} = {key},\n"));
        all.push_str(&format!("Self::{name},\n"));
        let Versions { low, high } = request.versions;
        let flexible = request.flexible.intersect(request.versions);
        let flexible =
            if flexible.is_empty() { "None".to_owned() } else { format!("Some({})", flexible.low) };
        facts.push_str(&format!(
            "Self::{name} => ApiFacts {{ name: {name:?}, versions: ({low}, {high}), latest_unstable: {}, flexible_from: {flexible}, broker: {}, controller: {} }},\n",
            request.latest_unstable,
            request.listeners.iter().any(|listener| listener == "broker"),
            request.listeners.iter().any(|listener| listener == "controller"),
        ));
    }
    format!(
        "use crate::api_key::ApiFacts;\n\n/// The kinds of requests. Their numbers are on the wire.\n#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]\n#[repr(i16)]\npub enum ApiKey {{\n{variants}}}\n\nimpl ApiKey {{\n/// All of them, by rising number.\npub const ALL: &'static [Self] = &[\n{all}];\n\npub(crate) const fn facts(self) -> ApiFacts {{\n match self {{\n{facts}}}\n}}\n}}\n"
    )
}

/// The enums of records that share a log, made by macros that hold their logic.
pub(super) fn records(families: &[Family]) -> String {
    let mut out = String::from(
        "use crate::records::coordinator::coordinator_records;\nuse crate::records::metadata::metadata_records;\nuse super::records::*;\n\n",
    );
    for family in families {
        match family.name.as_str() {
            "metadata" => out.push_str(&metadata(family)),
            "group" => out.push_str(&coordinator(family, "GroupRecord")),
            "share" => out.push_str(&coordinator(family, "ShareRecord")),
            "transaction" => out.push_str(&coordinator(family, "TransactionRecord")),
            _ => {}
        }
    }
    out
}

fn metadata(family: &Family) -> String {
    let mut rows = String::new();
    for message in &family.messages {
        let variant = message.name.trim_end_matches("Record");
        rows.push_str(&format!(
            "{} => {variant}({}),\n",
            message.key.unwrap_or_default(),
            message.name
        ));
    }
    format!("metadata_records! {{\n{rows}}}\n\n")
}

fn coordinator(family: &Family, record: &str) -> String {
    let mut rows = String::new();
    for message in &family.messages {
        if message.kind == Kind::CoordinatorKey {
            let variant = message.name.trim_end_matches("Key");
            rows.push_str(&format!(
                "{} => {variant}({variant}Key, {variant}Value),\n",
                message.key.unwrap_or_default()
            ));
        }
    }
    let words = names::snake(record).replace('_', " ");
    let of = words.trim_end_matches(" record");
    format!(
        "coordinator_records! {{\n/// A record of the {of} coordinator's log.\n{record};\n{rows}}}\n\n"
    )
}

/// The list of all messages, for tests and for tools that show bytes.
pub(super) fn catalogue(families: &[Family]) -> String {
    let mut rows = String::new();
    for message in families.iter().flat_map(|family| &family.messages) {
        rows.push_str(&format!("Entry::of::<{}::{}>(),\n", folder(message), message.name));
    }
    format!(
        "use crate::catalogue::Entry;\nuse crate::{{messages, records}};\n\n/// Every message and record of the schema.\npub static ENTRIES: &[Entry] = &[\n{rows}];\n"
    )
}
