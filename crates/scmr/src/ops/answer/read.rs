//! Stubs as answers.

use svckit_core::Win32Error;

use super::Answer;
use crate::ndr::{DecodeError, Reader, Result, Text};
use crate::ops::call::MAX_NAME_BUFFER;
use crate::ops::reason::read_out;
use crate::ops::status::read_status;
use crate::ops::{
    ConfigInfo, ConfigRecord, Handle, LockRecord, MAX_8K, MAX_256K, NotifyParams, Opnum, read_number,
};

/// The largest number of notifications in one answer ([MS-SCMR] 2.2.24 `cElements`).
const MAX_NOTIFICATIONS: u32 = 4 * 1024;

impl Answer {
    /// Reads a stub; `None` if the operation is not known here ([MS-SCMR] 3.1.4, the `[out]` parameters in order, then the code).
    pub fn decode(opnum: Opnum, stub: &[u8]) -> Result<Option<Self>> {
        let mut reader = Reader::lossy(stub);
        let wide = opnum.wide();
        if wide.is_some() {
            reader = reader.with_text(Text::Ansi);
        }
        let Some(answer) = Self::read(wide.unwrap_or(opnum), &mut reader)? else { return Ok(None) };
        reader.finish()?;
        Ok(Some(if wide.is_some() { Self::Ansi(Box::new(answer)) } else { answer }))
    }

    fn read(opnum: Opnum, r: &mut Reader<'_>) -> Result<Option<Self>> {
        Ok(Some(match opnum {
            Opnum::CLOSE_SERVICE_HANDLE => {
                Self::CloseServiceHandle { handle: Handle::read(r)?, code: code(r)? }
            }
            Opnum::CONTROL_SERVICE => Self::ControlService { status: read_status(r)?, code: code(r)? },
            Opnum::DELETE_SERVICE => Self::DeleteService { code: code(r)? },
            Opnum::LOCK_SERVICE_DATABASE => {
                Self::LockServiceDatabase { lock: Handle::read(r)?, code: code(r)? }
            }
            Opnum::UNLOCK_SERVICE_DATABASE => {
                Self::UnlockServiceDatabase { lock: Handle::read(r)?, code: code(r)? }
            }
            Opnum::NOTIFY_BOOT_CONFIG_STATUS => Self::NotifyBootConfigStatus { code: code(r)? },
            Opnum::QUERY_SERVICE_STATUS => {
                Self::QueryServiceStatus { status: read_status(r)?, code: code(r)? }
            }
            Opnum::CHANGE_SERVICE_CONFIG => {
                Self::ChangeServiceConfig { tag: read_number(r)?, code: code(r)? }
            }
            Opnum::CREATE_SERVICE => {
                Self::CreateService { tag: read_number(r)?, service: Handle::read(r)?, code: code(r)? }
            }
            Opnum::OPEN_SC_MANAGER => Self::OpenScManager { manager: Handle::read(r)?, code: code(r)? },
            Opnum::OPEN_SERVICE => Self::OpenService { service: Handle::read(r)?, code: code(r)? },
            Opnum::SET_SERVICE_STATUS => Self::SetServiceStatus { code: code(r)? },
            Opnum::CREATE_SERVICE_WOW64 => {
                Self::CreateServiceWow64 { tag: read_number(r)?, service: Handle::read(r)?, code: code(r)? }
            }
            Opnum::CREATE_WOW_SERVICE => {
                Self::CreateWowService { tag: read_number(r)?, service: Handle::read(r)?, code: code(r)? }
            }
            Opnum::OPEN_SC_MANAGER2 => Self::OpenScManager2 { manager: Handle::read(r)?, code: code(r)? },
            Opnum::SET_SERVICE_OBJECT_SECURITY => Self::SetServiceObjectSecurity { code: code(r)? },
            Opnum::START_SERVICE => Self::StartService { code: code(r)? },
            Opnum::GET_SERVICE_DISPLAY_NAME => {
                let (name, size) = read_name(r)?;
                Self::GetServiceDisplayName { name, size, code: code(r)? }
            }
            Opnum::GET_SERVICE_KEY_NAME => {
                let (name, size) = read_name(r)?;
                Self::GetServiceKeyName { name, size, code: code(r)? }
            }
            Opnum::CHANGE_SERVICE_CONFIG2 => Self::ChangeServiceConfig2 { code: code(r)? },
            Opnum::NOTIFY_SERVICE_STATUS_CHANGE => {
                r.take(16)?; // pSCMProcessGuid
                r.u32()?; // pfCreateRemoteQueue
                Self::NotifyServiceStatusChange { notify: Handle::read(r)?, code: code(r)? }
            }
            Opnum::GET_NOTIFY_RESULTS => {
                Self::GetNotifyResults { results: read_notifications(r)?, code: code(r)? }
            }
            Opnum::CLOSE_NOTIFY_HANDLE => {
                Self::CloseNotifyHandle { notify: Handle::read(r)?, fired: r.u32()? != 0, code: code(r)? }
            }
            Opnum::CONTROL_SERVICE_EX => {
                let (level, status) = read_out(r)?;
                Self::ControlServiceEx { level, status, code: code(r)? }
            }
            Opnum::QUERY_SERVICE_CONFIG_EX => {
                Self::QueryServiceConfigEx { info: ConfigInfo::read(r)?, code: code(r)? }
            }
            opnum => return Self::read_query(opnum, r),
        }))
    }

    /// The answers with an output buffer.
    fn read_query(opnum: Opnum, r: &mut Reader<'_>) -> Result<Option<Self>> {
        Ok(Some(match opnum {
            Opnum::ENUM_DEPENDENT_SERVICES => Self::EnumDependentServices {
                buffer: r.conformant_bytes("lpServices", MAX_256K)?.to_vec(),
                needed: r.u32()?,
                returned: r.u32()?,
                code: code(r)?,
            },
            Opnum::ENUM_SERVICES_STATUS => Self::EnumServicesStatus {
                buffer: r.conformant_bytes("lpBuffer", MAX_256K)?.to_vec(),
                needed: r.u32()?,
                returned: r.u32()?,
                resume: read_number(r)?,
                code: code(r)?,
            },
            Opnum::ENUM_SERVICE_GROUP => Self::EnumServiceGroup {
                buffer: r.conformant_bytes("lpBuffer", MAX_256K)?.to_vec(),
                needed: r.u32()?,
                returned: r.u32()?,
                resume: read_number(r)?,
                code: code(r)?,
            },
            Opnum::ENUM_SERVICES_STATUS_EX => Self::EnumServicesStatusEx {
                buffer: r.conformant_bytes("lpBuffer", MAX_256K)?.to_vec(),
                needed: r.u32()?,
                returned: r.u32()?,
                resume: read_number(r)?,
                code: code(r)?,
            },
            Opnum::QUERY_SERVICE_LOCK_STATUS => Self::QueryServiceLockStatus {
                status: LockRecord::read(r)?,
                needed: r.u32()?,
                code: code(r)?,
            },
            Opnum::QUERY_SERVICE_CONFIG => Self::QueryServiceConfig {
                config: Box::new(ConfigRecord::read(r)?),
                needed: r.u32()?,
                code: code(r)?,
            },
            Opnum::QUERY_SERVICE_OBJECT_SECURITY => Self::QueryServiceObjectSecurity {
                buffer: r.conformant_bytes("lpSecurityDescriptor", MAX_256K)?.to_vec(),
                needed: r.u32()?,
                code: code(r)?,
            },
            Opnum::QUERY_SERVICE_CONFIG2 => Self::QueryServiceConfig2 {
                buffer: r.conformant_bytes("lpBuffer", MAX_8K)?.to_vec(),
                needed: r.u32()?,
                code: code(r)?,
            },
            Opnum::QUERY_SERVICE_STATUS_EX => Self::QueryServiceStatusEx {
                buffer: r.conformant_bytes("lpBuffer", MAX_8K)?.to_vec(),
                needed: r.u32()?,
                code: code(r)?,
            },
            _ => return Ok(None),
        }))
    }
}

/// The code that every call returns at last.
fn code(r: &mut Reader<'_>) -> Result<Win32Error> {
    r.u32().map(Win32Error)
}

/// The name and `lpcchBuffer` ([MS-SCMR] 3.1.4.20, 3.1.4.21).
fn read_name(r: &mut Reader<'_>) -> Result<(String, u32)> {
    Ok((r.string("lpDisplayName", MAX_NAME_BUFFER + 1)?, r.u32()?))
}

/// `SC_RPC_NOTIFY_PARAMS_LIST` ([MS-SCMR] 2.2.24).
fn read_notifications(r: &mut Reader<'_>) -> Result<Option<Vec<NotifyParams>>> {
    if !r.pointer()? {
        return Ok(None);
    }
    let count = r.bounded("cElements", MAX_NOTIFICATIONS)?;
    if r.u32()? != count {
        return Err(DecodeError::Invalid { what: "cElements" });
    }
    let heads = (0..count).map(|_| NotifyParams::read_head(r)).collect::<Result<Vec<_>>>()?;
    heads.into_iter().map(|head| NotifyParams::read_body(r, head)).collect::<Result<_>>().map(Some)
}
