"""Manifests, as small as they can be. What a test is about it gives by keyword, and the rest is the same everywhere."""

API = "taffrail.io/v1beta1"
CLUSTER = "orders"
TOPIC = "hello"

INTERNAL = {"name": "internal", "port": 9092}
OUTSIDE = {"name": "outside", "port": 9094, "exposure": {"type": "NodePort"}}
RESTRICTED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True}


def cluster(name=CLUSTER, pool=None, storage=None, **spec):
    """A KafkaCluster of one node that is reached inside and outside; `pool` and `storage` add to those of the node."""
    volumes = {"volumes": [{"name": "data", "size": "1Gi"}]}
    nodes = {
        "name": "nodes",
        "roles": ["Controller", "Broker"],
        "replicas": 1,
        "resources": {"requests": {"cpu": "10m", "memory": "256Mi"}},
        "storage": volumes | (storage or {}),
    }
    return _resource("KafkaCluster", name, {"pools": [nodes | (pool or {})], "listeners": [INTERNAL, OUTSIDE]} | spec)


def topic(name=TOPIC, cluster=CLUSTER, cluster_namespace=None, **spec):
    """A Topic of a cluster, in the same namespace unless told otherwise."""
    reference = {"name": cluster} | ({"namespace": cluster_namespace} if cluster_namespace else {})
    return _resource("Topic", name, {"clusterRef": reference} | spec)


def user(name, cluster=CLUSTER):
    """A KafkaUser."""
    return _resource("KafkaUser", name, {"clusterRef": {"name": cluster}, "authentication": {"type": "ScramSHA512"}})


def rebalance(name, cluster=CLUSTER):
    """A Rebalance."""
    return _resource("Rebalance", name, {"clusterRef": {"name": cluster}, "operation": {"type": "Rebalance"}})


def client_pod(name, *arguments):
    """A pod that runs one command of the broker's image to its end, as the restricted profile asks."""
    container = {
        "name": "client",
        "image": "taffrail/taffrail:0.1.0",
        "imagePullPolicy": "IfNotPresent",
        "args": list(arguments),
        "securityContext": RESTRICTED,
    }
    spec = {
        "restartPolicy": "Never",
        "securityContext": {"runAsNonRoot": True, "runAsUser": 65532, "seccompProfile": {"type": "RuntimeDefault"}},
        "containers": [container],
    }
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name}, "spec": spec}


def _resource(kind, name, spec):
    return {"apiVersion": API, "kind": kind, "metadata": {"name": name}, "spec": spec}
