//! Holding an answer against its question.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Display;

use taffrail_protocol::ApiKey;

use super::error::AdminError;

/// The items of an answer by their keys, when they are exactly those that were asked for.
pub(super) fn match_items<K: Ord + Clone + Display, V>(
    api: ApiKey,
    asked: &BTreeSet<K>,
    items: impl IntoIterator<Item = (K, V)>,
) -> Result<BTreeMap<K, V>, AdminError> {
    let wrong = |what: String| AdminError::Answer { api, what };
    let mut matched = BTreeMap::new();
    for (key, value) in items {
        if !asked.contains(&key) {
            return Err(wrong(format!("it speaks of \"{key}\", which was not asked about")));
        }
        if matched.insert(key.clone(), value).is_some() {
            return Err(wrong(format!("it speaks of \"{key}\" twice")));
        }
    }
    match asked.iter().find(|key| !matched.contains_key(*key)) {
        None => Ok(matched),
        Some(key) => Err(wrong(format!("it says nothing about \"{key}\""))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_has_what_was_asked_and_nothing_else() {
        let check = |items: &[&str], expect: Result<(), &str>| {
            let asked = BTreeSet::from(["a", "b"]);
            let items = items.iter().map(|key| (*key, ()));
            let found = match_items(ApiKey::Metadata, &asked, items);
            let found = found.map(drop).map_err(|error| error.to_string());
            let expect =
                expect.map_err(|what| format!("the answer to Metadata can't be trusted: {what}"));
            assert_eq!(found, expect);
        };
        check(&["b", "a"], Ok(()));
        check(&["a"], Err("it says nothing about \"b\""));
        check(&["a", "b", "a"], Err("it speaks of \"a\" twice"));
        check(&["a", "c"], Err("it speaks of \"c\", which was not asked about"));
    }
}
