//! The optional configuration, one level at a time.

#![allow(unsafe_code)]

use std::ffi::c_void;
use std::ptr;
use std::time::Duration;

use svckit_core::Win32Error;
use svckit_core::config::{Config2, Config2Change, Config2Level};
use svckit_core::failure::{ActionType, FailureAction, FailureActions, FailureActionsChange, ResetPeriod};
use windows_sys::Win32::System::Services::{
    ChangeServiceConfig2W, QueryServiceConfig2W, SC_ACTION, SERVICE_DELAYED_AUTO_START_INFO,
    SERVICE_DESCRIPTIONW, SERVICE_FAILURE_ACTIONS_FLAG, SERVICE_FAILURE_ACTIONSW,
    SERVICE_LAUNCH_PROTECTED_INFO, SERVICE_PREFERRED_NODE_INFO, SERVICE_PRESHUTDOWN_INFO,
    SERVICE_REQUIRED_PRIVILEGES_INFOW, SERVICE_SID_INFO,
};

use super::check;
use super::service::Service;
use super::text::{Buffer, read, read_list, wide, wide_list};
use super::trigger::{RawTriggers, read_triggers};

/// The system takes at most 8 KiB for a level.
const FIRST_BUFFER: u32 = 8 * 1024;

impl Service {
    /// A level of the optional configuration. One that this version of svckit doesn't know is `ERROR_INVALID_LEVEL`, as is one that the system doesn't know.
    pub fn config2(&self, level: Config2Level) -> Result<Config2, Win32Error> {
        let mut buffer = Buffer::new(FIRST_BUFFER);
        loop {
            let mut needed = 0;
            // SAFETY: the handle is open; the buffer has the length that is said; the number is written where told.
            let done = unsafe {
                QueryServiceConfig2W(self.raw(), level.0, buffer.as_mut_ptr(), buffer.len(), &raw mut needed)
            };
            match check(done) {
                Ok(()) => break,
                Err(Win32Error::INSUFFICIENT_BUFFER) if needed > buffer.len() => buffer = Buffer::new(needed),
                Err(code) => return Err(code),
            }
        }
        // SAFETY: the system filled the structure of this level at the aligned start of the buffer, and its strings and arrays are in it.
        unsafe { interpret(level, buffer.as_ptr()) }
    }

    /// Changes a level of the optional configuration.
    pub fn change_config2(&self, change: &Config2Change) -> Result<(), Win32Error> {
        let level = change.level();
        match change {
            Config2Change::Description(text) => {
                let mut text = text.as_deref().map(wide);
                let info = SERVICE_DESCRIPTIONW { lpDescription: pointer(&mut text) };
                self.change(level, (&raw const info).cast())
            }
            Config2Change::FailureActions(actions) => self.change_failure_actions(level, actions),
            Config2Change::DelayedAutoStart(on) => {
                let info = SERVICE_DELAYED_AUTO_START_INFO { fDelayedAutostart: i32::from(*on) };
                self.change(level, (&raw const info).cast())
            }
            Config2Change::FailureActionsFlag(on) => {
                let info = SERVICE_FAILURE_ACTIONS_FLAG { fFailureActionsOnNonCrashFailures: i32::from(*on) };
                self.change(level, (&raw const info).cast())
            }
            Config2Change::Sid(kind) => {
                let info = SERVICE_SID_INFO { dwServiceSidType: kind.0 };
                self.change(level, (&raw const info).cast())
            }
            Config2Change::RequiredPrivileges(names) => {
                let mut names = wide_list(names.iter().map(String::as_str));
                let info = SERVICE_REQUIRED_PRIVILEGES_INFOW { pmszRequiredPrivileges: names.as_mut_ptr() };
                self.change(level, (&raw const info).cast())
            }
            Config2Change::PreshutdownTimeout(timeout) => {
                let millis = u32::try_from(timeout.as_millis()).unwrap_or(u32::MAX);
                let info = SERVICE_PRESHUTDOWN_INFO { dwPreshutdownTimeout: millis };
                self.change(level, (&raw const info).cast())
            }
            Config2Change::Triggers(list) => {
                let triggers = RawTriggers::new(list)?;
                self.change(level, triggers.as_ptr().cast())
            }
            Config2Change::PreferredNode(node) => {
                let info = raw_node(*node);
                self.change(level, (&raw const info).cast())
            }
            Config2Change::LaunchProtected(kind) => {
                let info = SERVICE_LAUNCH_PROTECTED_INFO { dwLaunchProtected: kind.0 };
                self.change(level, (&raw const info).cast())
            }
        }
    }

    fn change_failure_actions(
        &self,
        level: Config2Level,
        change: &FailureActionsChange,
    ) -> Result<(), Win32Error> {
        let mut message = change.reboot_message.as_deref().map(wide);
        let mut command = change.command.as_deref().map(wide);
        let mut info = SERVICE_FAILURE_ACTIONSW {
            lpRebootMsg: pointer(&mut message),
            lpCommand: pointer(&mut command),
            ..Default::default()
        };
        let mut actions: Vec<SC_ACTION> =
            change.actions.iter().flat_map(|(_, list)| list).map(to_raw).collect();
        if let Some((reset_period, list)) = &change.actions {
            info.dwResetPeriod = reset_period.to_wire();
            info.cActions = u32::try_from(list.len()).map_err(|_| Win32Error::INVALID_PARAMETER)?;
            // A pointer to no actions deletes them; without a pointer they stay.
            info.lpsaActions = actions.as_mut_ptr();
        }
        self.change(level, (&raw const info).cast())
    }

    /// `info` leads to the structure of the level, which lives with all that it points to as long as the caller's frame.
    fn change(&self, level: Config2Level, info: *const c_void) -> Result<(), Win32Error> {
        // SAFETY: the handle is open; all callers are in this module and pass the structure that the level has, alive during the call.
        check(unsafe { ChangeServiceConfig2W(self.raw(), level.0, info) })
    }
}

fn pointer(text: &mut Option<Vec<u16>>) -> *mut u16 {
    text.as_mut().map_or(ptr::null_mut(), |text| text.as_mut_ptr())
}

fn raw_node(node: Option<u16>) -> SERVICE_PREFERRED_NODE_INFO {
    SERVICE_PREFERRED_NODE_INFO { usPreferredNode: node.unwrap_or(0), fDelete: node.is_none() }
}

/// # Safety
/// At `info` is the structure, whose flag may be any byte.
unsafe fn read_node(info: *const SERVICE_PREFERRED_NODE_INFO) -> Option<u16> {
    // SAFETY: by the contract; the flag is read as a byte, because the system's may be another than 0 and 1, which a `bool` can't be.
    let (node, deleted) =
        unsafe { ((*info).usPreferredNode, (&raw const (*info).fDelete).cast::<u8>().read()) };
    (deleted == 0).then_some(node)
}

fn to_raw(action: &FailureAction) -> SC_ACTION {
    let delay = u32::try_from(action.delay.as_millis()).unwrap_or(u32::MAX);
    SC_ACTION { Type: action.kind.0.cast_signed(), Delay: delay }
}

/// Reads the structure of a level.
///
/// # Safety
/// At `info` is the structure of the level, aligned, and its strings and arrays can be read.
unsafe fn interpret(level: Config2Level, info: *const u8) -> Result<Config2, Win32Error> {
    // SAFETY: for the whole block, by the contract; each level is read as its own structure.
    unsafe {
        Ok(match level {
            Config2Level::DESCRIPTION => {
                let text = read((*info.cast::<SERVICE_DESCRIPTIONW>()).lpDescription);
                Config2::Description(text.filter(|text| !text.is_empty()))
            }
            Config2Level::FAILURE_ACTIONS => {
                let info = &*info.cast::<SERVICE_FAILURE_ACTIONSW>();
                let action = |index| {
                    let action: SC_ACTION = *info.lpsaActions.add(index);
                    FailureAction {
                        kind: ActionType(action.Type.cast_unsigned()),
                        delay: Duration::from_millis(action.Delay.into()),
                    }
                };
                let count = if info.lpsaActions.is_null() { 0 } else { info.cActions as usize };
                let actions: Vec<FailureAction> = (0..count).map(action).collect();
                let reset_period = ResetPeriod::from_wire(info.dwResetPeriod);
                Config2::FailureActions(FailureActions {
                    reset_period: if actions.is_empty() { ResetPeriod::default() } else { reset_period },
                    reboot_message: read(info.lpRebootMsg).unwrap_or_default(),
                    command: read(info.lpCommand).unwrap_or_default(),
                    actions,
                })
            }
            Config2Level::DELAYED_AUTO_START => Config2::DelayedAutoStart(
                (*info.cast::<SERVICE_DELAYED_AUTO_START_INFO>()).fDelayedAutostart != 0,
            ),
            Config2Level::FAILURE_ACTIONS_FLAG => Config2::FailureActionsFlag(
                (*info.cast::<SERVICE_FAILURE_ACTIONS_FLAG>()).fFailureActionsOnNonCrashFailures != 0,
            ),
            Config2Level::SID_INFO => {
                Config2::Sid((*info.cast::<SERVICE_SID_INFO>()).dwServiceSidType.into())
            }
            Config2Level::REQUIRED_PRIVILEGES => Config2::RequiredPrivileges(read_list(
                (*info.cast::<SERVICE_REQUIRED_PRIVILEGES_INFOW>()).pmszRequiredPrivileges,
            )),
            Config2Level::PRESHUTDOWN => Config2::PreshutdownTimeout(Duration::from_millis(
                (*info.cast::<SERVICE_PRESHUTDOWN_INFO>()).dwPreshutdownTimeout.into(),
            )),
            Config2Level::TRIGGER_INFO => Config2::Triggers(read_triggers(info.cast())),
            Config2Level::PREFERRED_NODE => Config2::PreferredNode(read_node(info.cast())),
            Config2Level::LAUNCH_PROTECTED => Config2::LaunchProtected(
                (*info.cast::<SERVICE_LAUNCH_PROTECTED_INFO>()).dwLaunchProtected.into(),
            ),
            _ => return Err(Win32Error::INVALID_LEVEL),
        })
    }
}

#[cfg(test)]
mod tests {
    use svckit_core::kind::LaunchProtection;
    use svckit_core::trigger::{Guid, Trigger, TriggerAction, TriggerData, TriggerType};

    use super::*;

    #[test]
    fn the_levels_since_windows_7_are_read_as_they_were_written() {
        let trigger = Trigger {
            kind: TriggerType::CUSTOM,
            action: TriggerAction::SERVICE_START,
            subtype: Guid(7),
            data: vec![TriggerData::strings(&["one", "two"])],
        };
        let list = vec![trigger];
        let raw = RawTriggers::new(&list).unwrap();
        let protected = SERVICE_LAUNCH_PROTECTED_INFO { dwLaunchProtected: 3 };
        let node = raw_node(Some(5));
        // SAFETY: each is the structure of its level.
        unsafe {
            let read = interpret(Config2Level::TRIGGER_INFO, raw.as_ptr().cast());
            assert_eq!(read, Ok(Config2::Triggers(list.clone())));
            let read = interpret(Config2Level::PREFERRED_NODE, (&raw const node).cast());
            assert_eq!(read, Ok(Config2::PreferredNode(Some(5))));
            let read = interpret(Config2Level::LAUNCH_PROTECTED, (&raw const protected).cast());
            assert_eq!(read, Ok(Config2::LaunchProtected(LaunchProtection::ANTIMALWARE_LIGHT)));
        }
    }

    #[test]
    fn a_deleted_node_is_none() {
        let node = raw_node(None);
        assert!(node.fDelete);
        // A flag of the system can be any byte.
        for flag in [1, 255] {
            let bytes: [u16; 2] = [9, flag];
            // SAFETY: the numbers are as long and as aligned as the structure; any byte may be its flag.
            assert_eq!(unsafe { read_node(bytes.as_ptr().cast()) }, None);
        }
        // SAFETY: it is the structure.
        assert_eq!(unsafe { read_node(&raw const node) }, None);
    }
}
