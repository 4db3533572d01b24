//! What a command line asks for, before the service control manager is.

use svckit_core::config::{Config2Change, Config2Level};
use svckit_core::control::Control;
use svckit_core::image_path::ImagePath;
use svckit_core::kind::{ErrorControl, ServiceType, StartType};
use svckit_core::name::{Dependency, DisplayName, GroupName};
use svckit_core::reason::StopReason;
use svckit_core::secret::Secret;
use svckit_core::security::SecurityDescriptor;
use svckit_core::status::StateFilter;

use super::forms::Form;

/// A command with all that it needs.
#[derive(Debug)]
pub(super) enum Command {
    /// How commands are written; all of them, or one.
    Help(Option<&'static Form>),
    /// `query`, and with everything `queryex`.
    Query { whom: Whom, extended: bool },
    /// `start`.
    Start { name: String, arguments: Vec<String> },
    /// `stop` with a reason.
    Stop { name: String, reason: StopReason },
    /// `stop`, `pause`, `continue`, `interrogate`, `control`.
    Control { name: String, control: Control },
    /// `create`.
    Create { name: String, settings: Box<Settings> },
    /// `config`.
    Config { name: String, settings: Box<Settings> },
    /// `delete`.
    Delete { name: String },
    /// A level of the optional configuration, set.
    Set { name: String, change: Config2Change },
    /// A level of the optional configuration, asked for.
    Ask { name: String, level: Config2Level },
    /// `qc`.
    AskConfig { name: String },
    /// `GetDisplayName`.
    DisplayName { name: String },
    /// `GetKeyName`.
    KeyName { display_name: String },
    /// `EnumDepend`.
    Dependents { name: String },
    /// `sdshow`, and whether each right is told by name.
    ShowSecurity { name: String, rights: bool },
    /// `sdset`.
    SetSecurity { name: String, new: Box<SecurityDescriptor> },
    /// `boot`: whether the system started well.
    Boot { acceptable: bool },
    /// `Lock`.
    Lock,
    /// `QueryLock`.
    AskLock,
    /// `showsid`.
    Sid { name: String },
}

/// Which services are asked about.
#[derive(Debug)]
pub(super) enum Whom {
    /// One, by key name.
    One(String),
    /// Those that are so.
    Those { types: ServiceType, states: StateFilter, group: Option<String>, skip: usize },
}

/// What `create` and `config` say.
#[derive(Debug, Default)]
pub(super) struct Settings {
    pub(super) service_type: Option<ServiceType>,
    pub(super) start: Option<Start>,
    pub(super) error_control: Option<ErrorControl>,
    pub(super) image_path: Option<ImagePath>,
    /// `Some(None)`: none.
    pub(super) group: Option<Option<GroupName>>,
    pub(super) want_tag: bool,
    pub(super) dependencies: Option<Vec<Dependency>>,
    pub(super) account: Option<String>,
    /// `Some(None)`: the key name.
    pub(super) display_name: Option<Option<DisplayName>>,
    pub(super) password: Option<Secret>,
}

/// `start=`, which sets two things.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Start {
    pub(super) start_type: StartType,
    pub(super) delayed: bool,
}
