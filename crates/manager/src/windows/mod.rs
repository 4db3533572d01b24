//! The service control manager of Windows, on this machine or another, through its own functions.

mod machine;
mod native;
mod overview;
mod records;
mod service;

use std::cell::RefCell;
use std::io;
use std::time::Duration;

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::{Backend, Enumerated, Lock, LockStatus, Manager, Service, SetChange, Watch};
use svckit_core::config::NewService;
use svckit_core::kind::ServiceType;
use svckit_core::name::{Selection, ServiceName, fold};
use svckit_core::native::{Reply, Request};
use svckit_core::security::{SecurityDescriptor, SecurityInformation};
use svckit_core::status::StateFilter;
use svckit_core::{Error, Result, Win32Error};
use svckit_os::interrupt::Interrupt;
use svckit_os::{errno, scm};

use crate::Remote;
use machine::Machine;
use overview::Follower;
use service::WindowsService;

/// The service control manager of Windows.
#[derive(Default)]
pub struct WindowsBackend {
    machine: Machine,
    /// Open for as long as this is: calls of several threads are then those of one client from the first on. The RPC of Wine takes two that begin at the same moment
    /// for two clients, and then doesn't know the handles of one (6, which is `RPC_X_SS_CONTEXT_MISMATCH`).
    _anchor: Option<scm::Manager>,
    /// For who asks for overviews one after the other.
    follower: RefCell<Option<Follower>>,
    /// Ends what is being waited for.
    interrupt: Option<Interrupt>,
}

impl WindowsBackend {
    /// That of this machine.
    pub fn local() -> Self {
        Self { _anchor: scm::Manager::open(None, ManagerAccess::CONNECT).ok(), ..Self::default() }
    }

    /// That of another machine, where who is signed in here is let in or not.
    ///
    /// Nothing is known there of hosts: they tell by files and registry keys, which are for programs of the machine itself.
    pub fn remote(remote: &Remote) -> Result<Self> {
        let machine = Machine::another(remote);
        let anchor = machine.reach(remote.limit())?;
        Ok(Self { machine, _anchor: Some(anchor), ..Self::default() })
    }

    /// The same; `interrupt` ends waits for events and for output.
    pub fn local_until(interrupt: Interrupt) -> Self {
        Self { interrupt: Some(interrupt), ..Self::local() }
    }

    /// What services do; after the last answer, what has changed since.
    ///
    /// Who asks once is answered from one look; only who asks again follows each service, and begins with all of them.
    fn overview(
        &self,
        after: Option<u64>,
        only: Option<Vec<ServiceName>>,
        limit: Option<Duration>,
    ) -> Result<Option<Reply>> {
        let mut kept = self.follower.borrow_mut();
        let sight = Selection::new(only.as_deref());
        let overview = match (kept.as_mut(), after) {
            (_, None) => {
                *kept = None;
                Some(overview::at_once(&self.machine, &sight)?)
            }
            (Some(follower), Some(after)) if follower.serves(after, &sight) => follower.next(limit)?,
            (_, Some(after)) => {
                let (follower, overview) = Follower::begin(&self.machine, after, sight)?;
                *kept = Some(follower);
                Some(overview)
            }
        };
        Ok(overview.map(Reply::Overview))
    }
}

impl Backend for WindowsBackend {
    fn target(&self) -> String {
        self.machine.target()
    }

    fn open_manager(&self, access: ManagerAccess) -> Result<Box<dyn Manager>> {
        let manager = self.machine.open(access);
        let manager =
            manager.map_err(|code| self.machine.failed("open service control manager", None, code))?;
        Ok(Box::new(WindowsManager { manager, machine: self.machine.clone() }))
    }

    fn report_boot(&self, acceptable: bool) -> Result<()> {
        const OPERATION: &str = "report start of system";
        if !self.machine.is_this_one() {
            return Err(self.machine.failed(OPERATION, None, Win32Error::NOT_SUPPORTED));
        }
        scm::report_boot(acceptable).map_err(|code| self.machine.failed(OPERATION, None, code))
    }

    fn native(&self, request: Request) -> Result<Reply> {
        match request {
            Request::Overview { after, services } => match self.overview(after, services, None)? {
                Some(reply) => Ok(reply),
                None => Err(self.machine.failed("list services", None, Win32Error::WAIT_TIMEOUT)),
            },
            request if !self.machine.is_this_one() => self.machine.answer(request),
            request => native::answer(request, self.interrupt.as_ref()),
        }
    }

    fn changes(
        &self,
        after: u64,
        services: Option<Vec<ServiceName>>,
        limit: Duration,
    ) -> Result<Option<Reply>> {
        self.overview(Some(after), services, Some(limit))
    }
}

/// The code of a failure that is about an account. One that isn't there is told by two codes, of which services have one.
pub(crate) fn account_code(error: &io::Error) -> Win32Error {
    /// `ERROR_NONE_MAPPED`: there is no such account.
    const NONE_MAPPED: Win32Error = Win32Error(1332);
    match errno::win32(error) {
        NONE_MAPPED => Win32Error::INVALID_SERVICE_ACCOUNT,
        code => code,
    }
}

struct WindowsManager {
    manager: scm::Manager,
    machine: Machine,
}

impl Manager for WindowsManager {
    fn create_service(&self, new: &NewService, access: ServiceAccess) -> Result<(Box<dyn Service>, u32)> {
        let name = new.name.as_str();
        let created = self.manager.create_service(new, access);
        let (service, tag) =
            created.map_err(|code| self.machine.failed("create service", Some(name), code))?;
        Ok((Box::new(WindowsService::new(&self.machine, service, name, access)), tag))
    }

    fn open_service(&self, name: &str, access: ServiceAccess) -> Result<Box<dyn Service>> {
        let opened = self.manager.open_service(name, access);
        let service = opened.map_err(|code| self.machine.failed("open service", Some(name), code))?;
        Ok(Box::new(WindowsService::new(&self.machine, service, name, access)))
    }

    fn enumerate(
        &self,
        types: ServiceType,
        states: StateFilter,
        group: Option<&str>,
    ) -> Result<Vec<Enumerated>> {
        let found = self.manager.enumerate(types, states, group);
        let found = found.map_err(|code| self.machine.failed("list services", None, code))?;
        let mut found: Vec<Enumerated> = found.into_iter().map(enumerated).collect();
        // Windows has an order of its own, and not always the same.
        found.sort_by_cached_key(|one| fold(&one.name));
        Ok(found)
    }

    fn display_name(&self, name: &str) -> Result<String> {
        let found = self.manager.display_name(name);
        found.map_err(|code| self.machine.failed("look up display name of service", Some(name), code))
    }

    fn key_name(&self, display_name: &str) -> Result<String> {
        let found = self.manager.key_name(display_name);
        found.map_err(|code| self.machine.failed("look up name of service", Some(display_name), code))
    }

    fn security(&self, parts: SecurityInformation) -> Result<SecurityDescriptor> {
        const OPERATION: &str = "query security of service control manager";
        read_security(&self.machine, OPERATION, None, self.manager.security(parts))
    }

    fn set_security(&self, parts: SecurityInformation, new: &SecurityDescriptor) -> Result<()> {
        let done = self.manager.set_security(parts, &new.to_bytes());
        done.map_err(|code| self.machine.failed("change security of service control manager", None, code))
    }

    fn lock(&self) -> Result<Box<dyn Lock>> {
        let lock =
            self.manager.lock().map_err(|code| self.machine.failed("lock service database", None, code))?;
        Ok(Box::new(WindowsLock { lock, machine: self.machine.clone() }))
    }

    fn lock_status(&self) -> Result<LockStatus> {
        self.manager
            .lock_status()
            .map_err(|code| self.machine.failed("query lock of service database", None, code))
    }

    fn watch(&self) -> Result<Box<dyn Watch>> {
        let access = ManagerAccess::CONNECT | ManagerAccess::ENUMERATE_SERVICE;
        let watch = self.machine.open(access).and_then(|manager| self.machine.watch(manager));
        let watch = watch.map_err(|code| self.machine.failed(WATCH, None, code))?;
        Ok(Box::new(WindowsWatch { watch, machine: self.machine.clone() }))
    }
}

struct WindowsLock {
    lock: scm::Lock,
    machine: Machine,
}

impl Lock for WindowsLock {
    fn unlock(self: Box<Self>) -> Result<()> {
        let Self { lock, machine } = *self;
        lock.unlock().map_err(|code| machine.failed("unlock service database", None, code))
    }
}

const WATCH: &str = "wait for services";

struct WindowsWatch {
    watch: scm::Watch,
    machine: Machine,
}

impl Watch for WindowsWatch {
    fn wait(&mut self, timeout: Duration) -> Result<Option<SetChange>> {
        let names = self.watch.wait(timeout).map_err(|code| self.machine.failed(WATCH, None, code))?;
        Ok(names.map(|names| SetChange::from_names(names.iter().map(String::as_str))))
    }
}

fn enumerated(found: scm::Found) -> Enumerated {
    Enumerated { name: found.name, display_name: found.display_name, status: found.status }
}

/// The descriptor in the bytes that the system gave.
fn read_security(
    machine: &Machine,
    operation: &'static str,
    service: Option<&str>,
    outcome: Result<Vec<u8>, Win32Error>,
) -> Result<SecurityDescriptor> {
    let bytes = outcome.map_err(|code| machine.failed(operation, service, code))?;
    SecurityDescriptor::from_bytes(&bytes).map_err(|error| {
        let failed: Error = *machine.failed(operation, service, Win32Error::INVALID_DATA);
        Box::new(failed.cause(error.to_string()))
    })
}

/// A failure of this machine's.
fn failed(operation: &'static str, service: Option<&str>, code: Win32Error) -> Box<Error> {
    Machine::default().failed(operation, service, code)
}
