"""What scenarios are written with. The fixtures are in `../conftest.py`; a scenario asks for them by name.

    def test_a_topic_is_made(namespace, kafka_client):
        namespace.apply(manifest)
        namespace.wait_condition("kafkacluster", "orders", "Ready", timeout=120)
        address = namespace.get("kafkacluster", "orders")["status"]["listeners"]...
        kafka_client(address).produce("hello", ["one", "two"])

* `cluster` (session): nodes, power, cables, the API server: `cluster.base.Cluster`.
* `kubernetes` (session): kubectl, Helm and the API, for what is in no namespace: `kubernetes.Kubernetes`.
* `namespace`: one of the test's own, under the restricted Pod Security profile: `namespace.Namespace`. `make_namespace`
  makes more of them. They are deleted after the test, and the session ends only when all are gone.
* `kafka_client(bootstrap, **config)`: librdkafka, outside the cluster: `kafka.KafkaClient`.
* `operator_log` (session): every line of every operator's pods, also of those gone: `operator_log.OperatorLog`.
  After each test the lines since its beginning are searched for errors and panics. A test that provokes some says so:
  `@pytest.mark.operator_may_log("connection refused")`.

The test process itself lives outside the cluster: it reaches nodes' addresses, and neither pods nor Services.
"""

from cluster.waiting import TimedOut, eventually

__all__ = ["TimedOut", "eventually"]
