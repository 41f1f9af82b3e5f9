//! Takes, renews and gives back the lease.

use std::time::Duration;

use k8s_openapi::api::coordination::v1::{Lease, LeaseSpec};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use k8s_openapi::jiff::Timestamp;
use kube::api::PostParams;
use kube::{Api, Client};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::{
    Act, LEASE_DURATION, LeaseRecord, Observation, RENEW_DEADLINE, RENEW_PERIOD, RETRY_PERIOD,
    decide, may_act,
};
use crate::context::{Cause, answered_within};

/// How long one request may take: several fit before the holder has to give up.
const REQUEST_TIMEOUT: Duration = Duration::from_secs(3);

/// Which lease, and who wants it.
#[derive(Clone, Debug, Eq, PartialEq)]
pub struct LeaseName {
    /// Its namespace.
    pub namespace: String,
    /// Its name.
    pub name: String,
    /// Who this process is; no two are called the same.
    pub identity: String,
}

/// How a term as leader ended.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub enum Leadership {
    /// The lease is lost: another may act from now on.
    Lost,
    /// The process was asked to end, and still holds the lease.
    Ended,
}

/// One process that wants the lease.
pub struct Elector {
    api: Api<Lease>,
    name: LeaseName,
    observed: Observation,
    /// The lease as it was read last, to be written over.
    lease: Option<Lease>,
    start: Instant,
    /// The last error that was told.
    told: Option<Cause>,
}

impl Elector {
    /// A process that wants the lease `name`.
    pub fn new(client: Client, name: LeaseName) -> Self {
        Self {
            api: Api::namespaced(client, &name.namespace),
            name,
            observed: Observation::default(),
            lease: None,
            start: Instant::now(),
            told: None,
        }
    }

    /// Waits until this process holds the lease; `false` if `shutdown` came before.
    pub async fn acquire(&mut self, shutdown: &CancellationToken) -> bool {
        let mut holder = None;
        loop {
            match self.attempt().await {
                Ok(true) => {
                    tracing::info!(
                        lease = self.name.name,
                        identity = self.name.identity,
                        "took the lease"
                    );
                    return true;
                }
                Ok(false) => {
                    let now_held_by =
                        self.observed.record.as_ref().map(|record| record.holder.clone());
                    if holder != now_held_by {
                        let leader = now_held_by.as_deref().unwrap_or_default();
                        tracing::info!(
                            lease = self.name.name,
                            leader,
                            "stands by: another operator acts"
                        );
                        holder = now_held_by;
                    }
                }
                Err(cause) => self.tell(cause),
            }
            tokio::select! {
                () = tokio::time::sleep(RETRY_PERIOD) => {}
                () = shutdown.cancelled() => return false,
            }
        }
    }

    /// Keeps the lease until it is lost or `shutdown` comes.
    pub async fn hold(&mut self, shutdown: &CancellationToken) -> Leadership {
        let mut renewed = self.now();
        let mut wait = RENEW_PERIOD;
        loop {
            tokio::select! {
                () = tokio::time::sleep(wait) => {}
                () = shutdown.cancelled() => return Leadership::Ended,
            }
            // What counts is when the request left: the lease is no newer than that.
            let asked = self.now();
            let left = (renewed + RENEW_DEADLINE).saturating_sub(asked);
            let attempt = tokio::time::timeout(left, self.attempt()).await;
            match attempt.unwrap_or(Err(Cause::TimedOut(left))) {
                Ok(true) => {
                    renewed = asked;
                    wait = RENEW_PERIOD;
                    continue;
                }
                Ok(false) => {
                    let holder =
                        self.observed.record.as_ref().map_or("", |record| record.holder.as_str());
                    tracing::error!(
                        lease = self.name.name,
                        holder,
                        "another operator holds the lease"
                    );
                    return Leadership::Lost;
                }
                Err(cause) => self.tell(cause),
            }
            if !may_act(renewed, self.now()) {
                tracing::error!(lease = self.name.name, "the lease couldn't be renewed in time");
                return Leadership::Lost;
            }
            wait = RETRY_PERIOD.min((renewed + RENEW_DEADLINE).saturating_sub(self.now()));
        }
    }

    /// Gives the lease back, so that another need not wait for it to run out.
    pub async fn release(&mut self) {
        let Some(mut lease) = self.lease.take() else { return };
        let spec = lease.spec.get_or_insert_default();
        if spec.holder_identity.as_ref() != Some(&self.name.identity) {
            return;
        }
        spec.holder_identity = Some(String::new());
        spec.lease_duration_seconds = Some(1);
        spec.renew_time = Some(MicroTime(Timestamp::now()));
        let params = PostParams::default();
        match within(self.api.replace(&self.name.name, &params, &lease)).await {
            Ok(_) => tracing::info!(lease = self.name.name, "gave the lease back"),
            Err(cause) => {
                tracing::warn!(%cause, "the lease couldn't be given back; it will run out")
            }
        }
    }

    /// Looks at the lease and does what there is to do. Whether this process holds it now.
    async fn attempt(&mut self) -> Result<bool, Cause> {
        let found = within(self.api.get_opt(&self.name.name)).await?;
        self.observed.saw(found.as_ref().map(read), self.now());
        let outcome = match (decide(&self.name.identity, &self.observed, self.now()), found) {
            (Act::Wait, _) => return Ok(false),
            (Act::Create, _) | (_, None) => {
                let lease = self.write(None);
                within(self.api.create(&PostParams::default(), &lease)).await
            }
            (Act::Renew | Act::Take, Some(found)) => {
                let lease = self.write(Some(found));
                within(self.api.replace(&self.name.name, &PostParams::default(), &lease)).await
            }
        };
        let lease = outcome?;
        self.observed.saw(Some(read(&lease)), self.now());
        self.lease = Some(lease);
        self.told = None;
        Ok(true)
    }

    /// The lease as this process wants it, over the one that was `found`.
    fn write(&self, found: Option<Lease>) -> Lease {
        let now = MicroTime(Timestamp::now());
        let mut lease = found.unwrap_or_else(|| Lease {
            metadata: ObjectMeta {
                name: Some(self.name.name.clone()),
                namespace: Some(self.name.namespace.clone()),
                ..ObjectMeta::default()
            },
            spec: None,
        });
        lease.metadata.managed_fields = None;
        let old = lease.spec.take();
        let is_mine = old
            .as_ref()
            .is_some_and(|spec| spec.holder_identity.as_ref() == Some(&self.name.identity));
        let old_transitions = old.as_ref().and_then(|spec| spec.lease_transitions);
        let transitions = match (&old, is_mine) {
            (None, _) => 0,
            (Some(_), true) => old_transitions.unwrap_or(0),
            (Some(_), false) => old_transitions.unwrap_or(0).saturating_add(1),
        };
        let acquired = old.filter(|_| is_mine).and_then(|spec| spec.acquire_time);
        lease.spec = Some(LeaseSpec {
            holder_identity: Some(self.name.identity.clone()),
            lease_duration_seconds: i32::try_from(LEASE_DURATION.as_secs()).ok(),
            acquire_time: acquired.or_else(|| Some(now.clone())),
            renew_time: Some(now),
            lease_transitions: Some(transitions),
            ..LeaseSpec::default()
        });
        lease
    }

    fn tell(&mut self, cause: Cause) {
        if matches!(cause, Cause::Refused { code: 409, .. }) {
            // Somebody was faster: the next look says who.
            tracing::debug!(%cause, "somebody else wrote the lease");
        } else if self.told.as_ref() != Some(&cause) {
            let lease = format!("{}/{}", self.name.namespace, self.name.name);
            match &cause {
                Cause::Refused { code: 403, .. } => tracing::error!(
                    %cause,
                    "the operator may not use leases.coordination.k8s.io {lease}: its role lacks get, create or \
                     update (chart value rbac.create); it is tried again"
                ),
                _ => {
                    tracing::warn!(%cause, lease, "the lease can't be read or written; it is tried again")
                }
            }
            self.told = Some(cause);
        }
    }

    fn now(&self) -> Duration {
        self.start.elapsed()
    }
}

fn read(lease: &Lease) -> LeaseRecord {
    let Some(spec) = &lease.spec else { return LeaseRecord::default() };
    LeaseRecord {
        holder: spec.holder_identity.clone().unwrap_or_default(),
        duration: spec
            .lease_duration_seconds
            .and_then(|seconds| u64::try_from(seconds).ok())
            .map_or(LEASE_DURATION, Duration::from_secs),
        renewed: spec.renew_time.as_ref().map(|time| time.0.to_string()).unwrap_or_default(),
        transitions: spec.lease_transitions.unwrap_or(0),
    }
}

async fn within<T>(answer: impl Future<Output = Result<T, kube::Error>>) -> Result<T, Cause> {
    answered_within(REQUEST_TIMEOUT, answer).await
}
