//! A broker process for tests of the crate `rdkafka`: started on a free port and a folder of its own, ended by its
//! own pid. The binary is `TAFFRAIL_BIN`, or the release build of this checkout.

#![allow(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "this crate handles processes and files; the pure rooms' bar isn't for it"
)]

use std::fs::File;
use std::io;
use std::net::{Ipv4Addr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use rdkafka::ClientConfig;
use rdkafka::admin::{AdminClient, AdminOptions, NewTopic, TopicReplication};
use rdkafka::client::DefaultClientContext;
use tempfile::TempDir;

/// A guard against hanging, never a measurement.
pub const PATIENCE: Duration = Duration::from_secs(60);

/// One running broker with its folder. Dropping it kills the process and removes the folder.
pub struct Broker {
    process: Child,
    port: u16,
    folder: TempDir,
}

impl Broker {
    /// Starts a broker on an empty folder and waits until it accepts connections.
    ///
    /// # Errors
    /// When the binary can't be started, ends at once, or never listens.
    pub fn start() -> io::Result<Self> {
        let folder = tempfile::Builder::new().prefix("taffrail-rdkafka-").tempdir()?;
        let port = free_port()?;
        let process = spawn(port, folder.path())?;
        let mut broker = Self { process, port, folder };
        broker.wait_until_ready()?;
        Ok(broker)
    }

    /// `host:port` for clients.
    pub fn bootstrap(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// Ends the process with SIGKILL and starts another one on the same port and folder.
    ///
    /// # Errors
    /// As [`Broker::start`].
    pub fn kill_and_restart(&mut self) -> io::Result<()> {
        self.process.kill()?;
        self.process.wait()?;
        self.process = spawn(self.port, self.folder.path())?;
        self.wait_until_ready()
    }

    /// A client configuration that points here.
    pub fn client(&self) -> ClientConfig {
        let mut config = ClientConfig::new();
        config.set("bootstrap.servers", self.bootstrap());
        config
    }

    /// Creates a topic; it is there when this returns.
    ///
    /// # Panics
    /// When the broker refuses.
    pub async fn create_topic(&self, name: &str, partitions: i32) {
        let admin: AdminClient<DefaultClientContext> =
            self.client().create().expect("an admin client");
        let topic = NewTopic::new(name, partitions, TopicReplication::Fixed(1));
        let options = AdminOptions::new().operation_timeout(Some(PATIENCE));
        let answers =
            admin.create_topics([&topic], &options).await.expect("an answer to CreateTopics");
        answers[0].as_ref().expect("the topic is created");
    }

    fn wait_until_ready(&mut self) -> io::Result<()> {
        for _ in 0..600 {
            if let Some(status) = self.process.try_wait()? {
                let log = std::fs::read_to_string(self.folder.path().join("broker.log"))?;
                return Err(io::Error::other(format!("the broker ended with {status}:\n{log}")));
            }
            if TcpStream::connect((Ipv4Addr::LOCALHOST, self.port)).is_ok() {
                return Ok(());
            }
            std::thread::sleep(Duration::from_millis(100));
        }
        Err(io::Error::other(format!("nobody listens on port {}", self.port)))
    }
}

impl Drop for Broker {
    fn drop(&mut self) {
        // Both fail only when the process is gone already, which is what is wanted.
        let _ = self.process.kill();
        let _ = self.process.wait();
    }
}

fn free_port() -> io::Result<u16> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?.port())
}

fn binary() -> PathBuf {
    std::env::var_os("TAFFRAIL_BIN").map_or_else(
        || Path::new(env!("CARGO_MANIFEST_DIR")).join("../../../target/release/taffrail"),
        PathBuf::from,
    )
}

fn spawn(port: u16, folder: &Path) -> io::Result<Child> {
    let binary = binary();
    let log = File::options().create(true).append(true).open(folder.join("broker.log"))?;
    Command::new(&binary)
        .arg("dev")
        .args(["--port", &port.to_string()])
        .arg("--data")
        .arg(folder.join("data"))
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log)
        .spawn()
        .map_err(|error| {
            io::Error::other(format!("{} can't be started: {error}", binary.display()))
        })
}
