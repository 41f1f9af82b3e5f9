//! What the members of a group tell one another: subscriptions, assignments, and the range assignor.

use std::collections::BTreeMap;

use bytes::Bytes;
use taffrail_model::PartitionIndex;
use taffrail_protocol::Message;
use taffrail_protocol::records::{
    ConsumerProtocolAssignment, ConsumerProtocolSubscription, consumer_protocol_assignment,
};
use taffrail_protocol::wire::{DecodeError, Decoder, EncodeError, Encoder};

/// The version that every client reads.
const VERSION: i16 = 0;

/// The subscription to one topic, as a member announces it.
pub(super) fn encode_subscription(topic: &str) -> Result<Bytes, EncodeError> {
    encode(&ConsumerProtocolSubscription { topics: vec![topic.to_owned()], ..Default::default() })
}

/// The topics that a member announced.
pub(super) fn decode_subscription(bytes: Bytes) -> Result<Vec<String>, DecodeError> {
    decode::<ConsumerProtocolSubscription>(bytes).map(|subscription| subscription.topics)
}

/// The partitions of a member, by topic.
pub(super) fn encode_assignment(
    partitions: &BTreeMap<String, Vec<PartitionIndex>>,
) -> Result<Bytes, EncodeError> {
    encode(&ConsumerProtocolAssignment {
        assigned_partitions: partitions
            .iter()
            .map(|(topic, partitions)| consumer_protocol_assignment::TopicPartition {
                topic: topic.clone(),
                partitions: partitions.clone(),
            })
            .collect(),
        ..Default::default()
    })
}

/// The partitions of a member, by topic. No bytes are no partitions.
pub(crate) fn decode_assignment(
    bytes: Bytes,
) -> Result<BTreeMap<String, Vec<PartitionIndex>>, DecodeError> {
    if bytes.is_empty() {
        return Ok(BTreeMap::new());
    }
    let assignment = decode::<ConsumerProtocolAssignment>(bytes)?;
    Ok(assignment
        .assigned_partitions
        .into_iter()
        .map(|assigned| (assigned.topic, assigned.partitions))
        .collect())
}

/// Gives each member of `subscriptions` its share of the topics that it subscribed to, as Kafka's range assignor
/// does: members in the order of their ids, the first of them one partition more when they don't divide evenly.
pub(super) fn assign_ranges(
    subscriptions: &BTreeMap<String, Vec<String>>,
    partitions: &BTreeMap<String, Vec<PartitionIndex>>,
) -> BTreeMap<String, BTreeMap<String, Vec<PartitionIndex>>> {
    let mut assigned: BTreeMap<String, BTreeMap<String, Vec<PartitionIndex>>> =
        subscriptions.keys().map(|member| (member.clone(), BTreeMap::new())).collect();
    for (topic, partitions) in partitions {
        let members: Vec<_> = subscriptions
            .iter()
            .filter(|(_, topics)| topics.contains(topic))
            .map(|(member, _)| member)
            .collect();
        if members.is_empty() {
            continue;
        }
        let share = partitions.len() / members.len();
        let with_one_more = partitions.len() % members.len();
        let mut rest = &partitions[..];
        for (place, member) in members.into_iter().enumerate() {
            let size = share + usize::from(place < with_one_more);
            let (own, others) = rest.split_at(size);
            rest = others;
            if let Some(topics) = assigned.get_mut(member).filter(|_| !own.is_empty()) {
                topics.insert(topic.clone(), own.to_vec());
            }
        }
    }
    assigned
}

fn encode(message: &impl Message) -> Result<Bytes, EncodeError> {
    let mut encoder = Encoder::new();
    encoder.int16(VERSION);
    message.encode(&mut encoder, VERSION)?;
    Ok(encoder.into_bytes())
}

/// Reads a message behind its version. A newer version begins as the newest that is known here.
fn decode<M: Message>(bytes: Bytes) -> Result<M, DecodeError> {
    let mut decoder = Decoder::new(bytes);
    let version = decoder.int16()?;
    M::decode(&mut decoder, version.min(M::MAX_VERSION))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn ranges_are_shared_out_as_kafka_does() {
        let check = |members: &[&str], partitions: i32, expect: &[&[PartitionIndex]]| {
            let subscriptions =
                members.iter().map(|member| ((*member).to_owned(), vec!["t".to_owned()])).collect();
            let partitions = BTreeMap::from([("t".to_owned(), (0..partitions).collect())]);
            let assigned: Vec<_> = assign_ranges(&subscriptions, &partitions)
                .into_values()
                .map(|mut topics| topics.remove("t").unwrap_or_default())
                .collect();
            assert_eq!(assigned, expect);
        };
        check(&["a"], 3, &[&[0, 1, 2]]);
        check(&["b", "a"], 3, &[&[0, 1], &[2]]);
        check(&["a", "b", "c"], 2, &[&[0], &[1], &[]]);
        check(&["a", "b"], 4, &[&[0, 1], &[2, 3]]);
        check(&[], 4, &[]);
    }

    #[test]
    fn only_subscribers_get_a_topics_partitions() {
        let subscriptions = BTreeMap::from([
            ("a".to_owned(), vec!["t".to_owned()]),
            ("b".to_owned(), vec!["u".to_owned()]),
        ]);
        let partitions = BTreeMap::from([("t".to_owned(), vec![0, 1])]);
        let assigned = assign_ranges(&subscriptions, &partitions);
        assert_eq!(assigned["a"]["t"], [0, 1]);
        assert!(assigned["b"].is_empty());
    }

    #[test]
    fn messages_between_members_go_both_ways() {
        let subscription = encode_subscription("orders").unwrap();
        assert_eq!(decode_subscription(subscription).unwrap(), ["orders"]);
        let partitions = BTreeMap::from([("orders".to_owned(), vec![0, 2])]);
        let assignment = encode_assignment(&partitions).unwrap();
        assert_eq!(decode_assignment(assignment).unwrap(), partitions);
        assert!(decode_assignment(Bytes::new()).unwrap().is_empty());
        assert!(decode_assignment(Bytes::from_static(&[0])).is_err());
    }
}
