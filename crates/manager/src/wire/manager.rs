use std::rc::Rc;
use std::time::Duration;

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::{Enumerated, Lock, LockStatus, Manager, Service, SetChange, Watch};
use svckit_core::config::NewService;
use svckit_core::kind::ServiceType;
use svckit_core::security::{SecurityDescriptor, SecurityInformation};
use svckit_core::status::{NotifyMask, StateFilter};
use svckit_core::{Result, Win32Error};
use svckit_scmr::ndr;
use svckit_scmr::ops::{Answer, Call, CreateService, Handle, MAX_4K, MAX_256K, buffers};

use super::place::{Opened, Place, Way};
use super::service::WireService;
use super::waiter::Waiter;
use super::{Connection, Doing, Shared, Transport};

/// What a buffer has over what is needed, in case that services are being created.
const SLACK: u32 = 1024;

/// The buffer for a name, in characters; no name is longer than 256.
const NAME_BUFFER: u32 = 512;

/// `SC_ENUM_PROCESS_INFO`.
const PROCESS_INFO: u32 = 0;

pub(super) struct WireManager<S: Transport> {
    place: Place<S>,
}

impl<S: Transport> WireManager<S> {
    pub(super) fn new(connection: Rc<Connection<S>>, handle: Handle, access: ManagerAccess) -> Self {
        Self { place: Place::new(connection, handle, Way::Manager(access)) }
    }
}

/// A service that was opened on the connection of its service control manager.
fn service<S: Transport>(
    at: &Opened<S>,
    handle: Handle,
    name: &str,
    access: ServiceAccess,
) -> Box<dyn Service> {
    Box::new(WireService::new(Rc::clone(&at.connection), handle, name.to_owned(), access))
}

/// The calls that list services.
#[derive(Debug, Clone, Copy)]
enum Listing {
    /// `REnumServicesStatusExW` ([MS-SCMR] 3.1.4.40).
    Processes,
    /// `REnumServicesStatusW` ([MS-SCMR] 3.1.4.14).
    Plain,
}

/// A piece of a list.
struct Piece {
    services: ndr::Result<Vec<Enumerated>>,
    needed: u32,
    resume: u32,
    code: Win32Error,
}

impl<S: Transport> WireManager<S> {
    /// The whole list, in as many pieces as it takes.
    fn list(
        at: &Opened<S>,
        doing: &Doing,
        types: ServiceType,
        states: StateFilter,
        group: Option<&str>,
        listing: Listing,
    ) -> Result<Vec<Enumerated>> {
        let mut services = Vec::new();
        let (mut size, mut from) = (S::FIRST_BUFFER, 0);
        loop {
            let (manager, resume) = (at.handle, Some(from));
            let call = match listing {
                Listing::Plain => Call::EnumServicesStatus { manager, types, states, size, resume },
                Listing::Processes => {
                    let (level, group) = (PROCESS_INFO, group.map(str::to_owned));
                    Call::EnumServicesStatusEx { manager, level, types, states, size, resume, group }
                }
            };
            let Piece { services: found, needed, resume: next, code } =
                Self::piece(&at.connection, doing, &call)?;
            if !matches!(code, Win32Error::SUCCESS | Win32Error::MORE_DATA) {
                return Err(doing.error(code, &at.connection.shared.target));
            }
            services.extend(found.map_err(|error| at.connection.nonsense(doing, error.to_string()))?);
            match code {
                Win32Error::SUCCESS => return Ok(services),
                _ if next <= from && size == MAX_256K => {
                    return Err(at.connection.nonsense(doing, "the list does not come to an end"));
                }
                // What is needed for the rest.
                _ if next > from => (size, from) = (enough(needed), next),
                // Nothing fitted, or the server doesn't give a list in pieces.
                _ => size = larger(size, needed),
            }
        }
    }

    fn piece(connection: &Connection<S>, doing: &Doing, call: &Call) -> Result<Piece> {
        Ok(match connection.ask_for(doing, call)? {
            Answer::EnumServicesStatusEx { buffer, needed, returned, resume, code } => {
                let services = buffers::read_enum_status_process(&buffer, returned);
                Piece { services, needed, resume: resume.unwrap_or(0), code }
            }
            Answer::EnumServicesStatus { buffer, needed, returned, resume, code } => {
                let services = buffers::read_enum_status(&buffer, returned);
                Piece { services, needed, resume: resume.unwrap_or(0), code }
            }
            _ => return Err(connection.nonsense(doing, "the answer is one to another call")),
        })
    }
}

/// The buffer for what the server says is needed.
fn enough(needed: u32) -> u32 {
    needed.saturating_add(SLACK).min(MAX_256K)
}

/// The buffer after one that was too small: for what the server says is needed, as far as that is more.
pub(super) fn larger(size: u32, needed: u32) -> u32 {
    if needed > size { enough(needed) } else { MAX_256K }
}

impl<S: Transport> WireManager<S> {
    /// The name of the service that is listed with this display name.
    fn listed_as(at: &Opened<S>, doing: &Doing, display_name: &str) -> Result<String> {
        let access = ManagerAccess::CONNECT | ManagerAccess::ENUMERATE_SERVICE;
        let call = Call::OpenScManager { machine: None, database: None, access };
        let Answer::OpenScManager { manager, .. } = at.connection.ask(doing, &call)? else {
            return Err(at.connection.nonsense(doing, "the answer is one to another call"));
        };
        let lister = Self::new(Rc::clone(&at.connection), manager, access);
        let listed = lister.enumerate(ServiceType::WIN32, StateFilter::ALL, None)?;
        let found =
            listed.into_iter().find(|service| service.display_name.eq_ignore_ascii_case(display_name));
        let missing = || doing.error(Win32Error::SERVICE_DOES_NOT_EXIST, &at.connection.shared.target);
        found.map(|service| service.name).ok_or_else(missing)
    }
}

impl<S: Transport> Manager for WireManager<S> {
    fn create_service(&self, new: &NewService, access: ServiceAccess) -> Result<(Box<dyn Service>, u32)> {
        let doing = Doing::to("create service", new.name.as_str());
        let at = self.place.now();
        let password = at.connection.password(&doing, new.password.as_ref())?;
        let create = CreateService { password, ..CreateService::new(at.handle, new, access) };
        let call = Call::CreateService(Box::new(create));
        match at.connection.ask(&doing, &call)? {
            Answer::CreateService { tag, service: handle, .. } => {
                Ok((service(&at, handle, new.name.as_str(), access), tag.unwrap_or(0)))
            }
            _ => Err(at.connection.nonsense(&doing, "the answer is one to another call")),
        }
    }

    fn open_service(&self, name: &str, access: ServiceAccess) -> Result<Box<dyn Service>> {
        let doing = Doing::to("open service", name);
        self.place.read(&doing, |at| {
            let call = Call::OpenService { manager: at.handle, name: name.to_owned(), access };
            match at.connection.ask(&doing, &call)? {
                Answer::OpenService { service: handle, .. } => Ok(service(at, handle, name, access)),
                _ => Err(at.connection.nonsense(&doing, "the answer is one to another call")),
            }
        })
    }

    /// Some servers know only the older call, which tells no processes.
    fn enumerate(
        &self,
        types: ServiceType,
        states: StateFilter,
        group: Option<&str>,
    ) -> Result<Vec<Enumerated>> {
        let doing = Doing::new("list services");
        let list =
            |listing| self.place.read(&doing, |at| Self::list(at, &doing, types, states, group, listing));
        match list(Listing::Processes) {
            Err(error) if error.code == Win32Error::RPC_S_PROCNUM_OUT_OF_RANGE && group.is_none() => {
                list(Listing::Plain)
            }
            listed => listed,
        }
    }

    fn display_name(&self, name: &str) -> Result<String> {
        let doing = Doing::to("look up display name of service", name);
        let asked = self.place.read(&doing, |at| {
            let call =
                Call::GetServiceDisplayName { manager: at.handle, name: name.to_owned(), size: NAME_BUFFER };
            match at.connection.ask(&doing, &call)? {
                Answer::GetServiceDisplayName { name, .. } => Ok(name),
                _ => Err(at.connection.nonsense(&doing, "the answer is one to another call")),
            }
        });
        match asked {
            // Samba wants the size of the buffer in a form that isn't the specification's.
            Err(error) if error.code == Win32Error::RPC_X_BAD_STUB_DATA => {
                Ok(self.open_service(name, ServiceAccess::QUERY_CONFIG)?.config()?.display_name.to_string())
            }
            asked => asked,
        }
    }

    fn key_name(&self, display_name: &str) -> Result<String> {
        let doing = Doing::to("look up name of service", display_name);
        self.place.read(&doing, |at| {
            let call = Call::GetServiceKeyName {
                manager: at.handle,
                display_name: display_name.to_owned(),
                size: NAME_BUFFER,
            };
            match at.connection.ask(&doing, &call) {
                Ok(Answer::GetServiceKeyName { name, .. }) => Ok(name),
                Ok(_) => Err(at.connection.nonsense(&doing, "the answer is one to another call")),
                Err(error) if error.code == Win32Error::RPC_X_BAD_STUB_DATA => {
                    Self::listed_as(at, &doing, display_name)
                }
                Err(error) => Err(error),
            }
        })
    }

    fn security(&self, parts: SecurityInformation) -> Result<SecurityDescriptor> {
        let doing = Doing::new("query security of service control manager");
        self.place.read(&doing, |at| at.connection.security(&doing, at.handle, parts))
    }

    fn set_security(&self, parts: SecurityInformation, new: &SecurityDescriptor) -> Result<()> {
        let (doing, at) = (Doing::new("change security of service control manager"), self.place.now());
        at.connection.set_security(&doing, at.handle, parts, new)
    }

    fn lock(&self) -> Result<Box<dyn Lock>> {
        let doing = Doing::new("lock service database");
        let Opened { connection, handle } = self.place.now();
        match connection.ask(&doing, &Call::LockServiceDatabase { manager: handle })? {
            Answer::LockServiceDatabase { lock, .. } => {
                Ok(Box::new(WireLock { connection, handle: Some(lock) }))
            }
            _ => Err(connection.nonsense(&doing, "the answer is one to another call")),
        }
    }

    fn lock_status(&self) -> Result<LockStatus> {
        let doing = Doing::new("query lock of service database");
        self.place.read(&doing, |at| {
            let call = Call::QueryServiceLockStatus { manager: at.handle, size: MAX_4K };
            match at.connection.ask(&doing, &call)? {
                Answer::QueryServiceLockStatus { status, .. } => Ok(status.into()),
                _ => Err(at.connection.nonsense(&doing, "the answer is one to another call")),
            }
        })
    }

    fn watch(&self) -> Result<Box<dyn Watch>> {
        let shared = self.place.shared();
        let waiter = Waiter::of_set(&shared, &Doing::new(WATCH), NotifyMask::SET)?;
        Ok(Box::new(WireWatch { shared, waiter: Some(waiter) }))
    }
}

/// A lock of the database.
struct WireLock<S: Transport> {
    connection: Rc<Connection<S>>,
    /// Absent after it was released.
    handle: Option<Handle>,
}

impl<S: Transport> WireLock<S> {
    fn release(&mut self) -> Result<()> {
        let Some(lock) = self.handle.take() else { return Ok(()) };
        let doing = Doing::new("unlock service database");
        self.connection.ask(&doing, &Call::UnlockServiceDatabase { lock }).map(drop)
    }
}

impl<S: Transport> Lock for WireLock<S> {
    fn unlock(mut self: Box<Self>) -> Result<()> {
        self.release()
    }
}

impl<S: Transport> Drop for WireLock<S> {
    fn drop(&mut self) {
        // A lock on a connection that was lost is released already.
        if self.connection.works()
            && let Err(error) = self.release()
        {
            tracing::debug!(%error, "a lock was not released");
        }
    }
}

const WATCH: &str = "wait for services";

/// A wait for services that are created or deleted.
struct WireWatch<S: Transport> {
    shared: Rc<Shared<S>>,
    /// Absent after it failed.
    waiter: Option<Waiter<S>>,
}

impl<S: Transport> Watch for WireWatch<S> {
    fn wait(&mut self, timeout: Duration) -> Result<Option<SetChange>> {
        let doing = Doing::new(WATCH);
        let mut waiter = match self.waiter.take() {
            Some(waiter) => waiter,
            None => Waiter::of_set(&self.shared, &doing, NotifyMask::SET)?,
        };
        let news = waiter.wait(NotifyMask::SET, timeout).and_then(|news| {
            waiter.begin(NotifyMask::SET)?;
            Ok(news)
        });
        match news {
            Ok(news) => {
                self.waiter = Some(waiter);
                let names = news.map(|news| news.names.unwrap_or_default());
                Ok(names.map(|names| SetChange::from_names(names.split('\0'))))
            }
            Err(error) => {
                waiter.close();
                Err(doing.failed_with(error, &self.shared.target))
            }
        }
    }
}

impl<S: Transport> Drop for WireWatch<S> {
    fn drop(&mut self) {
        if let Some(waiter) = self.waiter.take() {
            waiter.close();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_buffer_is_as_large_as_is_needed_and_the_last_as_large_as_may_be() {
        assert_eq!(larger(4096, 5000), 5000 + SLACK);
        assert_eq!(larger(4096, 4096), MAX_256K, "the server says that it was enough");
        assert_eq!(larger(4096, MAX_256K), MAX_256K);
        assert_eq!(larger(4096, u32::MAX), MAX_256K);
        assert_eq!(enough(100), 100 + SLACK);
    }
}
