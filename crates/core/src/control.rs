//! Controls and which of them a service accepts.

use crate::open::{open_flags, open_value};
use crate::status::ServiceState;
use crate::win32::Win32Error;

open_value! {
    /// `dwControl` ([MS-SCMR] 3.1.4.2 and the handler function of the Win32 reference). 128 to 255 are the service's own.
    Control {
        /// Stop.
        STOP = 1 => "STOP",
        /// Pause.
        PAUSE = 2 => "PAUSE",
        /// Continue after a pause.
        CONTINUE = 3 => "CONTINUE",
        /// Report the state.
        INTERROGATE = 4 => "INTERROGATE",
        /// The system goes down.
        SHUTDOWN = 5 => "SHUTDOWN",
        /// The start parameters changed.
        PARAMCHANGE = 6 => "PARAMCHANGE",
        /// A network component was added.
        NETBINDADD = 7 => "NETBINDADD",
        /// A network component was removed.
        NETBINDREMOVE = 8 => "NETBINDREMOVE",
        /// A network binding was enabled.
        NETBINDENABLE = 9 => "NETBINDENABLE",
        /// A network binding was disabled.
        NETBINDDISABLE = 10 => "NETBINDDISABLE",
        /// A device changed.
        DEVICEEVENT = 11 => "DEVICEEVENT",
        /// The hardware profile changed.
        HARDWAREPROFILECHANGE = 12 => "HARDWAREPROFILECHANGE",
        /// The power state changes.
        POWEREVENT = 13 => "POWEREVENT",
        /// A user session changed.
        SESSIONCHANGE = 14 => "SESSIONCHANGE",
        /// The system will go down; there is more time than at shutdown.
        PRESHUTDOWN = 15 => "PRESHUTDOWN",
        /// The clock was set.
        TIMECHANGE = 16 => "TIMECHANGE",
    }
}

impl Control {
    /// Those that are a service's own.
    pub const USER_DEFINED: std::ops::RangeInclusive<u8> = 128..=255;
}

open_flags! {
    /// `dwControlsAccepted` ([MS-SCMR] 2.2.47).
    ControlsAccepted {
        /// Stop.
        STOP = 0x1 => "STOP",
        /// Pause and continue.
        PAUSE_CONTINUE = 0x2 => "PAUSE_CONTINUE",
        /// Shutdown.
        SHUTDOWN = 0x4 => "SHUTDOWN",
        /// Parameter change.
        PARAMCHANGE = 0x8 => "PARAMCHANGE",
        /// Network binding changes.
        NETBINDCHANGE = 0x10 => "NETBINDCHANGE",
        /// Hardware profile changes.
        HARDWAREPROFILECHANGE = 0x20 => "HARDWAREPROFILECHANGE",
        /// Power events.
        POWEREVENT = 0x40 => "POWEREVENT",
        /// Session changes.
        SESSIONCHANGE = 0x80 => "SESSIONCHANGE",
        /// Preshutdown.
        PRESHUTDOWN = 0x100 => "PRESHUTDOWN",
        /// Changes of the system time.
        TIMECHANGE = 0x200 => "TIMECHANGE",
        /// Trigger events.
        TRIGGEREVENT = 0x400 => "TRIGGEREVENT",
        /// A user of the machine logged off for good.
        USER_LOGOFF = 0x800 => "USER_LOGOFF",
        /// Low resources.
        LOWRESOURCES = 0x2000 => "LOWRESOURCES",
        /// Low resources of the system.
        SYSTEMLOWRESOURCES = 0x4000 => "SYSTEMLOWRESOURCES",
    }
}

impl Control {
    /// Whether the number is one of the service's own, 128 to 255.
    pub const fn is_user_defined(self) -> bool {
        self.0 >= 128 && self.0 <= 255
    }

    /// Whether a client may send this control through `ControlService`; the others only the system sends.
    pub const fn may_be_requested(self) -> bool {
        matches!(self.0, 1..=4 | 6..=10) || self.is_user_defined()
    }

    /// What the service has to accept for this control to be delivered; empty if every service gets it.
    pub const fn needs(self) -> ControlsAccepted {
        match self {
            Self::STOP => ControlsAccepted::STOP,
            Self::PAUSE | Self::CONTINUE => ControlsAccepted::PAUSE_CONTINUE,
            Self::SHUTDOWN => ControlsAccepted::SHUTDOWN,
            Self::PARAMCHANGE => ControlsAccepted::PARAMCHANGE,
            Self::NETBINDADD | Self::NETBINDREMOVE | Self::NETBINDENABLE | Self::NETBINDDISABLE => {
                ControlsAccepted::NETBINDCHANGE
            }
            Self::PRESHUTDOWN => ControlsAccepted::PRESHUTDOWN,
            _ => ControlsAccepted::empty(),
        }
    }

    /// Whether a service in `state` that accepts `accepted` can be sent this control ([MS-SCMR] 3.1.4.2 and the table in the
    /// Win32 reference of `ControlService`).
    pub fn check(self, state: ServiceState, accepted: ControlsAccepted) -> Result<(), Win32Error> {
        match state {
            ServiceState::STOPPED => return Err(Win32Error::SERVICE_NOT_ACTIVE),
            ServiceState::START_PENDING if self != Self::STOP => {
                return Err(Win32Error::SERVICE_CANNOT_ACCEPT_CTRL);
            }
            ServiceState::STOP_PENDING => return Err(Win32Error::SERVICE_CANNOT_ACCEPT_CTRL),
            _ => {}
        }
        if accepted.contains(self.needs()) { Ok(()) } else { Err(Win32Error::INVALID_SERVICE_CONTROL) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_starting_service_can_be_stopped_if_it_accepts_that_and_nothing_else() {
        let starting = |control: Control, accepted| control.check(ServiceState::START_PENDING, accepted);
        assert_eq!(starting(Control::STOP, ControlsAccepted::STOP), Ok(()));
        assert_eq!(
            starting(Control::STOP, ControlsAccepted::empty()),
            Err(Win32Error::INVALID_SERVICE_CONTROL)
        );
        assert_eq!(
            starting(Control::INTERROGATE, ControlsAccepted::STOP),
            Err(Win32Error::SERVICE_CANNOT_ACCEPT_CTRL)
        );
    }

    #[test]
    fn a_stopped_or_stopping_service_takes_no_control() {
        for control in [Control::STOP, Control::PAUSE, Control::INTERROGATE, Control(130)] {
            let every = ControlsAccepted(u32::MAX);
            assert_eq!(control.check(ServiceState::STOPPED, every), Err(Win32Error::SERVICE_NOT_ACTIVE));
            assert_eq!(
                control.check(ServiceState::STOP_PENDING, every),
                Err(Win32Error::SERVICE_CANNOT_ACCEPT_CTRL)
            );
        }
    }

    #[test]
    fn only_the_system_shuts_down() {
        assert!(!Control::SHUTDOWN.may_be_requested() && !Control::PRESHUTDOWN.may_be_requested());
        assert!(
            Control(128).may_be_requested()
                && Control(255).may_be_requested()
                && !Control(127).may_be_requested()
        );
    }
}
