//! `taffrail topic`: create, list, describe, alter, configure, delete.

mod config;

use anyhow::bail;
use clap::{Args as ClapArgs, Subcommand};
use taffrail_protocol::messages::create_partitions_request::CreatePartitionsTopic;
use taffrail_protocol::messages::create_topics_request::{CreatableTopic, CreatableTopicConfig};
use taffrail_protocol::messages::delete_topics_request::DeleteTopicState;
use taffrail_protocol::messages::{
    CreatePartitionsRequest, CreateTopicsRequest, DeleteTopicsRequest,
};

use crate::client::{Cluster, ConnectArgs, Table, Topic, check, count};

const TIMEOUT_MS: i32 = 25_000;
/// "As the broker is configured", for partitions and replicas.
const BROKER_DEFAULT: i16 = -1;

/// Create, list, describe, change and delete topics
#[derive(ClapArgs, Debug)]
#[command(after_help = "\
Examples:
  taffrail topic create orders --partitions 4
  taffrail topic create events --config retention.ms=86400000 --config compression.type=zstd
  taffrail topic list
  taffrail topic describe orders
  taffrail topic alter orders --partitions 8
  taffrail topic config orders --set retention.ms=86400000 --delete segment.ms
  taffrail topic delete orders events")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// Create a topic
    Create(Create),
    /// List the topics
    List(List),
    /// Show the partitions of topics, and what was configured for them
    Describe(Names),
    /// Add partitions to a topic
    Alter(Alter),
    /// Show or change a topic's configuration
    Config(config::Args),
    /// Delete topics with all their records; there is no way back
    Delete(Names),
}

#[derive(ClapArgs, Debug)]
struct Create {
    /// The topic's name: letters, digits, '.', '_' and '-'
    name: String,
    /// How many partitions; by default the brokers' num.partitions
    #[arg(long, value_parser = clap::value_parser!(i32).range(1..))]
    partitions: Option<i32>,
    /// How many brokers keep each partition; by default the brokers' default.replication.factor
    #[arg(long, value_parser = clap::value_parser!(i16).range(1..))]
    replication_factor: Option<i16>,
    /// A configuration of the topic, by Kafka's name for it; may be given several times
    #[arg(long = "config", value_name = "KEY=VALUE", value_parser = key_value)]
    configs: Vec<(String, String)>,
    #[command(flatten)]
    connect: ConnectArgs,
}

#[derive(ClapArgs, Debug)]
struct List {
    /// Also list the topics that brokers keep their own state in
    #[arg(long)]
    internal: bool,
    #[command(flatten)]
    connect: ConnectArgs,
}

#[derive(ClapArgs, Debug)]
#[command(after_help = "\
Partitions are never taken away. Records that were written stay where they are, and new records with the
same key may go to another partition from then on.")]
struct Alter {
    /// The topic's name
    name: String,
    /// How many partitions it shall have
    #[arg(long, value_parser = clap::value_parser!(i32).range(1..))]
    partitions: i32,
    #[command(flatten)]
    connect: ConnectArgs,
}

#[derive(ClapArgs, Debug)]
struct Names {
    /// The topics' names
    #[arg(required = true)]
    names: Vec<String>,
    #[command(flatten)]
    connect: ConnectArgs,
}

/// Runs the command.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    match args.command {
        Command::Create(args) => create(args).await,
        Command::List(args) => list(&args).await,
        Command::Describe(args) => describe(&args).await,
        Command::Alter(args) => alter(args).await,
        Command::Config(args) => config::run(args).await,
        Command::Delete(args) => delete(args).await,
    }
}

async fn create(args: Create) -> anyhow::Result<()> {
    let mut cluster = Cluster::connect(&args.connect).await?;
    let configs = args.configs.into_iter().map(|(name, value)| CreatableTopicConfig {
        name,
        value: Some(value),
        ..Default::default()
    });
    let request = CreateTopicsRequest {
        topics: vec![CreatableTopic {
            name: args.name.clone(),
            num_partitions: args.partitions.unwrap_or(BROKER_DEFAULT.into()),
            replication_factor: args.replication_factor.unwrap_or(BROKER_DEFAULT),
            configs: configs.collect(),
            ..Default::default()
        }],
        timeout_ms: TIMEOUT_MS,
        ..Default::default()
    };
    let response = cluster.call_any(&request, 5..=i16::MAX).await?;
    for topic in response.topics {
        check(topic.error_code, topic.error_message.as_deref(), || {
            format!("cannot create topic {}", topic.name)
        })?;
        println!(
            "created topic {}: {}, replication factor {}",
            topic.name,
            count(u64::try_from(topic.num_partitions).unwrap_or(0), "partition"),
            topic.replication_factor
        );
    }
    Ok(())
}

async fn list(args: &List) -> anyhow::Result<()> {
    let mut cluster = Cluster::connect(&args.connect).await?;
    let mut topics = cluster.topics().await?;
    topics.retain(|topic| args.internal || !topic.is_internal);
    topics.sort_by(|a, b| a.name.cmp(&b.name));
    if topics.is_empty() {
        println!("no topics; `taffrail topic create NAME` makes one");
        return Ok(());
    }
    let mut table = Table::new(&["TOPIC", "PARTITIONS", "REPLICAS"]);
    for topic in topics {
        let replicas = topic.partitions.iter().map(|partition| partition.replica_nodes.len()).max();
        table.row([
            topic.name,
            topic.partitions.len().to_string(),
            replicas.unwrap_or(0).to_string(),
        ]);
    }
    print!("{table}");
    Ok(())
}

async fn describe(args: &Names) -> anyhow::Result<()> {
    let mut cluster = Cluster::connect(&args.connect).await?;
    for name in &args.names {
        let topic = cluster.topic(name).await?;
        let configs = config::set_for(&mut cluster, name).await?;
        print_topic(&topic, &configs);
    }
    Ok(())
}

fn print_topic(topic: &Topic, configs: &[String]) {
    println!("topic    {}", topic.name);
    println!("id       {}", topic.id);
    let configs = if configs.is_empty() { "all by default".to_owned() } else { configs.join(", ") };
    println!("configs  {configs}\n");
    let mut table = Table::new(&["PARTITION", "LEADER", "REPLICAS", "IN SYNC", "OFFLINE"]);
    for partition in &topic.partitions {
        let leader = if partition.leader_id < 0 {
            "none".to_owned()
        } else {
            partition.leader_id.to_string()
        };
        table.row([
            partition.partition_index.to_string(),
            leader,
            joined(&partition.replica_nodes),
            joined(&partition.isr_nodes),
            joined(&partition.offline_replicas),
        ]);
    }
    println!("{table}");
}

async fn alter(args: Alter) -> anyhow::Result<()> {
    let mut cluster = Cluster::connect(&args.connect).await?;
    let request = CreatePartitionsRequest {
        topics: vec![CreatePartitionsTopic {
            name: args.name,
            count: args.partitions,
            assignments: None,
            ..Default::default()
        }],
        timeout_ms: TIMEOUT_MS,
        ..Default::default()
    };
    let response = cluster.call_any(&request, 0..=i16::MAX).await?;
    for topic in response.results {
        check(topic.error_code, topic.error_message.as_deref(), || {
            format!("cannot alter topic {}", topic.name)
        })?;
        let partitions = count(u64::try_from(args.partitions).unwrap_or(0), "partition");
        println!("topic {} has {partitions} now", topic.name);
    }
    Ok(())
}

async fn delete(args: Names) -> anyhow::Result<()> {
    let mut cluster = Cluster::connect(&args.connect).await?;
    let topics = args
        .names
        .into_iter()
        .map(|name| DeleteTopicState { name: Some(name), ..Default::default() });
    let request = DeleteTopicsRequest {
        topics: topics.collect(),
        timeout_ms: TIMEOUT_MS,
        ..Default::default()
    };
    let response = cluster.call_any(&request, 6..=i16::MAX).await?;
    let mut failures = Vec::new();
    for topic in response.responses {
        let name = topic.name.unwrap_or_default();
        let message = topic.error_message.as_deref();
        match check(topic.error_code, message, || format!("cannot delete topic {name}")) {
            Ok(()) => println!("deleted topic {name}"),
            Err(error) => failures.push(error.to_string()),
        }
    }
    if !failures.is_empty() {
        bail!(failures.join("\n"));
    }
    Ok(())
}

fn key_value(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((key, value)) if !key.trim().is_empty() => {
            Ok((key.trim().to_owned(), value.trim().to_owned()))
        }
        _ => Err("expected KEY=VALUE, such as retention.ms=86400000".to_owned()),
    }
}

fn joined(nodes: &[i32]) -> String {
    let nodes: Vec<_> = nodes.iter().map(ToString::to_string).collect();
    nodes.join(",")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn configs_are_split_at_the_first_equals_sign() {
        let check = |text: &str, expect: Option<(&str, &str)>| {
            let expect = expect.map(|(key, value)| (key.to_owned(), value.to_owned()));
            assert_eq!(key_value(text).ok(), expect, "{text}");
        };
        check("retention.ms=5", Some(("retention.ms", "5")));
        check("a=b=c", Some(("a", "b=c")));
        check("a=", Some(("a", "")));
        check("a", None);
        check("=b", None);
    }
}
