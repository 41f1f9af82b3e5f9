//! Keys of metrics, quotas and plug-ins.

use super::keys;

keys! {
    "client.quota.callback.class": Class = Null, Any, Low, ReadOnly, Refused, "A policy in Java.";
    "config.providers": List = Text(""), Distinct, Low, ClusterWide, Refused, "Values from other places, by a class in Java.";
    "kafka.metrics.polling.interval.secs": Int = Text("10"), AtLeast(1), Low, ReadOnly, WithoutEffect, "";
    "kafka.metrics.reporters": List = Text(""), Distinct, Low, ReadOnly, WithoutEffect, "";
    "metric.reporters": List = Text("org.apache.kafka.common.metrics.JmxReporter"), Distinct, Low, ClusterWide, WithoutEffect, "";
    "metrics.num.samples": Int = Text("2"), AtLeast(1), Low, ReadOnly, WithoutEffect, "";
    "metrics.recording.level": String = Text("INFO"), Any, Low, ReadOnly, WithoutEffect, "";
    "metrics.sample.window.ms": Long = Text("30000"), AtLeast(1), Low, ReadOnly, WithoutEffect, "";
    "quota.window.num": Int = Text("11"), AtLeast(1), Low, ReadOnly, WithoutEffect, "";
    "quota.window.size.seconds": Int = Text("1"), AtLeast(1), Low, ReadOnly, WithoutEffect, "";
}
