use std::time::Duration;

use svckit_core::millis;
use svckit_core::status::ServiceStatus;

use crate::ndr::{Reader, Result, Writer};

/// The size of `SERVICE_STATUS`.
pub(crate) const STATUS: usize = 28;
/// The size of `SERVICE_STATUS_PROCESS`.
pub(crate) const STATUS_PROCESS: usize = 36;

/// `SERVICE_STATUS` ([MS-SCMR] 2.2.47).
pub(crate) fn write_status(w: &mut Writer, status: &ServiceStatus) {
    w.u32(status.service_type.0); // dwServiceType
    w.u32(status.state.0); // dwCurrentState
    w.u32(status.controls_accepted.0); // dwControlsAccepted
    w.u32(status.win32_exit_code.0); // dwWin32ExitCode
    w.u32(status.service_exit_code); // dwServiceSpecificExitCode
    w.u32(status.checkpoint); // dwCheckPoint
    w.u32(millis::to_u32(status.wait_hint)); // dwWaitHint
}

/// `SERVICE_STATUS` ([MS-SCMR] 2.2.47): process and flags are not in it.
pub(crate) fn read_status(r: &mut Reader<'_>) -> Result<ServiceStatus> {
    Ok(ServiceStatus {
        service_type: r.u32()?.into(),                         // dwServiceType
        state: r.u32()?.into(),                                // dwCurrentState
        controls_accepted: r.u32()?.into(),                    // dwControlsAccepted
        win32_exit_code: r.u32()?.into(),                      // dwWin32ExitCode
        service_exit_code: r.u32()?,                           // dwServiceSpecificExitCode
        checkpoint: r.u32()?,                                  // dwCheckPoint
        wait_hint: Duration::from_millis(u64::from(r.u32()?)), // dwWaitHint
        pid: 0,
        flags: 0,
    })
}

/// `SERVICE_STATUS_PROCESS` ([MS-SCMR] 2.2.49).
pub(crate) fn write_status_process(w: &mut Writer, status: &ServiceStatus) {
    write_status(w, status);
    w.u32(status.pid); // dwProcessId
    w.u32(status.flags); // dwServiceFlags
}

/// `SERVICE_STATUS_PROCESS` ([MS-SCMR] 2.2.49).
pub(crate) fn read_status_process(r: &mut Reader<'_>) -> Result<ServiceStatus> {
    let status = read_status(r)?;
    Ok(ServiceStatus { pid: r.u32()?, flags: r.u32()?, ..status }) // dwProcessId, dwServiceFlags
}
