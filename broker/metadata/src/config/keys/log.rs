//! Keys of logs and their directories.

use super::keys;

keys! {
    "compression.gzip.level": Int = Text("-1"), GzipLevel, Medium, ClusterWide, Live, "The level of gzip for topics that are stored with it; -1 for its default.";
    "compression.lz4.level": Int = Text("9"), Between(1, 17), Medium, ClusterWide, Live, "The level of LZ4 for topics that are stored with it.";
    "compression.type": String = Text("producer"), OneOf(&["uncompressed", "zstd", "lz4", "snappy", "gzip", "producer"]), High, ClusterWide, Live, "The codec that batches are stored with; producer for that of the producer.";
    "compression.zstd.level": Int = Text("3"), Between(-131_072, 22), Medium, ClusterWide, Live, "The level of Zstandard for topics that are stored with it.";
    "cordoned.log.dirs": List = Text(""), Distinct, Medium, PerBroker, Refused, "Log directories that take no new replicas.";
    "log.cleaner.backoff.ms": Long = Text("15000"), AtLeast(0), Medium, ClusterWide, WithoutEffect, "";
    "log.cleaner.dedupe.buffer.size": Long = Text("134217728"), Any, Medium, ClusterWide, WithoutEffect, "";
    "log.cleaner.delete.retention.ms": Long = Text("86400000"), AtLeast(0), Medium, ClusterWide, WithoutEffect, "";
    "log.cleaner.enable": Boolean = Text("true"), Any, Medium, ReadOnly, WithoutEffect, "";
    "log.cleaner.io.buffer.load.factor": Double = Text("0.9"), Any, Medium, ClusterWide, WithoutEffect, "";
    "log.cleaner.io.buffer.size": Int = Text("524288"), AtLeast(0), Medium, ClusterWide, WithoutEffect, "";
    "log.cleaner.io.max.bytes.per.second": Double = Text("1.7976931348623157E308"), Any, Medium, ClusterWide, WithoutEffect, "";
    "log.cleaner.max.compaction.lag.ms": Long = Text("9223372036854775807"), AtLeast(1), Medium, ClusterWide, WithoutEffect, "";
    "log.cleaner.min.cleanable.ratio": Double = Text("0.5"), BetweenFractions(0.0, 1.0), Medium, ClusterWide, WithoutEffect, "";
    "log.cleaner.min.compaction.lag.ms": Long = Text("0"), AtLeast(0), Medium, ClusterWide, WithoutEffect, "";
    "log.cleaner.threads": Int = Text("1"), AtLeast(0), Medium, ClusterWide, WithoutEffect, "";
    "log.cleanup.policy": List = Text("delete"), ListOf(&["compact", "delete"]), Medium, ClusterWide, Live, "What happens to old segments of topics that don't say it themselves.";
    "log.dir": List = Text("/tmp/kafka-logs"), NonEmptyDistinct, High, ReadOnly, AtRestart, "The directory of the logs, when log.dirs is not set.";
    "log.dir.failure.timeout.ms": Long = Text("30000"), AtLeast(1), Low, ReadOnly, WithoutEffect, "";
    "log.dirs": List = Null, NonEmptyDistinct, High, ReadOnly, AtRestart, "The directories of the logs.";
    "log.flush.interval.messages": Long = Text("9223372036854775807"), AtLeast(1), High, ClusterWide, Live, "The number of messages after which a partition is synced to disk.";
    "log.flush.interval.ms": Long = Null, Any, High, ClusterWide, Live, "The time in milliseconds after which a message is synced to disk.";
    "log.flush.offset.checkpoint.interval.ms": Int = Text("60000"), AtLeast(0), High, ReadOnly, AtRestart, "The time in milliseconds between two writes of the recovery points.";
    "log.flush.scheduler.interval.ms": Long = Text("9223372036854775807"), Any, High, ReadOnly, AtRestart, "The time in milliseconds between two looks for logs to sync.";
    "log.flush.start.offset.checkpoint.interval.ms": Int = Text("60000"), AtLeast(0), High, ReadOnly, AtRestart, "The time in milliseconds between two writes of the log start offsets.";
    "log.index.interval.bytes": Int = Text("4096"), AtLeast(0), Medium, ClusterWide, Live, "The bytes of log between two entries of an index.";
    "log.index.size.max.bytes": Int = Text("10485760"), AtLeast(4), Medium, ClusterWide, Live, "The largest size of an index file in bytes.";
    internal "log.initial.task.delay.ms": Long = Text("30000"), AtLeast(0), Low, ReadOnly, WithoutEffect, "";
    "log.local.retention.bytes": Long = Text("-2"), AtLeast(-2), Medium, ClusterWide, WithoutEffect, "";
    "log.local.retention.ms": Long = Text("-2"), AtLeast(-2), Medium, ClusterWide, WithoutEffect, "";
    "log.message.timestamp.after.max.ms": Long = Text("3600000"), AtLeast(0), Medium, ClusterWide, Live, "How far, in milliseconds, a message may be dated after the time of the broker.";
    "log.message.timestamp.before.max.ms": Long = Text("9223372036854775807"), AtLeast(0), Medium, ClusterWide, Live, "How far, in milliseconds, a message may be dated before the time of the broker.";
    "log.message.timestamp.type": String = Text("CreateTime"), OneOf(&["CreateTime", "LogAppendTime"]), Medium, ClusterWide, Live, "Whether messages keep their time of creation or get that of their append.";
    "log.preallocate": Boolean = Text("false"), Any, Medium, ClusterWide, WithoutEffect, "";
    "log.retention.bytes": Long = Text("-1"), Any, High, ClusterWide, Live, "The size in bytes above which a partition loses its oldest segments; -1 for none.";
    "log.retention.check.interval.ms": Long = Text("300000"), AtLeast(1), Medium, ReadOnly, AtRestart, "The time in milliseconds between two looks for segments to delete.";
    "log.retention.hours": Int = Text("168"), Any, High, ReadOnly, AtRestart, "The age in hours at which segments are deleted, when log.retention.ms and .minutes are not set.";
    "log.retention.minutes": Int = Null, Any, High, ReadOnly, AtRestart, "The age in minutes at which segments are deleted, when log.retention.ms is not set.";
    "log.retention.ms": Long = Null, Any, High, ClusterWide, Live, "The age in milliseconds at which segments are deleted; -1 for never.";
    "log.roll.hours": Int = Text("168"), AtLeast(1), High, ReadOnly, AtRestart, "The age in hours at which a new segment is begun, when log.roll.ms is not set.";
    "log.roll.jitter.hours": Int = Text("0"), AtLeast(0), High, ReadOnly, WithoutEffect, "";
    "log.roll.jitter.ms": Long = Null, Any, High, ClusterWide, WithoutEffect, "";
    "log.roll.ms": Long = Null, Any, High, ClusterWide, Live, "The age in milliseconds at which a new segment is begun.";
    "log.segment.bytes": Int = Text("1073741824"), AtLeast(1_048_576), High, ClusterWide, Live, "The size in bytes at which a new segment is begun.";
    "log.segment.delete.delay.ms": Long = Text("60000"), AtLeast(0), High, ClusterWide, Live, "The time in milliseconds between the removal of a segment from the log and from the disk.";
    "message.max.bytes": Int = Text("1048588"), AtLeast(0), High, ClusterWide, Live, "The largest size of a record batch in bytes.";
    "num.recovery.threads.per.data.dir": Int = Text("2"), AtLeast(1), High, ClusterWide, AtRestart, "The number of threads per log directory that load logs at the start.";
}
