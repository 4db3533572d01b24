//! `svc start`, `stop`, `restart`, `pause` and `continue`.

use svckit_core::access::ServiceAccess;
use svckit_core::backend::Service;
use svckit_core::control::{Control, ControlsAccepted};
use svckit_core::error::Error;
use svckit_core::name::ServiceName;
use svckit_core::native::{LogFrom, Reply, Request};
use svckit_core::status::{NotifyMask, ServiceState, ServiceStatus, StateFilter};
use svckit_core::win32::Win32Error;

use crate::app::{App, all_named};
use crate::args::{Services, Start, Stop};
use crate::failure::{Failure, ScmFailure};
use crate::report::{self, ServiceReport};
use crate::several::{Outcome, each};
use crate::verbs::logs;
use crate::wait::{self, Errand};

/// How many of a program's last lines an error about it shows.
const LAST_LINES: u32 = 10;

pub(crate) fn start(app: &mut App, arguments: &Start) -> Result<(), Failure> {
    let names = all_named(&arguments.services.services)?;
    let is_one = names.len() == 1;
    let mut already = 0;
    let outcome =
        each(app, names.iter(), is_one, |app, name| match start_one(app, name, &arguments.arguments) {
            Err(failure) if !is_one && is_already_running(&failure) => {
                already += 1;
                Ok(())
            }
            other => other,
        })?;
    if already == names.len() && already > 0 {
        return Err(already_so(names.first(), "they are all running already"));
    }
    finish(app, outcome)
}

pub(crate) fn stop(app: &mut App, arguments: &Stop) -> Result<(), Failure> {
    let names = all_named(&arguments.services.services)?;
    let is_one = names.len() == 1;
    let mut already = 0;
    let mut outcome = each(app, names.iter().rev(), is_one, |app, name| {
        match stop_one(app, name, arguments.with_dependents) {
            Err(failure) if !is_one && is_not_active(&failure) => {
                already += 1;
                Ok(())
            }
            other => other.map(drop),
        }
    })?;
    if already == names.len() && already > 0 {
        return Err(already_so(names.first(), "they are all stopped already"));
    }
    outcome.done.reverse();
    finish(app, outcome)
}

pub(crate) fn restart(app: &mut App, arguments: &Stop) -> Result<(), Failure> {
    let names = all_named(&arguments.services.services)?;
    let is_one = names.len() == 1;
    let mut again: Vec<ServiceName> = Vec::new();
    let mut stopped = each(app, names.iter().rev(), is_one, |app, name| {
        match stop_one(app, name, arguments.with_dependents) {
            Err(failure) if is_not_active(&failure) => Ok(()),
            other => {
                again.extend(other?);
                Ok(())
            }
        }
    })?;
    stopped.done.reverse();
    again.retain(|name| !names.contains(name));
    again.reverse();
    let is_one = is_one && again.is_empty();
    let to_start = std::mem::take(&mut stopped.done);
    let started =
        each(app, to_start.into_iter().chain(&again), is_one, |app, name| match start_one(app, name, &[]) {
            Err(failure) if is_already_running(&failure) => Ok(()),
            other => other,
        })?;
    let mut outcome = stopped.then(started);
    outcome.done.retain(|name| names.contains(name));
    finish(app, outcome)
}

pub(crate) fn pause(app: &mut App, arguments: &Services) -> Result<(), Failure> {
    let names = all_named(&arguments.services)?;
    let mut outcome = each(app, names.iter().rev(), names.len() == 1, |app, name| {
        let errand = Errand { service: name, operation: "pause service", doing: "pausing" };
        let path = (ServiceState::PAUSED, NotifyMask::PAUSED | NotifyMask::STOPPED, "is paused already");
        switch(app, errand, Control::PAUSE, path)
    })?;
    outcome.done.reverse();
    finish(app, outcome)
}

pub(crate) fn proceed(app: &mut App, arguments: &Services) -> Result<(), Failure> {
    let names = all_named(&arguments.services)?;
    let outcome = each(app, names.iter(), names.len() == 1, |app, name| {
        let errand = Errand { service: name, operation: "continue service", doing: "continuing" };
        let path = (ServiceState::RUNNING, NotifyMask::RUNNING | NotifyMask::STOPPED, "is running already");
        switch(app, errand, Control::CONTINUE, path)
    })?;
    finish(app, outcome)
}

/// Shows for whom it was done, and ends as it ended.
fn finish(app: &mut App, outcome: Outcome<&ServiceName>) -> Result<(), Failure> {
    let Outcome { done, end } = outcome;
    if !done.is_empty() {
        let done: Vec<_> = done.into_iter().cloned().collect();
        show(app, &done)?;
    }
    end
}

/// Pauses or continues: `target` is the state, what to wait for, and what to say if it is so already.
fn switch(
    app: &mut App,
    errand: Errand<'_>,
    control: Control,
    target: (ServiceState, NotifyMask, &str),
) -> Result<(), Failure> {
    let name = errand.service;
    let access = ServiceAccess::PAUSE_CONTINUE | ServiceAccess::QUERY_STATUS;
    let service = app.open(name, access).map_err(|error| about(error, errand))?;
    let status = service.status()?;
    if status.state == target.0 {
        let message = format!("{name} {}", target.2);
        return Err(Failure::AlreadySo { message, service: Some(name.to_string()) });
    }
    let takes_it = status.controls_accepted.contains(ControlsAccepted::PAUSE_CONTINUE);
    if !takes_it && !status.state.is_pending() && status.state != ServiceState::STOPPED {
        let error = Error::new(errand.operation, Win32Error::INVALID_SERVICE_CONTROL);
        let error = error.service(name.as_str()).cause("it cannot be paused and continued");
        return Err(Failure::from(Box::new(error)).hint(format!(
            "[service.{name}.controls] in its definition makes it possible: pause = \"signal:TSTP\", continue = \"signal:CONT\""
        )));
    }
    service.control(control).map_err(|error| about(error, errand))?;
    let status = wait_if_wanted(app, &*service, errand, target.1)?;
    match status {
        Some(status) if status.state == ServiceState::STOPPED => Err(ended(app, errand, &status)),
        _ => Ok(()),
    }
}

/// Starts a service and waits until it runs. One that is on its way is waited for; one that runs is an error with code 1056.
pub(crate) fn start_one(app: &mut App, name: &ServiceName, arguments: &[String]) -> Result<(), Failure> {
    let errand = Errand { service: name, operation: "start service", doing: "starting" };
    let access = ServiceAccess::START | ServiceAccess::QUERY_STATUS;
    let service = app.open(name, access).map_err(|error| about(error, errand))?;
    app.ui.detail(format!("starting {name}"))?;
    let before = service.status()?;
    if before.state == ServiceState::STOP_PENDING {
        wait_if_wanted(app, &*service, errand, NotifyMask::STOPPED)?;
    }
    if let Err(error) = service.start(arguments) {
        let now = service.status()?;
        // A service may have stopped again before the service control manager saw that it answered: what it says of that tells more.
        if error.code == Win32Error::SERVICE_REQUEST_TIMEOUT
            && now.state == ServiceState::STOPPED
            && !now.win32_exit_code.is_success()
            && now.win32_exit_code != before.win32_exit_code
        {
            return Err(ended(app, errand, &now));
        }
        let pending = now.state == ServiceState::START_PENDING;
        if !(error.code == Win32Error::SERVICE_ALREADY_RUNNING && pending) {
            return Err(not_started(app, errand, error));
        }
    }
    let mask = NotifyMask::RUNNING | NotifyMask::STOPPED | NotifyMask::PAUSED;
    match wait_if_wanted(app, &*service, errand, mask)? {
        Some(status) if status.state == ServiceState::STOPPED && !status.win32_exit_code.is_success() => {
            Err(ended(app, errand, &status))
        }
        _ => Ok(()),
    }
}

/// Stops a service and waits until it has, with those that depend on it if wanted: these are returned in the order in which they were stopped.
pub(crate) fn stop_one(
    app: &mut App,
    name: &ServiceName,
    with_dependents: bool,
) -> Result<Vec<ServiceName>, Failure> {
    let errand = Errand { service: name, operation: "stop service", doing: "stopping" };
    let mut access = ServiceAccess::STOP | ServiceAccess::QUERY_STATUS;
    if with_dependents {
        access = access | ServiceAccess::ENUMERATE_DEPENDENTS;
    }
    let service = app.open(name, access).map_err(|error| about(error, errand))?;
    let mut dependents = Vec::new();
    if with_dependents {
        for dependent in service.dependents(StateFilter::ACTIVE)? {
            let Ok(dependent) = ServiceName::new(dependent.name) else { continue };
            match stop_one(app, &dependent, false) {
                Ok(_) => dependents.push(dependent),
                Err(failure) if is_not_active(&failure) => {}
                Err(failure) => return Err(failure),
            }
        }
    }
    app.ui.detail(format!("stopping {name}"))?;
    if let Err(error) = service.control(Control::STOP) {
        let pending = service.status()?.state == ServiceState::STOP_PENDING;
        if !(error.code == Win32Error::SERVICE_CANNOT_ACCEPT_CTRL && pending) {
            return Err(not_stopped(app, errand, error));
        }
    }
    wait_if_wanted(app, &*service, errand, NotifyMask::STOPPED)?;
    Ok(dependents)
}

fn wait_if_wanted(
    app: &mut App,
    service: &dyn Service,
    errand: Errand<'_>,
    states: NotifyMask,
) -> Result<Option<ServiceStatus>, Failure> {
    if app.wait.is_some_and(|limit| limit.is_zero()) {
        return Ok(None);
    }
    wait::until(app, service, errand, states).map(Some)
}

/// The error of a step, told as that of the whole errand.
fn about(mut error: Box<Error>, errand: Errand<'_>) -> Failure {
    error.operation = errand.operation;
    error.service = Some(errand.service.to_string());
    error.into()
}

fn not_started(app: &mut App, errand: Errand<'_>, error: Box<Error>) -> Failure {
    let code = error.code;
    if code == Win32Error::SERVICE_ALREADY_RUNNING {
        return about(error, errand).hint(format!("svc restart {} starts it anew", errand.service));
    }
    let Failure::Scm(mut failure) = about(error, errand) else {
        return Failure::usage("the service was not started");
    };
    if code != Win32Error::SERVICE_DOES_NOT_EXIST && code != Win32Error::SERVICE_DISABLED {
        explain(app, errand.service, &mut failure);
    }
    Failure::Scm(failure)
}

fn not_stopped(app: &mut App, errand: Errand<'_>, error: Box<Error>) -> Failure {
    let code = error.code;
    let failure = about(error, errand);
    if code != Win32Error::DEPENDENT_SERVICES_RUNNING {
        return failure;
    }
    let running = app
        .open(errand.service, ServiceAccess::ENUMERATE_DEPENDENTS)
        .and_then(|service| service.dependents(StateFilter::ACTIVE))
        .map(|found| found.into_iter().map(|one| one.name).collect::<Vec<_>>().join(", "));
    match running {
        Ok(names) => {
            failure.hint(format!("these depend on it and run: {names}; --with-dependents stops them as well"))
        }
        Err(_) => failure.hint("--with-dependents stops them as well"),
    }
}

/// A service that was to run and ended.
fn ended(app: &mut App, errand: Errand<'_>, status: &ServiceStatus) -> Failure {
    let mut error = Error::new(errand.operation, status.win32_exit_code).service(errand.service.as_str());
    if status.win32_exit_code == Win32Error::SERVICE_SPECIFIC_ERROR {
        error = error.cause(format!("it ended with code {}", status.service_exit_code.cast_signed()));
    }
    if let Ok(backend) = app.backend() {
        error = error.target(backend.target());
    }
    let mut failure = ScmFailure { error: Box::new(error), hint: None, notes: Vec::new() };
    explain(app, errand.service, &mut failure);
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
        let text = logs::decode(&data).unwrap_or_default();
        failure.notes = String::from_utf8_lossy(&text).lines().map(crate::table::printable).collect();
    }
    if !failure.notes.is_empty() {
        failure.notes.insert(0, "its last output:".to_owned());
    }
}

fn is_already_running(failure: &Failure) -> bool {
    failure.code() == Some(Win32Error::SERVICE_ALREADY_RUNNING)
}

fn is_not_active(failure: &Failure) -> bool {
    failure.code() == Some(Win32Error::SERVICE_NOT_ACTIVE)
}

fn already_so(first: Option<&ServiceName>, message: &str) -> Failure {
    Failure::AlreadySo { message: message.to_owned(), service: first.map(ToString::to_string) }
}

/// What came of it: for each service a line, or the array of `svc status`.
pub(crate) fn show(app: &mut App, names: &[ServiceName]) -> Result<(), Failure> {
    if !app.ui.json && app.ui.detail == crate::ui::Detail::Quiet {
        return Ok(());
    }
    let (reports, first_error) = report::some(app, names);
    if app.ui.json {
        report::print(&mut app.ui, &reports)?;
    } else {
        for report in &reports {
            let line = line(app, report);
            app.ui.say(line)?;
        }
    }
    first_error
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
