//! Numbers as people read them.

/// Decimal prefixes, a thousand apart.
const BYTE_UNITS: [&str; 7] = ["B", "kB", "MB", "GB", "TB", "PB", "EB"];

/// `1,234,567`.
pub(super) fn count(number: u64) -> String {
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

/// `one` of them, or several: `1 broker`, `1,200 brokers`.
pub(super) fn counted(number: u64, one: &str, many: &str) -> String {
    format!("{} {}", count(number), if number == 1 { one } else { many })
}

/// Three digits and a decimal prefix: `336 MB`.
pub(super) fn bytes(amount: f64) -> String {
    let mut scaled = amount;
    let mut unit = 0;
    // What would be rounded to a thousand is one of the next unit.
    while scaled >= 999.5 && unit + 1 < BYTE_UNITS.len() {
        scaled /= 1000.0;
        unit += 1;
    }
    let text = if unit == 0 { format!("{scaled:.0}") } else { three_digits(scaled) };
    format!("{text} {}", BYTE_UNITS[unit])
}

/// The same in a second.
pub(super) fn rate(amount: f64) -> String {
    format!("{}/s", bytes(amount))
}

/// Three digits: `0.12`, `3.36`, `33.6`, `336`.
pub(super) fn three_digits(number: f64) -> String {
    let decimals = match number.abs() {
        size if size < 9.995 => 2,
        size if size < 99.95 => 1,
        _ => 0,
    };
    format!("{number:.decimals$}")
}

/// A share as per cent: `41.7`.
pub(super) fn per_cent(share: f64) -> String {
    format!("{:.1}", share * 100.0)
}

/// A text from outside on one line: what a terminal or XML would take as an order becomes a sign that says so.
pub(super) fn plain(text: &str) -> String {
    text.chars().map(|c| if is_plain(c) { c } else { char::REPLACEMENT_CHARACTER }).collect()
}

/// Neither a control character, nor one that turns the direction of the text, nor one that XML doesn't know.
fn is_plain(c: char) -> bool {
    let turns =
        matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    let separates = matches!(c, '\u{2028}' | '\u{2029}');
    !(c.is_control() || turns || separates || matches!(c, '\u{fffe}' | '\u{ffff}'))
}

/// The same, with no more than so many characters.
pub(super) fn shortened(text: &str, length: usize) -> String {
    let text = plain(text);
    if text.chars().count() <= length {
        return text;
    }
    let mut short: String = text.chars().take(length.saturating_sub(1)).collect();
    short.push('…');
    short
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_have_commas() {
        let check = |number, expect: &str| assert_eq!(count(number), expect);
        check(0, "0");
        check(999, "999");
        check(1_000, "1,000");
        check(1_000_081, "1,000,081");
        check(u64::MAX, "18,446,744,073,709,551,615");
    }

    #[test]
    fn bytes_have_three_digits_and_a_prefix() {
        let check = |amount, expect: &str| assert_eq!(bytes(amount), expect);
        check(0.0, "0 B");
        check(512.0, "512 B");
        check(999.6, "1.00 kB");
        check(1_000.0, "1.00 kB");
        check(33_649.0, "33.6 kB");
        check(336_519.0, "337 kB");
        check(999_600.0, "1.00 MB");
        check(12e12, "12.0 TB");
        check(1e24, "1000000 EB");
    }

    #[test]
    fn per_cent_has_one_decimal() {
        assert_eq!(per_cent(0.41666), "41.7");
        assert_eq!(per_cent(1.0), "100.0");
    }

    #[test]
    fn names_give_no_orders_to_a_terminal() {
        assert_eq!(plain("a\u{1b}[31mb\nc"), "a\u{fffd}[31mb\u{fffd}c");
        assert_eq!(plain("a\u{202e}b"), "a\u{fffd}b");
        assert_eq!(shortened("a-long-name", 6), "a-lon…");
        assert_eq!(shortened("name", 4), "name");
    }
}
