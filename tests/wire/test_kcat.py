"""kcat, the command line over librdkafka that most people reach for first."""

import json

import pytest

from harness.numbered import CODECS
from harness.tools import kcat


def consume(broker, topic, *arguments, binary=False):
    return kcat(broker, "-C", "-t", topic, "-e", "-q", *arguments, binary=binary)


def test_lists_brokers_topics_and_partitions(broker, topic):
    seen = json.loads(kcat(broker, "-L", "-J").out)
    assert str(broker.port) in [node["name"].rsplit(":", 1)[1] for node in seen["brokers"]]
    (found,) = [entry for entry in seen["topics"] if entry["topic"] == topic]
    assert [partition["partition"] for partition in found["partitions"]] == [0, 1, 2]
    for partition in found["partitions"]:
        assert partition["leader"] == partition["replicas"][0]["id"] == partition["isrs"][0]["id"]


def test_what_is_produced_is_consumed(broker, topic):
    lines = [f"line {number}" for number in range(1000)]
    kcat(broker, "-P", "-t", topic, "-p", "1", stdin="\n".join(lines))
    assert consume(broker, topic, "-p", "1").lines == lines


def test_keys_headers_offsets_and_timestamps(broker, topic):
    kcat(broker, "-P", "-t", topic, "-p", "0", "-K:", "-H", "knots=12", "-H", "empty=", stdin="bow:1\nstern:2")
    shown = consume(broker, topic, "-p", "0", "-f", "%o %k %s %h %T\n").lines
    assert [line.rsplit(" ", 1)[0] for line in shown] == ["0 bow 1 knots=12,empty=", "1 stern 2 knots=12,empty="]
    assert all(int(line.rsplit(" ", 1)[1]) > 1_600_000_000_000 for line in shown)


@pytest.mark.parametrize("codec", CODECS)
def test_codec(broker, topic, codec):
    lines = [f"{codec} {number} " + "knot " * 20 for number in range(500)]
    kcat(broker, "-P", "-t", topic, "-p", "2", "-z", codec, stdin="\n".join(lines))
    assert consume(broker, topic, "-p", "2").lines == lines


def test_null_values(broker, topic):
    kcat(broker, "-P", "-t", topic, "-p", "0", "-K:", "-Z", stdin="gone:\nhere:1")
    assert consume(broker, topic, "-p", "0", "-f", "%k %S\n").lines == ["gone -1", "here 1"]


def test_the_end_the_last_few_and_an_offset(broker, topic):
    kcat(broker, "-P", "-t", topic, "-p", "0", stdin="\n".join("abcdef"))
    assert consume(broker, topic, "-p", "0", "-o", "-2").lines == ["e", "f"]
    assert consume(broker, topic, "-p", "0", "-o", "3").lines == ["d", "e", "f"]
    assert consume(broker, topic, "-p", "0", "-o", "end").lines == []


def test_offsets_by_timestamp(broker, topic):
    kcat(broker, "-P", "-t", topic, "-p", "0", stdin="only")
    answers = [kcat(broker, "-Q", "-t", f"{topic}:0:{when}").out for when in ("-2", "-1", "0")]
    assert [int(answer.split("offset ")[1]) for answer in answers] == [0, 1, 0]


def test_a_group_reads_all_partitions_and_remembers(broker, topic, name):
    for partition in range(3):
        kcat(broker, "-P", "-t", topic, "-p", partition, stdin=f"from {partition}")

    def read():
        return kcat(broker, "-G", name, "-e", "-q", "-X", "auto.offset.reset=earliest", topic).lines

    assert sorted(read()) == ["from 0", "from 1", "from 2"]
    kcat(broker, "-P", "-t", topic, "-p", "1", stdin="news")
    assert read() == ["news"]


def test_producing_to_a_new_topic_creates_it(broker, name):
    kcat(broker, "-P", "-t", name, stdin="first")
    assert consume(broker, name).lines == ["first"]


def test_binary_values_come_back_as_they_were(broker, topic, folder):
    content = bytes(range(256)) * 400
    (folder / "value").write_bytes(content)
    kcat(broker, "-P", "-t", topic, "-p", "0", folder / "value")
    assert consume(broker, topic, "-p", "0", "-D", "", binary=True).out == content
