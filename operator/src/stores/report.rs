//! What is said in the log of watches that fail: once for each change, not once for each attempt.

use std::collections::BTreeMap;
use std::sync::Arc;

use kube::Resource;
use kube::core::error_boundary::InvalidObject;
use kube::runtime::watcher;
use parking_lot::Mutex;

use super::ObjectKey;
use crate::context::Cause;
use crate::metrics::Metrics;

/// How often in a row a right has to be missing before it is told: an API server that has just started
/// doesn't know its own rules yet.
const DENIALS_BEFORE_TELLING: u32 = 3;

/// What all watches know together of the API server, so that one that is away is told once.
#[derive(Default)]
pub(super) struct ServerReport {
    is_away: Mutex<bool>,
}

impl ServerReport {
    fn away(&self, cause: &Cause) {
        let mut is_away = self.is_away.lock();
        if !*is_away {
            *is_away = true;
            tracing::warn!(%cause, "the API server is away: what is known of it is kept, and it is tried again");
        }
    }

    fn back(&self) {
        let mut is_away = self.is_away.lock();
        if *is_away {
            *is_away = false;
            tracing::info!("the API server is back");
        }
    }
}

/// What one watch says.
pub(super) struct WatchReport {
    kind: String,
    resource: String,
    /// Empty for all namespaces.
    namespace: String,
    server: Arc<ServerReport>,
    metrics: Metrics,
    /// What was told last, while it lasts.
    told: Option<String>,
    denials: u32,
    /// Objects that don't parse, by the error that was told of them.
    invalid: BTreeMap<ObjectKey, String>,
}

impl WatchReport {
    pub(super) fn new<K: Resource<DynamicType = ()>>(
        namespace: Option<&str>,
        server: Arc<ServerReport>,
        metrics: Metrics,
    ) -> Self {
        let plural = K::plural(&());
        let resource = match K::group(&()).as_ref() {
            "" => plural.into_owned(),
            group => format!("{plural}.{group}"),
        };
        Self {
            kind: K::kind(&()).into_owned(),
            resource,
            namespace: namespace.unwrap_or_default().to_owned(),
            server,
            metrics,
            told: None,
            denials: 0,
            invalid: BTreeMap::new(),
        }
    }

    pub(super) fn succeeded(&mut self) {
        self.server.back();
        self.denials = 0;
        if self.told.take().is_some() {
            tracing::info!(resource = self.resource, namespace = self.namespace, "watched again");
        }
    }

    pub(super) fn failed(&mut self, error: &watcher::Error) {
        let (verb, cause) = read(error);
        // A version that is too old to resume from is the ordinary reason for a new list.
        if matches!(cause, Cause::Refused { code: 410, .. }) {
            return;
        }
        self.metrics.watch_failed(&self.kind);
        let text = match &cause {
            Cause::Refused { code: 403, .. } => {
                self.denials = self.denials.saturating_add(1);
                if self.denials < DENIALS_BEFORE_TELLING {
                    return;
                }
                self.denied(verb)
            }
            Cause::Refused { code: 404, .. } => format!(
                "the API server has no {}: the definitions of Taffrail's resources aren't installed \
                 (chart value crds.install)",
                self.resource
            ),
            Cause::Refused { .. } | Cause::NamespaceTerminating | Cause::Foreign => {
                format!("can't {verb} {}: {cause}", self.resource)
            }
            Cause::Unreachable(_) | Cause::TimedOut(_) => return self.server.away(&cause),
        };
        if self.told.as_ref() != Some(&text) {
            tracing::error!(namespace = self.namespace, "{text}");
            self.told = Some(text);
        }
    }

    /// One line that names verb, resource and namespace, and what in the chart gives the right.
    fn denied(&self, verb: &str) -> String {
        let place = match self.namespace.as_str() {
            "" => "in all namespaces".to_owned(),
            namespace => format!("in namespace {namespace}"),
        };
        format!(
            "the operator may not {verb} {} {place}: its role lacks that right \
             (chart values rbac.create and watchNamespaces); it is tried again",
            self.resource
        )
    }

    pub(super) fn invalid(&mut self, object: &InvalidObject) {
        let key = ObjectKey::of(&object.metadata);
        if self.invalid.get(&key) != Some(&object.error) {
            self.metrics.invalid_object(&self.kind);
            tracing::warn!(
                kind = self.kind, object = %key, error = object.error,
                "an object can't be understood and is left alone; its neighbours aren't disturbed"
            );
            self.invalid.insert(key, object.error.clone());
        }
    }
}

fn read(error: &watcher::Error) -> (&'static str, Cause) {
    match error {
        watcher::Error::InitialListFailed(error) => ("list", Cause::from(error)),
        watcher::Error::WatchStartFailed(error) | watcher::Error::WatchFailed(error) => {
            ("watch", Cause::from(error))
        }
        watcher::Error::WatchError(status) => {
            ("watch", Cause::Refused { code: status.code, message: status.message.clone() })
        }
        watcher::Error::NoResourceVersion => {
            ("list", Cause::Unreachable("its answer has no resource version".to_owned()))
        }
    }
}
