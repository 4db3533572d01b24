#![allow(unsafe_code)]

use std::ffi::OsStr;
use std::io;
use std::os::windows::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

use svckit_core::native::{EventId, Level};
use windows_sys::Win32::Foundation::{ERROR_FILE_NOT_FOUND, ERROR_SUCCESS, HANDLE};
use windows_sys::Win32::System::EventLog::{
    DeregisterEventSource, EVENTLOG_ERROR_TYPE, EVENTLOG_INFORMATION_TYPE, EVENTLOG_WARNING_TYPE,
    RegisterEventSourceW, ReportEventW,
};
use windows_sys::Win32::System::Registry::{
    HKEY, HKEY_LOCAL_MACHINE, KEY_SET_VALUE, REG_DWORD, REG_EXPAND_SZ, REG_OPTION_NON_VOLATILE, RegCloseKey,
    RegCreateKeyExW, RegDeleteTreeW, RegSetValueExW,
};

use super::SOURCE;

/// Where the sources of the log `Application` are described.
const SOURCES: &str = r"SYSTEM\CurrentControlSet\Services\EventLog\Application";

/// The kinds of events that may come: errors, warnings and information.
const TYPES_SUPPORTED: u32 = (EVENTLOG_ERROR_TYPE | EVENTLOG_WARNING_TYPE | EVENTLOG_INFORMATION_TYPE) as u32;

/// The longest sentence that is reported; the system refuses strings beyond 31,839 characters.
const LONGEST: usize = 31_000;

/// Describes the source: the event viewer finds the texts in `message_file`, an executable of svckit. Needs an administrator.
pub fn register(message_file: &Path) -> io::Result<()> {
    let key = Key::create(&format!(r"{SOURCES}\{SOURCE}"))?;
    let path: Vec<u8> = wide(message_file.as_os_str()).into_iter().flat_map(u16::to_le_bytes).collect();
    key.set("EventMessageFile", REG_EXPAND_SZ, &path)?;
    key.set("TypesSupported", REG_DWORD, &TYPES_SUPPORTED.to_le_bytes())
}

/// Takes the description of the source away. That there is none is no error.
pub fn unregister() -> io::Result<()> {
    let path = wide(format!(r"{SOURCES}\{SOURCE}"));
    // SAFETY: the path is a string that ends with NUL and lives during the call.
    match unsafe { RegDeleteTreeW(HKEY_LOCAL_MACHINE, path.as_ptr()) } {
        ERROR_SUCCESS | ERROR_FILE_NOT_FOUND => Ok(()),
        code => Err(io::Error::from_raw_os_error(code.cast_signed())),
    }
}

/// The event log, open for reports under the source of hosts.
#[derive(Debug)]
pub struct EventLog {
    /// INVARIANT: open until this is dropped.
    handle: HANDLE,
}

// SAFETY: a handle of an event log is no memory of a thread; the system takes it from any thread.
unsafe impl Send for EventLog {}

impl EventLog {
    /// Opens the log. A source that was never registered works too; the viewer then lacks its texts.
    pub fn open() -> io::Result<Self> {
        let source = wide(SOURCE);
        // SAFETY: the name is a string that ends with NUL and lives during the call; no server means this machine.
        let handle = unsafe { RegisterEventSourceW(ptr::null(), source.as_ptr()) };
        if handle.is_null() { Err(io::Error::last_os_error()) } else { Ok(Self { handle }) }
    }

    /// Reports what happened to a service in one sentence.
    pub fn report(&self, level: Level, id: EventId, service: &str, message: &str) -> io::Result<()> {
        let kind = match level {
            Level::Error => EVENTLOG_ERROR_TYPE,
            Level::Warning => EVENTLOG_WARNING_TYPE,
            Level::Information => EVENTLOG_INFORMATION_TYPE,
        };
        let message: String = message.chars().take(LONGEST / 2).collect();
        let strings = [wide(service), wide(message)];
        let pointers = strings.each_ref().map(|string| string.as_ptr());
        // SAFETY: the handle is open by the invariant; both strings end with NUL and live during the call, and their number is that of the
        // pointers; there is no account and no raw data.
        let done = unsafe {
            ReportEventW(self.handle, kind, 0, id.0, ptr::null_mut(), 2, 0, pointers.as_ptr(), ptr::null())
        };
        if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
    }
}

impl Drop for EventLog {
    fn drop(&mut self) {
        // SAFETY: the handle is open by the invariant, and nobody can use it after this.
        unsafe { DeregisterEventSource(self.handle) };
    }
}

struct Key {
    /// INVARIANT: open until this is dropped.
    handle: HKEY,
}

impl Key {
    fn create(path: &str) -> io::Result<Self> {
        let path = wide(path);
        let mut handle = ptr::null_mut();
        // SAFETY: the path is a string that ends with NUL and lives during the call; the system writes one handle; the other pointers may be null.
        let code = unsafe {
            RegCreateKeyExW(
                HKEY_LOCAL_MACHINE,
                path.as_ptr(),
                0,
                ptr::null(),
                REG_OPTION_NON_VOLATILE,
                KEY_SET_VALUE,
                ptr::null(),
                &raw mut handle,
                ptr::null_mut(),
            )
        };
        match code {
            ERROR_SUCCESS => Ok(Self { handle }),
            code => Err(io::Error::from_raw_os_error(code.cast_signed())),
        }
    }

    fn set(&self, name: &str, kind: u32, data: &[u8]) -> io::Result<()> {
        let name = wide(name);
        let length = u32::try_from(data.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        // SAFETY: the handle is open by the invariant; the name ends with NUL; `length` bytes can be read from `data`.
        let code = unsafe { RegSetValueExW(self.handle, name.as_ptr(), 0, kind, data.as_ptr(), length) };
        match code {
            ERROR_SUCCESS => Ok(()),
            code => Err(io::Error::from_raw_os_error(code.cast_signed())),
        }
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        // SAFETY: the handle is open by the invariant, and nobody can use it after this.
        unsafe { RegCloseKey(self.handle) };
    }
}

fn wide(text: impl AsRef<OsStr>) -> Vec<u16> {
    text.as_ref().encode_wide().chain([0]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registered_source_reports_and_goes() {
        register(Path::new(r"C:\svckit\svc.exe")).unwrap();
        let log = EventLog::open().unwrap();
        log.report(Level::Warning, EventId::PROGRAM_DIED, "shop", "shop died; it runs again after 5 s").unwrap();
        log.report(Level::Information, EventId::PROGRAM_STARTED, "shop", &"long ".repeat(20_000)).unwrap();
        unregister().unwrap();
        unregister().unwrap();
    }
}
