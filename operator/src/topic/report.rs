//! Telling what a pass has to say: statuses and Events.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use k8s_openapi::jiff::Timestamp;
use kube::Resource as _;
use taffrail_crds::Topic;

use super::pass::Memory;
use super::status::status;
use super::verdict::{Happening, Standing, Verdict};
use crate::context::{ApiError, Context};
use crate::stores::ObjectKey;

/// Writes the statuses that have something new to say, and the Events. Says when what has to wait may be written.
pub(super) async fn report(
    context: &Context,
    memory: &Memory,
    topics: &[Arc<Topic>],
    verdicts: &BTreeMap<ObjectKey, Verdict>,
) -> Result<Option<Duration>, ApiError> {
    let mut again: Option<Duration> = None;
    let mut failure = None;
    for topic in topics {
        let Some(verdict) = verdicts.get(&ObjectKey::of(&topic.metadata)) else { continue };
        let mut happenings = verdict.happenings.clone();
        if verdict.standing() == Standing::Stalled {
            happenings.push(Happening::warning(verdict.reason(), verdict.message()));
        }
        let news: Vec<_> = happenings.iter().map(Happening::news).collect();
        context.recorder.tell(&topic.object_ref(&()), &news).await;

        let new = status(topic, verdict, Timestamp::now());
        let (metadata, old) = (&topic.metadata, topic.status.as_ref());
        match memory.statuses.write(context, &context.stores.topics, metadata, old, &new).await {
            Ok(wait) => again = again.into_iter().chain(wait).min(),
            // It went away, or was made anew: there is nobody to tell.
            Err(error) if error.is_not_found() || error.is_conflict() => {}
            Err(error) => failure = Some(error),
        }
    }
    failure.map_or(Ok(again), Err)
}
