//! What concerns whole groups: describe, list, delete, clean up.

use std::collections::BTreeMap;

use taffrail_model::ErrorCode;

use crate::answer::{Answer, DeletedGroup, DescribedGroup, ListGroupsAnswer, ListedGroup};
use crate::classic::{ClassicGroup, GroupState};
use crate::effect::ReplyToken;
use crate::offsets;
use crate::request::{DeleteGroups, DescribeGroups, ListGroups};
use crate::state::{Change, GroupEntry, GroupId};
use crate::timers::TimerKey;
use crate::turn::Turn;

/// The live groups of a shard.
pub(crate) type LiveGroups = BTreeMap<GroupId, ClassicGroup>;

/// What clients see of a group that isn't there.
const DEAD: &str = "Dead";
/// The only type of group so far, as `ListGroups` names it.
const CLASSIC: &str = "classic";

impl Turn<'_> {
    /// Describes groups that are committed to exist.
    pub(crate) fn describe_groups(
        &mut self,
        live: &LiveGroups,
        token: ReplyToken,
        describe: &DescribeGroups,
    ) {
        let committed = self.store.committed();
        let one = |id: &String| match committed.group(id) {
            Some(entry) => described(id, entry, live.get(id.as_str())),
            None if describe.supports_group_not_found => DescribedGroup {
                error_message: Some(format!("Group {id} not found.")),
                ..dead(id, ErrorCode::GroupIdNotFound)
            },
            None => dead(id, ErrorCode::None),
        };
        let groups = describe.group_ids.iter().map(one).collect();
        self.reply(token, Answer::DescribeGroups(groups));
    }

    /// Lists groups that are committed to exist.
    pub(crate) fn list_groups(&mut self, live: &LiveGroups, token: ReplyToken, list: &ListGroups) {
        let passes = |filter: &[String], value: &str| {
            filter.is_empty() || filter.iter().any(|name| name.trim().eq_ignore_ascii_case(value))
        };
        let mut groups = Vec::new();
        if passes(&list.types, CLASSIC) {
            for (id, entry) in self.store.committed().groups() {
                let live = live.get(id);
                let state = live.map_or(GroupState::Empty, ClassicGroup::state).name();
                if passes(&list.states, state) {
                    groups.push(ListedGroup {
                        group_id: id.to_string(),
                        protocol_type: protocol_type(entry, live),
                        state,
                        group_type: CLASSIC,
                    });
                }
            }
        }
        self.reply(token, Answer::ListGroups(ListGroupsAnswer { error: ErrorCode::None, groups }));
    }

    /// Deletes groups without members, with their offsets.
    pub(crate) fn delete_groups(
        &mut self,
        live: &mut LiveGroups,
        token: ReplyToken,
        delete: &DeleteGroups,
    ) {
        let writes = self.store.writes();
        let mut groups = Vec::with_capacity(delete.group_ids.len());
        for id in &delete.group_ids {
            let error = self.delete_group(live, id).err().unwrap_or(ErrorCode::None);
            groups.push(DeletedGroup { group_id: id.clone(), error });
        }
        let answer = Answer::DeleteGroups(groups);
        if self.store.writes() == writes {
            self.reply(token, answer);
        } else {
            self.reply_after_writes(token, answer);
        }
    }

    fn delete_group(&mut self, live: &mut LiveGroups, id: &str) -> Result<(), ErrorCode> {
        let entry = self.store.speculative().group(id).ok_or(ErrorCode::GroupIdNotFound)?;
        if live.get(id).is_some_and(|group| !group.is(GroupState::Empty)) {
            return Err(ErrorCode::NonEmptyGroup);
        }
        let id: GroupId = id.into();
        let offsets = entry.all_offsets().map(|(topic, partition, _)| Change::Offset {
            group: id.clone(),
            topic: topic.clone(),
            partition,
            offset: None,
        });
        let mut changes: Vec<Change> = offsets.collect();
        if entry.metadata.is_some() {
            changes.push(Change::Group { group: id.clone(), metadata: None });
        }
        self.write_in_parts(&changes);
        self.forget(live, &id);
        Ok(())
    }

    /// Expires offsets, and deletes groups of which nothing is left.
    pub(crate) fn clean_up(&mut self, live: &mut LiveGroups) {
        let mut changes = Vec::new();
        let mut gone = Vec::new();
        for (id, entry) in self.store.speculative().groups() {
            let group = live.get(id);
            let (expired, all_expired) =
                offsets::expired(self.config, id, entry, group, self.now.wall);
            changes.extend(expired);
            if all_expired && group.is_none_or(ClassicGroup::is_vacant) {
                if entry.metadata.is_some() {
                    changes.push(Change::Group { group: id.clone(), metadata: None });
                }
                gone.push(id.clone());
            }
        }
        // Groups that were never written: their only members-to-be didn't come back.
        let unwritten = |id: &&GroupId| self.store.speculative().group(id).is_none();
        let vacant = live.iter().filter(|(_, group)| group.is_vacant()).map(|(id, _)| id);
        gone.extend(vacant.filter(unwritten).cloned());
        self.write_in_parts(&changes);
        for id in gone {
            self.forget(live, &id);
        }
    }

    /// Drops a live group without members, with its deadlines.
    pub(crate) fn forget(&mut self, live: &mut LiveGroups, id: &GroupId) {
        let Some(group) = live.remove(id) else { return };
        for member in group.pending_joins {
            self.timers.cancel(&TimerKey::Session(id.clone(), member));
        }
        self.timers.cancel(&TimerKey::Join(id.clone()));
        self.timers.cancel(&TimerKey::Sync(id.clone()));
    }
}

fn described(id: &str, entry: &GroupEntry, live: Option<&ClassicGroup>) -> DescribedGroup {
    let stable = live.filter(|group| group.is(GroupState::Stable));
    let protocol = stable.and_then(|group| group.protocol.as_deref());
    DescribedGroup {
        group_id: id.to_owned(),
        error: ErrorCode::None,
        error_message: None,
        state: live.map_or(GroupState::Empty, ClassicGroup::state).name(),
        protocol_type: protocol_type(entry, live),
        protocol_data: protocol.unwrap_or_default().to_owned(),
        members: live
            .map(|group| group.members().map(|member| member.describe(protocol)).collect())
            .unwrap_or_default(),
    }
}

fn dead(id: &str, error: ErrorCode) -> DescribedGroup {
    DescribedGroup { state: DEAD, ..DescribedGroup::refusal(id, error) }
}

fn protocol_type(entry: &GroupEntry, live: Option<&ClassicGroup>) -> String {
    match live {
        Some(group) => group.protocol_type.clone().unwrap_or_default(),
        None => entry
            .metadata
            .as_ref()
            .map(|metadata| metadata.protocol_type.clone())
            .unwrap_or_default(),
    }
}
