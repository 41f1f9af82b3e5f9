"""Changes of a cluster that runs: a restart where one is needed and no more, and what somebody else changed is put back."""

from harness import eventually

from . import resources


def test_a_changed_configuration_restarts_the_node_once(orders, installation):
    """2, 3 with one node: the pod is another, once, and says why; what needs no restart causes none."""
    namespace = orders.namespace
    orders.apply()
    namespace.apply(resources.topic(partitions=1))
    orders.wait_ready().wait_topic("hello")
    orders.produce("hello", ["before"])
    first = orders.pod_uid()

    orders.patch(tenancy=[{"namespaces": ["elsewhere"], "kinds": ["Topic"]}], rollout={"canary": 1})
    namespace.kubectl("label", "kafkacluster", orders.name, "team=pay")
    orders.wait_ready()
    orders.settle(installation)
    assert orders.pod_uid() == first, "nothing of this concerns the node"

    orders.patch(config={"num.network.threads": 2})
    orders.wait_ready()
    orders.settle(installation)
    second = orders.pod_uid()
    assert second != first
    restarts = orders.restarts()
    assert len(restarts) == 1 and "num.network.threads" in restarts[0], restarts
    assert "num.network.threads=2" in namespace.get("configmap", orders.node)["data"]["server.properties"]
    assert orders.consume("hello") == ["before"]


def test_an_image_that_is_not_there_stalls_until_it_is_put_back(orders):
    """6 with one node: the condition names the image and the way out; the node heals without anybody's hand."""
    namespace = orders.namespace
    orders.apply()
    namespace.apply(resources.topic(partitions=1))
    orders.wait_ready().wait_topic("hello")
    orders.produce("hello", ["before"])
    orders.patch(version="0.0.0-none")
    stalled = orders.wait_condition("Stalled", reason="ImagePullFailed")
    assert "0.0.0-none" in stalled["message"] and "spec.version" in stalled["message"]
    assert orders.wait_condition("Available", "False")

    orders.patch(version=None)
    orders.wait_ready().wait_topic("hello")
    assert orders.consume("hello") == ["before"]


def test_what_others_change_is_put_back(orders, installation):
    """A deleted Service, an edited ConfigMap, a StatefulSet scaled by hand, taken labels: all of it returns."""
    namespace = orders.namespace
    orders.apply().wait_ready()
    service = namespace.get("service", "orders-internal")
    config = namespace.get("configmap", orders.node)["data"]
    pod = orders.pod_uid()

    namespace.delete("service", "orders-internal")
    namespace.patch("configmap", orders.node, {"data": {"server.properties": "node.id=9\n"}})
    namespace.patch("networkpolicy", orders.name, {"spec": {"ingress": []}})
    namespace.delete("poddisruptionbudget", orders.name)
    returned = namespace.wait("orders-internal", lambda found: found, kind="service")
    assert returned["spec"]["ports"] == service["spec"]["ports"]
    eventually(lambda: namespace.get("configmap", orders.node)["data"] == config, 30, message="the configuration to return")
    eventually(lambda: namespace.get("networkpolicy", orders.name)["spec"].get("ingress"), 30, message="the rules to return")
    namespace.wait(orders.name, lambda found: found, kind="poddisruptionbudget")
    orders.wait_ready()
    orders.settle(installation)
    assert orders.pod_uid() == pod, "none of this restarts the node"

    namespace.kubectl("scale", "statefulset", orders.node, "--replicas=0")
    eventually(lambda: orders.pod() and orders.pod_uid() != pod, 60, message="the node to be put back")
    orders.wait_ready()
    assert namespace.get("statefulset", orders.node)["spec"]["replicas"] == 1
    repaired = [note for _, reason, note in namespace.events(orders.name) if reason == "DriftRepaired"]
    assert any(note.startswith("ConfigMap") for note in repaired), repaired


def test_what_is_no_longer_asked_for_goes(orders):
    """A listener that is taken out of the spec takes its Services along, and nothing else."""
    namespace = orders.namespace
    orders.apply().wait_ready()
    names = lambda: {each["metadata"]["name"] for each in namespace.list("services")}
    assert names() == {"orders-nodes", "orders-internal", "orders-outside", "orders-outside-0"}
    meta = {"name": "stranger", "labels": {"taffrail.io/cluster": "orders"}}
    namespace.apply({"apiVersion": "v1", "kind": "Service", "metadata": meta, "spec": {"ports": [{"port": 1}]}})
    orders.patch(listeners=[resources.INTERNAL])
    orders.wait_ready()
    left = {"orders-nodes", "orders-internal", "stranger"}
    eventually(lambda: names() == left, 30, message=lambda: f"two Services fewer: {names()}")
