//! Keys of topics.

use super::keys;

keys! {
    "cleanup.policy": List = Text("delete"), ListOf(&["compact", "delete"]), Medium, ClusterWide, Live, "What happens to old segments: they are deleted, or compacted, or kept.";
    "compression.gzip.level": Int = Text("-1"), GzipLevel, Medium, ClusterWide, Live, "The level of gzip where compression.type is gzip; -1 for its default.";
    "compression.lz4.level": Int = Text("9"), Between(1, 17), Medium, ClusterWide, Live, "The level of LZ4 where compression.type is lz4.";
    "compression.type": String = Text("producer"), OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]), Medium, ClusterWide, Live, "The codec that batches are stored with; producer for that of the producer.";
    "compression.zstd.level": Int = Text("3"), Between(-131_072, 22), Medium, ClusterWide, Live, "The level of Zstandard where compression.type is zstd.";
    "delete.retention.ms": Long = Text("86400000"), AtLeast(0), Medium, ClusterWide, WithoutEffect, "";
    "file.delete.delay.ms": Long = Text("60000"), AtLeast(0), Medium, ClusterWide, Live, "The time in milliseconds between the removal of a segment from the log and from the disk.";
    "flush.messages": Long = Text("9223372036854775807"), AtLeast(1), Medium, ClusterWide, Live, "The number of messages after which the partition is synced to disk.";
    "flush.ms": Long = Text("9223372036854775807"), AtLeast(0), Medium, ClusterWide, Live, "The time in milliseconds after which a message is synced to disk.";
    "follower.replication.throttled.replicas": List = Text(""), ThrottledReplicas, Medium, ClusterWide, WithoutEffect, "";
    "index.interval.bytes": Int = Text("4096"), AtLeast(0), Medium, ClusterWide, Live, "The bytes of log between two entries of an index.";
    internal "internal.segment.bytes": Int = Null, Any, Medium, ClusterWide, Live, "The segment size in bytes, below the lowest legal value, for tests.";
    "leader.replication.throttled.replicas": List = Text(""), ThrottledReplicas, Medium, ClusterWide, WithoutEffect, "";
    "local.retention.bytes": Long = Text("-2"), AtLeast(-2), Medium, ClusterWide, WithoutEffect, "";
    "local.retention.ms": Long = Text("-2"), AtLeast(-2), Medium, ClusterWide, WithoutEffect, "";
    "max.compaction.lag.ms": Long = Text("9223372036854775807"), AtLeast(1), Medium, ClusterWide, WithoutEffect, "";
    "max.message.bytes": Int = Text("1048588"), AtLeast(0), Medium, ClusterWide, Live, "The largest size of a record batch in bytes.";
    "message.timestamp.after.max.ms": Long = Text("3600000"), AtLeast(0), Medium, ClusterWide, Live, "How far, in milliseconds, a message may be dated after the time of the broker.";
    "message.timestamp.before.max.ms": Long = Text("9223372036854775807"), AtLeast(0), Medium, ClusterWide, Live, "How far, in milliseconds, a message may be dated before the time of the broker.";
    "message.timestamp.type": String = Text("CreateTime"), OneOf(&["CreateTime", "LogAppendTime"]), Medium, ClusterWide, Live, "Whether messages keep their time of creation or get that of their append.";
    "min.cleanable.dirty.ratio": Double = Text("0.5"), BetweenFractions(0.0, 1.0), Medium, ClusterWide, WithoutEffect, "";
    "min.compaction.lag.ms": Long = Text("0"), AtLeast(0), Medium, ClusterWide, WithoutEffect, "";
    "min.insync.replicas": Int = Text("1"), AtLeast(1), Medium, ClusterWide, Live, "The number of in-sync replicas below which a write with acks=all is refused.";
    "preallocate": Boolean = Text("false"), Any, Medium, ClusterWide, WithoutEffect, "";
    "remote.log.copy.disable": Boolean = Text("false"), Any, Medium, ClusterWide, WithoutEffect, "";
    "remote.log.delete.on.disable": Boolean = Text("false"), Any, Medium, ClusterWide, WithoutEffect, "";
    "remote.storage.enable": Boolean = Text("false"), Any, Medium, ClusterWide, Refused, "Tiered storage, which is not there yet.";
    "retention.bytes": Long = Text("-1"), Any, Medium, ClusterWide, Live, "The size in bytes above which a partition loses its oldest segments; -1 for none.";
    "retention.ms": Long = Text("604800000"), AtLeast(-1), Medium, ClusterWide, Live, "The age in milliseconds at which segments are deleted; -1 for never.";
    "segment.bytes": Int = Text("1073741824"), AtLeast(1_048_576), Medium, ClusterWide, Live, "The size in bytes at which a new segment is begun.";
    "segment.index.bytes": Int = Text("10485760"), AtLeast(4), Medium, ClusterWide, Live, "The largest size of an index file in bytes.";
    "segment.jitter.ms": Long = Text("0"), AtLeast(0), Medium, ClusterWide, WithoutEffect, "";
    "segment.ms": Long = Text("604800000"), AtLeast(1), Medium, ClusterWide, Live, "The age in milliseconds at which a new segment is begun.";
    "unclean.leader.election.enable": Boolean = Text("false"), Any, Medium, ClusterWide, Live, "Whether a replica outside of the ISR may lead when nobody else can, at the price of lost records.";
}
