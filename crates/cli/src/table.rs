//! Tables as wide as their contents, and no wider than the terminal.

use std::borrow::Cow;

use anstyle::Style;

use crate::failure::Failure;
use crate::ui::{Ui, heading_style};

/// A cell: its text, and the style it has where there are colours.
pub(crate) struct Cell<'a> {
    text: Cow<'a, str>,
    style: Style,
}

impl<'a> Cell<'a> {
    pub(crate) fn plain(text: impl Into<Cow<'a, str>>) -> Self {
        Self::styled(text, Style::new())
    }

    /// A text with its control characters shown, so that a name can't change the terminal.
    pub(crate) fn styled(text: impl Into<Cow<'a, str>>, style: Style) -> Self {
        let text = text.into();
        match is_printable(&text) {
            true => Self { text, style },
            false => Self { text: printable(&text).into(), style },
        }
    }
}

fn is_printable(text: &str) -> bool {
    !text.contains(char::is_control)
}

/// The text with control characters as escapes.
pub(crate) fn printable(text: &str) -> String {
    if is_printable(text) {
        return text.to_owned();
    }
    text.chars().flat_map(|c| if c.is_control() { c.escape_default().collect() } else { vec![c] }).collect()
}

/// Prints rows under headings. A column that is empty in every row is left out; the last one is cut at the terminal's edge.
pub(crate) fn print<'a>(
    ui: &mut Ui,
    headings: &[&'a str],
    rows: &[impl AsRef<[Cell<'a>]>],
) -> Result<(), Failure> {
    let mut columns = Vec::new();
    for (index, heading) in headings.iter().enumerate() {
        let widest = rows.iter().map(|row| width(&row.as_ref()[index].text)).max().unwrap_or(0);
        if widest > 0 || index == 0 {
            columns.push((index, widest.max(width(heading))));
        }
    }
    let heading_row: Vec<Cell<'_>> =
        headings.iter().map(|text| Cell::styled(*text, heading_style())).collect();
    let mut line = String::new();
    for row in std::iter::once(&*heading_row).chain(rows.iter().map(AsRef::as_ref)) {
        line.clear();
        let mut used = 0;
        for (place, (index, column_width)) in columns.iter().enumerate() {
            let cell = &row[*index];
            let last = place + 1 == columns.len();
            let room = ui.width().map(|all| all.saturating_sub(used)).filter(|_| last);
            let text = room.map_or(Cow::Borrowed(&*cell.text), |room| cut(&cell.text, room));
            ui.paint_onto(&mut line, cell.style, &text);
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
fn cut(text: &str, room: usize) -> Cow<'_, str> {
    if width(text) <= room.max(8) {
        return text.into();
    }
    text.chars().take(room.max(8) - 1).chain(['\u{2026}']).collect()
}
