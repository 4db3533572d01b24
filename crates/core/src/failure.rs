//! Failure actions: what the service control manager does when a service ends unexpectedly.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::millis;
use crate::open::open_value;

open_value! {
    /// `SC_ACTION_TYPE` ([MS-SCMR] 2.2.41).
    ActionType {
        /// Nothing.
        NONE = 0 => "NONE",
        /// Restart the service.
        RESTART = 1 => "RESTART",
        /// Restart the machine.
        REBOOT = 2 => "REBOOT",
        /// Run a command.
        RUN_COMMAND = 3 => "RUN_COMMAND",
    }
}

/// One failure action (`SC_ACTION`, [MS-SCMR] 2.2.42).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailureAction {
    /// What is done.
    pub kind: ActionType,
    /// How long after the failure.
    #[serde(with = "millis", rename = "delay_ms")]
    pub delay: Duration,
}

/// After how long without a failure the count starts again at zero.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub enum ResetPeriod {
    /// Never (`INFINITE` on the wire).
    #[default]
    Never,
    /// After whole seconds.
    Seconds(u32),
}

impl ResetPeriod {
    /// The number on the wire (`dwResetPeriod`, in seconds).
    pub const fn to_wire(self) -> u32 {
        match self {
            Self::Never => u32::MAX,
            Self::Seconds(seconds) => seconds,
        }
    }

    /// The period that a number on the wire stands for.
    pub const fn from_wire(seconds: u32) -> Self {
        if seconds == u32::MAX { Self::Never } else { Self::Seconds(seconds) }
    }
}

/// `SERVICE_FAILURE_ACTIONS` ([MS-SCMR] 2.2.39) as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FailureActions {
    /// When the failure count is reset.
    pub reset_period: ResetPeriod,
    /// The message sent before a reboot, empty if none.
    pub reboot_message: String,
    /// The command that `RUN_COMMAND` runs, empty if none.
    pub command: String,
    /// The n-th failure gets the n-th action; the last repeats.
    pub actions: Vec<FailureAction>,
}

/// A change of the failure actions, as [MS-SCMR] 2.2.39 has it: what is absent stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FailureActionsChange {
    /// The reboot message; `Some("")` deletes it.
    pub reboot_message: Option<String>,
    /// The command; `Some("")` deletes it.
    pub command: Option<String>,
    /// The reset period together with the actions, an empty list deletes both; they can't be set apart.
    pub actions: Option<(ResetPeriod, Vec<FailureAction>)>,
}

impl FailureActions {
    /// Carries out a change.
    pub fn apply(&mut self, change: FailureActionsChange) {
        if let Some(message) = change.reboot_message {
            self.reboot_message = message;
        }
        if let Some(command) = change.command {
            self.command = command;
        }
        if let Some((reset_period, actions)) = change.actions {
            self.reset_period = if actions.is_empty() { ResetPeriod::default() } else { reset_period };
            self.actions = actions;
        }
    }
}

impl From<FailureActions> for FailureActionsChange {
    fn from(all: FailureActions) -> Self {
        Self {
            reboot_message: Some(all.reboot_message),
            command: Some(all.command),
            actions: Some((all.reset_period, all.actions)),
        }
    }
}
