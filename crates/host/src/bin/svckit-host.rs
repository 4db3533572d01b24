//! The host without the rest of svckit, for this crate's tests and for measuring what it costs by itself: `svckit-host host spawner|run`, and
//! `svckit-host debug FILE` for a definition in JSON, which tells the numbers of events on standard error.

#![forbid(unsafe_code)]

use std::io::{self, Write};
use std::process::ExitCode;

use svckit_core::definition::HostDefinition;
use svckit_core::name::ServiceName;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next().as_deref()) {
        (Some("host"), Some("spawner")) => svckit_host::serve_spawner().unwrap_or(ExitCode::FAILURE),
        (Some("host"), Some("run")) => svckit_host::run_from_environment(None),
        (Some("debug"), Some(file)) => debug(file).map_or(ExitCode::FAILURE, ExitCode::from),
        _ => ExitCode::from(2),
    }
}

fn debug(file: &str) -> io::Result<u8> {
    let definition: HostDefinition = serde_json::from_slice(&std::fs::read(file)?)?;
    let name = ServiceName::new("show").map_err(io::Error::other)?;
    let status = svckit_host::debug::run(&definition, &name, &mut |event| {
        // Whoever started this may have stopped listening.
        let _ = writeln!(io::stderr(), "{}", event.id.0);
    })?;
    u8::try_from(status).map_err(io::Error::other)
}
