//! The host without the rest of svckit, for this crate's tests and for measuring what it costs by itself: `svckit-host host spawner|run`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    match (arguments.next().as_deref(), arguments.next().as_deref()) {
        (Some("host"), Some("spawner")) => svckit_host::spawner::serve(),
        (Some("host"), Some("run")) => svckit_host::run_from_environment(),
        _ => ExitCode::from(2),
    }
}
