//! Waiting for changes: of a service's state, or of the set of services ([MS-SCMR] 3.1.4.43 to 3.1.4.45).

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::Notification;
use svckit_core::kind::ServiceType;
use svckit_core::name::ServiceName;
use svckit_core::status::{NotifyMask, ServiceStatus};
use svckit_core::win32::Win32Error;

use super::handles::Object;
use super::{ConnectionId, HandleId, Reply, Scm};
use crate::error::Failure;

/// A registered wait.
pub(super) struct Watch {
    /// The service's or the manager's handle.
    handle: HandleId,
    /// The service's folded name; absent: the set of services.
    key: Option<String>,
    mask: NotifyMask,
    state: Progress,
}

enum Progress {
    /// Nothing happened, and nobody asked.
    Armed,
    /// Something happened, and nobody has asked yet.
    Triggered(Triggered),
    /// Somebody waits for the result.
    Asked(Reply<Triggered>),
    /// It was told.
    Over,
}

/// What a wait brought.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Triggered {
    pub(crate) notification: Notification,
    /// Created services with a slash before the name, and deleted ones without, for a wait on the set of services.
    pub(crate) names: Vec<String>,
}

impl Scm {
    /// Registers a wait. It is triggered at once if the service is in a state asked for that this handle was not told of.
    pub(crate) fn register(
        &mut self,
        connection: ConnectionId,
        id: HandleId,
        mask: NotifyMask,
    ) -> Result<HandleId, Failure> {
        if matches!(self.handles.object(connection, id)?, Object::Manager(_)) {
            return self.register_manager(connection, id, mask);
        }
        let key = self.check_service(connection, id, ServiceAccess::QUERY_STATUS)?;
        if mask.0 == 0 || mask.0 & !NotifyMask::SERVICE.0 != 0 {
            return Err(Win32Error::INVALID_PARAMETER.into());
        }
        let service = self.service(&key)?;
        if service.record.delete_pending {
            return Err(Win32Error::SERVICE_MARKED_FOR_DELETE.into());
        }
        let (status, changes) = (service.status(), service.changes + 1);
        let open = self.opened(connection, id)?;
        if open.watch.is_some() {
            return Err(Win32Error::ALREADY_REGISTERED.into());
        }
        let now = NotifyMask::of(status.state);
        let news = open.told != changes && mask.intersects(now);
        let state = if news { Progress::Triggered(triggered(now, status)) } else { Progress::Armed };
        if news {
            open.told = changes;
        }
        let watch = Watch { handle: id, key: Some(key.clone()), mask, state };
        let watch = self.handles.open(connection, Object::Watch(watch))?;
        self.opened(connection, id)?.watch = Some(watch);
        if let Some(service) = self.services.get_mut(&key) {
            service.watchers.push(watch);
        }
        Ok(watch)
    }

    fn register_manager(
        &mut self,
        connection: ConnectionId,
        id: HandleId,
        mask: NotifyMask,
    ) -> Result<HandleId, Failure> {
        self.check_manager(connection, id, ManagerAccess::ENUMERATE_SERVICE)?;
        if mask.0 == 0 || mask.0 & !NotifyMask::SET.0 != 0 {
            return Err(Win32Error::INVALID_PARAMETER.into());
        }
        let watch = Watch { handle: id, key: None, mask, state: Progress::Armed };
        let watch = self.handles.open(connection, Object::Watch(watch))?;
        self.handles.watch_manager(watch);
        Ok(watch)
    }

    /// Asks for the result of a registered wait; answered when there is one.
    pub(crate) fn results(&mut self, connection: ConnectionId, id: HandleId, reply: Reply<Triggered>) {
        let watch = match self.handles.object(connection, id) {
            Ok(Object::Watch(watch)) => watch,
            Ok(_) => return self.answer(reply, Err(Win32Error::INVALID_HANDLE.into())),
            Err(failure) => return self.answer(reply, Err(failure)),
        };
        match std::mem::replace(&mut watch.state, Progress::Over) {
            Progress::Armed => watch.state = Progress::Asked(reply),
            Progress::Triggered(what) => self.answer(reply, Ok(what)),
            asked @ Progress::Asked(_) => {
                watch.state = asked;
                self.answer(reply, Err(Win32Error::ALREADY_REGISTERED.into()));
            }
            Progress::Over => self.answer(reply, Err(Win32Error::INVALID_HANDLE.into())),
        }
    }

    /// Gives a registered wait up, or closes one that is over.
    pub(crate) fn unregister(&mut self, connection: ConnectionId, id: HandleId) -> Result<(), Failure> {
        match self.handles.object(connection, id)? {
            Object::Watch(_) => self.close(connection, id),
            _ => Err(Win32Error::INVALID_HANDLE.into()),
        }
    }

    /// A registered wait is not there any more.
    pub(super) fn watch_dropped(&mut self, id: HandleId, watch: Watch) {
        match &watch.key {
            Some(key) => {
                if let Some(service) = self.services.get_mut(key) {
                    service.watchers.retain(|watcher| *watcher != id);
                }
            }
            None => self.handles.unwatch_manager(id),
        }
        if let Some(Object::Service(open)) = self.handles.any(watch.handle) {
            open.watch = None;
        }
        if let Progress::Asked(reply) = watch.state {
            self.answer(reply, Err(Win32Error::REQUEST_ABORTED.into()));
        }
    }

    /// Tells those who wait for it what happened to a service.
    pub(super) fn notify_service(&mut self, key: &str, what: NotifyMask) {
        let Some(service) = self.services.get(key) else { return };
        let (status, changes) = (service.status(), service.changes + 1);
        for id in service.watchers.clone() {
            if let Some(handle) = self.trigger(id, what, triggered(what, status))
                && let Some(Object::Service(open)) = self.handles.any(handle)
            {
                open.told = changes;
            }
        }
    }

    /// Tells those who wait for it that a service was created or deleted.
    pub(super) fn notify_manager(&mut self, what: NotifyMask, name: &ServiceName) {
        let prefix = if what == NotifyMask::CREATED { "/" } else { "" };
        let status = ServiceStatus::stopped(ServiceType::empty(), Win32Error::SUCCESS);
        for id in self.handles.manager_watches() {
            let names = vec![format!("{prefix}{name}")];
            let _ = self.trigger(id, what, Triggered { names, ..triggered(what, status) });
        }
    }

    /// Triggers a wait that waits for this; the handle it was registered through.
    fn trigger(&mut self, id: HandleId, what: NotifyMask, news: Triggered) -> Option<HandleId> {
        let Some(Object::Watch(watch)) = self.handles.any(id) else { return None };
        if !watch.mask.intersects(what) {
            return None;
        }
        let handle = watch.handle;
        match std::mem::replace(&mut watch.state, Progress::Over) {
            Progress::Armed => watch.state = Progress::Triggered(news),
            Progress::Asked(reply) => self.answer(reply, Ok(news)),
            Progress::Triggered(mut earlier) => {
                // Nobody has asked yet: the newest state counts, and no name is lost.
                let mask = earlier.notification.triggered | news.notification.triggered;
                earlier.names.extend(news.names);
                earlier.notification = Notification { triggered: mask, ..news.notification };
                watch.state = Progress::Triggered(earlier);
            }
            Progress::Over => return None,
        }
        Some(handle)
    }
}

fn triggered(what: NotifyMask, status: ServiceStatus) -> Triggered {
    Triggered { notification: Notification { triggered: what, status }, names: Vec::new() }
}
