//! As much of an API server as the passes need: objects by path, applied as a whole.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, MutexGuard};

use axum::Router;
use axum::body::Bytes;
use axum::extract::State as Shared;
use axum::http::{Method, StatusCode, Uri};
use axum::response::Json;
use serde_json::{Value, json};
use tokio::net::TcpListener;
use tokio::task::JoinHandle;

/// What the server holds, and how it answers.
#[derive(Default)]
pub(crate) struct State {
    /// By path.
    pub(crate) objects: BTreeMap<String, Value>,
    /// Methods and paths of the writes that it took.
    pub(crate) writes: Vec<String>,
    /// Reasons of the Events.
    pub(crate) events: Vec<String>,
    /// What may be done with Topics; `None` if nobody knows the kind.
    pub(crate) topic_verbs: Option<Vec<&'static str>>,
    /// Paths that it has no answer for.
    pub(crate) broken: Vec<String>,
    version: u64,
}

impl State {
    /// Puts an object there, as a user does, and gives it back as stored.
    pub(crate) fn put(&mut self, path: &str, mut object: Value) -> Value {
        self.version += 1;
        object["metadata"]["resourceVersion"] = self.version.to_string().into();
        self.objects.insert(path.to_owned(), object.clone());
        object
    }

    /// Forgets the writes, and says what they were.
    pub(crate) fn take_writes(&mut self) -> Vec<String> {
        std::mem::take(&mut self.writes)
    }

    fn patch(&mut self, path: &str, body: Value) -> (StatusCode, Value) {
        let (object_path, is_status) = match path.strip_suffix("/status") {
            Some(path) => (path, true),
            None => (path, false),
        };
        let current = self.objects.get(object_path).cloned();
        let expected = &body["metadata"]["resourceVersion"];
        let found = current.as_ref().map(|object| &object["metadata"]["resourceVersion"]);
        if expected.is_string() && found != Some(expected) {
            return failure(StatusCode::CONFLICT);
        }
        let object = match (current, is_status) {
            (None, true) => return failure(StatusCode::NOT_FOUND),
            (Some(current), true) => {
                let mut object = current;
                object["status"] = body["status"].clone();
                object
            }
            (_, false) => body,
        };
        (StatusCode::OK, self.put(object_path, object))
    }
}

/// The server. It ends when it is dropped.
pub(crate) struct FakeApi {
    pub(crate) client: kube::Client,
    state: Arc<Mutex<State>>,
    serving: JoinHandle<()>,
}

impl Drop for FakeApi {
    fn drop(&mut self) {
        self.serving.abort();
    }
}

impl FakeApi {
    pub(crate) async fn start() -> Self {
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let url = format!("http://{}", listener.local_addr().unwrap());
        let state = Arc::new(Mutex::new(State {
            topic_verbs: Some(vec!["create", "delete", "get", "list", "patch", "update", "watch"]),
            ..State::default()
        }));
        let router = Router::new().fallback(answer).with_state(Arc::clone(&state));
        let serving = tokio::spawn(async move { axum::serve(listener, router).await.unwrap() });
        let client = kube::Client::try_from(kube::Config::new(url.parse().unwrap())).unwrap();
        Self { client, state, serving }
    }

    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }
}

async fn answer(
    Shared(state): Shared<Arc<Mutex<State>>>,
    method: Method,
    uri: Uri,
    body: Bytes,
) -> (StatusCode, Json<Value>) {
    let path = uri.path().to_owned();
    let mut state = state.lock().unwrap();
    // Not 503, which the client asks again for by itself.
    if state.broken.contains(&path) {
        let (code, body) = failure(StatusCode::INTERNAL_SERVER_ERROR);
        return (code, Json(body));
    }
    if method != Method::GET {
        state.writes.push(format!("{method} {path}"));
    }
    let (code, answer) = match (method.as_str(), path.as_str()) {
        ("GET", "/apis/taffrail.io/v1beta1") => offered(&state),
        ("GET", path) if path.contains("/topics/") && state.topic_verbs.is_none() => {
            (StatusCode::NOT_FOUND, json!("404 page not found"))
        }
        ("GET", path) if path.ends_with("/topics") => listed(&state, path),
        ("GET", path) => match state.objects.get(path) {
            Some(object) => (StatusCode::OK, object.clone()),
            None => failure(StatusCode::NOT_FOUND),
        },
        ("PATCH", path) => state.patch(path, serde_json::from_slice(&body).unwrap()),
        ("DELETE", path) => match state.objects.remove(path) {
            Some(_) => {
                (StatusCode::OK, json!({"kind": "Status", "apiVersion": "v1", "status": "Success"}))
            }
            None => failure(StatusCode::NOT_FOUND),
        },
        ("POST", path) if path.ends_with("/events") => {
            let event: Value = serde_json::from_slice(&body).unwrap();
            state.events.push(event["reason"].as_str().unwrap_or_default().to_owned());
            (StatusCode::CREATED, event)
        }
        _ => failure(StatusCode::METHOD_NOT_ALLOWED),
    };
    (code, Json(answer))
}

fn offered(state: &State) -> (StatusCode, Value) {
    let Some(verbs) = &state.topic_verbs else { return failure(StatusCode::NOT_FOUND) };
    let resource = |name: &str| json!({"name": name, "singularName": "topic", "namespaced": true, "kind": "Topic", "verbs": verbs});
    let list = json!({
        "kind": "APIResourceList", "apiVersion": "v1", "groupVersion": "taffrail.io/v1beta1",
        "resources": [resource("topics"), resource("topics/status")],
    });
    (StatusCode::OK, list)
}

fn listed(state: &State, collection: &str) -> (StatusCode, Value) {
    let is_in =
        |path: &str| path.strip_prefix(collection).is_some_and(|name| name.starts_with('/'));
    let items: Vec<&Value> =
        state.objects.iter().filter(|(path, _)| is_in(path)).map(|(_, object)| object).collect();
    let list = json!({"apiVersion": "v1", "kind": "List", "metadata": {}, "items": items});
    (StatusCode::OK, list)
}

fn failure(code: StatusCode) -> (StatusCode, Value) {
    let body = json!({
        "kind": "Status", "apiVersion": "v1", "status": "Failure", "metadata": {},
        "message": code.to_string(), "code": code.as_u16(),
        "reason": code.canonical_reason().unwrap_or_default().replace(' ', ""),
    });
    (code, body)
}
