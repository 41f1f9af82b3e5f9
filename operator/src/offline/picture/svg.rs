//! Writes SVG: the few shapes that a picture needs, and every text escaped.

use std::fmt::Write as _;

use super::super::plain::plain;

/// What a shape or a text is; the style sheet says how it looks.
#[derive(Clone, Copy, Debug, Eq, PartialEq)]
pub(super) enum Class {
    /// A bar inside the band.
    Inside,
    /// A bar out of it.
    Outside,
    /// A bar over the limit.
    Over,
    /// The band.
    Band,
    /// The ends of the band, in front of the bars.
    BandEnd,
    /// The limit.
    Limit,
    /// A line of the scale.
    Grid,
    /// The lowest line.
    Axis,
    /// The picture's title.
    Title,
    /// What stands above panels.
    Column,
    /// The name of a row.
    Row,
    /// A small text.
    Small,
    /// A small text that ends at its place.
    SmallEnd,
    /// A number of the scale.
    Tick,
    /// A broker's id.
    Id,
}

impl Class {
    const fn name(self) -> &'static str {
        match self {
            Self::Inside => "in",
            Self::Outside => "out",
            Self::Over => "over",
            Self::Band => "band",
            Self::BandEnd => "edge",
            Self::Limit => "limit",
            Self::Grid => "grid",
            Self::Axis => "axis",
            Self::Title => "title",
            Self::Column => "column",
            Self::Row => "row",
            Self::Small => "small",
            Self::SmallEnd => "small end",
            Self::Tick => "tick",
            Self::Id => "id",
        }
    }
}

/// Blue, orange and a red that differ in brightness too; in the dark they are lighter. Plain rules without variables:
/// not every program that shows SVG is a browser.
const STYLE: &str = "\
text{font-family:system-ui,-apple-system,\"Segoe UI\",Roboto,\"Helvetica Neue\",Arial,sans-serif;fill:#1b1f24;\
font-variant-numeric:tabular-nums}\
.title{font-size:20px;font-weight:600}.column,.row{font-size:14px;font-weight:600}\
.small,.tick,.id{font-size:11.5px;fill:#5b6570}.end,.tick{text-anchor:end}.id{text-anchor:middle}\
.page{fill:#fff}.band{fill:#dfeaf5}.in{fill:#3b74ad}.out{fill:#e08a1e}.over{fill:#b3202c}\
.edge{stroke:#1b1f24;stroke-opacity:.35;stroke-width:.75}.grid{stroke:#e3e7eb}.axis{stroke:#5b6570}.limit{stroke:#b3202c;stroke-width:1.5;stroke-dasharray:5 3}\
@media(prefers-color-scheme:dark){text{fill:#e8ecf0}.small,.tick,.id{fill:#9aa5b1}\
.page{fill:#14181d}.band{fill:#20324a}.in{fill:#6ea8e0}.out{fill:#f0b04f}.over{fill:#ff6b6b}\
.edge{stroke:#fff}.grid{stroke:#2a3139}.axis{stroke:#9aa5b1}.limit{stroke:#ff6b6b}}";

/// A picture in the making.
#[derive(Debug)]
pub(super) struct Svg {
    text: String,
}

impl Svg {
    /// An empty page.
    pub(super) fn new(width: f64, height: f64, title: &str) -> Self {
        let mut text = String::new();
        let _ = write!(
            text,
            "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{width}\" height=\"{height}\" \
             viewBox=\"0 0 {width} {height}\" role=\"img\" aria-labelledby=\"title\">\n\
             <title id=\"title\">{}</title>\n<style>{STYLE}</style>\n\
             <rect class=\"page\" width=\"{width}\" height=\"{height}\"/>\n",
            escaped(title)
        );
        Self { text }
    }

    /// A rectangle.
    pub(super) fn rect(&mut self, class: Class, x: f64, y: f64, width: f64, height: f64) {
        self.open_rect(class, x, y, width, height);
        self.text.push_str("/>\n");
    }

    /// A rectangle that says something to whoever points at it.
    pub(super) fn rect_with_tip(
        &mut self,
        class: Class,
        x: f64,
        y: f64,
        width: f64,
        height: f64,
        tip: &str,
    ) {
        self.open_rect(class, x, y, width, height);
        let _ = writeln!(self.text, "><title>{}</title></rect>", escaped(tip));
    }

    fn open_rect(&mut self, class: Class, x: f64, y: f64, width: f64, height: f64) {
        let (class, x, y) = (class.name(), Length(x), Length(y));
        let (width, height) = (Length(width.max(0.0)), Length(height.max(0.0)));
        let _ = write!(
            self.text,
            "<rect class=\"{class}\" x=\"{x}\" y=\"{y}\" width=\"{width}\" height=\"{height}\""
        );
    }

    /// A line.
    pub(super) fn line(&mut self, class: Class, x1: f64, y1: f64, x2: f64, y2: f64) {
        let (class, x1, y1, x2, y2) =
            (class.name(), Length(x1), Length(y1), Length(x2), Length(y2));
        let _ = writeln!(
            self.text,
            "<line class=\"{class}\" x1=\"{x1}\" y1=\"{y1}\" x2=\"{x2}\" y2=\"{y2}\"/>"
        );
    }

    /// A text that begins, or by its class ends or is in the middle, at its place.
    pub(super) fn text(&mut self, class: Class, x: f64, y: f64, text: &str) {
        let (class, x, y) = (class.name(), Length(x), Length(y));
        let _ = writeln!(
            self.text,
            "<text class=\"{class}\" x=\"{x}\" y=\"{y}\">{}</text>",
            escaped(text)
        );
    }

    /// The whole file.
    pub(super) fn finish(mut self) -> String {
        self.text.push_str("</svg>\n");
        self.text
    }
}

/// A length on the page: at most two decimals.
struct Length(f64);

impl std::fmt::Display for Length {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // What is added turns a negative nothing into nothing.
        write!(f, "{}", (self.0 * 100.0).round() / 100.0 + 0.0)
    }
}

/// A text from anywhere as XML's own: no markup, and none of the characters that XML doesn't know.
fn escaped(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in plain(text).chars() {
        match c {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            '\'' => escaped.push_str("&#39;"),
            c => escaped.push(c),
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_no_markup() {
        assert_eq!(
            escaped("<script>&\"'\u{1}\u{ffff}"),
            "&lt;script&gt;&amp;&quot;&#39;\u{fffd}\u{fffd}"
        );
    }

    #[test]
    fn lengths_are_short() {
        assert_eq!(Length(1.0).to_string(), "1");
        assert_eq!(Length(1.005_4).to_string(), "1.01");
        assert_eq!(Length(-0.001).to_string(), "0");
    }
}
