//! `svc host`: what the service control manager starts.

use std::ffi::OsString;
use std::process::ExitCode;

use crate::args::Host;
use crate::resolve;

/// Runs as a host or as the spawner if that is all that the arguments say, before anything else of `svc` is set up.
pub(crate) fn run_if_meant(arguments: impl Iterator<Item = OsString>) -> Option<ExitCode> {
    let words: Vec<OsString> = arguments.skip(1).take(4).collect();
    let words: Vec<_> = words.iter().map(|word| word.to_str().unwrap_or_default()).collect();
    match words[..] {
        ["host", "run"] => Some(run(&Host::Run { service: None })),
        ["host", "run", service] if !matches!(service, "-h" | "--help") => {
            Some(run(&Host::Run { service: Some(service.to_owned()) }))
        }
        ["host", "spawner"] => Some(run(&Host::Spawner)),
        _ => None,
    }
}

pub(crate) fn run(role: &Host) -> ExitCode {
    match role {
        Host::Run { service } => svckit_host::run_from_environment(service.as_deref()),
        Host::Resolve { host } => resolve::one(host),
        Host::Spawner => svckit_host::serve_spawner().unwrap_or(ExitCode::FAILURE),
    }
}
