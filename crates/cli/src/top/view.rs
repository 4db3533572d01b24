//! The picture of what is shown: a function of the model, the time and the room.

mod pane;
mod table;

pub(super) use table::bytes;

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use svckit_core::time::WallTime;

use crate::table::printable;
use crate::top::model::{Link, Model, Prompt};

/// The lowest screen that is divided; on a lower one the pane takes the place of the table.
const DIVIDED: u16 = 14;

/// Whether there are colours. Without them, what is said by a colour is said by the text too.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Painter {
    pub(crate) colour: bool,
}

impl Painter {
    fn style(self, style: anstyle::Style) -> Style {
        let mut painted = Style::new();
        if style.get_effects().contains(anstyle::Effects::DIMMED) {
            painted = painted.add_modifier(Modifier::DIM);
        }
        match style.get_fg_color() {
            Some(anstyle::Color::Ansi(colour)) if self.colour => painted.fg(ansi(colour)),
            _ => painted,
        }
    }
}

fn ansi(colour: anstyle::AnsiColor) -> Color {
    match colour {
        anstyle::AnsiColor::Red => Color::Red,
        anstyle::AnsiColor::Green => Color::Green,
        anstyle::AnsiColor::Yellow => Color::Yellow,
        anstyle::AnsiColor::Blue => Color::Blue,
        _ => Color::Reset,
    }
}

/// What goes where, from top to bottom: a line of summary, the table with its headings, the pane with its title, and a line below all.
struct Places {
    summary: Rect,
    table: Rect,
    pane: Rect,
    foot: Rect,
}

impl Places {
    fn of(area: Rect, model: &Model) -> Self {
        let body = area.height.saturating_sub(2);
        let pane = match model.pane {
            None => 0,
            Some(_) if area.height < DIVIDED => body,
            Some(_) => body / 2,
        };
        let part = |y: u16, height: u16| Rect { y: area.y + y, height, ..area }.intersection(area);
        Self {
            summary: part(0, 1),
            table: part(1, body - pane),
            pane: part(1 + body - pane, pane),
            foot: part(area.height.saturating_sub(1), 1),
        }
    }
}

/// How many services fit.
pub(crate) fn page(area: Rect, model: &Model) -> usize {
    usize::from(Places::of(area, model).table.height.saturating_sub(1))
}

/// Draws everything.
pub(crate) fn draw(buffer: &mut Buffer, model: &Model, now: WallTime, painter: Painter) {
    let places = Places::of(buffer.area, model);
    summary(buffer, places.summary, model, painter);
    if model.prompt == Prompt::Help {
        help(buffer, places.table.union(places.pane));
    } else {
        table::draw(buffer, places.table, model, now, painter);
        pane::draw(buffer, places.pane, model, now, painter);
    }
    foot(buffer, places.foot, model, painter);
}

/// Writes a text at a place, and as much of it as there is room for; where it ends.
fn write(buffer: &mut Buffer, area: Rect, x: u16, text: &str, style: Style) -> u16 {
    let room = area.right().saturating_sub(x);
    if area.height == 0 || room == 0 {
        return x;
    }
    buffer.set_stringn(x, area.y, text, room.into(), style).0
}

/// The lines of an area, one by one.
fn lines(area: Rect) -> impl Iterator<Item = Rect> {
    (area.y..area.bottom()).map(move |y| Rect { y, height: 1, ..area })
}

fn summary(buffer: &mut Buffer, area: Rect, model: &Model, painter: Painter) {
    let bold = Style::new().add_modifier(Modifier::BOLD);
    let mut x = write(buffer, area, area.x, "svc top", bold);
    if let Link::Lost(why) = &model.link {
        let style = painter.style(crate::ui::trouble_style()).add_modifier(Modifier::BOLD);
        write(buffer, area, x + 2, &format!("NOT CONNECTED: {}", printable(why)), style);
        return;
    }
    let all = model.all().count();
    let active = model.all().filter(|row| row.is_active()).count();
    let trouble = model.all().filter(|row| row.is_trouble()).count();
    let services = if all == 1 { "service" } else { "services" };
    x = write(buffer, area, x + 2, &format!("{all} {services}, {active} active"), Style::new());
    if trouble > 0 {
        x = write(buffer, area, x, ", ", Style::new());
        x = write(
            buffer,
            area,
            x,
            &format!("{trouble} in trouble"),
            painter.style(crate::ui::trouble_style()),
        );
    }
    if !model.filter.is_empty() {
        x = write(buffer, area, x, &format!("; {} match", model.shown().len()), Style::new());
    }
    write(buffer, area, x + 2, &printable(&model.target), Style::new().add_modifier(Modifier::DIM));
}

/// What can be done, a question, or what came of it.
fn foot(buffer: &mut Buffer, area: Rect, model: &Model, painter: Painter) {
    let bold = Style::new().add_modifier(Modifier::BOLD);
    match (&model.prompt, &model.said) {
        (Prompt::Filter, _) => {
            let x = write(buffer, area, area.x, "/", bold);
            let x = write(buffer, area, x, &printable(&model.filter), Style::new());
            write(buffer, area, x, " ", Style::new().add_modifier(Modifier::REVERSED));
        }
        (Prompt::Confirm(deed, service), _) => {
            let question = format!("{} {}? (y/n)", deed.verb(), printable(service.as_str()));
            write(buffer, area, area.x, &question, bold);
        }
        (_, Some(said)) if said.is_error => {
            write(buffer, area, area.x, &printable(&said.text), painter.style(crate::ui::trouble_style()));
        }
        (_, Some(said)) => drop(write(buffer, area, area.x, &printable(&said.text), Style::new())),
        (_, None) => {
            let orders = if model.is_read_only { "" } else { "s start  S stop  r restart  " };
            let keys = format!("? help  {orders}l logs  e events  d details  / filter  < > sort  q quit");
            write(buffer, area, area.x, &keys, Style::new().add_modifier(Modifier::DIM));
        }
    }
}

const HELP: &[(&str, &str)] = &[
    ("up, down, j, k", "select a service; also PgUp, PgDn, Home, End"),
    ("d, l, e, Tab", "show its details, what it writes, what happened to it; Esc closes that"),
    ("s, S, r", "start it, stop it, restart it; the last two ask before"),
    ("/", "show only services with this in their names; Esc: all again"),
    ("<, >", "sort by the column to the left, to the right"),
    ("i", "the other way round"),
    ("q, Ctrl+C", "end; the services go on"),
];

fn help(buffer: &mut Buffer, area: Rect) {
    let rest = [
        ("", ""),
        ("CPU%", "of one processor, the program with all that it started; the host apart, in the details"),
        ("MEMORY", "resident; what processes share counts for each of them"),
        ("RETRY", "when the program is run again"),
    ];
    for (line, (key, what)) in lines(area).skip(1).zip(HELP.iter().chain(&rest)) {
        write(buffer, line, line.x + 2, key, Style::new().add_modifier(Modifier::BOLD));
        write(buffer, line, line.x + 18, what, Style::new());
    }
}
