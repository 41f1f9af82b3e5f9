"""What dies and comes back: brokers, nodes, the API server, and the operator itself in the middle of its work."""

import pytest

from harness import eventually
from harness.kubernetes import is_ready

from . import resources
from .installation import signal_container

# What an operator says that ends because it may not act any longer.
STEPS_BACK = "lost the lease|another operator holds the lease|the lease couldn't be renewed in time"
VALUES = [f"record {number}" for number in range(20)]


@pytest.fixture(scope="module")
def filled(shared):
    """A cluster with records in it, which survives one test after the other."""
    shared.namespace.apply(resources.topic(partitions=3))
    shared.wait_topic("hello")
    shared.client().produce("hello", VALUES)
    return shared


def back(pod):
    """Whether a pod's container has been restarted since the pod was as given, and is ready."""
    restarts = lambda pod: pod["status"]["containerStatuses"][0]["restartCount"]
    return lambda found: restarts(found) > restarts(pod) and is_ready(found)


def ended(pod):
    """Whether a pod's container has ended since the pod was as given; it may be running again."""
    container = lambda pod: pod["status"]["containerStatuses"][0]
    started = container(pod)["state"]["running"]
    return lambda found: container(found)["state"].get("running") != started


def consumed(cluster):
    """All the records, read from outside; a node that is just back may refuse for a moment."""
    return sorted(value.decode() for value in eventually(lambda: cluster.client().consume("hello", len(VALUES), 20), 60))


def test_a_killed_broker_comes_back_with_its_records(filled, kubernetes):
    """Killed without a warning, the same pod starts again and has everything that was acknowledged."""
    pod = filled.pod()
    signal_container(kubernetes, pod)
    filled.namespace.wait(filled.pod_name, back(pod))
    assert filled.pod_uid() == pod["metadata"]["uid"]
    filled.wait_ready()
    assert consumed(filled) == sorted(VALUES)


def test_a_deleted_pod_comes_back_with_its_records(filled):
    """Somebody deletes the pod: another takes its place, on the same volume and with the same identity."""
    before, identity = filled.pod_uid(), filled.status()["clusterID"]
    filled.namespace.delete("pod", filled.pod_name)
    filled.namespace.wait(filled.pod_name, lambda pod: pod["metadata"]["uid"] != before and is_ready(pod))
    filled.wait_ready()
    assert consumed(filled) == sorted(VALUES)
    assert filled.status()["clusterID"] == identity
    assert filled.restarts() == [], "the operator had no hand in it"


@pytest.mark.operator_may_log(STEPS_BACK)
def test_a_node_loses_its_power(filled, cluster, installation):
    """The machine under the broker is cut off and comes back: the broker does as well, with its records."""
    pod = filled.pod()
    node = pod["spec"]["nodeName"]
    cluster.stop_node(node)
    cluster.start_node(node)
    filled.namespace.wait(filled.pod_name, back(pod), timeout=180)
    installation.wait_leader(120)
    filled.wait_ready()
    assert consumed(filled) == sorted(VALUES)


@pytest.mark.operator_may_log(STEPS_BACK)
def test_brokers_serve_without_the_api_server(filled, cluster, installation):
    """The API server dies: clients notice nothing. It returns: the operator acts again, and has restarted no node."""
    pod, client = filled.pod_uid(), filled.client()
    filled.namespace.apply(resources.topic("other", partitions=1))
    filled.wait_topic("other")
    cluster.stop_api_server()
    try:
        assert sorted(value.decode() for value in client.consume("hello", len(VALUES))) == sorted(VALUES)
        client.produce("other", ["meanwhile"])
        assert client.consume("other", 1) == [b"meanwhile"]
    finally:
        cluster.start_api_server()
    installation.wait_leader()
    filled.namespace.apply(resources.topic("after", partitions=1))
    filled.wait_ready().wait_topic("after")
    assert filled.pod_uid() == pod


@pytest.mark.operator_may_log(STEPS_BACK)
def test_an_operator_that_loses_its_lease_stops_acting_and_takes_it_again(installation, filled):
    """Somebody else writes the lease: the operator ends rather than act beside them, and comes back when it is free."""
    pod = installation.wait_leader()
    restarts = pod["status"]["containerStatuses"][0]["restartCount"]
    installation.own.patch("lease", "taffrail-operator", {"spec": {"holderIdentity": "somebody-else"}})

    def ended():
        found = installation.own.get("pod", pod["metadata"]["name"])["status"]["containerStatuses"][0]
        return found["restartCount"] > restarts and found

    status = eventually(ended, 60, message="the operator to end")
    assert status["lastState"]["terminated"]["exitCode"] == 1
    installation.wait_leader()
    filled.namespace.apply(resources.topic("later", partitions=1))
    filled.wait_topic("later")


def test_an_operator_killed_in_the_middle_of_a_change_finishes_it(filled, installation, kubernetes):
    """5 with one node: killed right after the change was asked for, it goes on where it was; one restart, not two."""
    before, made = filled.pod_uid(), filled.pods_made()
    leader = installation.wait_leader()
    filled.patch(config={"num.network.threads": 2})
    signal_container(kubernetes, leader)
    eventually(lambda: filled.pod() and filled.pod_uid() != before, 120, message="the node to be restarted")
    filled.wait_ready()
    filled.settle(installation)
    assert filled.pods_made() == made + 1
    assert consumed(filled) == sorted(VALUES)


@pytest.mark.operator_may_log(STEPS_BACK)
def test_another_operator_takes_over_and_restarts_nothing_twice(filled, installation, kubernetes):
    """5: of two operators the one that acts hangs. The other takes its lease and finishes; the first steps back."""
    installation.upgrade("replicas=2")
    try:
        eventually(lambda: sum(map(is_ready, installation.pods())) == 2, 60, message="two operators")
        hangs = installation.wait_leader()
        name, before, made = hangs["metadata"]["name"], filled.pod_uid(), filled.pods_made()
        signal_container(kubernetes, hangs, "SIGSTOP")
        filled.patch(config={"num.network.threads": 4})
        installation.wait_leader(other_than=name)
        eventually(lambda: filled.pod() and filled.pod_uid() != before, 60, message="the other operator to restart the node")
        filled.wait_ready()
        signal_container(kubernetes, hangs, "SIGCONT")
        installation.own.wait(name, ended(hangs))
        filled.settle(installation)
        assert filled.pods_made() == made + 1
        assert consumed(filled) == sorted(VALUES)
    finally:
        installation.upgrade()
