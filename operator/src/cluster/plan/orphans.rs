//! What the operator made and nothing asks for any more.

use std::collections::BTreeSet;
use std::sync::Arc;

use kube::ResourceExt;

use super::{Applied, ObjectKind, ObjectRef};
use crate::cluster::names;
use crate::cluster::observed::Observed;

/// Kinds and names that stay.
type Kept = BTreeSet<(&'static str, String)>;

/// What a plan asks for, whether it has to be applied or not.
pub(super) fn names<'a>(objects: impl Iterator<Item = &'a Applied>) -> Kept {
    objects.map(|object| (object.kind(), object.name().to_owned())).collect()
}

/// The objects that nothing asks for. Only kinds of an allow-list, and only what the operator has labelled as
/// its own: an object that a person labelled by mistake stays.
pub(super) fn orphans(observed: &Observed, kept: &Kept) -> Vec<ObjectRef> {
    let cluster = observed.cluster.name_any();
    let mut kept = kept.clone();
    kept.insert(("ConfigMap", names::topics_config_map(&cluster)));
    kept.insert(("PodDisruptionBudget", cluster.clone()));
    let mut orphans = Vec::new();
    let mut search = Search { cluster: &cluster, kept: &kept, orphans: &mut orphans };
    search.add("ConfigMap", ObjectKind::ConfigMap, &observed.config_maps);
    search.add("Service", ObjectKind::Service, &observed.services);
    search.add("NetworkPolicy", ObjectKind::NetworkPolicy, &observed.policies);
    search.add("PodDisruptionBudget", ObjectKind::PodDisruptionBudget, &observed.budgets);
    search.add("ServiceAccount", ObjectKind::ServiceAccount, &observed.accounts);
    orphans.sort();
    orphans
}

struct Search<'a> {
    cluster: &'a str,
    kept: &'a Kept,
    orphans: &'a mut Vec<ObjectRef>,
}

impl Search<'_> {
    fn add<K: ResourceExt>(&mut self, name: &'static str, kind: ObjectKind, objects: &[Arc<K>]) {
        for object in objects {
            if self.is_own(object.as_ref())
                && object.meta().deletion_timestamp.is_none()
                && !self.kept.contains(&(name, object.name_any()))
                && let Some(uid) = object.uid()
            {
                self.orphans.push(ObjectRef { kind, name: object.name_any(), uid });
            }
        }
    }

    fn is_own(&self, object: &impl ResourceExt) -> bool {
        let has =
            |label: &str, value: &str| object.labels().get(label).is_some_and(|is| is == value);
        let is_component = has(names::COMPONENT_LABEL, names::NODE_COMPONENT)
            || has(names::COMPONENT_LABEL, names::CLUSTER_COMPONENT);
        has(names::MANAGED_BY_LABEL, names::FIELD_MANAGER)
            && has(names::CLUSTER_LABEL, self.cluster)
            && is_component
    }
}
