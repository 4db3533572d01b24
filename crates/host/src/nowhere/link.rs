//! Nobody starts hosts here.

use std::convert::Infallible;
use std::io::{self, Write};
use std::process::ExitCode;

use svckit_core::limits::Limits;

/// What a host that somebody starts nevertheless has to say for itself.
pub fn run_from_environment(_: Option<&str>) -> ExitCode {
    // With nobody to hear it there is nothing else to be done.
    let _ = writeln!(io::stderr(), "svc: svckit runs no programs on macOS yet");
    ExitCode::FAILURE
}

/// There is no spawner.
pub fn serve_spawner() -> Option<ExitCode> {
    None
}

/// Nothing is said of limits that are for another machine.
pub fn refuse_limits(_: &Limits) -> Option<Infallible> {
    None
}
