use svckit_core::Win32Error;
use svckit_core::kind::ServiceType;
use svckit_core::status::{NotifyMask, ServiceStatus};

use super::status::{read_status_process, write_status_process};
use crate::ndr::{DecodeError, Reader, Result, Writer};

/// The longest list of names in characters ([MS-SCMR] 2.2.44 `pszServiceNames`).
const MAX_NAMES: u32 = 64 * 1024;

/// `SC_RPC_NOTIFY_PARAMS` ([MS-SCMR] 2.2.23) with what it points to: `SERVICE_NOTIFY_STATUS_CHANGE_PARAMS_2` (2.2.44), or at level 1
/// `SERVICE_NOTIFY_STATUS_CHANGE_PARAMS_1` (2.2.43). What the specification calls unused is not kept, and sent as zeros.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NotifyParams {
    /// `dwInfoLevel`; another than 1 and 2 carries nothing else.
    pub level: u32,
    /// `dwNotifyMask`.
    pub mask: NotifyMask,
    /// `ServiceStatus`.
    pub status: ServiceStatus,
    /// `dwNotificationStatus`.
    pub notification_status: Win32Error,
    /// `dwNotificationTriggered`; level 2 only.
    pub triggered: NotifyMask,
    /// `pszServiceNames`: names of services created (with `/` before them) or deleted; level 2 only.
    pub names: Option<String>,
}

impl NotifyParams {
    /// The level of `SERVICE_NOTIFY_STATUS_CHANGE`.
    pub const LEVEL: u32 = 2;

    /// A request to be told of these events.
    pub fn request(mask: NotifyMask) -> Self {
        Self {
            level: Self::LEVEL,
            mask,
            status: ServiceStatus::stopped(ServiceType::empty(), Win32Error::SUCCESS),
            notification_status: Win32Error::SUCCESS,
            triggered: NotifyMask::empty(),
            names: None,
        }
    }

    /// Whether the level is one of those that the specification has.
    pub fn is_known(&self) -> bool {
        Self::has_body(self.level)
    }

    fn has_body(level: u32) -> bool {
        matches!(level, 1 | 2)
    }

    /// The structure without what it points to ([MS-SCMR] 2.2.23).
    pub(crate) fn write_head(&self, w: &mut Writer) {
        w.u32(self.level); // dwInfoLevel
        w.u32(self.level); // the tag of the union
        w.pointer(Self::has_body(self.level)); // pStatusChangeParam1 or pStatusChangeParams
    }

    /// What the structure points to ([MS-SCMR] 2.2.43, 2.2.44).
    pub(crate) fn write_body(&self, w: &mut Writer) {
        if !Self::has_body(self.level) {
            return;
        }
        w.u64(0); // ullThreadId
        w.u32(self.mask.0); // dwNotifyMask
        w.raw(&[0; 16]); // CallbackAddressArray
        w.raw(&[0; 16]); // CallbackParamAddressArray
        write_status_process(w, &self.status); // ServiceStatus
        w.u32(self.notification_status.0); // dwNotificationStatus
        w.u32(0); // dwSequence
        if self.level == Self::LEVEL {
            w.u32(self.triggered.0); // dwNotificationTriggered
            w.optional(self.names.as_deref(), Writer::string); // pszServiceNames
        }
    }

    /// Level and whether a body follows ([MS-SCMR] 2.2.23).
    pub(crate) fn read_head(r: &mut Reader<'_>) -> Result<(u32, bool)> {
        let level = r.u32()?; // dwInfoLevel
        if r.u32()? != level {
            return Err(DecodeError::Invalid { what: "the tag of SC_RPC_NOTIFY_PARAMS" });
        }
        Ok((level, r.pointer()?)) // pStatusChangeParam1 or pStatusChangeParams
    }

    /// What the structure points to ([MS-SCMR] 2.2.43, 2.2.44).
    pub(crate) fn read_body(r: &mut Reader<'_>, (level, present): (u32, bool)) -> Result<Self> {
        let nothing = Self { level, ..Self::request(NotifyMask::empty()) };
        if !Self::has_body(level) {
            return Ok(nothing);
        }
        if !present {
            return Err(DecodeError::Invalid { what: "pStatusChangeParams" });
        }
        r.u64()?; // ullThreadId
        let mask = r.u32()?.into(); // dwNotifyMask
        r.take(32)?; // CallbackAddressArray, CallbackParamAddressArray
        let status = read_status_process(r)?; // ServiceStatus
        let notification_status = r.u32()?.into(); // dwNotificationStatus
        r.u32()?; // dwSequence
        let mut params = Self { mask, status, notification_status, ..nothing };
        if level == Self::LEVEL {
            params.triggered = r.u32()?.into(); // dwNotificationTriggered
            if r.pointer()? {
                params.names = Some(r.string("pszServiceNames", MAX_NAMES)?); // pszServiceNames
            }
        }
        Ok(params)
    }
}
