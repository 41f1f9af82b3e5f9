//! The ids that a pool's nodes may have: `0-9`, `7`, `0-9,20-29`.

use std::ops::RangeInclusive;

/// The largest id: five digits are what names leave room for.
const ID_MAX: i32 = 99_999;

/// Ranges of node ids, in ascending order, none touching another.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NodeIds(Vec<RangeInclusive<i32>>);

impl NodeIds {
    /// What the only pool has if the spec doesn't say.
    pub(super) fn of_only_pool() -> Self {
        Self(vec![0..=99])
    }

    /// Reads ranges, separated by commas.
    pub(super) fn parse(text: &str) -> Result<Self, String> {
        let mut ranges = text.split(',').map(range).collect::<Result<Vec<_>, String>>()?;
        ranges.sort_by_key(|range| *range.start());
        for pair in ranges.windows(2) {
            if let [one, next] = pair
                && next.start() <= one.end()
            {
                return Err(format!(
                    "'{text}' names node {} twice: let the ranges not overlap",
                    next.start()
                ));
            }
        }
        Ok(Self(ranges))
    }

    /// Whether a node may have this id.
    #[must_use]
    pub fn contains(&self, id: i32) -> bool {
        self.0.iter().any(|range| range.contains(&id))
    }

    /// All ids, lowest first.
    pub fn iter(&self) -> impl Iterator<Item = i32> + '_ {
        self.0.iter().cloned().flatten()
    }

    /// An id that is in both.
    pub(super) fn shared_with(&self, other: &Self) -> Option<i32> {
        self.0
            .iter()
            .map(|range| *range.start())
            .find(|id| other.contains(*id))
            .or_else(|| other.0.iter().map(|range| *range.start()).find(|id| self.contains(*id)))
    }
}

fn range(text: &str) -> Result<RangeInclusive<i32>, String> {
    let (first, last) = text.split_once('-').unwrap_or((text, text));
    let range = id(first)?..=id(last)?;
    if range.is_empty() {
        return Err(format!("'{text}' ends before it begins: write the lower id first"));
    }
    Ok(range)
}

fn id(text: &str) -> Result<i32, String> {
    let text = text.trim();
    let is_number = !text.is_empty() && text.len() <= 5 && text.chars().all(|c| c.is_ascii_digit());
    match text.parse() {
        Ok(id) if is_number => Ok(id),
        _ => Err(format!(
            "'{text}' isn't a node id: write numbers from 0 to {ID_MAX} and ranges of them, such as 0-9 or 0-9,20"
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: Result<&[i32], &str>) {
        match (NodeIds::parse(text), expected) {
            (Ok(ids), Ok(expected)) => {
                assert_eq!(ids.iter().collect::<Vec<_>>(), expected, "{text}")
            }
            (Err(error), Err(part)) => assert!(error.contains(part), "{text}: {error}"),
            (got, expected) => panic!("{text}: {got:?} instead of {expected:?}"),
        }
    }

    #[test]
    fn ranges_are_read_lowest_first() {
        check("0-3", Ok(&[0, 1, 2, 3]));
        check("7", Ok(&[7]));
        check("20-21, 0-1", Ok(&[0, 1, 20, 21]));
        check("99999", Ok(&[99_999]));
    }

    #[test]
    fn what_is_no_range_is_refused_with_the_way_out() {
        check("", Err("'' isn't a node id"));
        check("1-", Err("isn't a node id"));
        check("-1", Err("isn't a node id"));
        check("+1", Err("isn't a node id"));
        check("100000", Err("0 to 99999"));
        check("3-1", Err("write the lower id first"));
        check("0-5,3-9", Err("names node 3 twice"));
        check("1-2-3", Err("isn't a node id"));
    }

    #[test]
    fn ids_in_both_are_found_from_either_side() {
        let of = |text| NodeIds::parse(text).expect("ranges");
        assert_eq!(of("0-9").shared_with(&of("5-6")), Some(5));
        assert_eq!(of("5-6").shared_with(&of("0-9")), Some(5));
        assert_eq!(of("0-4").shared_with(&of("5-9")), None);
    }
}
