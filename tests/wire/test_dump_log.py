"""Kafka's DumpLogSegments over the data directory of a broker that has stopped."""

import re

import pytest

from harness import librdkafka
from harness.numbered import CODECS, NumberedRecords

pytestmark = pytest.mark.process

PER_CODEC = 2_000
GROUP = "dumped-group"


@pytest.fixture(scope="module")
def data(broker):
    """A data directory with all codecs, several segments and a group's offsets; its broker has ended in order."""
    config = {"segment.bytes": "1048576", "index.interval.bytes": "4096"}
    librdkafka.create_topic(broker, "dumped", partitions=1, config=config)
    for codec in CODECS:
        records = NumberedRecords(codec, PER_CODEC)
        sent = [(records.key(number), records.value(number), records.headers(number)) for number in range(PER_CODEC)]
        librdkafka.produce(broker, "dumped", sent, **{
            "compression.type": codec, "enable.idempotence": True, "batch.size": 8_192, "linger.ms": 5,
        })
    member = librdkafka.consumer(broker, GROUP)
    member.subscribe(["dumped"])
    librdkafka.take(member, PER_CODEC * len(CODECS))
    member.commit(asynchronous=False)
    member.close()
    assert broker.stop() in (0, 143)
    return broker.data


def segments(folder, suffix):
    found = sorted(folder.glob(f"*.{suffix}"))
    assert found, f"no .{suffix} in {folder}: {sorted(path.name for path in folder.iterdir())}"
    return found


def test_the_layout_is_kafkas(data):
    names = {path.name for path in data.iterdir()}
    assert {"dumped-0", "__cluster_metadata-0", "meta.properties", "recovery-point-offset-checkpoint",
            "replication-offset-checkpoint", ".kafka_cleanshutdown"} <= names
    partition = {path.name for path in (data / "dumped-0").iterdir()}
    assert {"00000000000000000000.log", "00000000000000000000.index", "00000000000000000000.timeindex",
            "leader-epoch-checkpoint", "partition.metadata"} <= partition
    assert any(path.startswith("__consumer_offsets-") for path in names)
    assert "quorum-state" in {path.name for path in (data / "__cluster_metadata-0").iterdir()}


def test_records(data, tools):
    logs = segments(data / "dumped-0", "log")
    assert len(logs) > 1, "the topic's segments are a megabyte each"
    out = tools.dump(logs, "--deep-iteration", "--print-data-log").out
    offsets = [int(number) for number in re.findall(r"^\| offset: (\d+) ", out, re.MULTILINE)]
    assert offsets == list(range(PER_CODEC * len(CODECS)))
    batches = re.findall(r"^baseOffset: .*$", out, re.MULTILINE)
    assert batches and all("isvalid: true" in line and "magic: 2" in line for line in batches)
    used = {line.split("compresscodec: ")[1].split()[0] for line in batches}
    assert used == set(CODECS)
    assert "headerKeys: [id,sha,empty,null]" in out


@pytest.mark.parametrize("suffix", ["index", "timeindex"])
def test_indexes_agree_with_their_logs(data, tools, suffix):
    files = segments(data / "dumped-0", suffix)
    dumped = tools.dump(files).out
    entries = [int(number) for number in re.findall(r"offset: (\d+)", dumped)]
    assert len([entry for entry in entries if entry > 0]) > len(files), "an entry every 4 KiB"
    tools.dump(files, "--index-sanity-check")


def test_producer_snapshots(data, tools):
    dumped = tools.dump(segments(data / "dumped-0", "snapshot"))
    assert re.search(r"producerId: \d+ producerEpoch: \d+", dumped.out)


def test_group_offsets(data, tools):
    found = ""
    for folder in sorted(data.glob("__consumer_offsets-*")):
        found += tools.dump(segments(folder, "log"), "--offsets-decoder", "--deep-iteration").out
    committed = [line for line in found.splitlines() if f'"group":"{GROUP}","topic":"dumped","partition":0' in line]
    assert committed and f'"offset":{PER_CODEC * len(CODECS)}' in committed[-1]
    assert re.search(rf'"group":"{GROUP}".*"protocolType":"consumer"', found), "the group's own record"


def test_the_metadata_log(data, tools):
    out = tools.dump(segments(data / "__cluster_metadata-0", "log"), "--cluster-metadata-decoder").out
    for kind in ("FEATURE_LEVEL_RECORD", "REGISTER_BROKER_RECORD", "TOPIC_RECORD", "PARTITION_RECORD", "CONFIG_RECORD"):
        assert f'"type":"{kind}"' in out, f"no {kind}"
    assert '"type":"TOPIC_RECORD","version":0,"data":{"name":"dumped"' in out
    assert "isvalid: true" in out and "LeaderChange" in out


def test_metadata_checkpoints(data, tools):
    checkpoints = sorted((data / "__cluster_metadata-0").glob("*.checkpoint"))
    assert checkpoints
    for checkpoint in checkpoints:
        out = tools.dump([checkpoint], "--cluster-metadata-decoder").out
        assert "SnapshotHeader" in out and "SnapshotFooter" in out
