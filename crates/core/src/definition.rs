//! What a host needs to know to run a program: the resolved definition that is stored with the service.
//!
//! People write TOML (see `svckit-recipe`); what is stored and handed to a host is this, complete and with absolute paths, so
//! that a later edit of the file changes nothing until the service is updated.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::call::{HttpCall, HttpRequest};
use crate::health::HealthPolicy;
use crate::hook::{Errand, Hooks, Moment};
use crate::limits::Limits;
use crate::log::rotation::RotateTime;
use crate::probe::{ReadyPolicy, ReadyWhen};
use crate::signal::Signal;
use crate::system_event::SystemEvent;
use crate::timetable::Timetable;
use crate::tree::TreePolicy;
use crate::{millis, number_keys};

/// The newest form of [`HostDefinition`] that this version writes.
pub const DEFINITION_VERSION: u32 = 1;

/// A program run as a service.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HostDefinition {
    /// The form of this structure; a host refuses one that is newer than it knows.
    pub version: u32,
    /// What is run.
    pub program: Program,
    /// When and how it is run again.
    pub restart: RestartPolicy,
    /// How it is stopped.
    pub stop: StopPolicy,
    /// What becomes of the processes that it has started.
    #[serde(default, skip_serializing_if = "TreePolicy::is_kill")]
    pub tree: TreePolicy,
    /// What it may use of the machine.
    #[serde(default, skip_serializing_if = "Limits::is_none")]
    pub limits: Limits,
    /// Where its output goes.
    pub log: LogPolicy,
    /// What pause, continue and the service's own controls do.
    #[serde(default, with = "number_keys")]
    pub controls: BTreeMap<u32, ControlAction>,
    /// What is done when something happens to the machine or to a session of a user.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub system_events: BTreeMap<SystemEvent, ControlAction>,
    /// When the program counts as ready; absent: as soon as it runs.
    #[serde(default)]
    pub ready: Option<ReadyPolicy>,
    /// How it is known that the program is alive; absent: by that it runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<HealthPolicy>,
    /// Commands for moments in its life.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub hooks: BTreeMap<Moment, Hooks>,
    /// What is done with it by the clock.
    #[serde(default, skip_serializing_if = "Timetable::is_empty")]
    pub schedule: Timetable,
    /// Where the password of the service's account is: a host needs none, but by this it is known whether that changed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub account_password: Option<PasswordSource>,
    /// The file that this came from, for people.
    #[serde(default)]
    pub source: Option<PathBuf>,
}

/// A command with its surroundings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Program {
    /// The program and its arguments; never empty. A program without a path separator is looked up in `PATH`.
    pub command: Vec<String>,
    /// The working directory, absolute.
    pub directory: PathBuf,
    /// Variables set over the inherited ones.
    #[serde(default)]
    pub environment: BTreeMap<String, String>,
    /// Files of `NAME=value` lines, absolute, read at every start; `environment` wins over them.
    #[serde(default)]
    pub environment_files: Vec<PathBuf>,
    /// Variables whose values are secrets: where each is, which is looked up at every start. The values themselves are never here.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub secrets: BTreeMap<String, SecretSource>,
}

/// Where a secret is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SecretSource {
    /// In a file, absolute, that not everybody may read.
    File(PathBuf),
}

/// Where the password of an account is, for whoever sets it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum PasswordSource {
    /// In a file, absolute, that not everybody may read.
    File(PathBuf),
    /// In this variable of whoever sets it.
    Environment(String),
    /// Under this name in the credential store of whoever sets it.
    Credential(String),
}

/// When a program that ended is run again.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum RestartWhen {
    /// When it ended with an error.
    #[default]
    OnFailure,
    /// Whenever it ended.
    Always,
    /// Never.
    Never,
}

/// What an exit code means.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ExitAction {
    /// The service stops cleanly.
    Stop,
    /// The program is run again after the back-off.
    Restart,
    /// The service stops with an error at once.
    Fail,
}

/// The restart policy. The defaults are those of the service recipe.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct RestartPolicy {
    /// When the program is run again.
    pub when: RestartWhen,
    /// The first delay.
    #[serde(with = "millis", rename = "delay_ms")]
    pub delay: Duration,
    /// By how much each delay is longer than the one before; at least 1.
    pub factor: f64,
    /// The longest delay.
    #[serde(with = "millis", rename = "max_delay_ms")]
    pub max_delay: Duration,
    /// By which share a delay may vary either way, 0 to 1.
    pub jitter: f64,
    /// How much delay may be spent in all before the host gives up.
    #[serde(with = "millis", rename = "budget_ms")]
    pub budget: Duration,
    /// A run longer than this makes the delay and the spent budget new.
    #[serde(with = "millis", rename = "reset_after_ms")]
    pub reset_after: Duration,
    /// What particular exit codes mean, before `when` is asked.
    #[serde(with = "number_keys")]
    pub exit_codes: BTreeMap<i32, ExitAction>,
}

impl Default for RestartPolicy {
    fn default() -> Self {
        Self {
            when: RestartWhen::OnFailure,
            delay: Duration::from_secs(5),
            factor: 2.0,
            max_delay: Duration::from_secs(300),
            jitter: 0.0,
            budget: Duration::from_secs(300),
            reset_after: Duration::from_secs(30),
            exit_codes: BTreeMap::new(),
        }
    }
}

/// One means of ending a program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum StopAction {
    /// What Ctrl+C does: `SIGINT` to the program's process group, `CTRL_C_EVENT` on Windows.
    CtrlC,
    /// `CTRL_BREAK_EVENT`; skipped where there is none.
    CtrlBreak,
    /// `WM_CLOSE` to the program's windows; skipped where there are none.
    WmClose,
    /// The program's standard input is closed.
    StdinClose,
    /// A signal to the program's process group; skipped on Windows.
    Signal(Signal),
    /// A command beside the program, which has the time of the rung.
    Command(Vec<String>),
    /// A request to the program, or whoever has it in hand; its answer has the time of the rung.
    Http(HttpRequest),
    /// The whole tree is ended by force.
    Terminate,
}

/// One rung of the stop ladder: what is done, and how long the program has before the next.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Rung {
    /// What is done.
    pub action: StopAction,
    /// How long the program has.
    #[serde(with = "millis", rename = "wait_ms")]
    pub wait: Duration,
}

/// How a program is stopped.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct StopPolicy {
    /// The rungs in order. After the last the tree is ended by force, whatever the rungs are.
    pub ladder: Vec<Rung>,
}

impl Default for StopPolicy {
    /// `SIGTERM` and 10 s, then force.
    fn default() -> Self {
        Self {
            ladder: vec![Rung { action: StopAction::Signal(Signal::Term), wait: Duration::from_secs(10) }],
        }
    }
}

/// Where one stream of output goes.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogTarget {
    /// Into a file, absolute.
    File(PathBuf),
    /// Nowhere.
    Discard,
}

/// How output is written into a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum LogFormat {
    /// As the program writes it.
    #[default]
    Raw,
    /// A JSON object for each line.
    Json,
}

impl LogFormat {
    /// Whether it is as the program writes it.
    pub fn is_raw(&self) -> bool {
        *self == Self::Raw
    }
}

/// How rotated files are compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Compression {
    /// As gzip does it.
    Gzip,
}

/// How output is kept, and where. The same file for both streams makes one log in order of arrival.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogPolicy<T = LogTarget> {
    /// Standard output.
    pub stdout: T,
    /// Standard error.
    pub stderr: T,
    /// A file that has reached this size is rotated; absent: never.
    pub rotate_size: Option<u64>,
    /// It is also rotated at these moments; absent: at none.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotate_time: Option<RotateTime>,
    /// Whether what is in it is rotated when the service starts.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub rotate_at_start: bool,
    /// How many rotated files are kept beside the one being written; absent: all.
    pub keep_count: Option<u32>,
    /// For how long after its rotation a file is kept; absent: for ever.
    #[serde(
        default,
        skip_serializing_if = "Option::is_none",
        with = "millis::option",
        rename = "keep_age_ms"
    )]
    pub keep_age: Option<Duration>,
    /// How many bytes the rotated files may have together; absent: any number.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub keep_total: Option<u64>,
    /// How rotated files are compressed; absent: not at all.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub compress: Option<Compression>,
    /// How output is written.
    #[serde(default, skip_serializing_if = "LogFormat::is_raw")]
    pub format: LogFormat,
    /// Whether each line begins with the time, in the format that has none.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub timestamps: bool,
    /// How many bytes are held in memory while the disk takes none; what is more is lost, counted and reported.
    pub buffer: u64,
}

impl HostDefinition {
    /// Whether the program says itself how it is.
    pub fn is_told(&self) -> bool {
        matches!(&self.ready, Some(ReadyPolicy { when: ReadyWhen::Notify, .. }))
            || matches!(&self.health, Some(HealthPolicy::Notify(_)))
    }
}

impl<T: Clone> LogPolicy<T> {
    /// Both streams in one file, which is never rotated.
    pub fn new(target: T) -> Self {
        Self {
            stdout: target.clone(),
            stderr: target,
            rotate_size: None,
            rotate_time: None,
            rotate_at_start: false,
            keep_count: None,
            keep_age: None,
            keep_total: None,
            compress: None,
            format: LogFormat::Raw,
            timestamps: false,
            buffer: 1 << 20,
        }
    }
}

impl<T> LogPolicy<T> {
    /// The same for streams that go elsewhere.
    pub fn with_targets<U>(self, stdout: U, stderr: U) -> LogPolicy<U> {
        LogPolicy {
            stdout,
            stderr,
            rotate_size: self.rotate_size,
            rotate_time: self.rotate_time,
            rotate_at_start: self.rotate_at_start,
            keep_count: self.keep_count,
            keep_age: self.keep_age,
            keep_total: self.keep_total,
            compress: self.compress,
            format: self.format,
            timestamps: self.timestamps,
            buffer: self.buffer,
        }
    }
}

impl<T: Clone> Default for LogPolicy<Option<T>> {
    fn default() -> Self {
        Self::new(None)
    }
}

impl LogPolicy {
    /// The files that a host writes, each once, that of standard output first.
    pub fn files(&self) -> Vec<PathBuf> {
        let mut files: Vec<PathBuf> = Vec::new();
        for target in [&self.stdout, &self.stderr] {
            match target {
                LogTarget::File(path) if !files.contains(path) => files.push(path.clone()),
                _ => {}
            }
        }
        files
    }
}

/// What a control does to the program.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum ControlAction {
    /// A signal to the program's process group.
    Signal(Signal),
    /// A command beside the program.
    Command(Errand),
    /// A request to the program.
    Http(HttpCall),
}

impl ControlAction {
    /// The request that it is, if it is one.
    pub fn request(&self) -> Option<&HttpRequest> {
        match self {
            Self::Http(call) => Some(&call.request),
            Self::Signal(_) | Self::Command(_) => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::hook::Hook;
    use crate::native::Request;
    use crate::target::Target;
    use crate::timetable::{Days, Occasion};

    #[test]
    fn a_definition_survives_inside_a_tagged_message() {
        let definition = HostDefinition {
            version: DEFINITION_VERSION,
            program: Program {
                command: vec!["run".to_owned()],
                directory: "/".into(),
                environment: BTreeMap::from([("A".to_owned(), "1".to_owned())]),
                environment_files: vec!["/etc/x.env".into()],
                secrets: BTreeMap::from([("B".to_owned(), SecretSource::File("/run/b".into()))]),
            },
            restart: RestartPolicy {
                exit_codes: BTreeMap::from([(0, ExitAction::Stop), (-1, ExitAction::Fail)]),
                jitter: 0.1,
                ..RestartPolicy::default()
            },
            stop: StopPolicy::default(),
            tree: TreePolicy::Leave(vec!["updater".to_owned()]),
            limits: Limits { open_files: Some(64), ..Limits::default() },
            log: LogPolicy {
                stdout: LogTarget::File("/x.log".into()),
                stderr: LogTarget::Discard,
                rotate_size: Some(1),
                rotate_time: Some(RotateTime::Monthly { at: Duration::from_secs(3) }),
                keep_age: Some(Duration::from_secs(4)),
                compress: Some(Compression::Gzip),
                buffer: 2,
                ..LogPolicy::new(LogTarget::Discard)
            },
            controls: BTreeMap::from([(200, ControlAction::Signal(Signal::Hup))]),
            system_events: BTreeMap::from([(SystemEvent::SessionLogon, ControlAction::Signal(Signal::Hup))]),
            ready: Some(ReadyPolicy {
                when: ReadyWhen::Ask(Target::Tcp("localhost:1".to_owned())),
                timeout: Duration::from_millis(1500),
                interval: None,
            }),
            hooks: BTreeMap::from([(
                Moment::PreStart,
                Hook {
                    errand: Errand { command: vec!["y".to_owned()], timeout: Duration::from_secs(3) },
                    on_failure: Moment::PreStart.usual(),
                }
                .into(),
            )]),
            health: Some(HealthPolicy::Notify(Duration::from_secs(9))),
            schedule: Timetable {
                restart: vec![Occasion::Days { days: Days::new([0, 6]), at: Duration::from_secs(60) }],
                ..Timetable::default()
            },
            account_password: Some(PasswordSource::Environment("X_PASSWORD".to_owned())),
            source: None,
        };
        let service = crate::name::ServiceName::new("x").unwrap();
        let request = Request::SetDefinition { service, definition: Some(Box::new(definition)) };
        let text = serde_json::to_string(&request).unwrap();
        assert_eq!(serde_json::from_str::<Request>(&text).unwrap(), request);
        let bad = text.replace(r#""200":"#, r#""two hundred":"#);
        let error = serde_json::from_str::<Request>(&bad).unwrap_err().to_string();
        assert!(error.starts_with(r#""two hundred" is not a whole number"#), "{error}");
    }
}
