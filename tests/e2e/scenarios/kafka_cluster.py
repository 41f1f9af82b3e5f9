"""A KafkaCluster under test, with one node: how it is made, reached, asked and looked at."""

import itertools

from harness import eventually
from harness.kafka import KafkaClient

from . import resources

CONTAINER = "kafka"
OWNED_KINDS = (
    "statefulsets",
    "configmaps",
    "services",
    "serviceaccounts",
    "poddisruptionbudgets",
    "networkpolicies",
    "persistentvolumeclaims",
)

_touches = itertools.count(1)


class KafkaCluster:
    """A cluster by its name in a namespace."""

    def __init__(self, namespace, name=resources.CLUSTER):
        self.namespace = namespace
        self.name = name
        self.node = f"{name}-nodes-0"
        self.pod_name = f"{self.node}-0"
        self.claim = f"data-{self.node}"

    def apply(self, **spec):
        """Applies the resource: `resources.cluster` with these differences."""
        self.namespace.apply(resources.cluster(self.name, **spec))
        return self

    def patch(self, **spec):
        """Changes the spec."""
        return self.namespace.patch("kafkacluster", self.name, {"spec": spec})

    def get(self):
        """The resource."""
        return self.namespace.get("kafkacluster", self.name)

    def status(self):
        """Its status."""
        return self.get().get("status", {})

    def wait_ready(self, timeout=120):
        """Waits until the newest generation is Ready."""
        self.namespace.wait_condition("kafkacluster", self.name, "Ready", timeout=timeout)
        return self

    def wait_condition(self, condition, status="True", **options):
        """Waits for a condition; gives it."""
        return self.namespace.wait_condition("kafkacluster", self.name, condition, status, **options)

    def wait_topic(self, name, condition="Ready", status="True", **options):
        """Waits for a condition of a Topic; gives it."""
        return self.namespace.wait_condition("topic", name, condition, status, **options)

    def delete(self):
        """Deletes the resource and waits until what it owned is gone, volumes aside."""
        self.namespace.delete("kafkacluster", self.name)
        self.namespace.wait_gone("pod", self.pod_name)
        self.namespace.wait_gone("statefulset", self.node)

    def pod(self):
        """The node's pod, or None."""
        return self.namespace.find("pod", self.pod_name)

    def pod_uid(self):
        """The uid of the node's pod: another uid is another pod."""
        return self.pod()["metadata"]["uid"]

    def restarts(self):
        """What the operator says of each restart of the node."""
        return [note for _, reason, note in self.namespace.events(self.name) if reason == "Restarting"]

    def pods_made(self):
        """How many pods Kubernetes has made for the node so far, as it says itself."""
        query = {"fieldSelector": f"involvedObject.name={self.node},reason=SuccessfulCreate"}
        events = self.namespace.api.list("events", self.namespace.namespace, **query)
        return sum(each.get("count") or 1 for each in events if each["involvedObject"]["kind"] == "StatefulSet")

    def run(self, *arguments, input=None):
        """Runs the program in the node's container; gives what it prints."""
        return self.namespace.pod_exec(self.pod_name, "taffrail", *arguments, container=CONTAINER, input=input).stdout

    def produce(self, topic, values):
        """Produces from inside the node's pod."""
        self.run("produce", "--topic", topic, input="".join(f"{value}\n" for value in values))

    def consume(self, topic):
        """Every record of a topic, sorted, read from inside the node's pod."""
        return sorted(self.run("consume", "--topic", topic, "--from-beginning", "--until-end").splitlines())

    def outside(self):
        """What clients outside take as bootstrap.servers, by the status."""
        listeners = {each["name"]: each["bootstrapServers"] for each in self.status().get("listeners", [])}
        assert listeners.get("outside"), f"the status names no address outside: {listeners}"
        return listeners["outside"]

    def client(self):
        """A client outside Kubernetes."""
        return KafkaClient(self.outside())

    def touch(self, kind=None, name=None):
        """Changes an annotation that means nothing, so that the operator looks again."""
        annotations = {"metadata": {"annotations": {"taffrail.test/touched": str(next(_touches))}}}
        self.namespace.patch(kind or "kafkacluster", name or self.name, annotations)

    def owned(self):
        """The versions of everything that the operator made for the cluster, and the statuses that it wrote."""
        label = f"taffrail.io/cluster={self.name}"
        versions = {}
        for kind in OWNED_KINDS:
            for each in self.namespace.list(kind, label):
                versions[f"{kind}/{each['metadata']['name']}"] = each["metadata"]["resourceVersion"]
        for kind in ("kafkaclusters", "topics"):
            for each in self.namespace.list(kind):
                versions[f"{kind}/{each['metadata']['name']} status"] = each.get("status")
        return versions

    def reconcile(self, installation):
        """Makes the operator look at the cluster and at its topics, and waits until it has."""

        def looks(kind):
            return installation.count("taffrail_operator_reconcile_total", kind=kind)

        before = {kind: looks(kind) for kind in ("KafkaCluster", "Topic")}
        self.touch()
        again = lambda: all(looks(kind) > count for kind, count in before.items())
        eventually(again, 60, message=f"the operator to look at {self.name} again")

    def settle(self, installation):
        """Waits until the operator looks at the cluster and finds nothing to write."""

        def at_rest():
            before = self.owned()
            self.reconcile(installation)
            return self.owned() == before

        eventually(at_rest, 60, message=f"{self.name} to come to rest")
