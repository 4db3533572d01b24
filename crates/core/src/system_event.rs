//! What the system tells services beside controls: that the machine is suspended and goes on, and what happens to the sessions of users.

use serde::{Deserialize, Serialize};

use crate::control::{Control, ControlsAccepted};

/// A kind of such events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum SystemEvent {
    /// The machine is about to be suspended.
    Suspend,
    /// It was suspended and goes on.
    Resume,
    /// What it is powered by has changed, or how much is left.
    PowerStatus,
    /// Somebody has logged on.
    SessionLogon,
    /// Somebody has logged off.
    SessionLogoff,
    /// A session was locked.
    SessionLock,
    /// A session was unlocked.
    SessionUnlock,
    /// A session was connected to the console or to a remote terminal.
    SessionConnect,
    /// A session was disconnected from it.
    SessionDisconnect,
}

impl SystemEvent {
    /// Every kind, with the word for it.
    pub const NAMED: &'static [(&'static str, Self)] = &[
        ("suspend", Self::Suspend),
        ("resume", Self::Resume),
        ("power-status", Self::PowerStatus),
        ("session-logon", Self::SessionLogon),
        ("session-logoff", Self::SessionLogoff),
        ("session-lock", Self::SessionLock),
        ("session-unlock", Self::SessionUnlock),
        ("session-connect", Self::SessionConnect),
        ("session-disconnect", Self::SessionDisconnect),
    ];

    /// The word for it.
    pub fn word(self) -> &'static str {
        Self::NAMED.iter().find(|(_, event)| *event == self).map_or("", |(word, _)| word)
    }

    /// What a control with an event type stands for (`HandlerEx` in the Win32 reference; the types are those of `WM_POWERBROADCAST` and `WM_WTSSESSION_CHANGE`). Of the two that
    /// tell of the end of a suspension it is the one that comes each time, `PBT_APMRESUMEAUTOMATIC`; the other follows when somebody sits there.
    pub fn told(control: Control, kind: u32) -> Option<Self> {
        match (control, kind) {
            (Control::POWEREVENT, 0x4) => Some(Self::Suspend),
            (Control::POWEREVENT, 0x12) => Some(Self::Resume),
            (Control::POWEREVENT, 0xA) => Some(Self::PowerStatus),
            (Control::SESSIONCHANGE, 0x1 | 0x3) => Some(Self::SessionConnect),
            (Control::SESSIONCHANGE, 0x2 | 0x4) => Some(Self::SessionDisconnect),
            (Control::SESSIONCHANGE, 0x5) => Some(Self::SessionLogon),
            (Control::SESSIONCHANGE, 0x6) => Some(Self::SessionLogoff),
            (Control::SESSIONCHANGE, 0x7) => Some(Self::SessionLock),
            (Control::SESSIONCHANGE, 0x8) => Some(Self::SessionUnlock),
            _ => None,
        }
    }

    /// The control that it comes with.
    pub const fn control(self) -> Control {
        match self {
            Self::Suspend | Self::Resume | Self::PowerStatus => Control::POWEREVENT,
            _ => Control::SESSIONCHANGE,
        }
    }

    /// What a service has to accept to be told of it.
    pub const fn needs(self) -> ControlsAccepted {
        match self {
            Self::Suspend | Self::Resume | Self::PowerStatus => ControlsAccepted::POWEREVENT,
            _ => ControlsAccepted::SESSIONCHANGE,
        }
    }

    /// Whether the system waits for what is done about it.
    pub const fn is_waited_for(self) -> bool {
        matches!(self, Self::Suspend)
    }
}

/// An event that has happened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Happening {
    /// Of which kind.
    pub event: SystemEvent,
    /// The number of the session that it is about, if it is about one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub session: Option<u32>,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn event_types_are_those_of_windows() {
        let told = |control, kinds: std::ops::RangeInclusive<u32>| -> Vec<_> {
            kinds.filter_map(|kind| Some((kind, SystemEvent::told(control, kind)?.word()))).collect()
        };
        assert_eq!(
            told(Control::POWEREVENT, 0..=0x8013),
            [(4, "suspend"), (10, "power-status"), (18, "resume")]
        );
        assert_eq!(
            told(Control::SESSIONCHANGE, 0..=11),
            [
                (1, "session-connect"),
                (2, "session-disconnect"),
                (3, "session-connect"),
                (4, "session-disconnect"),
                (5, "session-logon"),
                (6, "session-logoff"),
                (7, "session-lock"),
                (8, "session-unlock"),
            ]
        );
        assert_eq!(told(Control::PARAMCHANGE, 0..=18), []);
    }

    #[test]
    fn words_are_those_that_are_stored_and_lead_back_to_the_control() {
        for (word, event) in SystemEvent::NAMED {
            assert_eq!(serde_json::to_string(event).unwrap(), format!("{word:?}"));
            let told = (0..=0x12).find(|kind| SystemEvent::told(event.control(), *kind) == Some(*event));
            assert!(told.is_some(), "{word}");
            let is_power = event.control() == Control::POWEREVENT;
            assert_eq!(event.needs() == ControlsAccepted::POWEREVENT, is_power);
        }
    }
}
