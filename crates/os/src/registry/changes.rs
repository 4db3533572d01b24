#![allow(unsafe_code)]

use std::io;
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, OwnedHandle};
use std::time::Duration;

use windows_sys::Win32::Foundation::{ERROR_SUCCESS, WAIT_OBJECT_0, WAIT_TIMEOUT};
use windows_sys::Win32::System::Registry::{REG_NOTIFY_CHANGE_NAME, RegNotifyChangeKeyValue};
use windows_sys::Win32::System::Threading::{ResetEvent, WaitForSingleObject};

use super::Key;
use crate::clock;
use crate::overlapped::new_event;

/// Keys directly below a key that are made and removed. Its handle is signalled from a change until the next [`Changes::wait`].
#[derive(Debug)]
pub struct Changes {
    /// Closed before the event, which the system signals then.
    key: Key,
    event: OwnedHandle,
}

impl Changes {
    /// Of a key, from now on. The system tells the thread that asks, for as long as it lives.
    pub fn new(key: Key) -> io::Result<Self> {
        let changes = Self { key, event: new_event(true)? };
        changes.ask()?;
        Ok(changes)
    }

    /// The key, to look at it: what comes after a look is told of.
    pub fn key(&self) -> &Key {
        &self.key
    }

    /// Waits for the next change since the last one that was told; `false` when the time is over.
    pub fn wait(&mut self, limit: Duration) -> io::Result<bool> {
        // SAFETY: the event is open for as long as this is.
        match unsafe { WaitForSingleObject(self.event.as_raw_handle(), clock::wait_millis(limit)) } {
            WAIT_OBJECT_0 => {}
            WAIT_TIMEOUT => return Ok(false),
            _ => return Err(io::Error::last_os_error()),
        }
        // SAFETY: as above.
        if unsafe { ResetEvent(self.event.as_raw_handle()) } == 0 {
            return Err(io::Error::last_os_error());
        }
        self.ask()?;
        Ok(true)
    }

    /// The system tells of one change for each question.
    fn ask(&self) -> io::Result<()> {
        // SAFETY: both handles are open for as long as this is; the key is closed first.
        let code = unsafe {
            RegNotifyChangeKeyValue(self.key.raw(), 0, REG_NOTIFY_CHANGE_NAME, self.event.as_raw_handle(), 1)
        };
        if code == ERROR_SUCCESS { Ok(()) } else { Err(io::Error::from_raw_os_error(code.cast_signed())) }
    }
}

impl AsHandle for Changes {
    fn as_handle(&self) -> BorrowedHandle<'_> {
        self.event.as_handle()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::registry::delete_tree;

    #[test]
    fn keys_that_come_and_go_are_told_of() {
        let path = format!(r"SOFTWARE\svckit-test-changes-{}", std::process::id());
        let mut changes = Changes::new(Key::create(&path).unwrap()).unwrap();
        assert!(!changes.wait(Duration::ZERO).unwrap());
        let inner = format!(r"{path}\inner");
        drop(Key::create(&inner).unwrap());
        assert!(changes.wait(Duration::MAX).unwrap());
        assert_eq!(changes.key().subkeys().unwrap(), ["inner"]);
        assert!(!changes.wait(Duration::ZERO).unwrap());
        let deleter = std::thread::spawn(move || delete_tree(&inner).unwrap());
        assert!(changes.wait(Duration::MAX).unwrap());
        deleter.join().unwrap();
        assert!(changes.key().subkeys().unwrap().is_empty());
        delete_tree(&path).unwrap();
    }
}
