//! Handles: what a connection has open, and with which rights.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::native::Holder;
use svckit_core::rights;
use svckit_core::security::check::Token;
use svckit_core::win32::Win32Error;

use super::notify::Watch;
use super::{Scm, Service};
use crate::error::Failure;

/// How many handles a connection may have open.
pub(crate) const MAX_HANDLES: usize = 4096;

/// Names a connection; never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct ConnectionId(pub(crate) u64);

/// Names a handle; never zero, never reused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) struct HandleId(pub(crate) u64);

/// What is open.
pub(super) enum Object {
    Manager(OpenManager),
    Service(OpenService),
    /// A registered wait for a change.
    Watch(Watch),
    /// A lock of the database.
    Lock,
}

/// The open service control manager.
#[derive(Debug, Clone)]
pub(super) struct OpenManager {
    pub(super) access: ManagerAccess,
    /// For whom it was opened.
    pub(super) token: Arc<Token>,
    /// How far in the news it has been told; absent before its first wait.
    pub(super) told: Option<u64>,
    /// The wait that is registered through this handle.
    pub(super) watch: Option<HandleId>,
}

/// An open service.
#[derive(Debug, Clone)]
pub(super) struct OpenService {
    pub(super) key: String,
    pub(super) access: ServiceAccess,
    /// For whom it was opened.
    pub(super) token: Arc<Token>,
    /// The last change that was told through this handle.
    pub(super) told: u64,
    /// The wait that is registered through this handle.
    pub(super) watch: Option<HandleId>,
}

/// All open handles.
#[derive(Default)]
pub(super) struct Handles {
    objects: HashMap<HandleId, (ConnectionId, Object)>,
    connections: BTreeMap<ConnectionId, BTreeSet<HandleId>>,
    /// The processes at the other ends of connections.
    processes: HashMap<ConnectionId, u32>,
    /// The waits for the creation and deletion of services.
    manager_watches: BTreeSet<HandleId>,
    made: u64,
}

impl Handles {
    pub(super) fn watch_manager(&mut self, watch: HandleId) {
        self.manager_watches.insert(watch);
    }

    pub(super) fn unwatch_manager(&mut self, watch: HandleId) {
        self.manager_watches.remove(&watch);
    }

    pub(super) fn manager_watches(&self) -> Vec<HandleId> {
        self.manager_watches.iter().copied().collect()
    }

    pub(super) fn open(&mut self, connection: ConnectionId, object: Object) -> Result<HandleId, Failure> {
        let open = self.connections.entry(connection).or_default();
        if open.len() >= MAX_HANDLES {
            let cause = format!("a connection may have {MAX_HANDLES} handles open");
            return Err(Failure::new(Win32Error::NO_SYSTEM_RESOURCES, cause));
        }
        self.made += 1;
        let id = HandleId(self.made);
        open.insert(id);
        self.objects.insert(id, (connection, object));
        Ok(id)
    }

    pub(super) fn object(&mut self, connection: ConnectionId, id: HandleId) -> Result<&mut Object, Failure> {
        match self.objects.get_mut(&id) {
            Some((owner, object)) if *owner == connection => Ok(object),
            _ => Err(Win32Error::INVALID_HANDLE.into()),
        }
    }

    /// An object whose owner doesn't matter.
    pub(super) fn any(&mut self, id: HandleId) -> Option<&mut Object> {
        self.objects.get_mut(&id).map(|(_, object)| object)
    }

    /// How many handles on a service each process has; those whose process isn't known are together.
    fn holders(&self, key: &str) -> BTreeMap<Option<u32>, u32> {
        let mut holders = BTreeMap::new();
        for (connection, object) in self.objects.values() {
            if matches!(object, Object::Service(open) if open.key == key) {
                *holders.entry(self.processes.get(connection).copied()).or_insert(0) += 1;
            }
        }
        holders
    }

    fn take(&mut self, id: HandleId) -> Option<Object> {
        let (connection, object) = self.objects.remove(&id)?;
        if let Some(open) = self.connections.get_mut(&connection) {
            open.remove(&id);
            if open.is_empty() {
                self.connections.remove(&connection);
            }
        }
        Some(object)
    }
}

impl Scm {
    /// Closes a handle of any kind, but for a lock: that is released.
    pub(crate) fn close(&mut self, connection: ConnectionId, id: HandleId) -> Result<(), Failure> {
        if matches!(self.handles.object(connection, id)?, Object::Lock) {
            return Err(Win32Error::INVALID_HANDLE.into());
        }
        self.drop_handle(id);
        Ok(())
    }

    /// Takes note of who is at the other end of a connection.
    pub(crate) fn connection_opened(&mut self, connection: ConnectionId, pid: u32) {
        self.handles.processes.insert(connection, pid);
    }

    /// Who has a service open.
    pub(super) fn holders(&self, key: &str) -> Vec<Holder> {
        let holders = self.handles.holders(key).into_iter();
        holders.map(|(pid, handles)| Holder { pid, handles }).collect()
    }

    /// Closes everything that a connection had open.
    pub(crate) fn connection_closed(&mut self, connection: ConnectionId) {
        self.handles.processes.remove(&connection);
        let open = self.handles.connections.get(&connection).cloned().unwrap_or_default();
        for id in open {
            self.drop_handle(id);
        }
        self.drop_event_waits(connection);
        self.changes.forget(connection);
    }

    pub(super) fn drop_handle(&mut self, id: HandleId) {
        match self.handles.take(id) {
            Some(Object::Service(open)) => {
                if let Some(watch) = open.watch {
                    self.drop_handle(watch);
                }
                if let Some(service) = self.services.get_mut(&open.key) {
                    service.handles -= 1;
                }
                self.remove_if_over(&open.key);
            }
            Some(Object::Manager(open)) => {
                if let Some(watch) = open.watch {
                    self.drop_handle(watch);
                }
            }
            Some(Object::Watch(watch)) => self.watch_dropped(id, watch),
            Some(Object::Lock) | None => {}
        }
    }

    /// Opens the service control manager.
    pub(crate) fn open_manager(
        &mut self,
        connection: ConnectionId,
        token: Arc<Token>,
        wanted: ManagerAccess,
    ) -> Result<HandleId, Failure> {
        let access = rights::grant_manager(self.manager_security(), &token, wanted)?;
        self.handles.open(connection, Object::Manager(OpenManager { access, token, told: None, watch: None }))
    }

    /// Opens a service.
    pub(crate) fn open_service(
        &mut self,
        connection: ConnectionId,
        manager: HandleId,
        name: &str,
        wanted: ServiceAccess,
    ) -> Result<HandleId, Failure> {
        let token = self.check_manager(connection, manager, ManagerAccess::CONNECT)?;
        let key = self.find(name)?;
        self.open_by_key(connection, token, key, wanted)
    }

    pub(super) fn open_by_key(
        &mut self,
        connection: ConnectionId,
        token: Arc<Token>,
        key: String,
        wanted: ServiceAccess,
    ) -> Result<HandleId, Failure> {
        let security = self.service(&key)?.security();
        let access = match self.is_exempt(&key) {
            true => rights::grant_exempt_service(security, &token, wanted)?,
            false => rights::grant_service(security, &token, wanted)?,
        };
        let open = OpenService { key: key.clone(), access, token, told: 0, watch: None };
        let id = self.handles.open(connection, Object::Service(open))?;
        if let Some(service) = self.services.get_mut(&key) {
            service.handles += 1;
        }
        Ok(id)
    }

    /// The folded name of a service that exists; a name that can't be one is told apart, as Windows does.
    pub(super) fn find(&self, name: &str) -> Result<String, Failure> {
        let name = svckit_core::name::ServiceName::new(name)
            .map_err(|error| Failure::new(error.code(), error.to_string()))?;
        let key = name.folded();
        self.service(&key)?;
        Ok(key)
    }

    /// For whom the handle was opened, if it has the right.
    pub(super) fn check_manager(
        &mut self,
        connection: ConnectionId,
        id: HandleId,
        needed: ManagerAccess,
    ) -> Result<Arc<Token>, Failure> {
        match self.handles.object(connection, id)? {
            Object::Manager(open) => {
                rights::check_manager(open.access, needed)?;
                Ok(Arc::clone(&open.token))
            }
            _ => Err(Win32Error::INVALID_HANDLE.into()),
        }
    }

    /// The folded name behind a service's handle, if the handle has the right.
    pub(super) fn check_service(
        &mut self,
        connection: ConnectionId,
        id: HandleId,
        needed: ServiceAccess,
    ) -> Result<String, Failure> {
        let open = self.opened(connection, id)?;
        rights::check_service(open.access, needed)?;
        Ok(open.key.clone())
    }

    /// Nobody may report a status through a handle: processes report theirs on a way of their own, and no access list grants the right for it.
    pub(crate) fn refuse_status(&mut self, connection: ConnectionId, id: HandleId) -> Result<(), Failure> {
        self.check_service(connection, id, ServiceAccess::SET_STATUS)?;
        Err(Win32Error::ACCESS_DENIED.into())
    }

    pub(super) fn opened(
        &mut self,
        connection: ConnectionId,
        id: HandleId,
    ) -> Result<&mut OpenService, Failure> {
        match self.handles.object(connection, id)? {
            Object::Service(open) => Ok(open),
            _ => Err(Win32Error::INVALID_HANDLE.into()),
        }
    }

    /// The service behind a handle, if the handle has the right.
    pub(super) fn behind(
        &mut self,
        connection: ConnectionId,
        id: HandleId,
        needed: ServiceAccess,
    ) -> Result<&Service, Failure> {
        let key = self.check_service(connection, id, needed)?;
        self.service(&key)
    }
}
