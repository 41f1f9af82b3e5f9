//! Two operators and one lease, on an API server in memory.

#![allow(
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "tests own clocks and files"
)]

mod fake_api;

use std::time::Duration;

use axum::http::Method;
use fake_api::{FakeApi, until};
use taffrail_operator::election::{Elector, Leadership, LeaseName};
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

const LEASE: &str = "/apis/coordination.k8s.io/v1/namespaces/shop/leases/operator";

fn elector(api: &FakeApi, identity: &str) -> Elector {
    let name =
        LeaseName { namespace: "shop".into(), name: "operator".into(), identity: identity.into() };
    Elector::new(api.client.clone(), name)
}

fn holder(api: &FakeApi) -> String {
    let lease = api.get(LEASE).unwrap_or_default();
    lease["spec"]["holderIdentity"].as_str().unwrap_or_default().to_owned()
}

/// What a task gives that has to end by itself: within the time in which any lease runs out, many times over.
async fn ended<T>(task: JoinHandle<T>) -> T {
    let ended = tokio::time::timeout(Duration::from_secs(120), task).await;
    ended.expect("it ends in time").expect("it doesn't panic")
}

#[tokio::test]
async fn one_holds_it_the_other_waits_until_it_is_given_back() {
    let api = FakeApi::start().await;
    let never = CancellationToken::new();
    let mut first = elector(&api, "first");
    assert!(first.acquire(&never).await);
    assert_eq!(holder(&api), "first");

    let second = tokio::spawn({
        let (mut second, never) = (elector(&api, "second"), never.clone());
        async move { second.acquire(&never).await }
    });
    first.release().await;
    assert!(ended(second).await);
    assert_eq!(holder(&api), "second");
    let lease = api.get(LEASE).expect("it is there");
    assert_eq!(lease["spec"]["leaseTransitions"], 1);
    assert_eq!(lease["spec"]["leaseDurationSeconds"], 15);
}

#[tokio::test]
async fn who_waits_can_be_told_to_stop() {
    let api = FakeApi::start().await;
    let never = CancellationToken::new();
    assert!(elector(&api, "first").acquire(&never).await);
    let stop = CancellationToken::new();
    stop.cancel();
    assert!(!elector(&api, "second").acquire(&stop).await);
    assert_eq!(holder(&api), "first");
}

#[tokio::test]
async fn it_is_lost_when_another_holds_it_and_kept_through_passing_failures() {
    let api = FakeApi::start().await;
    let never = CancellationToken::new();
    let mut first = elector(&api, "first");
    assert!(first.acquire(&never).await);
    let version =
        || api.get(LEASE).expect("it is there")["metadata"]["resourceVersion"].to_string();
    let taken = version();
    api.fail(Method::GET, "/leases/", 500);
    let held = tokio::spawn(async move { first.hold(&never).await });
    until("a renewal after a failure", || version() != taken).await;
    api.change(LEASE, |lease| lease["spec"]["holderIdentity"] = "second".into());
    assert_eq!(ended(held).await, Leadership::Lost);
    assert_eq!(holder(&api), "second", "what is lost isn't written over");
}

#[tokio::test]
async fn it_is_never_given_back_by_one_who_lost_it() {
    let api = FakeApi::start().await;
    let mut first = elector(&api, "first");
    assert!(first.acquire(&CancellationToken::new()).await);
    api.change(LEASE, |lease| lease["spec"]["holderIdentity"] = "second".into());
    first.release().await;
    assert_eq!(holder(&api), "second");
}
