"""The chart as the tests see it: rendered by Helm, read as objects."""

import os
import subprocess
from pathlib import Path

import yaml

HERE = Path(__file__).resolve().parent
ROOT = HERE.parent.parent
CHART = ROOT / "helm/taffrail"
CASES = sorted((HERE / "cases").glob("*.yaml"))
# The versions of Kubernetes that schemas/ knows, oldest first.
KUBERNETES = sorted((path.stem[1:] for path in (HERE / "schemas").glob("v*.json")), key=lambda version: int(version[2:]))


class UniqueKeys(yaml.CSafeLoader):
    """YAML in which a key that comes twice is an error, as it is to a strict API server."""

    def construct_mapping(self, node, deep=False):
        keys = [self.construct_object(key, deep=True) for key, _ in node.value]
        twice = {key for key in keys if keys.count(key) > 1}
        if twice:
            raise yaml.constructor.ConstructorError(None, None, f"twice in a mapping: {twice}", node.start_mark)
        return super().construct_mapping(node, deep)


def read(text):
    """The objects of a stream of YAML documents."""
    return [document for document in yaml.load_all(text, UniqueKeys) if document is not None]


def helm(*arguments, stdin=None):
    return subprocess.run([os.environ["HELM"], *map(str, arguments)], input=stdin, capture_output=True, text=True)


def template(*arguments, release="taffrail", kubernetes=KUBERNETES[0], values=None):
    """`helm template`, finished: the run with its output. `values` are given as a file of values would be."""
    arguments = ["--namespace", "taffrail-system", "--kube-version", kubernetes, *arguments]
    if values is not None:
        arguments += ["--values", "-"]
    return helm("template", release, CHART, *arguments, stdin=yaml.safe_dump(values))


def render(*arguments, **options):
    """The text that `helm template` makes of the chart, which must take the values."""
    run = template(*arguments, **options)
    assert run.returncode == 0, run.stderr
    return run.stdout


def of_kind(objects, kind):
    return [each for each in objects if each["kind"] == kind]
