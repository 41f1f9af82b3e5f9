//! What a store holds after writes and events in all orders.

use k8s_openapi::api::core::v1::ConfigMap;
use parking_lot::Mutex;

use super::*;

fn map(namespace: &str, name: &str, version: u64) -> ConfigMap {
    ConfigMap {
        metadata: ObjectMeta {
            namespace: Some(namespace.into()),
            name: Some(name.into()),
            uid: Some(format!("uid-of-{name}")),
            resource_version: Some(version.to_string()),
            ..ObjectMeta::default()
        },
        ..ConfigMap::default()
    }
}

fn invalid(namespace: &str, name: &str, version: u64) -> Box<InvalidObject> {
    let metadata = map(namespace, name, version).metadata;
    Box::new(InvalidObject { error: "no such field".into(), metadata })
}

/// A store with one scope, what it tells, and the way in.
fn store(scope: Option<&str>) -> (Store<ConfigMap>, Feed<ConfigMap>, Arc<Mutex<Vec<String>>>) {
    let store = Store::new();
    let feed = store.feed(scope.map(str::to_owned));
    let told = Arc::new(Mutex::new(Vec::new()));
    let heard = Arc::clone(&told);
    store.subscribe(move |metadata| {
        heard.lock().push(format!(
            "{}@{}",
            metadata.name.as_deref().unwrap_or_default(),
            metadata.resource_version.as_deref().unwrap_or_default()
        ));
    });
    (store, feed, told)
}

fn list(feed: &mut Feed<ConfigMap>, objects: Vec<Incoming<ConfigMap>>) {
    feed.take(Event::Init);
    for object in objects {
        feed.take(Event::InitApply(object));
    }
    feed.take(Event::InitDone);
}

fn held(store: &Store<ConfigMap>) -> Vec<String> {
    let version = |map: &ConfigMap| map.metadata.resource_version.clone().unwrap_or_default();
    store
        .select(|_| true)
        .iter()
        .map(|map| format!("{}@{}", ObjectKey::of(&map.metadata), version(map)))
        .collect()
}

#[test]
fn it_is_synced_when_every_scope_was_listed() {
    let store = Store::<ConfigMap>::new();
    assert!(store.is_synced(), "nothing feeds it");
    let (mut a, mut b) = (store.feed(Some("a".into())), store.feed(Some("b".into())));
    list(&mut a, vec![]);
    assert!(!store.is_synced());
    list(&mut a, vec![]);
    assert!(!store.is_synced(), "the same scope twice");
    list(&mut b, vec![]);
    assert!(store.is_synced());
}

#[test]
fn a_list_replaces_its_own_scope_alone() {
    let store = Store::<ConfigMap>::new();
    let (mut a, mut b) = (store.feed(Some("a".into())), store.feed(Some("b".into())));
    list(&mut a, vec![Ok(map("a", "one", 1)), Ok(map("a", "two", 2))]);
    list(&mut b, vec![Ok(map("b", "one", 3))]);
    list(&mut a, vec![Ok(map("a", "two", 2))]);
    assert_eq!(held(&store), ["a/two@2", "b/one@3"]);
    assert_eq!(store.select_in("b", |_| true).len(), 1);
    assert_eq!(store.select_in("c", |_| true).len(), 0);
}

#[test]
fn a_write_is_seen_at_once_and_an_older_event_does_not_undo_it() {
    let (store, mut feed, told) = store(None);
    list(&mut feed, vec![Ok(map("a", "one", 1))]);
    store.wrote(map("a", "one", 5));
    feed.take(Event::Apply(Ok(map("a", "one", 4))));
    assert_eq!(held(&store), ["a/one@5"]);
    feed.take(Event::Apply(Ok(map("a", "one", 5))));
    assert_eq!(*told.lock(), ["one@1", "one@5"], "the watch brought nothing new");
    feed.take(Event::Apply(Ok(map("a", "one", 6))));
    assert_eq!(held(&store), ["a/one@6"]);
}

#[test]
fn versions_are_numbers() {
    let (store, mut feed, _) = store(None);
    list(&mut feed, vec![Ok(map("a", "one", 9))]);
    feed.take(Event::Apply(Ok(map("a", "one", 10))));
    assert_eq!(held(&store), ["a/one@10"]);
}

#[test]
fn a_list_that_began_before_a_write_does_not_undo_it() {
    let (store, mut feed, _) = store(None);
    list(&mut feed, vec![Ok(map("a", "gone", 1))]);
    feed.take(Event::Init);
    store.wrote(map("a", "new", 7));
    store.deleted(&ObjectKey::new("a", "gone"));
    feed.take(Event::InitDone);
    assert_eq!(held(&store), ["a/new@7"]);
    list(&mut feed, vec![]);
    assert_eq!(held(&store), Vec::<String>::new(), "a list that began later is believed");
}

#[test]
fn the_end_of_an_object_made_anew_since_says_nothing_of_the_new_one() {
    let (store, mut feed, _) = store(None);
    list(&mut feed, vec![]);
    store.wrote(map("a", "one", 5));
    let mut old = map("a", "one", 4);
    old.metadata.uid = Some("another".into());
    feed.take(Event::Delete(Ok(old)));
    assert_eq!(held(&store), ["a/one@5"]);
    feed.take(Event::Delete(Ok(map("a", "one", 6))));
    assert!(store.is_empty());
}

#[test]
fn an_answer_that_comes_after_the_end_of_its_object_does_not_bring_it_back() {
    let (store, mut feed, _) = store(None);
    list(&mut feed, vec![Ok(map("a", "one", 1))]);
    // Written as version 5, deleted by others as version 6; the answer to the write comes last.
    feed.take(Event::Delete(Ok(map("a", "one", 6))));
    store.wrote(map("a", "one", 5));
    assert!(store.is_empty());
    store.wrote(map("a", "one", 7));
    assert_eq!(held(&store), ["a/one@7"], "made anew");
    // A list doesn't say of what it lacks at which version it went.
    list(&mut feed, vec![]);
    store.wrote(map("a", "one", 6));
    assert!(store.is_empty());
}

#[test]
fn an_object_that_does_not_parse_stands_aside() {
    let (store, mut feed, told) = store(None);
    list(&mut feed, vec![Err(invalid("a", "bad", 1)), Ok(map("a", "good", 2))]);
    assert_eq!(held(&store), ["a/good@2"]);
    assert!(store.invalid(&ObjectKey::new("a", "bad")).is_some());
    feed.take(Event::Apply(Err(invalid("a", "good", 3))));
    assert!(store.is_empty(), "what it was is no longer so");
    feed.take(Event::Apply(Ok(map("a", "good", 4))));
    assert_eq!(held(&store), ["a/good@4"]);
    assert!(store.invalid(&ObjectKey::new("a", "good")).is_none());
    feed.take(Event::Delete(Err(invalid("a", "bad", 5))));
    assert!(store.invalid(&ObjectKey::new("a", "bad")).is_none());
    assert_eq!(*told.lock(), ["bad@1", "good@2", "good@3", "good@4", "bad@1"]);
}

#[test]
fn who_comes_late_is_told_what_there_is() {
    let (store, mut feed, _) = store(None);
    list(&mut feed, vec![Ok(map("a", "one", 1)), Err(invalid("a", "bad", 2))]);
    let heard = Arc::new(Mutex::new(0));
    let count = Arc::clone(&heard);
    store.subscribe(move |_| *count.lock() += 1);
    assert_eq!(*heard.lock(), 2);
}

#[test]
fn what_nobody_reads_is_dropped() {
    let store = Store::new();
    let mut object = map("a", "one", 1);
    object.metadata.managed_fields = Some(vec![]);
    let last_applied = (super::super::LAST_APPLIED.to_owned(), "{}".to_owned());
    object.metadata.annotations = Some([last_applied, ("kept".into(), "yes".into())].into());
    store.wrote(object);
    let kept = store.get(&ObjectKey::new("a", "one")).expect("it is there");
    assert_eq!(kept.metadata.managed_fields, None);
    assert_eq!(kept.metadata.annotations, Some([("kept".into(), "yes".into())].into()));
}
