//! A log dir's checkpoints of offsets: `<topic> <partition> <offset>` on each line.

use std::collections::BTreeMap;

use taffrail_model::{Offset, TopicName, TopicPartition};

use super::TextFile;

pub(crate) fn render_offsets(offsets: &BTreeMap<TopicPartition, Offset>) -> String {
    let lines = offsets
        .iter()
        .map(|(partition, offset)| format!("{} {} {offset}", partition.topic, partition.partition));
    TextFile::render(lines)
}

pub(crate) fn parse_offsets(text: &str) -> Result<BTreeMap<TopicPartition, Offset>, String> {
    TextFile::parse(text)?
        .into_iter()
        .map(|line| parse_line(line).ok_or_else(|| format!("malformed line {line:?}")))
        .collect()
}

fn parse_line(line: &str) -> Option<(TopicPartition, Offset)> {
    let mut words = line.split(' ');
    let topic = TopicName::new(words.next()?).ok()?;
    let partition = words.next()?.parse().ok()?;
    let offset = words.next()?.parse().ok()?;
    words.next().is_none().then_some((TopicPartition { topic, partition }, offset))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn offsets_go_both_ways() {
        let topic = |name| TopicName::new(name).expect("valid");
        let offsets = BTreeMap::from([
            (TopicPartition { topic: topic("a-b"), partition: 0 }, 7),
            (TopicPartition { topic: topic("z"), partition: 12 }, 0),
        ]);
        let text = "0\n2\na-b 0 7\nz 12 0\n";
        assert_eq!(render_offsets(&offsets), text);
        assert_eq!(parse_offsets(text), Ok(offsets));
        for malformed in ["0\n1\na 0\n", "0\n1\na b 0\n", "0\n1\na 0 0 0\n", "0\n1\n/ 0 0\n"] {
            assert!(parse_offsets(malformed).is_err(), "{malformed:?}");
        }
    }
}
