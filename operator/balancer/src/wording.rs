//! Amounts and things in the words of reasons and recommendations.

use crate::limits::{LEADER_IN, LEADERS, POTENTIAL_OUT, REPLICAS};
use crate::model::{Model, Resource};

/// How many of a thing: `1 broker`, `2 brokers`.
pub(crate) fn count(number: u64, thing: &str) -> String {
    format!("{number} {}", plural(number, thing))
}

/// So many things have something: `1 broker has`, `2 brokers have`.
pub(crate) fn have(number: u64, thing: &str) -> String {
    format!("{} {}", count(number, thing), if number == 1 { "has" } else { "have" })
}

/// A thing, or things.
pub(crate) fn plural(number: u64, thing: &str) -> String {
    match (number, thing.strip_suffix('y')) {
        (1, _) => thing.to_owned(),
        (_, Some(stem)) => format!("{stem}ies"),
        (_, None) => format!("{thing}s"),
    }
}

/// An amount of what is summed for each broker, with its unit: `300 GB`, `7 replicas`.
pub(crate) fn amount(model: &Model, dimension: usize, units: i64) -> String {
    match dimension {
        REPLICAS => count(units.unsigned_abs(), "replica"),
        LEADERS => count(units.unsigned_abs(), "leader"),
        POTENTIAL_OUT => format!("{}B/s", scaled(model.amount(Resource::NetworkOut, units))),
        LEADER_IN => format!("{}B/s", scaled(model.amount(Resource::NetworkIn, units))),
        _ => match Resource::ALL[dimension] {
            Resource::Cpu => rounded(model.amount(Resource::Cpu, units)),
            Resource::Disk => bytes(model, units),
            resource => format!("{}B/s", scaled(model.amount(resource, units))),
        },
    }
}

/// Bytes on a disk: `300 GB`.
pub(crate) fn bytes(model: &Model, units: i64) -> String {
    format!("{}B", scaled(model.amount(Resource::Disk, units)))
}

/// What an amount is of, where the amount itself doesn't say: `disk `, with the space; nothing for replicas and leaders.
pub(crate) fn of(dimension: usize) -> &'static str {
    match dimension {
        REPLICAS | LEADERS => "",
        POTENTIAL_OUT => "potential network out ",
        LEADER_IN => "leaders' network in ",
        _ => match Resource::ALL[dimension] {
            Resource::Cpu => "cpu ",
            Resource::NetworkIn => "network in ",
            Resource::NetworkOut => "network out ",
            Resource::Disk => "disk ",
        },
    }
}

/// A topic and a partition's number, as Kafka writes it: `orders-3`.
pub(crate) fn partition(model: &Model, partition: u32) -> String {
    let partition = &model.partitions[partition as usize];
    format!("{}-{}", model.topics[partition.topic as usize].name, partition.number)
}

/// The first few of a list of names, and how many more there are.
pub(crate) fn some(names: &[String]) -> String {
    const SHOWN: usize = 3;
    match names.len().checked_sub(SHOWN) {
        Some(more) if more > 0 => format!("{} and {more} more", names[..SHOWN].join(", ")),
        _ => names.join(", "),
    }
}

/// The number to four digits, with the prefix of its thousands and a space: `1.5 M`.
fn scaled(mut value: f64) -> String {
    let mut prefixes = ["", "k", "M", "G", "T", "P"].into_iter();
    let mut prefix = prefixes.next().unwrap_or_default();
    while value.abs() >= 999.95
        && let Some(next) = prefixes.next()
    {
        value /= 1000.0;
        prefix = next;
    }
    format!("{} {prefix}", rounded(value))
}

fn rounded(value: f64) -> String {
    let decimals = match value.abs() {
        size if size >= 999.95 => 0,
        size if size >= 99.995 => 1,
        size if size >= 9.9995 => 2,
        _ => 3,
    };
    let text = format!("{value:.decimals$}");
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

#[cfg(test)]
mod tests {
    use super::{count, rounded, scaled, some};

    #[test]
    fn numbers_have_four_digits_and_a_prefix() {
        let check = |value: f64, expect: &str| assert_eq!(scaled(value), expect);
        check(0.0, "0 ");
        check(0.5, "0.5 ");
        check(12.345_678, "12.35 ");
        check(999.9, "999.9 ");
        check(999.96, "1 k");
        check(300e9, "300 G");
        check(1_234_567.0, "1.235 M");
        check(5e20, "500000 P");
        assert_eq!(rounded(1234.5), "1234");
    }

    #[test]
    fn things_are_counted_and_listed() {
        assert_eq!(count(1, "directory"), "1 directory");
        assert_eq!(count(2, "directory"), "2 directories");
        assert_eq!(count(0, "broker"), "0 brokers");
        let names = |number: usize| (0..number).map(|name| name.to_string()).collect::<Vec<_>>();
        assert_eq!(some(&names(3)), "0, 1, 2");
        assert_eq!(some(&names(5)), "0, 1, 2 and 2 more");
    }
}
