//! Rules of `svc lint` that ask this machine. What is certainly wrong is among the checks before an installation (`checks`); these are about what is probably not
//! meant.

use std::net::{IpAddr, SocketAddr, TcpStream};
use std::path::{Path, PathBuf};
use std::time::Duration;

use svckit_host::program;
use svckit_recipe::lint::{Finding, Severity};
use svckit_recipe::{Definition, ServiceDefinition, Span};

use crate::builtin::{Deed, are_others_let};
use crate::checks;

/// How long something on this machine has to accept a connection.
const ANSWER: Duration = Duration::from_millis(500);

/// What is found: the place, the message, the help.
type Found = (Span, String, String);

/// A rule about one service; the text is its program as the definition has it.
type Rule = fn(&ServiceDefinition, &str) -> Vec<Found>;

const RULES: &[(&str, Rule)] = &[
    ("ambiguous-program", ambiguous_program),
    ("program-by-relative-path", program_by_relative_path),
    ("program-writable", program_writable),
    ("environment-file-readable", environment_file_readable),
    ("port-in-use", port_in_use),
];

/// Everything that the rules find in a definition whose programs were looked up; `words` are the programs as they were before.
pub(crate) fn lint(definition: &Definition, words: &[String]) -> Vec<Finding> {
    let mut all = Vec::new();
    for (service, word) in definition.services.iter().zip(words) {
        for (rule, check) in RULES {
            all.extend(check(service, word).into_iter().map(|(span, message, help)| Finding {
                severity: Severity::Warning,
                rule,
                service: Some(service.name.clone()),
                diagnostic: definition.diagnostic(span, message, Some(help)),
            }));
        }
    }
    all
}

/// A path with blanks that nobody quoted: another program is run if there is one at its beginning.
fn ambiguous_program(service: &ServiceDefinition, _: &str) -> Vec<Found> {
    let run = &service.program.command[0];
    let whole = checks::unquoted(service).filter(|_| program::check(Path::new(run)).is_ok());
    let Some(whole) = whole else { return Vec::new() };
    let message = format!("{run} is run, but {} is there as well", whole.display());
    let help = "a path with blanks is one string of the list, or quoted".to_owned();
    vec![(service.places.run, message, help)]
}

/// A program that was found by its name, in a folder that is another one for who looks it up elsewhere.
fn program_by_relative_path(service: &ServiceDefinition, word: &str) -> Vec<Found> {
    if word.contains(std::path::is_separator) {
        return Vec::new();
    }
    let found = Path::new(&service.program.command[0]);
    let Some(folder) = found.parent().filter(|_| found.is_absolute()) else { return Vec::new() };
    let search = checks::search_path(service);
    let is_it = |entry: &PathBuf| {
        !entry.is_absolute()
            && std::path::absolute(entry.join(word)).is_ok_and(|there| there.parent() == Some(folder))
    };
    let relative = std::env::split_paths(&search).find(is_it);
    let Some(entry) = relative else { return Vec::new() };
    let message =
        format!("{word:?} is {} only here: PATH has the relative folder {entry:?}", found.display());
    let help = format!("write the path: run = [{:?}, …]", service.program.command[0]);
    vec![(service.places.run, message, help)]
}

/// A program that others can put theirs in place of.
fn program_writable(service: &ServiceDefinition, _: &str) -> Vec<Found> {
    let program = Path::new(&service.program.command[0]);
    let open = [Some(program), program.parent()]
        .into_iter()
        .flatten()
        .find(|path| are_others_let(Deed::Write, path));
    let Some(open) = open else { return Vec::new() };
    let message = format!("everybody may write to {}, and so decide what is run", open.display());
    let help = format!("chmod o-w {}", open.display());
    vec![(service.places.run, message, help)]
}

fn environment_file_readable(service: &ServiceDefinition, _: &str) -> Vec<Found> {
    let files = service.program.environment_files.iter().zip(&service.places.environment_files);
    let open = files.filter(|(file, _)| are_others_let(Deed::Read, file));
    let found = open.map(|(file, span)| {
        let message = format!("everybody may read {}, where secrets are kept", file.display());
        (*span, message, format!("chmod o-r {}", file.display()))
    });
    found.collect()
}

/// Who accepts connections where the service will be asked whether it is ready.
fn port_in_use(service: &ServiceDefinition, _: &str) -> Vec<Found> {
    let (Some(ready), Some(span)) = (&service.ready, service.places.ready) else { return Vec::new() };
    let Some(address) = on_this_machine(&ready.tcp) else { return Vec::new() };
    if TcpStream::connect_timeout(&address, ANSWER).is_err() {
        return Vec::new();
    }
    let message = format!(
        "something accepts connections at {} already, so the program would count as ready before it is",
        ready.tcp
    );
    vec![(
        span,
        message,
        "stop what listens there, unless it is this service, or choose another port".to_owned(),
    )]
}

/// The address if it is one of this machine's own; names other than `localhost` are not looked up.
fn on_this_machine(tcp: &str) -> Option<SocketAddr> {
    let (host, port) = tcp.rsplit_once(':')?;
    let ip = match host {
        "localhost" => IpAddr::from([127, 0, 0, 1]),
        host => host.trim_matches(['[', ']']).parse().ok()?,
    };
    let is_own = ip.is_loopback() || ip.is_unspecified();
    is_own.then_some(SocketAddr::new(ip, port.parse().ok()?))
}
