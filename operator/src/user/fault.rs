//! What is wrong with a user that its definition can't see.

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use taffrail_crds::KafkaUserSpec;
use taffrail_crds::user::{Acl, AclResourceType, Operation};

use crate::cluster::quantity::{self, Amount};

/// The first thing that is wrong with `spec`, and the way out.
pub(super) fn fault(spec: &KafkaUserSpec) -> Option<String> {
    spec.acls.iter().enumerate().find_map(|(index, acl)| operation_fault(index, acl)).or_else(
        || {
            let quotas = spec.quotas.as_ref()?;
            rate_fault("producerBytesPerSecond", quotas.producer_bytes_per_second.as_ref()).or_else(
                || rate_fault("consumerBytesPerSecond", quotas.consumer_bytes_per_second.as_ref()),
            )
        },
    )
}

fn rate_fault(name: &str, rate: Option<&Quantity>) -> Option<String> {
    match quantity::parse(rate?) {
        Ok(amount) if amount >= Amount::whole(1) => None,
        Ok(_) => Some(format!(
            "spec.quotas.{name} has to be at least 1 byte a second; leave it away for no bound"
        )),
        Err(error) => Some(format!("spec.quotas.{name}: {error}; write it as 10Mi")),
    }
}

/// Kafka knows which operations each kind of resource has; others would be refused by the brokers.
fn operation_fault(index: usize, acl: &Acl) -> Option<String> {
    let known = operations(acl.resource.kind);
    let unknown = acl.operations.iter().find(|operation| !known.contains(operation))?;
    Some(format!(
        "spec.acls[{index}]: {:?} has no operation {unknown:?}; it has {}",
        acl.resource.kind,
        known.iter().map(|operation| format!("{operation:?}")).collect::<Vec<_>>().join(", ")
    ))
}

/// `AclEntry.supportedOperations`.
const fn operations(kind: AclResourceType) -> &'static [Operation] {
    use Operation::{
        All, Alter, AlterConfigs, ClusterAction, Create, CreateTokens, Delete, Describe,
        DescribeConfigs, DescribeTokens, IdempotentWrite, Read, TwoPhaseCommit, Write,
    };
    match kind {
        AclResourceType::Topic => {
            &[All, Read, Write, Create, Describe, Delete, Alter, DescribeConfigs, AlterConfigs]
        }
        AclResourceType::Group => &[All, Read, Describe, Delete, DescribeConfigs, AlterConfigs],
        AclResourceType::Cluster => &[
            All,
            Create,
            ClusterAction,
            DescribeConfigs,
            AlterConfigs,
            IdempotentWrite,
            Alter,
            Describe,
            CreateTokens,
            DescribeTokens,
        ],
        AclResourceType::TransactionalId => &[All, Describe, Write, TwoPhaseCommit],
        AclResourceType::DelegationToken => &[All, Describe],
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(spec: &Value, expect: Option<&str>) {
        let mut whole =
            json!({"clusterRef": {"name": "c"}, "authentication": {"type": "ScramSHA512"}});
        for (name, value) in spec.as_object().into_iter().flatten() {
            whole[name] = value.clone();
        }
        let found = fault(&serde_json::from_value(whole).expect("a spec"));
        match (&found, expect) {
            (None, None) => {}
            (Some(found), Some(expect)) => assert!(found.contains(expect), "{found}"),
            _ => panic!("{spec}: {found:?}, not {expect:?}"),
        }
    }

    #[test]
    fn rates_are_quantities_of_bytes() {
        check(&json!({}), None);
        check(&json!({"quotas": {"producerBytesPerSecond": "10Mi"}}), None);
        check(&json!({"quotas": {"producerBytesPerSecond": "0"}}), Some("producerBytesPerSecond"));
        check(&json!({"quotas": {"consumerBytesPerSecond": "-1"}}), Some("consumerBytesPerSecond"));
        check(&json!({"quotas": {"consumerBytesPerSecond": "fast"}}), Some("10Mi"));
    }

    #[test]
    fn operations_are_those_of_the_resource() {
        let acl = |kind: &str, operation: &str| json!({"acls": [{"operations": [operation], "resource": {"type": kind, "name": "x"}}]});
        check(&acl("Topic", "Write"), None);
        check(&acl("TransactionalId", "TwoPhaseCommit"), None);
        check(&acl("Group", "Write"), Some("spec.acls[0]: Group has no operation Write"));
        check(&acl("Cluster", "Read"), Some("Cluster has no operation Read"));
    }
}
