//! What is gathered about a service before it is judged.

use std::path::PathBuf;

use svckit_core::config::ServiceConfig;
use svckit_core::name::{Dependency, ServiceName};
use svckit_core::native::Phase;
use svckit_core::status::ServiceStatus;

use crate::platform::Platform;

/// What is known of an installed service.
#[derive(Debug, Clone, PartialEq)]
pub struct Facts {
    /// The key name.
    pub name: ServiceName,
    /// What it runs on.
    pub platform: Platform,
    /// What the service control manager says of it.
    pub status: ServiceStatus,
    /// The basic configuration.
    pub config: ServiceConfig,
    /// Whether it goes when the last handle is closed.
    pub marked_for_deletion: bool,
    /// What svckit's host says of it; absent for services of others.
    pub host: Option<HostFacts>,
    /// The last lines that its program wrote.
    pub last_output: Vec<String>,
    /// What it depends on, and how that is.
    pub needs: Vec<(Dependency, Need)>,
    /// The circle of dependencies that it is in, in words.
    pub circle: Option<String>,
    /// The program of its image path.
    pub image: Image,
    /// How the file that it came from differs from what is installed.
    pub drift: Drift,
}

/// What a host says of its program.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct HostFacts {
    /// What it does.
    pub phase: Phase,
    /// How often the program was run again since the service started.
    pub restarts: u32,
    /// How the program last ended.
    pub last_end: Option<Ended>,
    /// When it is run again, for people.
    pub next_retry: Option<String>,
    /// Output that could not be kept.
    pub bytes_lost: u64,
    /// Why the last start failed.
    pub start_error: Option<String>,
    /// What its program does when it is ready, such as `accepts connections at localhost:80`.
    pub ready_when: Option<String>,
}

/// How a program ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ended {
    /// In words: `the program exited with 3`.
    pub words: String,
    /// When, for people.
    pub at: String,
    /// Its exit code, unless something ended it.
    pub code: Option<i32>,
    /// The signal that ended it; on Windows the code.
    pub signal: Option<i32>,
}

/// How something is that a service depends on.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Need {
    /// There is no such service.
    Missing,
    /// It is there.
    Service(Standing),
    /// The members of a group.
    Group(Vec<Standing>),
}

/// How a service is that another one needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Standing {
    /// It runs, or is on its way.
    Up,
    /// It is stopped and can be started.
    Down,
    /// It is stopped because it failed.
    Failed,
    /// It can't be started.
    Disabled,
}

/// The program that an image path names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Image {
    /// It can be run, and nothing more was asked.
    Runnable,
    /// It can be run; it is a host of svckit's of another build than who looks.
    OtherBuild(PathBuf),
    /// It can't be run, for this reason; a longer path, with words that were taken for arguments, can.
    Broken {
        /// Why, in words.
        reason: String,
        /// The program that may have been meant.
        meant: Option<PathBuf>,
    },
    /// It is no program of this machine's file system, or nobody could look.
    Unknown,
}

/// How the file that a service came from differs from what is installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Drift {
    /// Not at all, or there is no such file to ask.
    None,
    /// The file isn't there any more.
    Gone(PathBuf),
    /// The file is there, and doesn't define the service any more.
    Undefined(PathBuf),
    /// The file is there and has mistakes: the first of them.
    Wrong(PathBuf, String),
    /// These fields are others, each in a line for people.
    Fields(PathBuf, Vec<String>),
}
