//! The life of a service as its service control manager sees it: a pure function of state, event and time.
//!
//! The machine knows nothing of processes beyond what it is told; what it returns is to be carried out. The status that
//! clients see is a view of the state: [`Lifecycle::status`].

use std::time::Duration;

use crate::control::ControlsAccepted;
use crate::kind::ServiceType;
use crate::recovery::End;
use crate::status::{ExitStatus, ServiceState, ServiceStatus};
use crate::time::Tick;
use crate::win32::Win32Error;

/// The wait hint of a service that has not reported anything yet.
pub const FIRST_WAIT_HINT: Duration = Duration::from_secs(2);

/// Where a service is in its life.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Lifecycle {
    /// It has no process, and ended so (1077 before the first start).
    Stopped {
        /// How it ended last.
        exit: ExitStatus,
    },
    /// A start was accepted, and what it depends on is being started. Clients still see it stopped.
    Waiting {
        /// How it ended last.
        exit: ExitStatus,
    },
    /// Its process was asked for and has not connected yet.
    Launching {
        /// The process, as soon as it is known.
        pid: u32,
    },
    /// A process has it; the status is the last one reported.
    Active(Active),
}

/// What is known of a service that a process has.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Active {
    /// The process.
    pub pid: u32,
    /// The state; never stopped.
    pub state: ServiceState,
    /// What it accepts.
    pub accepted: ControlsAccepted,
    /// The exit codes it reports along the way.
    pub exit: ExitStatus,
    /// Progress within a pending state.
    pub checkpoint: u32,
    /// How long until the next checkpoint.
    pub wait_hint: Duration,
    /// When the state or the checkpoint last changed.
    pub progress: Tick,
}

/// What happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Event {
    /// A start was accepted.
    StartAccepted,
    /// Everything it depends on runs.
    DependenciesReady,
    /// The start can't go on: a dependency failed, the process could not be had, or did not connect in time.
    StartFailed(Win32Error),
    /// The system made the process.
    Launched {
        /// The process.
        pid: u32,
    },
    /// The process is there and was told to run the service.
    Connected {
        /// The process.
        pid: u32,
    },
    /// The process reported a status.
    Reported(ServiceStatus),
    /// The process is gone.
    Gone,
}

/// What is to be done.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Action {
    /// Ask for a process, or use the one that others share.
    Launch,
    /// Clients see a new state: tell those who wait for it, and record it.
    Announce(ServiceState),
    /// A start has come to its end: whoever asked for it can be answered.
    AnswerStart(Result<(), Win32Error>),
    /// The process may forget the service.
    Release,
    /// The service came to its end; what follows is for the failure actions to say.
    Ended(End),
}

/// Why an event was not taken; nothing changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum Refused {
    /// The event has no meaning in this state.
    #[error("it has no meaning for a service that is {0}")]
    OutOfPlace(&'static str),
    /// The status is none that a service can have.
    #[error("the reported state {0} is not one that a service can be in")]
    NoSuchState(ServiceState),
}

impl Default for Lifecycle {
    fn default() -> Self {
        Self::NEVER_STARTED
    }
}

impl Lifecycle {
    /// A service that was not started in this session.
    pub const NEVER_STARTED: Self =
        Self::Stopped { exit: ExitStatus::Win32(Win32Error::SERVICE_NEVER_STARTED) };

    /// Carries out an event.
    pub fn handle(&mut self, event: Event, now: Tick) -> Result<Vec<Action>, Refused> {
        let actions = match (&mut *self, event) {
            (Self::Stopped { exit }, Event::StartAccepted) => {
                let exit = *exit;
                *self = Self::Waiting { exit };
                Vec::new()
            }
            (Self::Waiting { .. }, Event::DependenciesReady) => {
                *self = Self::Launching { pid: 0 };
                vec![Action::Announce(ServiceState::START_PENDING), Action::Launch]
            }
            (Self::Waiting { .. }, Event::StartFailed(code)) => {
                *self = Self::Stopped { exit: ExitStatus::Win32(code) };
                vec![Action::AnswerStart(Err(code))]
            }
            (Self::Launching { pid }, Event::Launched { pid: made }) => {
                *pid = made;
                Vec::new()
            }
            (Self::Launching { .. }, Event::Connected { pid }) => {
                *self = Self::Active(Active::new(pid, now));
                vec![Action::AnswerStart(Ok(()))]
            }
            (Self::Launching { .. }, Event::StartFailed(code)) => self.fail_launch(code),
            (Self::Launching { .. }, Event::Gone) => self.fail_launch(Win32Error::PROCESS_ABORTED),
            (Self::Active(active), Event::Reported(status)) => {
                let before = *active;
                return self.report(before, status, now);
            }
            (Self::Active(_), Event::Gone) => {
                *self = Self::Stopped { exit: ExitStatus::Win32(Win32Error::PROCESS_ABORTED) };
                vec![Action::Announce(ServiceState::STOPPED), Action::Ended(End::Died)]
            }
            (state, _) => return Err(Refused::OutOfPlace(state.word())),
        };
        Ok(actions)
    }

    /// The status that clients see.
    pub fn status(&self, service_type: ServiceType) -> ServiceStatus {
        let mut status = ServiceStatus::stopped(service_type, Win32Error::SUCCESS);
        match self {
            Self::Stopped { exit } | Self::Waiting { exit } => {
                (status.win32_exit_code, status.service_exit_code) = exit.codes();
            }
            Self::Launching { pid } => {
                status.state = ServiceState::START_PENDING;
                status.wait_hint = FIRST_WAIT_HINT;
                status.pid = *pid;
            }
            Self::Active(active) => {
                (status.win32_exit_code, status.service_exit_code) = active.exit.codes();
                status.state = active.state;
                status.controls_accepted = active.accepted;
                status.checkpoint = active.checkpoint;
                status.wait_hint = active.wait_hint;
                status.pid = active.pid;
            }
        }
        status
    }

    /// The state that clients see.
    pub fn state(&self) -> ServiceState {
        match self {
            Self::Stopped { .. } | Self::Waiting { .. } => ServiceState::STOPPED,
            Self::Launching { .. } => ServiceState::START_PENDING,
            Self::Active(active) => active.state,
        }
    }

    /// Whether nothing is under way: no process, no start.
    pub fn is_at_rest(&self) -> bool {
        matches!(self, Self::Stopped { .. })
    }

    /// When a service in a pending state counts as hung: its wait hint after the last progress, but at least `patience`.
    pub fn hangs_at(&self, patience: Duration) -> Option<Tick> {
        match self {
            Self::Active(active) if active.state.is_pending() => {
                Some(active.progress + active.wait_hint.max(patience))
            }
            _ => None,
        }
    }

    fn fail_launch(&mut self, code: Win32Error) -> Vec<Action> {
        *self = Self::Stopped { exit: ExitStatus::Win32(code) };
        vec![Action::Announce(ServiceState::STOPPED), Action::AnswerStart(Err(code))]
    }

    /// Takes a report as it is, as `SetServiceStatus` does: only the state must be one. Process and type are the service
    /// control manager's own.
    fn report(&mut self, before: Active, status: ServiceStatus, now: Tick) -> Result<Vec<Action>, Refused> {
        let exit = ExitStatus::from_codes(status.win32_exit_code, status.service_exit_code);
        if status.state == ServiceState::STOPPED {
            *self = Self::Stopped { exit };
            let announce = Action::Announce(ServiceState::STOPPED);
            return Ok(vec![announce, Action::Release, Action::Ended(End::Stopped(exit))]);
        }
        if status.state.name().is_none() {
            return Err(Refused::NoSuchState(status.state));
        }
        let moved = status.state != before.state;
        let progress = if moved || status.checkpoint != before.checkpoint { now } else { before.progress };
        *self = Self::Active(Active {
            pid: before.pid,
            state: status.state,
            accepted: status.controls_accepted,
            exit,
            checkpoint: status.checkpoint,
            wait_hint: status.wait_hint,
            progress,
        });
        Ok(if moved { vec![Action::Announce(status.state)] } else { Vec::new() })
    }

    fn word(&self) -> &'static str {
        match self {
            Self::Stopped { .. } => "stopped",
            Self::Waiting { .. } => "waiting for what it depends on",
            Self::Launching { .. } => "being started",
            Self::Active(_) => "active",
        }
    }
}

impl Active {
    /// A service that its process was told to run and has not reported yet.
    pub fn new(pid: u32, now: Tick) -> Self {
        Self {
            pid,
            state: ServiceState::START_PENDING,
            accepted: ControlsAccepted::empty(),
            exit: ExitStatus::CLEAN,
            checkpoint: 0,
            wait_hint: FIRST_WAIT_HINT,
            progress: now,
        }
    }

    /// A service as another service control manager left it, or as its process tells; `None` if it has stopped.
    pub fn taken_over(pid: u32, status: &ServiceStatus, now: Tick) -> Option<Self> {
        (status.state != ServiceState::STOPPED).then_some(Self {
            pid,
            state: status.state,
            accepted: status.controls_accepted,
            exit: ExitStatus::from_codes(status.win32_exit_code, status.service_exit_code),
            checkpoint: status.checkpoint,
            wait_hint: status.wait_hint,
            progress: now,
        })
    }
}

#[cfg(test)]
#[path = "lifecycle_tests.rs"]
mod tests;
