//! Waiting for changes: of a service's state, or of the set of services ([MS-SCMR] 3.1.4.43 to 3.1.4.45).

use std::collections::VecDeque;

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

/// How many created and deleted services are remembered for those who have not asked; who lags further behind has to begin anew. Few in tests, which is
/// where somebody lags.
pub(super) const REMEMBERED: usize = if cfg!(test) { 8 } else { 256 };

/// How many UTF-16 code units one answer has for names, with a zero after each (`pszServiceNames`, [MS-SCMR] 2.2.44, less the zero at the end).
const NAMES: usize = 64 * 1024 - 1;

/// The newest services that were created and deleted.
#[derive(Default)]
pub(super) struct News {
    /// How many were forgotten.
    forgotten: u64,
    entries: VecDeque<(NotifyMask, String)>,
}

impl News {
    fn push(&mut self, what: NotifyMask, name: String) {
        self.entries.push_back((what, name));
        if self.entries.len() > REMEMBERED {
            self.entries.pop_front();
            self.forgotten += 1;
        }
    }

    /// The place behind everything.
    fn end(&self) -> u64 {
        self.forgotten + self.entries.len() as u64
    }

    /// What came after a place, with the places behind each; nothing if some of it was forgotten.
    fn after(&self, place: u64) -> Option<impl Iterator<Item = (u64, &(NotifyMask, String))>> {
        let skip = usize::try_from(place.checked_sub(self.forgotten)?).ok()?;
        Some((place + 1..).zip(self.entries.iter().skip(skip)))
    }

    fn has(&self, mask: NotifyMask, place: u64) -> bool {
        self.after(place).into_iter().flatten().any(|(_, (what, _))| mask.intersects(*what))
    }
}

enum Progress {
    /// Nothing happened, and nobody asked.
    Armed,
    /// Something happened to the service, and nobody has asked yet.
    Triggered(Triggered),
    /// Services were created or deleted, and nobody has asked yet.
    News,
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
        check_mask(mask, NotifyMask::SERVICE)?;
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

    /// Registers a wait for services that are created or deleted. It is triggered at once if some were since this handle was last told.
    fn register_manager(
        &mut self,
        connection: ConnectionId,
        id: HandleId,
        mask: NotifyMask,
    ) -> Result<HandleId, Failure> {
        self.check_manager(connection, id, ManagerAccess::ENUMERATE_SERVICE)?;
        check_mask(mask, NotifyMask::SET)?;
        let Some(Object::Manager(open)) = self.handles.any(id) else {
            return Err(Win32Error::INVALID_HANDLE.into());
        };
        if open.watch.is_some() {
            return Err(Win32Error::ALREADY_REGISTERED.into());
        }
        let place = *open.told.get_or_insert(self.news.end());
        if self.news.after(place).is_none() {
            let cause = format!("more than {REMEMBERED} services were created and deleted since it was told");
            return Err(Failure::new(Win32Error::SERVICE_NOTIFY_CLIENT_LAGGING, cause));
        }
        let has_news = self.news.has(mask, place);
        if !has_news {
            open.told = Some(self.news.end());
        }
        let state = if has_news { Progress::News } else { Progress::Armed };
        let watch = Watch { handle: id, key: None, mask, state };
        let watch = self.handles.open(connection, Object::Watch(watch))?;
        if let Some(Object::Manager(open)) = self.handles.any(id) {
            open.watch = Some(watch);
        }
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
            Progress::News => {
                let (handle, mask) = (watch.handle, watch.mask);
                let news = self.tell_news(handle, mask);
                self.answer(reply, news);
            }
            asked @ Progress::Asked(_) => {
                // One question for each wait ([MS-SCMR] 3.1.4.44), which has no code of its own for a second one.
                watch.state = asked;
                self.answer(reply, Err(Win32Error::INVALID_HANDLE.into()));
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
        match self.handles.any(watch.handle) {
            Some(Object::Service(open)) => open.watch = None,
            Some(Object::Manager(open)) => open.watch = None,
            _ => {}
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
        self.news.push(what, format!("{prefix}{name}"));
        for id in self.handles.manager_watches() {
            let Some(Object::Watch(watch)) = self.handles.any(id) else { continue };
            let (handle, mask) = (watch.handle, watch.mask);
            if !mask.intersects(what) {
                // Nothing for this one: it doesn't lag because of it.
                if matches!(watch.state, Progress::Armed | Progress::Asked(_))
                    && let Some(Object::Manager(open)) = self.handles.any(handle)
                {
                    open.told = Some(self.news.end());
                }
                continue;
            }
            match std::mem::replace(&mut watch.state, Progress::Over) {
                Progress::Asked(reply) => {
                    let news = self.tell_news(handle, mask);
                    self.answer(reply, news);
                }
                Progress::Over => {}
                _ => watch.state = Progress::News,
            }
        }
    }

    /// The services that were created and deleted since a handle was last told; it has been told now. What is too much for one answer is for the next one.
    fn tell_news(&mut self, handle: HandleId, mask: NotifyMask) -> Result<Triggered, Failure> {
        let Some(Object::Manager(open)) = self.handles.any(handle) else {
            return Err(Win32Error::REQUEST_ABORTED.into());
        };
        let Some(after) = open.told.and_then(|place| self.news.after(place)) else {
            let cause = format!("more than {REMEMBERED} services were created and deleted since");
            return Err(Failure::new(Win32Error::REQUEST_ABORTED, cause));
        };
        let (mut names, mut what, mut room) = (Vec::new(), NotifyMask::empty(), NAMES);
        for (place, (kind, name)) in after {
            if mask.intersects(*kind) {
                let Some(left) = room.checked_sub(name.encode_utf16().count() + 1) else { break };
                room = left;
                what = what | *kind;
                names.push(name.clone());
            }
            open.told = Some(place);
        }
        let status = ServiceStatus::stopped(ServiceType::empty(), Win32Error::SUCCESS);
        Ok(Triggered { names, ..triggered(what, status) })
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
            Progress::Triggered(earlier) => {
                // Nobody has asked yet: the newest state counts.
                let mask = earlier.notification.triggered | news.notification.triggered;
                watch.state = Progress::Triggered(triggered(mask, news.notification.status));
            }
            Progress::News | Progress::Over => return None,
        }
        Some(handle)
    }
}

/// What may be waited for through a handle ([MS-SCMR] 3.1.4.43): events of a service and of the set of services don't go together, and each needs a handle of its kind.
fn check_mask(mask: NotifyMask, served: NotifyMask) -> Result<(), Failure> {
    let unknown = !(NotifyMask::SERVICE | NotifyMask::SET).0;
    let mixed = mask.intersects(NotifyMask::SERVICE) && mask.intersects(NotifyMask::SET);
    if mask.0 == 0 || mask.0 & unknown != 0 || mixed {
        return Err(Win32Error::INVALID_PARAMETER.into());
    }
    if mask.intersects(served) { Ok(()) } else { Err(Win32Error::INVALID_HANDLE.into()) }
}

fn triggered(what: NotifyMask, status: ServiceStatus) -> Triggered {
    Triggered { notification: Notification { triggered: what, status }, names: Vec::new() }
}
