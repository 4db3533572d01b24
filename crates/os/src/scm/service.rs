#![allow(unsafe_code)]

use std::cell::RefCell;
use std::ptr;
use std::time::Duration;

use svckit_core::Win32Error;
use svckit_core::backend::Notification;
use svckit_core::config::ConfigChange;
use svckit_core::control::{Control, ControlsAccepted};
use svckit_core::name::Dependency;
use svckit_core::reason::StopReason;
use svckit_core::security::SecurityInformation;
use svckit_core::status::{NotifyMask, ServiceStatus, StateFilter};
use windows_sys::Win32::System::Services::{
    ChangeServiceConfigW, ControlService, ControlServiceExW, DeleteService, ENUM_SERVICE_STATUSW,
    EnumDependentServicesW, QUERY_SERVICE_CONFIGW, QueryServiceConfigW, QueryServiceStatusEx, SC_HANDLE,
    SC_STATUS_PROCESS_INFO, SERVICE_CONTROL_STATUS_REASON_INFO, SERVICE_CONTROL_STATUS_REASON_PARAMSW,
    SERVICE_CONTROL_STOP, SERVICE_NO_CHANGE, SERVICE_STATUS, SERVICE_STATUS_PROCESS, StartServiceW,
};

use super::check;
use super::manager::{Found, Handle};
use super::text::{Buffer, read, read_list, wide, wide_list, wide_secret};
use super::wait::Registration;

/// The first buffer for what has no fixed size; the system takes at most 8 KiB for a configuration and 256 KiB for a list.
const FIRST_BUFFER: u32 = 8 * 1024;

/// A service, open with certain rights.
#[derive(Debug)]
pub struct Service {
    handle: Handle,
    /// The wait that was begun and not yet answered.
    registration: RefCell<Option<Registration>>,
}

/// The basic configuration as the system keeps it, whatever it holds.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct RawConfig {
    /// `dwServiceType`.
    pub service_type: u32,
    /// `dwStartType`.
    pub start_type: u32,
    /// `dwErrorControl`.
    pub error_control: u32,
    /// `lpBinaryPathName`.
    pub image_path: Option<String>,
    /// `lpLoadOrderGroup`.
    pub load_order_group: Option<String>,
    /// `dwTagId`.
    pub tag: u32,
    /// `lpDependencies`.
    pub dependencies: Vec<String>,
    /// `lpServiceStartName`.
    pub account: Option<String>,
    /// `lpDisplayName`.
    pub display_name: Option<String>,
}

impl Service {
    pub(super) fn into_handle(self) -> Handle {
        self.handle
    }

    pub(super) fn new(handle: Handle) -> Self {
        Self { handle, registration: RefCell::new(None) }
    }

    pub(super) fn raw(&self) -> SC_HANDLE {
        self.handle.raw()
    }

    /// Parts of the security descriptor, in the self-relative form.
    pub fn security(&self, parts: SecurityInformation) -> Result<Vec<u8>, Win32Error> {
        self.handle.security(parts)
    }

    /// Sets parts of the security descriptor to those of one in the self-relative form.
    pub fn set_security(&self, parts: SecurityInformation, form: &[u8]) -> Result<(), Win32Error> {
        self.handle.set_security(parts, form)
    }

    /// Marks the service for deletion.
    pub fn delete(&self) -> Result<(), Win32Error> {
        // SAFETY: the handle is open.
        check(unsafe { DeleteService(self.raw()) })
    }

    /// Starts the service; the arguments are those after its name.
    pub fn start(&self, arguments: &[String]) -> Result<(), Win32Error> {
        let arguments: Vec<Vec<u16>> = arguments.iter().map(wide).collect();
        let pointers: Vec<*const u16> = arguments.iter().map(|argument| argument.as_ptr()).collect();
        let count = u32::try_from(pointers.len()).map_err(|_| Win32Error::INVALID_PARAMETER)?;
        let pointers = if pointers.is_empty() { ptr::null() } else { pointers.as_ptr() };
        // SAFETY: the handle is open; there are so many pointers to strings that end with NUL, and all of it lives during the call.
        check(unsafe { StartServiceW(self.raw(), count, pointers) })
    }

    /// Sends a control, and returns the status with which the service answered.
    pub fn control(&self, control: Control) -> Result<ServiceStatus, Win32Error> {
        let mut answer = SERVICE_STATUS::default();
        // SAFETY: the handle is open; the status is written where told.
        check(unsafe { ControlService(self.raw(), control.0, &raw mut answer) })?;
        Ok(without_process(&answer))
    }

    /// Stops it, and tells why.
    pub fn stop(&self, reason: &StopReason) -> Result<ServiceStatus, Win32Error> {
        let mut comment = reason.comment.as_deref().map(wide);
        let mut params = SERVICE_CONTROL_STATUS_REASON_PARAMSW {
            dwReason: reason.code,
            pszComment: comment.as_mut().map_or(ptr::null_mut(), |text| text.as_mut_ptr()),
            ..Default::default()
        };
        // SAFETY: the handle is open; the structure is that of the level, and its text ends with NUL and lives as long as the call.
        check(unsafe {
            ControlServiceExW(
                self.raw(),
                SERVICE_CONTROL_STOP,
                SERVICE_CONTROL_STATUS_REASON_INFO,
                (&raw mut params).cast(),
            )
        })?;
        Ok(status(&params.ServiceStatus))
    }

    /// The status.
    pub fn status(&self) -> Result<ServiceStatus, Win32Error> {
        let mut answer = SERVICE_STATUS_PROCESS::default();
        let size = u32::try_from(size_of::<SERVICE_STATUS_PROCESS>()).unwrap_or(0);
        let mut needed = 0;
        // SAFETY: the handle is open; the structure has the size that is said; the number is written where told.
        check(unsafe {
            QueryServiceStatusEx(
                self.raw(),
                SC_STATUS_PROCESS_INFO,
                (&raw mut answer).cast(),
                size,
                &raw mut needed,
            )
        })?;
        Ok(status(&answer))
    }

    /// The basic configuration.
    pub fn config(&self) -> Result<RawConfig, Win32Error> {
        let mut buffer = Buffer::new(FIRST_BUFFER);
        loop {
            let mut needed = 0;
            // SAFETY: the handle is open; the buffer has the length that is said; the number is written where told.
            let done = unsafe {
                QueryServiceConfigW(self.raw(), buffer.as_mut_ptr().cast(), buffer.len(), &raw mut needed)
            };
            match check(done) {
                Ok(()) => break,
                Err(Win32Error::INSUFFICIENT_BUFFER) if needed > buffer.len() => buffer = Buffer::new(needed),
                Err(code) => return Err(code),
            }
        }
        // SAFETY: the system filled the structure at the aligned start of the buffer, and its strings and the list point into it.
        unsafe {
            let config = &*buffer.as_ptr().cast::<QUERY_SERVICE_CONFIGW>();
            Ok(RawConfig {
                service_type: config.dwServiceType,
                start_type: config.dwStartType,
                error_control: config.dwErrorControl,
                image_path: read(config.lpBinaryPathName),
                load_order_group: read(config.lpLoadOrderGroup),
                tag: config.dwTagId,
                dependencies: read_list(config.lpDependencies),
                account: read(config.lpServiceStartName),
                display_name: read(config.lpDisplayName),
            })
        }
    }

    /// Changes the basic configuration; what is absent stays. The tag is the new one if one was wanted, else zero.
    pub fn change_config(&self, change: &ConfigChange) -> Result<u32, Win32Error> {
        let image_path = change.image_path.as_ref().map(|path| wide(path.as_str()));
        let group = change.load_order_group.as_ref();
        let group = group.map(|group| wide(group.as_ref().map_or("", |group| group.as_str())));
        let dependencies = change.dependencies.as_ref().map(|list| {
            let list: Vec<String> = list.iter().map(Dependency::to_string).collect();
            wide_list(list.iter().map(String::as_str))
        });
        let account = change.account.as_deref().map(wide);
        let password = change.password.as_ref().map(wide_secret);
        let display_name = change.display_name.as_ref().map(|name| wide(name.as_str()));
        let text = |text: &Option<Vec<u16>>| text.as_ref().map_or(ptr::null(), |text| text.as_ptr());
        let mut tag = 0;
        // SAFETY: the handle is open; every pointer is null, which leaves things as they are, or leads to a string that ends with NUL (the dependencies with two) and
        // lives during the call; the tag is written only if it is asked for.
        check(unsafe {
            ChangeServiceConfigW(
                self.raw(),
                change.service_type.map_or(SERVICE_NO_CHANGE, |kind| kind.0),
                change.start_type.map_or(SERVICE_NO_CHANGE, |kind| kind.0),
                change.error_control.map_or(SERVICE_NO_CHANGE, |kind| kind.0),
                text(&image_path),
                text(&group),
                if change.want_tag { &raw mut tag } else { ptr::null_mut() },
                text(&dependencies),
                text(&account),
                password.as_ref().map_or(ptr::null(), |password| password.as_ptr()),
                text(&display_name),
            )
        })?;
        Ok(tag)
    }

    /// Those that depend on the service, in the order in which they have to be stopped.
    pub fn dependents(&self, states: StateFilter) -> Result<Vec<Found>, Win32Error> {
        let mut buffer = Buffer::new(FIRST_BUFFER);
        let returned = loop {
            let (mut needed, mut returned) = (0, 0);
            // SAFETY: the handle is open; the buffer has the length that is said; the numbers are written where told.
            let done = unsafe {
                EnumDependentServicesW(
                    self.raw(),
                    states.0,
                    buffer.as_mut_ptr().cast(),
                    buffer.len(),
                    &raw mut needed,
                    &raw mut returned,
                )
            };
            match check(done) {
                Ok(()) => break returned,
                Err(Win32Error::MORE_DATA) if needed > buffer.len() => buffer = Buffer::new(needed),
                Err(code) => return Err(code),
            }
        };
        let entry = |index| {
            // SAFETY: the system filled `returned` structures from the aligned start of the buffer on, and their strings point into it.
            unsafe {
                let entry = &*buffer.as_ptr().cast::<ENUM_SERVICE_STATUSW>().add(index);
                Found {
                    name: read(entry.lpServiceName).unwrap_or_default(),
                    display_name: read(entry.lpDisplayName).unwrap_or_default(),
                    status: without_process(&entry.ServiceStatus),
                }
            }
        };
        Ok((0..returned as usize).map(entry).collect())
    }

    /// Waits until the service is in one of the states; `None` when the time is over. What was told before is not told again.
    ///
    /// A wait that was given up goes on, and the next with the same mask takes what it brings. `again` opens the service for the wait, since a handle tells its
    /// waits from those of others.
    pub fn wait(
        &self,
        mask: NotifyMask,
        limit: Duration,
        again: impl FnOnce() -> Result<Self, Win32Error>,
    ) -> Result<Option<Notification>, Win32Error> {
        let mut kept = self.registration.borrow_mut();
        let registration = match kept.take() {
            Some(registration) if registration.mask() == mask || registration.is_idle() => registration,
            _ => Registration::new(again()?.handle),
        };
        let outcome = kept.insert(registration).wait(mask, limit);
        if outcome.is_err() {
            *kept = None;
        }
        Ok(outcome?.map(|news| news.notification))
    }
}

/// The status in the system's structure.
pub(super) fn status(raw: &SERVICE_STATUS_PROCESS) -> ServiceStatus {
    ServiceStatus {
        service_type: raw.dwServiceType.into(),
        state: raw.dwCurrentState.into(),
        controls_accepted: ControlsAccepted(raw.dwControlsAccepted),
        win32_exit_code: Win32Error(raw.dwWin32ExitCode),
        service_exit_code: raw.dwServiceSpecificExitCode,
        checkpoint: raw.dwCheckPoint,
        wait_hint: Duration::from_millis(raw.dwWaitHint.into()),
        pid: raw.dwProcessId,
        flags: raw.dwServiceFlags,
    }
}

/// The same in the older structure, which doesn't tell the process.
fn without_process(raw: &SERVICE_STATUS) -> ServiceStatus {
    status(&SERVICE_STATUS_PROCESS {
        dwServiceType: raw.dwServiceType,
        dwCurrentState: raw.dwCurrentState,
        dwControlsAccepted: raw.dwControlsAccepted,
        dwWin32ExitCode: raw.dwWin32ExitCode,
        dwServiceSpecificExitCode: raw.dwServiceSpecificExitCode,
        dwCheckPoint: raw.dwCheckPoint,
        dwWaitHint: raw.dwWaitHint,
        dwProcessId: 0,
        dwServiceFlags: 0,
    })
}
