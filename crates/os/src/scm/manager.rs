#![allow(unsafe_code)]

use std::ptr;
use std::sync::mpsc::channel;
use std::thread;
use std::time::Duration;

use svckit_core::Win32Error;
use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::config::NewService;
use svckit_core::kind::ServiceType;
use svckit_core::name::Dependency;
use svckit_core::security::SecurityInformation;
use svckit_core::status::{ServiceStatus, StateFilter};
use windows_sys::Win32::System::Services::{
    CloseServiceHandle, CreateServiceW, ENUM_SERVICE_STATUS_PROCESSW, EnumServicesStatusExW,
    GetServiceDisplayNameW, GetServiceKeyNameW, OpenSCManagerW, OpenServiceW, SC_ENUM_PROCESS_INFO,
    SC_HANDLE,
};

use super::privilege::{AUDIT, Privilege};
use super::service::{Service, status};
use super::set::Watch;
use super::text::{Buffer, read, wide, wide_list, wide_secret};
use super::{check, last_error};

/// The first buffer of an enumeration; Windows takes at most 256 KiB.
const FIRST_BUFFER: u32 = 64 * 1024;
const LARGEST_BUFFER: u32 = 256 * 1024;

/// A name has at most so many UTF-16 units; one more ends it.
const NAME_UNITS: u32 = 256;

/// The privilege for audit lists, if one is to be read or set.
fn audit(is_wanted: bool) -> Result<Option<Privilege>, Win32Error> {
    is_wanted.then(|| Privilege::enable(AUDIT)).transpose()
}

/// A handle of the service control manager or a service.
#[derive(Debug)]
pub(super) struct Handle {
    /// INVARIANT: open until this is dropped, and nobody else closes it.
    raw: SC_HANDLE,
}

impl Handle {
    /// Takes possession of what a call returned that gives null when it failed.
    pub(super) fn take(raw: SC_HANDLE) -> Result<Self, Win32Error> {
        if raw.is_null() { Err(last_error()) } else { Ok(Self { raw }) }
    }

    pub(super) fn raw(&self) -> SC_HANDLE {
        self.raw
    }
}

// SAFETY: such a handle belongs to the process, not to a thread, and its functions may be called by any.
unsafe impl Send for Handle {}

impl Drop for Handle {
    fn drop(&mut self) {
        // SAFETY: the handle is open by the invariant, and nobody can use it after this.
        unsafe { CloseServiceHandle(self.raw) };
    }
}

/// The service control manager, open with certain rights.
#[derive(Debug)]
pub struct Manager {
    handle: Handle,
}

/// A service that an enumeration found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Found {
    /// Key name.
    pub name: String,
    /// Display name.
    pub display_name: String,
    /// Status.
    pub status: ServiceStatus,
}

impl Manager {
    /// Opens that of this machine, or of another (`\\HOST`). The right to the audit list takes a privilege, which is turned on for this call.
    pub fn open(machine: Option<&str>, access: ManagerAccess) -> Result<Self, Win32Error> {
        let _privilege = audit(access.contains(ManagerAccess::ACCESS_SYSTEM_SECURITY))?;
        let machine = machine.map(wide);
        let machine = machine.as_ref().map_or(ptr::null(), Vec::as_ptr);
        // SAFETY: the name is null or ends with NUL and lives during the call; without a database it is the active one.
        let raw = unsafe { OpenSCManagerW(machine, ptr::null(), access.0) };
        Ok(Self { handle: Handle::take(raw)? })
    }

    /// The same, with a limit: on another machine Windows may look for somebody who answers for most of a minute. `None` when the time is over; the call is left to itself.
    pub fn open_within(
        machine: Option<&str>,
        access: ManagerAccess,
        limit: Duration,
    ) -> Result<Option<Self>, Win32Error> {
        let machine = machine.map(str::to_owned);
        let (sender, opened) = channel();
        let asking = thread::Builder::new().name("open".to_owned()).spawn(move || {
            // Nobody waits any more where the time is over, and then the handle is closed here.
            let _ = sender.send(Self::open(machine.as_deref(), access));
        });
        asking.map_err(|error| crate::errno::win32(&error))?;
        opened.recv_timeout(limit).ok().transpose()
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

    /// Opens a service. The right to the audit list takes a privilege, which is turned on for this call.
    pub fn open_service(&self, name: &str, access: ServiceAccess) -> Result<Service, Win32Error> {
        let _privilege = audit(access.contains(ServiceAccess::ACCESS_SYSTEM_SECURITY))?;
        let wide = wide(name);
        // SAFETY: the handle is open; the name ends with NUL and lives during the call.
        let raw = unsafe { OpenServiceW(self.handle.raw(), wide.as_ptr(), access.0) };
        Ok(Service::new(Handle::take(raw)?))
    }

    /// Creates a service. The tag is that of the new service, zero without one.
    pub fn create_service(
        &self,
        new: &NewService,
        access: ServiceAccess,
    ) -> Result<(Service, u32), Win32Error> {
        let _privilege = audit(access.contains(ServiceAccess::ACCESS_SYSTEM_SECURITY))?;
        let config = &new.config;
        let (name, display_name) = (wide(new.name.as_str()), wide(config.display_name.as_str()));
        let image_path = wide(config.image_path.as_str());
        let group = config.load_order_group.as_ref().map(|group| wide(group.as_str()));
        let dependencies: Vec<String> = config.dependencies.iter().map(Dependency::to_string).collect();
        let dependencies = wide_list(dependencies.iter().map(String::as_str));
        let account = config.account.as_deref().map(wide);
        let password = new.password.as_ref().map(wide_secret);
        let mut tag = 0;
        // SAFETY: the handle is open; every pointer is null or leads to a string that ends with NUL (the dependencies with two) and lives during the call; the tag is
        // written only if it is asked for.
        let raw = unsafe {
            CreateServiceW(
                self.handle.raw(),
                name.as_ptr(),
                display_name.as_ptr(),
                access.0,
                config.service_type.0,
                config.start_type.0,
                config.error_control.0,
                image_path.as_ptr(),
                group.as_ref().map_or(ptr::null(), Vec::as_ptr),
                if new.want_tag { &raw mut tag } else { ptr::null_mut() },
                dependencies.as_ptr(),
                account.as_ref().map_or(ptr::null(), Vec::as_ptr),
                password.as_ref().map_or(ptr::null(), |password| password.as_ptr()),
            )
        };
        Ok((Service::new(Handle::take(raw)?), tag))
    }

    /// The services of some types in some states; an empty group means services in no group.
    pub fn enumerate(
        &self,
        types: ServiceType,
        states: StateFilter,
        group: Option<&str>,
    ) -> Result<Vec<Found>, Win32Error> {
        let group = group.map(wide);
        let group = group.as_ref().map_or(ptr::null(), Vec::as_ptr);
        let (mut found, mut resume) = (Vec::new(), 0);
        let mut buffer = Buffer::new(FIRST_BUFFER);
        loop {
            let (mut needed, mut returned, before) = (0, 0, resume);
            // SAFETY: the handle is open; the buffer has the length that is said; the numbers are written where told; the group is null or ends with NUL.
            let done = unsafe {
                EnumServicesStatusExW(
                    self.handle.raw(),
                    SC_ENUM_PROCESS_INFO,
                    types.0,
                    states.0,
                    buffer.as_mut_ptr(),
                    buffer.len(),
                    &raw mut needed,
                    &raw mut returned,
                    &raw mut resume,
                    group,
                )
            };
            let outcome = check(done);
            if !matches!(outcome, Ok(()) | Err(Win32Error::MORE_DATA)) {
                return Err(outcome.err().unwrap_or(Win32Error::GEN_FAILURE));
            }
            for index in 0..returned as usize {
                // SAFETY: the system filled so many structures from the aligned start of the buffer on, and their strings point into it.
                unsafe {
                    let entry = &*buffer.as_ptr().cast::<ENUM_SERVICE_STATUS_PROCESSW>().add(index);
                    found.push(Found {
                        name: read(entry.lpServiceName).unwrap_or_default(),
                        display_name: read(entry.lpDisplayName).unwrap_or_default(),
                        status: status(&entry.ServiceStatusProcess),
                    });
                }
            }
            if outcome.is_ok() {
                return Ok(found);
            }
            if returned == 0 || resume == before {
                // Windows gives what has room and goes on from there. Others give all or nothing, and then the largest that Windows takes may be too small.
                let next = needed.max(LARGEST_BUFFER);
                if next <= buffer.len() {
                    return Err(Win32Error::MORE_DATA);
                }
                buffer = Buffer::new(next);
            }
        }
    }

    /// The display name of a service.
    pub fn display_name(&self, name: &str) -> Result<String, Win32Error> {
        // SAFETY: the function asks for what `look_up` gives: an open handle, a string, a buffer and its length in units.
        self.look_up(name, |handle, name, buffer, length| unsafe {
            GetServiceDisplayNameW(handle, name, buffer, length)
        })
    }

    /// The key name of the service with a display name.
    pub fn key_name(&self, display_name: &str) -> Result<String, Win32Error> {
        // SAFETY: as above.
        self.look_up(display_name, |handle, name, buffer, length| unsafe {
            GetServiceKeyNameW(handle, name, buffer, length)
        })
    }

    /// Begins to wait for services that are created or deleted. This handle does nothing else afterwards.
    pub fn into_watch(self) -> Result<Watch, Win32Error> {
        Watch::new(self.handle)
    }

    /// The same, where the registry of this machine knows nothing of it.
    pub fn into_told_watch(self) -> Result<Watch, Win32Error> {
        Watch::told(self.handle)
    }

    fn look_up(
        &self,
        name: &str,
        ask: impl Fn(SC_HANDLE, *const u16, *mut u16, *mut u32) -> i32,
    ) -> Result<String, Win32Error> {
        let name = wide(name);
        let mut found = vec![0u16; NAME_UNITS as usize + 1];
        let mut length = NAME_UNITS + 1;
        check(ask(self.handle.raw(), name.as_ptr(), found.as_mut_ptr(), &raw mut length))?;
        let end = found.iter().position(|unit| *unit == 0).unwrap_or(found.len());
        Ok(String::from_utf16_lossy(found.get(..end).unwrap_or_default()))
    }
}
