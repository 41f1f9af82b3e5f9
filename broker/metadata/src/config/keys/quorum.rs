//! Keys of roles, the quorum, the controller and the metadata log.

use super::keys;

keys! {
    "broker.heartbeat.interval.ms": Int = Text("2000"), Any, Medium, ReadOnly, AtRestart, "The time in milliseconds between two heartbeats of a broker.";
    "broker.id": Int = Text("-1"), Any, High, ReadOnly, AtRestart, "The older name of node.id.";
    "broker.session.timeout.ms": Int = Text("9000"), Any, Medium, ReadOnly, AtRestart, "The silence in milliseconds after which a broker is fenced.";
    "controller.listener.names": List = Required, NonEmptyDistinct, High, ReadOnly, AtRestart, "The listeners of the controller; the first is what this node connects to.";
    internal "controller.performance.always.log.threshold.ms": Long = Text("2000"), AtLeast(0), Medium, ReadOnly, WithoutEffect, "";
    internal "controller.performance.sample.period.ms": Long = Text("60000"), AtLeast(100), Medium, ReadOnly, WithoutEffect, "";
    "controller.quorum.append.linger.ms": Int = Text("25"), AtLeast(0), Medium, ReadOnly, AtRestart, "The time in milliseconds that the controller gathers records before it writes them.";
    "controller.quorum.auto.join.enable": Boolean = Text("false"), Any, Low, ReadOnly, WithoutEffect, "";
    "controller.quorum.bootstrap.servers": List = Text(""), Any, High, ReadOnly, AtRestart, "Where the controllers are found at first.";
    "controller.quorum.election.backoff.max.ms": Int = Text("1000"), AtLeast(0), High, ReadOnly, AtRestart, "The longest time in milliseconds before a new try after a lost election.";
    "controller.quorum.election.timeout.ms": Int = Text("1000"), AtLeast(0), High, ReadOnly, AtRestart, "The time in milliseconds that an election may take.";
    "controller.quorum.fetch.max.bytes": Int = Text("1048576"), AtLeast(1), Low, ReadOnly, WithoutEffect, "";
    "controller.quorum.fetch.snapshot.max.bytes": Int = Text("1048576"), AtLeast(1), Low, ReadOnly, WithoutEffect, "";
    "controller.quorum.fetch.timeout.ms": Int = Text("2000"), AtLeast(0), High, ReadOnly, AtRestart, "The silence of the leader in milliseconds after which a voter stands for election.";
    "controller.quorum.request.timeout.ms": Int = Text("2000"), AtLeast(0), Medium, ReadOnly, AtRestart, "The time in milliseconds that a request to another controller may take.";
    "controller.quorum.retry.backoff.ms": Int = Text("20"), AtLeast(0), Low, ReadOnly, AtRestart, "The time in milliseconds before a request to another controller is tried again.";
    "controller.quorum.voters": List = Text(""), Any, High, ReadOnly, AtRestart, "The controllers as id@host:port, for a quorum whose voters are fixed.";
    "controller.quota.window.num": Int = Text("11"), AtLeast(1), Low, ReadOnly, WithoutEffect, "";
    "controller.quota.window.size.seconds": Int = Text("1"), AtLeast(1), Low, ReadOnly, WithoutEffect, "";
    "controller.socket.timeout.ms": Int = Text("30000"), Any, Medium, ReadOnly, WithoutEffect, "";
    "initial.broker.registration.timeout.ms": Int = Text("60000"), Any, Medium, ReadOnly, AtRestart, "The time in milliseconds that a starting broker tries to register.";
    internal "internal.metadata.delete.delay.millis": Long = Text("60000"), Any, Low, ReadOnly, WithoutEffect, "";
    internal "internal.metadata.log.segment.bytes": Int = Null, Any, Low, ReadOnly, AtRestart, "The segment size of the metadata log, below the lowest legal value, for tests.";
    internal "internal.metadata.max.batch.size.in.bytes": Int = Text("8388608"), Any, Low, ReadOnly, WithoutEffect, "";
    "metadata.log.dir": String = Null, Any, High, ReadOnly, AtRestart, "The directory of the metadata log, when it is not the first of log.dirs.";
    "metadata.log.max.record.bytes.between.snapshots": Long = Text("20971520"), AtLeast(1), High, ReadOnly, AtRestart, "The bytes of records after which a snapshot is written.";
    "metadata.log.max.snapshot.interval.ms": Long = Text("3600000"), AtLeast(0), High, ReadOnly, AtRestart, "The time in milliseconds after which a snapshot is written.";
    "metadata.log.segment.bytes": Int = Text("1073741824"), AtLeast(8_388_608), High, ReadOnly, AtRestart, "The size in bytes at which the metadata log begins a new segment.";
    "metadata.log.segment.ms": Long = Text("604800000"), Any, High, ReadOnly, AtRestart, "The age in milliseconds at which the metadata log begins a new segment.";
    "metadata.max.idle.interval.ms": Int = Text("500"), AtLeast(0), Low, ReadOnly, AtRestart, "The silence in milliseconds after which the controller writes a record without meaning, so that the others see how far it is; 0 for never.";
    "metadata.max.retention.bytes": Long = Text("104857600"), Any, High, ReadOnly, AtRestart, "The size in bytes of the metadata log above which old segments and snapshots go.";
    "metadata.max.retention.ms": Long = Text("604800000"), Any, High, ReadOnly, AtRestart, "The age in milliseconds at which old segments and snapshots of the metadata log go.";
    "node.id": Int = Required, AtLeast(0), High, ReadOnly, AtRestart, "The number of this node in the cluster.";
    "process.roles": List = Required, NonEmptyListOf(&["broker", "controller"]), High, ReadOnly, AtRestart, "What this node is: broker, controller, or both.";
    internal "server.max.startup.time.ms": Long = Text("9223372036854775807"), AtLeast(0), Medium, ReadOnly, WithoutEffect, "";
    internal "unstable.api.versions.enable": Boolean = Text("false"), Any, High, ReadOnly, WithoutEffect, "";
    internal "unstable.feature.versions.enable": Boolean = Text("false"), Any, High, ReadOnly, WithoutEffect, "";
}
