//! Stubs as calls.

use svckit_core::config::Config2Level;

use super::{Call, MAX_NAME_BUFFER};
use crate::ndr::{DecodeError, Reader, Result, Text};
use crate::ops::status::read_status;
use crate::ops::{
    ChangeServiceConfig, ConfigInfo, ControlParams, CreateService, Handle, MAX_4K, MAX_8K, MAX_256K,
    MAX_ARGUMENTS, MAX_TEXT, NotifyParams, Opnum, read_number, read_text,
};

impl Call {
    /// Reads a stub; `None` if the operation is not known here ([MS-SCMR] 3.1.4, the `[in]` parameters in order).
    pub fn decode(opnum: Opnum, stub: &[u8]) -> Result<Option<Self>> {
        let mut reader = Reader::new(stub);
        let wide = opnum.wide();
        if wide.is_some() {
            reader = reader.with_text(Text::Ansi);
        }
        let Some(call) = Self::read(wide.unwrap_or(opnum), &mut reader)? else { return Ok(None) };
        reader.finish()?;
        Ok(Some(if wide.is_some() { Self::Ansi(Box::new(call)) } else { call }))
    }

    fn read(opnum: Opnum, r: &mut Reader<'_>) -> Result<Option<Self>> {
        let handle = match opnum {
            Opnum::OPEN_SC_MANAGER => return read_open_manager(r).map(Some),
            Opnum::NOTIFY_BOOT_CONFIG_STATUS => {
                let machine = read_text(r, "lpMachineName")?;
                return Ok(Some(Self::NotifyBootConfigStatus { machine, acceptable: r.u32()? }));
            }
            Opnum::CREATE_SERVICE => {
                return Ok(Some(Self::CreateService(Box::new(CreateService::read(r)?))));
            }
            Opnum::CHANGE_SERVICE_CONFIG => {
                return Ok(Some(Self::ChangeServiceConfig(Box::new(ChangeServiceConfig::read(r)?))));
            }
            Opnum::CREATE_SERVICE_WOW64 => {
                return Ok(Some(Self::CreateServiceWow64(Box::new(CreateService::read(r)?))));
            }
            Opnum::CREATE_WOW_SERVICE => {
                return Ok(Some(Self::CreateWowService(Box::new(CreateService::read(r)?), r.u16()?)));
            }
            Opnum::OPEN_SC_MANAGER2 => {
                let database = read_text(r, "lpDatabaseName")?;
                return Ok(Some(Self::OpenScManager2 { database, access: r.u32()?.into() }));
            }
            opnum if opnum.name().is_none() => return Ok(None),
            _ => Handle::read(r)?,
        };
        Ok(Some(match opnum {
            Opnum::CLOSE_SERVICE_HANDLE => Self::CloseServiceHandle { handle },
            Opnum::CONTROL_SERVICE => Self::ControlService { service: handle, control: r.u32()?.into() },
            Opnum::DELETE_SERVICE => Self::DeleteService { service: handle },
            Opnum::LOCK_SERVICE_DATABASE => Self::LockServiceDatabase { manager: handle },
            Opnum::UNLOCK_SERVICE_DATABASE => Self::UnlockServiceDatabase { lock: handle },
            Opnum::QUERY_SERVICE_STATUS => Self::QueryServiceStatus { service: handle },
            Opnum::SET_SERVICE_STATUS => Self::SetServiceStatus { service: handle, status: read_status(r)? },
            Opnum::SET_SERVICE_OBJECT_SECURITY => read_security(r, handle)?,
            Opnum::START_SERVICE => Self::StartService { service: handle, arguments: read_arguments(r)? },
            Opnum::CHANGE_SERVICE_CONFIG2 => {
                Self::ChangeServiceConfig2 { service: handle, info: read_info(r)? }
            }
            Opnum::NOTIFY_SERVICE_STATUS_CHANGE => {
                Self::NotifyServiceStatusChange { service: handle, params: read_notify(r)? }
            }
            Opnum::GET_NOTIFY_RESULTS => Self::GetNotifyResults { notify: handle },
            Opnum::CLOSE_NOTIFY_HANDLE => Self::CloseNotifyHandle { notify: handle },
            Opnum::CONTROL_SERVICE_EX => Self::ControlServiceEx {
                service: handle,
                control: r.u32()?.into(),
                params: ControlParams::read(r)?,
            },
            Opnum::QUERY_SERVICE_CONFIG_EX => {
                Self::QueryServiceConfigEx { service: handle, level: Config2Level(r.u32()?) }
            }
            Opnum::OPEN_SERVICE => {
                let name = r.string("lpServiceName", MAX_TEXT)?;
                Self::OpenService { manager: handle, name, access: r.u32()?.into() }
            }
            Opnum::GET_SERVICE_DISPLAY_NAME => {
                let name = r.string("lpServiceName", MAX_TEXT)?;
                Self::GetServiceDisplayName { manager: handle, name, size: name_buffer(r)? }
            }
            Opnum::GET_SERVICE_KEY_NAME => {
                let display_name = r.string("lpDisplayName", MAX_TEXT)?;
                Self::GetServiceKeyName { manager: handle, display_name, size: name_buffer(r)? }
            }
            opnum => return Self::read_query(opnum, handle, r),
        }))
    }

    /// The calls with an output buffer.
    fn read_query(opnum: Opnum, handle: Handle, r: &mut Reader<'_>) -> Result<Option<Self>> {
        Ok(Some(match opnum {
            Opnum::ENUM_DEPENDENT_SERVICES => Self::EnumDependentServices {
                service: handle,
                states: r.u32()?.into(),
                size: size(r, MAX_256K)?,
            },
            Opnum::ENUM_SERVICES_STATUS => Self::EnumServicesStatus {
                manager: handle,
                types: r.u32()?.into(),
                states: r.u32()?.into(),
                size: size(r, MAX_256K)?,
                resume: read_number(r)?,
            },
            Opnum::ENUM_SERVICE_GROUP => Self::EnumServiceGroup {
                manager: handle,
                types: r.u32()?.into(),
                states: r.u32()?.into(),
                size: size(r, MAX_256K)?,
                resume: read_number(r)?,
                group: read_text(r, "pszGroupName")?,
            },
            Opnum::QUERY_SERVICE_OBJECT_SECURITY => Self::QueryServiceObjectSecurity {
                object: handle,
                parts: r.u32()?.into(),
                size: size(r, MAX_256K)?,
            },
            Opnum::QUERY_SERVICE_LOCK_STATUS => {
                Self::QueryServiceLockStatus { manager: handle, size: size(r, MAX_4K)? }
            }
            Opnum::QUERY_SERVICE_CONFIG => {
                Self::QueryServiceConfig { service: handle, size: size(r, MAX_8K)? }
            }
            Opnum::QUERY_SERVICE_CONFIG2 => Self::QueryServiceConfig2 {
                service: handle,
                level: Config2Level(r.u32()?),
                size: size(r, MAX_8K)?,
            },
            Opnum::QUERY_SERVICE_STATUS_EX => {
                Self::QueryServiceStatusEx { service: handle, level: r.u32()?, size: size(r, MAX_8K)? }
            }
            Opnum::ENUM_SERVICES_STATUS_EX => Self::EnumServicesStatusEx {
                manager: handle,
                level: r.u32()?,
                types: r.u32()?.into(),
                states: r.u32()?.into(),
                size: size(r, MAX_256K)?,
                resume: read_number(r)?,
                group: read_text(r, "pszGroupName")?,
            },
            _ => return Ok(None),
        }))
    }
}

/// `cbBufSize`.
fn size(r: &mut Reader<'_>, limit: u32) -> Result<u32> {
    r.bounded("cbBufSize", limit)
}

/// `lpcchBuffer`; more than can be used is as good as the most that can.
fn name_buffer(r: &mut Reader<'_>) -> Result<u32> {
    Ok(r.u32()?.min(MAX_NAME_BUFFER))
}

/// `ROpenSCManagerW` ([MS-SCMR] 3.1.4.15).
fn read_open_manager(r: &mut Reader<'_>) -> Result<Call> {
    Ok(Call::OpenScManager {
        machine: read_text(r, "lpMachineName")?,
        database: read_text(r, "lpDatabaseName")?,
        access: r.u32()?.into(),
    })
}

/// `RSetServiceObjectSecurity` ([MS-SCMR] 3.1.4.6). A descriptor has no limit of its own there; here it is that of the answer to the query.
fn read_security(r: &mut Reader<'_>, object: Handle) -> Result<Call> {
    let parts = r.u32()?.into(); // dwSecurityInformation
    let descriptor = r.conformant_bytes("lpSecurityDescriptor", MAX_256K)?.to_vec();
    match r.u32()? as usize == descriptor.len() {
        true => Ok(Call::SetServiceObjectSecurity { object, parts, descriptor }),
        false => Err(DecodeError::Invalid { what: "cbBufSize" }),
    }
}

/// `argc` and `argv` of `RStartServiceW` ([MS-SCMR] 3.1.4.19).
fn read_arguments(r: &mut Reader<'_>) -> Result<Vec<String>> {
    let count = r.bounded("argc", MAX_ARGUMENTS)?; // argc
    if !r.pointer()? {
        return if count == 0 { Ok(Vec::new()) } else { Err(DecodeError::Invalid { what: "argv" }) };
    }
    if r.u32()? != count {
        return Err(DecodeError::Invalid { what: "argc" });
    }
    let present = (0..count).map(|_| r.pointer()).collect::<Result<Vec<_>>>()?; // StringPtr
    present
        .into_iter()
        .map(|present| if present { r.string("StringPtr", MAX_TEXT) } else { Ok(String::new()) })
        .collect()
}

/// `Info` of `RChangeServiceConfig2W` ([MS-SCMR] 3.1.4.35), the last parameter: a level that isn't known is refused by its number, not as bad data.
fn read_info(r: &mut Reader<'_>) -> Result<ConfigInfo> {
    let info = ConfigInfo::read(r)?;
    if matches!(info, ConfigInfo::Other(_)) {
        r.take(r.remaining())?;
    }
    Ok(info)
}

/// `NotifyParams` and `pClientProcessGuid` of `RNotifyServiceStatusChange` ([MS-SCMR] 3.1.4.43).
fn read_notify(r: &mut Reader<'_>) -> Result<NotifyParams> {
    let head = NotifyParams::read_head(r)?;
    let params = NotifyParams::read_body(r, head)?;
    if params.is_known() {
        r.align(4);
        r.take(16)?; // pClientProcessGuid
    } else {
        r.take(r.remaining())?;
    }
    Ok(params)
}
