//! What is wrong with a rebalance that its definition can't see.

use std::collections::BTreeSet;

use k8s_openapi::apimachinery::pkg::api::resource::Quantity;
use taffrail_crds::{KafkaCluster, RebalanceSpec};

use crate::cluster::quantity::{self, Amount};

/// The first thing that is wrong with `spec` for `cluster`, and the way out.
pub(super) fn fault(spec: &RebalanceSpec, cluster: &KafkaCluster) -> Option<String> {
    let limits = spec.limits.as_ref();
    let rate = limits.and_then(|limits| limits.bytes_per_second_per_broker.as_ref());
    let bytes = limits.and_then(|limits| limits.max_bytes.as_ref());
    broker_fault(spec, cluster)
        .or_else(|| amount_fault("bytesPerSecondPerBroker", rate))
        .or_else(|| amount_fault("maxBytes", bytes))
}

fn amount_fault(name: &str, amount: Option<&Quantity>) -> Option<String> {
    match quantity::parse(amount?) {
        Ok(amount) if amount >= Amount::whole(1) => None,
        Ok(_) => {
            Some(format!("spec.limits.{name} has to be at least 1; leave it away for no bound"))
        }
        Err(error) => Some(format!("spec.limits.{name}: {error}; write it as 50Mi")),
    }
}

/// Brokers that the cluster doesn't have. One whose nodes aren't known yet is believed.
fn broker_fault(spec: &RebalanceSpec, cluster: &KafkaCluster) -> Option<String> {
    let nodes = cluster.status.as_ref().map(|status| &status.nodes)?;
    let known: BTreeSet<i32> = nodes.iter().map(|node| node.id).collect();
    if known.is_empty() {
        return None;
    }
    let operation = &spec.operation;
    let named =
        [("addBrokers", &operation.add_brokers), ("removeBrokers", &operation.remove_brokers)];
    named.into_iter().find_map(|(field, brokers)| {
        let unknown = brokers.as_ref()?.node_ids.iter().find(|id| !known.contains(id))?;
        let known: Vec<String> = known.iter().map(ToString::to_string).collect();
        Some(format!(
            "spec.operation.{field}.nodeIDs names {unknown}, which the cluster doesn't have; it has {}",
            known.join(", ")
        ))
    })
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn check(spec: &Value, nodes: &[i32], expect: Option<&str>) {
        let nodes: Vec<Value> =
            nodes.iter().map(|id| json!({"id": id, "pod": "p", "state": "Ready"})).collect();
        let cluster = json!({
            "apiVersion": "taffrail.io/v1beta1", "kind": "KafkaCluster", "metadata": {"name": "c"},
            "spec": {"pools": [], "listeners": []}, "status": {"nodes": nodes},
        });
        let mut whole = json!({"clusterRef": {"name": "c"}, "operation": {"type": "Rebalance"}});
        for (name, value) in spec.as_object().into_iter().flatten() {
            whole[name] = value.clone();
        }
        let spec_read = serde_json::from_value(whole).expect("a spec");
        let found = fault(&spec_read, &serde_json::from_value(cluster).expect("a cluster"));
        match (&found, expect) {
            (None, None) => {}
            (Some(found), Some(expect)) => assert!(found.contains(expect), "{found}"),
            _ => panic!("{spec}: {found:?}, not {expect:?}"),
        }
    }

    #[test]
    fn limits_are_positive_quantities() {
        check(
            &json!({"limits": {"bytesPerSecondPerBroker": "50Mi", "maxBytes": "2Ti"}}),
            &[0],
            None,
        );
        check(&json!({"limits": {"maxBytes": "0"}}), &[0], Some("maxBytes"));
        check(&json!({"limits": {"bytesPerSecondPerBroker": "x"}}), &[0], Some("50Mi"));
    }

    #[test]
    fn brokers_are_the_cluster_s() {
        let remove =
            json!({"operation": {"type": "RemoveBrokers", "removeBrokers": {"nodeIDs": [0, 7]}}});
        check(&remove, &[0, 7], None);
        check(&remove, &[0], Some("names 7"));
        check(&remove, &[], None);
    }
}
