//! `svc sc`: what sc.exe does, in its words and with its exit statuses: `docs/reference/sc.md`.

mod answer;
mod change;
mod command;
mod database;
mod forms;
mod look;
mod security;
mod settings;
#[cfg(test)]
mod tests;
mod triggers;
mod words;
mod wrong;

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::{Manager, Service};
use svckit_core::win32::Win32Error;
use svckit_recipe::Platform;

use crate::app::App;
use crate::failure::Failure;

use answer::Answer;
use command::Command;
use wrong::Wrong;

/// What a program is called that is meant to be sc, and the verb.
pub(crate) const NAME: &str = "sc";

/// One run of `svc sc`.
struct Session<'a> {
    app: &'a mut App,
    /// What there is to think about, for standard error.
    warnings: Vec<String>,
}

/// Whether the program was called as `sc`.
pub(crate) fn is_meant(program: &std::ffi::OsStr) -> bool {
    // Of another system's path as well: what counts is after the last separator of either.
    let program = program.to_string_lossy();
    let file = program.rsplit(['/', '\\']).next().unwrap_or_default().to_ascii_lowercase();
    file.strip_suffix(".exe").unwrap_or(&file) == NAME
}

/// Carries out a command line, and answers with the exit status: the Win32 code.
pub(crate) fn run(app: &mut App, words: &[String]) -> Result<u32, Failure> {
    let mut words = words;
    if let Some(rest) = without_json(words) {
        app.ui.json = true;
        words = rest;
    }
    let mut session = Session { app, warnings: Vec::new() };
    let outcome = session.carry_out(words);
    for warning in std::mem::take(&mut session.warnings) {
        app.ui.warn(warning)?;
    }
    match outcome {
        Ok(answer) => {
            answer.print(&mut app.ui)?;
            Ok(0)
        }
        Err(wrong) => {
            let status = exit_status(app.surroundings.platform, wrong.code());
            wrong.print(&mut app.ui, status)?;
            Ok(status)
        }
    }
}

/// `--json` at the end of a command line is meant for svc, unless it is a value, or an argument of a service.
fn without_json(words: &[String]) -> Option<&[String]> {
    let (last, rest) = words.split_last()?;
    let is_value = rest.last().is_some_and(|before| before.ends_with('='));
    let is_start = rest.iter().take(2).any(|word| word.eq_ignore_ascii_case("start"));
    (last == "--json" && !is_value && !is_start).then_some(rest)
}

/// The code as an exit status, of which Unix keeps the low eight bits: a failure stays one.
fn exit_status(platform: Platform, code: Win32Error) -> u32 {
    match (platform, code.0 & 0xFF) {
        (Platform::Unix, 0) if code.0 != 0 => 0xFF,
        (Platform::Unix, low) => low,
        (Platform::Windows, _) => code.0,
    }
}

impl Session<'_> {
    fn carry_out(&mut self, words: &[String]) -> Result<Answer, Wrong> {
        let words = match words.split_first() {
            Some((server, rest)) if server.starts_with(r"\\") && is_here(server) => rest,
            _ => words,
        };
        match forms::read(words)? {
            Command::Help(form) => Ok(Answer::Help(form)),
            Command::Query { whom, extended } => self.query(whom, extended),
            Command::Start { name, arguments } => self.start(name, &arguments),
            Command::Control { name, control } => self.control(name, control),
            Command::Stop { name, reason } => self.stop(name, &reason),
            Command::Create { name, settings } => self.create(&name, *settings),
            Command::Config { name, settings } => self.config(name, *settings),
            Command::Delete { name } => self.delete(name),
            Command::Set { name, change } => self.set(name, &change),
            Command::Ask { name, level } => self.ask(name, level),
            Command::AskConfig { name } => self.ask_config(name),
            Command::DisplayName { name } => self.display_name(&name),
            Command::KeyName { display_name } => self.key_name(&display_name),
            Command::Dependents { name } => self.dependents(&name),
            Command::ShowSecurity { name, rights } => self.show_security(name, rights),
            Command::SetSecurity { name, new } => self.set_security(name, &new),
            Command::Boot { acceptable } => self.boot(acceptable),
            Command::Lock => self.lock(),
            Command::AskLock => self.ask_lock(),
            Command::Sid { name } => look::sid(name),
        }
    }

    fn manager(&mut self, access: ManagerAccess) -> Result<Box<dyn Manager>, Wrong> {
        self.app.manager(access).map_err(|error| Wrong::call("OpenSCManager", error))
    }

    fn open(&mut self, name: &str, access: ServiceAccess) -> Result<Box<dyn Service>, Wrong> {
        let manager = self.manager(ManagerAccess::CONNECT)?;
        manager.open_service(name, access).map_err(|error| Wrong::call("OpenService", error).service(name))
    }
}

/// Takes the server off the words of a command, if it is another machine: that is where svc connects to.
pub(crate) fn take_server(words: &mut Vec<String>) -> Option<String> {
    let is_other = words.first().is_some_and(|word| word.starts_with(r"\\") && !is_here(word));
    is_other.then(|| words.remove(0))
}

/// Whether a server is this machine.
fn is_here(server: &str) -> bool {
    let name = server.trim_start_matches('\\');
    name == "." || name.eq_ignore_ascii_case("localhost")
}

#[cfg(test)]
mod server_tests {
    use super::take_server;

    #[test]
    fn another_machine_is_where_svc_connects_to() {
        let take = |words: &[&str]| {
            let mut words = words.iter().map(|word| (*word).to_owned()).collect();
            (take_server(&mut words), words.join(" "))
        };
        assert_eq!(take(&[r"\\db1:4711", "query"]), (Some(r"\\db1:4711".to_owned()), "query".to_owned()));
        for here in [r"\\.", r"\\LocalHost"] {
            assert_eq!(take(&[here, "query"]), (None, format!("{here} query")));
        }
        assert_eq!(take(&["query", r"\\db1"]).0, None);
        assert_eq!(take(&[]).0, None);
    }
}
