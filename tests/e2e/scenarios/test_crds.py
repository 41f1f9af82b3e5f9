"""The definitions of the resources on a real API server: what they admit, what they refuse, and in which words.

Each file in crds/tests/data is one case. One in valid is admitted. One in invalid is refused, with the words that its first
line names. With two documents in a file the first is applied and the second is the edit. Nothing but the API server takes
part: the resources say that they are paused, or name a cluster that isn't there.
"""

import json
import re
from pathlib import Path

import pytest
import yaml

from harness import namespace as namespaces

CRDS = Path(__file__).parents[3] / "crds"
PLURALS = {"KafkaCluster": "kafkaclusters", "Topic": "topics", "KafkaUser": "kafkausers", "Rebalance": "rebalances"}


@pytest.fixture(scope="module")
def scope(kubernetes):
    """A namespace to try things in, once the definitions are established as the repository has them."""
    files = sorted(CRDS.glob("taffrail.io_*.yaml"))
    assert len(files) == len(PLURALS)
    for file in files:
        kubernetes.kubectl("apply", "--server-side", "-f", str(file))
    for plural in PLURALS.values():
        kubernetes.kubectl("wait", "--for=condition=Established", "--timeout=60s", f"crd/{plural}.taffrail.io")
    own = namespaces.create(kubernetes, "crds")
    yield own
    namespaces.delete(own)


@pytest.fixture
def resources(scope):
    """The resources of a case, which go after it, so that cases may share names."""
    found = Resources(scope)
    yield found
    found.remove()


class Resources:
    """What a case has applied."""

    def __init__(self, scope):
        self._scope = scope
        self._names = []

    def apply(self, document, *options):
        """Applies a document; gives the `CompletedProcess`."""
        return self._scope.kubectl("apply", "--server-side", *options, "-f", "-", input=json.dumps(document), check=False)

    def make(self, document):
        """Applies a document that has to be taken, with its status if it has one."""
        status = document.pop("status", None)
        name = f"{PLURALS[document['kind']]}.taffrail.io/{document['metadata']['name']}"
        result = self.apply(document)
        assert result.returncode == 0, result.stderr
        self._names.append(name)
        if status is not None:
            self._scope.kubectl("patch", name, "--subresource=status", "--type=merge", "-p", json.dumps({"status": status}))

    def read(self, name):
        """A resource as the API server has it."""
        return json.loads(self._scope.kubectl("get", name, "-o", "json").stdout)

    def last_step(self, file):
        """Brings a case to its last document; gives what the API server says to that."""
        *before, last = yaml.safe_load_all(file.read_text())
        for document in before:
            self.make(document)
        return self.apply(last, "--dry-run=server")

    def remove(self):
        """Takes away what is there."""
        if self._names:
            self._scope.kubectl("delete", "--ignore-not-found", *dict.fromkeys(self._names))


def cases(folder):
    files = sorted((CRDS / "tests/data" / folder).glob("*.yaml"))
    assert files, f"no cases in {folder}"
    return [pytest.param(file, id=file.stem) for file in files]


def valid(name):
    return yaml.safe_load((CRDS / "tests/data/valid" / f"{name}.yaml").read_text())


@pytest.mark.parametrize("file", cases("valid"))
def test_admitted(file, resources):
    result = resources.last_step(file)
    assert result.returncode == 0, result.stderr


@pytest.mark.parametrize("file", cases("invalid"))
def test_refused(file, resources):
    first, _, _ = file.read_text().partition("\n")
    expected = re.fullmatch(r"# expect: (.+)", first)
    assert expected, f"{file.name} doesn't begin with `# expect: ...`"
    result = resources.last_step(file)
    assert result.returncode != 0, "admitted"
    assert expected[1] in result.stderr


@pytest.mark.parametrize("plural", PLURALS.values())
def test_the_api_server_finds_nothing_to_object_to_in_the_schema(plural, kubernetes, scope):
    crd = json.loads(kubernetes.kubectl("get", "crd", f"{plural}.taffrail.io", "-o", "json").stdout)
    conditions = {condition["type"]: condition["status"] for condition in crd["status"]["conditions"]}
    assert conditions["NamesAccepted"] == "True"
    assert conditions.get("NonStructuralSchema", "False") == "False"
    assert crd["status"]["storedVersions"] == ["v1beta1"]


def test_defaults_come_from_the_schema(resources):
    resources.make(valid("cluster-minimal"))
    spec = resources.read("kafkacluster/c")["spec"]
    assert spec["rollout"] == {"maxUnavailable": 1, "unit": "Node", "canary": 1}
    assert spec["balancing"] == {"mode": "Disabled", "onScaleUp": "Nothing"}
    storage = spec["pools"][0]["storage"]
    assert (storage["whenDeleted"], storage["whenScaled"], storage["onNodeLoss"]) == ("Retain", "Retain", "Wait")
    listener = spec["listeners"][0]
    assert (listener["exposure"], listener["tls"]) == ({"type": "Internal"}, {"mode": "Disabled"})
    assert listener["authentication"] == {"type": "None"}


def test_two_appliers_share_a_list_by_name(resources):
    """A list that merges by name lets a second manager own one entry without taking the others."""
    document = valid("cluster-minimal")
    resources.make(document)
    more = {key: document[key] for key in ("apiVersion", "kind", "metadata")}
    more["spec"] = {"listeners": [{"name": "second", "port": 9094}]}
    applied = resources.apply(more, "--field-manager=another")
    assert applied.returncode == 0, applied.stderr
    names = {listener["name"] for listener in resources.read("kafkacluster/c")["spec"]["listeners"]}
    assert names == {"internal", "second"}


def test_columns_short_names_and_category(scope, resources):
    for name in ("cluster-minimal", "topic-minimal", "user-minimal", "rebalance-minimal"):
        resources.make(valid(name))
    columns = {
        "tfc": "NAME READY NODES VERSION URP AGE",
        "tft": "NAME CLUSTER PARTITIONS RF READY AGE",
        "tfu": "NAME CLUSTER USER AUTHENTICATION READY AGE",
        "tfr": "NAME CLUSTER OPERATION READY AGE",
    }
    for short, expected in columns.items():
        header = scope.kubectl("get", short).stdout.splitlines()[0]
        assert header.split() == expected.split()
    listed = scope.kubectl("get", "taffrail", "-o", "name").stdout.split()
    assert sorted(name.partition(".")[0] for name in listed) == ["kafkacluster", "kafkauser", "rebalance", "topic"]
