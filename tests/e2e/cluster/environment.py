"""The environment of programs that talk to the cluster. kubectl and Helm leave nothing in the user's home."""

import os

from .paths import BIN, RUN


def for_clients(cluster):
    """This process's environment, with the suite's programs first and the cluster's kubeconfig."""
    return os.environ | {
        "PATH": f"{BIN}:{os.environ['PATH']}:/usr/sbin:/sbin",
        "KUBECONFIG": str(cluster.kubeconfig),
        "KUBECACHEDIR": str(RUN / "cache" / "kubectl"),
        "KUBECTL_KUBERC": "false",
        "HELM_CACHE_HOME": str(RUN / "cache" / "helm"),
        "HELM_CONFIG_HOME": str(RUN / "cache" / "helm-config"),
        "HELM_DATA_HOME": str(RUN / "cache" / "helm-data"),
        "PYTHONDONTWRITEBYTECODE": "1",
        "E2E_CLUSTER": cluster.kind,
    }
