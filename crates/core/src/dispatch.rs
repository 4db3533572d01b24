//! The dispatcher protocol: what a service's process and the service control manager say to each other.
//!
//! The process inherits a listening Unix socket and is told its number in the variable [`CHANNEL_VARIABLE`]. The service control manager
//! connects to it; when that connection ends (it was killed, it was upgraded) the process goes on and accepts the next. A frame is a
//! 32-bit little-endian length and so many bytes of UTF-8 JSON. With its first frame, [`FromProcess::Hello`], the process passes a pidfd of
//! itself as ancillary data (`SCM_RIGHTS`) where the system has such.

use serde::{Deserialize, Serialize};

use crate::control::Control;
use crate::definition::HostDefinition;
use crate::name::{DisplayName, ServiceName};
use crate::native::{EventId, HostState, Level};
use crate::status::ServiceStatus;
use crate::system_event::Happening;
use crate::time::WallTime;
use crate::win32::Win32Error;

/// The environment variable that holds the number of the inherited socket.
pub const CHANNEL_VARIABLE: &str = "SVCKIT_CHANNEL";

/// The environment variable that marks every process of a service; its value is the instance's identifier, then `/` and the service's key name.
pub const MARK_VARIABLE: &str = "SVCKIT_INSTANCE";

/// The version of this protocol.
pub const PROTOCOL: u32 = 1;

/// The longest frame. `Hello` of a process with a thousand services takes most of a megabyte.
pub const MAX_FRAME: usize = 1 << 24;

/// What the service control manager says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
pub enum ToProcess {
    /// Run this service.
    Start {
        /// Key name.
        service: ServiceName,
        /// The name that people see, if it is another: it is told with every event.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        display_name: Option<DisplayName>,
        /// The start arguments after the service's name.
        arguments: Vec<String>,
        /// The stored definition, for a process that is svckit's host.
        definition: Option<Box<HostDefinition>>,
        /// What the sockets are called that come with the frame as ancillary data (`SCM_RIGHTS`), listening, for the program to accept from.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        sockets: Vec<String>,
    },
    /// A control for a service. Answered by [`FromProcess::ControlDone`].
    Control {
        /// Key name.
        service: ServiceName,
        /// The control.
        control: Control,
        /// Comes back in the answer.
        id: u64,
    },
    /// Something happened to the machine or to a session of a user. Answered by [`FromProcess::ControlDone`] when the system needn't wait for it any more.
    Happened {
        /// Key name.
        service: ServiceName,
        /// What.
        happening: Happening,
        /// Comes back in the answer.
        id: u64,
    },
    /// The final status of a service was taken; the process may forget it, and end when it has no other.
    Release {
        /// Key name.
        service: ServiceName,
    },
    /// Nothing more will come: end when no service is left.
    Close,
}

/// What a service's process says.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "say", rename_all = "snake_case")]
pub enum FromProcess {
    /// The first frame on every connection.
    Hello {
        /// [`PROTOCOL`].
        protocol: u32,
        /// The process.
        pid: u32,
        /// Every service that it has, stopped ones that were not released included.
        services: Vec<ServiceReport>,
    },
    /// The status of a service changed.
    Status {
        /// Key name.
        service: ServiceName,
        /// The status; `pid` is the process's.
        status: ServiceStatus,
    },
    /// The state of the host of a service changed.
    Host {
        /// Key name.
        service: ServiceName,
        /// The state.
        state: HostState,
    },
    /// Something to be recorded.
    Event {
        /// Key name.
        service: ServiceName,
        /// When it happened.
        time: WallTime,
        /// What kind.
        id: EventId,
        /// How serious.
        level: Level,
        /// One sentence.
        message: String,
    },
    /// The handler's answer to a control.
    ControlDone {
        /// From [`ToProcess::Control`] or [`ToProcess::Happened`].
        id: u64,
        /// What the handler returned.
        code: Win32Error,
    },
}

/// A service as its process sees it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct ServiceReport {
    /// Key name.
    pub service: ServiceName,
    /// Its status.
    pub status: ServiceStatus,
    /// Its host's state, if the process is svckit's host.
    pub host: Option<HostState>,
}
