//! The `svc` command: see `docs/reference/cli.md`.

#![forbid(unsafe_code)]

mod accounts;
mod app;
mod apply;
mod args;
mod buildout;
mod builtin;
mod bulk;
mod changes;
mod checks;
mod definitions;
mod desired;
mod doctor;
mod dsc;
mod explain;
mod failure;
#[cfg(test)]
mod fake;
mod fleet;
mod lock;
mod logon;
mod machine;
mod metrics;
mod passwords;
mod pending;
mod report;
mod resolve;
mod rollback;
mod sc;
mod several;
mod table;
#[cfg(test)]
mod tests;
mod times;
mod top;
mod triggers;
mod ui;
mod verbs;
mod workers;

use std::ffi::OsString;
use std::process::ExitCode;
use std::sync::Arc;

use clap::Parser;
use clap::error::ErrorKind;

use crate::app::{App, Connect};
use crate::args::{Cli, Global, Verb};
use crate::failure::{Failure, Status};
use crate::fleet::Machines;
use crate::logon::Logon;
use crate::ui::Ui;
use crate::verbs::scm::Place;

fn main() -> ExitCode {
    // A thousand hosts are a thousand times this: no more is done for them than they need.
    if let Some(end) = verbs::host::run_if_meant(std::env::args_os()) {
        return end;
    }
    let mut cli = match Cli::try_parse_from(words(std::env::args_os())) {
        Ok(cli) => cli,
        Err(error) => {
            return misunderstood(&error);
        }
    };
    let mut ui = Ui::new(&cli.global);
    let said =
        cli.global.scm.clone().or_else(|| std::env::var("SVC_SCM").ok().filter(|text| !text.is_empty()));
    let server = match &mut cli.verb {
        Verb::Host(role) => return verbs::host::run(role),
        Verb::Sc { words } => sc::take_server(words),
        _ => None,
    };
    let said = server.or(said);
    // Who asks nobody may have a list in SVC_SCM.
    let said = said.filter(|_| !fleet::asks_none(&cli.verb));
    match said.as_deref().map_or(Ok(None), Machines::read) {
        Ok(Some(machines)) => {
            let machines = machines.log_on(&Arc::new(Logon::new(&cli.global)));
            return fleet::run(&mut ui, &machines, cli).unwrap_or_else(|failure| end(&mut ui, &failure));
        }
        Ok(None) => {}
        Err(failure) => return end(&mut ui, &failure),
    }
    let place = match Place::new(said.as_deref()) {
        Ok(place) => place.log_on(&Arc::new(Logon::new(&cli.global))),
        Err(failure) => return end(&mut ui, &failure),
    };
    let connector = place.clone();
    let connect: Connect = Arc::new(move || connector.connect());
    let mut app = App::new(ui, connect, place.surroundings(), cli.global.wait);
    let outcome = run(&mut app, &place, &cli.verb).and_then(|code| {
        app.ui.finish()?;
        Ok(code)
    });
    outcome.map_or_else(|failure| end(&mut app.ui, &failure), end_with)
}

/// The command line, in which `sc` as the name of the program is the verb. It isn't where svc runs itself, as the service control manager.
fn words(all: impl Iterator<Item = OsString>) -> Vec<OsString> {
    let mut all: Vec<_> = all.collect();
    if all.first().is_some_and(|program| sc::is_meant(program)) && all.get(1).is_none_or(|word| word != "scm")
    {
        all.insert(1, OsString::from(sc::NAME));
    }
    all
}

/// Help that was asked for, or why the command line can't be understood: as JSON if that much of it can.
fn misunderstood(error: &clap::Error) -> ExitCode {
    let asked = matches!(error.kind(), ErrorKind::DisplayHelp | ErrorKind::DisplayVersion);
    if !asked && std::env::args_os().any(|word| word == "--json") {
        let text = error.to_string();
        let first = text.lines().next().unwrap_or_default();
        let message = first.strip_prefix("error: ").unwrap_or(first);
        return end(&mut Ui::new(&Global::json_only()), &Failure::usage(message));
    }
    // With nobody to read it there is nothing more to do.
    let _ = error.print();
    if asked { ExitCode::SUCCESS } else { ExitCode::from(Status::Usage as u8) }
}

/// Tells a failure; the exit status is its own, whether or not it could be told.
fn end(ui: &mut Ui, failure: &Failure) -> ExitCode {
    if matches!(failure, Failure::BrokenPipe) {
        return ExitCode::SUCCESS;
    }
    let _ = failure.print(ui);
    ExitCode::from(failure.status() as u8)
}

/// Runs a verb; its exit status, which of `svc sc` is a Win32 code.
fn run(app: &mut App, place: &Place, verb: &Verb) -> Result<u32, Failure> {
    match verb {
        Verb::Up(arguments) => verbs::up::run(app, arguments)?,
        Verb::Down(arguments) => verbs::down::run(app, arguments)?,
        Verb::Install(arguments) => verbs::install::install(app, arguments)?,
        Verb::Update(arguments) => verbs::install::update(app, arguments)?,
        Verb::Plan(arguments) => verbs::plan::plan(app, arguments)?,
        Verb::Apply(arguments) => verbs::plan::apply(app, arguments)?,
        Verb::Diff(arguments) => verbs::plan::diff(app, arguments)?,
        Verb::Remove(arguments) => verbs::install::remove(app, arguments)?,
        Verb::Start(arguments) => verbs::control::start(app, arguments)?,
        Verb::Stop(arguments) => verbs::control::stop(app, arguments)?,
        Verb::Restart(arguments) => verbs::control::restart(app, arguments)?,
        Verb::Pause(arguments) => verbs::control::pause(app, arguments)?,
        Verb::Continue(arguments) => verbs::control::proceed(app, arguments)?,
        Verb::Wait(arguments) => verbs::control::wait(app, arguments)?,
        Verb::Debug(arguments) => return verbs::debug::run(app, arguments),
        Verb::List(arguments) => verbs::status::list(app, arguments)?,
        Verb::Status(arguments) => verbs::status::status(app, arguments)?,
        Verb::Metrics(arguments) => metrics::run(app, place, arguments)?,
        Verb::Top(arguments) => top::run(app, place, arguments)?,
        Verb::Show(arguments) => verbs::show::run(app, arguments)?,
        Verb::Logs(arguments) => verbs::logs::run(app, arguments)?,
        Verb::Env(arguments) => verbs::env::run(app, arguments)?,
        Verb::Events(arguments) => verbs::events::run(app, arguments)?,
        Verb::Raise(arguments) => verbs::raise::run(app, arguments)?,
        Verb::Export(arguments) => verbs::export::run(app, arguments)?,
        Verb::Import(arguments) => verbs::import::run(app, arguments)?,
        Verb::Lint(arguments) => verbs::lint::run(app, arguments)?,
        Verb::Doctor(arguments) => doctor::run(app, arguments)?,
        Verb::Buildout(arguments) => verbs::buildout::run(app, arguments)?,
        Verb::Explain { what } => explain::run(app, what)?,
        Verb::Sc { words } => {
            return sc::run(app, words);
        }
        Verb::Dsc(operation) => dsc::run(app, operation)?,
        Verb::Scm(action) => verbs::scm::run(app, place, action)?,
        Verb::Host(_) => return Err(Failure::usage("a host is what svc itself runs")),
        Verb::Schema => verbs::generate::schema(app)?,
        Verb::Completions { shell } => verbs::generate::completions(app, *shell)?,
        Verb::Man { directory } => verbs::generate::man(app, directory.as_deref())?,
    }
    Ok(0)
}

/// An exit status that Windows has 32 bits for, and the standard library eight.
#[expect(clippy::disallowed_methods, reason = "this is main, and everything is written out")]
fn end_with(code: u32) -> ExitCode {
    match u8::try_from(code) {
        Ok(code) => ExitCode::from(code),
        Err(_) => std::process::exit(code.cast_signed()),
    }
}
