//! Text from outside, as a terminal and a picture may have it.

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
    fn names_give_no_orders_to_a_terminal() {
        assert_eq!(plain("a\u{1b}[31mb\nc"), "a\u{fffd}[31mb\u{fffd}c");
        assert_eq!(plain("a\u{202e}b"), "a\u{fffd}b");
        assert_eq!(shortened("a-long-name", 6), "a-lon…");
        assert_eq!(shortened("name", 4), "name");
    }
}
