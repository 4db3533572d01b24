//! The table of services.

use std::time::Duration;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use svckit_core::time::WallTime;

use super::{Painter, lines, write};
use crate::report;
use crate::table::printable;
use crate::times;
use crate::top::model::{Link, Model, Row};
use crate::top::sort::Column;
use crate::ui::{state_style, trouble_style};

/// The widest that names get as long as there are other columns.
const NAME: u16 = 32;

/// The narrowest column of details that tells anything.
const DETAIL: u16 = 10;

/// Columns by how much they are missed where there is no room for all.
const MISSED: [Column; 9] = [
    Column::Name,
    Column::State,
    Column::Cpu,
    Column::Memory,
    Column::Restarts,
    Column::Detail,
    Column::Retry,
    Column::Ready,
    Column::Pid,
];

/// A column with its place.
struct Place {
    column: Column,
    x: u16,
    width: u16,
}

/// Draws the services around the selected one, page by page.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, model: &Model, now: WallTime, painter: Painter) {
    let shown = model.shown();
    let selected = model.selected(&shown);
    let widest = shown.iter().map(|row| width(&printable(&row.report.name))).max().unwrap_or(0);
    let places = places(area, widest);
    let mut free = lines(area);
    let Some(heading) = free.next() else { return };
    headings(buffer, heading, &places, model);
    let page = usize::from(area.height - 1).max(1);
    let first = selected.unwrap_or(0) / page * page;
    for (line, (at, row)) in free.zip(shown.iter().enumerate().skip(first)) {
        let cut_off = matches!(model.link, Link::Lost(_));
        for place in &places {
            let (text, style) = cell(row, place.column, now, painter);
            let style = if cut_off { Style::new().add_modifier(Modifier::DIM) } else { style };
            put(buffer, line, place, &text, style);
        }
        if Some(at) == selected {
            buffer.set_style(line, Style::new().add_modifier(Modifier::REVERSED));
        }
    }
    if shown.is_empty() {
        let why = if model.all().next().is_none() { "no services" } else { "no service matches" };
        let line = Rect { y: area.y + 1, height: 1, ..area }.intersection(area);
        write(buffer, line, line.x, why, Style::new());
    }
}

fn width(text: &str) -> u16 {
    u16::try_from(ratatui::text::Span::raw(text).width()).unwrap_or(u16::MAX)
}

/// The columns that fit, from left to right. What is left over is for details, else for names.
fn places(area: Rect, widest: u16) -> Vec<Place> {
    let least = |column: Column| match column {
        Column::Name => widest.clamp(4, NAME),
        Column::State => 13,
        // With the sign of the other order before the heading.
        Column::Ready | Column::Retry | Column::Cpu => 6,
        Column::Memory => 8,
        Column::Restarts => 9,
        Column::Pid => 7,
        Column::Detail => DETAIL,
    };
    let mut used = 0;
    let mut fitting = Vec::new();
    for column in MISSED {
        let next = used + least(column) + 2 * u16::from(used > 0);
        // A name and a state are shown as far as there is room for them.
        if next > area.width && !matches!(column, Column::Name | Column::State) {
            break;
        }
        used = next;
        fitting.push(column);
    }
    let rest = area.width.saturating_sub(used);
    let has_detail = fitting.contains(&Column::Detail);
    let mut x = area.x;
    let mut place = |column: Column| {
        let width = match column {
            Column::Detail => least(column) + rest,
            Column::Name if !has_detail => least(column) + rest.min(widest.saturating_sub(NAME)),
            _ => least(column),
        };
        let place = Place { column, x, width };
        x += width + 2;
        place
    };
    Column::ALL.into_iter().filter(|column| fitting.contains(column)).map(&mut place).collect()
}

fn headings(buffer: &mut Buffer, line: Rect, places: &[Place], model: &Model) {
    for place in places {
        let mut style = Style::new().add_modifier(Modifier::BOLD);
        let mut text = place.column.title().to_owned();
        if place.column == model.order.column {
            style = style.add_modifier(Modifier::UNDERLINED);
            if model.order.is_reversed {
                text.insert(0, '-');
            }
        }
        put(buffer, line, place, &text, style);
    }
}

/// Writes into a column, numbers at its right edge.
fn put(buffer: &mut Buffer, line: Rect, place: &Place, text: &str, style: Style) {
    let column = Rect { x: place.x, width: place.width, ..line }.intersection(line);
    let is_number = !matches!(place.column, Column::Name | Column::State | Column::Ready | Column::Detail);
    let before = if is_number { column.width.saturating_sub(width(text)) } else { 0 };
    let end = write(buffer, column, column.x + before, text, style);
    if width(text) > column.width && column.width > 1 {
        write(buffer, column, end - 1, "\u{2026}", style);
    }
}

/// What a column says of a service, and how.
fn cell(row: &Row, column: Column, now: WallTime, painter: Painter) -> (String, Style) {
    let plain = Style::new();
    let number = |number: Option<String>| (number.unwrap_or_default(), plain);
    match column {
        Column::Name => (printable(&row.report.name), plain),
        Column::State => {
            let state = row.report.status.state;
            (state.to_string(), painter.style(state_style(state)))
        }
        Column::Ready => (if row.is_ready() { "yes" } else { "" }.to_owned(), plain),
        Column::Cpu => number(row.cpu.map(|percent| format!("{percent:.1}"))),
        Column::Memory => number(row.memory().map(bytes)),
        Column::Restarts => match row.restarts() {
            0 => number(None),
            count => (count.to_string(), painter.style(anstyle::AnsiColor::Yellow.on_default())),
        },
        Column::Retry => number(row.retry_at().map(|at| remaining(at, now))),
        Column::Pid => number(row.report.pid().map(|pid| pid.to_string())),
        Column::Detail => {
            let style = if row.is_trouble() { painter.style(trouble_style()) } else { plain };
            (printable(&report::detail(&row.report)), style)
        }
    }
}

/// How long it is until then, in a few letters.
pub(super) fn remaining(at: WallTime, now: WallTime) -> String {
    let seconds = Duration::from_millis(at.0.saturating_sub(now.0)).as_secs_f64().ceil();
    match seconds {
        0.0..600.0 => format!("{seconds} s"),
        _ => times::span(Duration::from_secs_f64((seconds / 60.0).ceil() * 60.0)),
    }
}

/// An amount of memory in a few letters.
pub(crate) fn bytes(count: u64) -> String {
    let mut amount = count as f64;
    for unit in ["B", "K", "M", "G"] {
        if amount < 1000.0 {
            return match amount {
                small if unit != "B" && small < 100.0 => format!("{small:.1} {unit}"),
                large => format!("{large:.0} {unit}"),
            };
        }
        amount /= 1024.0;
    }
    format!("{amount:.1} T")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn memory_in_a_few_letters() {
        for (count, shown) in [
            (0, "0 B"),
            (999, "999 B"),
            (1024, "1.0 K"),
            (150 * 1024, "150 K"),
            (1000 * 1024, "1.0 M"),
            (48 << 20, "48.0 M"),
            (3 << 30, "3.0 G"),
            (5 << 40, "5.0 T"),
        ] {
            assert_eq!(bytes(count), shown);
        }
    }

    #[test]
    fn the_time_that_is_left() {
        let from = |at| remaining(WallTime(at), WallTime(1000));
        assert_eq!([from(0), from(1001), from(5000), from(601_001)], ["0 s", "1 s", "4 s", "11 min"]);
    }

    #[test]
    fn columns_go_as_the_room_does() {
        let titles = |width| -> Vec<&str> {
            places(Rect::new(0, 0, width, 1), 5).iter().map(|place| place.column.title()).collect()
        };
        assert_eq!(titles(200).len(), 9);
        assert_eq!(titles(40), ["NAME", "STATE", "CPU%", "MEMORY"]);
        assert_eq!(titles(3), ["NAME", "STATE"]);
        for width in 30..120 {
            let last = places(Rect::new(0, 0, width, 1), 5).pop().unwrap();
            assert!(last.x + last.width <= width, "{width}");
        }
    }
}
