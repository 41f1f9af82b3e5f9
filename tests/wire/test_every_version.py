"""Every API in every version that the broker advertises gets an answer that an independent decoder reads to its end.

Requests and answers are kafka-python's, whose codec shares nothing with ours but Kafka's definitions.
"""

import io
import uuid

import pytest
from kafka.protocol.admin import (
    AlterConfigsRequest, CreatePartitionsRequest, CreateTopicsRequest, DeleteGroupsRequest, DeleteTopicsRequest,
    DescribeClusterRequest, DescribeConfigsRequest, DescribeGroupsRequest, DescribeLogDirsRequest,
    DescribeTopicPartitionsRequest, IncrementalAlterConfigsRequest, ListGroupsRequest,
)
from kafka.protocol.api_header import ResponseClassRegistry
from kafka.protocol.consumer import (
    FetchRequest, HeartbeatRequest, JoinGroupRequest, LeaveGroupRequest, ListOffsetsRequest, OffsetCommitRequest,
    OffsetFetchRequest, SyncGroupRequest,
)
from kafka.protocol.metadata import ApiVersionsRequest, FindCoordinatorRequest, MetadataRequest
from kafka.protocol.producer import InitProducerIdRequest, ProduceRequest

from harness import librdkafka, requests
from harness.batches import plain_batch
from harness.requests import Code
from harness.waiting import until

TOPIC, GROUP = "every-version", "every-version-group"
NO_ID = uuid.UUID(int=0)


class Scene:
    """What requests speak of: a topic with a record and its id, and a group without members."""

    def __init__(self, broker):
        librdkafka.create_topic(broker, TOPIC)
        with broker.connect() as connection:
            assert requests.produce(connection, TOPIC, plain_batch(3)).error == Code.NONE
            until("the group has a coordinator", lambda: requests.find_coordinator(connection, GROUP) == Code.NONE)
            until("it has loaded", lambda: requests.commit_offset(connection, GROUP, -1, "", TOPIC, 1) == Code.NONE)
            until("producer ids are given", lambda: requests.init_producer_id(connection, None).error == Code.NONE)
            answer = ask(connection, MetadataRequest, 12, {"topics": [{"name": TOPIC, "topic_id": NO_ID}]})
        self.topic_id = answer.topics[0].topic_id


@pytest.fixture(scope="module")
def scene(broker):
    return Scene(broker)


def build(container, values):
    """A message from plain dictionaries; fields that a version lacks are left out when it is encoded."""
    arguments = {}
    for name, value in values.items():
        if isinstance(value, list) and value and isinstance(value[0], dict):
            inner = container.fields[name].data_class
            value = [build(inner, item) for item in value]
        arguments[name] = value
    return container(**arguments)


def ask(connection, request_class, version, values):
    """Sends a request of one version and returns its answer, decoded to the last byte."""
    request = build(request_class, values)
    request.API_VERSION = version
    request.with_header(correlation_id=9, client_id="every-version")
    connection.send_frame(bytes(request.encode(header=True)))
    frame = connection.receive_frame()
    response_class = ResponseClassRegistry.get_response_class(request.header)
    body = io.BytesIO(frame)
    assert response_class.parse_header(body, version=version).correlation_id == 9
    flexible = response_class.flexible_version_q(version)
    decode = response_class._struct.compiled_decode_from(  # the public decode() doesn't say where it ended
        version, compact=flexible, tagged=flexible, data_class=response_class[None]
    )
    answer, end = decode(memoryview(frame), body.tell())
    assert end == len(frame), f"{len(frame) - end} bytes behind the answer"
    return answer


def error_codes(value):
    """All error codes in an answer, at any depth."""
    if isinstance(value, dict):
        for name, inner in value.items():
            if name == "error_code":
                yield inner
            else:
                yield from error_codes(inner)
    elif isinstance(value, list):
        for inner in value:
            yield from error_codes(inner)



def new_name():
    return f"v-{uuid.uuid4().hex}"


def fresh_group(version):
    return f"join-{version}-{uuid.uuid4().hex[:6]}"


# By request: what to fill in, and the errors that are an answer too.
CASES = {}


def case(request_class, *allowed):
    def remember(fill):
        CASES[request_class] = (fill, {Code.NONE, *allowed})
        return fill
    return remember


@case(ProduceRequest)
def produce(scene, _version):
    record = {"index": 0, "records": plain_batch(1)}
    return {"acks": -1, "timeout_ms": 10_000, "topic_data": [
        {"name": TOPIC, "topic_id": scene.topic_id, "partition_data": [record]}]}


@case(FetchRequest)
def fetch(scene, _version):
    one = {"partition": 0, "fetch_offset": 0, "partition_max_bytes": 100_000, "current_leader_epoch": -1,
           "last_fetched_epoch": -1, "log_start_offset": -1}
    return {"replica_id": -1, "max_wait_ms": 0, "min_bytes": 0, "max_bytes": 100_000, "session_id": 0,
            "session_epoch": -1, "topics": [{"topic": TOPIC, "topic_id": scene.topic_id, "partitions": [one]}]}


@case(ListOffsetsRequest)
def list_offsets(_scene, _version):
    wish = {"partition_index": 0, "timestamp": -1, "current_leader_epoch": -1}
    return {"replica_id": -1, "topics": [{"name": TOPIC, "partitions": [wish]}]}


@case(MetadataRequest)
def metadata(_scene, _version):
    return {"topics": [{"name": TOPIC, "topic_id": NO_ID}], "allow_auto_topic_creation": False}


@case(OffsetCommitRequest)
def offset_commit(scene, _version):
    offset = {"partition_index": 0, "committed_offset": 2, "committed_metadata": "m", "committed_leader_epoch": -1}
    return {"group_id": GROUP, "generation_id_or_member_epoch": -1, "member_id": "", "topics": [
        {"name": TOPIC, "topic_id": scene.topic_id, "partitions": [offset]}]}


@case(OffsetFetchRequest)
def offset_fetch(scene, _version):
    by_name = {"name": TOPIC, "partition_indexes": [0]}
    return {"group_id": GROUP, "topics": [by_name], "groups": [
        {"group_id": GROUP, "member_epoch": -1, "topics": [{**by_name, "topic_id": scene.topic_id}]}]}


@case(FindCoordinatorRequest)
def find_coordinator(_scene, _version):
    return {"key": GROUP, "key_type": 0, "coordinator_keys": [GROUP]}


@case(JoinGroupRequest, Code.MEMBER_ID_REQUIRED)
def join_group(_scene, version):
    return {"group_id": fresh_group(version), "session_timeout_ms": 10_000, "rebalance_timeout_ms": 10_000,
            "member_id": "", "protocol_type": "consumer",
            "protocols": [{"name": "range", "metadata": requests.subscription(TOPIC)}]}


@case(SyncGroupRequest, Code.UNKNOWN_MEMBER_ID)
def sync_group(_scene, _version):
    return {"group_id": GROUP, "generation_id": 1, "member_id": "nobody", "protocol_type": "consumer",
            "protocol_name": "range", "assignments": []}


@case(HeartbeatRequest, Code.UNKNOWN_MEMBER_ID)
def heartbeat(_scene, _version):
    return {"group_id": GROUP, "generation_id": 1, "member_id": "nobody"}


@case(LeaveGroupRequest, Code.UNKNOWN_MEMBER_ID)
def leave_group(_scene, _version):
    return {"group_id": GROUP, "member_id": "nobody", "members": [{"member_id": "nobody", "group_instance_id": None}]}


@case(DescribeGroupsRequest)
def describe_groups(_scene, _version):
    return {"groups": [GROUP]}


@case(ListGroupsRequest)
def list_groups(_scene, _version):
    return {"states_filter": [], "types_filter": []}


@case(DeleteGroupsRequest, 69)
def delete_groups(_scene, _version):
    return {"groups_names": ["a-group-that-isnt-there"]}


@case(ApiVersionsRequest)
def api_versions(_scene, _version):
    return {"client_software_name": "every-version", "client_software_version": "1"}


@case(CreateTopicsRequest)
def create_topics(_scene, _version):
    return {"timeout_ms": 10_000, "topics": [
        {"name": new_name(), "num_partitions": 1, "replication_factor": 1, "assignments": [],
         "configs": [{"name": "retention.ms", "value": "3600000"}]}]}


@case(DeleteTopicsRequest, Code.UNKNOWN_TOPIC_OR_PARTITION)
def delete_topics(_scene, _version):
    gone = new_name()
    return {"timeout_ms": 10_000, "topic_names": [gone], "topics": [{"name": gone, "topic_id": NO_ID}]}


@case(InitProducerIdRequest)
def init_producer_id(_scene, _version):
    return {"transactional_id": None, "transaction_timeout_ms": 60_000, "producer_id": -1, "producer_epoch": -1}


@case(DescribeConfigsRequest)
def describe_configs(_scene, _version):
    return {"resources": [{"resource_type": 2, "resource_name": TOPIC, "configuration_keys": None}],
            "include_synonyms": True, "include_documentation": True}


@case(AlterConfigsRequest)
def alter_configs(_scene, _version):
    return {"validate_only": False, "resources": [
        {"resource_type": 2, "resource_name": TOPIC, "configs": [{"name": "retention.ms", "value": "3600000"}]}]}


@case(IncrementalAlterConfigsRequest)
def incremental_alter_configs(_scene, _version):
    change = {"name": "retention.ms", "config_operation": 0, "value": "7200000"}
    return {"validate_only": False, "resources": [{"resource_type": 2, "resource_name": TOPIC, "configs": [change]}]}


@case(CreatePartitionsRequest)
def create_partitions(_scene, _version):
    return {"timeout_ms": 10_000, "validate_only": True, "topics": [{"name": TOPIC, "count": 3, "assignments": None}]}


@case(DescribeLogDirsRequest)
def describe_log_dirs(_scene, _version):
    return {"topics": [{"topic": TOPIC, "partitions": [0]}]}


@case(DescribeClusterRequest)
def describe_cluster(_scene, _version):
    return {"endpoint_type": 1}


@case(DescribeTopicPartitionsRequest)
def describe_topic_partitions(_scene, _version):
    return {"topics": [{"name": TOPIC}], "response_partition_limit": 100}


@pytest.mark.parametrize("request_class", CASES, ids=lambda chosen: chosen.__name__.removesuffix("Request"))
def test_each_version_is_answered(broker, scene, request_class):
    fill, allowed = CASES[request_class]
    with broker.connect() as connection:
        low, high = requests.api_versions(connection)[request_class.API_KEY]
        # Produce below 3 is advertised and refused, for the sake of librdkafka.
        low = max(low, 3) if request_class is ProduceRequest else low
        for version in range(low, min(high, request_class.max_version) + 1):
            answer = ask(connection, request_class, version, fill(scene, version))
            found = set(error_codes(answer.to_dict()))
            assert found <= allowed, f"version {version}: {answer}"


@pytest.mark.taffrail
def test_no_advertised_api_is_left_out(broker):
    with broker.connect() as connection:
        advertised = requests.api_versions(connection)
    for request_class in CASES:
        assert advertised[request_class.API_KEY][1] <= request_class.max_version, request_class.__name__
    assert set(advertised) == {request_class.API_KEY for request_class in CASES}
