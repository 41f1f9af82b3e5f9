//! Keys of listeners, connections and requests.

use super::keys;

keys! {
    "advertised.listeners": List = Null, NonEmptyDistinct, High, ReadOnly, AtRestart, "The addresses that clients are told, one a listener.";
    "connection.failed.authentication.delay.ms": Int = Text("100"), AtLeast(0), Low, ReadOnly, WithoutEffect, "";
    "connections.max.idle.ms": Long = Text("600000"), Any, Medium, ReadOnly, AtRestart, "The silence in milliseconds after which a connection is closed.";
    "connections.max.reauth.ms": Long = Text("0"), Any, Medium, ReadOnly, WithoutEffect, "";
    "early.start.listeners": List = Null, Distinct, High, ReadOnly, WithoutEffect, "";
    "inter.broker.listener.name": String = Null, Any, Medium, ReadOnly, AtRestart, "The listener that brokers use among themselves.";
    "listener.security.protocol.map": String = Text("SASL_SSL:SASL_SSL,PLAINTEXT:PLAINTEXT,SSL:SSL,SASL_PLAINTEXT:SASL_PLAINTEXT"), Any, Low, PerBroker, AtRestart, "How each listener is secured.";
    "listeners": List = Text("PLAINTEXT://:9092"), NonEmptyDistinct, High, PerBroker, AtRestart, "The addresses that are listened on, one a listener.";
    "max.connection.creation.rate": Int = Text("2147483647"), AtLeast(0), Medium, ClusterWide, WithoutEffect, "";
    "max.connections": Int = Text("2147483647"), AtLeast(0), Medium, ClusterWide, AtRestart, "The largest number of connections.";
    "max.connections.per.ip": Int = Text("2147483647"), AtLeast(0), Medium, ClusterWide, AtRestart, "The largest number of connections from one address.";
    "max.connections.per.ip.overrides": String = Text(""), Any, Medium, ClusterWide, Refused, "A number of connections per address, for some addresses.";
    "max.request.partition.size.limit": Int = Text("2000"), AtLeast(1), Medium, ReadOnly, AtRestart, "The largest number of partitions in one answer of DescribeTopicPartitions.";
    "num.io.threads": Int = Text("8"), AtLeast(1), High, ClusterWide, AtRestart, "The number of threads that handle requests.";
    "num.network.threads": Int = Text("3"), AtLeast(1), High, ClusterWide, AtRestart, "The number of threads that serve connections.";
    "queued.max.request.bytes": Long = Text("-1"), Any, Medium, ReadOnly, AtRestart, "The bytes of requests that may be under way; -1 for a limit of its own.";
    "queued.max.requests": Int = Text("500"), AtLeast(1), High, ReadOnly, WithoutEffect, "";
    "request.timeout.ms": Int = Text("30000"), Any, High, ReadOnly, AtRestart, "The time in milliseconds that a request to another node may take.";
    "socket.connection.setup.timeout.max.ms": Long = Text("30000"), Any, Medium, ReadOnly, WithoutEffect, "";
    "socket.connection.setup.timeout.ms": Long = Text("10000"), Any, Medium, ReadOnly, AtRestart, "The time in milliseconds that a connection to another node may take to be set up.";
    "socket.listen.backlog.size": Int = Text("50"), AtLeast(1), Medium, ReadOnly, AtRestart, "The number of connections that may wait to be accepted.";
    "socket.receive.buffer.bytes": Int = Text("102400"), Any, High, ReadOnly, AtRestart, "The receive buffer of a socket in bytes; -1 for the choice of the system.";
    "socket.request.max.bytes": Int = Text("104857600"), AtLeast(1), High, ReadOnly, AtRestart, "The largest request in bytes.";
    "socket.send.buffer.bytes": Int = Text("102400"), Any, High, ReadOnly, AtRestart, "The send buffer of a socket in bytes; -1 for the choice of the system.";
    "telemetry.max.bytes": Int = Text("1048576"), AtLeast(1), Low, ReadOnly, WithoutEffect, "";
}
