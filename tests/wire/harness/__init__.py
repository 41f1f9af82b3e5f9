"""What the tests stand on: brokers as processes, Kafka's tools, raw requests, numbered records."""
