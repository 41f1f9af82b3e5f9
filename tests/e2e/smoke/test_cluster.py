"""The cluster itself, with a pod of the suite's own: what fails here has not failed because of the product."""

import urllib.request

import pytest

from cluster.api import ApiError
from harness import eventually

RESTRICTED = {"allowPrivilegeEscalation": False, "capabilities": {"drop": ["ALL"]}, "readOnlyRootFilesystem": True}
USER = {"runAsNonRoot": True, "runAsUser": 65532, "fsGroup": 65532, "seccompProfile": {"type": "RuntimeDefault"}}


def probe(name, node=None, claim=None):
    """A pod that serves a folder and fetches URLs."""
    volume = {"persistentVolumeClaim": {"claimName": claim}} if claim else {"emptyDir": {}}
    container = {
        "name": "probe",
        "image": "localhost/probe:1",
        "imagePullPolicy": "Never",
        "ports": [{"name": "http", "containerPort": 8080}],
        "readinessProbe": {"httpGet": {"path": "/name", "port": "http"}, "periodSeconds": 1},
        "securityContext": RESTRICTED,
        "volumeMounts": [{"name": "data", "mountPath": "/data"}],
    }
    spec = {"securityContext": USER, "containers": [container], "volumes": [{"name": "data", **volume}]}
    if node:
        spec["nodeSelector"] = {"kubernetes.io/hostname": node}
    return {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": name, "labels": {"app": name}}, "spec": spec}


def service(name, type="ClusterIP"):
    """A Service before the pod of the same name."""
    spec = {"type": type, "selector": {"app": name}, "ports": [{"name": "http", "port": 80, "targetPort": "http"}]}
    return {"apiVersion": "v1", "kind": "Service", "metadata": {"name": name}, "spec": spec}


def http(method, url, data=None):
    """One request from where the tests are: outside the cluster."""
    request = urllib.request.Request(url, method=method, data=data)
    with urllib.request.urlopen(request, timeout=5) as answer:
        return answer.read().decode()


def test_pods_of_two_nodes_talk_by_name(cluster, namespace):
    first, second = cluster.nodes[:2]
    namespace.apply([probe("asks", first), probe("asks-too", second), probe("answers", second), service("answers")])
    for pod in ("asks", "asks-too", "answers"):
        namespace.wait_ready(pod)
    for pod in ("asks", "asks-too"):
        url = f"http://localhost:8080/fetch?url=http://answers.{namespace.namespace}.svc.cluster.local/name"
        fetched = eventually(lambda pod=pod, url=url: fetch_in_pod(namespace, pod, url), timeout=30)
        assert fetched == "answers"


def fetch_in_pod(namespace, pod, url):
    """A GET inside a pod, by way of the API server: `pods/proxy`."""
    path = url.removeprefix("http://localhost:8080")
    return namespace.api.request(
        "GET", f"{namespace.api.path('pods', namespace.namespace, pod)}:8080/proxy{path}", raw=True
    )


def test_a_node_port_is_reached_from_outside_and_data_outlives_its_pod(cluster, namespace):
    claim = {
        "apiVersion": "v1",
        "kind": "PersistentVolumeClaim",
        "metadata": {"name": "data"},
        "spec": {"accessModes": ["ReadWriteOnce"], "resources": {"requests": {"storage": "1Mi"}}},
    }
    namespace.apply([claim, probe("keeps", claim="data"), service("keeps", "NodePort")])
    node = namespace.wait_ready("keeps")["spec"]["nodeName"]
    port = namespace.get("service", "keeps")["spec"]["ports"][0]["nodePort"]
    other = next(each for each in cluster.nodes if each != node)
    urls = [f"http://{cluster.node_ip(each)}:{port}/files/note" for each in (node, other)]
    eventually(lambda: http("PUT", urls[0], b"kept"), timeout=30)

    namespace.delete("pod", "keeps", "--grace-period=1")
    namespace.apply(probe("keeps", claim="data"))
    assert namespace.wait_ready("keeps")["spec"]["nodeName"] == node, "a volume stays on its node, and its pod with it"
    assert [eventually(lambda url=url: http("GET", url), timeout=30) for url in urls] == ["kept", "kept"]

    volume = namespace.get("pvc", "data")["spec"]["volumeName"]
    namespace.delete("pod", "keeps", "--grace-period=1")
    namespace.delete("pvc", "data")
    namespace.wait_gone("persistentvolume", volume)


def test_a_resource_is_defined_and_its_rules_are_enforced(kubernetes, namespace):
    rule = {"rule": "self.to >= self.from", "message": "to must not be less than from"}
    spec = {"type": "object", "properties": {each: {"type": "integer"} for each in ("from", "to")}}
    schema = {
        "type": "object",
        "properties": {"spec": spec | {"required": ["from", "to"], "x-kubernetes-validations": [rule]}},
    }
    definition = {
        "apiVersion": "apiextensions.k8s.io/v1",
        "kind": "CustomResourceDefinition",
        "metadata": {"name": "ranges.smoke.test"},
        "spec": {
            "group": "smoke.test",
            "names": {"kind": "Range", "plural": "ranges", "singular": "range"},
            "scope": "Namespaced",
            "versions": [{"name": "v1", "served": True, "storage": True, "schema": {"openAPIV3Schema": schema}}],
        },
    }

    def thing(start, end):
        body = {"apiVersion": "smoke.test/v1", "kind": "Range", "metadata": {"name": "one"}}
        return body | {"spec": {"from": start, "to": end}}

    kubernetes.apply(definition)
    try:
        kubernetes.wait_condition("customresourcedefinition", "ranges.smoke.test", "Established")
        assert rule["message"] in namespace.refused(thing(2, 1))
        namespace.apply(thing(1, 2))
        assert namespace.get("range", "one")["spec"]["to"] == 2
    finally:
        kubernetes.delete("customresourcedefinition", "ranges.smoke.test")


def test_a_namespace_takes_restricted_pods_only(namespace):
    pod = probe("too-free")
    del pod["spec"]["securityContext"]
    assert "violates PodSecurity" in namespace.refused(pod)
    with pytest.raises(ApiError):
        namespace.get("pod", "too-free")
