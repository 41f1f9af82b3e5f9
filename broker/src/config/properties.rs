//! Java's `.properties` format, as `java.util.Properties.load` reads it, from UTF-8 text.

use std::collections::BTreeMap;

/// A key's value as given; the last one wins when a key stands twice. In the order of the keys.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Properties(BTreeMap<String, String>);

/// Why a text isn't a `.properties` file.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
pub(crate) enum PropertiesError {
    /// `\u` isn't followed by four hexadecimal digits.
    #[error("line {line}: \\u has to be followed by four hexadecimal digits")]
    BadUnicodeEscape {
        /// The natural line, from 1, on which the logical line begins.
        line: usize,
    },
    /// `--override` wasn't given as `key=value`.
    #[error("override '{text}' is not of the form key=value")]
    BadOverride {
        /// What was given.
        text: String,
    },
}

impl Properties {
    /// Reads a whole file.
    pub(crate) fn parse(text: &str) -> Result<Self, PropertiesError> {
        let mut properties = Self::default();
        for (line, logical) in logical_lines(text) {
            let (key, value) = split_key(&logical);
            let unescape = |part| unescape(part).ok_or(PropertiesError::BadUnicodeEscape { line });
            properties.0.insert(unescape(key)?, unescape(value)?);
        }
        Ok(properties)
    }

    /// Sets one key from `key=value`; blanks around both are dropped, backslashes are taken as they are.
    pub(crate) fn apply_override(&mut self, text: &str) -> Result<(), PropertiesError> {
        let bad = || PropertiesError::BadOverride { text: text.to_owned() };
        let (key, value) = text.split_once('=').ok_or_else(bad)?;
        if key.trim().is_empty() {
            return Err(bad());
        }
        self.set(key.trim(), value.trim());
        Ok(())
    }

    /// Sets one key.
    pub(crate) fn set(&mut self, key: &str, value: &str) {
        self.0.insert(key.to_owned(), value.to_owned());
    }

    /// Takes out the keys for which `wanted` says so.
    pub(super) fn extract(&mut self, wanted: impl Fn(&str) -> bool) -> BTreeMap<String, String> {
        let (taken, left) =
            std::mem::take(&mut self.0).into_iter().partition(|(key, _)| wanted(key));
        self.0 = left;
        taken
    }
}

impl From<Properties> for BTreeMap<String, String> {
    fn from(properties: Properties) -> Self {
        properties.0
    }
}

impl<K: Into<String>, V: Into<String>> FromIterator<(K, V)> for Properties {
    fn from_iter<I: IntoIterator<Item = (K, V)>>(pairs: I) -> Self {
        Self(pairs.into_iter().map(|(k, v)| (k.into(), v.into())).collect())
    }
}

fn is_blank(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\x0c')
}

/// The natural lines without comments and empty ones, joined where one ends in an odd number of
/// backslashes. A line that continues another loses its leading blanks, and is never a comment.
fn logical_lines(text: &str) -> Vec<(usize, String)> {
    let mut logical = Vec::new();
    let mut open: Option<(usize, String)> = None;
    // Java ends a line at \n, \r or \r\n; the empty line between \r and \n changes nothing but numbers,
    // and those are counted by `lines` below.
    let natural = text.lines().enumerate().flat_map(|(index, line)| {
        line.split('\r').map(move |part| (index + 1, part.trim_start_matches(is_blank)))
    });
    for (number, line) in natural {
        let (start, mut so_far) = match open.take() {
            Some(continued) => continued,
            None if line.is_empty() || line.starts_with(['#', '!']) => continue,
            None => (number, String::new()),
        };
        let backslashes = line.len() - line.trim_end_matches('\\').len();
        if backslashes % 2 == 1 {
            so_far.push_str(&line[..line.len() - 1]);
            open = Some((start, so_far));
        } else {
            so_far.push_str(line);
            logical.push((start, so_far));
        }
    }
    logical.extend(open);
    logical
}

/// The key ends at the first `=`, `:` or blank without a backslash before it; blanks and one separator
/// between key and value belong to neither.
fn split_key(line: &str) -> (&str, &str) {
    let mut escaped = false;
    let end = line.find(|c| {
        let ends = !escaped && (is_blank(c) || c == '=' || c == ':');
        escaped = !escaped && c == '\\';
        ends
    });
    let (key, rest) = line.split_at(end.unwrap_or(line.len()));
    let rest = rest.trim_start_matches(is_blank);
    let value = rest.strip_prefix(['=', ':']).unwrap_or(rest);
    (key, value.trim_start_matches(is_blank))
}

/// Undoes backslash escapes; `None` when `\u` lacks its four digits. Half of a surrogate pair becomes
/// the replacement character, since text here is always valid.
fn unescape(text: &str) -> Option<String> {
    if !text.contains('\\') {
        return Some(text.to_owned());
    }
    let mut units = Vec::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        let c = match c {
            '\\' => match chars.next() {
                Some('u') => {
                    let mut unit = 0;
                    for _ in 0..4 {
                        let digit = chars.next()?.to_digit(16)?;
                        unit = unit << 4 | u16::try_from(digit).ok()?;
                    }
                    units.push(unit);
                    continue;
                }
                Some('t') => '\t',
                Some('n') => '\n',
                Some('r') => '\r',
                Some('f') => '\x0c',
                Some(other) => other,
                None => break,
            },
            plain => plain,
        };
        units.extend_from_slice(c.encode_utf16(&mut [0; 2]));
    }
    Some(String::from_utf16_lossy(&units))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expect: &[(&str, &str)]) {
        let expect = expect.iter().copied().collect::<Properties>();
        assert_eq!(Properties::parse(text), Ok(expect), "{text:?}");
    }

    #[test]
    fn separators_and_blanks() {
        check("a=1", &[("a", "1")]);
        check("a:1", &[("a", "1")]);
        check("a 1", &[("a", "1")]);
        check("  a \t= 1", &[("a", "1")]);
        check("a = = 1", &[("a", "= 1")]);
        check("a", &[("a", "")]);
        check("a=", &[("a", "")]);
        check("=1", &[("", "1")]);
        check("a=1\nb=2\r\nc=3\rd=4", &[("a", "1"), ("b", "2"), ("c", "3"), ("d", "4")]);
        check("listeners=A://:1,B://:2", &[("listeners", "A://:1,B://:2")]);
    }

    #[test]
    fn comments_and_empty_lines() {
        check("# a=1\n! b=2\n\n   \n\t# c\nd=# 4", &[("d", "# 4")]);
    }

    #[test]
    fn continuation_lines() {
        check("a=1,\\\n    2,\\\n\t3", &[("a", "1,2,3")]);
        check("a=1\\\\\nb=2", &[("a", "1\\"), ("b", "2")]);
        check("a=1\\\n# 2", &[("a", "1# 2")]);
        check("a=1\\", &[("a", "1")]);
        check("a\\\n=1", &[("a", "1")]);
    }

    #[test]
    fn escapes() {
        check("a\\=b\\ c=1", &[("a=b c", "1")]);
        check("a=\\t\\n\\q", &[("a", "\t\nq")]);
        check("a=C:\\\\x", &[("a", "C:\\x")]);
        check("a=\\u00e9\\uD83D\\uDE00", &[("a", "é😀")]);
        check("a=\\uD83D", &[("a", "\u{fffd}")]);
        check("ä=ö", &[("ä", "ö")]);
        for bad in ["x=1\na=\\u12", "x=1\na=\\u12g4"] {
            let error = PropertiesError::BadUnicodeEscape { line: 2 };
            assert_eq!(Properties::parse(bad), Err(error), "{bad:?}");
        }
    }

    #[test]
    fn the_last_of_a_key_wins() {
        check("a=1\na=2", &[("a", "2")]);
    }

    #[test]
    fn overrides_replace() {
        let mut properties = Properties::parse("a=1\nb=1").unwrap();
        properties.apply_override("a = x=y ").unwrap();
        assert_eq!(properties, [("a", "x=y"), ("b", "1")].into_iter().collect());
        for bad in ["a", "=1", " =1"] {
            assert!(properties.apply_override(bad).is_err(), "{bad:?}");
        }
    }

    proptest::proptest! {
        #[test]
        fn any_text_is_read_or_refused(text in "[\\\\u#!=: \\t\\r\\na-f0-9\u{e9}]{0,64}") {
            let _ = Properties::parse(&text);
        }
    }
}
