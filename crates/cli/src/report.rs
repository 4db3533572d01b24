//! What is known of a service, gathered for tables and as JSON: `docs/reference/json.md`.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::path::Path;

use serde::Serialize;
use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::Enumerated;
use svckit_core::kind::ServiceType;
use svckit_core::limits::Limits;
use svckit_core::name::{ServiceName, fold};
use svckit_core::native::{
    self, Event, HostState, Listed, NamedHostState, Overview, Phase, ProgramExit, Reply, Request, ScmStatus,
    ServiceView,
};
use svckit_core::status::{ServiceState, ServiceStatus, StateFilter};
use svckit_core::timetable::Deed;
use svckit_core::win32::Win32Error;
use svckit_host::signal_name;

use crate::app::{self, App};
use crate::failure::Failure;
use crate::table::printable;
use crate::table::{self, Cell};
use crate::times;
use crate::ui::{Ui, state_style, trouble_style};

/// A service with its status, and its host's state if it has one.
pub(crate) struct ServiceReport {
    pub(crate) name: String,
    pub(crate) display_name: String,
    pub(crate) status: ServiceStatus,
    pub(crate) host: Option<NamedHostState>,
}

/// Every service, with the states of the hosts.
///
/// One answer tells both. A service control manager that doesn't know of hosts is asked by the calls of every other.
pub(crate) fn all(app: &mut App, filter: StateFilter) -> Result<Vec<ServiceReport>, Failure> {
    match app::overview(app.backend()?, None) {
        Ok(Overview { mut services, .. }) => {
            services.retain(|view| filter.admits(view.status.state));
            Ok(services.into_iter().map(ServiceReport::from).collect())
        }
        Err(error) if app::is_untold(&error) => told_apart(app, filter),
        Err(error) => Err(error.into()),
    }
}

/// Every service in a line, which is told by fewer words.
pub(crate) fn listed(app: &mut App, filter: StateFilter) -> Result<Vec<Listed>, Failure> {
    match app.native("list services", None, Request::List) {
        Ok(Reply::List { mut services }) => {
            services.retain(|listed| filter.admits(listed.state));
            Ok(services)
        }
        // Not every service control manager can; what else is wrong is told of the longer way too.
        Ok(_) | Err(_) => Ok(all(app, filter)?.into_iter().filter_map(ServiceReport::listed).collect()),
    }
}

/// The same from two answers.
fn told_apart(app: &mut App, filter: StateFilter) -> Result<Vec<ServiceReport>, Failure> {
    let found = app.manager(ManagerAccess::ENUMERATE_SERVICE)?.enumerate(ServiceType::WIN32, filter, None)?;
    let hosts = app.host_states(None)?;
    let mut hosts: HashMap<_, _> = hosts.into_iter().map(|host| (host.service.folded(), host)).collect();
    let report = |Enumerated { name, display_name, status }| {
        let host = hosts.remove(&fold(&name));
        ServiceReport { name, display_name, status, host }
    };
    Ok(found.into_iter().map(report).collect())
}

/// These services; the first that can't be read is the error, after those that can.
pub(crate) fn some(app: &mut App, names: &[ServiceName]) -> (Vec<ServiceReport>, Result<(), Failure>) {
    let mut found = at_once(app, names);
    let mut reports = Vec::new();
    let mut first = Ok(());
    for name in names {
        match found.remove(&name.folded()).map_or_else(|| asked_apart(app, name), Ok) {
            Ok(report) => reports.push(report),
            Err(failure) => first = first.and(Err(failure)),
        }
    }
    (reports, first)
}

/// One service.
pub(crate) fn one(app: &mut App, name: &ServiceName) -> Result<ServiceReport, Failure> {
    let found = at_once(app, std::slice::from_ref(name)).remove(&name.folded());
    found.map_or_else(|| asked_apart(app, name), Ok)
}

/// Those of these services that one answer tells of, by folded name. Not every service control manager has such an answer, and it doesn't say why one is missing: what is
/// missing is asked for by the calls for one service.
fn at_once(app: &mut App, names: &[ServiceName]) -> HashMap<String, ServiceReport> {
    let request = Request::Overview { after: None, services: Some(names.to_vec()) };
    match app.native("query services", None, request) {
        Ok(Reply::Overview(Overview { services, .. })) => {
            services.into_iter().map(|view| (view.service.folded(), ServiceReport::from(view))).collect()
        }
        Ok(_) | Err(_) => HashMap::new(),
    }
}

/// One service by the calls that every service control manager has.
fn asked_apart(app: &mut App, name: &ServiceName) -> Result<ServiceReport, Failure> {
    let manager = app.manager(ManagerAccess::CONNECT)?;
    let status = manager.open_service(name.as_str(), ServiceAccess::QUERY_STATUS)?.status()?;
    let display_name = manager.display_name(name.as_str())?;
    let host = app.host_states(Some(vec![name.clone()]))?.into_iter().find(|host| host.service == *name);
    let name = host.as_ref().map_or_else(|| name.to_string(), |host| host.service.to_string());
    Ok(ServiceReport { name, display_name, status, host })
}

impl From<ServiceView> for ServiceReport {
    fn from(view: ServiceView) -> Self {
        let ServiceView { service, display_name, status, host } = view;
        Self { name: service.into(), display_name, status, host }
    }
}

/// Prints services as a table or as JSON.
pub(crate) fn print(ui: &mut Ui, reports: &[ServiceReport]) -> Result<(), Failure> {
    if ui.json {
        let all: Vec<_> = reports.iter().map(StatusJson::of).collect();
        return ui.print_json(&all);
    }
    let rows: Vec<Vec<Cell>> = reports.iter().map(row).collect();
    table::print(ui, &["NAME", "STATE", "PID", "RESTARTS", "DETAIL"], &rows)
}

fn row(report: &ServiceReport) -> Vec<Cell<'_>> {
    let restarts = report.host.as_ref().map_or(0, |host| host.state.restarts);
    let detail = detail(report);
    let style = if is_trouble(report) { trouble_style() } else { anstyle::Style::new() };
    vec![
        Cell::plain(&report.name),
        Cell::styled(report.status.state.to_string(), state_style(report.status.state)),
        Cell::plain(report.pid().map_or_else(String::new, |pid| pid.to_string())),
        Cell::plain(if restarts == 0 { String::new() } else { restarts.to_string() }),
        Cell::styled(detail, style),
    ]
}

impl ServiceReport {
    /// The program's process, else the service's.
    pub(crate) fn pid(&self) -> Option<u32> {
        native::process(&self.status, self.host.as_ref().map(|host| host.state.child_pid))
    }

    /// It in a line, if its name is one that a service can have.
    fn listed(self) -> Option<Listed> {
        let service = ServiceName::new(self.name).ok()?;
        let program = self.host.map(|host| host.state.child_pid);
        Some(Listed::new(service, &self.display_name, &self.status, program))
    }
}

/// Whether something is not as it should be.
pub(crate) fn is_trouble(report: &ServiceReport) -> bool {
    let gave_up =
        matches!(&report.host, Some(host) if matches!(host.state.phase, Phase::Backoff | Phase::GaveUp));
    let code = report.status.win32_exit_code;
    gave_up
        || report.status.state == ServiceState::STOPPED
            && !code.is_success()
            && code != Win32Error::SERVICE_NEVER_STARTED
}

/// What there is to say beyond the state.
pub(crate) fn detail(report: &ServiceReport) -> String {
    let status = &report.status;
    let mut parts = Vec::new();
    if let Some(named) = &report.host {
        let host = &named.state;
        match host.phase {
            Phase::Backoff => {
                parts.push(last_end(host));
                if let Some(at) = host.next_retry_at {
                    parts.push(format!("runs again at {}", times::plain(at)));
                }
            }
            Phase::GaveUp => parts.push("gave up restarting".to_owned()),
            _ => {}
        }
        if let Some(next) = &host.scheduled {
            parts.push(format!("{} at {}", next.action.word(), times::plain(next.at)));
        }
        if let Some(hook) = &host.hook {
            parts.push(format!("hook {hook} runs"));
        }
        if let Some(failure) = &host.hook_failure {
            parts.push(format!("hook {} {}", failure.hook, failure.reason));
        }
        if host.is_full {
            parts.push("it has as many processes as it may have".to_owned());
        }
        if let Some(text) = &host.status_text {
            parts.push(printable(text));
        }
        if let Some(trouble) = &host.log_trouble {
            parts.push(trouble.to_string());
        }
        if host.log_bytes_lost > 0 {
            parts.push(format!("{} bytes of output lost", host.log_bytes_lost));
        }
    }
    if status.state == ServiceState::STOPPED {
        let start_error = report.host.as_ref().and_then(|host| host.start_error.as_deref());
        match (start_error, status.win32_exit_code) {
            (Some(error), _) => parts.push(error.to_owned()),
            (None, Win32Error::SUCCESS) => {}
            (None, Win32Error::SERVICE_NEVER_STARTED) => parts.push("not started yet".to_owned()),
            (None, Win32Error::SERVICE_SPECIFIC_ERROR) => {
                parts.push(format!("ended with code {}", exit_code(status.service_exit_code)));
            }
            (None, code) => parts.push(code.description().map_or_else(|| code.numbered(), str::to_owned)),
        }
    } else if status.state.is_pending() && status.checkpoint > 0 {
        parts.push(format!("checkpoint {}", status.checkpoint));
    }
    parts.join(", ")
}

/// A service-specific code as the program's exit code that it was made of.
fn exit_code(code: u32) -> String {
    let signed = code.cast_signed();
    if signed < 0 { format!("{signed} ({code:#x})") } else { code.to_string() }
}

/// How the program of a host ended last, in words.
fn last_end(host: &HostState) -> String {
    match (&host.exit_reason, &host.last_exit) {
        (Some(reason), _) => format!("the program was ended because {}", printable(reason)),
        (None, Some(exit)) => exited(exit),
        (None, None) => "the program ended".to_owned(),
    }
}

/// How a program ended, in words.
pub(crate) fn exited(exit: &ProgramExit) -> String {
    match (exit.code, exit.signal) {
        (Some(code), _) => format!("the program exited with {code}"),
        (None, Some(signal)) => format!("the program was ended by {}", signal_name(signal)),
        (None, None) => "the program ended".to_owned(),
    }
}

/// A service as an element of `status` and `list`.
#[derive(Serialize)]
pub(crate) struct StatusJson<'a> {
    name: &'a str,
    display_name: &'a str,
    #[serde(rename = "type")]
    service_type: String,
    state: String,
    controls_accepted: Vec<String>,
    win32_exit_code: u32,
    service_exit_code: u32,
    checkpoint: u32,
    wait_hint_ms: u32,
    pid: u32,
    #[serde(skip_serializing_if = "Option::is_none")]
    host: Option<HostJson<'a>>,
}

/// What is known of a hosted service besides.
#[derive(Serialize)]
struct HostJson<'a> {
    child_pid: Option<u32>,
    ready: bool,
    phase: Phase,
    restarts: u32,
    last_exit: Option<ExitJson>,
    next_retry_at: Option<String>,
    scheduled: Option<ScheduledJson>,
    log_files: &'a [std::path::PathBuf],
    log_bytes_lost: u64,
    log_trouble: Option<&'a str>,
    limits: Option<&'a Limits>,
    process_limit_reached: bool,
    status_text: Option<&'a str>,
    exit_reason: Option<&'a str>,
    hook: Option<&'a str>,
    hook_failure: Option<HookFailureJson<'a>>,
    start_error: Option<&'a str>,
}

#[derive(Serialize)]
struct ScheduledJson {
    action: Deed,
    at: String,
}

#[derive(Serialize)]
struct HookFailureJson<'a> {
    hook: &'a str,
    reason: &'a str,
    at: String,
}

#[derive(Serialize)]
struct ExitJson {
    code: Option<i32>,
    signal: Option<i32>,
    at: String,
}

impl<'a> StatusJson<'a> {
    pub(crate) fn of(report: &'a ServiceReport) -> Self {
        let status = &report.status;
        Self {
            name: &report.name,
            display_name: &report.display_name,
            service_type: status.service_type.to_string(),
            state: status.state.to_string(),
            controls_accepted: status.controls_accepted.names(),
            win32_exit_code: status.win32_exit_code.0,
            service_exit_code: status.service_exit_code,
            checkpoint: status.checkpoint,
            wait_hint_ms: svckit_core::millis::to_u32(status.wait_hint),
            pid: status.pid,
            host: report.host.as_ref().map(HostJson::of),
        }
    }
}

impl<'a> HostJson<'a> {
    fn of(named: &'a NamedHostState) -> Self {
        let HostState {
            child_pid,
            ready,
            phase,
            restarts,
            last_exit,
            next_retry_at,
            ref scheduled,
            ref log_files,
            log_bytes_lost,
            ref log_trouble,
            ref limits,
            is_full,
            ref hook,
            ref hook_failure,
            ref status_text,
            ref exit_reason,
            rotate_control: _,
        } = named.state;
        Self {
            child_pid,
            ready,
            phase,
            restarts,
            last_exit: last_exit.map(|exit| ExitJson {
                code: exit.code,
                signal: exit.signal,
                at: times::rfc3339(exit.at),
            }),
            next_retry_at: next_retry_at.map(times::rfc3339),
            scheduled: scheduled
                .as_ref()
                .map(|next| ScheduledJson { action: next.action, at: times::rfc3339(next.at) }),
            log_files,
            log_bytes_lost,
            log_trouble: log_trouble.as_deref(),
            limits: limits.as_deref(),
            process_limit_reached: is_full,
            status_text: status_text.as_deref(),
            exit_reason: exit_reason.as_deref(),
            hook: hook.as_deref(),
            hook_failure: hook_failure.as_ref().map(|failure| HookFailureJson {
                hook: &failure.hook,
                reason: &failure.reason,
                at: times::rfc3339(failure.at),
            }),
            start_error: named.start_error.as_deref(),
        }
    }
}

/// An event as JSON.
#[derive(Serialize)]
pub(crate) struct EventJson<'a> {
    time: String,
    id: u32,
    name: Option<&'static str>,
    level: native::Level,
    service: Option<&'a str>,
    message: &'a str,
    sequence: u64,
}

impl<'a> EventJson<'a> {
    pub(crate) fn of(event: &'a Event) -> Self {
        Self {
            time: times::rfc3339(event.time),
            id: event.id.0,
            name: event.id.name(),
            level: event.level,
            service: event.service.as_ref().map(ServiceName::as_str),
            message: &event.message,
            sequence: event.sequence,
        }
    }
}

/// The service control manager as JSON.
#[derive(Serialize)]
pub(crate) struct ScmJson<'a> {
    running: bool,
    pid: u32,
    version: &'a str,
    directory: &'a Path,
    started_at: String,
    services: u32,
    active: u32,
    processes: u32,
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    listening: &'a [SocketAddr],
    #[serde(skip_serializing_if = "<[_]>::is_empty")]
    endpoint_mapper: &'a [SocketAddr],
}

impl<'a> ScmJson<'a> {
    pub(crate) fn of(status: &'a ScmStatus) -> Self {
        Self {
            running: true,
            pid: status.pid,
            version: &status.version,
            directory: &status.directory,
            started_at: times::rfc3339(status.started_at),
            services: status.services,
            active: status.active,
            processes: status.processes,
            listening: &status.listening,
            endpoint_mapper: &status.endpoint_mapper,
        }
    }
}
