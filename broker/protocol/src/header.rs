//! Frames: the headers before requests and responses, and the size before those.

use bytes::Bytes;

use crate::messages::{RequestHeader, ResponseHeader};
use crate::wire::{DecodeError, DecodeErrorKind, Decoder, EncodeError, Encoder};
use crate::{ApiKey, Message, Request};

/// Reads the header of a request; the request's body follows. Its version is found from the key and
/// version at its start, whether or not that version of the request exists.
///
/// # Errors
/// When the key is unknown ([`DecodeErrorKind::UnknownType`]), or the bytes aren't a header.
pub fn decode_request_header(decoder: &mut Decoder) -> Result<RequestHeader, DecodeError> {
    let mut ahead = decoder.clone();
    ahead.at("RequestHeader.request_api_key");
    let code = ahead.int16()?;
    let version = ahead.int16()?;
    let key = ApiKey::from_code(code)
        .ok_or_else(|| ahead.error(DecodeErrorKind::UnknownType(code.into())))?;
    RequestHeader::decode(decoder, key.request_header_version(version))
}

/// A whole request, ready to be sent: its size, header and body.
///
/// # Errors
/// When the body has no form in that version.
pub fn encode_request<R: Request>(
    correlation_id: i32,
    client_id: Option<&str>,
    version: i16,
    request: &R,
) -> Result<Vec<Bytes>, EncodeError> {
    let header = RequestHeader {
        request_api_key: R::KEY.code(),
        request_api_version: version,
        correlation_id,
        client_id: client_id.map(str::to_owned),
        ..RequestHeader::default()
    };
    let mut encoder = Encoder::framed();
    header.encode(&mut encoder, R::KEY.request_header_version(version))?;
    request.encode(&mut encoder, version)?;
    encoder.finish_frame()
}

/// A whole response, ready to be sent: its size, header and body.
///
/// # Errors
/// When the body has no form in that version.
pub fn encode_response(
    correlation_id: i32,
    key: ApiKey,
    version: i16,
    response: &impl Message,
) -> Result<Vec<Bytes>, EncodeError> {
    let header = ResponseHeader { correlation_id, ..ResponseHeader::default() };
    let mut encoder = Encoder::framed();
    header.encode(&mut encoder, key.response_header_version(version))?;
    response.encode(&mut encoder, version)?;
    encoder.finish_frame()
}

/// Reads the response to a request, header and body, from a frame without its size.
///
/// # Errors
/// When the bytes aren't such a response, or some are left over.
pub fn decode_response<R: Request>(
    frame: Bytes,
    version: i16,
) -> Result<(ResponseHeader, R::Response), DecodeError> {
    let mut decoder = Decoder::new(frame);
    let header = ResponseHeader::decode(&mut decoder, R::KEY.response_header_version(version))?;
    let response = R::Response::decode(&mut decoder, version)?;
    decoder.finish()?;
    Ok((header, response))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::messages::{
        ApiVersionsRequest, ApiVersionsResponse, FetchRequest, FetchResponse, fetch_response,
    };
    use crate::wire::Records;

    fn joined(chunks: &[Bytes]) -> Vec<u8> {
        chunks.concat()
    }

    #[test]
    fn a_request_comes_back_through_its_header() {
        let request = FetchRequest { max_wait_ms: 500, ..FetchRequest::default() };
        for version in [4, 11, 12, 18] {
            let frame = joined(&encode_request(7, Some("me"), version, &request).unwrap());
            let (size, rest) = frame.split_first_chunk::<4>().unwrap();
            assert_eq!(i32::from_be_bytes(*size) as usize, rest.len());
            let mut decoder = Decoder::new(Bytes::copy_from_slice(rest));
            let header = decode_request_header(&mut decoder).unwrap();
            assert_eq!(header.request_api_key, ApiKey::Fetch.code());
            assert_eq!(header.request_api_version, version);
            assert_eq!(header.correlation_id, 7);
            assert_eq!(header.client_id.as_deref(), Some("me"));
            assert_eq!(FetchRequest::decode(&mut decoder, version), Ok(request.clone()));
            assert_eq!(decoder.finish(), Ok(()));
        }
    }

    #[test]
    fn an_unknown_key_is_an_error() {
        let mut decoder = Decoder::new(Bytes::from_static(&[3, 231, 0, 0, 0, 0, 0, 1, 0, 0]));
        let error = decode_request_header(&mut decoder).unwrap_err();
        assert_eq!(error.kind, DecodeErrorKind::UnknownType(999));
    }

    #[test]
    fn the_header_of_a_version_that_does_not_exist_is_read() {
        let frame = [0, 18, 0, 99, 0, 0, 0, 5, 255, 255, 0];
        let mut decoder = Decoder::new(Bytes::copy_from_slice(&frame));
        let header = decode_request_header(&mut decoder).unwrap();
        assert_eq!(header.correlation_id, 5);
        assert!(ApiVersionsRequest::decode(&mut decoder, 99).is_err());
    }

    #[test]
    fn the_api_versions_response_has_the_oldest_header() {
        let response = ApiVersionsResponse::default();
        let frame = joined(&encode_response(9, ApiKey::ApiVersions, 4, &response).unwrap());
        let frame = Bytes::from(frame).slice(4..);
        let (header, decoded) = decode_response::<ApiVersionsRequest>(frame, 4).unwrap();
        assert_eq!(header.correlation_id, 9);
        assert_eq!(decoded, response);
    }

    #[test]
    fn records_travel_without_a_copy() {
        let data = Bytes::from(vec![1; 100]);
        let response = FetchResponse {
            responses: vec![fetch_response::FetchableTopicResponse {
                partitions: vec![fetch_response::PartitionData {
                    records: Some(Records::from(data.clone())),
                    ..Default::default()
                }],
                ..Default::default()
            }],
            ..Default::default()
        };
        let chunks = encode_response(1, ApiKey::Fetch, 16, &response).unwrap();
        assert_eq!(chunks.len(), 3);
        assert_eq!(chunks[1].as_ptr(), data.as_ptr());
        let frame = Bytes::from(joined(&chunks)).slice(4..);
        let (_, decoded) = decode_response::<FetchRequest>(frame, 16).unwrap();
        assert_eq!(decoded, response);
    }
}
