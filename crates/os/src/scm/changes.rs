use std::collections::{HashMap, HashSet};
use std::os::windows::io::BorrowedHandle;
use std::time::Duration;

use svckit_core::Win32Error;
use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::status::NotifyMask;

use super::manager::Manager;
use super::set::Watch;
use super::wait::Registration;

/// Changes of many services, and services that come and go. They are told to the thread that asks, at a moment when it waits for such calls.
#[derive(Debug)]
pub struct Changes {
    manager: Manager,
    /// Which services there are; absent where the system doesn't tell.
    set: Option<Watch>,
    /// By name; absent: that one may not be looked at, or is going.
    services: HashMap<String, Option<Registration>>,
}

impl Changes {
    /// Of no service yet, on this machine or another (`\\HOST`).
    pub fn new(machine: Option<&str>) -> Result<Self, Win32Error> {
        let access = ManagerAccess::CONNECT | ManagerAccess::ENUMERATE_SERVICE;
        let watched = Manager::open(machine, access)?;
        let set = if machine.is_some() { watched.into_told_watch() } else { watched.into_watch() };
        let manager = Manager::open(machine, ManagerAccess::CONNECT)?;
        Ok(Self { manager, set: set.ok(), services: HashMap::new() })
    }

    /// Asks for changes of these services from now on, and of no others.
    pub fn follow<'a>(&mut self, names: impl IntoIterator<Item = &'a str>) {
        let names: HashSet<&str> = names.into_iter().collect();
        self.services.retain(|name, _| names.contains(name.as_str()));
        for name in names {
            if !self.services.contains_key(name) {
                let opened = self.manager.open_service(name, ServiceAccess::QUERY_STATUS);
                let registration = opened.ok().map(|service| Registration::new(service.into_handle()));
                self.services.insert(name.to_owned(), registration);
            }
        }
    }

    /// Whether something has been told since the last call, of which only the newest is known: it is for the caller to look. Nothing is waited for.
    pub fn have_come(&mut self) -> bool {
        let mut any = false;
        let mut lagging = Vec::new();
        for (name, place) in &mut self.services {
            let Some(registration) = place else { continue };
            match registration.wait(NotifyMask::SERVICE, Duration::ZERO) {
                Ok(told) => any |= told.is_some(),
                // There was more news than the system keeps, and the handle is of no use any more.
                Err(Win32Error::SERVICE_NOTIFY_CLIENT_LAGGING) => lagging.push(name.clone()),
                Err(_) => *place = None,
            }
        }
        for name in lagging {
            self.services.remove(&name);
            any = true;
        }
        if let Some(set) = &mut self.set {
            match set.wait(Duration::ZERO) {
                Ok(told) => any |= told.is_some(),
                Err(_) => self.set = None,
            }
        }
        any
    }

    /// What else is signalled when [`Changes::have_come`] may have something to tell; absent where the system calls the thread for all of it.
    pub fn handle(&self) -> Option<BorrowedHandle<'_>> {
        self.set.as_ref().and_then(Watch::handle)
    }
}
