//! Keys of tiered storage.

use super::keys;

keys! {
    "follower.fetch.last.tiered.offset.enable": Boolean = Text("false"), Any, Medium, ClusterWide, WithoutEffect, "";
    "remote.fetch.max.wait.ms": Int = Text("500"), AtLeast(1), Medium, ClusterWide, WithoutEffect, "";
    "remote.list.offsets.request.timeout.ms": Long = Text("30000"), AtLeast(1), Medium, ClusterWide, WithoutEffect, "";
    "remote.log.index.file.cache.total.size.bytes": Long = Text("1073741824"), AtLeast(1), Low, ClusterWide, WithoutEffect, "";
    internal "remote.log.index.file.cache.ttl.ms": Long = Text("900000"), AtLeast(-1), Low, ReadOnly, WithoutEffect, "";
    "remote.log.manager.copier.thread.pool.size": Int = Text("10"), AtLeast(1), Medium, ClusterWide, WithoutEffect, "";
    "remote.log.manager.copy.max.bytes.per.second": Long = Text("9223372036854775807"), AtLeast(1), Medium, ClusterWide, WithoutEffect, "";
    "remote.log.manager.copy.quota.window.num": Int = Text("11"), AtLeast(1), Medium, ReadOnly, WithoutEffect, "";
    "remote.log.manager.copy.quota.window.size.seconds": Int = Text("1"), AtLeast(1), Medium, ReadOnly, WithoutEffect, "";
    "remote.log.manager.expiration.thread.pool.size": Int = Text("10"), AtLeast(1), Medium, ClusterWide, WithoutEffect, "";
    "remote.log.manager.fetch.max.bytes.per.second": Long = Text("9223372036854775807"), AtLeast(1), Medium, ClusterWide, WithoutEffect, "";
    "remote.log.manager.fetch.quota.window.num": Int = Text("11"), AtLeast(1), Medium, ReadOnly, WithoutEffect, "";
    "remote.log.manager.fetch.quota.window.size.seconds": Int = Text("1"), AtLeast(1), Medium, ReadOnly, WithoutEffect, "";
    "remote.log.manager.follower.thread.pool.size": Int = Text("2"), AtLeast(1), Medium, ClusterWide, WithoutEffect, "";
    "remote.log.manager.task.interval.ms": Long = Text("30000"), AtLeast(1), Low, ReadOnly, WithoutEffect, "";
    internal "remote.log.manager.task.retry.backoff.max.ms": Long = Text("30000"), AtLeast(1), Low, ReadOnly, WithoutEffect, "";
    internal "remote.log.manager.task.retry.backoff.ms": Long = Text("500"), AtLeast(1), Low, ReadOnly, WithoutEffect, "";
    internal "remote.log.manager.task.retry.jitter": Double = Text("0.2"), BetweenFractions(0.0, 0.5), Low, ReadOnly, WithoutEffect, "";
    "remote.log.manager.thread.pool.size": Int = Text("2"), AtLeast(1), Medium, ReadOnly, WithoutEffect, "";
    "remote.log.metadata.custom.metadata.max.bytes": Int = Text("128"), AtLeast(0), Low, ReadOnly, WithoutEffect, "";
    "remote.log.metadata.manager.class.name": String = Text("org.apache.kafka.server.log.remote.metadata.storage.TopicBasedRemoteLogMetadataManager"), NonEmpty, Medium, ReadOnly, WithoutEffect, "";
    "remote.log.metadata.manager.class.path": String = Null, Any, Medium, ReadOnly, WithoutEffect, "";
    "remote.log.metadata.manager.impl.prefix": String = Text("rlmm.config."), NonEmpty, Medium, ReadOnly, WithoutEffect, "";
    "remote.log.metadata.manager.listener.name": String = Null, NonEmpty, Medium, ReadOnly, WithoutEffect, "";
    "remote.log.reader.max.pending.tasks": Int = Text("100"), AtLeast(1), Medium, ReadOnly, WithoutEffect, "";
    "remote.log.reader.threads": Int = Text("10"), AtLeast(1), Medium, ClusterWide, WithoutEffect, "";
    "remote.log.storage.manager.class.name": String = Null, NonEmpty, Medium, ReadOnly, WithoutEffect, "";
    "remote.log.storage.manager.class.path": String = Null, Any, Medium, ReadOnly, WithoutEffect, "";
    "remote.log.storage.manager.impl.prefix": String = Text("rsm.config."), NonEmpty, Medium, ReadOnly, WithoutEffect, "";
    "remote.log.storage.system.enable": Boolean = Text("false"), Any, Medium, ReadOnly, Refused, "Tiered storage, which is not there yet.";
}
