//! Calls as stubs.

use super::Call;
use crate::ndr::{Text, Writer};
use crate::ops::status::write_status;
use crate::ops::{Handle, write_number, write_text};

impl Call {
    /// The stub ([MS-SCMR] 3.1.4, the `[in]` parameters in order).
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = match self {
            Self::Ansi(_) => Writer::new().with_text(Text::Ansi),
            _ => Writer::new(),
        };
        self.write(&mut writer);
        writer.into_bytes()
    }

    fn write(&self, w: &mut Writer) {
        match self {
            Self::Ansi(call) => call.write(w),
            Self::SetServiceStatus { service, status } => {
                service.write(w);
                write_status(w, status);
            }
            Self::EnumServiceGroup { manager, types, states, size, resume, group } => {
                numbers(w, manager, &[types.0, states.0, *size]);
                write_number(w, *resume);
                write_text(w, group.as_deref());
            }
            Self::CreateServiceWow64(create) => create.write(w),
            Self::CreateWowService(create, architecture) => {
                create.write(w);
                w.u16(*architecture); // dwServiceWowType
            }
            Self::OpenScManager2 { database, access } => {
                write_text(w, database.as_deref());
                w.u32(access.0);
            }
            Self::CloseServiceHandle { handle }
            | Self::LockServiceDatabase { manager: handle }
            | Self::UnlockServiceDatabase { lock: handle } => handle.write(w),
            Self::NotifyBootConfigStatus { machine, acceptable } => {
                write_text(w, machine.as_deref());
                w.u32(*acceptable);
            }
            Self::DeleteService { service } | Self::QueryServiceStatus { service } => service.write(w),
            Self::GetNotifyResults { notify } | Self::CloseNotifyHandle { notify } => notify.write(w),
            Self::QueryServiceObjectSecurity { object, parts, size } => numbers(w, object, &[parts.0, *size]),
            Self::SetServiceObjectSecurity { object, parts, descriptor } => {
                numbers(w, object, &[parts.0]);
                w.conformant_bytes(descriptor);
                w.count(descriptor.len()); // cbBufSize
            }
            Self::ControlService { service, control } => numbers(w, service, &[control.0]),
            Self::ChangeServiceConfig(change) => change.write(w),
            Self::CreateService(create) => create.write(w),
            Self::EnumDependentServices { service, states, size } => numbers(w, service, &[states.0, *size]),
            Self::EnumServicesStatus { manager, types, states, size, resume } => {
                numbers(w, manager, &[types.0, states.0, *size]);
                write_number(w, *resume);
            }
            Self::OpenScManager { machine, database, access } => {
                write_text(w, machine.as_deref());
                write_text(w, database.as_deref());
                w.u32(access.0);
            }
            Self::OpenService { manager, name, access } => named(w, manager, name, access.0),
            Self::QueryServiceConfig { service: handle, size }
            | Self::QueryServiceLockStatus { manager: handle, size } => numbers(w, handle, &[*size]),
            Self::StartService { service, arguments } => write_start(w, service, arguments),
            Self::GetServiceDisplayName { manager, name, size } => named(w, manager, name, *size),
            Self::GetServiceKeyName { manager, display_name, size } => named(w, manager, display_name, *size),
            Self::ChangeServiceConfig2 { service, info } => {
                service.write(w);
                info.write(w);
            }
            Self::QueryServiceConfig2 { service, level, size } => numbers(w, service, &[level.0, *size]),
            Self::QueryServiceConfigEx { service, level } => numbers(w, service, &[level.0]),
            Self::ControlServiceEx { service, control, params } => {
                numbers(w, service, &[control.0]);
                params.write(w);
            }
            Self::QueryServiceStatusEx { service, level, size } => numbers(w, service, &[*level, *size]),
            Self::EnumServicesStatusEx { manager, level, types, states, size, resume, group } => {
                numbers(w, manager, &[*level, types.0, states.0, *size]);
                write_number(w, *resume);
                write_text(w, group.as_deref());
            }
            Self::NotifyServiceStatusChange { service, params } => {
                service.write(w);
                params.write_head(w);
                params.write_body(w);
                w.align(4);
                w.raw(&[0; 16]); // pClientProcessGuid
            }
        }
    }
}

/// A handle and numbers after it.
fn numbers(w: &mut Writer, handle: &Handle, numbers: &[u32]) {
    handle.write(w);
    for number in numbers {
        w.u32(*number);
    }
}

/// A handle, a name and a number.
fn named(w: &mut Writer, handle: &Handle, name: &str, number: u32) {
    handle.write(w);
    w.string(name);
    w.u32(number);
}

/// `RStartServiceW` ([MS-SCMR] 3.1.4.19), with `STRING_PTRSW` (2.2.51).
fn write_start(w: &mut Writer, service: &Handle, arguments: &[String]) {
    service.write(w); // hService
    w.count(arguments.len()); // argc
    if arguments.is_empty() {
        w.pointer(false); // argv
        return;
    }
    w.pointer(true); // argv
    w.count(arguments.len());
    for _ in arguments {
        w.pointer(true); // StringPtr
    }
    for argument in arguments {
        w.string(argument);
    }
}
