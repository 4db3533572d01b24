//! `svc events`.

use svckit_core::native::{Event, Level, Reply, Request};

use crate::app::{App, one_named};
use crate::args::Events;
use crate::failure::Failure;
use crate::report::EventJson;
use crate::table::printable;
use crate::times;
use crate::ui::{Ui, level_style};

/// What happened, oldest first.
pub(crate) fn run(app: &mut App, arguments: &Events) -> Result<(), Failure> {
    let service = arguments.service.as_deref().map(|argument| one_named(app, argument)).transpose()?;
    // One more than none: with -f the newest event tells where to go on.
    let limit = if arguments.follow { arguments.lines.max(1) } else { arguments.lines };
    let ask = |app: &mut App, after, limit, wait| {
        let request = Request::Events { service: service.clone(), after, limit, wait };
        match app.native("read events", service.as_ref(), request)? {
            Reply::Events { events } => Ok(events),
            _ => Err(Failure::from(app.unexpected("read events"))),
        }
    };
    let mut events = ask(app, None, Some(limit), false)?;
    let mut last = events.last().map(|event| event.sequence);
    if arguments.lines == 0 {
        events.clear();
    }
    if app.ui.json && !arguments.follow {
        let all: Vec<_> = events.iter().map(EventJson::of).collect();
        return app.ui.print_json(&all);
    }
    print(&mut app.ui, &events)?;
    if !arguments.follow {
        return if events.is_empty() { app.ui.say("no events") } else { Ok(()) };
    }
    loop {
        app.ui.out().flush()?;
        let events = ask(app, last.or(Some(0)), None, true)?;
        print(&mut app.ui, &events)?;
        last = events.last().map(|event| event.sequence).or(last);
    }
}

fn print(ui: &mut Ui, events: &[Event]) -> Result<(), Failure> {
    for event in events {
        if ui.json {
            ui.print_json(&EventJson::of(event))?;
            continue;
        }
        let level = match event.level {
            Level::Information => "info",
            Level::Warning => "warning",
            Level::Error => "error",
        };
        let level = ui.paint(level_style(event.level), &format!("{level:7}"));
        let service = event.service.as_ref().map_or_else(|| "-".to_owned(), |name| printable(name.as_str()));
        let time = times::plain(event.time);
        let message = printable(&event.message);
        writeln!(ui.out(), "{time}  {level}  {:>5}  {service}  {message}", event.id.0)?;
    }
    Ok(())
}
