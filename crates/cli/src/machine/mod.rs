//! Rules of `svc lint` that ask this machine. What is certainly wrong is among the checks before an installation (`checks`); these are about what is probably not
//! meant.

mod executable;
mod libraries;

use std::net::{IpAddr, SocketAddr};
use std::path::{Path, PathBuf};

use svckit_core::health::HealthPolicy;
use svckit_core::probe::{ReadyPolicy, ReadyWhen};
use svckit_core::win32::Win32Error;
use svckit_host::listen::{self, Owner};
use svckit_host::{environment, program};
use svckit_recipe::lint::{Finding, Severity};
use svckit_recipe::{Definition, Hosted, Platform, ServiceDefinition, Span};

use crate::builtin::{Deed, PLATFORM, are_others_let};
use crate::checks;

/// What is found.
struct Found {
    severity: Severity,
    rule: &'static str,
    span: Span,
    message: String,
    help: String,
}

impl Found {
    fn warning(rule: &'static str, span: Span, message: String, help: String) -> Self {
        Self { severity: Severity::Warning, rule, span, message, help }
    }
}

/// A rule about one service and what it hosts; the text is its program as the definition has it.
type Rule = fn(&ServiceDefinition, &Hosted, &str) -> Vec<Found>;

const RULES: &[Rule] = &[
    ambiguous_program,
    program_by_relative_path,
    program_writable,
    log_writable,
    executable::rules,
    commands_beside,
    environment_file_readable,
    environment_file_mistakes,
    ready_address,
    request_address,
    port_in_use,
    ready_folder,
    limit_not_here,
];

/// Everything that the rules find in a definition whose programs were looked up; `words` are the programs as they were before.
pub(crate) fn lint(definition: &Definition, words: &[String]) -> Vec<Finding> {
    let mut all = Vec::new();
    for (service, word) in definition.services.iter().zip(words) {
        let Some(hosted) = service.hosted() else { continue };
        let found = RULES.iter().flat_map(|check| check(service, hosted, word));
        all.extend(found.map(|Found { severity, rule, span, message, help }| Finding {
            severity,
            rule,
            service: Some(service.name.clone()),
            diagnostic: definition.diagnostic(span, message, Some(help)),
        }));
    }
    all
}

/// A path with blanks that nobody quoted: another program is run if there is one at its beginning.
fn ambiguous_program(service: &ServiceDefinition, hosted: &Hosted, _: &str) -> Vec<Found> {
    let run = &hosted.program.command[0];
    let whole = checks::unquoted(hosted).filter(|_| program::check(Path::new(run)).is_ok());
    let Some(whole) = whole else { return Vec::new() };
    let message = format!("{run} is run, but {} is there as well", whole.display());
    let help = "a path with blanks is one string of the list, or quoted".to_owned();
    vec![Found::warning("ambiguous-program", service.places.run, message, help)]
}

/// A program that was found by its name, in a folder that is another one for who looks it up elsewhere.
fn program_by_relative_path(service: &ServiceDefinition, hosted: &Hosted, word: &str) -> Vec<Found> {
    if word.contains(std::path::is_separator) {
        return Vec::new();
    }
    let found = Path::new(&hosted.program.command[0]);
    let Some(folder) = found.parent().filter(|_| found.is_absolute()) else { return Vec::new() };
    let search = checks::search_path(hosted);
    let is_it = |entry: &PathBuf| {
        !entry.is_absolute()
            && std::path::absolute(entry.join(word)).is_ok_and(|there| there.parent() == Some(folder))
    };
    let relative = std::env::split_paths(&search).find(is_it);
    let Some(entry) = relative else { return Vec::new() };
    let message =
        format!("{word:?} is {} only here: PATH has the relative folder {entry:?}", found.display());
    let help = format!("write the path: run = [{:?}, …]", hosted.program.command[0]);
    vec![Found::warning("program-by-relative-path", service.places.run, message, help)]
}

/// A program that others can put theirs in place of.
fn program_writable(service: &ServiceDefinition, hosted: &Hosted, _: &str) -> Vec<Found> {
    let program = Path::new(&hosted.program.command[0]);
    let open = [Some(program), program.parent()]
        .into_iter()
        .flatten()
        .find(|path| are_others_let(Deed::Write, path));
    let Some(open) = open else { return Vec::new() };
    let message = format!("everybody may write to {}, and so decide what is run", open.display());
    let help = format!("chmod o-w {}", open.display());
    vec![Found::warning("program-writable", service.places.run, message, help)]
}

/// A log that others can change, or put theirs in place of.
fn log_writable(service: &ServiceDefinition, hosted: &Hosted, _: &str) -> Vec<Found> {
    let mut files: Vec<&PathBuf> = [&hosted.log.stdout, &hosted.log.stderr].into_iter().flatten().collect();
    files.dedup();
    let paths = files.into_iter().flat_map(|file| [Some(file.as_path()), file.parent()]).flatten();
    let Some(open) = paths.into_iter().find(|path| are_others_let(Deed::Write, path)) else {
        return Vec::new();
    };
    let message = format!("everybody may write to {}, and so change the log or take it away", open.display());
    let help = format!("chmod o-w {}", open.display());
    vec![Found::warning("log-writable", service.places.name, message, help)]
}

/// Commands beside the program that are not there, or no programs.
fn commands_beside(service: &ServiceDefinition, hosted: &Hosted, _: &str) -> Vec<Found> {
    let search = checks::search_path(hosted);
    let found = service.beside().into_iter().filter_map(|(what, command, span)| {
        let error = program::find(command.first()?, &search).err()?;
        let message = format!("what {what} runs: {error}");
        let help = "a path is relative to \"directory\", and a name is looked for in PATH".to_owned();
        let span = span.unwrap_or(service.places.name);
        Some(Found { severity: Severity::Error, rule: "command", span, message, help })
    });
    found.collect()
}

/// A limit that makes the start fail, since this machine can't keep it.
fn limit_not_here(service: &ServiceDefinition, hosted: &Hosted, _: &str) -> Vec<Found> {
    let Some(refusal) = svckit_host::refuse_limits(&hosted.limits) else { return Vec::new() };
    let message = format!("the start fails here: {refusal}");
    let help = "leave it out, or let svckit make control groups: as root, or with Delegate= and DelegateSubgroup= of systemd".to_owned();
    let span = service.places.limits.unwrap_or(service.places.name);
    vec![Found::warning("limit-not-here", span, message, help)]
}

fn environment_file_readable(service: &ServiceDefinition, hosted: &Hosted, _: &str) -> Vec<Found> {
    let files = hosted.program.environment_files.iter().zip(&service.places.environment_files);
    let open = files.filter(|(file, _)| are_others_let(Deed::Read, file));
    let found = open.map(|(file, span)| {
        let message = format!("everybody may read {}, where secrets are kept", file.display());
        Found::warning("environment-file-readable", *span, message, format!("chmod o-r {}", file.display()))
    });
    found.collect()
}

/// Lines in a file of variables that are none; that it can't be read is told by another rule.
fn environment_file_mistakes(service: &ServiceDefinition, hosted: &Hosted, _: &str) -> Vec<Found> {
    let files = hosted.program.environment_files.iter().zip(&service.places.environment_files);
    let found = files.filter(|(file, _)| file.is_file()).filter_map(|(file, span)| {
        let wrong =
            environment::check_file(file).err().filter(|wrong| wrong.code == Win32Error::INVALID_DATA)?;
        let help = "a line is NAME=value; a value in quotes ends on its line".to_owned();
        let (severity, rule) = (Severity::Error, "environment-file");
        Some(Found { severity, rule, span: *span, message: wrong.message, help })
    });
    found.collect()
}

/// Addresses that the system never connects to.
fn ready_address(service: &ServiceDefinition, hosted: &Hosted, _: &str) -> Vec<Found> {
    if PLATFORM != Platform::Windows {
        return Vec::new();
    }
    let ready = hosted.ready.as_ref().and_then(|ready| ready.when.address());
    let health = hosted.health.as_ref().and_then(HealthPolicy::address);
    let asked = [(ready, service.places.ready, "ready"), (health, service.places.health, "alive")];
    let found = asked.into_iter().filter_map(|(address, span, what)| {
        let address = address?;
        on_this_machine(&address).filter(|address| address.ip().is_unspecified())?;
        let message =
            format!("Windows connects to no address like {address}, so the program never counts as {what}");
        let help = "name an address that can be connected to, with 127.0.0.1 in place of all".to_owned();
        let span = span.unwrap_or(service.places.name);
        Some(Found { severity: Severity::Error, rule: "ready-address", span, message, help })
    });
    found.collect()
}

fn request_address(service: &ServiceDefinition, _: &Hosted, _: &str) -> Vec<Found> {
    if PLATFORM != Platform::Windows {
        return Vec::new();
    }
    let found = service.requests().into_iter().filter_map(|(what, request, span)| {
        let address = request.address();
        on_this_machine(&address).filter(|address| address.ip().is_unspecified())?;
        let message =
            format!("Windows connects to no address like {address}, so the request of {what} always fails");
        let help = "name an address that can be connected to, with 127.0.0.1 in place of all".to_owned();
        Some(Found::warning("request-address", span.unwrap_or(service.places.name), message, help))
    });
    found.collect()
}

/// Who accepts connections where the service will be asked whether it is ready.
fn port_in_use(service: &ServiceDefinition, hosted: &Hosted, _: &str) -> Vec<Found> {
    let Some(asked) = hosted.ready.as_ref().and_then(|ready| ready.when.address()) else {
        return Vec::new();
    };
    let Some(address) = on_this_machine(&asked) else { return Vec::new() };
    // Where the system doesn't tell who listens there is nothing to say.
    let listeners = listen::all().unwrap_or_default();
    let Some(listener) = listeners.into_iter().find(|listener| listener.accepts(address)) else {
        return Vec::new();
    };
    let who = match listener.owner {
        Some(Owner { pid, program: Some(program) }) => format!("{program} (process {pid})"),
        Some(Owner { pid, program: None }) => format!("process {pid}"),
        None => "something".to_owned(),
    };
    let message = format!(
        "{who} accepts connections at {asked} already, so the program would count as ready before it is"
    );
    let help = "stop what listens there, unless it is this service, or choose another port".to_owned();
    let span = service.places.ready.unwrap_or(service.places.name);
    vec![Found::warning("port-in-use", span, message, help)]
}

/// A folder that isn't there for a file that is to be made in it.
fn ready_folder(service: &ServiceDefinition, hosted: &Hosted, _: &str) -> Vec<Found> {
    let Some(ReadyPolicy { when: ReadyWhen::File(file), .. }) = &hosted.ready else { return Vec::new() };
    let Some(folder) = file.parent().filter(|folder| !folder.is_dir()) else { return Vec::new() };
    let message = format!(
        "the folder {} is not there, so unless the program makes it, it never counts as ready",
        folder.display()
    );
    let help = "make the folder, or name a file in one that is there".to_owned();
    let span = service.places.ready.unwrap_or(service.places.name);
    vec![Found::warning("ready-folder", span, message, help)]
}

/// The address if it is one of this machine's own; names other than `localhost` are not looked up.
fn on_this_machine(address: &str) -> Option<SocketAddr> {
    let (host, port) = address.rsplit_once(':')?;
    let ip = match host {
        "localhost" => IpAddr::from([127, 0, 0, 1]),
        host => host.trim_matches(['[', ']']).parse().ok()?,
    };
    let is_own = ip.is_loopback() || ip.is_unspecified();
    is_own.then_some(SocketAddr::new(ip, port.parse().ok()?))
}
