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
            | WatchFlags::DELETE_SELF
            | WatchFlags::MOVE_SELF;
        inotify::add_watch(&self.descriptor, directory, changes | WatchFlags::ONLYDIR)?;
        Ok(())
    }

    /// Takes all changes that were told of; whether there were any.
    pub fn drain(&self) -> io::Result<bool> {
        Ok(self.take()?.any)
    }

    fn take(&self) -> io::Result<Told> {
        let mut space = [MaybeUninit::uninit(); 4096];
        let mut reader = inotify::Reader::new(&self.descriptor, &mut space);
        let mut told = Told::default();
        loop {
            match reader.next() {
                Ok(event) => {
                    told.any |= !event.events().contains(ReadFlags::IGNORED);
                    told.gone |= event.events().intersects(ReadFlags::DELETE_SELF | ReadFlags::MOVE_SELF);
                }
                Err(Errno::INTR) => {}
                Err(Errno::WOULDBLOCK) => return Ok(told),
                Err(error) => return Err(error.into()),
            }
        }
    }
}

/// What was told of.
#[derive(Default)]
struct Told {
    any: bool,
    /// A watched directory is where it was no more.
    gone: bool,
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

    /// Takes what was told of: only what changes after this is told of again. An error if the directory is there no more: nothing is told of another in its place.
    pub fn take(&mut self) -> io::Result<()> {
        if self.0.take()?.gone { Err(io::ErrorKind::NotFound.into()) } else { Ok(()) }
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
    fn that_the_directory_itself_is_gone_is_told() {
        let folder = tempfile::tempdir().unwrap();
        let (path, other) = (folder.path().join("a"), folder.path().join("b"));
        for gone in [&|| std::fs::remove_dir(&path).unwrap(), &|| std::fs::rename(&path, &other).unwrap()]
            as [&dyn Fn(); 2]
        {
            std::fs::create_dir(&path).unwrap();
            let mut changes = Changes::of(&path).unwrap();
            changes.take().unwrap();
            gone();
            poll(&mut [PollFd::new(&changes, PollFlags::IN)], None).unwrap();
            assert_eq!(changes.take().unwrap_err().kind(), io::ErrorKind::NotFound);
        }
    }

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
