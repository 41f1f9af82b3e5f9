//! `partition.metadata`: the id of the topic that a partition's directory belongs to.

use taffrail_model::Uuid;

pub(crate) fn render_partition_metadata(topic_id: Uuid) -> String {
    format!("version: 0\ntopic_id: {topic_id}")
}

pub(crate) fn parse_partition_metadata(text: &str) -> Result<Uuid, String> {
    let mut lines = text.lines();
    let mut field = |name: &str| {
        let line = lines.next().unwrap_or_default();
        let value = line.strip_prefix(name).and_then(|rest| rest.strip_prefix(':'));
        value.map(str::trim).ok_or_else(|| format!("malformed line {line:?}, expected {name}"))
    };
    let version = field("version")?;
    if !version.parse::<i32>().is_ok_and(|version| version >= 0) {
        return Err(format!("version {version:?}, expected 0"));
    }
    let topic_id: Uuid = field("topic_id")?.parse().map_err(|error| format!("{error}"))?;
    if topic_id.is_zero() { Err("the topic id is zero".to_owned()) } else { Ok(topic_id) }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_id_goes_both_ways() {
        let topic_id = Uuid::from_bytes([3; 16]);
        let text = render_partition_metadata(topic_id);
        assert_eq!(parse_partition_metadata(&text), Ok(topic_id));
        for malformed in
            ["", "version: x\n", "version: 0\n", "version: 0\ntopic_id: AAAAAAAAAAAAAAAAAAAAAA"]
        {
            assert!(parse_partition_metadata(malformed).is_err(), "{malformed:?}");
        }
    }
}
