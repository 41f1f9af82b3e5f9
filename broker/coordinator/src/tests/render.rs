//! Effects as short text.

use crate::records::{self, Decoded};
use crate::state::Change;
use crate::{
    Answer, CoordinatorRecord, DescribedGroup, Effect, JoinGroupAnswer, LoadedRecord,
    OffsetFetchGroupAnswer,
};

/// What `effect` says, on one line.
pub(super) fn effect(effect: &Effect) -> String {
    match effect {
        Effect::Append { records, .. } => {
            let records: Vec<String> = records.iter().map(record).collect();
            format!("append {}", records.join(" + "))
        }
        Effect::Reply { token, answer: reply } => format!("{}> {}", token.0, answer(reply)),
        Effect::Rebalancing { group_id, generation_id, .. } => {
            format!("rebalance {group_id} after {generation_id}")
        }
        Effect::LoadFinished(report) => {
            let skipped: Vec<String> =
                report.skipped.iter().map(|(why, count)| format!(" {why:?}={count}")).collect();
            format!("loaded {} groups={}{}", report.replayed, report.groups, skipped.concat())
        }
        Effect::LoadFailed { last_offset, error } => {
            format!("load failed at {last_offset}: {error}")
        }
    }
}

fn record(record: &CoordinatorRecord) -> String {
    let loaded = LoadedRecord { key: Some(record.key.clone()), value: record.value.clone() };
    let change = match records::decode(&loaded, false) {
        Ok(Decoded::Change(change)) => change,
        other => return format!("{other:?}"),
    };
    match change {
        Change::Group { group, metadata: None } => format!("{group} gone"),
        Change::Group { group, metadata: Some(metadata) } => {
            let members: Vec<String> = metadata
                .members
                .iter()
                .map(|member| format!("{}={}", member.id, text(&member.assignment)))
                .collect();
            format!(
                "{group} gen={} {} leader={} [{}]",
                metadata.generation,
                metadata.protocol.as_deref().unwrap_or("-"),
                metadata.leader.as_deref().unwrap_or("-"),
                members.join(" ")
            )
        }
        Change::Offset { group, topic, partition, offset } => match offset {
            Some(offset) => format!("{group} {topic}-{partition}={}", offset.offset),
            None => format!("{group} {topic}-{partition} gone"),
        },
    }
}

fn answer(answer: &Answer) -> String {
    match answer {
        Answer::JoinGroup(join) => joined(join),
        Answer::SyncGroup(sync) if sync.error.is_none() => format!(
            "synced {}/{} {}",
            sync.protocol_type.as_deref().unwrap_or("-"),
            sync.protocol_name.as_deref().unwrap_or("-"),
            text(&sync.assignment)
        ),
        Answer::SyncGroup(sync) => sync.error.to_string(),
        Answer::Heartbeat(error) => error.to_string(),
        Answer::LeaveGroup(leave) if !leave.error.is_none() => leave.error.to_string(),
        Answer::LeaveGroup(leave) => {
            let members: Vec<String> = leave
                .members
                .iter()
                .map(|member| {
                    format!(
                        "{}={}",
                        name(&member.member_id, member.group_instance_id.as_deref()),
                        member.error
                    )
                })
                .collect();
            format!("left {}", members.join(" "))
        }
        Answer::OffsetCommit(topics) => {
            let partitions = topics.iter().flat_map(|topic| {
                topic
                    .partitions
                    .iter()
                    .map(|(partition, error)| format!("{}-{partition}={error}", topic.name))
            });
            partitions.collect::<Vec<_>>().join(" ")
        }
        Answer::OffsetFetch(groups) => groups.iter().map(fetched).collect::<Vec<_>>().join(", "),
        Answer::DescribeGroups(groups) => {
            groups.iter().map(described).collect::<Vec<_>>().join(", ")
        }
        Answer::ListGroups(list) if !list.error.is_none() => list.error.to_string(),
        Answer::ListGroups(list) => {
            let groups: Vec<String> = list
                .groups
                .iter()
                .map(|group| {
                    format!(
                        "{}:{}:{}:{}",
                        group.group_id, group.protocol_type, group.state, group.group_type
                    )
                })
                .collect();
            format!("groups {}", groups.join(" "))
        }
        Answer::DeleteGroups(groups) => {
            let groups: Vec<String> =
                groups.iter().map(|group| format!("{}={}", group.group_id, group.error)).collect();
            format!("deleted {}", groups.join(" "))
        }
        Answer::OffsetDelete(delete) if !delete.error.is_none() => delete.error.to_string(),
        Answer::OffsetDelete(delete) => {
            let partitions = delete.topics.iter().flat_map(|topic| {
                topic
                    .partitions
                    .iter()
                    .map(|(partition, error)| format!("{}-{partition}={error}", topic.name))
            });
            format!("deleted {}", partitions.collect::<Vec<_>>().join(" "))
        }
    }
}

fn joined(join: &JoinGroupAnswer) -> String {
    if !join.error.is_none() {
        return format!("{} {}", join.error, name(&join.member_id, None));
    }
    let members: Vec<String> = join
        .members
        .iter()
        .map(|member| name(&member.member_id, member.group_instance_id.as_deref()))
        .collect();
    let skip = if join.skip_assignment { " skip" } else { "" };
    format!(
        "joined {} gen={} {}/{} leader={} [{}]{skip}",
        join.member_id,
        join.generation_id,
        join.protocol_type.as_deref().unwrap_or("-"),
        join.protocol_name.as_deref().unwrap_or("-"),
        join.leader,
        members.join(" ")
    )
}

fn fetched(group: &OffsetFetchGroupAnswer) -> String {
    if !group.error.is_none() {
        return format!("{} {}", group.group_id, group.error);
    }
    let partitions = group.topics.iter().flat_map(|topic| {
        topic.partitions.iter().map(|partition| {
            let note = if partition.metadata.is_empty() {
                String::new()
            } else {
                format!("({})", partition.metadata)
            };
            format!(" {}-{}={}{note}", topic.name, partition.partition, partition.offset)
        })
    });
    format!("{}:{}", group.group_id, partitions.collect::<String>())
}

fn described(group: &DescribedGroup) -> String {
    let error = if group.error.is_none() { String::new() } else { format!("{} ", group.error) };
    let members: Vec<String> = group
        .members
        .iter()
        .map(|member| format!("{}={}", member.member_id, text(&member.assignment)))
        .collect();
    format!(
        "{} {error}{} {}/{} [{}]",
        group.group_id,
        group.state,
        group.protocol_type,
        group.protocol_data,
        members.join(" ")
    )
}

fn name(member_id: &str, instance_id: Option<&str>) -> String {
    let id = if member_id.is_empty() { "-" } else { member_id };
    instance_id.map_or_else(|| id.to_owned(), |instance_id| format!("{id}({instance_id})"))
}

fn text(bytes: &[u8]) -> String {
    if bytes.is_empty() { "-".to_owned() } else { String::from_utf8_lossy(bytes).into_owned() }
}
