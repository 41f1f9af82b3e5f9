//! Quotas, credentials, ACLs and delegation tokens, as the log holds them. What they mean is decided in
//! the security room; here they are kept, so that no record of another controller is ever lost.

use std::fmt;

use bytes::Bytes;
use taffrail_protocol::records::{AccessControlEntryRecord, DelegationTokenRecord};

/// Whom a client quota binds: pairs of an entity type (`user`, `client-id`, `ip`) and a name, `None` for
/// the default of that type; sorted.
pub type ClientQuotaEntity = Vec<(String, Option<String>)>;

/// What the log knows of a user's password for one SCRAM mechanism. Not printed.
#[derive(Clone, PartialEq, Eq)]
pub struct ScramCredential {
    /// The salt.
    pub salt: Bytes,
    /// The key by which a client is recognised.
    pub stored_key: Bytes,
    /// The key by which the server proves itself.
    pub server_key: Bytes,
    /// The number of iterations.
    pub iterations: i32,
}

impl fmt::Debug for ScramCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ScramCredential")
            .field("iterations", &self.iterations)
            .finish_non_exhaustive()
    }
}

/// One access control entry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct AclEntry {
    /// The kind of resource, by Kafka's `ResourceType` numbers.
    pub resource_type: i8,
    /// The name, or the prefix, of the resource.
    pub resource_name: String,
    /// How the name matches, by Kafka's `PatternType` numbers.
    pub pattern_type: i8,
    /// The principal, as `User:alice`.
    pub principal: String,
    /// The client's address, or `*`.
    pub host: String,
    /// The operation, by Kafka's `AclOperation` numbers.
    pub operation: i8,
    /// Allow or deny, by Kafka's `AclPermissionType` numbers.
    pub permission_type: i8,
}

impl AclEntry {
    pub(crate) fn from_record(record: &AccessControlEntryRecord) -> Self {
        Self {
            resource_type: record.resource_type,
            resource_name: record.resource_name.clone(),
            pattern_type: record.pattern_type,
            principal: record.principal.clone(),
            host: record.host.clone(),
            operation: record.operation,
            permission_type: record.permission_type,
        }
    }
}

/// A delegation token's data. Its secret isn't in the log.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DelegationToken {
    /// The principal that the token stands for.
    pub owner: String,
    /// The principal that asked for it.
    pub requester: String,
    /// The principals that may renew it.
    pub renewers: Vec<String>,
    /// When it was issued, in milliseconds since the Unix epoch.
    pub issue_timestamp_ms: i64,
    /// When it can no longer be renewed, in milliseconds since the Unix epoch.
    pub max_timestamp_ms: i64,
    /// When it must be renewed next, in milliseconds since the Unix epoch.
    pub expiration_timestamp_ms: i64,
}

impl DelegationToken {
    pub(crate) fn from_record(record: &DelegationTokenRecord) -> Self {
        Self {
            owner: record.owner.clone(),
            requester: record.requester.clone(),
            renewers: record.renewers.clone(),
            issue_timestamp_ms: record.issue_timestamp,
            max_timestamp_ms: record.max_timestamp,
            expiration_timestamp_ms: record.expiration_timestamp,
        }
    }
}
