//! The frame that all of Kafka's checkpoints share: a version, a count, and that many lines.

/// The only version there is.
const VERSION: &str = "0";

/// The frame of a checkpoint file.
pub(crate) struct TextFile;

impl TextFile {
    pub(crate) fn render(lines: impl ExactSizeIterator<Item = String>) -> String {
        let mut text = format!("{VERSION}\n{}\n", lines.len());
        for line in lines {
            text.push_str(&line);
            text.push('\n');
        }
        text
    }

    /// The lines; an empty file has none, as Kafka makes files before it has anything to write.
    pub(crate) fn parse(text: &str) -> Result<Vec<&str>, String> {
        let mut lines = text.lines();
        let Some(version) = lines.next() else { return Ok(Vec::new()) };
        if version != VERSION {
            return Err(format!("version {version:?}, expected {VERSION}"));
        }
        let Some(count) = lines.next() else { return Ok(Vec::new()) };
        let count: usize = count.parse().map_err(|_| format!("malformed count {count:?}"))?;
        let lines: Vec<&str> = lines.collect();
        if lines.len() == count {
            Ok(lines)
        } else {
            Err(format!("{} lines, expected {count}", lines.len()))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::TextFile;

    #[test]
    fn the_frame_is_checked() {
        let check = |text: &str, expect: Option<&[&str]>| {
            assert_eq!(TextFile::parse(text).ok().as_deref(), expect, "{text:?}");
        };
        check("", Some(&[]));
        check("0\n", Some(&[]));
        check("0\n0\n", Some(&[]));
        check("0\n2\na\nb\n", Some(&["a", "b"]));
        check("0\n2\na\nb", Some(&["a", "b"]));
        check("0\n2\na\n", None);
        check("0\n1\na\nb\n", None);
        check("1\n0\n", None);
        check("0\nx\n", None);
    }
}
