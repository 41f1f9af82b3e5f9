//! The binary as somebody at a terminal meets it: help, mistakes, and a node's way from format to stop.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    clippy::unwrap_used,
    reason = "a test of real processes reads files, and what fails in it fails the test"
)]

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

const BINARY: &str = env!("CARGO_BIN_EXE_taffrail");

fn taffrail(args: &[&str]) -> Command {
    let mut command = Command::new(BINARY);
    command.args(args).env_remove("TAFFRAIL_LOG_LEVEL").env_remove("TAFFRAIL_LOG_FORMAT");
    command
}

fn run(args: &[&str]) -> Output {
    taffrail(args).output().unwrap()
}

/// Runs to the end, which has to be a failure with all these in its message.
fn check_error(args: &[&str], parts: &[&str]) {
    let output = run(args);
    let text = String::from_utf8_lossy(&output.stderr);
    assert!(!output.status.success(), "{args:?} succeeded");
    for part in parts {
        assert!(text.contains(part), "{args:?}: '{part}' is not in:\n{text}");
    }
    assert!(!text.contains("panicked"), "{text}");
}

fn stdout(output: &Output) -> String {
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// A port that is free now; somebody else may take it, but nobody here does.
fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port()
}

/// A node that runs until it is told to stop, or the test ends.
struct Node {
    process: Child,
    lines: BufReader<Box<dyn Read + Send>>,
}

impl Node {
    /// Starts one and reads its standard output, or else its log, until a line has `ready` in it.
    fn start(args: &[&str], ready: &str, from_log: bool) -> Self {
        let mut command = taffrail(args);
        if from_log {
            command.stdout(Stdio::null()).stderr(Stdio::piped());
        } else {
            command.stdout(Stdio::piped()).stderr(Stdio::inherit());
        }
        let mut process = command.spawn().unwrap();
        let output: Box<dyn Read + Send> = match (process.stdout.take(), process.stderr.take()) {
            (Some(stdout), _) => Box::new(stdout),
            (None, Some(stderr)) => Box::new(stderr),
            (None, None) => unreachable!("one of them is piped"),
        };
        let mut node = Self { process, lines: BufReader::new(output) };
        node.read_until(ready);
        node
    }

    /// Reads on up to a line with `part` in it, and returns that.
    fn read_until(&mut self, part: &str) -> String {
        let mut all = String::new();
        loop {
            let mut line = String::new();
            assert_ne!(self.lines.read_line(&mut line).unwrap(), 0, "no '{part}' in:\n{all}");
            if line.contains(part) {
                return line;
            }
            all.push_str(&line);
        }
    }

    fn stop(mut self) {
        let pid = Pid::from_child(&self.process);
        kill_process(pid, Signal::TERM).unwrap();
        let status = self.process.wait().unwrap();
        assert!(status.success(), "{status}");
    }
}

impl Drop for Node {
    fn drop(&mut self) {
        // Both fail when it has ended already, which is as well.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn http_get(address: SocketAddr, path: &str) -> String {
    let mut stream = TcpStream::connect(address).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(60))).unwrap();
    write!(stream, "GET {path} HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").unwrap();
    let mut answer = String::new();
    stream.read_to_string(&mut answer).unwrap();
    answer
}

fn text(path: &Path) -> &str {
    path.to_str().unwrap()
}

#[test]
fn a_bare_call_prints_help() {
    let help = stdout(&run(&[]));
    for command in ["dev", "server", "storage", "topic", "produce", "consume", "group", "version"] {
        assert!(help.contains(&format!("\n  {command} ")), "{command} is not in:\n{help}");
    }
    assert!(stdout(&run(&["version"])).starts_with("taffrail "));
}

#[test]
fn random_ids_differ() {
    let [a, b] = [(); 2].map(|()| stdout(&run(&["storage", "random-uuid"])));
    assert_eq!(a.trim().len(), 22);
    assert_ne!(a, b);
}

#[test]
fn mistakes_in_a_configuration_are_named() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("server.properties");
    check_error(&["server", "--config", text(&file)], &["server.properties can't be read"]);
    std::fs::write(&file, "node.id=one\nnum.io.threads=0\n").unwrap();
    check_error(
        &["server", "--config", text(&file)],
        &["server.properties can't be used", "node.id", "num.io.threads"],
    );
    check_error(
        &["server", "--config", text(&file), "--override", "node.id"],
        &["override 'node.id' is not of the form key=value"],
    );
    check_error(&["version", "--log-level", "loud"], &["'loud' is not a log level"]);
}

#[test]
fn a_node_is_formatted_started_and_stopped() {
    let dir = tempfile::tempdir().unwrap();
    let (data, file) = (dir.path().join("data"), dir.path().join("server.properties"));
    let controller = free_port();
    let properties = format!(
        "process.roles=broker,controller
node.id=7
listeners=PLAINTEXT://127.0.0.1:0,CONTROLLER://127.0.0.1:{controller}
controller.listener.names=CONTROLLER
controller.quorum.bootstrap.servers=127.0.0.1:{controller}
log.dirs={}
offsets.topic.replication.factor=1
taffrail.http.listen=127.0.0.1:0
",
        text(&data)
    );
    std::fs::write(&file, properties).unwrap();
    let server = ["server", "--config", text(&file), "--log-format", "json"];
    check_error(&server, &["is not formatted: run `taffrail storage format` first"]);

    let cluster_id = stdout(&run(&["storage", "random-uuid"]));
    let format = ["storage", "format", "--cluster-id", cluster_id.trim(), "--config", text(&file)];
    assert!(stdout(&run(&format)).contains(cluster_id.trim()));
    check_error(&format, &["already formatted", "--ignore-formatted"]);

    let mut node = Node::start(&server, "listening", true);
    let ready = node.read_until("\"message\":\"ready\"");
    assert!(ready.contains(cluster_id.trim()), "{ready}");
    let (_, http) = ready.split_once("\"http\":\"").unwrap();
    let (http, _) = http.split_once('"').unwrap();
    let answer = http_get(http.parse().unwrap(), "/readyz");
    assert!(answer.starts_with("HTTP/1.1 200"), "{answer}");

    check_error(&server, &["is in use by process", &node.process.id().to_string()]);
    check_error(&format, &["is in use by process"]);
    node.stop();
    Node::start(&server, "\"message\":\"ready\"", true).stop();
}

#[test]
fn dev_needs_nothing_and_says_what_to_do() {
    let dir = tempfile::tempdir().unwrap();
    let data = dir.path().join("data");
    let port = free_port().to_string();
    let dev = ["dev", "--port", &port, "--data", text(&data), "--log-level", "warn"];
    let mut node = Node::start(&dev, "is ready", false);
    let bootstrap = node.read_until("bootstrap");
    assert!(bootstrap.contains(&format!("localhost:{port} (loopback only, no TLS)")));
    node.read_until(text(&data));
    for command in ["topic create hello", "produce --topic hello", "consume --topic hello"] {
        node.read_until(command);
    }

    let other = dir.path().join("other");
    check_error(
        &["dev", "--port", &port, "--data", text(&other)],
        &["port", &port, "is taken by process", &node.process.id().to_string(), "--port"],
    );
    check_error(&dev, &["is in use by process", &node.process.id().to_string()]);
    node.stop();
    Node::start(&dev, "is ready", false).stop();
}

#[test]
fn dev_leaves_foreign_directories_alone() {
    let dir = tempfile::tempdir().unwrap();
    std::fs::write(dir.path().join("thesis.tex"), "").unwrap();
    check_error(&["dev", "--data", text(dir.path())], &["holds 'thesis.tex'", "--data"]);
    assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    let file = dir.path().join("thesis.tex");
    check_error(&["dev", "--data", text(&file)], &["thesis.tex", "Not a directory"]);
}
