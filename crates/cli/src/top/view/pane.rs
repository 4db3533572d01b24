//! What is shown of the selected service below the table.

use ratatui::buffer::Buffer;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use svckit_core::native::{Event, Level};
use svckit_core::time::WallTime;
use svckit_core::usage::Usage;

use super::table::{bytes, remaining};
use super::{Painter, lines, write};
use crate::report;
use crate::table::printable;
use crate::times;
use crate::top::model::{Model, Pane, Row};
use crate::ui::level_style;

/// Draws the pane, if there is one.
pub(super) fn draw(buffer: &mut Buffer, area: Rect, model: &Model, now: WallTime, painter: Painter) {
    let (Some(pane), Some(title)) = (model.pane, lines(area).next()) else { return };
    let shown = model.shown();
    let row = model.selected(&shown).map(|at| shown[at]);
    let name = row.map_or_else(String::new, |row| printable(&row.report.name));
    buffer.set_style(title, Style::new().add_modifier(Modifier::REVERSED));
    let mut x = write(buffer, title, title.x, &format!(" {name} "), Style::new());
    for (tab, text) in [(Pane::Details, "details"), (Pane::Logs, "logs"), (Pane::Events, "events")] {
        let text = if tab == pane { format!("[{text}]") } else { format!(" {text} ") };
        x = write(buffer, title, x + 1, &text, Style::new());
    }
    let body = Rect { y: area.y + 1, height: area.height - 1, ..area };
    match (pane, row) {
        (_, None) => {}
        (Pane::Details, Some(row)) => {
            for (line, (label, value)) in lines(body).zip(details(row, now)) {
                write(buffer, line, line.x, label, Style::new().add_modifier(Modifier::BOLD));
                write(buffer, line, line.x + 14, &value, Style::new());
            }
        }
        (Pane::Logs, Some(_)) => {
            for (line, text) in lines(body).zip(model.lines.last(body.height.into())) {
                write(buffer, line, line.x, &text, Style::new());
            }
        }
        (Pane::Events, Some(_)) => {
            let skip = model.events.len().saturating_sub(body.height.into());
            for (line, event) in lines(body).zip(model.events.iter().skip(skip)) {
                write_event(buffer, line, event, painter);
            }
        }
    }
}

fn write_event(buffer: &mut Buffer, line: Rect, event: &Event, painter: Painter) {
    let level = match event.level {
        Level::Information => "info   ",
        Level::Warning => "warning",
        Level::Error => "error  ",
    };
    let x = write(buffer, line, line.x, &times::plain(event.time), Style::new());
    let x = write(buffer, line, x + 1, level, painter.style(level_style(event.level)));
    write(buffer, line, x + 1, &printable(&event.message), Style::new());
}

/// What there is to say of a service, line by line.
fn details(row: &Row, now: WallTime) -> Vec<(&'static str, String)> {
    let status = &row.report.status;
    let mut all = vec![("display name", printable(&row.report.display_name))];
    let mut state = status.state.to_string();
    let detail = report::detail(&row.report);
    if !detail.is_empty() {
        state = format!("{state}, {}", printable(&detail));
    }
    all.push(("state", state));
    if let Some(pid) = row.report.pid() {
        all.push(("process", pid.to_string()));
    }
    if let Some(usage) = row.usage.as_ref().and_then(|usage| usage.program) {
        all.push(("uses", used(&usage)));
    }
    if let Some(host) = row.report.host.as_ref().map(|host| &host.state) {
        if status.pid != 0 {
            all.push(("host", format!("process {}", status.pid)));
        }
        if let Some(usage) = row.usage.as_ref().and_then(|usage| usage.host) {
            all.push(("host uses", used(&usage)));
        }
        all.push(("ready", if host.ready { "yes" } else { "no" }.to_owned()));
        all.push(("restarts", host.restarts.to_string()));
        if let Some(exit) = &host.last_exit {
            all.push(("last end", format!("{}, {}", report::exited(exit), times::plain(exit.at))));
        }
        if let Some(at) = host.next_retry_at {
            all.push(("runs again", format!("in {}", remaining(at, now))));
        }
        let files = host.log_files.iter().map(|file| printable(&file.to_string_lossy()));
        all.push(("log", files.collect::<Vec<_>>().join(", ")));
    }
    let accepted = status.controls_accepted.names();
    if !accepted.is_empty() {
        all.push(("accepts", accepted.join(", ")));
    }
    all
}

fn used(usage: &Usage) -> String {
    let processes = match usage.processes {
        1 => "1 process".to_owned(),
        count => format!("{count} processes"),
    };
    format!("{}, {} of processor time, {processes}", bytes(usage.memory), times::span(usage.cpu))
}
