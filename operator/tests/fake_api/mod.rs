//! What of an API server the operator needs, in memory: lists, watches, server-side apply, deletes with
//! preconditions, and failures on demand. It keeps the order of writes for tests to look at.

#![allow(dead_code, unreachable_pub, reason = "each test takes what it needs")]

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use axum::body::{Body, Bytes};
use axum::extract::State;
use axum::http::{Method, StatusCode, Uri};
use axum::response::{IntoResponse, Response};
use futures::stream;
use parking_lot::Mutex;
use serde_json::{Value, json};
use tokio::sync::watch;

/// A fake API server.
#[derive(Clone)]
pub struct FakeApi {
    state: Arc<Mutex<Server>>,
    version: watch::Sender<u64>,
    /// A client of it.
    pub client: kube::Client,
}

#[derive(Default)]
struct Server {
    version: u64,
    objects: BTreeMap<String, Value>,
    /// Version, collection, event.
    history: Vec<(u64, String, Value)>,
    writes: Vec<String>,
    failures: Vec<Failure>,
}

struct Failure {
    method: Method,
    path_part: &'static str,
    code: u16,
}

impl FakeApi {
    /// Starts one on a port of its own.
    pub async fn start() -> Self {
        let listener = tokio::net::TcpListener::bind("127.0.0.1:0").await.expect("a port");
        let address = listener.local_addr().expect("an address");
        let _ = rustls::crypto::aws_lc_rs::default_provider().install_default();
        let config = kube::Config::new(format!("http://{address}").parse().expect("a uri"));
        let api = Self {
            state: Arc::default(),
            version: watch::Sender::new(0),
            client: kube::Client::try_from(config).expect("a client"),
        };
        let served = axum::Router::new().fallback(answer).with_state(api.clone());
        tokio::spawn(async move { axum::serve(listener, served).await });
        api
    }

    /// Puts an object there, as somebody else would.
    pub fn put(&self, collection: &str, name: &str, mut object: Value) {
        let path = format!("{collection}/{name}");
        object["metadata"]["name"] = name.into();
        object["metadata"]["namespace"] = "shop".into();
        self.store(&path, object);
    }

    /// Changes an object, as somebody else would.
    pub fn change(&self, path: &str, change: impl FnOnce(&mut Value)) {
        let mut object = self.get(path).expect("it is there");
        change(&mut object);
        self.store(path, object);
    }

    /// The object at `path`.
    pub fn get(&self, path: &str) -> Option<Value> {
        self.state.lock().objects.get(path).cloned()
    }

    /// Answers the next request of `method` whose path contains `path_part` with `code`.
    pub fn fail(&self, method: Method, path_part: &'static str, code: u16) {
        self.state.lock().failures.push(Failure { method, path_part, code });
    }

    /// The writes since this was asked last, in order: `PATCH configmaps/x`.
    pub fn writes(&self) -> Vec<String> {
        std::mem::take(&mut self.state.lock().writes)
    }

    fn store(&self, path: &str, mut object: Value) -> Value {
        let mut state = self.state.lock();
        let old = state.objects.get(path);
        if old.is_some_and(|old| without_version(old) == without_version(&object)) {
            return old.cloned().unwrap_or_default();
        }
        let event = if old.is_some() { "MODIFIED" } else { "ADDED" };
        state.version += 1;
        let version = state.version;
        let metadata = &mut object["metadata"];
        metadata["resourceVersion"] = version.to_string().into();
        if metadata["uid"].is_null() {
            metadata["uid"] = format!("00000000-0000-4000-8000-{version:012x}").into();
            metadata["creationTimestamp"] = "2026-01-01T00:00:00Z".into();
            metadata["generation"] = 1.into();
        }
        let collection =
            path.rsplit_once('/').map_or(path, |(collection, _)| collection).to_owned();
        state.history.push((version, collection, json!({"type": event, "object": object})));
        state.objects.insert(path.to_owned(), object.clone());
        drop(state);
        self.version.send_replace(version);
        object
    }

    fn remove(&self, path: &str) -> Option<Value> {
        let mut state = self.state.lock();
        let mut object = state.objects.remove(path)?;
        state.version += 1;
        let version = state.version;
        object["metadata"]["resourceVersion"] = version.to_string().into();
        let collection =
            path.rsplit_once('/').map_or(path, |(collection, _)| collection).to_owned();
        state.history.push((version, collection, json!({"type": "DELETED", "object": object})));
        drop(state);
        self.version.send_replace(version);
        Some(object)
    }

    fn list(&self, collection: &str) -> Value {
        let state = self.state.lock();
        let prefix = format!("{collection}/");
        let items: Vec<&Value> = state
            .objects
            .iter()
            .filter(|(path, _)| path.strip_prefix(&prefix).is_some_and(|name| !name.contains('/')))
            .map(|(_, object)| object)
            .collect();
        json!({
            "apiVersion": "v1", "kind": "List", "items": items,
            "metadata": {"resourceVersion": state.version.to_string()},
        })
    }

    fn watch(&self, collection: String, from: u64) -> Body {
        let api = self.clone();
        let state = (api, collection, from, self.version.subscribe());
        Body::from_stream(stream::unfold(state, async |(api, collection, from, mut version)| {
            loop {
                let news: Vec<(u64, Value)> = {
                    let state = api.state.lock();
                    let wanted =
                        |entry: &&(u64, String, Value)| entry.0 > from && entry.1 == collection;
                    state
                        .history
                        .iter()
                        .filter(wanted)
                        .map(|(at, _, event)| (*at, event.clone()))
                        .collect()
                };
                if let Some((last, _)) = news.last() {
                    let lines: String =
                        news.iter().map(|(_, event)| format!("{event}\n")).collect();
                    let next = *last;
                    return Some((
                        Ok::<_, std::io::Error>(lines),
                        (api, collection, next, version),
                    ));
                }
                version.changed().await.ok()?;
            }
        }))
    }

    fn failure(&self, method: &Method, path: &str) -> Option<u16> {
        let mut state = self.state.lock();
        let index = state
            .failures
            .iter()
            .position(|failure| failure.method == *method && path.contains(failure.path_part))?;
        Some(state.failures.remove(index).code)
    }
}

fn without_version(object: &Value) -> Value {
    let mut object = object.clone();
    object["metadata"]["resourceVersion"] = Value::Null;
    object
}

fn refuse(code: u16, message: &str) -> Response {
    let reason = if code == 404 { "NotFound" } else { "Refused" };
    let status = json!({
        "kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure",
        "message": message, "reason": reason, "code": code,
    });
    let code = StatusCode::from_u16(code).expect("a status code");
    (code, status.to_string()).into_response()
}

async fn answer(State(api): State<FakeApi>, method: Method, uri: Uri, body: Bytes) -> Response {
    let path = uri.path().to_owned();
    if let Some(code) = api.failure(&method, &path) {
        return refuse(code, "the test wants it so");
    }
    let query: BTreeMap<&str, &str> = uri
        .query()
        .unwrap_or_default()
        .split('&')
        .filter_map(|pair| pair.split_once('='))
        .collect();
    let body: Value = serde_json::from_slice(&body).unwrap_or_default();
    let answered = match method {
        Method::GET if query.get("watch") == Some(&"true") => {
            let from =
                query.get("resourceVersion").and_then(|version| version.parse().ok()).unwrap_or(0);
            return Response::new(api.watch(path, from));
        }
        Method::GET => match api.get(&path) {
            Some(object) => object,
            None if is_collection(&path) => api.list(&path),
            None => return refuse(404, "there is none"),
        },
        Method::PATCH | Method::PUT | Method::POST | Method::DELETE => {
            return write(&api, &method, &path, &body);
        }
        _ => return refuse(405, "no such verb"),
    };
    answered.to_string().into_response()
}

/// `/api/v1/namespaces/shop/pods` and `/apis/apps/v1/namespaces/shop/statefulsets`.
fn is_collection(path: &str) -> bool {
    let segments = path.split('/').count();
    segments == if path.starts_with("/api/") { 6 } else { 7 }
}

fn write(api: &FakeApi, method: &Method, path: &str, body: &Value) -> Response {
    let short: Vec<&str> =
        path.split('/').skip_while(|segment| *segment != "shop").skip(1).collect();
    let entry = format!("{method} {}", short.join("/"));
    let (path, is_status) = match path.strip_suffix("/status") {
        Some(path) => (path, true),
        None => (path, false),
    };
    let old = api.get(path);
    let wanted = |field: &str| match *method {
        Method::DELETE => body["preconditions"][field].clone(),
        _ => body["metadata"][field].clone(),
    };
    if let Some(old) = &old {
        for field in ["uid", "resourceVersion"] {
            if !wanted(field).is_null() && wanted(field) != old["metadata"][field] {
                return refuse(409, "it isn't the one that was meant");
            }
        }
    }
    let answered = match (method, old) {
        (&Method::DELETE, Some(_)) => api.remove(path).unwrap_or_default(),
        (&Method::PATCH, Some(mut old)) if is_status => {
            old["status"] = body["status"].clone();
            api.store(path, old)
        }
        (&Method::PATCH, Some(mut old)) => {
            merge(&mut old, body);
            api.store(path, old)
        }
        (&Method::PUT, Some(_)) => api.store(path, body.clone()),
        (&Method::POST, _) => {
            let name = body["metadata"]["name"].as_str().unwrap_or_default();
            api.store(&format!("{path}/{name}"), body.clone())
        }
        (&Method::PATCH, None) if !is_status => api.store(path, body.clone()),
        _ => return refuse(404, "there is none"),
    };
    api.state.lock().writes.push(entry);
    answered.to_string().into_response()
}

fn merge(old: &mut Value, new: &Value) {
    match (old, new) {
        (Value::Object(old), Value::Object(new)) => {
            for (name, value) in new {
                merge(old.entry(name.clone()).or_insert(Value::Null), value);
            }
        }
        (old, new) => *old = new.clone(),
    }
}

/// Waits until `holds`, or fails after a while.
pub async fn until(what: &str, holds: impl Fn() -> bool) {
    let waited = tokio::time::timeout(Duration::from_secs(30), async {
        while !holds() {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    });
    assert!(waited.await.is_ok(), "{what} never came about");
}
