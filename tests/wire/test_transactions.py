"""Transactions aren't there yet: a transactional producer learns so at once, and for good."""

import pytest
from confluent_kafka import KafkaException, Producer

from harness import requests
from harness.requests import Code

pytestmark = pytest.mark.taffrail


def test_librdkafka_gets_a_fatal_error_that_says_so(broker, name):
    producer = Producer({"bootstrap.servers": broker.bootstrap, "transactional.id": name})
    with pytest.raises(KafkaException) as refused:
        producer.init_transactions(30)
    error = refused.value.args[0]
    assert error.fatal() and not error.retriable(), error
    assert "transaction" in error.str().lower(), error


def test_the_answer_on_the_wire(broker, name):
    with broker.connect() as connection:
        answer = requests.init_producer_id(connection, name)
        assert answer.error != Code.NONE and answer.producer_id == -1


def test_transactional_apis_arent_advertised(broker):
    with broker.connect() as connection:
        advertised = requests.api_versions(connection)
    add_partitions, add_offsets, end, write_markers, txn_offset_commit = range(24, 29)
    assert not {add_partitions, add_offsets, end, write_markers, txn_offset_commit} & set(advertised)


def test_an_idempotent_producer_is_served(broker):
    with broker.connect() as connection:
        one = requests.init_producer_id(connection, None)
        two = requests.init_producer_id(connection, None)
    assert (one.error, two.error) == (Code.NONE, Code.NONE)
    assert one.producer_id != two.producer_id and one.epoch == two.epoch == 0
