//! `svc start`, `stop`, `restart`, `pause` and `continue`.

use svckit_core::access::ServiceAccess;
use svckit_core::definition::SecretSource;
use svckit_core::error::Error;
use svckit_core::name::ServiceName;
use svckit_core::native::{LogFrom, Reply, Request};
use svckit_core::status::StateFilter;
use svckit_core::win32::Win32Error;

use crate::app::{App, all_named};
use crate::apply::stored_definition;
use crate::args::{Goal, Services, Start, Stop, Wait};
use crate::bulk::{self, AT_A_TIME, Action, End};
use crate::checks::are_others_in;
use crate::failure::{Failure, ScmFailure};
use crate::report::{self, ServiceReport};
use crate::ui::Detail;
use crate::verbs::logs;

/// How many of a program's last lines an error about it shows.
const LAST_LINES: u32 = 10;

pub(crate) fn start(app: &mut App, arguments: &Start) -> Result<(), Failure> {
    let names = all_named(app, &arguments.services.services)?;
    let already = (Win32Error::SERVICE_ALREADY_RUNNING, "they are all running already");
    act(app, &arguments.services, &names, Action::Start(arguments.arguments.clone()), already)
}

pub(crate) fn stop(app: &mut App, arguments: &Stop) -> Result<(), Failure> {
    let mut names = all_named(app, &arguments.services.services)?;
    if arguments.with_dependents {
        add_dependents(app, &mut names);
    }
    let already = (Win32Error::SERVICE_NOT_ACTIVE, "they are all stopped already");
    act(app, &arguments.services, &names, Action::Stop, already)
}

/// Stops them all before it starts the first.
pub(crate) fn restart(app: &mut App, arguments: &Stop) -> Result<(), Failure> {
    let mut names = all_named(app, &arguments.services.services)?;
    let named = names.len();
    if arguments.with_dependents {
        add_dependents(app, &mut names);
    }
    let at_a_time = arguments.services.jobs.at_a_time;
    let is_one = names.len() == 1;
    let stopped = bulk::run(app, &names, (Action::Stop, at_a_time), &mut |app, _, end| match end {
        End::Failed(failure) | End::LeftOut(failure) if !is_one => Ok(failure.print(&mut app.ui)?),
        _ => Ok(()),
    })?;
    let is_to_start = |(place, end): (usize, &End)| match end {
        End::Done => true,
        End::AlreadySo => place < named,
        End::Failed(_) | End::LeftOut(_) => false,
    };
    let to_start: Vec<_> = (stopped.iter().enumerate().zip(&names))
        .filter(|(end, _)| is_to_start(*end))
        .map(|(_, name)| name.clone())
        .collect();
    let started =
        bulk::run(app, &to_start, (Action::Start(Vec::new()), at_a_time), &mut |app, name, end| {
            tell(app, name, end, is_one)
        })?;
    let mut started = started.into_iter();
    // Of those that were to be started the second step counts.
    let ends = stopped.into_iter().enumerate().map(|(place, end)| match is_to_start((place, &end)) {
        true => started.next().unwrap_or(end),
        false => end,
    });
    let ends: Vec<_> = ends.collect();
    finish(app, &names, ends, "restarted")
}

pub(crate) fn pause(app: &mut App, arguments: &Services) -> Result<(), Failure> {
    let names = all_named(app, &arguments.services)?;
    act(app, arguments, &names, Action::Pause, (Win32Error::SUCCESS, "paused already"))
}

pub(crate) fn proceed(app: &mut App, arguments: &Services) -> Result<(), Failure> {
    let names = all_named(app, &arguments.services)?;
    act(app, arguments, &names, Action::Continue, (Win32Error::SUCCESS, "running already"))
}

/// Waits for all of them at the same time.
pub(crate) fn wait(app: &mut App, arguments: &Wait) -> Result<(), Failure> {
    app.wait = arguments.timeout.or(app.wait);
    let names = all_named(app, &arguments.services)?;
    let is_one = names.len() == 1;
    let all = u16::try_from(names.len()).unwrap_or(u16::MAX);
    let action = Action::Wait(arguments.state);
    let (done, is_gone) = (action.done(), arguments.state == Goal::Gone);
    let ends = bulk::run(app, &names, (action, all), &mut |app, name, end| match end {
        End::Done | End::AlreadySo if is_gone => app.ui.say(format!("{name}: gone")),
        end => tell(app, name, end, is_one),
    })?;
    if is_gone {
        return bulk::end(app, ends, is_one, done);
    }
    finish(app, &names, ends, done)
}

/// Does it for all of them. If it was so for all, that is an error: with one service that of the code.
fn act(
    app: &mut App,
    arguments: &Services,
    names: &[ServiceName],
    action: Action,
    (code, already): (Win32Error, &str),
) -> Result<(), Failure> {
    let is_one = names.len() == 1;
    let (operation, done) = (action.operation(), action.done());
    let mut ends = bulk::run(app, names, (action, arguments.jobs.at_a_time), &mut |app, name, end| {
        match end {
            // It is told as an error.
            End::AlreadySo if is_one => Ok(()),
            end => tell(app, name, end, is_one),
        }
    })?;
    match (ends.as_mut_slice(), names) {
        ([end @ End::AlreadySo], [name]) => {
            *end = End::Failed(already_so(app, operation, name, code, already))
        }
        (all, [first, ..]) if all.iter().all(|end| matches!(end, End::AlreadySo)) => {
            let message = match code {
                Win32Error::SUCCESS => format!("they are all {already}"),
                _ => already.to_owned(),
            };
            return Err(Failure::AlreadySo { message, service: Some(first.to_string()) });
        }
        _ => {}
    }
    finish(app, names, ends, done)
}

fn already_so(
    app: &mut App,
    operation: &'static str,
    name: &ServiceName,
    code: Win32Error,
    already: &str,
) -> Failure {
    if code == Win32Error::SUCCESS {
        let message = format!("{name} is {already}");
        return Failure::AlreadySo { message, service: Some(name.to_string()) };
    }
    let mut error = Error::new(operation, code).service(name.as_str());
    error.target = app.backend().map(|backend| backend.target()).ok();
    let failure = Failure::from(Box::new(error));
    match code {
        Win32Error::SERVICE_ALREADY_RUNNING => failure.hint(format!("svc restart {name} starts it anew")),
        _ => failure,
    }
}

/// Tells of one service when it is over; the failure of the only one is told at the end.
fn tell(app: &mut App, name: &ServiceName, end: &End, is_one: bool) -> Result<(), Failure> {
    match end {
        End::Failed(_) | End::LeftOut(_) if is_one => Ok(()),
        End::Failed(failure) | End::LeftOut(failure) => Ok(failure.print(&mut app.ui)?),
        End::Done | End::AlreadySo if app.ui.json || app.ui.detail == Detail::Quiet => Ok(()),
        End::Done | End::AlreadySo => {
            let report = report::one(app, name)?;
            let line = line(app, &report);
            app.ui.say(line)
        }
    }
}

/// What is to be said at the end: the array of `svc status` for those that are where they shall be, how many are not, and the failure that counts: that of the first
/// in the order in which they were named.
fn finish(app: &mut App, names: &[ServiceName], ends: Vec<End>, done: &str) -> Result<(), Failure> {
    let good: Vec<ServiceName> = (ends.iter().zip(names))
        .filter(|(end, _)| matches!(end, End::Done | End::AlreadySo))
        .map(|(_, name)| name.clone())
        .collect();
    let mut end = Ok(());
    if app.ui.json && !good.is_empty() {
        let (reports, first_error) = report::some(app, &good);
        report::print(&mut app.ui, &reports)?;
        end = first_error;
    }
    let is_one = names.len() == 1;
    end.and(bulk::end(app, ends, is_one, done))
}

/// Adds those that depend on these and run. Who may not be asked, or isn't there, is told of when it is acted on.
pub(crate) fn add_dependents(app: &mut App, names: &mut Vec<ServiceName>) {
    for place in 0..names.len() {
        let dependents = running_dependents(app, &names[place]).unwrap_or_default();
        for dependent in dependents {
            if !names.contains(&dependent) {
                names.push(dependent);
            }
        }
    }
}

/// Those that depend on a service, directly or not, and run.
fn running_dependents(app: &mut App, name: &ServiceName) -> Result<Vec<ServiceName>, Failure> {
    let found = app.open(name, ServiceAccess::ENUMERATE_DEPENDENTS)?.dependents(StateFilter::ACTIVE)?;
    Ok(found.into_iter().filter_map(|one| ServiceName::new(one.name).ok()).collect())
}

/// Starts a service and waits until it runs, if it doesn't yet.
pub(crate) fn start_one(app: &mut App, name: &ServiceName) -> Result<(), Failure> {
    quietly(app, name, Action::Start(Vec::new()))
}

/// Stops a service and waits until it has. One that has stopped is left alone.
pub(crate) fn stop_one(app: &mut App, name: &ServiceName) -> Result<(), Failure> {
    quietly(app, name, Action::Stop)
}

/// Says nothing but the failure.
pub(crate) fn quietly(app: &mut App, name: &ServiceName, action: Action) -> Result<(), Failure> {
    let ends = bulk::run(app, std::slice::from_ref(name), (action, AT_A_TIME), &mut |_, _, _| Ok(()))?;
    let failed = ends.into_iter().find_map(|end| match end {
        End::Failed(failure) => Some(failure),
        _ => None,
    });
    failed.map_or(Ok(()), Err)
}

/// An error with what is known of why, and what may help.
pub(crate) fn explained(app: &mut App, action: &Action, name: &ServiceName, error: Box<Error>) -> Failure {
    let code = error.code;
    let mut failure = ScmFailure { error, hint: None, notes: Vec::new() };
    match (action, code) {
        (Action::Start(_), Win32Error::SERVICE_ALREADY_RUNNING) => {
            failure.hint = Some(format!("svc restart {name} starts it anew"));
        }
        // Who may start it wasn't denied that, but the service something that it needs.
        (Action::Start(_), Win32Error::ACCESS_DENIED) if app.open(name, ServiceAccess::START).is_ok() => {
            explain(app, name, &mut failure);
            failure.hint = Some(what_is_denied(app, name));
        }
        (
            _,
            Win32Error::SERVICE_DOES_NOT_EXIST
            | Win32Error::SERVICE_DISABLED
            | Win32Error::WAIT_TIMEOUT
            | Win32Error::ACCESS_DENIED
            | Win32Error::SERVICE_MARKED_FOR_DELETE,
        ) => {}
        (Action::Start(_) | Action::Wait(Goal::Ready), _) => explain(app, name, &mut failure),
        (Action::Stop, Win32Error::DEPENDENT_SERVICES_RUNNING) => {
            failure.hint = Some("--with-dependents acts on them as well".to_owned());
        }
        (Action::Remove { stop: false }, Win32Error::SERVICE_CANNOT_ACCEPT_CTRL) => {
            failure.hint = Some("--stop stops it first".to_owned());
        }
        (Action::Pause | Action::Continue, Win32Error::INVALID_SERVICE_CONTROL) => {
            failure.hint = Some(format!(
                "[service.{name}.controls] in its definition makes it possible: pause = \"signal:TSTP\", continue = \"signal:CONT\""
            ));
        }
        _ => {}
    }
    Failure::Scm(failure)
}

/// Adds what is known of why a program did not run: the host's words, and the last lines of its output.
fn explain(app: &mut App, name: &ServiceName, failure: &mut ScmFailure) {
    let host = app.host_states(Some(vec![name.clone()])).ok().and_then(|states| states.into_iter().next());
    if let Some(why) = host.and_then(|host| host.start_error) {
        failure.error.cause = Some(why);
    }
    let request =
        Request::Log { service: name.clone(), from: LogFrom::Tail { lines: LAST_LINES }, wait: false };
    if let Ok(Reply::Log { data, .. }) = app.native("read log", Some(name), request) {
        let text = logs::Texts::of(&logs::decode(&data).unwrap_or_default());
        failure.notes = String::from_utf8_lossy(&text).lines().map(crate::table::printable).collect();
    }
    if !failure.notes.is_empty() {
        failure.notes.insert(0, "its last output:".to_owned());
    }
}

/// What may help a service that was denied something: most often it is a secret that everybody may read.
fn what_is_denied(app: &mut App, name: &ServiceName) -> String {
    let stored = stored_definition(app, name).ok().flatten();
    let files = stored.into_iter().flat_map(|stored| stored.program.secrets.into_values());
    let open: Vec<_> = files
        .map(|SecretSource::File(file)| file)
        .filter(|file| are_others_in(file))
        .map(|file| file.display().to_string())
        .collect();
    match open.is_empty() {
        true => format!("svc events {name} and svc doctor {name} tell more"),
        false => format!("nobody else may read or change it: chmod o= {}", open.join(" ")),
    }
}

fn line(app: &App, report: &ServiceReport) -> String {
    let state = app.ui.paint(crate::ui::state_style(report.status.state), &report.status.state.to_string());
    let mut line = format!("{}: {state}", crate::table::printable(&report.name));
    if let Some(pid) = report.pid() {
        line.push_str(&format!(", pid {pid}"));
    }
    let detail = report::detail(report);
    if !detail.is_empty() {
        line.push_str(&format!(", {}", crate::table::printable(&detail)));
    }
    line
}
