"""Scenario 28: a cluster is deleted and applied again. What its volumes hold decides who it is."""

from harness import eventually

from . import resources
from .kafka_cluster import KafkaCluster


def test_a_cluster_applied_again_has_its_id_and_its_records(orders):
    """28: whether all of the old one is gone by then or nothing of it."""
    namespace = orders.namespace
    orders.apply()
    namespace.apply(resources.topic(partitions=2))
    orders.wait_ready().wait_topic("hello")
    identity = orders.status()["clusterID"]
    topic = namespace.get("topic", "hello")["status"]["topicID"]
    volume = namespace.get("pvc", orders.claim)["metadata"]["uid"]
    orders.produce("hello", ["first"])

    orders.delete()
    orders.wait_topic("hello", "Ready", "False", reason="ClusterNotFound")
    assert namespace.get("pvc", orders.claim)["metadata"]["uid"] == volume, "the volume outlives the cluster"
    orders.apply().wait_ready().wait_topic("hello")
    orders.produce("hello", ["second"])
    assert orders.consume("hello") == ["first", "second"]

    namespace.delete("kafkacluster", orders.name)
    orders.apply()
    owner = orders.get()["metadata"]["uid"]

    def belongs_to_the_new_one():
        found = namespace.find("statefulset", orders.node)
        meta = found["metadata"] if found else {}
        return found and meta["ownerReferences"][0]["uid"] == owner and "deletionTimestamp" not in meta

    eventually(belongs_to_the_new_one, 60, message="a StatefulSet of the new resource")
    orders.wait_ready().wait_topic("hello")
    assert eventually(lambda: orders.consume("hello"), 60) == ["first", "second"]
    assert orders.status()["clusterID"] == identity
    assert namespace.get("topic", "hello")["status"]["topicID"] == topic
    assert namespace.get("pvc", orders.claim)["metadata"]["uid"] == volume


def test_volumes_go_with_their_cluster_only_where_the_spec_says_so(orders):
    """21, 28: `whenDeleted: Delete` deletes; Retain, the default, keeps."""
    kept, doomed = orders, KafkaCluster(orders.namespace, "doomed")
    kept.apply()
    doomed.apply(storage={"whenDeleted": "Delete"})
    for each in (kept, doomed):
        each.wait_ready()
    owners = [each.namespace.get("pvc", each.claim)["metadata"].get("ownerReferences", []) for each in (kept, doomed)]
    assert [len(each) for each in owners] == [0, 1]
    kept.namespace.kubectl("delete", "kafkacluster", kept.name, doomed.name)
    for each in (kept, doomed):
        each.namespace.wait_gone("pod", each.pod_name)
    doomed.namespace.wait_gone("pvc", doomed.claim)
    assert kept.namespace.get("pvc", kept.claim)["status"]["phase"] == "Bound"
