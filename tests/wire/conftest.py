"""Fixtures: one broker per module, in a folder of its own; its log is read when the module is over."""

import shutil
import tempfile
import uuid
from pathlib import Path

import pytest

from harness import broker as brokers
from harness import librdkafka
from harness.tools import KafkaTools

KEEP = 40


def pytest_collection_modifyitems(config, items):
    """Against a broker that isn't ours, tests of our own process and words are left out, and counted aloud."""
    external = brokers.external_bootstrap() is not None
    foreign = external or brokers.kind().is_kafka
    kept, left = [], []
    for item in items:
        unfit = (external and item.get_closest_marker("process")) or (foreign and item.get_closest_marker("taffrail"))
        (left if unfit else kept).append(item)
    items[:] = kept
    if left:
        config.hook.pytest_deselected(items=left)


def pytest_report_header():
    external = brokers.external_bootstrap()
    return f"broker: {external or brokers.kind().__name__}"


@pytest.fixture
def folder():
    """A folder that is gone after the test. Not below pytest's own, whose mode keeps other users out."""
    path = Path(tempfile.mkdtemp(prefix="taffrail-wire-"))
    path.chmod(0o755)
    yield path
    shutil.rmtree(path, ignore_errors=True)


def run_broker(name):
    """Starts a broker for as long as the generator lives; then reads its log for panics and errors."""
    path = Path(tempfile.mkdtemp(prefix=f"taffrail-wire-{name}-"))
    path.chmod(0o755)
    running = brokers.kind()(path)
    try:
        yield running.start()
    finally:
        running.dispose()
        bad = running.bad_log_lines()
        shutil.rmtree(path, ignore_errors=True)
    assert not bad, "the broker's log says:\n" + "\n".join(bad[:KEEP])


@pytest.fixture(scope="module")
def broker(request):
    """The broker that the tests of one module share."""
    external = brokers.external_bootstrap()
    if external:
        yield brokers.ExternalBroker(external)
    else:
        yield from run_broker(request.module.__name__)


@pytest.fixture
def own_broker(request):
    """A broker for one test alone, which may kill it."""
    yield from run_broker(request.node.originalname)


@pytest.fixture(scope="session")
def tools():
    """Kafka's own command-line tools."""
    return KafkaTools(Path(__file__).parent / "harness" / "log4j2.properties")


@pytest.fixture
def name(request):
    """A name that no other test uses, for topics and groups."""
    return f"{request.node.originalname.removeprefix('test_')[:60]}-{uuid.uuid4().hex[:8]}"


@pytest.fixture
def topic(broker, name):
    """A topic of three partitions."""
    return librdkafka.create_topic(broker, name, partitions=3)
