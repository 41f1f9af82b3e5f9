"""The volumes of our own cluster: a folder of a node for each claim of StorageClass `standard`.

Volumes are of type `local` and not `hostPath`, because only those honour a pod's fsGroup. A claim is served as soon
as the scheduler has chosen its pod's node. A released volume goes with its folder when its policy is Delete, and
stays as it is when the policy is Retain.

Deliberately absent: growing a volume, snapshots, quotas. Run as `python -m cluster.provisioner`; everything that it
does can be done twice, so that it may die at any moment.
"""

import http.client
import shutil
import sys
import threading
import time
import traceback

from . import network, pki
from .api import Api, ApiError
from .node import VOLUMES
from .paths import RUN

CLASS = "standard"
PROVISIONER = "taffrail.test/local"

_PROVISIONED_BY = "pv.kubernetes.io/provisioned-by"
_SELECTED_NODE = "volume.kubernetes.io/selected-node"
_RETRY_SECONDS = 0.3


def main():
    """Serves claims and removes released volumes until it is killed."""
    api = Api(pki.ADMIN, network.FABRIC)
    threading.Thread(target=_follow, args=(api, "persistentvolumes", _reclaim), daemon=True).start()
    _follow(api, "persistentvolumeclaims", _provision)


def _follow(api, kind, act):
    """Calls `act` with every object of a kind, now and whenever one changes, for ever."""
    while True:
        try:
            path = api.path(kind)
            listed = api.request("GET", path)
            for item in listed["items"]:
                act(api, item)
            for change, item in api.watch(path, listed["metadata"]["resourceVersion"]):
                if change in ("ADDED", "MODIFIED"):
                    act(api, item)
        except (ApiError, OSError, ValueError, LookupError, http.client.HTTPException):
            traceback.print_exc(file=sys.stderr)
            time.sleep(_RETRY_SECONDS)


def _provision(api, claim):
    meta, spec = claim["metadata"], claim["spec"]
    node = meta.get("annotations", {}).get(_SELECTED_NODE)
    wanted = spec.get("storageClassName") == CLASS and not spec.get("volumeName") and "deletionTimestamp" not in meta
    if not wanted or node is None:
        return
    volume = _volume(claim, node)
    _folder(volume).mkdir(parents=True, exist_ok=True)
    try:
        api.request("POST", api.path("persistentvolumes"), volume)
        print(f"made {volume['metadata']['name']} on {node} for {meta['namespace']}/{meta['name']}", flush=True)
    except ApiError as error:
        if error.status != http.client.CONFLICT:
            raise


def _reclaim(api, volume):
    meta, spec = volume["metadata"], volume["spec"]
    ours = meta.get("annotations", {}).get(_PROVISIONED_BY) == PROVISIONER
    released = volume.get("status", {}).get("phase") == "Released"
    if not (ours and released and spec["persistentVolumeReclaimPolicy"] == "Delete"):
        return
    shutil.rmtree(_folder(volume), ignore_errors=True)
    try:
        api.request("DELETE", api.path("persistentvolumes", name=meta["name"]))
        print(f"removed {meta['name']}", flush=True)
    except ApiError as error:
        if error.status != http.client.NOT_FOUND:
            raise


def _volume(claim, node):
    meta, spec = claim["metadata"], claim["spec"]
    name = f"pvc-{meta['uid']}"
    here = {"key": "kubernetes.io/hostname", "operator": "In", "values": [node]}
    return {
        "apiVersion": "v1",
        "kind": "PersistentVolume",
        "metadata": {"name": name, "annotations": {_PROVISIONED_BY: PROVISIONER}},
        "spec": {
            "capacity": {"storage": spec["resources"]["requests"]["storage"]},
            "accessModes": spec["accessModes"],
            "volumeMode": "Filesystem",
            "persistentVolumeReclaimPolicy": "Delete",
            "storageClassName": CLASS,
            "claimRef": {
                "apiVersion": "v1",
                "kind": "PersistentVolumeClaim",
                "namespace": meta["namespace"],
                "name": meta["name"],
                "uid": meta["uid"],
            },
            # As the node sees its folder.
            "local": {"path": f"/run/node/{VOLUMES}/{name}"},
            "nodeAffinity": {"required": {"nodeSelectorTerms": [{"matchExpressions": [here]}]}},
        },
    }


def _folder(volume):
    """A volume's folder, as the machine sees it."""
    terms = volume["spec"]["nodeAffinity"]["required"]["nodeSelectorTerms"]
    node = terms[0]["matchExpressions"][0]["values"][0]
    return RUN / node / VOLUMES / volume["metadata"]["name"]


if __name__ == "__main__":
    main()
