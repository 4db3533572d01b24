//! Processors that don't sleep while something is measured.
//!
//! On a virtual machine it takes longer to wake an idle processor than what is measured here, and how long depends on its neighbours. So each has something to
//! do, of the class that gives way to everything at once.
//!
//! Supervisors are measured without: a kernel that preempts lazily lets even that class have the rest of its tick, and where one process after the other is woken that is
//! more than all else (a killed program ran again after 4.0 ms with it, and after 1.3 without).

use std::fmt;
use std::process::{self, Child, Stdio};
use std::thread;

use crate::{Outcome, shell};

/// What keeps the processors from sleeping, until it is dropped.
#[derive(Debug)]
pub(crate) struct Awake(Vec<Child>);

impl Awake {
    /// Nobody has to be able to: without it the numbers vary more.
    pub(crate) fn keep() -> Self {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        let words = ["--pdeathsig", "KILL", "chrt", "--idle", "0", "sh", "-c", "while :; do :; done"];
        let spin = || {
            let mut command = shell::program("setpriv");
            command.args(words).stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
            command.spawn().ok()
        };
        let kept: Vec<_> = (0..processors).filter_map(|_| spin()).collect();
        if kept.len() < processors {
            println!("the processors may sleep: setpriv and chrt (util-linux) can't be run");
        }
        Self(kept)
    }
}

/// As long as it is there, this process and what it starts run on the first processor.
#[derive(Debug)]
pub(crate) struct Pinned {
    /// The processors that there are.
    processors: usize,
}

impl Pinned {
    pub(crate) fn to_one_core() -> Outcome<Self> {
        let processors = thread::available_parallelism().map_or(1, usize::from);
        pin("0").map(|()| Self { processors })
    }
}

impl Drop for Pinned {
    fn drop(&mut self) {
        if let Err(message) = pin(&format!("0-{}", self.processors - 1)) {
            println!("it stays on one processor: {message}");
        }
    }
}

fn pin(processors: &str) -> Outcome {
    let mut command = shell::program("taskset");
    command.args(["--all-tasks", "--cpu-list", "--pid", processors, &process::id().to_string()]);
    shell::run(command.stdout(Stdio::null()))
}

impl fmt::Display for Awake {
    /// For what is told of the machine's load.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the {} that keep the processors awake", self.0.len())
    }
}

impl Drop for Awake {
    fn drop(&mut self) {
        for child in &mut self.0 {
            // It may have ended by itself.
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}
