//! What well-behaved clients see.

use super::*;

#[tokio::test]
async fn requests_of_every_size_are_answered_in_order() {
    let server = Server::start(&[]);
    let mut client = server.connect().await;
    let sizes = [0, 1, 4_000, 4_096, 5_000, 65_536, 70_000, 300_000, 5_000_000];
    for (id, size) in (0..).zip(sizes) {
        client.send(id, "echo", size).await;
        let length = u32::try_from(size).unwrap().to_be_bytes().to_vec();
        assert_eq!(client.receive().await, (id, length));
    }
    assert!(server.metric(
        "kafka_network_requestmetrics_requests_total{listener=\"PLAINTEXT\",request=\"ApiVersions\"} 9"
    ));
    assert!(server.metric("kafka_server_socketservermetrics_request_memory_bytes 0"));
}

#[tokio::test]
async fn pipelined_requests_are_answered_one_after_the_other() {
    let server = Server::start(&[]);
    let mut client = server.connect().await;
    let mut bytes = Vec::new();
    for id in 0..100 {
        bytes.extend(request(id, "echo", id as usize * 100));
    }
    client.send_bytes(&bytes).await;
    for id in 0..100u32 {
        let (got, body) = client.receive().await;
        assert_eq!((got, body), (id as i32, (id * 100).to_be_bytes().to_vec()));
    }
}

#[tokio::test]
async fn a_request_in_single_bytes_is_one_request() {
    let server = Server::start(&[]);
    let mut client = server.connect().await;
    client.0.set_nodelay(true).unwrap();
    for byte in request(5, "echo", 3) {
        client.send_bytes(&[byte]).await;
        tokio::task::yield_now().await;
    }
    assert_eq!(client.receive().await.0, 5);
}

#[tokio::test]
async fn a_request_without_reply_lets_the_next_go_on() {
    let server = Server::start(&[]);
    let mut client = server.connect().await;
    client.send(1, "silent", 0).await;
    client.send(2, "echo", 0).await;
    assert_eq!(client.receive().await.0, 2);
}

#[tokio::test]
async fn a_reply_of_many_parts_arrives_whole() {
    let server = Server::start(&[]);
    let mut client = server.connect().await;
    client.send(1, "large", 0).await;
    let (id, body) = client.receive().await;
    assert_eq!((id, body.len()), (1, 100 << 20));
    assert!(body.iter().all(|&byte| byte == 7));
}

#[tokio::test]
async fn a_shutdown_lets_requests_in_flight_end() {
    let server = Server::start(&[]);
    let mut idle = server.connect().await;
    idle.send(1, "echo", 0).await;
    idle.receive().await;
    let mut busy = server.connect().await;
    busy.send(2, "park", 0).await;
    server.handler.entered.notified().await;

    let network = Arc::clone(&server.network);
    let shutdown = tokio::spawn(async move { network.shutdown(FOREVER).await });
    idle.expect_closed().await;
    server.handler.gate.notify_one();
    assert_eq!(busy.receive().await.0, 2);
    busy.expect_closed().await;
    assert_eq!(shutdown.await.unwrap(), 0);
    assert!(TcpStream::connect(server.bound).await.is_err());
}

#[tokio::test]
async fn a_shutdown_ends_at_its_deadline() {
    let server = Server::start(&[]);
    let mut client = server.connect().await;
    client.send(1, "park", 0).await;
    server.handler.entered.notified().await;
    assert_eq!(server.network.shutdown(Duration::from_millis(10)).await, 1);
    client.expect_closed().await;
}

#[tokio::test]
async fn requests_wait_for_memory_and_then_go_on() {
    let server = Server::start(&[
        ("socket.request.max.bytes", "100000"),
        ("queued.max.request.bytes", "100000"),
    ]);
    // One holds most of the budget, one the overdraft; the third waits until either is answered.
    let mut parked = Vec::new();
    for id in 0..2 {
        let mut client = server.connect().await;
        client.send(id, "park", 90_000).await;
        server.handler.entered.notified().await;
        parked.push(client);
    }
    let mut waiting = server.connect().await;
    waiting.send(9, "echo", 90_000).await;
    server.handler.gate.notify_one();
    server.handler.gate.notify_one();
    assert_eq!(waiting.receive().await.0, 9);
    for (id, client) in (0..).zip(&mut parked) {
        assert_eq!(client.receive().await.0, id);
    }
}
