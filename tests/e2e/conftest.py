"""Fixtures. What they give is described in `harness/__init__.py`."""

import os
import shutil

import pytest

from cluster import choice
from cluster.paths import LOGS
from harness import namespace as namespaces
from harness.kafka import KafkaClient
from harness.kubernetes import Kubernetes
from harness.operator_log import OperatorLog

_SHOWN = 40
_failed = pytest.StashKey()


def pytest_sessionstart():
    """The suite runs against a cluster that somebody has brought up."""
    if "E2E_CLUSTER" not in os.environ:
        pytest.exit("the suite needs a cluster: use tests/e2e/run, or tests/e2e/run up and then tests/e2e/run test", 2)
    shutil.rmtree(LOGS, ignore_errors=True)


def pytest_report_header():
    return f"cluster: {os.environ['E2E_CLUSTER']}"


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(item, call):
    report = yield
    if report.failed:
        item.stash[_failed] = True
    return report


@pytest.fixture(scope="session")
def cluster():
    """The machine's cluster: its nodes and its control plane."""
    return choice.choose(os.environ["E2E_CLUSTER"])


@pytest.fixture(scope="session")
def kubernetes(cluster):
    """The cluster as its administrator. The session ends when every namespace of the tests is gone."""
    found = Kubernetes(cluster)
    yield found
    namespaces.wait_all_gone(found)


@pytest.fixture
def make_namespace(request, kubernetes):
    """Makes namespaces: `make_namespace(security="restricted", labels={...})`."""
    made = []

    def make(name=request.node.originalname, **options):
        made.append(namespaces.create(kubernetes, name, **options))
        return made[-1]

    yield make
    for own in made:
        if request.node.stash.get(_failed, False):
            folder = namespaces.describe(own, request.node.nodeid)
            print(f"what {own.namespace} held is in {folder}")
        namespaces.delete(own)


@pytest.fixture
def namespace(make_namespace):
    """A namespace of the test's own."""
    return make_namespace()


@pytest.fixture(scope="session")
def kafka_client():
    """Makes clients outside the cluster."""
    return KafkaClient


@pytest.fixture(scope="session")
def operator_log(kubernetes):
    """What all operators say."""
    log = OperatorLog(kubernetes).start()
    yield log
    log.stop()


@pytest.fixture(autouse=True)
def _operator_says_no_error(request, operator_log):
    """After each test: no error and no panic in the operators' log but those that the test allows."""
    mark = operator_log.mark()
    yield
    marker = request.node.get_closest_marker("operator_may_log")
    errors = operator_log.errors(mark, marker.args if marker else ())
    assert not errors, "the operator's log says:\n" + "\n".join(errors[:_SHOWN])
