//! Text in Java's `.properties` format.

use std::collections::BTreeMap;
use std::fmt::Write as _;

/// A file with a line for each key, in the order of the keys.
pub(super) fn file(properties: &BTreeMap<String, String>) -> String {
    let mut text = String::new();
    for (key, value) in properties {
        escape(&mut text, key, true);
        text.push('=');
        escape(&mut text, value, false);
        text.push('\n');
    }
    text
}

/// Blanks end a key wherever they are, and are lost at the start of a value.
fn escape(text: &mut String, part: &str, is_key: bool) {
    for (index, c) in part.char_indices() {
        match c {
            '\\' => text.push_str("\\\\"),
            '\n' => text.push_str("\\n"),
            '\r' => text.push_str("\\r"),
            '\t' => text.push_str("\\t"),
            '\u{c}' => text.push_str("\\f"),
            ' ' if is_key || index == 0 => text.push_str("\\ "),
            ':' | '=' | '#' | '!' if is_key => {
                text.push('\\');
                text.push(c);
            }
            c if c.is_ascii_control() => {
                // Writing to a String can't fail.
                let _ = write!(text, "\\u{:04x}", u32::from(c));
            }
            c => text.push(c),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(key: &str, value: &str, expected: &str) {
        let properties = BTreeMap::from([(key.to_owned(), value.to_owned())]);
        assert_eq!(file(&properties), expected);
    }

    #[test]
    fn what_readers_would_take_for_syntax_is_escaped() {
        check("num.io.threads", "8", "num.io.threads=8\n");
        check("a", "b=c:d#e!f", "a=b=c:d#e!f\n");
        check("a b:c", " x y ", "a\\ b\\:c=\\ x y \n");
        check("a", "C:\\dir", "a=C:\\\\dir\n");
        check("a", "one\ntwo\r\t\u{c}", "a=one\\ntwo\\r\\t\\f\n");
        check("a", "nul\0", "a=nul\\u0000\n");
        check("a", "grün", "a=grün\n");
        check("a", "", "a=\n");
    }

    #[test]
    fn a_value_can_t_add_a_key() {
        let text = file(&BTreeMap::from([("a".to_owned(), "1\nnode.id=7".to_owned())]));
        assert_eq!(text.lines().count(), 1);
    }
}
