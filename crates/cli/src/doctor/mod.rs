//! `svc doctor`: what ails services, before and after something went wrong. Facts are gathered here; what they mean the rules of `svckit_recipe` say.

mod census;
mod drift;
mod image;
mod names;
mod scm;
mod show;

use std::path::{Path, PathBuf};
use std::time::Duration;

use svckit_core::access::ServiceAccess;
use svckit_core::name::ServiceName;
use svckit_core::native::Phase;
use svckit_core::sort;
use svckit_core::status::ServiceState;
use svckit_core::win32::Win32Error;
use svckit_recipe::doctor::{Ended, Facts, Finding, HostFacts, Image, diagnose};
use svckit_recipe::lint::Severity;
use svckit_recipe::{Definition, ServiceDefinition, Source, Span, Stored};

use crate::app::{App, Named, all_named, default_log, named};
use crate::args::Doctor;
use crate::definitions::is_definition;
use crate::failure::{Failure, ScmFailure, Status, advice_of};
use crate::report::{self, ServiceReport};
use crate::times;
use crate::verbs::{lint, logs};
use census::Census;
use drift::Drifts;
use show::Section;

/// Tells what is found. Errors, and strictly warnings too, are the exit status.
pub(crate) fn run(app: &mut App, arguments: &Doctor) -> Result<(), Failure> {
    let sections = sections(app, &arguments.services, arguments.resolve)?;
    show::show(app, &sections, !arguments.services.is_empty())?;
    let least = if arguments.strict { Severity::Warning } else { Severity::Error };
    let mut all = sections.iter().flat_map(|section| &section.findings);
    if all.any(|finding| finding.severity >= least) { Err(Failure::Told(Status::Unwell)) } else { Ok(()) }
}

fn sections(app: &mut App, arguments: &[String], resolve: bool) -> Result<Vec<Section>, Failure> {
    if resolve && app.surroundings.is_elsewhere {
        let failure =
            Failure::usage("--resolve looks names up on this machine, and the services are on another");
        return Err(failure.hint("run svc doctor --resolve there"));
    }
    let mut sections = Vec::new();
    let mut patients: Vec<Patient> = Vec::new();
    let (files, words): (Vec<_>, Vec<_>) = arguments.iter().partition(|argument| is_definition(argument));
    for file in files {
        patients.extend(preflight(app, file, &mut sections)?);
    }
    if let Err(error) = app.backend() {
        sections.push(unreachable(error));
        return Ok(sections);
    }
    let words: Vec<String> = words.into_iter().cloned().collect();
    if !words.is_empty() {
        patients.extend(all_named(app, &words)?.into_iter().map(Patient::named));
    }
    if patients.is_empty() && !arguments.is_empty() {
        return Ok(sections);
    }
    let names: Vec<_> = patients.iter().map(|patient| patient.name.clone()).collect();
    let census = Census::take(app, &names)?;
    if arguments.is_empty() {
        patients = census.names().map(Patient::named).collect();
        sections.extend(census.unreadable());
    }
    let state = app.state_directory()?;
    let mut drifts = Drifts::new(state, app.home().ok());
    for patient in &patients {
        sections.push(look(app, &census, &mut drifts, patient)?);
    }
    let looked_at = patients.iter().filter_map(|patient| census.of(&patient.name)).map(|(one, _)| one);
    sections.extend(scm::look(app, drifts.state(), looked_at));
    if resolve {
        sections.extend(names::look(app, &census, &patients)?);
    }
    Ok(sections)
}

/// Who is looked at.
struct Patient {
    name: ServiceName,
    /// Whether by its own name: else its definition was looked at already.
    is_named: bool,
    /// Where its definition says that it is asked whether it is ready.
    ready: Option<String>,
}

impl Patient {
    fn named(name: ServiceName) -> Self {
        Self { name, is_named: true, ready: None }
    }

    /// Of a definition.
    fn defined(service: &ServiceDefinition) -> Self {
        let ready = service.hosted().and_then(|hosted| hosted.ready.as_ref());
        let ready = ready.and_then(|ready| ready.when.address());
        Self { name: service.name.clone(), is_named: false, ready }
    }
}

/// What is wrong with a definition, before its services are looked at.
fn preflight(app: &App, file: &str, sections: &mut Vec<Section>) -> Result<Vec<Patient>, Failure> {
    let patients = match named(file) {
        Ok(Named::Definition(definition)) => definition.services.iter().map(Patient::defined).collect(),
        Ok(Named::Service(name)) => vec![Patient::named(name)],
        Err(Failure::Definition(_)) => Vec::new(),
        Err(other) => return Err(other),
    };
    let found = lint::findings(app, Path::new(file))?;
    sections.push(Section::new(file, found.into_iter().map(Finding::from).collect()));
    Ok(patients)
}

fn unreachable(error: Box<svckit_core::Error>) -> Section {
    let help = advice_of(&error).unwrap_or_else(|| "svc scm status tells whether it runs".to_owned());
    let target = error.target.clone().unwrap_or_default();
    let finding = Finding::new(Severity::Error, "scm-unreachable", error.to_string()).help(help);
    Section::new("the service control manager", vec![finding.at(target)])
}

/// Looks at one service.
fn look(app: &mut App, census: &Census, drifts: &mut Drifts, patient: &Patient) -> Result<Section, Failure> {
    let name = &patient.name;
    let Some((configured, report)) = census.of(name) else {
        if patient.is_named {
            // The service control manager's own answer.
            app.open(name, ServiceAccess::QUERY_CONFIG)?.config()?;
        }
        let finding = Finding::new(Severity::Hint, "not-installed", "it is not installed");
        return Ok(Section::new(
            name.as_str(),
            vec![finding.help("svc install DEF, or svc up DEF").of(name)],
        ));
    };
    let mut found = Vec::new();
    if patient.is_named {
        found.extend(stored_definition(app, drifts.state(), configured, report));
    }
    let facts = Facts {
        name: configured.service.clone(),
        platform: app.surroundings.platform,
        status: report.status,
        config: configured.config.clone(),
        marked_for_deletion: is_marked(app, name)?,
        host: host_facts(configured, report),
        last_output: if is_in_trouble(report) { last_output(app, name) } else { Vec::new() },
        needs: census.needs(configured),
        circle: census.circle(name),
        // Programs of another machine are not here.
        image: if app.surroundings.is_elsewhere { Image::Unknown } else { image::look(configured) },
        drift: drifts.of(app, configured),
    };
    found.extend(diagnose(&facts));
    sort::by_key(&mut found, |finding| std::cmp::Reverse(finding.severity));
    let detail = report::detail(report);
    let state = report.status.state;
    let heading =
        if detail.is_empty() { format!("{name}: {state}") } else { format!("{name}: {state}, {detail}") };
    Ok(Section::new(&heading, found))
}

/// What the rules about definitions find in what is installed, whose places are in no file.
fn stored_definition(
    app: &App,
    state: &Path,
    configured: &svckit_core::native::Configured,
    report: &ServiceReport,
) -> Vec<Finding> {
    let Some(host) = configured.definition.as_deref() else { return Vec::new() };
    let platform = app.surroundings.platform;
    let name = &configured.service;
    let default_log = default_log(platform, state, name);
    let (config, optional) = (&configured.config, &configured.optional[..]);
    let stored = Stored { name, config, optional, host: Some(host), default_log: &default_log };
    // What a definition has no words for is none of these rules' business.
    let Ok(mut service) = ServiceDefinition::from_stored(&stored, platform) else { return Vec::new() };
    let source = Source::new(PathBuf::from("installed"), "");
    let files = service.hosted().map_or(0, |hosted| hosted.program.environment_files.len());
    service.places.environment_files.resize(files, Span::default());
    let found = lint::all_findings(app, Definition { source, services: vec![service] }, true);
    // While its program runs, that is who listens.
    let is_running = report.pid().is_some();
    let found = found.into_iter().filter(|one| !(is_running && one.rule == "port-in-use"));
    found.map(|one| Finding { place: None, ..Finding::from(one) }).collect()
}

fn host_facts(configured: &svckit_core::native::Configured, report: &ServiceReport) -> Option<HostFacts> {
    let named = report.host.as_ref()?;
    let host = &named.state;
    let ended = |exit: &svckit_core::native::ProgramExit| Ended {
        words: report::exited(exit),
        at: times::plain(exit.at),
        code: exit.code,
        signal: exit.signal,
    };
    let ready = configured.definition.as_ref().and_then(|definition| definition.ready.as_ref());
    Some(HostFacts {
        phase: host.phase,
        restarts: host.restarts,
        last_end: host.last_exit.as_ref().map(ended),
        next_retry: host.next_retry_at.map(times::plain),
        bytes_lost: host.log_bytes_lost,
        start_error: named.start_error.clone(),
        ready_when: ready.map(|ready| ready.when.deed()),
    })
}

/// The state that a service is in is told at once; the limit is for a service control manager that never answers. With less, the question would be taken back
/// while it is on its way, which Wine's services.exe may not survive.
const ANSWER: Duration = Duration::from_secs(5);

/// Whether the service waits for its last handle to be closed.
fn is_marked(app: &mut App, name: &ServiceName) -> Result<bool, Failure> {
    use svckit_core::status::NotifyMask;
    let opened = app.open(name, ServiceAccess::QUERY_STATUS);
    let asked = opened.and_then(|service| service.wait(NotifyMask::SERVICE, ANSWER));
    match asked {
        Err(error) if error.code == Win32Error::SERVICE_MARKED_FOR_DELETE => Ok(true),
        // Who can't tell says nothing.
        _ => Ok(false),
    }
}

fn is_in_trouble(report: &ServiceReport) -> bool {
    let Some(host) = &report.host else { return false };
    report.status.state != ServiceState::RUNNING
        || host.state.phase != Phase::Running
        || host.state.restarts > 0
}

/// So many lines of output are told.
const LAST_LINES: u32 = 10;

fn last_output(app: &mut App, name: &ServiceName) -> Vec<String> {
    let from = svckit_core::native::LogFrom::Tail { lines: LAST_LINES };
    // One that can't be read is none: the rules about the log tell why.
    let bytes = logs::read(app, name, from, false).map(|(bytes, _)| bytes).unwrap_or_default();
    String::from_utf8_lossy(&logs::Texts::of(&bytes)).lines().map(str::to_owned).collect()
}

/// What a service's post-mortem comes to in words, for `svc explain`; absent if there is no such service.
pub(crate) fn post_mortem(
    app: &mut App,
    name: &ServiceName,
) -> Result<Option<(String, Vec<Finding>)>, Failure> {
    let sections = match sections(app, &[name.to_string()], false) {
        Err(Failure::Scm(ScmFailure { error, .. })) if error.code == Win32Error::SERVICE_DOES_NOT_EXIST => {
            return Ok(None);
        }
        other => other?,
    };
    Ok(sections.into_iter().next().map(|section| (section.heading, section.findings)))
}
