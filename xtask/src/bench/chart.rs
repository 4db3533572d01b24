//! Bar charts as SVG, readable on a light and a dark page.

use std::fmt::Write;

use super::report::number;
use super::rows::Row;

const LEFT: f64 = 150.0;
const WIDTH: f64 = 420.0;
const STEP: f64 = 28.0;

/// A chart of one row: one bar for each contender, ours in another colour.
pub(crate) fn svg(row: &Row, bars: &[(&str, f64)]) -> String {
    let height = 44.0 + STEP * bars.len() as f64;
    let total = LEFT + WIDTH + 110.0;
    let better = if row.more_is_better { "more is better" } else { "less is better" };
    let scale = if row.logarithmic { ", logarithmic" } else { "" };
    let mut svg = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" viewBox=\"0 0 {total} {height}\" width=\"{total}\" height=\"{height}\" \
         font-family=\"sans-serif\" font-size=\"13\">\n<title>{title}</title>\n\
         <text x=\"8\" y=\"20\" fill=\"#888\" font-weight=\"bold\">{title}{unit} ({better}{scale})</text>\n",
        title = row.title,
        unit = if row.unit.is_empty() { String::new() } else { format!(", {}", row.unit) },
    );
    let longest = bars.iter().map(|(_, value)| *value).fold(f64::MIN_POSITIVE, f64::max);
    let shortest = bars.iter().map(|(_, value)| *value).filter(|value| *value > 0.0).fold(longest, f64::min);
    for (index, (name, value)) in bars.iter().enumerate() {
        let top = 34.0 + STEP * index as f64;
        let share = if row.logarithmic { logarithmic(*value, shortest, longest) } else { value / longest };
        let colour = if name.starts_with("svckit") { "#2a7ae2" } else { "#9aa0a6" };
        let (width, base) = ((WIDTH * share).max(1.0), top + 15.0);
        // Writing into a string can't fail.
        let _ = writeln!(
            svg,
            "<text x=\"{x}\" y=\"{base}\" fill=\"#888\" text-anchor=\"end\">{name}</text>\
             <rect x=\"{LEFT}\" y=\"{top}\" width=\"{width:.1}\" height=\"20\" fill=\"{colour}\"/>\
             <text x=\"{after:.1}\" y=\"{base}\" fill=\"#888\">{text}</text>",
            x = LEFT - 8.0,
            after = LEFT + width + 6.0,
            text = number(*value),
        );
    }
    svg + "</svg>\n"
}

/// A tenth of the width for the shortest bar, and the rest by orders of magnitude.
fn logarithmic(value: f64, shortest: f64, longest: f64) -> f64 {
    if value <= 0.0 || longest <= shortest {
        return if value <= 0.0 { 0.0 } else { 1.0 };
    }
    0.1 + 0.9 * (value / shortest).ln() / (longest / shortest).ln()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::bench::rows::ROWS;

    #[test]
    fn the_longest_bar_has_the_whole_width_and_none_more() {
        for row in ROWS {
            let svg = svg(row, &[("svckit", 2.0), ("other", 2000.0)]);
            assert!(svg.contains("width=\"420.0\""), "{svg}");
        }
        assert!(logarithmic(2.0, 2.0, 2000.0) < 0.11);
        assert!((logarithmic(5.0, 5.0, 5.0) - 1.0).abs() < f64::EPSILON);
    }
}
