//! One task for each kind and namespace that carries what a watch tells into a store.

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use futures::StreamExt as _;
use k8s_openapi::{ClusterResourceScope, NamespaceResourceScope};
use kube::core::error_boundary::DeserializeGuard;
use kube::runtime::watcher::{self, Event};
use kube::{Api, Client, Resource};
use rand::RngExt as _;
use serde::de::DeserializeOwned;
use tokio::task::JoinSet;
use tokio_util::sync::CancellationToken;

use super::report::{ServerReport, WatchReport};
use super::store::{Feed, Incoming, Store};
use crate::metrics::Metrics;

/// After how long the API server ends a watch. A connection that died in silence is noticed 5 s later.
const WATCH_SECONDS: u32 = 120;
/// Objects in one page of a list: what has to be held while it is read.
const PAGE_SIZE: u32 = 200;
/// The waits between attempts, jitter left aside.
const RETRY_MIN: Duration = Duration::from_millis(500);
const RETRY_MAX: Duration = Duration::from_secs(5);

/// The watches of a process, as they are started.
pub(super) struct Watches {
    pub(super) client: Client,
    pub(super) metrics: Metrics,
    pub(super) server: Arc<ServerReport>,
    pub(super) shutdown: CancellationToken,
    pub(super) tasks: JoinSet<()>,
}

impl Watches {
    /// Feeds `store` from `namespace`, or from all of them.
    pub(super) fn namespaced<K>(
        &mut self,
        store: &Store<K>,
        namespace: Option<&str>,
        labels: Option<&str>,
    ) where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
        K: Clone + Debug + DeserializeOwned + Send + Sync + 'static,
    {
        let api = match namespace {
            Some(namespace) => Api::namespaced(self.client.clone(), namespace),
            None => Api::all(self.client.clone()),
        };
        self.start(api, store.feed(namespace.map(str::to_owned)), namespace, labels);
    }

    /// Feeds `store` with objects that live in no namespace.
    pub(super) fn cluster_scoped<K>(&mut self, store: &Store<K>)
    where
        K: Resource<DynamicType = (), Scope = ClusterResourceScope>,
        K: Clone + Debug + DeserializeOwned + Send + Sync + 'static,
    {
        self.start(Api::all(self.client.clone()), store.feed(None), None, None);
    }

    fn start<K>(
        &mut self,
        api: Api<DeserializeGuard<K>>,
        feed: Feed<K>,
        namespace: Option<&str>,
        labels: Option<&str>,
    ) where
        K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
    {
        let mut config = watcher::Config::default().timeout(WATCH_SECONDS).page_size(PAGE_SIZE);
        config.label_selector = labels.map(str::to_owned);
        let report =
            WatchReport::new::<K>(namespace, Arc::clone(&self.server), self.metrics.clone());
        let shutdown = self.shutdown.clone();
        self.tasks.spawn(async move {
            tokio::select! {
                () = follow(api, config, feed, report) => {}
                () = shutdown.cancelled() => {}
            }
        });
    }
}

/// Carries events into the store, for ever.
async fn follow<K>(
    api: Api<DeserializeGuard<K>>,
    config: watcher::Config,
    mut feed: Feed<K>,
    mut report: WatchReport,
) where
    K: Resource<DynamicType = ()> + Clone + Debug + DeserializeOwned + Send + Sync + 'static,
{
    let mut events = std::pin::pin!(watcher::watcher(api, config));
    let mut failures = 0_u32;
    while let Some(event) = events.next().await {
        match event {
            Ok(event) => {
                // The watcher announces a list before it asks for it.
                if !matches!(event, Event::Init) {
                    failures = 0;
                    report.succeeded();
                }
                feed.take(unwrap(event, &mut report));
            }
            Err(error) => {
                report.failed(&error);
                let wait = RETRY_MIN.saturating_mul(1 << failures.min(8)).min(RETRY_MAX);
                failures = failures.saturating_add(1);
                let jitter = rand::rng().random_range(0.75..1.25);
                tokio::time::sleep(wait.mul_f64(jitter)).await;
            }
        }
    }
}

/// The event with its object out of the guard and trimmed.
fn unwrap<K>(event: Event<DeserializeGuard<K>>, report: &mut WatchReport) -> Event<Incoming<K>>
where
    K: Resource<DynamicType = ()>,
{
    let mut open = |DeserializeGuard(object): DeserializeGuard<K>| match object {
        Ok(mut object) => {
            super::trim(object.meta_mut());
            Ok(object)
        }
        Err(mut invalid) => {
            super::trim(&mut invalid.metadata);
            report.invalid(&invalid);
            Err(Box::new(invalid))
        }
    };
    match event {
        Event::Init => Event::Init,
        Event::InitDone => Event::InitDone,
        Event::InitApply(object) => Event::InitApply(open(object)),
        Event::Apply(object) => Event::Apply(open(object)),
        Event::Delete(object) => Event::Delete(open(object)),
    }
}
