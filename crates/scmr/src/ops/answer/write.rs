//! Answers as stubs.

use super::Answer;
use crate::ndr::{Text, Writer};
use crate::ops::reason::write_out;
use crate::ops::status::write_status;
use crate::ops::{NotifyParams, write_number};

impl Answer {
    /// The stub ([MS-SCMR] 3.1.4, the `[out]` parameters in order, then the code).
    pub fn encode(&self) -> Vec<u8> {
        let mut writer = Writer::with_capacity(256 + self.buffer().map_or(0, <[u8]>::len));
        if matches!(self, Self::Ansi(_)) {
            writer = writer.with_text(Text::Ansi);
        }
        self.write(&mut writer);
        writer.into_bytes()
    }

    fn write(&self, w: &mut Writer) {
        match self {
            Self::Ansi(answer) => return answer.write(w),
            Self::CloseServiceHandle { handle, .. }
            | Self::LockServiceDatabase { lock: handle, .. }
            | Self::UnlockServiceDatabase { lock: handle, .. }
            | Self::OpenScManager { manager: handle, .. }
            | Self::OpenScManager2 { manager: handle, .. }
            | Self::OpenService { service: handle, .. } => handle.write(w),
            Self::ControlService { status, .. } | Self::QueryServiceStatus { status, .. } => {
                write_status(w, status);
            }
            Self::SetServiceObjectSecurity { .. }
            | Self::SetServiceStatus { .. }
            | Self::NotifyBootConfigStatus { .. }
            | Self::DeleteService { .. }
            | Self::StartService { .. }
            | Self::ChangeServiceConfig2 { .. } => {}
            Self::ChangeServiceConfig { tag, .. } => write_number(w, *tag),
            Self::CreateService { tag, service, .. }
            | Self::CreateServiceWow64 { tag, service, .. }
            | Self::CreateWowService { tag, service, .. } => {
                write_number(w, *tag);
                service.write(w);
            }
            Self::EnumDependentServices { buffer, needed, returned, .. } => {
                w.conformant_bytes(buffer);
                w.u32(*needed);
                w.u32(*returned);
            }
            Self::EnumServicesStatus { buffer, needed, returned, resume, .. }
            | Self::EnumServicesStatusEx { buffer, needed, returned, resume, .. }
            | Self::EnumServiceGroup { buffer, needed, returned, resume, .. } => {
                w.conformant_bytes(buffer);
                w.u32(*needed);
                w.u32(*returned);
                write_number(w, *resume);
            }
            Self::QueryServiceConfig { config, needed, .. } => {
                config.write(w);
                w.u32(*needed);
            }
            Self::QueryServiceLockStatus { status, needed, .. } => {
                status.write(w);
                w.u32(*needed);
            }
            Self::GetServiceDisplayName { name, size, .. } | Self::GetServiceKeyName { name, size, .. } => {
                w.string_in(name, *size as usize + 1);
                w.u32(*size);
            }
            Self::QueryServiceConfig2 { buffer, needed, .. }
            | Self::QueryServiceObjectSecurity { buffer, needed, .. }
            | Self::QueryServiceStatusEx { buffer, needed, .. } => {
                w.conformant_bytes(buffer);
                w.u32(*needed);
            }
            Self::NotifyServiceStatusChange { notify, .. } => {
                w.raw(&[0; 16]); // pSCMProcessGuid
                w.u32(0); // pfCreateRemoteQueue
                notify.write(w);
            }
            Self::GetNotifyResults { results, .. } => write_notifications(w, results.as_deref()),
            Self::CloseNotifyHandle { notify, fired, .. } => {
                notify.write(w);
                w.u32((*fired).into());
            }
            Self::QueryServiceConfigEx { info, .. } => info.write(w),
            Self::ControlServiceEx { level, status, .. } => write_out(w, *level, status.as_ref()),
        }
        w.u32(self.code().0);
    }
}

/// `SC_RPC_NOTIFY_PARAMS_LIST` ([MS-SCMR] 2.2.24): a conformant structure, so its conformance comes first.
fn write_notifications(w: &mut Writer, results: Option<&[NotifyParams]>) {
    w.pointer(results.is_some());
    let Some(results) = results else { return };
    w.count(results.len());
    w.count(results.len()); // cElements
    results.iter().for_each(|result| result.write_head(w)); // NotifyParamsArray
    results.iter().for_each(|result| result.write_body(w));
}
