//! The second interface: what MS-SCMR has no call for.
//!
//! Hosts' states, stored definitions, events and logs. It is spoken on the same connection as MS-SCMR, as the one operation of an interface
//! of its own ([`INTERFACE`]) whose stub data is UTF-8 JSON of [`Request`] and [`Reply`].

use std::net::SocketAddr;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::config::{Config2, ServiceConfig};
use crate::definition::HostDefinition;
use crate::limits::Limits;
use crate::name::ServiceName;
use crate::open::open_value;
use crate::security::SecurityDescriptor;
use crate::status::{ServiceState, ServiceStatus, is_zero};
use crate::time::WallTime;
use crate::timetable::Scheduled;
use crate::trigger::Raised;
use crate::usage::Usage;
use crate::win32::Win32Error;

/// The UUID of the interface, version 1.0.
pub const INTERFACE: &str = "7d6c1f6e-5b0a-4a5e-9d38-2f4c81c0b7a1";

/// A question or an order.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "op", rename_all = "snake_case")]
pub enum Request {
    /// The hosts' states of these services, or of all hosted ones.
    HostStates {
        /// Key names; absent: all.
        services: Option<Vec<ServiceName>>,
    },
    /// The stored definition of a service.
    Definition {
        /// Key name.
        service: ServiceName,
    },
    /// All that is stored of every service: for who looks at many, in one answer.
    Configurations,
    /// Stores the definition of a service in place of the one before. Takes effect at the next start.
    SetDefinition {
        /// Key name.
        service: ServiceName,
        /// The definition; absent: removed.
        definition: Option<Box<HostDefinition>>,
    },
    /// Events after `after`, oldest first.
    Events {
        /// Only of this service.
        service: Option<ServiceName>,
        /// Only those with a sequence number above this one.
        after: Option<u64>,
        /// Of those, at most so many, the newest; absent: all.
        limit: Option<u32>,
        /// If there is none: answer when there is one.
        wait: bool,
    },
    /// A piece of a service's log.
    Log {
        /// Key name.
        service: ServiceName,
        /// Where to read.
        from: LogFrom,
        /// If there is nothing: answer when there is something, or when the service's log moved on to another file.
        wait: bool,
    },
    /// Who has a service open, which a service that is marked for deletion waits for.
    Holders {
        /// Key name.
        service: ServiceName,
    },
    /// Starts and stops the services that have triggers for an event.
    Raise(Raised),
    /// What every service does, for those who go on looking.
    Overview {
        /// The revision of an earlier answer: answered when something has changed since, with that alone. Absent: all, at once.
        after: Option<u64>,
        /// Only of these, by key names; absent: of all.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        services: Option<Vec<ServiceName>>,
    },
    /// Every service in a line: of many services a fraction of an overview.
    List,
    /// What the processes of services use of the machine, at this moment.
    Usage,
    /// About the service control manager itself.
    ScmStatus,
    /// Stops all services in order, then the service control manager. Answered when that is done.
    ScmStop,
}

impl Request {
    /// Whether nothing is changed by it, so that it can be asked again.
    pub fn only_reads(&self) -> bool {
        !matches!(self, Self::SetDefinition { .. } | Self::Raise(_) | Self::ScmStop)
    }
}

/// Where to begin reading a log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LogFrom {
    /// The last lines of the current file (and rotated ones before it, as far as needed).
    Tail {
        /// How many lines.
        lines: u32,
    },
    /// Where an earlier answer left off.
    Cursor(LogCursor),
}

/// A place in a log that stays right while the log is rotated.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogCursor {
    /// Which file: its identity in the file system.
    pub file: u64,
    /// Bytes from its start.
    pub offset: u64,
}

/// An answer. The name of the variant comes first, so that a long one is read without being held as a whole in between.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reply {
    /// To [`Request::HostStates`].
    HostStates {
        /// One for each hosted service that was asked for.
        states: Vec<NamedHostState>,
    },
    /// To [`Request::Definition`].
    Definition {
        /// Absent: the service has none.
        definition: Option<Box<HostDefinition>>,
    },
    /// To [`Request::Configurations`].
    Configurations {
        /// In the order of their names.
        services: Vec<Configured>,
    },
    /// The order was carried out.
    Done,
    /// To [`Request::Events`].
    Events {
        /// Oldest first.
        events: Vec<Event>,
    },
    /// To [`Request::Log`].
    Log {
        /// The bytes as the program wrote them, in the base64 alphabet of RFC 4648.
        data: String,
        /// Where to go on.
        cursor: LogCursor,
    },
    /// To [`Request::Holders`].
    Holders {
        /// One for each process.
        holders: Vec<Holder>,
    },
    /// To [`Request::Raise`].
    Raised {
        /// Services whose start was begun.
        started: Vec<ServiceName>,
        /// Services that were told to stop.
        stopped: Vec<ServiceName>,
    },
    /// To [`Request::Overview`].
    Overview(Overview),
    /// To [`Request::List`].
    List {
        /// In the order of their names.
        services: Vec<Listed>,
    },
    /// To [`Request::Usage`].
    Usage {
        /// When this was so, in milliseconds from a start that means nothing by itself.
        at_ms: u64,
        /// One for each service that has a process.
        services: Vec<ServiceUsage>,
    },
    /// To [`Request::ScmStatus`].
    ScmStatus(ScmStatus),
    /// The order was refused.
    Error {
        /// Why.
        code: Win32Error,
        /// Why, in words.
        message: String,
    },
}

/// A process that has a service open.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Holder {
    /// The process; absent where that isn't known.
    pub pid: Option<u32>,
    /// How many handles it has.
    pub handles: u32,
}

/// What services do, or what of that has changed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Overview {
    /// What to ask for the next changes with.
    pub revision: u64,
    /// Whether these are all services, or all that were asked for. Otherwise they are those that changed, and no other has.
    pub complete: bool,
    /// In the order of their names.
    pub services: Vec<ServiceView>,
    /// Services that are there no more.
    pub gone: Vec<ServiceName>,
}

/// What a service does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceView {
    /// Key name.
    pub service: ServiceName,
    /// Display name.
    pub display_name: String,
    /// What the service API tells.
    pub status: ServiceStatus,
    /// Its host's state; absent for a service that has no host.
    pub host: Option<NamedHostState>,
}

impl ServiceView {
    /// It in a line.
    pub fn listed(self) -> Listed {
        let Self { service, display_name, status, host } = self;
        let program = host.map(|host| host.state.child_pid);
        Listed::new(service, &display_name, &status, program)
    }
}

/// A service in a line.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Listed {
    /// Key name.
    pub service: ServiceName,
    /// Display name, if it is another.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub display_name: Option<String>,
    /// What it does.
    pub state: ServiceState,
    /// The process of its program, or of the service if it has no host.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub pid: Option<u32>,
}

impl Listed {
    /// A service; one that has a host has a program too, which may run.
    pub fn new(
        service: ServiceName,
        display_name: &str,
        status: &ServiceStatus,
        program: Option<Option<u32>>,
    ) -> Self {
        let display_name = (display_name != service.as_str()).then(|| display_name.to_owned());
        Self { display_name, state: status.state, pid: process(status, program), service }
    }

    /// The name that people see.
    pub fn display_name(&self) -> &str {
        self.display_name.as_deref().unwrap_or(self.service.as_str())
    }
}

/// The process of a service's program, or of the service if that has no host, and so no program.
pub fn process(status: &ServiceStatus, program: Option<Option<u32>>) -> Option<u32> {
    program.unwrap_or_else(|| Some(status.pid).filter(|pid| *pid != 0))
}

/// What a service uses of the machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceUsage {
    /// Key name.
    pub service: ServiceName,
    /// Its program with all that it started; absent while it doesn't run.
    pub program: Option<Usage>,
    /// Its host, which may have other services too; absent for a service that has no host.
    pub host: Option<Usage>,
}

/// About the service control manager.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScmStatus {
    /// Its process.
    pub pid: u32,
    /// Its version.
    pub version: String,
    /// Its state directory.
    pub directory: PathBuf,
    /// The program that hosts services for it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub program: Option<PathBuf>,
    /// When it started.
    pub started_at: WallTime,
    /// How many services there are.
    pub services: u32,
    /// How many of them are not stopped.
    pub active: u32,
    /// How many service processes there are.
    pub processes: u32,
    /// Where it listens for clients of the network.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub listening: Vec<SocketAddr>,
    /// Where it tells the ports of these.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub endpoint_mapper: Vec<SocketAddr>,
}

/// A service with all that is stored of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Configured {
    /// Key name.
    pub service: ServiceName,
    /// What it does at the moment.
    pub state: ServiceState,
    /// The basic configuration.
    pub config: ServiceConfig,
    /// The optional configuration, each level that the service control manager knows.
    pub optional: Vec<Config2>,
    /// Who may do what with it; absent: the usual descriptor, or one that can't be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub security: Option<SecurityDescriptor>,
    /// What its host is given; absent for a service that has none.
    pub definition: Option<Box<HostDefinition>>,
}

/// A host's state with the service it is of.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NamedHostState {
    /// Key name.
    pub service: ServiceName,
    /// The state.
    pub state: HostState,
    /// Why the last start failed, if it did: more than a code can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub start_error: Option<String>,
}

/// What a host does at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Phase {
    /// No host runs.
    #[default]
    Stopped,
    /// The program is being started.
    Starting,
    /// The program runs.
    Running,
    /// The program ended and will be run again.
    Backoff,
    /// The program is paused.
    Paused,
    /// The stop ladder is under way.
    Stopping,
    /// The restart budget was spent; the host gave up.
    GaveUp,
}

/// The state of a host beyond what the service API knows.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct HostState {
    /// The program's process.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub child_pid: Option<u32>,
    /// Whether the program is ready to serve.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub ready: bool,
    /// What the host does.
    pub phase: Phase,
    /// How often the program was run again since the service started.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub restarts: u32,
    /// How the program last ended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub last_exit: Option<ProgramExit>,
    /// When the program is run again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next_retry_at: Option<WallTime>,
    /// What is done next by the clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub scheduled: Option<Box<Scheduled>>,
    /// The files being written.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub log_files: Vec<PathBuf>,
    /// Bytes of output that could not be kept since the service started.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub log_bytes_lost: u64,
    /// Why a log takes nothing at the moment, or can't be rotated: a sentence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_trouble: Option<Box<str>>,
    /// The number of the control at which the host rotates the service's logs; absent while it has none that can be.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub rotate_control: Option<u8>,
    /// The hook that runs at the moment.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hook: Option<Box<str>>,
    /// The hook that failed last since the service started.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub hook_failure: Option<Box<HookFailure>>,
    /// The limits of the program that runs: those that hold for all of it as the system has them, where it tells.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub limits: Option<Box<Limits>>,
    /// Whether it was refused a process, as it has as many as it may have.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_full: bool,
    /// What the program says that it does.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status_text: Option<Box<str>>,
    /// Why the program that ended last was ended, if that was because it did not do what it should: `it was not alive: …`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_reason: Option<Box<str>>,
}

/// A hook, or another command beside the program, that failed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HookFailure {
    /// Which.
    pub hook: String,
    /// How, as a clause.
    pub reason: String,
    /// When.
    pub at: WallTime,
}

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProgramExit {
    /// Its exit code, unless a signal ended it.
    pub code: Option<i32>,
    /// The number of the signal that ended it.
    pub signal: Option<i32>,
    /// When.
    pub at: WallTime,
}

/// How serious an event is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Level {
    /// As it should be.
    Information,
    /// Worth a look.
    Warning,
    /// Something failed.
    Error,
}

open_value! {
    /// The number of an event. Those of the service control manager are Windows' own (source `Service Control Manager`).
    EventId {
        /// The service failed to start.
        START_FAILED = 7000 => "START_FAILED",
        /// A dependency failed to start.
        DEPENDENCY_FAILED = 7001 => "DEPENDENCY_FAILED",
        /// The process did not connect in time.
        CONNECT_TIMEOUT = 7009 => "CONNECT_TIMEOUT",
        /// The service did not answer a control in time.
        CONTROL_TIMEOUT = 7011 => "CONTROL_TIMEOUT",
        /// The service hung while it started.
        START_HANG = 7022 => "START_HANG",
        /// The service ended with an error.
        EXIT_ERROR = 7023 => "EXIT_ERROR",
        /// The service ended with an error of its own.
        EXIT_SPECIFIC_ERROR = 7024 => "EXIT_SPECIFIC_ERROR",
        /// The service ended unexpectedly; a failure action follows.
        DIED_ACTION = 7031 => "DIED_ACTION",
        /// A failure action failed.
        ACTION_FAILED = 7032 => "ACTION_FAILED",
        /// The service ended unexpectedly.
        DIED = 7034 => "DIED",
        /// A service was sent a control.
        CONTROL_SENT = 7035 => "CONTROL_SENT",
        /// A service was told to stop, with a reason.
        STOP_REASON = 7042 => "STOP_REASON",
        /// The service entered a state.
        STATE = 7036 => "STATE",
        /// The start type was changed.
        START_TYPE_CHANGED = 7040 => "START_TYPE_CHANGED",
        /// A service was installed.
        INSTALLED = 7045 => "INSTALLED",
        /// Host: the program was started.
        PROGRAM_STARTED = 1 => "PROGRAM_STARTED",
        /// Host: the program ended and the service stops.
        PROGRAM_STOPPED = 2 => "PROGRAM_STOPPED",
        /// Host: the program ended unexpectedly; it is run again after a delay.
        PROGRAM_DIED = 3 => "PROGRAM_DIED",
        /// Host: a new process runs after an unexpected end.
        PROGRAM_RECOVERED = 4 => "PROGRAM_RECOVERED",
        /// Host: the restart budget is spent.
        GAVE_UP = 5 => "GAVE_UP",
        /// Host: the program could not be started.
        PROGRAM_NOT_STARTED = 6 => "PROGRAM_NOT_STARTED",
        /// Host: a rung of the stop ladder was climbed.
        STOP_RUNG = 7 => "STOP_RUNG",
        /// Host: output was lost.
        LOG_LOST = 8 => "LOG_LOST",
        /// Host: output can't be written; it is held in memory.
        LOG_BLOCKED = 9 => "LOG_BLOCKED",
        /// Host: output is written again.
        LOG_RESUMED = 10 => "LOG_RESUMED",
        /// Host: processes that outlived the program were ended.
        LEFTOVERS_ENDED = 11 => "LEFTOVERS_ENDED",
        /// Host: a hook, or another command beside the program, failed or took too long.
        HOOK_FAILED = 12 => "HOOK_FAILED",
        /// Host: the program is not alive, and is ended.
        NOT_ALIVE = 13 => "NOT_ALIVE",
        /// The service is started or stopped, or its program is run again, because it is time.
        SCHEDULED = 14 => "SCHEDULED",
        /// Host: the program has as many processes as it may have.
        PROCESS_LIMIT = 15 => "PROCESS_LIMIT",
        /// Host: the program gets variables that may be older than those of the system.
        OLD_VARIABLES = 16 => "OLD_VARIABLES",
        /// The built-in service control manager: a trigger starts or stops the service.
        TRIGGERED = 21 => "TRIGGERED",
        /// It does nothing because of a trigger that it stores.
        TRIGGER_IGNORED = 22 => "TRIGGER_IGNORED",
        /// It can't listen where a connection is to start the service.
        LISTEN_FAILED = 23 => "LISTEN_FAILED",
        /// Connections started the service too often; it doesn't listen for more.
        TRIGGERED_TOO_OFTEN = 24 => "TRIGGERED_TOO_OFTEN",
        /// It listens for clients of the network.
        LISTENING = 31 => "LISTENING",
        /// Somebody from the network was not let in.
        LOGON_FAILED = 32 => "LOGON_FAILED",
        /// After too many of these, nobody is listened to for a while.
        LOCKED_OUT = 33 => "LOCKED_OUT",
    }
}

/// Something that happened.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// Its place in the order of all events; never reused.
    pub sequence: u64,
    /// When.
    pub time: WallTime,
    /// What kind.
    pub id: EventId,
    /// How serious.
    pub level: Level,
    /// The service it is about, by key name.
    pub service: Option<ServiceName>,
    /// What happened, in one sentence.
    pub message: String,
}
