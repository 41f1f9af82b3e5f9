//! Kafka's names as Rust's.

/// Words that a field may not be called without `r#`.
const KEYWORDS: [&str; 6] = ["type", "match", "enum", "ref", "move", "use"];

/// `PartitionMaxBytes` as `partition_max_bytes`; runs of capitals stay together, and KRaft is one word.
#[must_use]
pub fn snake(name: &str) -> String {
    let letters: Vec<char> = name.replace("KRaft", "Kraft").chars().collect();
    let mut out = String::new();
    for (i, &letter) in letters.iter().enumerate() {
        let before = i.checked_sub(1).and_then(|i| letters.get(i));
        let starts_word = letter.is_uppercase()
            && before.is_some_and(|before| {
                !before.is_uppercase() || letters.get(i + 1).is_some_and(|next| next.is_lowercase())
            });
        if starts_word {
            out.push('_');
        }
        out.extend(letter.to_lowercase());
    }
    out
}

/// The name of a field in Rust.
#[must_use]
pub fn field(name: &str) -> String {
    let snake = snake(name);
    if KEYWORDS.contains(&snake.as_str()) { format!("r#{snake}") } else { snake }
}

/// The name of a field in Kafka's JSON: its first letter is small.
#[must_use]
pub fn json(name: &str) -> String {
    let mut letters = name.chars();
    letters.next().map_or_else(String::new, |first| first.to_lowercase().chain(letters).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_snake_case() {
        let check = |name: &str, expect: &str| assert_eq!(field(name), expect);
        check("PartitionMaxBytes", "partition_max_bytes");
        check("KRaftVersionFeature", "kraft_version_feature");
        check("Type", "r#type");
        check("ISRNodes", "isr_nodes");
        check("topicId", "topic_id");
        assert_eq!(json("TopicId"), "topicId");
    }
}
