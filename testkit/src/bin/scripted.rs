//! A service that does what its arguments say; see `svckit_testkit::script`.

#![forbid(unsafe_code)]

use std::process::ExitCode;

fn main() -> ExitCode {
    svckit_testkit::scripted::main()
}
