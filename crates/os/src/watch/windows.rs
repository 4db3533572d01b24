#![allow(unsafe_code)]

use std::cell::{RefCell, UnsafeCell};
use std::fmt;
use std::fs::OpenOptions;
use std::io;
use std::os::windows::fs::OpenOptionsExt;
use std::os::windows::io::{AsHandle, AsRawHandle, BorrowedHandle, OwnedHandle};
use std::path::Path;
use std::ptr;
use std::time::Duration;

use windows_sys::Win32::Foundation::{
    HANDLE, INVALID_HANDLE_VALUE, WAIT_IO_COMPLETION, WAIT_OBJECT_0, WAIT_TIMEOUT,
};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_FLAG_BACKUP_SEMANTICS, FILE_FLAG_OVERLAPPED, FILE_LIST_DIRECTORY, FILE_NOTIFY_CHANGE_DIR_NAME,
    FILE_NOTIFY_CHANGE_FILE_NAME, FILE_NOTIFY_CHANGE_LAST_WRITE, FILE_NOTIFY_CHANGE_SIZE, FILE_SHARE_DELETE,
    FILE_SHARE_READ, FILE_SHARE_WRITE, FindCloseChangeNotification, FindFirstChangeNotificationW,
    FindNextChangeNotification, ReadDirectoryChangesW,
};
use windows_sys::Win32::System::Threading::{INFINITE, WaitForMultipleObjectsEx};

use crate::clock;
use crate::event::{Bell, Interest, Source};
use crate::interrupt::Interrupt;
use crate::overlapped::Operation;
use crate::path::wide;

/// The second of two handles is signalled.
const OTHER: u32 = WAIT_OBJECT_0 + 1;

/// Watches a directory. The system tells of what is written when it has reached the disk or the file is closed, which may be later than it can be read.
#[derive(Debug)]
pub struct Watch {
    /// INVARIANT: open until this is dropped.
    handle: HANDLE,
}

// SAFETY: the handle is no memory of a thread; the system takes it from any thread.
unsafe impl Send for Watch {}

impl Watch {
    /// Watches from now on what is written, made, renamed or deleted in a directory, and with `below` in those below it too.
    pub fn new(directory: &Path, below: bool) -> io::Result<Self> {
        let wide = wide(directory);
        let what = FILE_NOTIFY_CHANGE_FILE_NAME | FILE_NOTIFY_CHANGE_LAST_WRITE | FILE_NOTIFY_CHANGE_SIZE;
        // SAFETY: the path ends with NUL and lives during the call.
        let handle = unsafe { FindFirstChangeNotificationW(wide.as_ptr(), i32::from(below), what) };
        if handle == INVALID_HANDLE_VALUE { Err(io::Error::last_os_error()) } else { Ok(Self { handle }) }
    }

    /// Waits for the next change since the last wait, or since the watch began, or until the system has called this thread. To be interrupted is an error.
    pub fn wait(&self, interrupt: Option<&Interrupt>) -> io::Result<()> {
        self.wait_or_be_called(interrupt.map(AsHandle::as_handle), None)?;
        interrupt.map_or(Ok(()), Interrupt::check)
    }

    /// The same, but also until the system has called this thread, as it does to tell of services, another handle is signalled, or the time is over.
    pub fn wait_or_be_called(
        &self,
        other: Option<BorrowedHandle<'_>>,
        limit: Option<Duration>,
    ) -> io::Result<()> {
        let limit = limit.map_or(INFINITE, clock::wait_millis);
        let handles = [self.handle, other.map_or(ptr::null_mut(), |other| other.as_raw_handle())];
        let count = 1 + u32::from(other.is_some());
        // SAFETY: so many handles can be read, and they are open, the first by the invariant; the calls that are let in are those that were asked for on this thread.
        let done = unsafe {
            match WaitForMultipleObjectsEx(count, handles.as_ptr(), 0, limit, 1) {
                WAIT_OBJECT_0 => FindNextChangeNotification(self.handle) != 0,
                OTHER | WAIT_IO_COMPLETION | WAIT_TIMEOUT => true,
                _ => false,
            }
        };
        if done { Ok(()) } else { Err(io::Error::last_os_error()) }
    }
}

impl Drop for Watch {
    fn drop(&mut self) {
        // SAFETY: the handle is open by the invariant, and nobody can use it after this.
        unsafe { FindCloseChangeNotification(self.handle) };
    }
}

/// What may be said of changes at once; when there are more, only that there were some.
const DETAILS: usize = 64;

/// Tells a poller that something changed in a directory.
pub struct Changes {
    directory: OwnedHandle,
    state: RefCell<Following>,
}

struct Following {
    operation: Operation,
    /// INVARIANT: while the operation is under way, the system may write to it; nobody else touches it, and it stays where it is.
    details: Box<UnsafeCell<[u32; DETAILS]>>,
}

impl Changes {
    /// What is written, made, renamed or deleted in a directory, once it is waited for.
    pub fn of(directory: &Path) -> io::Result<Self> {
        let directory = OpenOptions::new()
            .access_mode(FILE_LIST_DIRECTORY)
            .share_mode(FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE)
            .custom_flags(FILE_FLAG_BACKUP_SEMANTICS | FILE_FLAG_OVERLAPPED)
            .open(directory)?;
        let following =
            Following { operation: Operation::new()?, details: Box::new(UnsafeCell::new([0; DETAILS])) };
        Ok(Self { directory: directory.into(), state: RefCell::new(following) })
    }

    /// Takes what was told of: only what changes after this is told of again. An error if the directory is there no more: nothing is told of another in its place.
    pub fn take(&mut self) -> io::Result<()> {
        self.state.get_mut().operation.settle(self.directory.as_raw_handle(), false);
        self.follow()
    }

    fn follow(&self) -> io::Result<()> {
        let Following { operation, details } = &mut *self.state.borrow_mut();
        if operation.is_pending() {
            return Ok(());
        }
        let what = FILE_NOTIFY_CHANGE_FILE_NAME
            | FILE_NOTIFY_CHANGE_DIR_NAME
            | FILE_NOTIFY_CHANGE_LAST_WRITE
            | FILE_NOTIFY_CHANGE_SIZE;
        let (handle, to) = (self.directory.as_raw_handle(), details.get());
        // SAFETY: none is pending; the buffer is of the length that is said, aligned as the system wants it, lives as long as the operation (`Drop`), and nobody touches
        // it (its invariant). Its end is asked for on the same handle.
        unsafe {
            operation.begin(|raw| {
                let length = u32::try_from(size_of::<[u32; DETAILS]>()).unwrap_or(0);
                ReadDirectoryChangesW(handle, to.cast(), length, 0, what, ptr::null_mut(), raw, None)
            })?;
        }
        Ok(())
    }
}

impl Source for Changes {
    fn attach(&self, bell: &Bell, _: Interest) -> io::Result<()> {
        bell.follow(self.directory.as_raw_handle())?;
        self.follow()
    }
}

impl Drop for Changes {
    fn drop(&mut self) {
        self.state.get_mut().operation.settle(self.directory.as_raw_handle(), true);
    }
}

impl fmt::Debug for Changes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Changes")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    #[test]
    fn changes_are_told_of_also_those_before_the_wait() {
        let folder = tempfile::tempdir().unwrap();
        let watch = Watch::new(folder.path(), false).unwrap();
        fs::write(folder.path().join("x"), "x").unwrap();
        watch.wait(None).unwrap();
        let writer = std::thread::spawn(move || {
            fs::write(folder.path().join("y"), "y").unwrap();
            folder
        });
        watch.wait(None).unwrap();
        drop(writer.join().unwrap());
    }

    #[test]
    fn changes_below_are_told_of() {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("a")).unwrap();
        let watch = Watch::new(folder.path(), true).unwrap();
        fs::write(folder.path().join("a/x"), "x").unwrap();
        watch.wait(None).unwrap();
    }

    #[test]
    fn an_interrupt_ends_the_waits() {
        let folder = tempfile::tempdir().unwrap();
        let watch = Watch::new(folder.path(), false).unwrap();
        let interrupt = Interrupt::new().unwrap();
        fs::write(folder.path().join("x"), "x").unwrap();
        watch.wait(Some(&interrupt)).unwrap();
        let other = interrupt.clone();
        let caller = std::thread::spawn(move || other.interrupt());
        // What is written may be told of more than once.
        while watch.wait(Some(&interrupt)).is_ok() {}
        caller.join().unwrap();
        assert_eq!(watch.wait(Some(&interrupt)).unwrap_err().raw_os_error(), Some(995));
    }
}
