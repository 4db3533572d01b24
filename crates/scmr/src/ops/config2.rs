use svckit_core::config::Config2Level;
use svckit_core::failure::FailureAction;
use svckit_core::kind::{LaunchProtection, SidType};
use svckit_core::millis;
use svckit_core::trigger::Trigger;

use super::trigger::{read_triggers, write_triggers};
use super::{MAX_TEXT, read_text, write_text};
use crate::ndr::{DecodeError, Reader, Result, Writer};

/// The largest number of failure actions ([MS-SCMR] 2.2.40 `cActions`).
const MAX_ACTIONS: u32 = 1024;
/// The largest list of privileges in bytes ([MS-SCMR] 2.2.48 `cbRequiredPrivileges`).
const MAX_PRIVILEGES: u32 = 4 * 1024;

/// `SC_RPC_CONFIG_INFOW` ([MS-SCMR] 2.2.22). An absent value is a null pointer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ConfigInfo {
    /// Level 1, `psd`: `SERVICE_DESCRIPTIONW` (2.2.35) with `lpDescription`.
    Description(Option<Option<String>>),
    /// Level 2, `psfa`: `SERVICE_FAILURE_ACTIONSW` (2.2.40).
    FailureActions(Option<FailureActionsInfo>),
    /// Level 3, `psda`: `SERVICE_DELAYED_AUTO_START_INFO` (2.2.33) with `fDelayedAutostart`.
    DelayedAutoStart(Option<bool>),
    /// Level 4, `psfaf`: `SERVICE_FAILURE_ACTIONS_FLAG` (2.2.41) with `fFailureActionsOnNonCrashFailures`.
    FailureActionsFlag(Option<bool>),
    /// Level 5, `pssid`: `SERVICE_SID_INFO` (2.2.46) with `dwServiceSidType`.
    Sid(Option<SidType>),
    /// Level 6, `psrp`: `SERVICE_RPC_REQUIRED_PRIVILEGES_INFO` (2.2.48) with `pRequiredPrivileges`, a list as in [`super::multi`].
    RequiredPrivileges(Option<Option<Vec<u8>>>),
    /// Level 7, `psps`: `SERVICE_PRESHUTDOWN_INFO` (2.2.45) with `dwPreshutdownTimeout` in milliseconds.
    Preshutdown(Option<u32>),
    /// Level 8, `psti`: `SERVICE_TRIGGER_INFO` (2.2.54) with `pTriggers`.
    Triggers(Option<Vec<Trigger>>),
    /// Level 9, `pspn`: `SERVICE_PREFERRED_NODE_INFO` (2.2.55).
    PreferredNode(Option<PreferredNodeInfo>),
    /// Level 12, which [MS-SCMR] doesn't have: `dwLaunchProtected` of `SERVICE_LAUNCH_PROTECTED_INFO`, as the service API has it.
    LaunchProtected(Option<LaunchProtection>),
    /// A level that is not known here: what it carried is not read.
    Other(Config2Level),
}

/// `SERVICE_FAILURE_ACTIONSW` ([MS-SCMR] 2.2.40).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FailureActionsInfo {
    /// `dwResetPeriod`.
    pub reset_period: u32,
    /// `lpRebootMsg`.
    pub reboot_message: Option<String>,
    /// `lpCommand`.
    pub command: Option<String>,
    /// `lpsaActions`.
    pub actions: Option<Vec<FailureAction>>,
}

/// `SERVICE_PREFERRED_NODE_INFO` ([MS-SCMR] 2.2.55).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PreferredNodeInfo {
    /// `usPreferredNode`.
    pub node: u16,
    /// `fDelete`.
    pub delete: bool,
}

impl From<Option<u16>> for PreferredNodeInfo {
    fn from(node: Option<u16>) -> Self {
        Self { node: node.unwrap_or(0), delete: node.is_none() }
    }
}

impl From<PreferredNodeInfo> for Option<u16> {
    fn from(info: PreferredNodeInfo) -> Self {
        (!info.delete).then_some(info.node)
    }
}

impl ConfigInfo {
    /// Nothing of a level: what an answer that refuses carries.
    pub(crate) fn absent(level: Config2Level) -> Self {
        match level {
            Config2Level::DESCRIPTION => Self::Description(None),
            Config2Level::FAILURE_ACTIONS => Self::FailureActions(None),
            Config2Level::DELAYED_AUTO_START => Self::DelayedAutoStart(None),
            Config2Level::FAILURE_ACTIONS_FLAG => Self::FailureActionsFlag(None),
            Config2Level::SID_INFO => Self::Sid(None),
            Config2Level::REQUIRED_PRIVILEGES => Self::RequiredPrivileges(None),
            Config2Level::PRESHUTDOWN => Self::Preshutdown(None),
            Config2Level::TRIGGER_INFO => Self::Triggers(None),
            Config2Level::PREFERRED_NODE => Self::PreferredNode(None),
            Config2Level::LAUNCH_PROTECTED => Self::LaunchProtected(None),
            level => Self::Other(level),
        }
    }

    /// `dwInfoLevel`.
    pub fn level(&self) -> Config2Level {
        match self {
            Self::Description(_) => Config2Level::DESCRIPTION,
            Self::FailureActions(_) => Config2Level::FAILURE_ACTIONS,
            Self::DelayedAutoStart(_) => Config2Level::DELAYED_AUTO_START,
            Self::FailureActionsFlag(_) => Config2Level::FAILURE_ACTIONS_FLAG,
            Self::Sid(_) => Config2Level::SID_INFO,
            Self::RequiredPrivileges(_) => Config2Level::REQUIRED_PRIVILEGES,
            Self::Preshutdown(_) => Config2Level::PRESHUTDOWN,
            Self::Triggers(_) => Config2Level::TRIGGER_INFO,
            Self::PreferredNode(_) => Config2Level::PREFERRED_NODE,
            Self::LaunchProtected(_) => Config2Level::LAUNCH_PROTECTED,
            Self::Other(level) => *level,
        }
    }

    /// [MS-SCMR] 2.2.22: the level, and again as the tag of the union, then the pointer and what it points to.
    pub(crate) fn write(&self, w: &mut Writer) {
        w.u32(self.level().0); // dwInfoLevel
        w.u32(self.level().0); // the tag of the union
        match self {
            Self::Description(info) => w.optional(info.as_ref(), |w, text| write_text(w, text.as_deref())),
            Self::FailureActions(info) => w.optional(info.as_ref(), |w, info| info.write(w)),
            Self::DelayedAutoStart(info) | Self::FailureActionsFlag(info) => {
                w.optional(*info, |w, flag| w.u32(flag.into()));
            }
            Self::Sid(info) => w.optional(*info, |w, kind| w.u32(kind.0)),
            Self::RequiredPrivileges(info) => w.optional(info.as_ref(), |w, list| {
                w.count(list.as_ref().map_or(0, Vec::len)); // cbRequiredPrivileges
                w.optional(list.as_deref(), Writer::conformant_bytes); // pRequiredPrivileges
            }),
            Self::Preshutdown(info) => w.optional(*info, Writer::u32),
            Self::Triggers(info) => w.optional(info.as_deref(), write_triggers),
            Self::PreferredNode(info) => w.optional(*info, |w, info| info.write(w)),
            Self::LaunchProtected(info) => w.optional(*info, |w, kind| w.u32(kind.0)),
            Self::Other(_) => w.pointer(false),
        }
    }

    /// [MS-SCMR] 2.2.22; what a level carries that isn't known here is left.
    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self> {
        let level = Config2Level(r.u32()?); // dwInfoLevel
        if r.u32()? != level.0 {
            return Err(DecodeError::Invalid { what: "the tag of SC_RPC_CONFIG_INFOW" });
        }
        let present = r.pointer()?;
        Ok(match level {
            Config2Level::DESCRIPTION => Self::Description(when(present, || read_text(r, "lpDescription"))?),
            Config2Level::FAILURE_ACTIONS => {
                Self::FailureActions(when(present, || FailureActionsInfo::read(r))?)
            }
            Config2Level::DELAYED_AUTO_START => Self::DelayedAutoStart(when(present, || Ok(r.u32()? != 0))?),
            Config2Level::FAILURE_ACTIONS_FLAG => {
                Self::FailureActionsFlag(when(present, || Ok(r.u32()? != 0))?)
            }
            Config2Level::SID_INFO => Self::Sid(when(present, || r.u32().map(SidType))?),
            Config2Level::REQUIRED_PRIVILEGES => {
                Self::RequiredPrivileges(when(present, || read_privileges(r))?)
            }
            Config2Level::PRESHUTDOWN => Self::Preshutdown(when(present, || r.u32())?),
            Config2Level::TRIGGER_INFO => Self::Triggers(when(present, || read_triggers(r))?),
            Config2Level::PREFERRED_NODE => {
                Self::PreferredNode(when(present, || PreferredNodeInfo::read(r))?)
            }
            Config2Level::LAUNCH_PROTECTED => {
                Self::LaunchProtected(when(present, || r.u32().map(LaunchProtection))?)
            }
            level => Self::Other(level),
        })
    }
}

impl PreferredNodeInfo {
    /// [MS-SCMR] 2.2.55.
    pub(crate) fn write(self, w: &mut Writer) {
        w.u16(self.node); // usPreferredNode
        w.u8(self.delete.into()); // fDelete
    }

    /// [MS-SCMR] 2.2.55.
    pub(crate) fn read(r: &mut Reader<'_>) -> Result<Self> {
        Ok(Self { node: r.u16()?, delete: r.u8()? != 0 }) // usPreferredNode, fDelete
    }
}

impl FailureActionsInfo {
    /// [MS-SCMR] 2.2.40.
    fn write(&self, w: &mut Writer) {
        let actions = self.actions.as_deref();
        w.u32(self.reset_period); // dwResetPeriod
        w.pointer(self.reboot_message.is_some()); // lpRebootMsg
        w.pointer(self.command.is_some()); // lpCommand
        w.count(actions.map_or(0, <[_]>::len)); // cActions
        w.pointer(actions.is_some()); // lpsaActions
        for text in [&self.reboot_message, &self.command].into_iter().flatten() {
            w.string(text);
        }
        if let Some(actions) = actions {
            w.count(actions.len());
            for action in actions {
                write_action(w, action);
            }
        }
    }

    /// [MS-SCMR] 2.2.40.
    fn read(r: &mut Reader<'_>) -> Result<Self> {
        let reset_period = r.u32()?; // dwResetPeriod
        let (message, command) = (r.pointer()?, r.pointer()?); // lpRebootMsg, lpCommand
        let count = r.bounded("cActions", MAX_ACTIONS)?; // cActions
        let actions = r.pointer()?; // lpsaActions
        let reboot_message = when(message, || r.string("lpRebootMsg", MAX_TEXT))?;
        let command = when(command, || r.string("lpCommand", MAX_TEXT))?;
        let actions = when(actions, || {
            if r.u32()? != count {
                return Err(DecodeError::Invalid { what: "cActions" });
            }
            (0..count).map(|_| read_action(r)).collect()
        })?;
        Ok(Self { reset_period, reboot_message, command, actions })
    }
}

/// `SC_ACTION` ([MS-SCMR] 2.2.19).
pub(crate) fn write_action(w: &mut Writer, action: &FailureAction) {
    w.u32(action.kind.0); // Type
    w.u32(millis::to_u32(action.delay)); // Delay
}

/// `SC_ACTION` ([MS-SCMR] 2.2.19).
pub(crate) fn read_action(r: &mut Reader<'_>) -> Result<FailureAction> {
    let kind = r.u32()?.into(); // Type
    let delay = std::time::Duration::from_millis(r.u32()?.into()); // Delay
    Ok(FailureAction { kind, delay })
}

/// `SERVICE_RPC_REQUIRED_PRIVILEGES_INFO` ([MS-SCMR] 2.2.48).
fn read_privileges(r: &mut Reader<'_>) -> Result<Option<Vec<u8>>> {
    let what = "cbRequiredPrivileges";
    let size = r.bounded(what, MAX_PRIVILEGES)?; // cbRequiredPrivileges
    if !r.pointer()? {
        return Ok(None);
    }
    let list = r.conformant_bytes(what, MAX_PRIVILEGES)?; // pRequiredPrivileges
    if list.len() != size as usize {
        return Err(DecodeError::Invalid { what });
    }
    Ok(Some(list.to_vec()))
}

pub(super) fn when<T>(present: bool, read: impl FnOnce() -> Result<T>) -> Result<Option<T>> {
    if present { read().map(Some) } else { Ok(None) }
}
