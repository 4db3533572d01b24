//! A control with a reason: `RControlServiceExW` ([MS-SCMR] 3.1.4.47).

use svckit_core::reason::StopReason;
use svckit_core::status::ServiceStatus;

use super::read_text;
use super::status::{read_status_process, write_status_process};
use crate::ndr::{DecodeError, Reader, Result, Writer};

/// `SERVICE_CONTROL_STATUS_REASON_INFO`, the only level there is.
const REASON_INFO: u32 = 1;

/// `SC_RPC_SERVICE_CONTROL_IN_PARAMSW` ([MS-SCMR] 2.2.28) with its level.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum ControlParams {
    /// Level 1, `psrInParams`: `SERVICE_CONTROL_STATUS_REASON_IN_PARAMSW` (2.2.31), absent for a null pointer.
    Reason(Option<StopReason>),
    /// A level that is not known here: what it carried is not read.
    Other(u32),
}

impl ControlParams {
    /// `dwInfoLevel`.
    pub fn level(&self) -> u32 {
        match self {
            Self::Reason(_) => REASON_INFO,
            Self::Other(level) => *level,
        }
    }

    /// The level, and again as the tag of the union.
    pub(super) fn write(&self, w: &mut Writer) {
        w.u32(self.level()); // dwInfoLevel
        w.u32(self.level()); // the tag of the union
        match self {
            Self::Reason(reason) => w.optional(reason.as_ref(), |w, reason| {
                w.u32(reason.code); // dwReason
                w.optional(reason.comment.as_deref(), Writer::string); // pszComment
            }),
            Self::Other(_) => {}
        }
    }

    /// The last parameters of the call: what a level carries that isn't known here is passed over.
    pub(super) fn read(r: &mut Reader<'_>) -> Result<Self> {
        let level = r.u32()?; // dwInfoLevel
        if r.u32()? != level {
            return Err(DecodeError::Invalid { what: "the tag of SC_RPC_SERVICE_CONTROL_IN_PARAMSW" });
        }
        if level != REASON_INFO {
            r.take(r.remaining())?;
            return Ok(Self::Other(level));
        }
        if !r.pointer()? {
            return Ok(Self::Reason(None));
        }
        let code = r.u32()?; // dwReason
        let comment = read_text(r, "pszComment")?; // pszComment
        Ok(Self::Reason(Some(StopReason { code, comment })))
    }
}

/// `SC_RPC_SERVICE_CONTROL_OUT_PARAMSW` ([MS-SCMR] 2.2.29), with `SERVICE_CONTROL_STATUS_REASON_OUT_PARAMS` (2.2.32).
pub(super) fn write_out(w: &mut Writer, level: u32, status: Option<&ServiceStatus>) {
    w.u32(level); // the tag of the union
    if level == REASON_INFO {
        w.optional(status, write_status_process); // psrOutParams: ServiceStatus
    }
}

/// `SC_RPC_SERVICE_CONTROL_OUT_PARAMSW` ([MS-SCMR] 2.2.29).
pub(super) fn read_out(r: &mut Reader<'_>) -> Result<(u32, Option<ServiceStatus>)> {
    let level = r.u32()?; // the tag of the union
    let present = level == REASON_INFO && r.pointer()?;
    let status = if present { Some(read_status_process(r)?) } else { None };
    Ok((level, status))
}
