//! What becomes of a topic whose resource is gone. Pure.
//!
//! A resource goes for three reasons: somebody deleted it, its definition was deleted, or everything around it goes. Only
//! the first is a wish to delete the topic. While a definition is being deleted, the API server deletes its objects and
//! offers the kind for everything but making new ones; a resource that is gone by then is forgotten for good, so that
//! applying the definition again doesn't turn the loss into deletions.

use std::time::Duration;

use taffrail_model::Uuid;

use super::record::Entry;

/// How long a resource has to be gone.
pub const GONE_MIN: Duration = Duration::from_secs(10);

/// What the API server itself said of the resource.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Lookup {
    /// It is there.
    Present,
    /// There is none of that name, or another.
    Absent,
    /// There was no clear answer.
    Unclear,
}

/// Whether the kind `Topic` is offered. Of two answers the greater one counts.
#[derive(Clone, Copy, Debug, Eq, Ord, PartialEq, PartialOrd)]
pub enum Kind {
    /// With all that goes with it.
    Served,
    /// There was no clear answer.
    Unclear,
    /// Not, or no new ones can be made.
    Going,
}

/// What else has to be known.
#[derive(Clone, Copy, Debug)]
pub struct Circumstances {
    /// Whether the kind is offered.
    pub kind: Kind,
    /// Whether it is certain that the cluster stays: the API server has the very object, and neither that nor its
    /// namespace is being deleted.
    pub cluster_stays: bool,
    /// Whether another resource asks for the name.
    pub is_wanted: bool,
    /// For how long the resource has been known to be gone; `None` if this is the first time.
    pub gone_for: Option<Duration>,
}

/// What becomes of the topic, and of its entry.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Fate {
    /// Both stay as they are.
    Keep,
    /// Both stay for now: the resource is gone, but not long enough.
    Wait,
    /// The topic stays for good, the entry goes.
    Forget,
    /// The topic is deleted, then the entry.
    Delete(Uuid),
}

/// Decides about the topic of `entry`, whose resource isn't among those that are known.
#[must_use]
pub fn fate(entry: &Entry, lookup: Lookup, circumstances: Circumstances) -> Fate {
    let Circumstances { kind, cluster_stays, is_wanted, gone_for } = circumstances;
    match (lookup, kind) {
        (Lookup::Present | Lookup::Unclear, _) | (_, Kind::Unclear) => return Fate::Keep,
        (Lookup::Absent, Kind::Going) => return Fate::Forget,
        (Lookup::Absent, Kind::Served) if !cluster_stays => return Fate::Keep,
        (Lookup::Absent, Kind::Served) if is_wanted => return Fate::Forget,
        (Lookup::Absent, Kind::Served) => {}
    }
    match (gone_for, entry.id) {
        (Some(gone_for), Some(id)) if gone_for >= GONE_MIN => Fate::Delete(id),
        // The topic was about to be made, and nobody knows whether that topic is the one that has the name.
        (Some(gone_for), None) if gone_for >= GONE_MIN => Fate::Forget,
        _ => Fate::Wait,
    }
}

#[cfg(test)]
mod tests {
    use taffrail_model::TopicName;

    use super::*;
    use crate::stores::ObjectKey;

    const ID: Uuid = Uuid::from_bytes([7; 16]);

    #[test]
    fn a_topic_is_deleted_only_when_its_resource_was() {
        let gone = Circumstances {
            kind: Kind::Served,
            cluster_stays: true,
            is_wanted: false,
            gone_for: Some(GONE_MIN),
        };
        let check = |id: Option<Uuid>,
                     lookup: Lookup,
                     circumstances: Circumstances,
                     expect: Fate| {
            let entry = Entry {
                topic: TopicName::new("a").unwrap(),
                id,
                object: ObjectKey::new("shop", "a"),
            };
            assert_eq!(fate(&entry, lookup, circumstances), expect, "{lookup:?} {circumstances:?}");
        };
        let absent = Lookup::Absent;
        check(Some(ID), absent, gone, Fate::Delete(ID));
        check(Some(ID), Lookup::Present, gone, Fate::Keep);
        check(Some(ID), Lookup::Unclear, gone, Fate::Keep);
        check(Some(ID), absent, Circumstances { gone_for: None, ..gone }, Fate::Wait);
        let soon = Some(GONE_MIN.saturating_sub(Duration::from_millis(1)));
        check(Some(ID), absent, Circumstances { gone_for: soon, ..gone }, Fate::Wait);
        check(Some(ID), absent, Circumstances { kind: Kind::Going, ..gone }, Fate::Forget);
        check(Some(ID), absent, Circumstances { kind: Kind::Unclear, ..gone }, Fate::Keep);
        check(Some(ID), absent, Circumstances { cluster_stays: false, ..gone }, Fate::Keep);
        check(Some(ID), absent, Circumstances { is_wanted: true, ..gone }, Fate::Forget);
        check(None, absent, gone, Fate::Forget);
        check(None, absent, Circumstances { gone_for: None, ..gone }, Fate::Wait);
        // Whatever is said of the cluster: the definition may be back before that is known again.
        let all_goes = Circumstances { kind: Kind::Going, cluster_stays: false, ..gone };
        check(Some(ID), absent, all_goes, Fate::Forget);
    }
}
