//! `svc up`: install or update, start, wait until ready, show.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::Manager;
use svckit_core::name::ServiceName;
use svckit_core::native::{LogCursor, LogFrom, Reply, Request};
use svckit_core::status::ServiceState;
use svckit_recipe::StartMode;

use crate::app::App;
use crate::apply::{self, Wanted};
use crate::args::Up;
use crate::failure::Failure;
use crate::report;
use crate::several::each;
use crate::table::printable;
use crate::verbs::install::{Prepared, exists, is_stopped, prepare, say_changes};
use crate::verbs::{control, logs};

/// How many of the first lines that a program writes are shown.
const FIRST_LINES: usize = 10;

/// How long a program that runs is given to write its first line.
const FIRST_OUTPUT: Duration = Duration::from_millis(500);

/// What was done about a service, for what is said at the end.
struct Started {
    name: ServiceName,
    /// Where its log ended before.
    log: Option<LogCursor>,
}

pub(crate) fn run(app: &mut App, arguments: &Up) -> Result<(), Failure> {
    let prepared = prepare(app, &arguments.definition.definition, &arguments.options)?;
    let (mut again, anything_changed) = bring_in_line(app, &prepared)?;
    again.retain(|name| !prepared.wanted.iter().any(|wanted| wanted.service.name == *name));
    let is_one = prepared.wanted.len() + again.len() == 1;
    let mut started = Vec::new();
    let wanted = each(app, &prepared.wanted, is_one, |app, wanted| start(app, wanted, &mut started))?;
    let dependents = each(app, again.iter().rev(), is_one, |app, name| control::start_one(app, name))?;
    let mut end = wanted.end.and(dependents.end);
    if is_one {
        // With nothing to show but the failure, it says it all.
        end?;
        end = Ok(());
    }
    if !anything_changed && started.is_empty() {
        app.ui.say("everything is as the file says and runs; nothing to do")?;
    }
    show(app, &prepared, &started).and(end)
}

/// Starts a service unless it runs or may not.
fn start(app: &mut App, wanted: &Wanted, started: &mut Vec<Started>) -> Result<(), Failure> {
    let name = &wanted.service.name;
    let manager = app.manager(ManagerAccess::CONNECT)?;
    if is_up(&*manager, name)? {
        return Ok(());
    }
    if wanted.service.start == Some(StartMode::Disabled) {
        return app.ui.say(format!("{name} is disabled; it is not started"));
    }
    let log = logs::read(app, name, LogFrom::Tail { lines: 0 }, false).ok().map(|(_, cursor)| cursor);
    control::start_one(app, name)?;
    started.push(Started { name: name.clone(), log });
    Ok(())
}

/// Installs what isn't there and updates what is. A running service whose definition changed is stopped, with those that depend on it:
/// these are returned, to be started again. And whether anything was changed.
fn bring_in_line(app: &mut App, prepared: &Prepared) -> Result<(Vec<ServiceName>, bool), Failure> {
    let manager = app.manager(ManagerAccess::CONNECT)?;
    let mut again = Vec::new();
    let mut changed = false;
    let mut installed: Vec<&ServiceName> = Vec::new();
    for wanted in &prepared.wanted {
        let name = &wanted.service.name;
        if !exists(&*manager, name)? {
            if let Err(failure) = apply::install(app, wanted) {
                take_back(app, &installed)?;
                return Err(failure);
            }
            installed.push(name);
            changed = true;
            app.ui.say(format!("installed {name}"))?;
            continue;
        }
        let changes = match apply::update(app, wanted) {
            Ok(changes) => changes,
            Err(failure) => {
                take_back(app, &installed)?;
                return Err(failure);
            }
        };
        if changes.fields.is_empty() {
            continue;
        }
        changed = true;
        say_changes(app, name, &changes)?;
        if changes.needs_restart && !is_stopped(&*manager, name)? {
            app.ui.say(format!("restarting {name}"))?;
            again.extend(control::running_dependents(app, name)?);
            control::stop_one(app, name, true)?;
        }
    }
    Ok((again, changed))
}

/// Removes what this run installed before it failed.
fn take_back(app: &mut App, installed: &[&ServiceName]) -> Result<(), Failure> {
    for name in installed.iter().rev() {
        let deleted = app.open(name, ServiceAccess::DELETE).and_then(|service| service.delete());
        match deleted {
            Ok(()) => app.ui.say(format!("took {name} back"))?,
            Err(error) => app.ui.warn(format!("{name} stays installed: {error}"))?,
        }
    }
    Ok(())
}

/// Whether it is where a start leads to; on the way there it is still waited for.
fn is_up(manager: &dyn Manager, name: &ServiceName) -> Result<bool, Failure> {
    let state = manager.open_service(name.as_str(), ServiceAccess::QUERY_STATUS)?.status()?.state;
    Ok(!matches!(state, ServiceState::STOPPED | ServiceState::START_PENDING | ServiceState::STOP_PENDING))
}

/// The status, the address, and what the programs wrote first.
fn show(app: &mut App, prepared: &Prepared, started: &[Started]) -> Result<(), Failure> {
    let (reports, first_error) = report::some(app, &prepared.names());
    let quiet = app.ui.detail == crate::ui::Detail::Quiet;
    if app.ui.json {
        report::print(&mut app.ui, &reports)?;
        return first_error;
    }
    if quiet {
        return first_error;
    }
    report::print(&mut app.ui, &reports)?;
    for wanted in &prepared.wanted {
        if let Some(ready) = &wanted.host.ready {
            let name = &wanted.service.name;
            let is_ready = reports.iter().any(|report| {
                report.name == name.as_str() && report.host.as_ref().is_some_and(|host| host.state.ready)
            });
            if is_ready {
                app.ui.say(format!("{name} accepts connections at {}", ready.tcp))?;
            }
        }
    }
    for Started { name, log } in started {
        let Some(output) = first_output(app, name, *log)? else { continue };
        let text = String::from_utf8_lossy(&output);
        for line in text.lines().take(FIRST_LINES) {
            writeln!(app.ui.out(), "{name} | {}", printable(line))?;
        }
    }
    first_error
}

/// What a program wrote since its start. The answer may take for ever, so it is asked for on a connection of its own, which is left when
/// the time is over.
fn first_output(
    app: &mut App,
    name: &ServiceName,
    log: Option<LogCursor>,
) -> Result<Option<Vec<u8>>, Failure> {
    let Some(cursor) = log else { return Ok(None) };
    let connect = Arc::clone(&app.connect);
    let service = name.clone();
    let (sender, receiver) = mpsc::channel();
    let asked = std::thread::Builder::new().name("first output".to_owned()).spawn(move || {
        let mut from = LogFrom::Cursor(cursor);
        while let Ok(backend) = connect() {
            let request = Request::Log { service: service.clone(), from, wait: true };
            let Ok(Reply::Log { data, cursor }) = backend.native(request) else { return };
            let data = logs::decode(&data).unwrap_or_default();
            from = LogFrom::Cursor(cursor);
            // Nobody listens any more when the time is over.
            if !data.is_empty() && sender.send(data).is_err() {
                return;
            }
        }
    });
    asked.map_err(|error| Failure::io("cannot wait for output", error))?;
    Ok(receiver.recv_timeout(FIRST_OUTPUT).ok())
}
