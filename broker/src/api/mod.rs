//! One file per API key: authorise, translate from the wire, ask a room, translate back.
//!
//! Architecture Invariant: requests and responses stop here. A handler passes plain words on, and nothing below
//! this module knows a version of the protocol.
//!
//! Architecture Invariant: what [`SERVED`] lists works in full, since a range in ApiVersions is a promise.

mod alter_configs;
mod api_versions;
mod config_changes;
mod create_partitions;
mod create_topics;
mod delete_groups;
mod delete_topics;
mod describe_cluster;
mod describe_configs;
mod describe_groups;
mod describe_log_dirs;
mod describe_topic_partitions;
mod fetch;
mod find_coordinator;
mod group_call;
mod heartbeat;
mod incremental_alter_configs;
mod init_producer_id;
mod join_group;
mod leave_group;
mod list_groups;
mod list_offsets;
mod metadata;
mod offset_commit;
mod offset_fetch;
mod produce;
mod sync_group;
#[cfg(test)]
mod tests;
mod topic_lookup;

use std::sync::Arc;

use bytes::Bytes;
use taffrail_model::{Mono, Now};
use taffrail_protocol::ApiKey;
use taffrail_protocol::header::encode_response;
use taffrail_protocol::messages::{ApiVersionsRequest, RequestHeader};
use taffrail_protocol::wire::Decoder;
use taffrail_protocol::{Message, Request};
use taffrail_security::{Operation, RequestOrigin, ResourcePattern, ResourceType};

use crate::net::{ClientSoftware, ConnectionState, Handler, Outcome, RequestContext};
use crate::runtime::Broker;

/// A range of versions that is served.
#[derive(Clone, Copy, Debug)]
struct Served {
    key: ApiKey,
    min: i16,
    max: i16,
}

/// Who a listener is for. Both kinds lead to the same handlers, of which controllers' listeners know fewer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Audience {
    /// Clients and brokers.
    Broker,
    /// Those who speak to the controller itself.
    Controller,
}

/// What a controller's listener serves of [`SERVED`].
const SERVED_BY_CONTROLLERS: &[ApiKey] = &[
    ApiKey::ApiVersions,
    ApiKey::CreateTopics,
    ApiKey::DeleteTopics,
    ApiKey::AlterConfigs,
    ApiKey::CreatePartitions,
    ApiKey::IncrementalAlterConfigs,
];

impl Audience {
    fn served(self) -> impl Iterator<Item = &'static Served> {
        SERVED.iter().filter(move |served| match self {
            Self::Broker => true,
            Self::Controller => SERVED_BY_CONTROLLERS.contains(&served.key),
        })
    }
}

/// What every handler is given beside its request.
struct Call<'a> {
    broker: &'a Arc<Broker>,
    context: &'a RequestContext,
    audience: Audience,
    key: ApiKey,
    version: i16,
    correlation_id: i32,
    now: Now,
}

impl Call<'_> {
    fn origin(&self) -> RequestOrigin<'_> {
        RequestOrigin {
            principal: &self.context.principal,
            client_address: self.context.client_addr.ip(),
        }
    }

    /// Whether the caller may do `operation` on `resource`. Without a configured authoriser everybody may.
    fn may(&self, operation: Operation, resource: ResourcePattern<'_>) -> bool {
        self.broker.authorizer.authorize(self.origin(), operation, resource).is_allowed()
    }

    /// What the caller may do with `resource`, as bits (KIP-430).
    fn authorized_operations(&self, resource: ResourcePattern<'_>) -> i32 {
        let supported = supported_operations(resource.resource_type);
        self.broker.authorizer.authorized_operations(self.origin(), supported, resource)
    }

    /// When a client that waits `timeout_ms` gives up.
    fn deadline(&self, timeout_ms: i32) -> Option<Mono> {
        Some(self.now.mono.plus_ms(i64::from(timeout_ms)))
    }
}

/// What can be done with a kind of resource at all, as Kafka's `AclEntry.supportedOperations`.
fn supported_operations(kind: ResourceType) -> &'static [Operation] {
    use Operation::{
        Alter, AlterConfigs, ClusterAction, Create, Delete, Describe, DescribeConfigs,
        IdempotentWrite, Read, Write,
    };
    match kind {
        ResourceType::Topic => {
            &[Read, Write, Create, Describe, Delete, Alter, DescribeConfigs, AlterConfigs]
        }
        ResourceType::Group => &[Read, Describe, Delete, DescribeConfigs, AlterConfigs],
        ResourceType::Cluster => &[
            Create,
            ClusterAction,
            DescribeConfigs,
            AlterConfigs,
            IdempotentWrite,
            Alter,
            Describe,
        ],
        ResourceType::TransactionalId | ResourceType::DelegationToken | ResourceType::User => &[],
    }
}

/// Declares the served APIs once: the list for ApiVersions and the way to each handler come from the same lines.
macro_rules! serve {
    ($($key:ident $min:literal..=$max:literal => $module:ident;)*) => {
        /// Everything that this broker promises in ApiVersions.
        const SERVED: &[Served] =
            &[$(Served { key: ApiKey::$key, min: $min, max: $max }),*];

        async fn route(call: &Call<'_>, body: Bytes) -> Outcome {
            match call.key {
                $(ApiKey::$key => match decode(body, call) {
                    Ok(request) => $module::handle(call, request).await.into_outcome(call),
                    Err(outcome) => outcome,
                },)*
                _ => not_served(call),
            }
        }
    };
}

serve! {
    Produce 3..=13 => produce;
    Fetch 4..=18 => fetch;
    ListOffsets 1..=11 => list_offsets;
    Metadata 0..=13 => metadata;
    OffsetCommit 2..=10 => offset_commit;
    OffsetFetch 1..=10 => offset_fetch;
    FindCoordinator 0..=6 => find_coordinator;
    JoinGroup 0..=9 => join_group;
    Heartbeat 0..=4 => heartbeat;
    LeaveGroup 0..=5 => leave_group;
    SyncGroup 0..=5 => sync_group;
    DescribeGroups 0..=6 => describe_groups;
    ListGroups 0..=5 => list_groups;
    ApiVersions 0..=4 => api_versions;
    CreateTopics 2..=7 => create_topics;
    DeleteTopics 1..=6 => delete_topics;
    InitProducerId 0..=5 => init_producer_id;
    DescribeConfigs 1..=4 => describe_configs;
    AlterConfigs 0..=2 => alter_configs;
    DescribeLogDirs 1..=5 => describe_log_dirs;
    CreatePartitions 0..=3 => create_partitions;
    DeleteGroups 0..=2 => delete_groups;
    IncrementalAlterConfigs 0..=1 => incremental_alter_configs;
    DescribeCluster 0..=2 => describe_cluster;
    DescribeTopicPartitions 0..=0 => describe_topic_partitions;
}

/// A handler's result on its way to the socket.
trait Reply {
    fn into_outcome(self, call: &Call<'_>) -> Outcome;
}

impl<M: Message> Reply for M {
    fn into_outcome(self, call: &Call<'_>) -> Outcome {
        match encode_response(call.correlation_id, call.key, call.version, &self) {
            Ok(frame) => Outcome::Reply(frame),
            Err(error) => {
                tracing::error!(api = call.key.name(), version = call.version, %error, "a reply can't be encoded");
                Outcome::Close(format!(
                    "the reply to {} can't be encoded: {error}",
                    call.key.name()
                ))
            }
        }
    }
}

fn decode<R: Request>(body: Bytes, call: &Call<'_>) -> Result<R, Outcome> {
    R::decode(&mut Decoder::new(body), call.version).map_err(|error| {
        Outcome::Close(format!(
            "malformed {} request, version {}: {error}",
            call.key.name(),
            call.version
        ))
    })
}

fn not_served(call: &Call<'_>) -> Outcome {
    Outcome::Close(format!("{} is not served by this broker", call.key.name()))
}

/// Answers requests: what `net` calls for each frame.
pub(crate) struct Api {
    broker: Arc<Broker>,
    audience: Audience,
}

impl Api {
    pub(crate) fn new(broker: Arc<Broker>, audience: Audience) -> Self {
        Self { broker, audience }
    }
}

impl Handler for Api {
    async fn handle(
        &self,
        connection: &mut ConnectionState,
        header: RequestHeader,
        body: Bytes,
    ) -> Outcome {
        let (code, version) = (header.request_api_key, header.request_api_version);
        let Some(key) = ApiKey::from_code(code) else {
            return Outcome::Close(format!("unknown API key {code}"));
        };
        let is_served = self
            .audience
            .served()
            .any(|served| served.key == key && (served.min..=served.max).contains(&version));
        if key == ApiKey::ApiVersions && is_served {
            note_client_software(connection, &body, version);
        }
        let call = Call {
            broker: &self.broker,
            context: &connection.context,
            audience: self.audience,
            key,
            // A client newer than this broker learns in version 0, which everybody reads, what to use.
            version: if is_served { version } else { 0 },
            correlation_id: header.correlation_id,
            now: self.broker.clock.now(),
        };
        match (is_served, key) {
            (true, _) => route(&call, body).await,
            (false, ApiKey::ApiVersions) => api_versions::unsupported(&call).into_outcome(&call),
            (false, _) => {
                Outcome::Close(format!("{} version {version} is not supported", key.name()))
            }
        }
    }
}

/// KIP-511: the client's library, for whoever reads the logs.
fn note_client_software(connection: &mut ConnectionState, body: &Bytes, version: i16) {
    if version < 3 {
        return;
    }
    if let Ok(request) = ApiVersionsRequest::decode(&mut Decoder::new(body.clone()), version)
        && api_versions::is_legal(&request)
    {
        connection.context.client_software = Some(ClientSoftware {
            name: request.client_software_name,
            version: request.client_software_version,
        });
    }
}
