//! `taffrail group`: list, describe.

use std::collections::BTreeMap;

use clap::{Args as ClapArgs, Subcommand};
use taffrail_model::{ErrorCode, Offset, PartitionIndex};
use taffrail_protocol::messages::describe_groups_response::DescribedGroup;
use taffrail_protocol::messages::{DescribeGroupsRequest, ListGroupsRequest};

use crate::client::{
    Bound, ClientError, Cluster, ConnectArgs, Table, check, committed_offsets, decode_assignment,
    list_offsets,
};

/// The state of a group that doesn't exist, from brokers that have no error for it.
const DEAD: &str = "Dead";
/// What stands in a cell that has no value.
const NOTHING: &str = "-";

/// List consumer groups, and describe their members and offsets
#[derive(ClapArgs, Debug)]
#[command(after_help = "\
Examples:
  taffrail group list
  taffrail group describe billing")]
pub(crate) struct Args {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand, Debug)]
enum Command {
    /// List the groups of the cluster
    List(List),
    /// Show a group's members, and how far it is behind on each partition
    Describe(Describe),
}

#[derive(ClapArgs, Debug)]
struct List {
    #[command(flatten)]
    connect: ConnectArgs,
}

#[derive(ClapArgs, Debug)]
struct Describe {
    /// The group's id
    group: String,
    #[command(flatten)]
    connect: ConnectArgs,
}

/// Runs the command.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    match args.command {
        Command::List(args) => list(&args).await,
        Command::Describe(args) => describe(&args).await,
    }
}

async fn list(args: &List) -> anyhow::Result<()> {
    let mut cluster = Cluster::connect(&args.connect).await?;
    let mut groups = BTreeMap::new();
    // Each broker knows the groups that it coordinates.
    for node in cluster.nodes().await? {
        let request = ListGroupsRequest::default();
        let response = cluster.call(node, &request, 0..=i16::MAX).await?;
        check(response.error_code, None, || format!("groups of broker {node}"))?;
        for group in response.groups {
            groups.insert(group.group_id.clone(), group);
        }
    }
    if groups.is_empty() {
        println!("no groups; `taffrail consume --topic NAME --group GROUP` makes one");
        return Ok(());
    }
    let mut table = Table::new(&["GROUP", "STATE", "TYPE", "PROTOCOL"]);
    for group in groups.into_values() {
        table.row([
            group.group_id,
            or_nothing(group.group_state),
            or_nothing(group.group_type),
            or_nothing(group.protocol_type),
        ]);
    }
    print!("{table}");
    Ok(())
}

async fn describe(args: &Describe) -> anyhow::Result<()> {
    let mut cluster = Cluster::connect(&args.connect).await?;
    let coordinator = cluster.coordinator(&args.group).await?;
    let request = DescribeGroupsRequest { groups: vec![args.group.clone()], ..Default::default() };
    let response = cluster.call(coordinator, &request, 0..=i16::MAX).await?;
    let committed = committed_offsets(&mut cluster, coordinator, &args.group, None).await?;
    for group in response.groups {
        let mut code = group.error_code;
        if code == ErrorCode::None.code() && group.group_state == DEAD {
            code = ErrorCode::GroupIdNotFound.code();
        }
        check(code, group.error_message.as_deref(), || format!("group {}", args.group))?;
        println!("group        {}", group.group_id);
        println!("state        {}", group.group_state);
        println!("assignor     {}", or_nothing(group.protocol_data.clone()));
        println!("coordinator  broker {coordinator}\n");
        print_members(&group);
        let owners = owners_of(&group)?;
        print_offsets(&mut cluster, &committed, &owners).await?;
    }
    Ok(())
}

fn print_members(group: &DescribedGroup) {
    if group.members.is_empty() {
        println!("no members\n");
        return;
    }
    let mut table = Table::new(&["MEMBER", "CLIENT", "HOST"]);
    for member in &group.members {
        table.row([member.member_id.clone(), member.client_id.clone(), member.client_host.clone()]);
    }
    println!("{table}");
}

/// Who reads what, by topic and partition.
fn owners_of(
    group: &DescribedGroup,
) -> Result<BTreeMap<(String, PartitionIndex), String>, ClientError> {
    let mut owners = BTreeMap::new();
    for member in &group.members {
        let assigned = decode_assignment(member.member_assignment.clone())
            .map_err(|source| ClientError::Assignment { group: group.group_id.clone(), source })?;
        for (topic, partitions) in assigned {
            for partition in partitions {
                owners.insert((topic.clone(), partition), member.member_id.clone());
            }
        }
    }
    Ok(owners)
}

async fn print_offsets(
    cluster: &mut Cluster,
    committed: &BTreeMap<(String, PartitionIndex), Offset>,
    owners: &BTreeMap<(String, PartitionIndex), String>,
) -> Result<(), ClientError> {
    let mut by_topic: BTreeMap<&str, Vec<PartitionIndex>> = BTreeMap::new();
    for (topic, partition) in committed.keys().chain(owners.keys()) {
        let partitions = by_topic.entry(topic).or_default();
        if !partitions.contains(partition) {
            partitions.push(*partition);
        }
    }
    if by_topic.is_empty() {
        println!("no offsets");
        return Ok(());
    }
    let headings = ["TOPIC", "PARTITION", "COMMITTED", "END", "LAG", "MEMBER"];
    let mut table = Table::new(&headings);
    for (name, mut partitions) in by_topic {
        partitions.sort_unstable();
        let ends = ends_of(cluster, name, &partitions).await?;
        for partition in partitions {
            let key = (name.to_owned(), partition);
            let committed = committed.get(&key).copied();
            let end = ends.get(&partition).copied();
            let lag = committed.zip(end).map(|(committed, end)| end - committed);
            table.row([
                name.to_owned(),
                partition.to_string(),
                number(committed),
                number(end),
                number(lag),
                owners.get(&key).cloned().unwrap_or_else(|| NOTHING.to_owned()),
            ]);
        }
    }
    print!("{table}");
    Ok(())
}

/// The ends of the partitions; none of a topic that was deleted, whose offsets the group may still have.
async fn ends_of(
    cluster: &mut Cluster,
    name: &str,
    partitions: &[PartitionIndex],
) -> Result<BTreeMap<PartitionIndex, Offset>, ClientError> {
    match cluster.topic(name).await {
        Ok(topic) => list_offsets(cluster, &topic, partitions, Bound::Latest).await,
        Err(error) if error.code() == Some(ErrorCode::UnknownTopicOrPartition) => {
            Ok(BTreeMap::new())
        }
        Err(error) => Err(error),
    }
}

fn number(number: Option<i64>) -> String {
    number.map_or_else(|| NOTHING.to_owned(), |number| number.to_string())
}

fn or_nothing(text: String) -> String {
    if text.is_empty() { NOTHING.to_owned() } else { text }
}
