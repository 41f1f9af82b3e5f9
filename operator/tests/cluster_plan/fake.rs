//! Kubernetes as far as plans can tell: an API server that merges and fills in defaults, and the controllers
//! that make pods and give out ports. Nothing of it is taken from the operator.

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::sync::Arc;

use k8s_openapi::api::apps::v1::StatefulSet;
use k8s_openapi::api::core::v1::Pod;
use k8s_openapi::jiff::Timestamp;
use kube::ResourceExt;
use serde::Serialize;
use serde::de::DeserializeOwned;
use serde_json::{Value, json};
use taffrail_crds::KafkaCluster;
use taffrail_crds::cluster::PullPolicy;
use taffrail_operator::cluster::{
    Applied, NodeHealth, NodePhase, NodeReport, ObjectKind, Observed, Plan, Step, decide,
};
use taffrail_operator::settings::Settings;

const UID: &str = "0f8fad5b-d9cb-469f-a165-70867728950e";
/// As a plan that never comes to an end is found.
const PASSES_MAX: usize = 20;

pub(crate) fn settings() -> Settings {
    Settings {
        broker_image: "taffrail/taffrail".to_owned(),
        pull_policy: PullPolicy::IfNotPresent,
        version: "0.1.0".to_owned(),
    }
}

pub(crate) fn cluster(spec: Value) -> KafkaCluster {
    let cluster = json!({
        "apiVersion": "taffrail.io/v1beta1",
        "kind": "KafkaCluster",
        "metadata": {"name": "quickstart", "namespace": "default", "uid": UID, "generation": 1},
        "spec": spec,
    });
    serde_json::from_value(cluster).expect("a cluster")
}

/// The spec of the quickstart.
pub(crate) fn quickstart() -> Value {
    json!({
        "pools": [{
            "name": "nodes",
            "roles": ["Controller", "Broker"],
            "replicas": 1,
            "storage": {"volumes": [{"name": "data", "size": "10Gi"}]},
        }],
        "listeners": [{"name": "internal", "port": 9092}],
    })
}

/// The quickstart with a listener for clients outside.
pub(crate) fn with_node_port() -> Value {
    let mut spec = quickstart();
    let outside = json!({"name": "outside", "port": 9094, "exposure": {"type": "NodePort"}});
    spec["listeners"].as_array_mut().expect("a list").push(outside);
    spec
}

/// A namespace with one cluster in it, and the time.
pub(crate) struct World {
    pub(crate) observed: Observed,
    pub(crate) now: Timestamp,
    next_port: i32,
    pods_made: usize,
}

impl World {
    pub(crate) fn new(spec: Value) -> Self {
        let observed = Observed {
            cluster: Arc::new(cluster(spec)),
            stateful_sets: Vec::new(),
            pods: Vec::new(),
            claims: Vec::new(),
            services: Vec::new(),
            config_maps: Vec::new(),
            budgets: Vec::new(),
            policies: Vec::new(),
            accounts: Vec::new(),
            strangers: Vec::new(),
            reports: BTreeMap::new(),
            partitions: None,
            rejections: Vec::new(),
        };
        Self { observed, now: Timestamp::UNIX_EPOCH, next_port: 30_000, pods_made: 0 }
    }

    pub(crate) fn copy(&self) -> Self {
        Self {
            observed: self.observed.clone(),
            now: self.now,
            next_port: self.next_port,
            pods_made: self.pods_made,
        }
    }

    /// A cluster that runs and is settled.
    pub(crate) fn running(spec: Value) -> Self {
        let mut world = Self::new(spec);
        world.settle();
        world.all_ready();
        world.settle();
        world
    }

    pub(crate) fn plan(&self) -> Plan {
        decide(&self.observed, &settings(), self.now)
    }

    pub(crate) fn status_differs(&self, plan: &Plan) -> bool {
        self.observed.cluster.status.as_ref() != Some(&plan.status)
    }

    /// Plans and applies until nothing is left to do.
    pub(crate) fn settle(&mut self) -> Vec<Plan> {
        self.settle_with(|_, _| {})
    }

    /// The same, with a look at each plan before it is applied.
    pub(crate) fn settle_with(&mut self, check: impl Fn(&Self, &Plan)) -> Vec<Plan> {
        let mut plans = Vec::new();
        for _ in 0..PASSES_MAX {
            let plan = self.plan();
            check(self, &plan);
            let is_done = plan.applies.is_empty()
                && plan.step.is_none()
                && plan.orphans.is_empty()
                && !self.status_differs(&plan);
            if is_done {
                return plans;
            }
            self.apply(&plan);
            plans.push(plan);
        }
        panic!("the plans never end: {:#?}", plans.last());
    }

    pub(crate) fn apply(&mut self, plan: &Plan) {
        for object in &plan.applies {
            self.apply_object(object);
        }
        if let Some(Step::RestartPod { pod, .. }) = &plan.step {
            self.observed.pods.retain(|one| one.name_any() != *pod);
        }
        for orphan in &plan.orphans {
            let is_other = |name: String| name != orphan.name;
            match orphan.kind {
                ObjectKind::ConfigMap => {
                    self.observed.config_maps.retain(|one| is_other(one.name_any()))
                }
                ObjectKind::Service => {
                    self.observed.services.retain(|one| is_other(one.name_any()))
                }
                ObjectKind::NetworkPolicy => {
                    self.observed.policies.retain(|one| is_other(one.name_any()))
                }
                ObjectKind::PodDisruptionBudget => {
                    self.observed.budgets.retain(|one| is_other(one.name_any()))
                }
                ObjectKind::ServiceAccount => {
                    self.observed.accounts.retain(|one| is_other(one.name_any()))
                }
            }
        }
        self.change_cluster(|cluster| cluster.status = Some(plan.status.clone()));
        self.make_pods();
    }

    pub(crate) fn change_cluster(&mut self, change: impl FnOnce(&mut KafkaCluster)) {
        change(Arc::make_mut(&mut self.observed.cluster));
    }

    /// As somebody edits the spec.
    pub(crate) fn edit(&mut self, change: impl FnOnce(&mut Value)) {
        self.change_cluster(|cluster| {
            let mut spec = serde_json::to_value(&cluster.spec).expect("JSON");
            change(&mut spec);
            cluster.spec = serde_json::from_value(spec).expect("a spec");
            cluster.metadata.generation =
                cluster.metadata.generation.map(|generation| generation + 1);
        });
    }

    /// The resource goes, with all that belongs to it; volumes stay. Then it is applied again.
    pub(crate) fn delete_and_apply_again(&mut self, uid: &str) {
        let observed = &mut self.observed;
        observed.stateful_sets.clear();
        observed.pods.clear();
        observed.services.clear();
        observed.config_maps.clear();
        observed.budgets.clear();
        observed.policies.clear();
        observed.accounts.clear();
        observed.reports.clear();
        self.change_cluster(|cluster| {
            cluster.status = None;
            cluster.metadata.uid = Some(uid.to_owned());
        });
    }

    pub(crate) fn all_ready(&mut self) {
        for pod in &mut self.observed.pods {
            set_status(pod, ready_status());
        }
    }

    pub(crate) fn pod_status(&mut self, status: Value) {
        for pod in &mut self.observed.pods {
            set_status(pod, status.clone());
        }
    }

    pub(crate) fn report(&mut self, id: i32, phase: NodePhase) {
        let health = NodeHealth {
            phase,
            recovered_logs: 3,
            total_logs: Some(12),
            version: "0.1.0".to_owned(),
            is_active_controller: true,
            ..NodeHealth::default()
        };
        self.observed.reports.insert(id, NodeReport::Answered(health));
    }

    fn apply_object(&mut self, object: &Applied) {
        let observed = &mut self.observed;
        match object {
            Applied::ServiceAccount(_) => merge(&mut observed.accounts, object, |_, _| {}),
            Applied::ConfigMap(_) => merge(&mut observed.config_maps, object, |_, _| {}),
            Applied::Claim(_) => {
                merge(&mut observed.claims, object, |json, _| claim_defaults(json))
            }
            Applied::Service(_) => {
                let next_port = &mut self.next_port;
                merge(&mut observed.services, object, |json, _| service_defaults(json, next_port));
            }
            Applied::NetworkPolicy(_) => merge(&mut observed.policies, object, |_, _| {}),
            Applied::DisruptionBudget(_) => merge(&mut observed.budgets, object, |_, _| {}),
            Applied::StatefulSet(_) => {
                merge(&mut observed.stateful_sets, object, stateful_set_defaults)
            }
        }
    }

    /// The controller of StatefulSets: with OnDelete a pod is made of the newest revision, and never replaced.
    fn make_pods(&mut self) {
        for set in &self.observed.stateful_sets {
            let name = format!("{}-0", set.name_any());
            if self.observed.pods.iter().all(|pod| pod.name_any() != name) {
                self.pods_made += 1;
                let pod = pod_of(set, &name, self.pods_made);
                self.observed.pods.push(Arc::new(pod));
            }
        }
    }
}

pub(crate) fn ready_status() -> Value {
    json!({
        "phase": "Running",
        "hostIP": "10.0.0.7",
        "conditions": [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "True"}],
        "containerStatuses": [container_status(&json!({"running": {}}), 0)],
    })
}

pub(crate) fn unready_status(state: Value, restarts: i32) -> Value {
    json!({
        "phase": "Pending",
        "conditions": [{"type": "PodScheduled", "status": "True"}, {"type": "Ready", "status": "False"}],
        "containerStatuses": [container_status(&state, restarts)],
    })
}

fn container_status(state: &Value, restarts: i32) -> Value {
    let image = "taffrail/taffrail:0.1.0";
    json!({
        "name": "kafka", "image": image, "imageID": "", "ready": false, "restartCount": restarts, "state": state,
    })
}

fn set_status(pod: &mut Arc<Pod>, status: Value) {
    Arc::make_mut(pod).status = Some(serde_json::from_value(status).expect("a pod's status"));
}

fn pod_of(set: &StatefulSet, name: &str, number: usize) -> Pod {
    let template = set.spec.as_ref().expect("a spec").template.clone();
    let mut pod =
        Pod { metadata: template.metadata.unwrap_or_default(), spec: template.spec, status: None };
    pod.metadata.name = Some(name.to_owned());
    pod.metadata.uid = Some(format!("pod-{number}"));
    let revision =
        set.status.as_ref().and_then(|status| status.update_revision.clone()).expect("a revision");
    pod.labels_mut().insert("controller-revision-hash".to_owned(), revision);
    pod
}

/// Server-side apply, and what the API server does to every object.
fn merge<K>(objects: &mut Vec<Arc<K>>, object: &Applied, fill_in: impl FnOnce(&mut Value, i64))
where
    K: ResourceExt + Serialize + DeserializeOwned,
{
    let mut json = object.to_json();
    let existing = objects.iter().position(|one| one.name_any() == object.name());
    let before = existing.map(|index| serde_json::to_value(objects[index].as_ref()).expect("JSON"));
    if let Some(before) = &before {
        fill(&mut json, before);
    }
    let generation =
        before.as_ref().and_then(|before| before["metadata"]["generation"].as_i64()).unwrap_or(0)
            + 1;
    json["metadata"]["uid"] = json!(format!("uid-{}", object.name()));
    json["metadata"]["generation"] = json!(generation);
    json["metadata"]["creationTimestamp"] = json!("1970-01-01T00:00:00Z");
    fill_in(&mut json, generation);
    let object = Arc::new(serde_json::from_value(json).expect("an object"));
    match existing {
        Some(index) => objects[index] = object,
        None => objects.push(object),
    }
}

/// Keeps what others have set in maps and lists of objects.
fn fill(json: &mut Value, before: &Value) {
    match (json, before) {
        (Value::Object(json), Value::Object(before)) => {
            for (key, value) in before {
                match json.get_mut(key) {
                    Some(own) if key != "data" => fill(own, value),
                    Some(_) => {}
                    None if matches!(key.as_str(), "annotations" | "ownerReferences") => {}
                    None => {
                        json.insert(key.clone(), value.clone());
                    }
                }
            }
        }
        (Value::Array(json), Value::Array(before)) => {
            for (own, old) in
                json.iter_mut().zip(before).filter(|(own, old)| own["name"] == old["name"])
            {
                fill(own, old);
            }
        }
        _ => {}
    }
}

fn default(json: &mut Value, defaults: Value) {
    fill(json, &defaults);
}

fn claim_defaults(json: &mut Value) {
    default(
        json,
        json!({
            "spec": {"volumeMode": "Filesystem", "storageClassName": "standard", "volumeName": "pv-1"},
            "status": {"phase": "Bound"},
        }),
    );
}

fn service_defaults(json: &mut Value, next_port: &mut i32) {
    default(
        json,
        json!({"spec": {
            "clusterIP": "10.96.0.1", "ipFamilies": ["IPv4"], "ipFamilyPolicy": "SingleStack",
            "internalTrafficPolicy": "Cluster", "sessionAffinity": "None",
        }}),
    );
    if json["spec"]["type"] == "NodePort" {
        for port in json["spec"]["ports"].as_array_mut().into_iter().flatten() {
            if port["nodePort"].is_null() {
                port["nodePort"] = json!(*next_port);
                *next_port += 1;
            }
        }
    }
}

/// What kube-apiserver 1.33 fills in, and what the controller says of it.
fn stateful_set_defaults(json: &mut Value, generation: i64) {
    default(
        &mut json["spec"],
        json!({
            "persistentVolumeClaimRetentionPolicy": {"whenDeleted": "Retain", "whenScaled": "Retain"},
            "template": {"spec": {"dnsPolicy": "ClusterFirst", "restartPolicy": "Always", "schedulerName": "default-scheduler"}},
        }),
    );
    let spec = &mut json["spec"]["template"]["spec"];
    for container in spec["containers"].as_array_mut().into_iter().flatten() {
        container["terminationMessagePath"] = json!("/dev/termination-log");
        for probe in ["startupProbe", "livenessProbe", "readinessProbe"] {
            default(
                &mut container[probe],
                json!({"successThreshold": 1, "httpGet": {"scheme": "HTTP"}}),
            );
        }
        for variable in container["env"].as_array_mut().into_iter().flatten() {
            default(variable, json!({"valueFrom": {"fieldRef": {"apiVersion": "v1"}}}));
        }
        for amounts in ["requests", "limits"] {
            for amount in container["resources"][amounts].as_object_mut().into_iter().flatten() {
                canonical(amount.1);
            }
        }
    }
    for volume in spec["volumes"].as_array_mut().into_iter().flatten() {
        if !volume["configMap"].is_null() {
            default(volume, json!({"configMap": {"defaultMode": 420}}));
        }
    }
    let mut hasher = DefaultHasher::new();
    json["spec"]["template"].to_string().hash(&mut hasher);
    let revision = format!("{:x}", hasher.finish());
    json["status"] =
        json!({"replicas": 1, "observedGeneration": generation, "updateRevision": revision});
}

/// The API server writes whole numbers of thousandths as numbers.
fn canonical(amount: &mut Value) {
    let thousandths = amount.as_str().and_then(|text| text.strip_suffix('m')?.parse::<u64>().ok());
    if let Some(thousandths) = thousandths.filter(|amount| amount % 1000 == 0) {
        *amount = json!((thousandths / 1000).to_string());
    }
}
