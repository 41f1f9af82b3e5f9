//! The objects of one kind as the API server last told of them.
//!
//! Invariants: an object is replaced only by a newer one; a list replaces what its scope held, but for
//! what was written while the list was under way; an object that doesn't parse takes no place among
//! those that do, and hides none of them.
//!
//! Writes of this process go in here as well ([`Store::wrote`]), so that a reconcile that follows a
//! write sees it, however late the watch is. When the watch brings the same version nobody is woken.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::Resource;
use kube::core::error_boundary::InvalidObject;
use kube::runtime::watcher::Event;
use parking_lot::RwLock;
use tokio::sync::watch;
use tokio::time::Instant;

use super::ObjectKey;
use crate::context::REQUEST_TIMEOUT;

/// For how long it is known of an object that it ended: longer than any answer to a write takes.
const ENDED_KEPT: Duration = REQUEST_TIMEOUT.saturating_mul(4);

/// Whoever wants to know of changes; called without any lock held, so it may read stores.
type Subscriber = Arc<dyn Fn(&ObjectMeta) + Send + Sync>;

/// What a store takes from a watch: objects that parsed and objects that didn't.
pub(super) type Incoming<K> = Result<K, Box<InvalidObject>>;

/// A shared, in-memory view of the objects of one kind. Clones are handles to the same objects.
pub struct Store<K> {
    shared: Arc<Shared<K>>,
}

struct Shared<K> {
    state: RwLock<State<K>>,
    subscribers: RwLock<Vec<Subscriber>>,
    /// How many scopes have not been listed yet.
    unlisted_scopes: watch::Sender<usize>,
}

struct State<K> {
    objects: BTreeMap<ObjectKey, Arc<K>>,
    invalid: BTreeMap<ObjectKey, Arc<InvalidObject>>,
    /// What this process wrote or deleted since the list that is under way began.
    written_since_list: BTreeSet<ObjectKey>,
    /// What others ended lately, as it was in the end, and when that was heard.
    ended: BTreeMap<ObjectKey, (ObjectMeta, Instant)>,
}

impl<K> Clone for Store<K> {
    fn clone(&self) -> Self {
        Self { shared: Arc::clone(&self.shared) }
    }
}

impl<K> Default for Store<K>
where
    K: Resource<DynamicType = ()> + Clone,
{
    fn default() -> Self {
        Self::new()
    }
}

impl<K> Store<K>
where
    K: Resource<DynamicType = ()> + Clone,
{
    /// An empty store that nothing feeds, which counts as synced.
    pub fn new() -> Self {
        let state = State {
            objects: BTreeMap::new(),
            invalid: BTreeMap::new(),
            written_since_list: BTreeSet::new(),
            ended: BTreeMap::new(),
        };
        Self {
            shared: Arc::new(Shared {
                state: RwLock::new(state),
                subscribers: RwLock::default(),
                unlisted_scopes: watch::Sender::new(0),
            }),
        }
    }

    /// The object of that name, if there is one that parses.
    pub fn get(&self, key: &ObjectKey) -> Option<Arc<K>> {
        self.shared.state.read().objects.get(key).cloned()
    }

    /// Every object for which `wanted` holds, by namespace and name. `wanted` must not touch this store.
    pub fn select(&self, wanted: impl Fn(&K) -> bool) -> Vec<Arc<K>> {
        self.shared.state.read().objects.values().filter(|object| wanted(object)).cloned().collect()
    }

    /// Every object of `namespace` for which `wanted` holds. `wanted` must not touch this store.
    pub fn select_in(&self, namespace: &str, wanted: impl Fn(&K) -> bool) -> Vec<Arc<K>> {
        self.shared
            .state
            .read()
            .objects
            .range(ObjectKey::new(namespace, "")..)
            .take_while(|(key, _)| key.namespace == namespace)
            .filter(|(_, object)| wanted(object))
            .map(|(_, object)| Arc::clone(object))
            .collect()
    }

    /// Why the object of that name doesn't parse, if it doesn't.
    pub fn invalid(&self, key: &ObjectKey) -> Option<Arc<InvalidObject>> {
        self.shared.state.read().invalid.get(key).cloned()
    }

    /// How many objects there are.
    pub fn len(&self) -> usize {
        self.shared.state.read().objects.len()
    }

    /// Whether there is no object.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Calls `changed` with the metadata of every object there is, valid or not, and from then on of
    /// every object that comes, changes or goes. It is to return at once.
    pub fn subscribe(&self, changed: impl Fn(&ObjectMeta) + Send + Sync + 'static) {
        let changed: Subscriber = Arc::new(changed);
        self.shared.subscribers.write().push(Arc::clone(&changed));
        let present: Vec<ObjectMeta> = {
            let state = self.shared.state.read();
            let valid = state.objects.values().map(|object| object.meta().clone());
            valid.chain(state.invalid.values().map(|object| object.metadata.clone())).collect()
        };
        for metadata in &present {
            changed(metadata);
        }
    }

    /// Takes in what the API server answered to a write of this process. The answer may come after the news that the
    /// object is gone; nothing would ever take it out again.
    pub fn wrote(&self, mut object: K) {
        super::trim(object.meta_mut());
        let key = ObjectKey::of(object.meta());
        let changed = {
            let mut state = self.shared.state.write();
            if state.ended.get(&key).is_some_and(|(ended, _)| !is_newer(object.meta(), ended)) {
                return;
            }
            state.written_since_list.insert(key.clone());
            state.put(key, object)
        };
        self.tell(changed);
    }

    /// Takes in that a delete of this process left nothing behind.
    pub fn deleted(&self, key: &ObjectKey) {
        let gone = {
            let mut state = self.shared.state.write();
            state.written_since_list.insert(key.clone());
            state.objects.remove(key)
        };
        self.tell(gone.map(|object| object.meta().clone()));
    }

    /// Whether every scope has been listed once.
    pub fn is_synced(&self) -> bool {
        *self.shared.unlisted_scopes.borrow() == 0
    }

    /// Waits until every scope has been listed once.
    pub async fn synced(&self) {
        let mut unlisted = self.shared.unlisted_scopes.subscribe();
        // The sender lives in the store that is borrowed here.
        let _ = unlisted.wait_for(|scopes| *scopes == 0).await;
    }

    /// The way in for the watch of one scope: a namespace, or all of them.
    pub(super) fn feed(&self, namespace: Option<String>) -> Feed<K> {
        self.shared.unlisted_scopes.send_modify(|scopes| *scopes += 1);
        Feed { store: self.clone(), namespace, is_listed: false, listing: Vec::new() }
    }

    fn tell(&self, changed: impl IntoIterator<Item = ObjectMeta>) {
        let subscribers = self.shared.subscribers.read().clone();
        for metadata in changed {
            for subscriber in &subscribers {
                subscriber(&metadata);
            }
        }
    }
}

impl<K> State<K>
where
    K: Resource<DynamicType = ()>,
{
    /// Puts `object` in unless what is there is as new. Says what changed.
    fn put(&mut self, key: ObjectKey, object: K) -> Option<ObjectMeta> {
        let known = self.objects.get(&key).map(|known| known.meta());
        let known = known.or_else(|| self.invalid.get(&key).map(|known| &known.metadata));
        if known.is_some_and(|known| !is_newer(object.meta(), known)) {
            return None;
        }
        self.invalid.remove(&key);
        let metadata = object.meta().clone();
        self.objects.insert(key, Arc::new(object));
        Some(metadata)
    }

    /// Puts an object that doesn't parse in the place of the one that did.
    fn put_invalid(&mut self, key: ObjectKey, object: Box<InvalidObject>) -> Option<ObjectMeta> {
        let known = self.invalid.get(&key).map(|known| &known.metadata);
        if known.is_some_and(|known| known.resource_version == object.metadata.resource_version) {
            return None;
        }
        self.objects.remove(&key);
        let metadata = object.metadata.clone();
        self.invalid.insert(key, Arc::from(object));
        Some(metadata)
    }

    fn put_any(&mut self, object: Incoming<K>) -> Option<ObjectMeta> {
        match object {
            Ok(object) => self.put(ObjectKey::of(object.meta()), object),
            Err(invalid) => self.put_invalid(ObjectKey::of(&invalid.metadata), invalid),
        }
    }

    fn remove(&mut self, metadata: &ObjectMeta) -> Option<ObjectMeta> {
        let key = ObjectKey::of(metadata);
        // The end of an object that was made anew since says nothing about the new one.
        let is_same = |known: &ObjectMeta| known.uid == metadata.uid;
        let mut gone = None;
        self.note_end(key.clone(), metadata.clone());
        if self.objects.get(&key).is_some_and(|known| is_same(known.meta())) {
            gone = self.objects.remove(&key).map(|object| object.meta().clone());
        }
        if self.invalid.get(&key).is_some_and(|known| is_same(&known.metadata)) {
            gone = self.invalid.remove(&key).map(|object| object.metadata.clone());
        }
        gone
    }
}

impl<K> State<K> {
    fn note_end(&mut self, key: ObjectKey, metadata: ObjectMeta) {
        self.ended.retain(|_, (_, heard)| heard.elapsed() < ENDED_KEPT);
        self.ended.insert(key, (metadata, Instant::now()));
    }
}

/// The way into a store for the watch of one scope.
pub(super) struct Feed<K> {
    store: Store<K>,
    namespace: Option<String>,
    is_listed: bool,
    listing: Vec<Incoming<K>>,
}

impl<K> Feed<K>
where
    K: Resource<DynamicType = ()> + Clone,
{
    /// Takes in one event of the watch.
    pub(super) fn take(&mut self, event: Event<Incoming<K>>) {
        let changed = match event {
            Event::Init => {
                self.listing = Vec::new();
                let mut state = self.store.shared.state.write();
                state.written_since_list.retain(|key| !self.covers(key));
                Vec::new()
            }
            Event::InitApply(object) => {
                self.listing.push(object);
                Vec::new()
            }
            Event::InitDone => self.replace(),
            Event::Apply(object) => {
                self.store.shared.state.write().put_any(object).into_iter().collect()
            }
            Event::Delete(object) => {
                let metadata = metadata_of(&object);
                self.store.shared.state.write().remove(metadata).into_iter().collect()
            }
        };
        self.store.tell(changed);
    }

    fn covers(&self, key: &ObjectKey) -> bool {
        self.namespace.as_ref().is_none_or(|namespace| *namespace == key.namespace)
    }

    /// Puts what was listed in the place of what this scope held.
    fn replace(&mut self) -> Vec<ObjectMeta> {
        let listing = std::mem::take(&mut self.listing);
        let listed: BTreeSet<ObjectKey> =
            listing.iter().map(|object| ObjectKey::of(metadata_of(object))).collect();
        let mut changed = Vec::new();
        {
            let mut state = self.store.shared.state.write();
            let state = &mut *state;
            let is_gone = |key: &ObjectKey| {
                self.covers(key) && !listed.contains(key) && !state.written_since_list.contains(key)
            };
            state.objects.retain(|key, object| {
                let gone = is_gone(key);
                if gone {
                    changed.push(object.meta().clone());
                }
                !gone
            });
            state.invalid.retain(|key, object| {
                let gone = is_gone(key);
                if gone {
                    changed.push(object.metadata.clone());
                }
                !gone
            });
            for gone in &changed {
                state.note_end(ObjectKey::of(gone), gone.clone());
            }
            for object in listing {
                changed.extend(state.put_any(object));
            }
        }
        if !self.is_listed {
            self.is_listed = true;
            self.store
                .shared
                .unlisted_scopes
                .send_modify(|scopes| *scopes = scopes.saturating_sub(1));
        }
        changed
    }
}

fn metadata_of<K>(object: &Incoming<K>) -> &ObjectMeta
where
    K: Resource<DynamicType = ()>,
{
    match object {
        Ok(object) => object.meta(),
        Err(invalid) => &invalid.metadata,
    }
}

/// Whether `new` is a later version than `known`. Versions are numbers that grow, for one resource; an
/// API server whose versions aren't is taken at its word whenever they differ.
fn is_newer(new: &ObjectMeta, known: &ObjectMeta) -> bool {
    if new.resource_version == known.resource_version {
        return false;
    }
    let number = |metadata: &ObjectMeta| metadata.resource_version.as_ref()?.parse::<u128>().ok();
    match (number(new), number(known)) {
        (Some(new), Some(known)) => new > known,
        _ => true,
    }
}

#[cfg(test)]
mod tests;
