//! `taffrail topic config`: what a topic's configuration is, and how it is changed.

use anyhow::bail;
use clap::Args as ClapArgs;
use taffrail_protocol::messages::describe_configs_request::DescribeConfigsResource;
use taffrail_protocol::messages::describe_configs_response::DescribeConfigsResourceResult;
use taffrail_protocol::messages::incremental_alter_configs_request::{
    AlterConfigsResource, AlterableConfig,
};
use taffrail_protocol::messages::{DescribeConfigsRequest, IncrementalAlterConfigsRequest};

use super::key_value;
use crate::client::{ClientError, Cluster, ConnectArgs, Table, check};

/// The type of topics, as requests about configurations count.
const TOPIC_RESOURCE: i8 = 2;
/// `DescribeConfigs`' source of what was set for this very topic.
const SET_FOR_TOPIC: i8 = 1;
/// `IncrementalAlterConfigs`' operations.
const SET: i8 = 0;
const DELETE: i8 = 1;

#[derive(ClapArgs, Debug)]
#[command(after_help = "\
Without --set and --delete it shows what was configured for the topic.

Examples:
  taffrail topic config orders
  taffrail topic config orders --all
  taffrail topic config orders --set retention.ms=86400000 --set max.message.bytes=2000000
  taffrail topic config orders --delete retention.ms")]
pub(super) struct Args {
    /// The topic's name
    name: String,
    /// A key's new value, by Kafka's name for the key; may be given several times
    #[arg(long = "set", value_name = "KEY=VALUE", value_parser = key_value)]
    sets: Vec<(String, String)>,
    /// A key to take out, so that the brokers' value holds again; may be given several times
    #[arg(long = "delete", value_name = "KEY")]
    deletes: Vec<String>,
    /// Show every key with the value that holds, and where the value comes from
    #[arg(long, conflicts_with_all = ["sets", "deletes"])]
    all: bool,
    /// Only say whether the change would be accepted
    #[arg(long)]
    dry_run: bool,
    #[command(flatten)]
    connect: ConnectArgs,
}

/// Runs the command.
pub(super) async fn run(args: Args) -> anyhow::Result<()> {
    let mut cluster = Cluster::connect(&args.connect).await?;
    let known = entries(&mut cluster, &args.name).await?;
    if args.sets.is_empty() && args.deletes.is_empty() {
        if args.dry_run {
            bail!("there is nothing to try: give --set KEY=VALUE or --delete KEY");
        }
        print!("{}", shown(&args.name, &known, args.all));
        return Ok(());
    }
    // A broker takes any key out without a word, so that a slip of the pen would go unnoticed.
    if let Some(unknown) = args.deletes.iter().find(|key| known.iter().all(|k| k.name != **key)) {
        bail!(
            "topics have no configuration {unknown}; `taffrail topic config {} --all` shows what there is",
            args.name
        );
    }
    alter(&mut cluster, &args).await?;
    let done = if args.dry_run { "would be accepted" } else { "done" };
    for (key, value) in &args.sets {
        println!("topic {}: set {key}={value}: {done}", args.name);
    }
    for key in &args.deletes {
        println!("topic {}: delete {key}: {done}", args.name);
    }
    Ok(())
}

async fn alter(cluster: &mut Cluster, args: &Args) -> Result<(), ClientError> {
    let set = args.sets.iter().map(|(name, value)| AlterableConfig {
        name: name.clone(),
        config_operation: SET,
        value: Some(value.clone()),
        ..Default::default()
    });
    let delete = args.deletes.iter().map(|name| AlterableConfig {
        name: name.clone(),
        config_operation: DELETE,
        value: None,
        ..Default::default()
    });
    let request = IncrementalAlterConfigsRequest {
        resources: vec![AlterConfigsResource {
            resource_type: TOPIC_RESOURCE,
            resource_name: args.name.clone(),
            configs: set.chain(delete).collect(),
            ..Default::default()
        }],
        validate_only: args.dry_run,
        ..Default::default()
    };
    let response = cluster.call_any(&request, 0..=i16::MAX).await?;
    for answer in response.responses {
        check(answer.error_code, answer.error_message.as_deref(), || {
            format!("cannot configure topic {}", args.name)
        })?;
    }
    Ok(())
}

/// What was set for the topic, as `key=value`.
pub(super) async fn set_for(
    cluster: &mut Cluster,
    topic: &str,
) -> Result<Vec<String>, ClientError> {
    Ok(own(&entries(cluster, topic).await?))
}

fn own(entries: &[DescribeConfigsResourceResult]) -> Vec<String> {
    let own = entries.iter().filter(|entry| entry.config_source == SET_FOR_TOPIC);
    own.map(|entry| format!("{}={}", entry.name, entry.value.as_deref().unwrap_or_default()))
        .collect()
}

/// All keys of the topic, sorted.
async fn entries(
    cluster: &mut Cluster,
    topic: &str,
) -> Result<Vec<DescribeConfigsResourceResult>, ClientError> {
    let request = DescribeConfigsRequest {
        resources: vec![DescribeConfigsResource {
            resource_type: TOPIC_RESOURCE,
            resource_name: topic.to_owned(),
            configuration_keys: None,
            ..Default::default()
        }],
        ..Default::default()
    };
    let response = cluster.call_any(&request, 1..=i16::MAX).await?;
    let mut entries = Vec::new();
    for result in response.results {
        check(result.error_code, result.error_message.as_deref(), || {
            format!("configuration of topic {topic}")
        })?;
        entries.extend(result.configs);
    }
    entries.sort_by(|a, b| a.name.cmp(&b.name));
    Ok(entries)
}

fn shown(topic: &str, entries: &[DescribeConfigsResourceResult], all: bool) -> String {
    if all {
        let mut table = Table::new(&["KEY", "VALUE", "SET BY"]);
        for entry in entries {
            let value = entry.value.clone().unwrap_or_default();
            table.row([entry.name.clone(), value, source(entry.config_source).to_owned()]);
        }
        return table.to_string();
    }
    let own = own(entries);
    if own.is_empty() {
        return format!("nothing is configured for topic {topic}; --all shows what holds\n");
    }
    own.join("\n") + "\n"
}

fn source(code: i8) -> &'static str {
    match code {
        SET_FOR_TOPIC => "the topic",
        2 => "the broker, while running",
        3 => "all brokers, while running",
        4 => "server.properties",
        5 => "default",
        _ => "something newer than this client",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(name: &str, value: &str, config_source: i8) -> DescribeConfigsResourceResult {
        DescribeConfigsResourceResult {
            name: name.to_owned(),
            value: Some(value.to_owned()),
            config_source,
            ..Default::default()
        }
    }

    #[test]
    fn what_was_set_or_all_of_it_is_shown() {
        let check = |entries: &[DescribeConfigsResourceResult], all: bool, expect: &[&str]| {
            let shown = shown("a", entries, all);
            let lines: Vec<&str> = shown.lines().map(str::trim_end).collect();
            assert_eq!(lines, expect);
        };
        let entries = [entry("retention.ms", "5", 1), entry("segment.ms", "7", 4)];
        check(&entries, false, &["retention.ms=5"]);
        check(&entries[1..], false, &["nothing is configured for topic a; --all shows what holds"]);
        check(
            &entries,
            true,
            &[
                "KEY           VALUE  SET BY",
                "retention.ms  5      the topic",
                "segment.ms    7      server.properties",
            ],
        );
    }
}
