use std::time::Duration;

use svckit_core::Win32Error;
use svckit_core::config::{Config2, Config2Level};
use svckit_core::failure::{FailureActions, ResetPeriod};
use svckit_core::millis;

use super::Filled;
use crate::ndr::{DecodeError, Reader, Result, Text, Writer, wide};
use crate::ops::config2::{PreferredNodeInfo, read_action, write_action};
use crate::ops::multi;

/// The size of `SERVICE_FAILURE_ACTIONS_WOW64`.
const FAILURE_ACTIONS: usize = 20;
/// The size of `SC_ACTION`.
const ACTION: usize = 8;

/// The answer to `RQueryServiceConfig2W` ([MS-SCMR] 3.1.4.37); `ERROR_INVALID_LEVEL` for triggers, which only `RQueryServiceConfigEx` tells.
pub fn query_service_config2(config: &Config2, size: u32, text: Text) -> Result<Filled, Win32Error> {
    let mut w = Writer::new().with_text(text);
    match config {
        Config2::Description(text) => write_description(&mut w, text.as_deref()),
        Config2::FailureActions(actions) => write_failure_actions(&mut w, actions),
        Config2::DelayedAutoStart(on) => w.u32((*on).into()), // fDelayedAutostart
        Config2::FailureActionsFlag(on) => w.u32((*on).into()), // fFailureActionsOnNonCrashFailures
        Config2::Sid(kind) => w.u32(kind.0),                  // dwServiceSidType
        Config2::RequiredPrivileges(names) => write_privileges(&mut w, names),
        Config2::PreshutdownTimeout(timeout) => w.u32(millis::to_u32(*timeout)), // dwPreshutdownTimeout
        Config2::PreferredNode(node) => {
            PreferredNodeInfo::from(*node).write(&mut w);
            w.align(4); // the size of the structure
        }
        Config2::LaunchProtected(kind) => w.u32(kind.0), // dwLaunchProtected
        Config2::Triggers(_) => return Err(Win32Error::INVALID_LEVEL),
    }
    Ok(Filled::whole(w.into_bytes(), size))
}

/// The configuration in the answer to `RQueryServiceConfig2W` ([MS-SCMR] 3.1.4.37); `None` if the level is not known here.
pub fn read_config2(level: Config2Level, buffer: &[u8]) -> Result<Option<Config2>> {
    let r = &mut Reader::lossy(buffer);
    Ok(Some(match level {
        Config2Level::DESCRIPTION => {
            let text = text_at(buffer, r.u32()?)?; // dwDescriptionOffset
            Config2::Description(Some(text).filter(|text| !text.is_empty()))
        }
        Config2Level::FAILURE_ACTIONS => Config2::FailureActions(read_failure_actions(buffer)?),
        Config2Level::DELAYED_AUTO_START => Config2::DelayedAutoStart(r.u32()? != 0),
        Config2Level::FAILURE_ACTIONS_FLAG => Config2::FailureActionsFlag(r.u32()? != 0),
        Config2Level::SID_INFO => Config2::Sid(r.u32()?.into()),
        Config2Level::REQUIRED_PRIVILEGES => {
            let list = at(buffer, r.u32()?)?; // dwRequiredPrivilegesOffset
            let list = list.unwrap_or_default();
            let even = &list[..list.len() & !1];
            let names = multi::decode(even).map_err(|_| DecodeError::Invalid { what: "the privileges" })?;
            Config2::RequiredPrivileges(names)
        }
        Config2Level::PRESHUTDOWN => Config2::PreshutdownTimeout(Duration::from_millis(u64::from(r.u32()?))),
        Config2Level::PREFERRED_NODE => Config2::PreferredNode(PreferredNodeInfo::read(r)?.into()),
        Config2Level::LAUNCH_PROTECTED => Config2::LaunchProtected(r.u32()?.into()), // dwLaunchProtected
        _ => return Ok(None),
    }))
}

/// `SERVICE_DESCRIPTION_WOW64` ([MS-SCMR] 2.2.36).
fn write_description(w: &mut Writer, text: Option<&str>) {
    w.u32(if text.is_some() { 4 } else { 0 }); // dwDescriptionOffset
    if let Some(text) = text {
        w.characters(text);
    }
}

/// `SERVICE_FAILURE_ACTIONS_WOW64` ([MS-SCMR] 2.2.37).
fn write_failure_actions(w: &mut Writer, all: &FailureActions) {
    let mut offset = FAILURE_ACTIONS + all.actions.len() * ACTION;
    w.u32(all.reset_period.to_wire()); // dwResetPeriod
    for text in [&all.reboot_message, &all.command] {
        w.count(if text.is_empty() { 0 } else { offset }); // dwRebootMsgOffset, dwCommandOffset
        if !text.is_empty() {
            offset += w.text().size(text);
        }
    }
    w.count(all.actions.len()); // cActions
    w.count(if all.actions.is_empty() { 0 } else { FAILURE_ACTIONS }); // dwsaActionsOffset
    for action in &all.actions {
        write_action(w, action);
    }
    for text in [&all.reboot_message, &all.command] {
        if !text.is_empty() {
            w.characters(text);
        }
    }
}

/// `SERVICE_FAILURE_ACTIONS_WOW64` ([MS-SCMR] 2.2.37).
fn read_failure_actions(buffer: &[u8]) -> Result<FailureActions> {
    let mut r = Reader::lossy(buffer);
    let reset_period = ResetPeriod::from_wire(r.u32()?); // dwResetPeriod
    let reboot_message = text_at(buffer, r.u32()?)?; // dwRebootMsgOffset
    let command = text_at(buffer, r.u32()?)?; // dwCommandOffset
    let count = r.bounded("cActions", 1024)?; // cActions
    let list = at(buffer, r.u32()?)?.unwrap_or_default(); // dwsaActionsOffset
    let mut actions = Reader::lossy(list);
    let actions = (0..count).map(|_| read_action(&mut actions)).collect::<Result<_>>()?;
    Ok(FailureActions { reset_period, reboot_message, command, actions })
}

/// `SERVICE_REQUIRED_PRIVILEGES_INFO_WOW64` ([MS-SCMR] 2.2.38).
fn write_privileges(w: &mut Writer, names: &[String]) {
    w.u32(if names.is_empty() { 0 } else { 4 }); // dwRequiredPrivilegesOffset
    if !names.is_empty() {
        w.raw(&multi::encode(names));
    }
}

/// What is at an offset; nothing at a null one.
fn at(buffer: &[u8], offset: u32) -> Result<Option<&[u8]>> {
    if offset == 0 {
        return Ok(None);
    }
    buffer.get(offset as usize..).map(Some).ok_or(DecodeError::Invalid { what: "an offset" })
}

fn text_at(buffer: &[u8], offset: u32) -> Result<String> {
    let bytes = at(buffer, offset)?.unwrap_or_default();
    Ok(wide::lossy(wide::until_terminator(bytes)))
}
