//! What Kafka's encoders refuse, ours refuse: fields that a version lacks, nulls, tags.

use bytes::Bytes;
use taffrail_protocol::Message;
use taffrail_protocol::messages::{
    FetchRequest, FetchSnapshotResponse, InitProducerIdRequest, JoinGroupRequest, MetadataRequest,
    OffsetFetchRequest, fetch_snapshot_response, metadata_request,
};
use taffrail_protocol::wire::{EncodeError, Encoder, RawTaggedField};

fn encoded<M: Message>(message: &M, version: i16) -> Result<(), EncodeError> {
    message.encode(&mut Encoder::new(), version)
}

#[test]
fn a_field_that_the_version_lacks_must_have_its_default() {
    let request = JoinGroupRequest {
        group_instance_id: Some("static".to_owned()),
        ..JoinGroupRequest::default()
    };
    assert_eq!(encoded(&request, 5), Ok(()));
    assert_eq!(
        encoded(&request, 4),
        Err(EncodeError::UnsupportedField {
            field: "JoinGroupRequest.group_instance_id",
            version: 4,
        })
    );
}

#[test]
fn a_field_that_may_be_ignored_is_dropped() {
    let request = FetchRequest { rack_id: "rack".to_owned(), ..FetchRequest::default() };
    assert_eq!(encoded(&request, 10), Ok(()));
    assert_eq!(encoded(&request, 11), Ok(()));
}

#[test]
fn null_needs_a_version_that_has_it() {
    let request = MetadataRequest { topics: None, ..MetadataRequest::default() };
    assert_eq!(encoded(&request, 1), Ok(()));
    assert_eq!(
        encoded(&request, 0),
        Err(EncodeError::UnexpectedNull { field: "MetadataRequest.topics" })
    );
    let response = FetchSnapshotResponse {
        topics: vec![fetch_snapshot_response::TopicSnapshot {
            partitions: vec![fetch_snapshot_response::PartitionSnapshot::default()],
            ..Default::default()
        }],
        ..FetchSnapshotResponse::default()
    };
    assert_eq!(
        encoded(&response, 0),
        Err(EncodeError::UnexpectedNull {
            field: "FetchSnapshotResponse.PartitionSnapshot.unaligned_records",
        })
    );
}

#[test]
fn tagged_fields_need_a_flexible_version() {
    let request = MetadataRequest {
        topics: Some(vec![metadata_request::MetadataRequestTopic {
            name: Some("t".to_owned()),
            unknown_tagged_fields: vec![RawTaggedField { tag: 7, data: Bytes::from_static(b"x") }],
            ..Default::default()
        }]),
        ..MetadataRequest::default()
    };
    assert_eq!(encoded(&request, 9), Ok(()));
    assert_eq!(
        encoded(&request, 8),
        Err(EncodeError::UnsupportedTaggedFields {
            message: "MetadataRequest.MetadataRequestTopic",
            version: 8,
        })
    );
}

#[test]
fn a_version_that_does_not_exist_is_named() {
    assert_eq!(
        encoded(&InitProducerIdRequest::default(), 7),
        Err(EncodeError::UnsupportedVersion { message: "InitProducerIdRequest", version: 7 })
    );
    assert_eq!(encoded(&OffsetFetchRequest::default(), 1), Ok(()));
}

#[test]
fn credentials_stay_out_of_debug() {
    let request = taffrail_protocol::messages::SaslAuthenticateRequest {
        auth_bytes: Bytes::from_static(b"\0user\0hunter2"),
        ..Default::default()
    };
    let shown = format!("{request:?}");
    assert!(!shown.contains("hunter2"), "{shown}");
    assert!(shown.contains("auth_bytes: hidden"), "{shown}");
}
