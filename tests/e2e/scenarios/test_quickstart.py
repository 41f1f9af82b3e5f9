"""Scenario 0: what the README tells people to type, word for word."""

import time

import yaml

from . import readme
from .installation import shell


def test_the_lines_of_the_readme(installation, namespace, tmp_path, report):
    """0: apply, wait, produce. The seconds and the operator's memory are reported, not judged."""
    environment = {"KUBECONFIG": str(_kubeconfig(namespace, tmp_path))}
    _, *lines = readme.kubernetes_lines()  # the first has installed the operator
    assert lines[0].startswith("kubectl apply"), lines

    began = time.monotonic()
    for line in lines:
        shell(line, **environment)
    seconds = time.monotonic() - began

    report.add("from `kubectl apply` to the first acknowledged record, as the README has it", f"{seconds:.1f} s")
    now, most = installation.memory()
    memory = f"{now / 1024:.1f} MiB, at most {most / 1024:.1f} MiB"
    report.add("the operator's resident memory, looking after one cluster", memory)
    consume = ("taffrail", "consume", "--topic", "hello", "--from-beginning", "--until-end")
    consumed = namespace.pod_exec("quickstart-nodes-0-0", *consume).stdout.split()
    assert sorted(consumed) == ["one", "three", "two"]


def _kubeconfig(namespace, folder):
    """The administrator's kubeconfig with the test's namespace as the current one."""
    config = yaml.safe_load(open(namespace.cluster.kubeconfig, encoding="utf-8"))
    for each in config["contexts"]:
        each["context"]["namespace"] = namespace.namespace
    path = folder / "kubeconfig"
    path.write_text(yaml.safe_dump(config))
    return path
