//! Events of `events.k8s.io/v1`, told when something changes and not while it lasts.
//!
//! A reconcile hands over all that is worth telling of an object as it stands; what was told after the
//! reconcile before isn't told again. What went away and comes back is news. Events are a courtesy: one
//! that can't be written is tried again with the next reconcile and holds up nothing.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::Event;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use kube::api::PostParams;
use kube::{Api, Client};
use parking_lot::Mutex;

use crate::context::{Cause, REQUEST_TIMEOUT, answered_within};
use crate::metrics::Metrics;

/// Who tells: the `reportingController` of every Event.
const CONTROLLER: &str = "taffrail.io/operator";
/// What is taken of an object's name: the moment is added to it, and both have to fit in 253 characters.
const NAME_MAX: usize = 200;
/// What the API server takes as a note.
const NOTE_MAX_BYTES: usize = 1024;

/// One thing worth telling.
#[derive(Clone, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub struct News {
    /// Whether somebody should look at it.
    pub is_warning: bool,
    /// Why, in CamelCase.
    pub reason: String,
    /// What the operator did or is about to do, in CamelCase.
    pub action: String,
    /// For people.
    pub note: String,
}

/// Writes Events. Clones share what has been told.
#[derive(Clone)]
pub struct Recorder {
    client: Client,
    instance: Arc<str>,
    metrics: Metrics,
    told: Arc<Mutex<Told>>,
}

/// What was told of each object, by uid, after its last reconcile.
#[derive(Default)]
struct Told {
    by_object: BTreeMap<String, BTreeSet<News>>,
    last_error: Option<Cause>,
}

impl Told {
    /// What of `all` is news for the object; what isn't in it is forgotten.
    fn news(&mut self, uid: &str, all: &[News]) -> Vec<News> {
        let told = self.by_object.remove(uid).unwrap_or_default();
        let all: BTreeSet<News> = all.iter().cloned().collect();
        let news = all.difference(&told).cloned().collect();
        if !all.is_empty() {
            self.by_object.insert(uid.to_owned(), all);
        }
        news
    }

    fn untell(&mut self, uid: &str, news: &News) {
        if let Some(told) = self.by_object.get_mut(uid) {
            told.remove(news);
        }
    }
}

impl Recorder {
    /// A recorder for the process that calls itself `instance`.
    pub fn new(client: Client, instance: &str, metrics: Metrics) -> Self {
        Self { client, instance: instance.into(), metrics, told: Arc::default() }
    }

    /// Tells of `about` what of `all` wasn't told after its reconcile before.
    pub async fn tell(&self, about: &ObjectReference, all: &[News]) {
        let uid = about.uid.as_deref().unwrap_or_default();
        let news = self.told.lock().news(uid, all);
        for one in news {
            let outcome = self.write(about, &one).await;
            let mut told = self.told.lock();
            match outcome {
                Ok(()) => told.last_error = None,
                // Nobody will read it there, and it goes with the namespace.
                Err(Cause::NamespaceTerminating) => {}
                Err(cause) => {
                    told.untell(uid, &one);
                    if told.last_error.as_ref() != Some(&cause) {
                        tracing::warn!(error = %cause, reason = one.reason, "an Event couldn't be written");
                        told.last_error = Some(cause);
                    }
                }
            }
        }
    }

    /// Forgets what was told of an object that is gone.
    pub fn forget(&self, uid: &str) {
        self.told.lock().by_object.remove(uid);
    }

    async fn write(&self, about: &ObjectReference, news: &News) -> Result<(), Cause> {
        let namespace = about.namespace.as_deref().unwrap_or("default");
        let api: Api<Event> = Api::namespaced(self.client.clone(), namespace);
        let event = event(about, news, &self.instance, Timestamp::now());
        answered_within(REQUEST_TIMEOUT, api.create(&PostParams::default(), &event)).await?;
        self.metrics.wrote("Event", "create");
        Ok(())
    }
}

fn event(about: &ObjectReference, news: &News, instance: &str, now: Timestamp) -> Event {
    let name: String = about.name.iter().flat_map(|name| name.chars()).take(NAME_MAX).collect();
    let name = name.trim_end_matches(['-', '.']);
    Event {
        metadata: ObjectMeta {
            namespace: about.namespace.clone(),
            name: Some(format!("{name}.{:x}", now.as_nanosecond())),
            ..ObjectMeta::default()
        },
        action: Some(news.action.clone()),
        event_time: Some(MicroTime(now)),
        note: Some(cut(&news.note).to_owned()),
        reason: Some(news.reason.clone()),
        regarding: Some(about.clone()),
        reporting_controller: Some(CONTROLLER.to_owned()),
        reporting_instance: Some(instance.to_owned()),
        type_: Some(if news.is_warning { "Warning" } else { "Normal" }.to_owned()),
        ..Event::default()
    }
}

/// The part of `note` that the API server takes, cut between characters.
fn cut(note: &str) -> &str {
    let mut end = note.len().min(NOTE_MAX_BYTES);
    while !note.is_char_boundary(end) {
        end -= 1;
    }
    note.get(..end).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn news(reason: &str, note: &str) -> News {
        News { is_warning: false, reason: reason.into(), action: "Look".into(), note: note.into() }
    }

    /// What of `all` is told, by reasons.
    fn reasons(told: &mut Told, uid: &str, all: &[&str]) -> Vec<String> {
        let all: Vec<News> = all.iter().map(|reason| news(reason, "note")).collect();
        told.news(uid, &all).into_iter().map(|news| news.reason).collect()
    }

    #[test]
    fn what_lasts_is_told_once_and_what_comes_back_again() {
        let mut told = Told::default();
        assert_eq!(reasons(&mut told, "u", &["A"]), ["A"]);
        assert!(reasons(&mut told, "u", &["A"]).is_empty());
        assert_eq!(reasons(&mut told, "u", &["A", "B"]), ["B"]);
        assert!(reasons(&mut told, "u", &["B"]).is_empty());
        assert_eq!(reasons(&mut told, "u", &["A"]), ["A"], "it was gone in between");
        assert_eq!(reasons(&mut told, "other", &["A"]), ["A"], "another object");
    }

    #[test]
    fn what_could_not_be_written_is_news_again() {
        let mut told = Told::default();
        assert_eq!(reasons(&mut told, "u", &["A"]), ["A"]);
        told.untell("u", &news("A", "note"));
        assert_eq!(reasons(&mut told, "u", &["A"]), ["A"]);
    }

    #[test]
    fn nothing_to_tell_leaves_nothing_behind() {
        let mut told = Told::default();
        assert_eq!(reasons(&mut told, "u", &["A"]), ["A"]);
        assert!(reasons(&mut told, "u", &[]).is_empty());
        assert!(told.by_object.is_empty());
    }

    #[test]
    fn an_event_of_the_longest_name_has_a_name_still() {
        let check = |object: &str| {
            let about = ObjectReference { name: Some(object.to_owned()), ..Default::default() };
            let name = event(&about, &news("A", "note"), "me", Timestamp::now()).metadata.name;
            let name = name.unwrap();
            assert!(name.len() <= 253 && !name.contains("-.") && !name.contains(".."), "{name}");
        };
        check("orders");
        check(&"o".repeat(253));
        check(&format!("{}{}", "o".repeat(199), "-.".repeat(27)));
    }

    #[test]
    fn a_note_is_cut_between_characters() {
        assert_eq!(cut("short"), "short");
        let long = "é".repeat(600);
        assert_eq!(cut(&long).len(), 1024);
        let odd = format!("x{long}");
        assert_eq!(cut(&odd).len(), 1023);
    }
}
