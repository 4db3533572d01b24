//! Which services there are: being told of those that are created or deleted.

use std::collections::BTreeSet;
use std::io;
use std::os::windows::io::{AsHandle, BorrowedHandle};
use std::time::Duration;

use svckit_core::Win32Error;
use svckit_core::record::SERVICES_KEY;
use svckit_core::status::NotifyMask;

use super::manager::Handle;
use super::wait::Registration;
use crate::registry::{Changes, Key};
use crate::{clock, errno};

/// A wait for services that are created or deleted.
#[derive(Debug)]
pub struct Watch {
    source: Source,
}

#[derive(Debug)]
enum Source {
    /// The service control manager tells.
    Told(Registration),
    /// It can't, as that of Wine: its database tells, in which each service has a key for as long as it is there.
    Keys(Keys),
}

impl Watch {
    /// By what the service control manager tells, or not at all.
    pub(super) fn told(handle: Handle) -> Result<Self, Win32Error> {
        let mut registration = Registration::new(handle);
        registration.begin(NotifyMask::SET)?;
        Ok(Self { source: Source::Told(registration) })
    }

    pub(super) fn new(handle: Handle) -> Result<Self, Win32Error> {
        let mut registration = Registration::new(handle);
        let source = match registration.begin(NotifyMask::SET) {
            Ok(()) => Source::Told(registration),
            Err(Win32Error::CALL_NOT_IMPLEMENTED) => {
                Source::Keys(Keys::new().map_err(|error| errno::win32(&error))?)
            }
            Err(code) => return Err(code),
        };
        Ok(Self { source })
    }

    /// Waits for the names of services, with a slash before those that were created; `None` when the time is over. It goes on when this returns.
    pub fn wait(&mut self, limit: Duration) -> Result<Option<Vec<String>>, Win32Error> {
        match &mut self.source {
            Source::Told(registration) => {
                let news = registration.wait(NotifyMask::SET, limit)?;
                registration.begin(NotifyMask::SET)?;
                Ok(news.map(|news| news.names))
            }
            Source::Keys(keys) => keys.wait(limit).map_err(|error| errno::win32(&error)),
        }
    }

    /// What is signalled when [`Watch::wait`] may have something to tell; absent where the system calls the thread instead.
    pub(super) fn handle(&self) -> Option<BorrowedHandle<'_>> {
        match &self.source {
            Source::Told(_) => None,
            Source::Keys(keys) => Some(keys.changes.as_handle()),
        }
    }
}

/// The keys of services. One that is removed and made again between two looks is no news.
#[derive(Debug)]
struct Keys {
    changes: Changes,
    known: BTreeSet<String>,
}

impl Keys {
    fn new() -> io::Result<Self> {
        let Some(key) = Key::open(SERVICES_KEY)? else { return Err(io::ErrorKind::NotFound.into()) };
        let changes = Changes::new(key)?;
        let known = changes.key().subkeys()?.into_iter().collect();
        Ok(Self { changes, known })
    }

    fn wait(&mut self, limit: Duration) -> io::Result<Option<Vec<String>>> {
        let deadline = clock::now().tick + limit;
        while self.changes.wait(deadline.since(clock::now().tick))? {
            let now: BTreeSet<String> = self.changes.key().subkeys()?.into_iter().collect();
            let before = std::mem::replace(&mut self.known, now);
            let created = self.known.difference(&before).map(|name| format!("/{name}"));
            let names: Vec<String> = created.chain(before.difference(&self.known).cloned()).collect();
            if !names.is_empty() {
                return Ok(Some(names));
            }
        }
        Ok(None)
    }
}
