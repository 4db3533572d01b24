use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::path::Path;

use rustix::fs::inotify::{self, CreateFlags, ReadFlags, WatchFlags};
use rustix::io::Errno;

/// Watches directories; the descriptor is readable when something was written, created, renamed or deleted in one of them.
#[derive(Debug)]
pub struct Watch {
    descriptor: OwnedFd,
}

impl Watch {
    /// Watches nothing yet.
    pub fn new() -> io::Result<Self> {
        Ok(Self { descriptor: inotify::init(CreateFlags::CLOEXEC | CreateFlags::NONBLOCK)? })
    }

    /// Watches a directory and the files directly in it.
    pub fn add(&self, directory: &Path) -> io::Result<()> {
        let changes = WatchFlags::MODIFY
            | WatchFlags::CREATE
            | WatchFlags::DELETE
            | WatchFlags::MOVED_FROM
            | WatchFlags::MOVED_TO
            | WatchFlags::DELETE_SELF;
        inotify::add_watch(&self.descriptor, directory, changes | WatchFlags::ONLYDIR)?;
        Ok(())
    }

    /// Takes all changes that were told of; whether there were any.
    pub fn drain(&self) -> io::Result<bool> {
        let mut space = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(&self.descriptor, &mut space);
        let mut any = false;
        loop {
            match reader.next() {
                Ok(event) => any |= !event.events().contains(ReadFlags::IGNORED),
                Err(Errno::INTR) => {}
                Err(Errno::WOULDBLOCK) => return Ok(any),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

impl AsRawFd for Watch {
    fn as_raw_fd(&self) -> RawFd {
        self.descriptor.as_raw_fd()
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.descriptor.as_fd()
    }
}

/// Tells a poller that something changed in a directory.
#[derive(Debug)]
pub struct Changes(Watch);

impl Changes {
    /// What is written, made, renamed or deleted in a directory from now on; that of a watched one is told once it is waited for.
    pub fn of(directory: &Path) -> io::Result<Self> {
        let watch = Watch::new()?;
        watch.add(directory)?;
        Ok(Self(watch))
    }

    /// Takes what was told of: only what changes after this is told of again.
    pub fn take(&mut self) -> io::Result<()> {
        self.0.drain().map(drop)
    }
}

impl AsFd for Changes {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.0.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use rustix::event::{PollFd, PollFlags, poll};

    #[test]
    fn a_write_and_a_rename_are_told() {
        let directory = tempfile::tempdir().unwrap();
        let file = directory.path().join("a");
        std::fs::write(&file, "1").unwrap();
        let watch = Watch::new().unwrap();
        watch.add(directory.path()).unwrap();
        assert!(!watch.drain().unwrap());
        let changes: [&dyn Fn(); 2] = [&|| std::fs::write(&file, "2").unwrap(), &|| {
            std::fs::rename(&file, directory.path().join("b")).unwrap();
        }];
        for change in changes {
            change();
            poll(&mut [PollFd::new(&watch, PollFlags::IN)], None).unwrap();
            assert!(watch.drain().unwrap());
            assert!(!watch.drain().unwrap());
        }
        assert!(watch.add(&directory.path().join("b")).is_err(), "a file is no directory");
    }
}
