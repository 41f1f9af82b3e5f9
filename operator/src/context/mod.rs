//! What every controller is handed: the way to the API server, what is known of it, and where to tell.
//!
//! Invariants: every request has a deadline; every write that the API server took is counted, and goes
//! into the store of its kind before anybody reconciles again.

mod api_error;

use std::fmt::Debug;
use std::sync::Arc;
use std::time::Duration;

use either::Either;
use k8s_openapi::NamespaceResourceScope;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ObjectMeta;
use kube::api::{DeleteParams, ListParams, Patch, PatchParams, Preconditions};
use kube::core::error_boundary::DeserializeGuard;
use kube::{Api, Client, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;
use taffrail_crds::KafkaCluster;

pub use api_error::{ApiError, Cause};

use crate::cluster::names::{
    CLUSTER_ID_ANNOTATION, CLUSTER_LABEL, FIELD_MANAGER, MANAGED_BY_LABEL,
};
use crate::events::Recorder;
use crate::metrics::Metrics;
use crate::settings::Settings;
use crate::stores::{ObjectKey, Store, Stores};

/// How long the API server may take for one request.
pub const REQUEST_TIMEOUT: Duration = Duration::from_secs(15);

/// What every controller is handed. Clones share all of it.
#[derive(Clone)]
pub struct Context {
    /// The way to the API server.
    pub client: Client,
    /// What the operator was started with.
    pub settings: Arc<Settings>,
    /// What the API server last told of.
    pub stores: Stores,
    /// Where Events go.
    pub recorder: Recorder,
    /// Where things are counted.
    pub metrics: Metrics,
}

impl Context {
    /// Requests for objects of one kind in `namespace`.
    pub fn api<K>(&self, namespace: &str) -> Api<K>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
    {
        Api::namespaced(self.client.clone(), namespace)
    }

    /// Reads one object from the API server itself, past the stores; `None` if there is none.
    ///
    /// # Errors
    /// If the API server can't be reached or refuses.
    pub async fn read<K>(&self, key: &ObjectKey) -> Result<Option<K>, ApiError>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + Debug,
    {
        let api = self.api::<K>(&key.namespace);
        within(request::<K>("get", key), api.get_opt(&key.name)).await
    }

    /// Reads all objects of one kind in `namespace` from the API server itself, past the stores. Those that don't
    /// parse are left away.
    ///
    /// # Errors
    /// If the API server can't be reached or refuses.
    pub async fn list<K>(&self, namespace: &str) -> Result<Vec<K>, ApiError>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + Debug,
    {
        let api: Api<DeserializeGuard<K>> = Api::namespaced(self.client.clone(), namespace);
        let request = format!("list {} of namespace {namespace}", K::kind(&()));
        let listed = within(request, api.list(&ListParams::default())).await?;
        Ok(listed.items.into_iter().filter_map(|DeserializeGuard(object)| object.ok()).collect())
    }

    /// Fails with [`Cause::Foreign`] if there is an object of the name of `wanted` that wasn't made for `cluster`. One that
    /// isn't in the store, which knows what bears the operator's labels, may be there all the same.
    ///
    /// # Errors
    /// That, or the API server can't be reached or refuses.
    pub async fn check_ours<K>(
        &self,
        cluster: &KafkaCluster,
        store: &Store<K>,
        wanted: &K,
    ) -> Result<(), ApiError>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>
            + Clone
            + DeserializeOwned
            + Debug,
    {
        let key = ObjectKey::of(wanted.meta());
        let found = match store.get(&key) {
            Some(found) => Some(found.meta().clone()),
            None => self.read::<K>(&key).await?.map(|found| found.meta().clone()),
        };
        match found {
            Some(found) if !is_of(&found, cluster, wanted.meta()) => {
                Err(ApiError { request: request::<K>("apply", &key), cause: Cause::Foreign })
            }
            _ => Ok(()),
        }
    }

    /// Applies `object` as a whole: fields that it had from the operator and no longer has go, fields of
    /// others stay.
    ///
    /// # Errors
    /// If the API server can't be reached or refuses.
    pub async fn apply<K>(&self, store: &Store<K>, object: &K) -> Result<(), ApiError>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
        K: Clone + Debug + DeserializeOwned + Serialize,
    {
        let key = ObjectKey::of(object.meta());
        let api = self.api::<K>(&key.namespace);
        let body = typed::<K>(object, &key, "apply")?;
        let params = PatchParams::apply(FIELD_MANAGER).force();
        let patch = Patch::Apply(&body);
        let applied =
            within(request::<K>("apply", &key), api.patch(&key.name, &params, &patch)).await?;
        self.metrics.wrote(&K::kind(&()), "apply");
        store.wrote(applied);
        Ok(())
    }

    /// Applies `status` to the object that `metadata` speaks of, and to no other of that name.
    ///
    /// # Errors
    /// If the API server can't be reached or refuses; a conflict if the object was made anew meanwhile.
    pub async fn apply_status<K, S>(
        &self,
        store: &Store<K>,
        metadata: &ObjectMeta,
        status: &S,
    ) -> Result<(), ApiError>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
        K: Clone + Debug + DeserializeOwned,
        S: Serialize,
    {
        let key = ObjectKey::of(metadata);
        let body = serde_json::json!({
            "apiVersion": K::api_version(&()),
            "kind": K::kind(&()),
            "metadata": {"name": key.name, "uid": metadata.uid},
            "status": status,
        });
        let api = self.api::<K>(&key.namespace);
        let params = PatchParams::apply(FIELD_MANAGER).force();
        let request = request::<K>("apply status of", &key);
        let patch = Patch::Apply(&body);
        let applied = within(request, api.patch_status(&key.name, &params, &patch)).await?;
        self.metrics.wrote(&K::kind(&()), "status");
        store.wrote(applied);
        Ok(())
    }

    /// Deletes the very object that `metadata` speaks of, if it is still as it was read. One that is gone,
    /// was made anew or has changed stays as it is: whoever wants it gone looks again.
    ///
    /// # Errors
    /// If the API server can't be reached or refuses; a conflict if the object has changed.
    pub async fn delete<K>(&self, store: &Store<K>, metadata: &ObjectMeta) -> Result<(), ApiError>
    where
        K: Resource<DynamicType = (), Scope = NamespaceResourceScope>,
        K: Clone + Debug + DeserializeOwned,
    {
        let key = ObjectKey::of(metadata);
        let params = DeleteParams {
            preconditions: Some(Preconditions {
                uid: metadata.uid.clone(),
                resource_version: metadata.resource_version.clone(),
            }),
            ..DeleteParams::background()
        };
        let api = self.api::<K>(&key.namespace);
        match within(request::<K>("delete", &key), api.delete(&key.name, &params)).await {
            Ok(Either::Left(terminating)) => store.wrote(terminating),
            Ok(Either::Right(_)) => store.deleted(&key),
            Err(error) if error.is_not_found() => {
                store.deleted(&key);
                return Ok(());
            }
            Err(error) => return Err(error),
        }
        self.metrics.wrote(&K::kind(&()), "delete");
        Ok(())
    }
}

/// Whether what was `found` was made for `cluster`, be it that somebody has taken its labels off: by its
/// labels, its owner, or on a volume's claim by the cluster's id, which `wanted` bears as well.
fn is_of(found: &ObjectMeta, cluster: &KafkaCluster, wanted: &ObjectMeta) -> bool {
    let label = |metadata: &ObjectMeta, name: &str| metadata.labels.as_ref()?.get(name).cloned();
    let is_labelled = [MANAGED_BY_LABEL, CLUSTER_LABEL]
        .into_iter()
        .all(|name| label(found, name).is_some() && label(found, name) == label(wanted, name));
    let is_owned =
        cluster.metadata.uid.as_ref().is_some_and(|uid| {
            found.owner_references.iter().flatten().any(|owner| owner.uid == *uid)
        });
    let id =
        |metadata: &ObjectMeta| metadata.annotations.as_ref()?.get(CLUSTER_ID_ANNOTATION).cloned();
    is_labelled || is_owned || (id(found).is_some() && id(found) == id(wanted))
}

/// Waits for the answer to `request`, but not for ever.
async fn within<T>(
    request: String,
    answer: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, ApiError> {
    let answered = answered_within(REQUEST_TIMEOUT, answer).await;
    answered.map_err(|cause| ApiError { request, cause })
}

/// Waits for an answer of the API server for as long as `limit`.
///
/// # Errors
/// Why there is none, or why the API server refused.
pub async fn answered_within<T>(
    limit: Duration,
    answer: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, Cause> {
    match tokio::time::timeout(limit, answer).await {
        Ok(answer) => answer.map_err(|error| Cause::from(&error)),
        Err(_) => Err(Cause::TimedOut(limit)),
    }
}

fn request<K: Resource<DynamicType = ()>>(verb: &str, key: &ObjectKey) -> String {
    format!("{verb} {} {key}", K::kind(&()))
}

/// `object` with its kind and version, which server-side apply wants to see.
fn typed<K>(object: &K, key: &ObjectKey, verb: &str) -> Result<Value, ApiError>
where
    K: Resource<DynamicType = ()> + Serialize,
{
    let unwritable = |error: serde_json::Error| ApiError {
        request: request::<K>(verb, key),
        cause: Cause::Refused { code: 400, message: error.to_string() },
    };
    let mut body = serde_json::to_value(object).map_err(unwritable)?;
    body["apiVersion"] = K::api_version(&()).into();
    body["kind"] = K::kind(&()).into();
    Ok(body)
}
