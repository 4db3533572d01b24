//! The project's own tasks: `cargo xtask help` lists them.

#![forbid(unsafe_code)]
#![allow(clippy::print_stdout, clippy::print_stderr, reason = "a task talks to the person at the console")]

mod arrows;
mod bench;
mod docs;
mod fuzz;
mod licences;
mod metadata;
mod python;
mod shell;
mod sources;
mod test;
mod windows_python;
mod wine;

use std::process::ExitCode;

const HELP: &str = "\
cargo xtask TASK

  test               everything: format, lints, arrows, licences, documentation, tests, comparisons
  lint               the part of it that runs nothing
  wine               the part of it that is for Windows, under Wine
  arrows             which crate may use which, where unsafe code may be, how long files and functions are
  licences           that every dependency may be used under MIT or Apache-2.0 terms, or freer
  docs               writes what is generated: the tables of docs/reference/definition.md, and definition.schema.json beside it
  fuzz [SECONDS]     every fuzz target for so long (60)
  bench [--quick] [--peers] [--only ROW] [--services N] [--rounds N]
                     measures against other supervisors and writes docs/benchmarks.md
  bench --wine [--quick] [--only ROW] [--rounds N]
                     the same for the hosts of services under Wine, and writes docs/benchmarks-wine.md
";

/// What a task comes to: an error is said and ends it.
type Outcome<T = ()> = Result<T, String>;

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let outcome = match words.as_slice() {
        ["test"] => test::all(),
        ["lint"] => test::lint(),
        ["wine"] => test::windows(),
        ["arrows"] => arrows::check().and_then(|()| sources::check()),
        ["licences"] => licences::check(),
        ["docs"] => docs::write(),
        ["fuzz", rest @ ..] => fuzz::run(rest),
        ["bench", rest @ ..] => bench::run(rest),
        [] | ["help" | "--help" | "-h"] => {
            print!("{HELP}");
            Ok(())
        }
        other => Err(format!("no such task: {}\n\n{HELP}", other.join(" "))),
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            eprintln!("xtask: {message}");
            ExitCode::FAILURE
        }
    }
}
