use std::time::Duration;

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::status::NotifyMask;
use svckit_core::{Result, Win32Error};
use svckit_os::clock;
use svckit_scmr::client::Outcome;
use svckit_scmr::ops::{Answer, Call, Handle, NotifyParams};

use super::link::{Link, LinkError, answer};
use super::{Doing, Shared, Transport};

/// A connection on which the service control manager tells of changes of one service, or of the set of services.
///
/// It stays between the waits of a handle, so that what was told before is not told again, and a change between two waits is not missed.
pub(super) struct Waiter<S> {
    link: Link<S>,
    /// Of the service, or of the service control manager.
    object: Handle,
    asked: Option<Asked>,
}

/// A question that was not answered yet.
struct Asked {
    mask: NotifyMask,
    notify: Handle,
    call_id: u32,
}

/// Why a wait failed: without an answer, or with one that has a code.
pub(super) enum WaitError {
    Link(LinkError),
    Code(Win32Error),
}

impl<S: Transport> Waiter<S> {
    /// Opens the service once more, on a connection of its own and with the same rights.
    pub(super) fn open(shared: &Shared<S>, doing: &Doing, name: &str, access: ServiceAccess) -> Result<Self> {
        let mut link = shared.open()?;
        let opened = open_service(&mut link, name, access);
        let object = opened.map_err(|error| doing.failed_with(error, &shared.target))?;
        Ok(Self { link, object, asked: None })
    }

    /// Opens the service control manager once more, on a connection of its own, and begins to wait for these events.
    pub(super) fn of_set(shared: &Shared<S>, doing: &Doing, mask: NotifyMask) -> Result<Self> {
        let told = |error| doing.failed_with(error, &shared.target);
        let mut link = shared.open()?;
        let object = open_manager(&mut link, ManagerAccess::ENUMERATE_SERVICE).map_err(told)?;
        let mut waiter = Self { link, object, asked: None };
        waiter.begin(mask).map_err(told)?;
        Ok(waiter)
    }

    /// Asks, if there is no question open.
    pub(super) fn begin(&mut self, mask: NotifyMask) -> Result<(), WaitError> {
        if self.asked.is_none() {
            self.asked = Some(self.ask(mask)?);
        }
        Ok(())
    }

    /// Whether this can be used to wait for these events: not if others are being waited for.
    pub(super) fn serves(&self, mask: NotifyMask) -> bool {
        self.link.works() && self.asked.as_ref().is_none_or(|asked| asked.mask == mask)
    }

    /// Waits; `None` when the time is over.
    pub(super) fn wait(
        &mut self,
        mask: NotifyMask,
        timeout: Duration,
    ) -> Result<Option<NotifyParams>, WaitError> {
        let deadline = clock::now().tick + timeout;
        let asked = match self.asked.take() {
            Some(asked) => asked,
            None => self.ask(mask)?,
        };
        let Some(outcome) = self.link.outcome(asked.call_id, Some(deadline))? else {
            self.asked = Some(asked);
            return Ok(None);
        };
        let news = told(outcome)?;
        self.link.call(&Call::CloseNotifyHandle { notify: asked.notify })?;
        Ok(Some(news))
    }

    /// Closes the connection; when this returns, nothing is held open by it any more.
    pub(super) fn close(mut self) {
        if self.asked.is_none() && self.link.works() {
            let closed = self.link.call(&Call::CloseServiceHandle { handle: self.object });
            if closed.is_ok() {
                return;
            }
        }
        self.link.close();
    }

    fn ask(&mut self, mask: NotifyMask) -> Result<Asked, WaitError> {
        let params = NotifyParams::request(mask);
        let call = Call::NotifyServiceStatusChange { service: self.object, params };
        let Answer::NotifyServiceStatusChange { notify, code } = self.link.call(&call)? else {
            return Err(nonsense());
        };
        code.check()?;
        let call_id = self.link.begin(&Call::GetNotifyResults { notify })?;
        Ok(Asked { mask, notify, call_id })
    }
}

fn open_manager<S: Transport>(link: &mut Link<S>, access: ManagerAccess) -> Result<Handle, WaitError> {
    let access = ManagerAccess::CONNECT | access;
    let open = Call::OpenScManager { machine: None, database: None, access };
    let Answer::OpenScManager { manager, code } = link.call(&open)? else { return Err(nonsense()) };
    code.check()?;
    Ok(manager)
}

fn open_service<S: Transport>(
    link: &mut Link<S>,
    name: &str,
    access: ServiceAccess,
) -> Result<Handle, WaitError> {
    let manager = open_manager(link, ManagerAccess::CONNECT)?;
    let open = Call::OpenService { manager, name: name.to_owned(), access };
    let Answer::OpenService { service, code } = link.call(&open)? else { return Err(nonsense()) };
    code.check()?;
    Ok(service)
}

/// What was told ([MS-SCMR] 3.1.4.44).
fn told(outcome: Outcome) -> Result<NotifyParams, WaitError> {
    let Answer::GetNotifyResults { results, code } = answer(outcome)? else { return Err(nonsense()) };
    code.check()?;
    let params = results.into_iter().flatten().next().ok_or_else(nonsense)?;
    params.notification_status.check()?;
    Ok(params)
}

fn nonsense() -> WaitError {
    let cause = "the answer is one to another call".to_owned();
    WaitError::Link(LinkError { code: Win32Error::RPC_S_PROTOCOL_ERROR, cause })
}

impl Doing {
    pub(super) fn failed_with(&self, error: WaitError, target: &str) -> Box<svckit_core::Error> {
        match error {
            WaitError::Link(error) => self.failed(error, target),
            WaitError::Code(code) => self.error(code, target),
        }
    }
}

impl From<LinkError> for WaitError {
    fn from(error: LinkError) -> Self {
        Self::Link(error)
    }
}

impl From<Win32Error> for WaitError {
    fn from(code: Win32Error) -> Self {
        Self::Code(code)
    }
}
