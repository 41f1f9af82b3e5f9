//! Keys of replicas, leaders, new topics and their limits.

use super::keys;

keys! {
    "alter.config.policy.class.name": Class = Null, Any, Low, ReadOnly, Refused, "A policy in Java.";
    "alter.log.dirs.replication.quota.window.num": Int = Text("11"), AtLeast(1), Low, ReadOnly, WithoutEffect, "";
    "alter.log.dirs.replication.quota.window.size.seconds": Int = Text("1"), AtLeast(1), Low, ReadOnly, WithoutEffect, "";
    "auto.create.topics.enable": Boolean = Text("true"), Any, High, ReadOnly, AtRestart, "Whether asking for an unknown topic creates it.";
    "auto.leader.rebalance.enable": Boolean = Text("true"), Any, High, ReadOnly, AtRestart, "Whether leadership goes back to preferred replicas by itself.";
    "background.threads": Int = Text("10"), AtLeast(1), High, ClusterWide, WithoutEffect, "";
    "broker.rack": String = Null, Any, Medium, ReadOnly, AtRestart, "The rack that the broker stands in; replicas are spread over racks.";
    "controlled.shutdown.enable": Boolean = Text("true"), Any, Medium, ReadOnly, AtRestart, "Whether a broker hands its leaderships over before it stops.";
    "create.topic.policy.class.name": Class = Null, Any, Low, ReadOnly, Refused, "A policy in Java.";
    "default.replication.factor": Int = Text("1"), Any, Medium, ReadOnly, AtRestart, "The number of replicas of topics that do not say it themselves.";
    "delete.records.purgatory.purge.interval.requests": Int = Text("1"), Any, Medium, ReadOnly, WithoutEffect, "";
    "delete.topic.enable": Boolean = Text("true"), Any, High, ReadOnly, AtRestart, "Whether topics may be deleted.";
    "fetch.max.bytes": Int = Text("57671680"), AtLeast(1024), Medium, ReadOnly, AtRestart, "The largest answer to a fetch in bytes.";
    "fetch.purgatory.purge.interval.requests": Int = Text("1000"), Any, Medium, ReadOnly, WithoutEffect, "";
    internal "follower.replication.throttled.rate": Long = Text("9223372036854775807"), AtLeast(0), Medium, ClusterWide, WithoutEffect, "";
    "leader.imbalance.check.interval.seconds": Long = Text("300"), AtLeast(1), High, ReadOnly, AtRestart, "The seconds between two looks for leaders that are not the preferred ones.";
    internal "leader.replication.throttled.rate": Long = Text("9223372036854775807"), AtLeast(0), Medium, ClusterWide, WithoutEffect, "";
    "max.incremental.fetch.session.cache.slots": Int = Text("1000"), AtLeast(0), Medium, ReadOnly, AtRestart, "The largest number of fetch sessions that are kept.";
    "min.insync.replicas": Int = Text("1"), AtLeast(1), High, ClusterWide, Live, "The number of in-sync replicas below which a write with acks=all is refused.";
    "num.partitions": Int = Text("1"), AtLeast(1), Medium, ReadOnly, AtRestart, "The number of partitions of topics that do not say it themselves.";
    "num.replica.alter.log.dirs.threads": Int = Null, Any, High, ReadOnly, WithoutEffect, "";
    "num.replica.fetchers": Int = Text("1"), AtLeast(1), High, ClusterWide, WithoutEffect, "";
    internal "replica.alter.log.dirs.io.max.bytes.per.second": Long = Text("9223372036854775807"), AtLeast(0), Medium, ClusterWide, WithoutEffect, "";
    "replica.fetch.backoff.ms": Int = Text("1000"), AtLeast(0), Medium, ReadOnly, WithoutEffect, "";
    "replica.fetch.max.bytes": Int = Text("1048576"), AtLeast(0), Medium, ReadOnly, WithoutEffect, "";
    "replica.fetch.min.bytes": Int = Text("1"), Any, High, ReadOnly, WithoutEffect, "";
    "replica.fetch.response.max.bytes": Int = Text("10485760"), AtLeast(0), Medium, ReadOnly, WithoutEffect, "";
    "replica.fetch.wait.max.ms": Int = Text("500"), Any, High, ReadOnly, WithoutEffect, "";
    "replica.high.watermark.checkpoint.interval.ms": Long = Text("5000"), Any, High, ReadOnly, AtRestart, "The time in milliseconds between two writes of the high watermarks.";
    "replica.lag.time.max.ms": Long = Text("30000"), Any, High, ReadOnly, AtRestart, "The time in milliseconds that a follower may lag before it leaves the ISR.";
    "replica.selector.class": String = Null, Any, Medium, ReadOnly, WithoutEffect, "";
    "replica.socket.receive.buffer.bytes": Int = Text("65536"), Any, High, ReadOnly, WithoutEffect, "";
    "replica.socket.timeout.ms": Int = Text("30000"), Any, High, ReadOnly, WithoutEffect, "";
    "replication.quota.window.num": Int = Text("11"), AtLeast(1), Low, ReadOnly, WithoutEffect, "";
    "replication.quota.window.size.seconds": Int = Text("1"), AtLeast(1), Low, ReadOnly, WithoutEffect, "";
    "unclean.leader.election.enable": Boolean = Text("false"), Any, High, ClusterWide, Live, "Whether a replica outside of the ISR may lead when nobody else can, at the price of lost records.";
    internal "unclean.leader.election.interval.ms": Long = Text("300000"), AtLeast(1), Medium, ReadOnly, AtRestart, "The time in milliseconds between two looks for partitions that need an unclean election.";
}
