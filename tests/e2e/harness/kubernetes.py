"""kubectl and Helm as users type them, and the API for everything that is asked again and again."""

import http.client

import yaml

from cluster.api import Api, ApiError
from cluster.shell import CommandFailed, run
from cluster.waiting import eventually


class Kubernetes:
    """One cluster as its administrator, outside of any namespace or, by `in_namespace`, in one."""

    def __init__(self, cluster, namespace=None, api=None):
        self.cluster = cluster
        self.namespace = namespace
        self.api = api or Api(cluster.kubeconfig)

    def in_namespace(self, name):
        """The same cluster, with a namespace for whatever has one."""
        return Kubernetes(self.cluster, name, self.api)

    def kubectl(self, *args, input=None, check=True, timeout=300):
        """Runs kubectl; gives the `CompletedProcess`. With `check` a failure raises `CommandFailed`."""
        scope = ("--namespace", self.namespace) if self.namespace else ()
        return run("kubectl", *scope, *args, input=input, check=check, timeout=timeout)

    def helm(self, *args, input=None, check=True, timeout=300):
        """Runs Helm; gives the `CompletedProcess`."""
        scope = ("--namespace", self.namespace) if self.namespace else ()
        return run("helm", *scope, *args, input=input, check=check, timeout=timeout)

    def apply(self, manifest, *flags):
        """`kubectl apply` of YAML text, a dict, or a list of dicts."""
        return self.kubectl("apply", *flags, "--filename", "-", input=_text(manifest)).stdout

    def refused(self, manifest, *flags):
        """`kubectl apply` of something that must not be taken; gives what kubectl says."""
        result = self.kubectl("apply", *flags, "--filename", "-", input=_text(manifest), check=False)
        assert result.returncode != 0, f"this was taken, and must be refused:\n{_text(manifest)}"
        return result.stderr

    def delete(self, kind, name, *flags):
        """`kubectl delete`; waits until the object is gone unless `flags` say otherwise."""
        self.kubectl("delete", kind, name, *flags)

    def get(self, kind, name):
        """One object, as a dict; `ApiError` with status 404 when there is none."""
        return self.api.get(kind, name, self.namespace)

    def find(self, kind, name):
        """One object, or None."""
        try:
            return self.get(kind, name)
        except ApiError as error:
            if error.status == http.client.NOT_FOUND:
                return None
            raise

    def list(self, kind, labels=None):
        """The objects of a kind, as dicts; `labels` is a selector as kubectl takes it."""
        query = {"labelSelector": labels} if labels else {}
        return self.api.list(kind, self.namespace, **query)

    def patch(self, kind, name, merge):
        """A merge patch; gives the object as it is then."""
        path = self.api.path(kind, self.namespace, name)
        return self.api.request("PATCH", path, merge, content_type="application/merge-patch+json")

    def condition(self, kind, name, condition):
        """A condition of an object, as a dict, if it has it and has observed the newest generation; else None."""
        found = self.find(kind, name) or {}
        status = found.get("status", {})
        generation = found.get("metadata", {}).get("generation")
        for each in status.get("conditions", []):
            if each["type"] == condition:
                observed = each.get("observedGeneration", status.get("observedGeneration", generation))
                return each if observed == generation else None
        return None

    def wait_condition(self, kind, name, condition, status="True", reason=None, timeout=120):
        """Waits until an object has a condition for its newest generation; gives the condition."""

        def holds():
            found = self.condition(kind, name, condition)
            fits = found and found["status"] == status and reason in (None, found.get("reason"))
            return found if fits else None

        wanted = f"{condition}={status}" + (f" ({reason})" if reason else "")
        return eventually(
            holds, timeout, message=lambda: f"{kind}/{name} to be {wanted}; {self._conditions(kind, name)}"
        )

    def wait_ready(self, pod, timeout=120):
        """Waits until a pod is ready; gives the pod."""
        return self.wait(pod, lambda found: is_ready(found) and found, kind="pod", timeout=timeout)

    def wait(self, name, holds, kind="pod", timeout=120):
        """Waits until `holds(object)` gives something true; gives that. An object that isn't there holds nothing."""

        def probe():
            found = self.find(kind, name)
            return found is not None and holds(found)

        return eventually(probe, timeout, message=f"{kind}/{name} as wanted")

    def wait_gone(self, kind, name, timeout=120):
        """Waits until an object is gone."""
        eventually(lambda: self.find(kind, name) is None, timeout, message=f"{kind}/{name} to be gone")

    def pod_exec(self, pod, *command, container=None, input=None, check=True, timeout=120):
        """Runs a command in a pod's container; gives the `CompletedProcess`."""
        chosen = ("--container", container) if container else ()
        stdin = ("--stdin",) if input is not None else ()
        return self.kubectl("exec", *stdin, pod, *chosen, "--", *command, input=input, check=check, timeout=timeout)

    def node_exec(self, node, *command, check=True, timeout=120):
        """Runs a command on a node; gives the `CompletedProcess`."""
        return run(*self.cluster.node_exec(node), *command, check=check, timeout=timeout)

    def events(self, name):
        """The events about an object, as (type, reason, note)."""
        found = self.api.list("events", self.namespace, fieldSelector=f"involvedObject.name={name}")
        return [(each.get("type"), each.get("reason"), each.get("note") or each.get("message")) for each in found]

    def _conditions(self, kind, name):
        found = self.find(kind, name)
        if found is None:
            return "there is no such object"
        conditions = found.get("status", {}).get("conditions", [])
        said = [f"{each['type']}={each['status']} {each.get('reason')}: {each.get('message')}" for each in conditions]
        return "its conditions: " + ("; ".join(said) or "none")


def is_ready(thing):
    """Whether a pod or a node has the condition Ready."""
    conditions = thing.get("status", {}).get("conditions", [])
    return any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)


def _text(manifest):
    if isinstance(manifest, str):
        return manifest
    return yaml.safe_dump_all(manifest if isinstance(manifest, list) else [manifest])


__all__ = ["ApiError", "CommandFailed", "Kubernetes", "is_ready"]
