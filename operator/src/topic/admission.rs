//! Whether a cluster takes a resource from another namespace.

use std::collections::BTreeMap;

use k8s_openapi::apimachinery::pkg::apis::meta::v1::{LabelSelector, LabelSelectorRequirement};
use taffrail_crds::KafkaCluster;
use taffrail_crds::cluster::{Tenancy, TenantKind};
use taffrail_model::TopicName;

/// The labels of a namespace; `None` if they can't be read, as in an installation without rights beyond namespaces.
pub(super) type NamespaceLabels<'a> = Option<&'a BTreeMap<String, String>>;

/// Says why `cluster` doesn't take the topic from `namespace`, if it doesn't.
pub(super) fn refusal(
    cluster: &KafkaCluster,
    namespace: &str,
    labels: NamespaceLabels<'_>,
    topic: &TopicName,
) -> Option<String> {
    if cluster.metadata.namespace.as_deref() == Some(namespace) {
        return None;
    }
    let of_namespace: Vec<&Tenancy> = cluster
        .spec
        .tenancy
        .iter()
        .filter(|tenancy| tenancy.kinds.contains(&TenantKind::Topic))
        .filter(|tenancy| covers(tenancy, namespace, labels))
        .collect();
    if of_namespace.iter().any(|tenancy| {
        tenancy.name_prefix.as_deref().is_none_or(|prefix| topic.as_str().starts_with(prefix))
    }) {
        return None;
    }
    let prefixes: Vec<&str> =
        of_namespace.iter().filter_map(|tenancy| tenancy.name_prefix.as_deref()).collect();
    if prefixes.is_empty() {
        let unread = if labels.is_none()
            && cluster.spec.tenancy.iter().any(|t| t.namespace_selector.is_some())
        {
            " by name, since the operator may not read the labels of namespaces"
        } else {
            ""
        };
        return Some(format!(
            "the cluster's spec.tenancy admits no Topic from namespace {namespace}: add an entry with kinds [Topic] \
             that selects it{unread}"
        ));
    }
    Some(format!(
        "topic \"{topic}\" from namespace {namespace} has to begin with {}: change spec.topicName or the cluster's \
         spec.tenancy",
        prefixes.join(" or ")
    ))
}

fn covers(tenancy: &Tenancy, namespace: &str, labels: NamespaceLabels<'_>) -> bool {
    tenancy.namespaces.iter().any(|name| name == namespace)
        || tenancy
            .namespace_selector
            .as_ref()
            .zip(labels)
            .is_some_and(|(selector, labels)| selects(selector, labels))
}

fn selects(selector: &LabelSelector, labels: &BTreeMap<String, String>) -> bool {
    let all_equal =
        selector.match_labels.iter().flatten().all(|(key, value)| labels.get(key) == Some(value));
    all_equal && selector.match_expressions.iter().flatten().all(|rule| holds(rule, labels))
}

fn holds(rule: &LabelSelectorRequirement, labels: &BTreeMap<String, String>) -> bool {
    let value = labels.get(&rule.key);
    let is_listed = || {
        let mut values = rule.values.iter().flatten();
        value.is_some_and(|value| values.any(|listed| listed == value))
    };
    match rule.operator.as_str() {
        "In" => is_listed(),
        "NotIn" => !is_listed(),
        "Exists" => value.is_some(),
        "DoesNotExist" => value.is_none(),
        // An operator that isn't known admits nobody.
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn cluster(tenancy: &Value) -> KafkaCluster {
        serde_json::from_value(json!({
            "apiVersion": "taffrail.io/v1beta1", "kind": "KafkaCluster",
            "metadata": {"name": "orders", "namespace": "kafka"},
            "spec": {"pools": [], "listeners": [], "tenancy": tenancy},
        }))
        .unwrap()
    }

    #[test]
    fn namespaces_come_in_by_name_label_kind_and_prefix() {
        let check = |tenancy: Value, namespace: &str, expect: bool| {
            let labels = BTreeMap::from([("team".to_owned(), "pay".to_owned())]);
            let topic = TopicName::new("pay.payments").unwrap();
            let refusal = refusal(&cluster(&tenancy), namespace, Some(&labels), &topic);
            assert_eq!(refusal.is_none(), expect, "{tenancy} {refusal:?}");
        };
        check(json!([]), "kafka", true);
        check(json!([]), "pay", false);
        check(json!([{"namespaces": ["pay"], "kinds": ["Topic"]}]), "pay", true);
        check(json!([{"namespaces": ["pay"], "kinds": ["KafkaUser"]}]), "pay", false);
        check(json!([{"namespaces": ["other"], "kinds": ["Topic"]}]), "pay", false);
        check(json!([{"kinds": ["Topic"]}]), "pay", false);
        check(json!([{"namespaceSelector": {}, "kinds": ["Topic"]}]), "pay", true);
        let by_team = |team: &str| json!([{"namespaceSelector": {"matchLabels": {"team": team}}, "kinds": ["Topic"]}]);
        check(by_team("pay"), "pay", true);
        check(by_team("shop"), "pay", false);
        let by_rule = |operator: &str, values: Value| {
            json!([{"namespaceSelector": {"matchExpressions": [
                {"key": "team", "operator": operator, "values": values}]}, "kinds": ["Topic"]}])
        };
        check(by_rule("In", json!(["shop", "pay"])), "pay", true);
        check(by_rule("NotIn", json!(["pay"])), "pay", false);
        check(by_rule("Exists", json!([])), "pay", true);
        check(by_rule("DoesNotExist", json!([])), "pay", false);
        check(by_rule("Almost", json!(["pay"])), "pay", false);
        let prefix = |prefix: &str| json!([{"namespaces": ["pay"], "kinds": ["Topic"], "namePrefix": prefix}]);
        check(prefix("pay."), "pay", true);
        check(prefix("shop."), "pay", false);
    }

    #[test]
    fn labels_that_cannot_be_read_admit_nobody_and_say_so() {
        let tenancy = json!([{"namespaceSelector": {}, "kinds": ["Topic"]}]);
        let topic = TopicName::new("a").unwrap();
        let refusal = refusal(&cluster(&tenancy), "pay", None, &topic).unwrap();
        assert!(refusal.contains("may not read the labels"), "{refusal}");
    }
}
