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
use kube::api::{DeleteParams, Patch, PatchParams, Preconditions};
use kube::{Api, Client, Resource};
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::Value;

pub use api_error::{ApiError, Cause};

use crate::cluster::names::FIELD_MANAGER;
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

/// Waits for `answer`, but not for ever.
async fn within<T>(
    request: String,
    answer: impl Future<Output = Result<T, kube::Error>>,
) -> Result<T, ApiError> {
    match tokio::time::timeout(REQUEST_TIMEOUT, answer).await {
        Ok(Ok(answer)) => Ok(answer),
        Ok(Err(error)) => Err(ApiError { request, cause: Cause::from(&error) }),
        Err(_) => Err(ApiError { request, cause: Cause::TimedOut(REQUEST_TIMEOUT) }),
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
