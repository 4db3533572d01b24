//! `svc up`: install or update, start, wait until ready, show.

use std::sync::Arc;
use std::sync::mpsc;
use std::time::Duration;

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::name::ServiceName;
use svckit_core::native::{LogCursor, LogFrom, Reply, Request};
use svckit_core::probe::ReadyPolicy;
use svckit_core::status::ServiceState;
use svckit_recipe::StartMode;

use crate::app::App;
use crate::apply::{self, Changes, Wanted};
use crate::args::{Goal, Up};
use crate::bulk::{self, Action, End};
use crate::failure::Failure;
use crate::report;
use crate::rollback::{self, Before};
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
    let at_a_time = arguments.jobs.at_a_time;
    let Brought { mut again, mut before, anything } = bring_in_line(app, &prepared)?;
    control::add_dependents(app, &mut again);
    let own = prepared.names();
    let is_one = own.len() == 1 && again.iter().all(|name| own.contains(name));
    let stopped =
        bulk::run(app, &again, (Action::Stop, at_a_time), &mut |app, _, end| tell(app, end, is_one))?;
    let mut end = bulk::end(app, stopped, is_one, "stopped");
    again.retain(|name| !own.contains(name));
    let mut logs = Vec::new();
    let (mut to_start, mut to_wait) = (Vec::new(), Vec::new());
    let looked_at = each(app, &prepared.wanted, is_one, |app, wanted| {
        let name = &wanted.service.name;
        match lack(app, wanted)? {
            Lack::Start => {
                // Only a host keeps a log.
                let log =
                    wanted.host.is_some().then(|| logs::read(app, name, LogFrom::Tail { lines: 0 }, false));
                logs.push(log.and_then(Result::ok).map(|(_, cursor)| cursor));
                to_start.push(name.clone());
            }
            Lack::Wait => to_wait.push(name.clone()),
            Lack::Nothing => {}
        }
        Ok(())
    })?;
    end = end.and(looked_at.end).and(wait_for(app, &to_wait, is_one)?);
    to_start.append(&mut again);
    let start = |app: &mut App, services: &[ServiceName]| {
        bulk::run(app, services, (Action::Start(Vec::new()), at_a_time), &mut |app, name, end| match end {
            End::Done if !is_one => app.ui.say(format!("started {name}")),
            end => tell(app, end, is_one),
        })
    };
    let ends = start(app, &to_start)?;
    if arguments.no_rollback {
        before.clear();
    }
    let mut retried = rollback::set_back(app, &to_start, &ends, &mut before)?;
    while !retried.is_empty() {
        let ends = start(app, &retried)?;
        retried = rollback::set_back(app, &retried, &ends, &mut before)?;
    }
    let has_begun = |end: &End| matches!(end, End::Done | End::AlreadySo);
    let begun = to_start.into_iter().zip(logs).zip(&ends).filter(|(_, end)| has_begun(end));
    let started: Vec<_> = begun.map(|((name, log), _)| Started { name, log }).collect();
    end = end.and(bulk::end(app, ends, is_one, "started"));
    if is_one {
        // With nothing to show but the failure, it says it all.
        end?;
        end = Ok(());
    }
    if !anything && started.is_empty() {
        app.ui.say("everything is as the file says and runs; nothing to do")?;
    }
    show(app, &prepared, &started).and(end)
}

/// Tells of a failure when it happens; that of the only one is told at the end.
fn tell(app: &mut App, end: &End, is_one: bool) -> Result<(), Failure> {
    match end {
        End::Failed(failure) | End::LeftOut(failure) if !is_one => Ok(failure.print(&mut app.ui)?),
        _ => Ok(()),
    }
}

/// What a service lacks of being up.
enum Lack {
    /// It doesn't run, and may.
    Start,
    /// It runs, but its program may have been run again just now, and not be ready.
    Wait,
    Nothing,
}

fn lack(app: &mut App, wanted: &Wanted) -> Result<Lack, Failure> {
    let name = &wanted.service.name;
    match state(app, name)? {
        ServiceState::STOPPED | ServiceState::START_PENDING | ServiceState::STOP_PENDING => {}
        ServiceState::RUNNING if ready(wanted).is_some() && app.waits() => return Ok(Lack::Wait),
        _ => return Ok(Lack::Nothing),
    }
    if wanted.service.start == Some(StartMode::Disabled) {
        app.ui.say(format!("{name} is disabled; it is not started"))?;
        return Ok(Lack::Nothing);
    }
    Ok(Lack::Start)
}

/// When the program counts as ready, if a host asks for it.
fn ready(wanted: &Wanted) -> Option<&ReadyPolicy> {
    wanted.host.as_ref()?.ready.as_ref()
}

/// Waits until they are ready, for all of them at the same time.
fn wait_for(app: &mut App, names: &[ServiceName], is_one: bool) -> Result<Result<(), Failure>, Failure> {
    let all = u16::try_from(names.len()).unwrap_or(u16::MAX);
    let ends =
        bulk::run(app, names, (Action::Wait(Goal::Ready), all), &mut |app, _, end| tell(app, end, is_one))?;
    Ok(bulk::end(app, ends, is_one, "ready"))
}

/// What bringing services in line came to.
#[derive(Default)]
struct Brought {
    /// The running services whose program is affected, to be started anew.
    again: Vec<ServiceName>,
    /// How those that were changed were before.
    before: Vec<Before>,
    /// Whether anything was changed.
    anything: bool,
}

/// Installs what isn't there and updates what is. A change that is refused finds nothing stopped for its sake.
fn bring_in_line(app: &mut App, prepared: &Prepared) -> Result<Brought, Failure> {
    let manager = app.manager(ManagerAccess::CONNECT)?;
    let mut brought = Brought::default();
    let mut installed: Vec<&ServiceName> = Vec::new();
    for wanted in &prepared.wanted {
        let name = &wanted.service.name;
        let is_new = !exists(&*manager, name)?;
        let changed = match is_new {
            true => apply::install(app, wanted).map(|()| Changes::default()),
            false => apply::update(app, wanted),
        };
        let changes = match changed {
            Ok(changes) => changes,
            Err(failure) => {
                take_back(app, &installed)?;
                return Err(failure);
            }
        };
        if is_new {
            installed.push(name);
            brought.anything = true;
            app.ui.say(format!("installed {name}"))?;
            continue;
        }
        if changes.fields.is_empty() {
            continue;
        }
        brought.anything = true;
        say_changes(app, name, &changes)?;
        let ran = !is_stopped(&*manager, name)?;
        if changes.needs_restart && ran {
            app.ui.say(format!("restarting {name}"))?;
            brought.again.push(name.clone());
        }
        brought.before.push(Before { name: name.clone(), former: changes.former, ran });
    }
    Ok(brought)
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

fn state(app: &mut App, name: &ServiceName) -> Result<ServiceState, Failure> {
    Ok(app.open(name, ServiceAccess::QUERY_STATUS)?.status()?.state)
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
        // A line or a file are no place to go to.
        if let Some(ready) = ready(wanted).filter(|ready| ready.when.address().is_some()) {
            let name = &wanted.service.name;
            let is_ready = reports.iter().any(|report| {
                report.name == name.as_str() && report.host.as_ref().is_some_and(|host| host.state.ready)
            });
            if is_ready {
                app.ui.say(format!("{name} {}", ready.when.deed()))?;
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
        let (mut from, mut texts) = (LogFrom::Cursor(cursor), logs::Texts::default());
        while let Ok(backend) = connect() {
            let request = Request::Log { service: service.clone(), from, wait: true };
            let Ok(Reply::Log { data, cursor }) = backend.native(request) else { return };
            let data = texts.take(&logs::decode(&data).unwrap_or_default());
            from = LogFrom::Cursor(cursor);
            if !data.is_empty() {
                // Nobody listens any more when the time is over.
                let _ = sender.send(data);
                return;
            }
        }
    });
    let asked = asked.map_err(|error| Failure::io("cannot wait for output", error))?;
    let output = receiver.recv_timeout(FIRST_OUTPUT).ok();
    if output.is_some() {
        // It has nothing else to do, and is not to be caught at its end by that of the process.
        let _ = asked.join();
    }
    Ok(output)
}
