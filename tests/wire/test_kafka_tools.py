"""Kafka's own command-line tools, which stand on the Java clients."""

import re

from harness import librdkafka


def table(text):
    """The rows of a tool's table, by the words in its first line."""
    lines = [line.split() for line in text.splitlines() if line.strip()]
    start = next(number for number, words in enumerate(lines) if words[0] == "GROUP")
    return [dict(zip(lines[start], words, strict=False)) for words in lines[start + 1:]]


def test_topics(broker, tools, name):
    tools.against(broker, "kafka-topics", "--create", "--topic", name, "--partitions", 3,
                  "--replication-factor", 1, "--config", "retention.ms=86400000")
    assert name in tools.against(broker, "kafka-topics", "--list").lines
    described = tools.against(broker, "kafka-topics", "--describe", "--topic", name).out
    assert "PartitionCount: 3" in described and "ReplicationFactor: 1" in described
    assert "retention.ms=86400000" in described
    assert re.search(r"TopicId: [A-Za-z0-9_-]{22}\b", described)
    leaders = re.findall(r"Partition: (\d+)\s+Leader: (\d+)\s+Replicas: (\d+)\s+Isr: (\d+)", described)
    assert [int(row[0]) for row in leaders] == [0, 1, 2]
    assert all(leader == replica == in_sync for _, leader, replica, in_sync in leaders)
    again = tools.run("kafka-topics", "--bootstrap-server", broker.bootstrap, "--create", "--topic", name)
    assert again.status != 0 and "already exists" in again.out + again.err
    tools.against(broker, "kafka-topics", "--delete", "--topic", name)
    assert name not in tools.against(broker, "kafka-topics", "--list").lines


def test_console_producer_and_consumer(broker, tools, topic):
    lines = [f"key-{number}|value {number}" for number in range(200)]
    tools.against(broker, "kafka-console-producer", "--topic", topic, "--reader-property", "parse.key=true",
                  "--reader-property", "key.separator=|", stdin="\n".join(lines) + "\n")
    read = tools.against(broker, "kafka-console-consumer", "--topic", topic, "--from-beginning",
                         "--max-messages", len(lines), "--timeout-ms", 60_000,
                         "--formatter-property", "print.key=true", "--formatter-property", "key.separator=|")
    assert sorted(read.lines) == sorted(lines)


def test_console_producer_with_each_codec(broker, tools, topic):
    codecs = ("none", "gzip", "snappy", "lz4", "zstd")
    for codec in codecs:
        tools.against(broker, "kafka-console-producer", "--topic", topic, "--compression-codec", codec,
                      stdin=f"by {codec}\n" * 20)
    read = tools.against(broker, "kafka-console-consumer", "--topic", topic, "--from-beginning",
                         "--max-messages", 20 * len(codecs), "--timeout-ms", 60_000)
    assert sorted(read.lines) == sorted(f"by {codec}" for codec in codecs for _ in range(20))


def test_console_consumer_in_a_group_resumes(broker, tools, topic, name):
    def read(count):
        return tools.against(broker, "kafka-console-consumer", "--topic", topic, "--group", name, "--max-messages",
                             count, "--timeout-ms", 60_000, "--from-beginning").lines

    tools.against(broker, "kafka-console-producer", "--topic", topic, stdin="one\ntwo\nthree\n")
    assert sorted(read(3)) == ["one", "three", "two"]
    tools.against(broker, "kafka-console-producer", "--topic", topic, stdin="four\n")
    assert read(1) == ["four"]


def test_consumer_groups(broker, tools, topic, name):
    librdkafka.produce(broker, topic, [(b"k", b"v", []) for _ in range(10)])
    member = librdkafka.consumer(broker, name)
    try:
        member.subscribe([topic])
        librdkafka.take(member, 10)
        member.commit(asynchronous=False)
        assert name in tools.against(broker, "kafka-consumer-groups", "--list").lines
        rows = table(tools.against(broker, "kafka-consumer-groups", "--describe", "--group", name).out)
        assert [row["TOPIC"] for row in rows] == [topic] * 3
        assert sum(int(row["CURRENT-OFFSET"]) for row in rows if row["CURRENT-OFFSET"] != "-") == 10
        assert sum(int(row["LOG-END-OFFSET"]) for row in rows) == 10
        assert all(int(row["LAG"]) == 0 for row in rows if row["LAG"] != "-")
        (state,) = table(
            tools.against(broker, "kafka-consumer-groups", "--describe", "--group", name, "--state").out
        )
        assert "Stable" in state.values() and "range" in state.values()
        (only,) = table(
            tools.against(broker, "kafka-consumer-groups", "--describe", "--group", name, "--members").out
        )
        assert only["#PARTITIONS"] == "3"
    finally:
        member.close()
    idle = tools.against(broker, "kafka-consumer-groups", "--describe", "--group", name)
    assert "no active members" in idle.out + idle.err
    assert sum(int(row["CURRENT-OFFSET"]) for row in table(idle.out) if row["CURRENT-OFFSET"] != "-") == 10


def test_describing_a_group_that_isnt_there(broker, tools, name):
    outcome = tools.run("kafka-consumer-groups", "--bootstrap-server", broker.bootstrap, "--describe", "--group", name)
    assert f"Group {name} not found" in outcome.out + outcome.err


def test_get_offsets(broker, tools, topic):
    librdkafka.produce(broker, topic, [(b"same key", b"v", []) for _ in range(7)])

    def offsets(when):
        lines = tools.against(broker, "kafka-get-offsets", "--topic", topic, "--time", when).lines
        return [int(line.rsplit(":", 1)[1]) for line in lines if line.startswith(f"{topic}:")]

    assert offsets("earliest") == [0, 0, 0]
    assert sorted(offsets("latest")) == [0, 0, 7]


def test_broker_api_versions(broker, tools):
    out = tools.against(broker, "kafka-broker-api-versions").out
    assert f":{broker.port} (id: " in out
    for api in ("Produce(0)", "Fetch(1)", "Metadata(3)", "JoinGroup(11)", "ApiVersions(18)", "InitProducerId(22)"):
        assert re.search(rf"{re.escape(api)}: \d+( to \d+)? \[usable: \d+\]", out), f"{api} isn't usable:\n{out}"


def test_configs(broker, tools, name):
    librdkafka.create_topic(broker, name, config={"segment.bytes": "1048576"})

    def describe(*arguments):
        return tools.against(broker, "kafka-configs", "--describe", *arguments).out

    changed = describe("--entity-type", "topics", "--entity-name", name)
    assert "segment.bytes=1048576 sensitive=false synonyms={DYNAMIC_TOPIC_CONFIG:segment.bytes=1048576" in changed
    everything = describe("--entity-type", "topics", "--entity-name", name, "--all")
    assert re.search(r"\bcleanup\.policy=delete\b", everything)
    (number,) = {str(node) for node in librdkafka.admin(broker).list_topics(timeout=30).brokers}
    of_broker = describe("--entity-type", "brokers", "--entity-name", number, "--all")
    assert re.search(rf"\bnode\.id={number}\b", of_broker)
