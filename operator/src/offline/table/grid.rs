//! Columns of text that stand under each other.

use std::fmt::Write as _;

/// On which side of its column a text stands.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Side {
    /// Names.
    Left,
    /// Numbers.
    Right,
}

/// Rows of cells. The first row may be a head; it is aligned like the rest.
#[derive(Debug)]
pub(super) struct Grid<'a> {
    sides: &'a [Side],
    rows: Vec<Vec<String>>,
}

/// Between two columns.
const GAP: &str = "  ";

impl<'a> Grid<'a> {
    /// A grid of so many columns.
    pub(super) fn new(sides: &'a [Side]) -> Self {
        Self { sides, rows: Vec::new() }
    }

    /// Adds a row of as many cells as there are columns.
    pub(super) fn row(&mut self, cells: impl IntoIterator<Item = impl Into<String>>) {
        self.rows.push(cells.into_iter().map(Into::into).collect());
    }

    /// Writes the rows, a step in from the left.
    pub(super) fn write(&self, text: &mut String) {
        let width = |column: usize| {
            self.rows
                .iter()
                .filter_map(|row| row.get(column))
                .map(|cell| cell.chars().count())
                .max()
                .unwrap_or(0)
        };
        let widths: Vec<usize> = (0..self.sides.len()).map(width).collect();
        for row in &self.rows {
            let mut line = String::new();
            for ((cell, side), width) in row.iter().zip(self.sides).zip(&widths) {
                line.push_str(GAP);
                let _ = match side {
                    Side::Left => write!(line, "{cell:<width$}"),
                    Side::Right => write!(line, "{cell:>width$}"),
                };
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
    }
}

/// `before → after` in one column: each side as wide as the widest of all.
pub(super) fn arrows(pairs: &[(String, String)], unit: &str) -> Vec<String> {
    let widest = |texts: &mut dyn Iterator<Item = &String>| {
        texts.map(|text| text.chars().count()).max().unwrap_or(0)
    };
    let before = widest(&mut pairs.iter().map(|(before, _)| before));
    let after = widest(&mut pairs.iter().map(|(_, after)| after));
    pairs.iter().map(|(from, to)| format!("{from:>before$} → {to:>after$}{unit}")).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_stand_left_and_numbers_right() {
        let mut grid = Grid::new(&[Side::Left, Side::Right]);
        grid.row(["broker", "disk"]);
        grid.row(["é", "1,000"]);
        let mut text = String::new();
        grid.write(&mut text);
        assert_eq!(text, "  broker   disk\n  é       1,000\n");
    }

    #[test]
    fn arrows_stand_under_each_other() {
        let pair = |before: &str, after: &str| (before.to_owned(), after.to_owned());
        assert_eq!(
            arrows(&[pair("9", "100"), pair("10", "5")], " %"),
            [" 9 → 100 %", "10 →   5 %"]
        );
    }
}
