//! The bytes of a frame, without its size: a header and a request. What is read must be written to bytes
//! that are read and written the same.

#![no_main]

use bytes::Bytes;
use libfuzzer_sys::fuzz_target;
use taffrail_protocol::catalogue::Entry;
use taffrail_protocol::header::decode_request_header;
use taffrail_protocol::wire::Decoder;
use taffrail_protocol::{ApiKey, Message};

fuzz_target!(|data: &[u8]| {
    let mut decoder = Decoder::new(Bytes::copy_from_slice(data));
    let Ok(header) = decode_request_header(&mut decoder) else {
        return;
    };
    let key = ApiKey::from_code(header.request_api_key).expect("the header's version came from it");
    let version = header.request_api_version;

    let mut encoder = taffrail_protocol::wire::Encoder::new();
    let header_version = key.request_header_version(version);
    header.encode(&mut encoder, header_version).expect("a header that was read can be written");
    let mut again = Decoder::new(encoder.into_bytes());
    let header_again = Message::decode(&mut again, header_version);
    assert_eq!(header_again, Ok(header));

    let name = format!("{}Request", key.name());
    let entry = Entry::named(&name).expect("every request is in the catalogue");
    let Ok(first) = entry.rewrite(decoder.rest(), version) else {
        return;
    };
    let encoded = first.encoded.expect("a request that was read can be written");
    let second =
        entry.rewrite(encoded.clone(), version).expect("a request that was written can be read");
    assert_eq!(second.left_over, 0);
    assert_eq!(second.encoded, Ok(encoded));
});
