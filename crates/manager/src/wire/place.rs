//! What handles refer to, so that reading goes on when a connection to another machine is lost.

use std::cell::RefCell;
use std::rc::Rc;

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::{Error, Result, Win32Error};
use svckit_scmr::ops::{Answer, Call, Handle};

use super::{Connection, Doing, Shared, Transport};

/// A handle of a connection.
pub(super) struct Opened<S> {
    pub(super) connection: Rc<Connection<S>>,
    pub(super) handle: Handle,
}

impl<S> Clone for Opened<S> {
    fn clone(&self) -> Self {
        Self { connection: Rc::clone(&self.connection), handle: self.handle }
    }
}

/// How something is opened.
#[derive(Debug)]
pub(super) enum Way {
    /// The service control manager, with these rights.
    Manager(ManagerAccess),
    /// A service, with these.
    Service(String, ServiceAccess),
}

/// Something that was opened, and can be opened again.
pub(super) struct Place<S: Transport> {
    way: Way,
    opened: RefCell<Opened<S>>,
}

impl<S: Transport> Place<S> {
    pub(super) fn new(connection: Rc<Connection<S>>, handle: Handle, way: Way) -> Self {
        Self { way, opened: RefCell::new(Opened { connection, handle }) }
    }

    /// The handle as it is: for what changes something, and must not be done twice.
    pub(super) fn now(&self) -> Opened<S> {
        self.opened.borrow().clone()
    }

    pub(super) fn shared(&self) -> Rc<Shared<S>> {
        Rc::clone(&self.opened.borrow().connection.shared)
    }

    /// Does what only reads, and once more if the connection to another machine is lost meanwhile, or was before: on a new one. That of this machine isn't made again: who has stopped its
    /// service control manager shall not find it started.
    pub(super) fn read<T>(&self, doing: &Doing, read: impl Fn(&Opened<S>) -> Result<T>) -> Result<T> {
        let now = self.now();
        match read(&now) {
            Err(error) if now.connection.is_gone(&error) => read(&self.again(doing)?),
            done => done,
        }
    }

    /// Opens it on another connection.
    fn again(&self, doing: &Doing) -> Result<Opened<S>> {
        let connection = self.shared().connection()?;
        let access = match &self.way {
            Way::Manager(access) => *access,
            Way::Service(..) => ManagerAccess::CONNECT,
        };
        let call = Call::OpenScManager { machine: None, database: None, access };
        let Answer::OpenScManager { manager, .. } = connection.ask(doing, &call)? else {
            return Err(connection.nonsense(doing, "the answer is one to another call"));
        };
        let handle = match &self.way {
            Way::Manager(_) => manager,
            Way::Service(name, access) => {
                let call = Call::OpenService { manager, name: name.clone(), access: *access };
                let opened = connection.ask(doing, &call);
                close(&connection, manager);
                let Answer::OpenService { service, .. } = opened? else {
                    return Err(connection.nonsense(doing, "the answer is one to another call"));
                };
                service
            }
        };
        let opened = Opened { connection, handle };
        *self.opened.borrow_mut() = opened.clone();
        Ok(opened)
    }
}

impl<S: Transport> Drop for Place<S> {
    fn drop(&mut self) {
        let opened = self.opened.get_mut();
        close(&opened.connection, opened.handle);
    }
}

impl<S: Transport> Connection<S> {
    /// Whether the error is that this connection is lost, and another may be made.
    pub(super) fn is_gone(&self, error: &Error) -> bool {
        error.code == Win32Error::RPC_S_CALL_FAILED && !self.works() && self.shared.is_elsewhere()
    }
}

/// Closes a handle. A handle on a connection that was lost is closed already.
fn close<S: Transport>(connection: &Connection<S>, handle: Handle) {
    if !connection.works() {
        return;
    }
    let closed = connection.ask(&Doing::new("close handle"), &Call::CloseServiceHandle { handle });
    if let Err(error) = closed {
        tracing::debug!(%error, "a handle was not closed");
    }
}
