//! The spawner: a small process that makes the processes of services.
//!
//! It has one thread and hardly any memory of its own, so a host is a copy of it that shares nearly all pages, and is there in a fraction of a
//! millisecond. The service control manager starts it once; it ends when its socket is closed. What it made goes on.

mod client;
mod server;

use std::os::fd::OwnedFd;

use serde::{Deserialize, Serialize};
use svckit_core::Win32Error;

pub use client::Spawner;
pub use server::serve;

/// The longest message either way; a launch with its arguments and variables has to fit.
const MAX_MESSAGE: usize = 192 * 1024;

/// The longest answer; a message in words is cut to fit.
const MAX_ANSWER: usize = 8 * 1024;

/// What the process of a service is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Image {
    /// svckit's own host.
    Host,
    /// A program that speaks the dispatcher protocol itself.
    Exec {
        /// The program and its arguments.
        arguments: Vec<String>,
    },
}

/// An order for a process.
#[derive(Debug)]
pub struct Launch {
    /// The instance's identifier: what marks its processes and names it in answers.
    pub instance: String,
    /// What it is.
    pub image: Image,
    /// Variables set over those of the service control manager, for the process and for the programs that it runs.
    pub environment: Vec<(String, String)>,
    /// The user that runs it; absent: the service control manager's own. A host stays with the service control manager's user and runs
    /// programs as this one.
    pub user: Option<String>,
    /// The socket that the process inherits, listening.
    pub listener: OwnedFd,
}

/// What came of the orders.
#[derive(Debug)]
pub enum SpawnerEvent {
    /// A process was made.
    Launched {
        /// Of the order.
        instance: String,
        /// Its id.
        pid: u32,
        /// A handle on it.
        pidfd: OwnedFd,
    },
    /// No process was made.
    Failed {
        /// Of the order.
        instance: String,
        /// Why: 2, 5, 193 … of the program, 1057 for an unknown user, 1069 for one that can't be switched to.
        code: Win32Error,
        /// Why, in words.
        message: String,
    },
    /// A process that was made before has ended.
    Exited {
        /// Its id.
        pid: u32,
        /// Its exit code, unless a signal ended it.
        code: Option<i32>,
        /// The signal that ended it.
        signal: Option<i32>,
    },
}

/// A launch on its way; the listener goes beside it.
#[derive(Debug, Serialize, Deserialize)]
struct Order {
    instance: String,
    image: Image,
    environment: Vec<(String, String)>,
    user: Option<String>,
}

/// An event on its way; the pidfd goes beside it.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Answer {
    Launched { instance: String, pid: u32 },
    Failed { instance: String, code: Win32Error, message: String },
    Exited { pid: u32, code: Option<i32>, signal: Option<i32> },
}
