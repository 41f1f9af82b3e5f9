//! `taffrail produce`: a record for each line of the standard input.

use std::io::{self, BufRead};
use std::time::{SystemTime, UNIX_EPOCH};

use anyhow::{Context, anyhow, bail};
use clap::{Args as ClapArgs, ValueEnum};
use taffrail_model::Timestamp;
use taffrail_protocol::compression::Compression;
use tokio::sync::mpsc;

use crate::client::{Acks, Cluster, ConnectArgs, Producer, ProducerOptions, count};

/// How many lines may wait while a batch is sent.
const MOST_LINES: usize = 1_024;

/// Write records to a topic, one for each line of the standard input
///
/// Lines are sent as soon as no more are waiting. A line that was sent and not answered is sent again, so
/// that a broker that fails may leave it in the topic twice.
#[derive(ClapArgs, Debug)]
#[command(after_help = "\
Examples:
  echo hello | taffrail produce --topic greetings
  taffrail produce --topic orders --key-separator : <<< 'customer-7:three apples'
  taffrail produce --topic logs --compression zstd --acks 1 < app.log")]
pub(crate) struct Args {
    /// The topic to write to; it must be there
    #[arg(long, short)]
    topic: String,
    /// What stands between key and value in each line; without it, lines are values and have no keys
    #[arg(long, short, value_name = "TEXT", value_parser = clap::builder::NonEmptyStringValueParser::new())]
    key_separator: Option<String>,
    /// When a record counts as written
    #[arg(long, value_enum, default_value_t = AcksArg::All)]
    acks: AcksArg,
    /// How batches are compressed: none, gzip, snappy, lz4 or zstd
    #[arg(long, short = 'z', value_name = "CODEC", default_value = "none")]
    compression: Compression,
    /// The partition of all records; by default the key chooses it as in Java's clients
    #[arg(long, short, value_parser = clap::value_parser!(i32).range(0..))]
    partition: Option<i32>,
    #[command(flatten)]
    connect: ConnectArgs,
}

#[derive(Clone, Copy, Debug, ValueEnum)]
enum AcksArg {
    /// When it was sent; errors go unseen
    #[value(name = "0")]
    None,
    /// When the leader has it
    #[value(name = "1")]
    Leader,
    /// When all in-sync replicas have it
    #[value(name = "all", alias = "-1")]
    All,
}

impl From<AcksArg> for Acks {
    fn from(acks: AcksArg) -> Self {
        match acks {
            AcksArg::None => Self::None,
            AcksArg::Leader => Self::Leader,
            AcksArg::All => Self::All,
        }
    }
}

/// Runs the command.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let mut cluster = Cluster::connect(&args.connect).await?;
    let options = ProducerOptions {
        acks: args.acks.into(),
        compression: args.compression,
        partition: args.partition,
    };
    let producer = Producer::new(&mut cluster, &args.topic, options).await?;
    let mut pump = Pump {
        cluster,
        producer,
        lines: lines_of_stdin()?,
        separator: args.key_separator,
        read: 0,
        written: 0,
    };
    let ended = tokio::select! {
        ended = pump.run() => ended,
        _ = tokio::signal::ctrl_c() => Ok(()),
    };
    eprintln!("{} written to {}", count(pump.written, "record"), args.topic);
    ended?;
    if pump.written < pump.read {
        bail!("{} more may be missing", count(pump.read - pump.written, "record"));
    }
    Ok(())
}

/// Moves lines from the standard input to the topic.
struct Pump {
    cluster: Cluster,
    producer: Producer,
    lines: mpsc::Receiver<io::Result<Vec<u8>>>,
    separator: Option<String>,
    /// How many lines became records.
    read: u64,
    /// How many of the records are known to count.
    written: u64,
}

impl Pump {
    /// Runs until the input ends. May be dropped at any await.
    async fn run(&mut self) -> anyhow::Result<()> {
        loop {
            let line = match self.lines.try_recv() {
                Ok(line) => line,
                Err(_) => {
                    self.flush().await?;
                    match self.lines.recv().await {
                        Some(line) => line,
                        None => return Ok(()),
                    }
                }
            };
            let line = line.context("cannot read the standard input")?;
            if let Err(error) = self.append(&line).await {
                // The lines before a bad one count all the same.
                self.flush().await?;
                return Err(error);
            }
        }
    }

    async fn append(&mut self, line: &[u8]) -> anyhow::Result<()> {
        let separator = self.separator.as_deref().map(str::as_bytes);
        let (key, value) = split(line, separator).ok_or_else(|| {
            anyhow!(
                "line {} has no '{}' between key and value",
                self.read + 1,
                self.separator.as_deref().unwrap_or_default()
            )
        })?;
        self.read += 1;
        if self.producer.append(now(), key, Some(value)) {
            self.flush().await?;
        }
        Ok(())
    }

    async fn flush(&mut self) -> anyhow::Result<()> {
        self.producer.flush(&mut self.cluster).await?;
        self.written = self.read;
        Ok(())
    }
}

/// The lines, without their ends, read on a thread of its own: a read that waits for a person can't be
/// cancelled, and must not keep the process from ending.
fn lines_of_stdin() -> io::Result<mpsc::Receiver<io::Result<Vec<u8>>>> {
    let (sender, lines) = mpsc::channel(MOST_LINES);
    std::thread::Builder::new().name("stdin".to_owned()).spawn(move || {
        for line in io::stdin().lock().split(b'\n') {
            let line = line.map(without_return);
            let failed = line.is_err();
            if sender.blocking_send(line).is_err() || failed {
                break;
            }
        }
    })?;
    Ok(lines)
}

fn without_return(mut line: Vec<u8>) -> Vec<u8> {
    if line.last() == Some(&b'\r') {
        line.pop();
    }
    line
}

/// Key and value of a line, or `None` when it lacks the separator.
fn split<'a>(line: &'a [u8], separator: Option<&[u8]>) -> Option<(Option<&'a [u8]>, &'a [u8])> {
    let Some(separator) = separator else {
        return Some((None, line));
    };
    let at = line.windows(separator.len()).position(|window| window == separator)?;
    let (key, rest) = line.split_at_checked(at)?;
    Some((Some(key), rest.get(separator.len()..)?))
}

fn now() -> Timestamp {
    SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .ok()
        .and_then(|since| Timestamp::try_from(since.as_millis()).ok())
        .unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_are_split_at_the_first_separator() {
        let check = |line: &str, separator: Option<&str>, expect: Option<(Option<&str>, &str)>| {
            let got = split(line.as_bytes(), separator.map(str::as_bytes));
            let expect = expect.map(|(key, value)| (key.map(str::as_bytes), value.as_bytes()));
            assert_eq!(got, expect, "{line}");
        };
        check("a:b", None, Some((None, "a:b")));
        check("a:b:c", Some(":"), Some((Some("a"), "b:c")));
        check("a=>b", Some("=>"), Some((Some("a"), "b")));
        check(":b", Some(":"), Some((Some(""), "b")));
        check("a:", Some(":"), Some((Some("a"), "")));
        check("ab", Some(":"), None);
        check("", Some("=>"), None);
    }
}
