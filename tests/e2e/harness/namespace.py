"""Namespaces of a test's own."""

import contextlib
import re
import uuid

from cluster.api import ApiError
from cluster.paths import LOGS
from cluster.waiting import eventually

MARK = "taffrail.test/e2e"


def create(kubernetes, name, security="restricted", labels=None):
    """Makes a namespace under a Pod Security profile; gives the cluster as seen from it."""
    chosen = f"{_short(name)}-{uuid.uuid4().hex[:5]}"
    enforced = {"pod-security.kubernetes.io/enforce": security, MARK: "true"}
    body = {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": chosen, "labels": enforced | (labels or {})}}
    kubernetes.api.request("POST", "/api/v1/namespaces", body)
    own = kubernetes.in_namespace(chosen)
    # A pod that comes before its ServiceAccount is refused.
    eventually(lambda: own.find("serviceaccount", "default"), timeout=30, message=f"the service account of {chosen}")
    return own


def delete(own):
    """Begins to delete a namespace, its pods without grace. `wait_all_gone` sees to the end of it."""
    with contextlib.suppress(ApiError):  # a test may have deleted it already
        own.api.request("DELETE", f"/api/v1/namespaces/{own.namespace}")
        own.api.request("DELETE", own.api.path("pods", own.namespace), gracePeriodSeconds="0")


def wait_all_gone(kubernetes, timeout=120):
    """Waits until no namespace of the tests is left: one that stays is wedged by a finalizer, and that is a defect."""

    def left():
        return [each["metadata"]["name"] for each in kubernetes.api.list("namespaces", labelSelector=f"{MARK}=true")]

    eventually(lambda: not left(), timeout, interval=0.5, message=lambda: f"these namespaces to go: {left()}")


def describe(own, test):
    """Writes down what a namespace holds, for a test that has failed."""
    folder = LOGS / re.sub(r"[^\w.-]+", "-", test)
    folder.mkdir(parents=True, exist_ok=True)
    asked = {
        "resources.yaml": ["get", "taffrail", "-o", "yaml"],
        "objects.yaml": ["get", "statefulsets,pods,services,configmaps,pvc,pdb,networkpolicies", "-o", "yaml"],
        "describe.txt": ["describe", "pods,statefulsets,pvc"],
        "events.txt": ["get", "events", "--sort-by=.lastTimestamp"],
    }
    for file, arguments in asked.items():
        said = own.kubectl(*arguments, "--request-timeout=20s", check=False, timeout=60)
        (folder / f"{own.namespace}-{file}").write_text(said.stdout + said.stderr)
    for pod in own.list("pods"):
        name = pod["metadata"]["name"]
        for previous in ("--previous=false", "--previous=true"):
            said = own.kubectl("logs", name, "--all-containers", "--tail=2000", previous, check=False, timeout=60)
            if said.returncode == 0:
                (folder / f"{own.namespace}-{name}-{previous.strip('-').replace('=', '-')}.log").write_text(said.stdout)
    return folder


def _short(name):
    """A name that fits into DNS labels which are made longer by others."""
    words = re.sub(r"[^a-z0-9]+", "-", name.lower().removeprefix("test_"))
    return words[:24].strip("-")
