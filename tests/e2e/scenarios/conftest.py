"""Fixtures of the scenarios, the order of their files, and the report."""

from pathlib import Path

import pytest

from harness import namespace as namespaces

from .installation import Installation
from .kafka_cluster import KafkaCluster
from .report import FILE, Report

_HERE = Path(__file__).parent
_FIRST = ("test_quickstart", "test_install")
_LAST = ("test_operator_away", "test_plain_manifests")
"""These take the operator away from everybody."""

_report = Report()


def pytest_collection_modifyitems(items):
    """The first look comes first, and what takes the operator away comes last."""

    def rank(item):
        name = item.path.stem
        if item.path.parent != _HERE:
            return -1
        if name in _FIRST:
            return _FIRST.index(name)
        return len(_FIRST) + (1 + _LAST.index(name) if name in _LAST else 0)

    items.sort(key=rank)


def pytest_runtest_logreport(report):
    """Takes down how long everything took."""
    if "scenarios/" in report.nodeid:
        _report.took(report.nodeid.partition("scenarios/")[2].partition("[")[0], report.duration, report.failed)


def pytest_terminal_summary(terminalreporter):
    """Shows the figures and keeps the report."""
    _report.write()
    terminalreporter.section("figures")
    for line in _report.figures():
        terminalreporter.write_line(line)
    terminalreporter.write_line(f"times of all scenarios: {FILE}")


@pytest.fixture(scope="session")
def report():
    """Takes figures."""
    return _report


@pytest.fixture(scope="session", autouse=True)
def installation(kubernetes, operator_log):
    """The operator, installed as the README says; it watches every namespace."""
    found = Installation(kubernetes)
    if found.is_installed():  # by a run before on a cluster that was kept, maybe from other images
        found.uninstall()
    found.install()
    return found


@pytest.fixture
def orders(namespace):
    """A cluster in the test's own namespace, not applied yet."""
    return KafkaCluster(namespace)


@pytest.fixture(scope="module")
def shared(request, kubernetes, installation):
    """A cluster that is ready, for the tests of one file, in a namespace of theirs."""
    own = namespaces.create(kubernetes, request.module.__name__.rpartition(".")[2])
    failures = request.session.testsfailed
    cluster = KafkaCluster(own).apply()
    try:
        yield cluster.wait_ready()
    finally:
        if request.session.testsfailed > failures or not cluster.status():
            namespaces.describe(own, request.module.__name__)
        namespaces.delete(own)
