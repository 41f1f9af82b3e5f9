//! A node as Kubernetes and an operator meet it: formatted at its first start, probed over HTTP, asked over gRPC.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test of real processes reads files, and what fails in it fails the test"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};
use taffrail_admin_api::REQUEST_BYTES_MAX;
use taffrail_admin_api::v1::node_client::NodeClient;
use taffrail_admin_api::v1::{
    GetHealthRequest, GetLoadRequest, GetLoadResponse, GetRecoveryRequest, LogDirState, Phase, Role,
};
use tonic::Code;
use tonic::transport::{Channel, Endpoint};

const BINARY: &str = env!("CARGO_BIN_EXE_taffrail");
const CLUSTER: &str = "AAAAAAAAAAAAAAAAAAAAAQ";

/// A directory with a configuration like that of a pod: several listeners on every interface, a controller that is
/// found by a name that nobody resolves yet, log dirs on volumes.
struct Pod {
    root: tempfile::TempDir,
}

impl Pod {
    fn new() -> Self {
        let pod = Self { root: tempfile::tempdir().unwrap() };
        for volume in ["data-0", "data-1"] {
            std::fs::create_dir_all(pod.path(volume).join("lost+found")).unwrap();
        }
        let properties = format!(
            "node.id=3
process.roles=broker,controller
controller.quorum.voters=3@orders-nodes-3-0.orders-nodes.nowhere.invalid:9090
controller.listener.names=CONTROLLER
listeners=CONTROLLER://0.0.0.0:0,REPLICATION://0.0.0.0:0,INTERNAL://0.0.0.0:0
advertised.listeners=REPLICATION://127.0.0.1:0,INTERNAL://127.0.0.1:0
listener.security.protocol.map=CONTROLLER:PLAINTEXT,REPLICATION:PLAINTEXT,INTERNAL:PLAINTEXT
inter.broker.listener.name=REPLICATION
log.dirs={0}/data-0/log,{0}/data-1/log
metadata.log.dir={0}/data-0/log
offsets.topic.replication.factor=1
taffrail.http.listen=127.0.0.1:0
taffrail.grpc.listen=127.0.0.1:0
",
            pod.root.path().display()
        );
        std::fs::write(pod.path("server.properties"), properties).unwrap();
        pod
    }

    fn path(&self, name: &str) -> PathBuf {
        self.root.path().join(name)
    }

    fn server(&self, cluster_id: &str, more: &[&str]) -> Command {
        let mut command = Command::new(BINARY);
        command
            .args(["server", "--log-format", "json", "--config"])
            .arg(self.path("server.properties"))
            .args(["--cluster-id", cluster_id])
            .args(more)
            .env_remove("TAFFRAIL_LOG_LEVEL")
            .env_remove("TAFFRAIL_LOG_FORMAT")
            .stdout(Stdio::null());
        command
    }

    fn start(&self) -> Node {
        Node::start(&mut self.server(CLUSTER, &["--format-empty"]))
    }

    fn check_refused(&self, cluster_id: &str, more: &[&str], part: &str) {
        let output = self.server(cluster_id, more).output().unwrap();
        let text = String::from_utf8_lossy(&output.stderr);
        assert!(!output.status.success() && text.contains(part), "'{part}' is not in:\n{text}");
        assert!(!text.contains("panicked"), "{text}");
    }

    fn is_formatted(&self, volume: &str) -> bool {
        self.path(volume).join("log/meta.properties").exists()
    }
}

/// A node that runs until it is told to stop, or the test ends.
struct Node {
    process: Running,
    http: SocketAddr,
    grpc: SocketAddr,
    internal: SocketAddr,
    log: BufReader<ChildStderr>,
}

impl Node {
    fn start(command: &mut Command) -> Self {
        let mut process = Running(command.stderr(Stdio::piped()).spawn().unwrap());
        let mut log = BufReader::new(process.0.stderr.take().unwrap());
        let mut internal = None;
        let mut all = String::new();
        loop {
            let mut line = String::new();
            assert_ne!(log.read_line(&mut line).unwrap(), 0, "not ready:\n{all}");
            all.push_str(&line);
            if line.contains("\"message\":\"listening\"") && line.contains("\"INTERNAL\"") {
                internal = Some(field(&line, "address"));
            }
            if line.contains("\"message\":\"ready\"") {
                let mut internal: SocketAddr = internal.unwrap();
                internal.set_ip([127, 0, 0, 1].into());
                let (http, grpc) = (field(&line, "http"), field(&line, "grpc"));
                return Self { process, http, grpc, internal, log };
            }
        }
    }

    fn get(&self, path: &str) -> String {
        let mut stream = TcpStream::connect(self.http).unwrap();
        stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
        write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
        let mut answer = String::new();
        stream.read_to_string(&mut answer).unwrap();
        answer
    }

    async fn client(&self) -> NodeClient<Channel> {
        let endpoint = Endpoint::from_shared(format!("http://{}", self.grpc)).unwrap();
        NodeClient::new(endpoint.connect().await.unwrap())
    }

    fn run(&self, args: &[&str], input: &str) {
        let mut command = Command::new(BINARY);
        command.args(args).args(["--bootstrap", &self.internal.to_string()]);
        let mut process = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().unwrap();
        process.stdin.take().unwrap().write_all(input.as_bytes()).unwrap();
        let output = process.wait_with_output().unwrap();
        assert!(output.status.success(), "{args:?}: {output:?}");
    }

    /// Ends it in good order, and returns what it logged after it was ready.
    fn stop(mut self) -> String {
        kill_process(Pid::from_child(&self.process.0), Signal::TERM).unwrap();
        let mut log = String::new();
        self.log.read_to_string(&mut log).unwrap();
        let status = self.process.0.wait().unwrap();
        assert!(status.success(), "{status}\n{log}");
        log
    }
}

/// A process that doesn't outlive its test.
struct Running(Child);

impl Drop for Running {
    fn drop(&mut self) {
        // Both fail when it has ended already, which is as well.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

fn field<T: std::str::FromStr>(line: &str, name: &str) -> T {
    let (_, rest) = line.split_once(&format!("\"{name}\":\"")).unwrap();
    let (value, _) = rest.split_once('"').unwrap();
    value.parse().ok().unwrap()
}

async fn load(client: &mut NodeClient<Channel>, request: GetLoadRequest) -> Vec<GetLoadResponse> {
    let mut stream = client.get_load(request).await.unwrap().into_inner();
    let mut messages = Vec::new();
    while let Some(message) = stream.message().await.unwrap() {
        messages.push(message);
    }
    messages
}

#[test]
fn empty_volumes_are_formatted_and_foreign_ones_never() {
    let pod = Pod::new();
    pod.check_refused(CLUSTER, &[], "is not formatted");
    let foreign = pod.path("data-1").join("log/orders-0");
    std::fs::create_dir_all(&foreign).unwrap();
    pod.check_refused(CLUSTER, &["--format-empty"], "holds 'orders-0'");
    assert!(!pod.is_formatted("data-0") && !pod.is_formatted("data-1"));
    std::fs::remove_dir(&foreign).unwrap();

    pod.start().stop();
    assert!(pod.is_formatted("data-0") && pod.is_formatted("data-1"));
    let other = "BAAAAAAAAAAAAAAAAAAAAQ";
    pod.check_refused(other, &["--format-empty"], "belongs to cluster");
    pod.check_refused(other, &[], "belongs to cluster");
    let renumbered = ["--override", "node.id=4", "--override", "controller.quorum.voters=4@a:1"];
    pod.check_refused(CLUSTER, &renumbered, "belongs to node 3, and node.id is 4");

    // A directory that lost its meta.properties is no empty one.
    let lost = pod.path("data-1").join("log/meta.properties");
    std::fs::remove_file(&lost).unwrap();
    pod.check_refused(CLUSTER, &["--format-empty"], "and is no data directory");
    // The process was killed between the volumes.
    std::fs::remove_dir_all(pod.path("data-1").join("log")).unwrap();
    pod.start().stop();
    assert!(pod.is_formatted("data-1"));
    // The volume with the metadata was lost.
    std::fs::remove_dir_all(pod.path("data-0").join("log")).unwrap();
    pod.check_refused(CLUSTER, &["--format-empty"], "metadata that its logs belong to is missing");
}

#[test]
fn probes_answer_what_they_are_for() {
    let pod = Pod::new();
    let node = pod.start();
    for (path, part) in [
        ("/startupz", "\"phase\":\"ready\",\"logs_total\":0"),
        ("/healthz", "ok\n"),
        ("/readyz", "ready\n"),
        ("/metrics", "kafka_controller_kafkacontroller_activecontrollercount 1\n"),
        ("/metrics", "taffrail_limits_memory_bytes{share=\"requests\"}"),
    ] {
        let answer = node.get(path);
        assert!(answer.starts_with("HTTP/1.1 200") && answer.contains(part), "{path}: {answer}");
    }
    let log = node.stop();
    assert!(log.contains("shutting down"), "{log}");
}

#[tokio::test]
async fn an_operator_asks_over_grpc() {
    let pod = Pod::new();
    let node = pod.start();
    node.run(&["topic", "create", "orders", "--partitions", "3"], "");
    node.run(&["produce", "--topic", "orders"], "one\ntwo\nthree\n");
    node.run(&["consume", "--topic", "orders", "--from-beginning", "--max-messages", "3"], "");
    let mut client = node.client().await;

    let health = client.get_health(GetHealthRequest {}).await.unwrap().into_inner();
    assert_eq!((health.node_id, health.cluster_id.as_deref()), (3, Some(CLUSTER)));
    assert_eq!(health.phase(), Phase::Ready);
    assert!(!health.fenced && health.is_active_controller);
    assert!(health.broker_epoch.is_some_and(|epoch| epoch >= 0));
    assert_eq!(health.roles().collect::<Vec<_>>(), [Role::Broker, Role::Controller]);
    let names: Vec<_> =
        health.listeners.iter().map(|l| (l.name.as_str(), l.is_controller)).collect();
    assert_eq!(names, [("CONTROLLER", true), ("REPLICATION", false), ("INTERNAL", false)]);
    assert_eq!(health.log_dirs.len(), 2);
    assert!(health.log_dirs[0].holds_metadata && !health.log_dirs[1].holds_metadata);
    for dir in &health.log_dirs {
        assert_eq!(dir.state(), LogDirState::Online);
        assert!(Path::new(&dir.path).starts_with(pod.root.path()) && dir.directory_id.is_some());
        assert!(dir.total_bytes >= dir.usable_bytes && dir.total_bytes.is_some());
    }

    let recovery = client.get_recovery(GetRecoveryRequest {}).await.unwrap().into_inner();
    assert!(recovery.is_complete && recovery.current_logs.is_empty());

    let messages = load(&mut client, GetLoadRequest::default()).await;
    let [totals, partitions] = messages.as_slice() else { panic!("{messages:?}") };
    let totals = totals.node.as_ref().unwrap();
    assert_eq!((totals.partitions, totals.leaders), (3, 3));
    assert_eq!(totals.cumulative_in_records, 3);
    assert!(totals.resident_memory_bytes > 0);
    let sum = |of: fn(&taffrail_admin_api::v1::PartitionLoad) -> u64| {
        partitions.partitions.iter().map(of).sum::<u64>()
    };
    assert_eq!(sum(|p| p.log_size_bytes), totals.log_size_bytes);
    assert_eq!(sum(|p| p.cumulative_in_bytes), totals.cumulative_in_bytes);
    assert_eq!(sum(|p| p.cumulative_out_bytes), totals.cumulative_out_bytes);
    assert_eq!(sum(|p| p.cumulative_in_records), 3);
    assert!(totals.cumulative_out_bytes > 0 && totals.log_size_bytes > 0);
    assert!(partitions.partitions.iter().all(|p| p.topic_name == "orders" && p.is_leader));

    let one_topic = vec![partitions.partitions[0].topic_id.clone()];
    let messages =
        load(&mut client, GetLoadRequest { topic_ids: one_topic, ..Default::default() }).await;
    assert_eq!(messages[1].partitions.len(), 3);
    let totals_only = GetLoadRequest { totals_only: true, ..Default::default() };
    assert_eq!(load(&mut client, totals_only).await.len(), 1);
    node.stop();

    // What was produced is opened, and counted, at the next start.
    let node = pod.start();
    let mut client = node.client().await;
    let recovery = client.get_recovery(GetRecoveryRequest {}).await.unwrap().into_inner();
    assert_eq!((recovery.total_logs, recovery.recovered_logs), (Some(3), 3));
    assert!(recovery.is_complete && recovery.recovered_bytes > 0);
}

#[tokio::test]
async fn hostile_questions_are_refused() {
    let pod = Pod::new();
    let node = pod.start();
    let mut client = node.client().await;
    let mut refused = async |topic_ids: Vec<String>| {
        let request = GetLoadRequest { topic_ids, ..Default::default() };
        client.get_load(request).await.err().unwrap().code()
    };
    assert_eq!(refused(vec!["x".repeat(REQUEST_BYTES_MAX)]).await, Code::OutOfRange);
    assert_eq!(refused(vec![String::new(); 1001]).await, Code::InvalidArgument);
    assert_eq!(refused(vec!["no id".to_owned()]).await, Code::InvalidArgument);
    // What isn't HTTP/2 at all is closed.
    let mut stream = TcpStream::connect(node.grpc).unwrap();
    stream.write_all(&[0xff; 4096]).unwrap();
    let mut answer = Vec::new();
    // Reset or closed, as the system has it.
    let _ = stream.read_to_end(&mut answer);
    assert_eq!(client.get_health(GetHealthRequest {}).await.unwrap().into_inner().node_id, 3);
    node.stop();
}
