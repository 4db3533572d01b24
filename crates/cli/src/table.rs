//! Tables as wide as their contents, and no wider than the terminal.

use anstyle::Style;

use crate::failure::Failure;
use crate::ui::{Ui, heading_style};

/// A cell: its text, and the style it has where there are colours.
pub(crate) struct Cell {
    text: String,
    style: Style,
}

impl Cell {
    pub(crate) fn plain(text: impl Into<String>) -> Self {
        Self::styled(text, Style::new())
    }

    /// A text with its control characters shown, so that a name can't change the terminal.
    pub(crate) fn styled(text: impl Into<String>, style: Style) -> Self {
        Self { text: printable(&text.into()), style }
    }
}

/// The text with control characters as escapes.
pub(crate) fn printable(text: &str) -> String {
    if !text.contains(char::is_control) {
        return text.to_owned();
    }
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

/// Prints rows under headings. A column that is empty in every row is left out; the last one is cut at the terminal's edge.
pub(crate) fn print(ui: &mut Ui, headings: &[&str], rows: &[Vec<Cell>]) -> Result<(), Failure> {
    let mut columns = Vec::new();
    for (index, heading) in headings.iter().enumerate() {
        let widest = rows.iter().map(|row| width(&row[index].text)).max().unwrap_or(0);
        if widest > 0 || index == 0 {
            columns.push((index, widest.max(width(heading))));
        }
    }
    let heading_row: Vec<Cell> = headings.iter().map(|text| Cell::styled(*text, heading_style())).collect();
    let mut line = String::new();
    for row in std::iter::once(&heading_row).chain(rows) {
        line.clear();
        let mut used = 0;
        for (place, (index, column_width)) in columns.iter().enumerate() {
            let cell = &row[*index];
            let last = place + 1 == columns.len();
            let room = ui.width().map(|all| all.saturating_sub(used)).filter(|_| last);
            let text = room.map_or_else(|| cell.text.clone(), |room| cut(&cell.text, room));
            line.push_str(&ui.paint(cell.style, &text));
            if !last {
                line.extend(std::iter::repeat_n(' ', column_width - width(&cell.text) + 2));
            }
            used += column_width + 2;
        }
        writeln!(ui.out(), "{}", line.trim_end())?;
    }
    Ok(())
}

fn width(text: &str) -> usize {
    text.chars().count()
}

/// The text, cut to `room` characters with an ellipsis; never to nothing.
fn cut(text: &str, room: usize) -> String {
    if width(text) <= room.max(8) {
        return text.to_owned();
    }
    text.chars().take(room.max(8) - 1).chain(['\u{2026}']).collect()
}
