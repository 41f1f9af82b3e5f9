//! Amounts and things in the words of reasons and recommendations. What needs no model to be worded is public, so that a
//! table and a picture of a plan say it alike.

use crate::limits::{LEADER_IN, LEADERS, POTENTIAL_OUT, REPLICAS};
use crate::model::{Model, Resource};

/// Decimal prefixes, a thousand apart.
const BYTE_UNITS: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];
/// How many digits an amount has.
const DIGITS: usize = 3;
/// How many it has at most, when it takes them to tell it from another.
const MOST_DIGITS: usize = 9;

/// A number with its thousands apart: `1,234`.
#[must_use]
pub fn thousands(number: u64) -> String {
    let digits = number.to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// How many of a thing: `1 broker`, `1,200 brokers`.
#[must_use]
pub fn count(number: u64, thing: &str) -> String {
    format!("{} {}", thousands(number), plural(number, thing))
}

/// Bytes with three digits and a decimal prefix: `336 MB`.
#[must_use]
pub fn in_bytes(amount: f64) -> String {
    bytes_with_digits(amount, DIGITS)
}

/// Three digits: `0.12`, `3.36`, `33.6`, `336`.
#[must_use]
pub fn three_digits(number: f64) -> String {
    with_digits(number, DIGITS)
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
    written(model, dimension, units, DIGITS)
}

/// Two amounts that are held against each other: with as many more digits as it takes to tell them apart.
pub(crate) fn amounts(model: &Model, dimension: usize, units: [i64; 2]) -> [String; 2] {
    let mut texts = units.map(|units| amount(model, dimension, units));
    for digits in DIGITS + 1..=MOST_DIGITS {
        if texts[0] != texts[1] || units[0] == units[1] {
            break;
        }
        texts = units.map(|units| written(model, dimension, units, digits));
    }
    texts
}

/// Bytes on a disk: `300 GB`.
pub(crate) fn bytes(model: &Model, units: i64) -> String {
    amount(model, Resource::Disk as usize, units)
}

fn written(model: &Model, dimension: usize, units: i64, digits: usize) -> String {
    let rate = |resource| format!("{}/s", bytes_with_digits(model.amount(resource, units), digits));
    match dimension {
        REPLICAS => count(units.unsigned_abs(), "replica"),
        LEADERS => count(units.unsigned_abs(), "leader"),
        POTENTIAL_OUT => rate(Resource::NetworkOut),
        LEADER_IN => rate(Resource::NetworkIn),
        _ => match Resource::ALL[dimension] {
            Resource::Cpu => with_digits(model.amount(Resource::Cpu, units), digits),
            Resource::Disk => bytes_with_digits(model.amount(Resource::Disk, units), digits),
            resource => rate(resource),
        },
    }
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

/// Racks by name: `rack a`, `racks a, b`.
pub(crate) fn racks(model: &Model, racks: &[u32]) -> String {
    let names: Vec<String> = racks.iter().map(|rack| model.racks[*rack as usize].clone()).collect();
    format!("{} {}", plural(names.len() as u64, "rack"), some(&names))
}

/// The first few of a list of names, and how many more there are.
pub(crate) fn some(names: &[String]) -> String {
    const SHOWN: usize = 3;
    match names.len().checked_sub(SHOWN) {
        Some(more) if more > 0 => {
            format!("{} and {} more", names[..SHOWN].join(", "), thousands(more as u64))
        }
        _ => names.join(", "),
    }
}

/// Bytes with so many digits and a decimal prefix: `1.50 MB`.
fn bytes_with_digits(amount: f64, digits: usize) -> String {
    let mut scaled = amount;
    let mut unit = 0;
    // What would be rounded to a thousand is one of the next unit.
    let thousand = 1000.0 - 0.5 / 10_f64.powi(digits.saturating_sub(3) as i32);
    while scaled.abs() >= thousand && unit + 1 < BYTE_UNITS.len() {
        scaled /= 1000.0;
        unit += 1;
    }
    let text = if unit == 0 && digits == DIGITS {
        format!("{scaled:.0}")
    } else {
        with_digits(scaled, digits)
    };
    format!("{text} {}", BYTE_UNITS[unit])
}

/// So many digits: with three `0.12`, `3.36`, `33.6`, `336`.
fn with_digits(number: f64, digits: usize) -> String {
    let last = 0.5 / 10_f64.powi(digits.saturating_sub(1) as i32);
    let decimals = match number.abs() {
        size if size < 10.0 - last => digits - 1,
        size if size < 100.0 - 10.0 * last => digits - 2,
        _ => digits - 3,
    };
    format!("{number:.decimals$}")
}

#[cfg(test)]
mod tests {
    use super::{amounts, bytes, bytes_with_digits, count, in_bytes, some, thousands, with_digits};
    use crate::model::Resource;
    use crate::tiny::Tiny;

    #[test]
    fn thousands_are_apart() {
        let check = |number, expect: &str| assert_eq!(thousands(number), expect);
        check(0, "0");
        check(999, "999");
        check(1_000, "1,000");
        check(1_000_081, "1,000,081");
        check(u64::MAX, "18,446,744,073,709,551,615");
    }

    #[test]
    fn bytes_have_three_digits_and_a_prefix() {
        let check = |value: f64, expect: &str| assert_eq!(in_bytes(value), expect);
        check(0.0, "0 B");
        check(512.0, "512 B");
        check(999.6, "1.00 kB");
        check(1_000.0, "1.00 kB");
        check(12_345.678, "12.3 kB");
        check(33_649.0, "33.6 kB");
        check(336_519.0, "337 kB");
        check(999_600.0, "1.00 MB");
        check(300e9, "300 GB");
        check(12e12, "12.0 TB");
        check(5e23, "500000 EB");
        check(1e24, "1000000 EB");
        assert_eq!(bytes_with_digits(999.6, 4), "999.6 B");
        assert_eq!(bytes_with_digits(999_960.0, 4), "1.000 MB");
        assert_eq!(with_digits(9.996, 3), "10.0");
        assert_eq!(with_digits(9.996, 4), "9.996");
    }

    #[test]
    fn amounts_that_are_compared_differ() {
        let model = Tiny::new(&["1 a"]).model();
        let units = |bytes: f64| (bytes / model.amount(Resource::Disk, 1)) as i64;
        let check = |left: f64, right: f64, expect: [&str; 2]| {
            assert_eq!(amounts(&model, Resource::Disk as usize, [left, right].map(units)), expect);
        };
        check(1_000.0, 2_000.0, ["1.00 kB", "2.00 kB"]);
        check(2_406.0, 2_400.0, ["2.41 kB", "2.40 kB"]);
        check(1_001.0, 1_002.0, ["1.001 kB", "1.002 kB"]);
        check(245.1, 245.4, ["245.1 B", "245.4 B"]);
        check(1_000.0, 1_000.0, ["1.00 kB", "1.00 kB"]);
        assert_eq!(bytes(&model, units(100.0)), "100 B");
    }

    #[test]
    fn things_are_counted_and_listed() {
        assert_eq!(count(1, "directory"), "1 directory");
        assert_eq!(count(2, "directory"), "2 directories");
        assert_eq!(count(0, "broker"), "0 brokers");
        assert_eq!(count(1_234_567, "replica"), "1,234,567 replicas");
        let names = |number: usize| (0..number).map(|name| name.to_string()).collect::<Vec<_>>();
        assert_eq!(some(&names(3)), "0, 1, 2");
        assert_eq!(some(&names(5)), "0, 1, 2 and 2 more");
        assert_eq!(some(&names(2_003)), "0, 1, 2 and 2,000 more");
    }
}
