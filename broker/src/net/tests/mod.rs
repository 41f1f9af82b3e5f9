//! Connections over real sockets, against a handler that does what the request's client id says.

mod hostile;
mod serving;

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use taffrail_protocol::header::encode_request;
use taffrail_protocol::messages::{ApiVersionsRequest, RequestHeader};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::runtime::Handle;
use tokio::sync::Notify;

use super::{BoundListener, ConnectionState, Handler, Network, Outcome};
use crate::config::{Properties, ServerConfig};
use crate::telemetry::Metrics;

/// Longer than any test waits for what does happen; only a bug reaches it.
const FOREVER: Duration = Duration::from_secs(60);

/// Does what the client id says, and echoes the body's length otherwise.
#[derive(Default)]
struct Scripted {
    entered: Notify,
    gate: Notify,
}

impl Handler for Scripted {
    async fn handle(
        &self,
        connection: &mut ConnectionState,
        header: RequestHeader,
        body: Bytes,
    ) -> Outcome {
        assert_eq!(connection.context.client_id, header.client_id);
        match header.client_id.as_deref() {
            Some("park") => {
                self.entered.notify_one();
                self.gate.notified().await;
                reply(header.correlation_id, &[])
            }
            Some("silent") => Outcome::NoReply,
            Some("close") => Outcome::Close("as asked".to_owned()),
            Some("panic") => panic!("as asked"),
            Some("large") => {
                let megabyte = Bytes::from(vec![7; 1 << 20]);
                reply(header.correlation_id, &vec![megabyte; 100])
            }
            _ => {
                let length = u32::try_from(body.len()).unwrap();
                let length = Bytes::copy_from_slice(&length.to_be_bytes());
                reply(header.correlation_id, &[length])
            }
        }
    }
}

fn reply(correlation_id: i32, parts: &[Bytes]) -> Outcome {
    let length = parts.iter().map(Bytes::len).sum::<usize>() + 4;
    let mut head = u32::try_from(length).unwrap().to_be_bytes().to_vec();
    head.extend_from_slice(&correlation_id.to_be_bytes());
    let mut frame = vec![Bytes::from(head)];
    frame.extend_from_slice(parts);
    Outcome::Reply(frame)
}

/// One listener on a free port.
struct Server {
    network: Arc<Network>,
    handler: Arc<Scripted>,
    metrics: Arc<Metrics>,
    bound: std::net::SocketAddr,
}

impl Server {
    fn start(more: &[(&str, &str)]) -> Self {
        let mut properties: Properties = [
            ("process.roles", "broker"),
            ("node.id", "1"),
            ("controller.quorum.bootstrap.servers", "h:1"),
            ("controller.listener.names", "CONTROLLER"),
            ("listeners", "PLAINTEXT://127.0.0.1:0"),
        ]
        .into_iter()
        .collect();
        for (key, value) in more {
            properties.set(key, value);
        }
        let config = ServerConfig::resolve(properties).unwrap();
        let metrics = Arc::new(Metrics::new());
        let network = Arc::new(Network::new(config.limits.clone(), Arc::clone(&metrics)));
        let listener = &config.listeners.bound[0];
        let bound = BoundListener::bind(listener, &config.limits).unwrap();
        let address = bound.local_addr;
        let handler = Arc::new(Scripted::default());
        network.serve(bound, &handler, &Handle::current()).unwrap();
        Self { network, handler, metrics, bound: address }
    }

    async fn connect(&self) -> Client {
        Client(TcpStream::connect(self.bound).await.unwrap())
    }

    fn metric(&self, line: &str) -> bool {
        self.metrics.encode().unwrap().lines().any(|l| l == line)
    }
}

/// A client that speaks frames.
struct Client(TcpStream);

impl Client {
    /// A request with this client id, and more bytes at its end.
    async fn send(&mut self, correlation_id: i32, client_id: &str, more: usize) {
        self.send_bytes(&request(correlation_id, client_id, more)).await;
    }

    async fn send_bytes(&mut self, bytes: &[u8]) {
        self.0.write_all(bytes).await.unwrap();
    }

    /// The next reply: its correlation id and its length without it.
    async fn receive(&mut self) -> (i32, Vec<u8>) {
        tokio::time::timeout(FOREVER, async {
            let length = self.0.read_u32().await.unwrap() as usize;
            let correlation_id = self.0.read_i32().await.unwrap();
            let mut body = vec![0; length - 4];
            self.0.read_exact(&mut body).await.unwrap();
            (correlation_id, body)
        })
        .await
        .unwrap()
    }

    /// Whether the server closes the connection without another byte.
    async fn expect_closed(&mut self) {
        let mut rest = Vec::new();
        let read = tokio::time::timeout(FOREVER, self.0.read_to_end(&mut rest)).await;
        match read.expect("the server closes the connection") {
            // A reset is a close too: bytes that the server never read lie in its socket.
            Ok(_) => assert!(rest.is_empty(), "{} bytes came", rest.len()),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
        }
    }
}

fn request(correlation_id: i32, client_id: &str, more: usize) -> Vec<u8> {
    let request = ApiVersionsRequest::default();
    let parts = encode_request(correlation_id, Some(client_id), 0, &request).unwrap();
    let mut frame = parts.concat();
    frame.resize(frame.len() + more, 0xab);
    let length = u32::try_from(frame.len() - 4).unwrap();
    frame[..4].copy_from_slice(&length.to_be_bytes());
    frame
}
