//! The status of a service as every service control manager reports it.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::control::ControlsAccepted;
use crate::kind::ServiceType;
use crate::millis;
use crate::open::{open_flags, open_value};
use crate::win32::Win32Error;

open_value! {
    /// `dwCurrentState` ([MS-SCMR] 2.2.47).
    ServiceState {
        /// Not running.
        STOPPED = 1 => "STOPPED",
        /// On its way to running.
        START_PENDING = 2 => "START_PENDING",
        /// On its way to stopped.
        STOP_PENDING = 3 => "STOP_PENDING",
        /// Running.
        RUNNING = 4 => "RUNNING",
        /// On its way from paused to running.
        CONTINUE_PENDING = 5 => "CONTINUE_PENDING",
        /// On its way to paused.
        PAUSE_PENDING = 6 => "PAUSE_PENDING",
        /// Paused.
        PAUSED = 7 => "PAUSED",
    }
}

impl ServiceState {
    /// Whether the service is on its way to another state.
    pub const fn is_pending(self) -> bool {
        matches!(
            self,
            Self::START_PENDING | Self::STOP_PENDING | Self::CONTINUE_PENDING | Self::PAUSE_PENDING
        )
    }
}

open_value! {
    /// Which services an enumeration returns, by activity ([MS-SCMR] 3.1.4.29 `dwServiceState`).
    StateFilter {
        /// Every service that is not stopped.
        ACTIVE = 1 => "ACTIVE",
        /// Every stopped service.
        INACTIVE = 2 => "INACTIVE",
        /// Both.
        ALL = 3 => "ALL",
    }
}

impl StateFilter {
    /// Whether a service in `state` is among those asked for.
    pub fn admits(self, state: ServiceState) -> bool {
        let bit = if state == ServiceState::STOPPED { Self::INACTIVE.0 } else { Self::ACTIVE.0 };
        self.0 & bit != 0
    }
}

open_flags! {
    /// The states to be told of ([MS-SCMR] 3.1.4.43 `dwNotifyMask` / `ntfMask`).
    NotifyMask {
        /// Stopped.
        STOPPED = 0x1 => "STOPPED",
        /// Start pending.
        START_PENDING = 0x2 => "START_PENDING",
        /// Stop pending.
        STOP_PENDING = 0x4 => "STOP_PENDING",
        /// Running.
        RUNNING = 0x8 => "RUNNING",
        /// Continue pending.
        CONTINUE_PENDING = 0x10 => "CONTINUE_PENDING",
        /// Pause pending.
        PAUSE_PENDING = 0x20 => "PAUSE_PENDING",
        /// Paused.
        PAUSED = 0x40 => "PAUSED",
        /// A service was created (manager handles only).
        CREATED = 0x80 => "CREATED",
        /// A service was deleted (manager handles only).
        DELETED = 0x100 => "DELETED",
        /// The service is about to be deleted.
        DELETE_PENDING = 0x200 => "DELETE_PENDING",
    }
}

impl NotifyMask {
    /// Every state of a service and its deletion.
    pub const SERVICE: Self = Self(0x27F);

    /// What there is to be told of the set of services: what the service control manager's own handles are for.
    pub const SET: Self = Self(0x180);

    /// The bit of a state.
    pub const fn of(state: ServiceState) -> Self {
        match state.0 {
            1..=7 => Self(1 << (state.0 - 1)),
            _ => Self(0),
        }
    }
}

/// Most of a status is zero, and many of them are told at once: what is zero isn't written.
pub(crate) fn is_zero<T: Default + PartialEq>(value: &T) -> bool {
    *value == T::default()
}

/// A state with all that the service API tells of it (`SERVICE_STATUS_PROCESS`, [MS-SCMR] 2.2.49).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceStatus {
    /// `dwServiceType`.
    pub service_type: ServiceType,
    /// `dwCurrentState`.
    pub state: ServiceState,
    /// `dwControlsAccepted`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub controls_accepted: ControlsAccepted,
    /// `dwWin32ExitCode`.
    pub win32_exit_code: Win32Error,
    /// `dwServiceSpecificExitCode`, meaningful when the Win32 exit code is 1066.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub service_exit_code: u32,
    /// `dwCheckPoint`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub checkpoint: u32,
    /// `dwWaitHint`, in milliseconds on the wire.
    #[serde(default, with = "millis", rename = "wait_hint_ms", skip_serializing_if = "is_zero")]
    pub wait_hint: Duration,
    /// `dwProcessId`, zero when there is none.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub pid: u32,
    /// `dwServiceFlags`.
    #[serde(default, skip_serializing_if = "is_zero")]
    pub flags: u32,
}

impl ServiceStatus {
    /// A stopped service with the given exit code.
    pub fn stopped(service_type: ServiceType, win32_exit_code: Win32Error) -> Self {
        Self {
            service_type,
            state: ServiceState::STOPPED,
            controls_accepted: ControlsAccepted::empty(),
            win32_exit_code,
            service_exit_code: 0,
            checkpoint: 0,
            wait_hint: Duration::ZERO,
            pid: 0,
            flags: 0,
        }
    }
}

/// How a service ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
pub enum ExitStatus {
    /// A Win32 error code, success included.
    Win32(Win32Error),
    /// A code of the service's own: reported as 1066 with this number.
    Specific(u32),
}

impl ExitStatus {
    /// A clean end.
    pub const CLEAN: Self = Self::Win32(Win32Error::SUCCESS);

    /// The pair of codes that the API has: `dwWin32ExitCode`, `dwServiceSpecificExitCode`.
    pub fn codes(self) -> (Win32Error, u32) {
        match self {
            Self::Win32(code) => (code, 0),
            Self::Specific(code) => (Win32Error::SERVICE_SPECIFIC_ERROR, code),
        }
    }

    /// The end that a pair of codes stands for.
    pub fn from_codes(win32: Win32Error, specific: u32) -> Self {
        if win32 == Win32Error::SERVICE_SPECIFIC_ERROR {
            Self::Specific(specific)
        } else {
            Self::Win32(win32)
        }
    }

    /// Whether the service ended without an error.
    pub fn is_clean(self) -> bool {
        self == Self::CLEAN
    }
}
