//! `taffrail consume`: the records of a topic, one a line.

use std::collections::BTreeMap;
use std::io::{self, BufWriter, Write};

use anyhow::{anyhow, bail};
use clap::Args as ClapArgs;
use taffrail_model::{Offset, PartitionIndex};
use taffrail_protocol::batch::Record;

use crate::client::{Bound, Cluster, ConnectArgs, Consumer, GroupMember, Place, list_offsets};

/// Print the records of a topic, one a line, until interrupted
///
/// Without --from-beginning, --offset or a group that has committed offsets it begins with records that are
/// written from now on. Members of a group share its partitions; offsets are committed as records are printed.
#[derive(ClapArgs, Debug)]
#[command(after_help = "\
Examples:
  taffrail consume --topic orders --from-beginning
  taffrail consume --topic orders --from-beginning --until-end --print-key --print-offset
  taffrail consume --topic orders --partition 2 --offset 1000 --max-messages 10
  taffrail consume --topic orders --group billing")]
pub(crate) struct Args {
    /// The topic to read
    #[arg(long, short)]
    topic: String,
    /// Begin with the oldest records; with a group, where it has no offsets yet
    #[arg(long)]
    from_beginning: bool,
    /// Begin at this offset of the partition
    #[arg(
        long,
        short,
        requires = "partition",
        conflicts_with_all = ["from_beginning", "group"],
        value_parser = clap::value_parser!(i64).range(0..)
    )]
    offset: Option<Offset>,
    /// Read this partition alone
    #[arg(long, short, conflicts_with = "group", value_parser = clap::value_parser!(i32).range(0..))]
    partition: Option<PartitionIndex>,
    /// Read as a member of this group
    #[arg(long, short)]
    group: Option<String>,
    /// Stop after so many records
    #[arg(long, short = 'n', value_name = "COUNT", value_parser = clap::value_parser!(u64).range(1..))]
    max_messages: Option<u64>,
    /// Stop at the end that the partitions have now
    #[arg(long, conflicts_with = "group")]
    until_end: bool,
    #[command(flatten)]
    print: PrintArgs,
    #[command(flatten)]
    connect: ConnectArgs,
}

#[derive(ClapArgs, Debug)]
struct PrintArgs {
    /// Print the timestamp first, in milliseconds since 1970
    #[arg(long)]
    print_timestamp: bool,
    /// Print the partition
    #[arg(long)]
    print_partition: bool,
    /// Print the offset
    #[arg(long)]
    print_offset: bool,
    /// Print the headers, as key=value with commas between
    #[arg(long)]
    print_headers: bool,
    /// Print the key
    #[arg(long)]
    print_key: bool,
    /// What stands between what is printed of a record [default: a tab]
    #[arg(long, value_name = "TEXT", default_value = "\t", hide_default_value = true)]
    separator: String,
}

/// Runs the command.
pub(crate) async fn run(args: Args) -> anyhow::Result<()> {
    let mut session = Session::start(args).await?;
    let mut interrupted = std::pin::pin!(tokio::signal::ctrl_c());
    let ended = loop {
        tokio::select! {
            _ = &mut interrupted => break Ok(()),
            step = session.step() => match step {
                Ok(Step::More) => {}
                Ok(Step::Done) => break Ok(()),
                Err(error) => break Err(error),
            },
        }
    };
    // Offsets are committed and the group is left in any case; the first error is the one that counts.
    let left = tokio::select! {
        left = session.finish() => left,
        // A second interrupt doesn't wait for a broker that may never answer.
        _ = tokio::signal::ctrl_c() => Err(anyhow!("interrupted before the group was left")),
    };
    match ended.and(left) {
        Err(error) if is_closed_pipe(&error) => Ok(()),
        ended => ended,
    }
}

/// Whether there is more to do.
enum Step {
    More,
    Done,
}

/// A command under way.
struct Session {
    cluster: Cluster,
    consumer: Consumer,
    member: Option<GroupMember>,
    /// Whether the member has to join before it reads.
    must_join: bool,
    /// The offsets behind what was printed.
    printed: BTreeMap<PartitionIndex, Offset>,
    /// Where to stop.
    ends: Option<BTreeMap<PartitionIndex, Offset>>,
    records_left: Option<u64>,
    print: PrintArgs,
}

impl Session {
    async fn start(args: Args) -> anyhow::Result<Self> {
        let mut cluster = Cluster::connect(&args.connect).await?;
        let topic = cluster.topic(&args.topic).await?;
        let reset = if args.from_beginning { Bound::Earliest } else { Bound::Latest };
        let partitions = match args.partition {
            Some(partition) => {
                topic.leader(partition)?;
                vec![partition]
            }
            None => topic.partition_indexes(),
        };
        let mut consumer = Consumer::new(topic, reset);
        let mut ends = None;
        let member = match &args.group {
            Some(group) => Some(GroupMember::new(&mut cluster, group, &args.topic).await?),
            None => {
                let offsets = args.partition.zip(args.offset).into_iter().collect();
                consumer.assign(&mut cluster, &partitions, &offsets).await?;
                if args.until_end {
                    let topic = consumer.topic();
                    ends =
                        Some(list_offsets(&mut cluster, topic, &partitions, Bound::Latest).await?);
                }
                None
            }
        };
        Ok(Self {
            cluster,
            consumer,
            must_join: member.is_some(),
            member,
            printed: BTreeMap::new(),
            ends,
            records_left: args.max_messages,
            print: args.print,
        })
    }

    /// Reads once and prints, and keeps the place in the group. May be dropped at any await.
    async fn step(&mut self) -> anyhow::Result<Step> {
        if self.at_end() {
            return Ok(Step::Done);
        }
        self.keep_place().await?;
        let records = self.consumer.poll(&mut self.cluster).await?;
        let received = !records.is_empty();
        let all_printed = self.print_records(records)?;
        if all_printed {
            // Also behind control records, of which nothing is printed.
            self.printed.clone_from(self.consumer.positions());
        }
        if let Some(member) = self.member.as_mut().filter(|_| received)
            && member.commit(&mut self.cluster, &self.printed).await? == Place::Lost
        {
            self.must_join = true;
        }
        Ok(if self.records_left == Some(0) { Step::Done } else { Step::More })
    }

    /// Commits, and leaves the group.
    async fn finish(mut self) -> anyhow::Result<()> {
        let Some(mut member) = self.member.take() else {
            return Ok(());
        };
        // Without a place in the group there are no offsets to commit.
        let committed = if self.must_join {
            Place::Kept
        } else {
            member.commit(&mut self.cluster, &self.printed).await?
        };
        member.leave(&mut self.cluster).await?;
        if committed == Place::Lost {
            bail!("the group took no more offsets: what was printed last will be read again");
        }
        Ok(())
    }

    /// Joins the group when that is due, and otherwise tells it that this member lives.
    async fn keep_place(&mut self) -> anyhow::Result<()> {
        let Some(member) = self.member.as_mut() else {
            return Ok(());
        };
        if !self.must_join && member.heartbeat(&mut self.cluster).await? == Place::Lost {
            self.must_join = true;
        }
        if !self.must_join {
            return Ok(());
        }
        let partitions = member.join(&mut self.cluster).await?;
        let committed = member.committed(&mut self.cluster, &partitions).await?;
        self.consumer.assign(&mut self.cluster, &partitions, &committed).await?;
        self.printed.clone_from(self.consumer.positions());
        self.must_join = false;
        Ok(())
    }

    /// Prints the records, and returns whether the limit left none of them out.
    fn print_records(&mut self, records: Vec<(PartitionIndex, Record)>) -> io::Result<bool> {
        let mut out = BufWriter::new(io::stdout().lock());
        let mut all = true;
        for (partition, record) in records {
            if self.records_left == Some(0) {
                all = false;
                break;
            }
            self.print.write(&mut out, partition, &record)?;
            self.printed.insert(partition, record.offset + 1);
            self.records_left = self.records_left.map(|left| left - 1);
        }
        out.flush()?;
        Ok(all)
    }

    fn at_end(&self) -> bool {
        self.ends.as_ref().is_some_and(|ends| {
            self.consumer
                .positions()
                .iter()
                .all(|(partition, position)| ends.get(partition).is_none_or(|end| position >= end))
        })
    }
}

impl PrintArgs {
    fn write(
        &self,
        out: &mut impl Write,
        partition: PartitionIndex,
        record: &Record,
    ) -> io::Result<()> {
        let separator = self.separator.as_bytes();
        if self.print_timestamp {
            write!(out, "{}", record.timestamp)?;
            out.write_all(separator)?;
        }
        if self.print_partition {
            write!(out, "{partition}")?;
            out.write_all(separator)?;
        }
        if self.print_offset {
            write!(out, "{}", record.offset)?;
            out.write_all(separator)?;
        }
        if self.print_headers {
            for (place, header) in record.headers.iter().enumerate() {
                let comma = if place == 0 { "" } else { "," };
                write!(out, "{comma}{}=", header.key)?;
                out.write_all(bytes_or_null(header.value.as_deref()))?;
            }
            out.write_all(separator)?;
        }
        if self.print_key {
            out.write_all(bytes_or_null(record.key.as_deref()))?;
            out.write_all(separator)?;
        }
        out.write_all(bytes_or_null(record.value.as_deref()))?;
        out.write_all(b"\n")
    }
}

fn bytes_or_null(bytes: Option<&[u8]>) -> &[u8] {
    bytes.unwrap_or(b"null")
}

/// Whether the reader of the output went away, as `head` does when it has enough.
fn is_closed_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<io::Error>().is_some_and(|error| error.kind() == io::ErrorKind::BrokenPipe)
}

#[cfg(test)]
mod tests {
    use super::*;
    use bytes::Bytes;
    use taffrail_protocol::batch::Header;

    fn args() -> PrintArgs {
        PrintArgs {
            print_timestamp: false,
            print_partition: false,
            print_offset: false,
            print_headers: false,
            print_key: false,
            separator: "|".to_owned(),
        }
    }

    #[test]
    fn records_are_printed_as_asked() {
        let header = |key: &str, value: Option<&'static str>| Header {
            key: key.to_owned(),
            value: value.map(Bytes::from),
        };
        let record = Record {
            offset: 7,
            timestamp: 99,
            key: None,
            value: Some(Bytes::from_static(b"v\xff")),
            headers: vec![header("a", Some("1")), header("b", None)],
        };
        let check = |args: PrintArgs, expect: &[u8]| {
            let mut out = Vec::new();
            args.write(&mut out, 3, &record).unwrap();
            assert_eq!(out, expect);
        };
        check(args(), b"v\xff\n");
        let with_key = PrintArgs { print_key: true, ..args() };
        check(with_key, b"null|v\xff\n");
        let with_all = PrintArgs {
            print_timestamp: true,
            print_partition: true,
            print_offset: true,
            print_headers: true,
            print_key: true,
            ..args()
        };
        check(with_all, b"99|3|7|a=1,b=null|null|v\xff\n");
    }
}
