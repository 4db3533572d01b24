#![allow(unsafe_code)]

use std::io;
use std::path::Path;
use std::ptr;

use svckit_core::native::{EventId, Level};
use windows_sys::Win32::Foundation::HANDLE;
use windows_sys::Win32::System::EventLog::{
    DeregisterEventSource, EVENTLOG_ERROR_TYPE, EVENTLOG_INFORMATION_TYPE, EVENTLOG_WARNING_TYPE,
    RegisterEventSourceW, ReportEventW,
};

use super::SOURCE;
use crate::registry::{Key, delete_tree};
use crate::text::wide;

/// Where the sources of the log `Application` are described.
const SOURCES: &str = r"SYSTEM\CurrentControlSet\Services\EventLog\Application";

/// The kinds of events that may come: errors, warnings and information.
const TYPES_SUPPORTED: u32 = (EVENTLOG_ERROR_TYPE | EVENTLOG_WARNING_TYPE | EVENTLOG_INFORMATION_TYPE) as u32;

/// The longest sentence that is reported; the system refuses strings beyond 31,839 characters.
const LONGEST: usize = 31_000;

/// Describes the source: the event viewer finds the texts in `message_file`, an executable of svckit. Needs an administrator.
pub fn register(message_file: &Path) -> io::Result<()> {
    let key = Key::create(&format!(r"{SOURCES}\{SOURCE}"))?;
    key.set_expanded("EventMessageFile", message_file)?;
    key.set_number("TypesSupported", TYPES_SUPPORTED)
}

/// Takes the description of the source away. That there is none is no error.
pub fn unregister() -> io::Result<()> {
    delete_tree(&format!(r"{SOURCES}\{SOURCE}"))
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_registered_source_reports_and_goes() {
        register(Path::new(r"C:\svckit\svc.exe")).unwrap();
        let log = EventLog::open().unwrap();
        log.report(Level::Warning, EventId::PROGRAM_DIED, "shop", "shop died; it runs again after 5 s")
            .unwrap();
        log.report(Level::Information, EventId::PROGRAM_STARTED, "shop", &"long ".repeat(20_000)).unwrap();
        unregister().unwrap();
        unregister().unwrap();
    }
}
