//! What everybody else sees: a closed connection, and nothing happens to the others.

use super::*;

/// Sends bytes, expects a close for that cause, and that another connection is still served.
async fn check_refused(more: &[(&str, &str)], bytes: &[u8], reason: &str) {
    let server = Server::start(more);
    let mut bystander = server.connect().await;
    let mut client = server.connect().await;
    client.send_bytes(bytes).await;
    bystander.send(1, "echo", 0).await;
    assert_eq!(bystander.receive().await.0, 1);
    client.expect_closed().await;
    bystander.send(2, "echo", 0).await;
    assert_eq!(bystander.receive().await.0, 2);
    assert!(
        server.metric(&format!(
            "kafka_server_socketservermetrics_connection_refused_total{{listener=\"PLAINTEXT\",reason=\"{reason}\"}} 1"
        )),
        "{reason}: {}",
        server.metrics.encode().unwrap()
    );
    assert!(server.metric("kafka_server_socketservermetrics_request_memory_bytes 0"));
}

#[tokio::test]
async fn lengths_that_no_request_has() {
    let with_length = |length: i32| length.to_be_bytes();
    for length in [i32::MIN, -1, 0, 7] {
        check_refused(&[], &with_length(length), "frame_too_short").await;
    }
    for length in [(100 << 20) + 1, i32::MAX] {
        check_refused(&[], &with_length(length), "frame_too_long").await;
    }
    check_refused(&[], b"GET / HTTP/1.1\r\n\r\n", "frame_too_long").await;
    check_refused(&[], &[0x16, 3, 1, 2, 0, 1, 0, 1], "frame_too_long").await;
}

#[tokio::test]
async fn headers_that_are_none() {
    let unknown_api = [0, 0, 0, 10, 0x7f, 0xff, 0, 0, 0, 0, 0, 1, 0, 0];
    check_refused(&[], &unknown_api, "malformed_header").await;
    let lying_client_id = [0, 0, 0, 10, 0, 18, 0, 0, 0, 0, 0, 1, 0x7f, 0xff];
    check_refused(&[], &lying_client_id, "malformed_header").await;
}

#[tokio::test]
async fn half_a_frame_and_silence() {
    let stall = &[("taffrail.frame.timeout.ms", "50")];
    check_refused(stall, &[0, 0], "stalled").await;
    check_refused(stall, &request(1, "echo", 100_000)[..50_000], "stalled").await;
    check_refused(stall, &(100_i32 << 20).to_be_bytes(), "stalled").await;
}

#[tokio::test]
async fn silence_between_frames() {
    let server = Server::start(&[("connections.max.idle.ms", "20")]);
    server.connect().await.expect_closed().await;
    assert!(server.metric(
        "kafka_server_socketservermetrics_connection_refused_total{listener=\"PLAINTEXT\",reason=\"idle\"} 1"
    ));
}

#[tokio::test]
async fn a_peer_that_does_not_read_its_reply() {
    let server = Server::start(&[("taffrail.frame.timeout.ms", "50")]);
    let mut client = server.connect().await;
    client.send(1, "large", 0).await;
    let line = "kafka_server_socketservermetrics_connection_refused_total\
                {listener=\"PLAINTEXT\",reason=\"stalled_reply\"} 1";
    while !server.metric(line) {
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
}

#[tokio::test]
async fn a_handler_that_refuses_or_panics_ends_its_connection_alone() {
    check_refused(&[], &request(1, "close", 0), "request_refused").await;
    check_refused(&[], &request(1, "panic", 0), "panic").await;
}

#[tokio::test]
async fn connections_beyond_the_limit() {
    let server = Server::start(&[("max.connections.per.ip", "1")]);
    let mut first = server.connect().await;
    first.send(1, "echo", 0).await;
    assert_eq!(first.receive().await.0, 1);
    server.connect().await.expect_closed().await;
    drop(first);
    // The place is free as soon as the server has seen the first one go.
    loop {
        let mut next = server.connect().await;
        next.0.write_all(&request(2, "echo", 0)).await.ok();
        if next.0.read_u32().await.is_ok() {
            break;
        }
    }
}

#[tokio::test]
async fn announced_lengths_cost_no_memory() {
    let server = Server::start(&[]);
    let mut clients = Vec::new();
    for _ in 0..50 {
        let mut client = server.connect().await;
        client.send_bytes(&(100_i32 << 20).to_be_bytes()).await;
        clients.push(client);
    }
    let mut bystander = server.connect().await;
    bystander.send(1, "echo", 0).await;
    bystander.receive().await;
    let held = server.metrics.request_memory_bytes.get();
    assert!(held <= 50 * 64 * 1024, "{held} bytes for announcements");
}
