#![allow(unsafe_code)]

use std::ffi::c_void;
use std::ptr::NonNull;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use svckit_core::Win32Error;
use svckit_core::backend::Notification;
use svckit_core::status::NotifyMask;
use windows_sys::Win32::Foundation::LocalFree;
use windows_sys::Win32::System::Services::{
    NotifyServiceStatusChangeW, SERVICE_NOTIFY_2W, SERVICE_NOTIFY_STATUS_CHANGE,
};
use windows_sys::Win32::System::Threading::{INFINITE, SleepEx};

use super::manager::Handle;
use super::service::status;
use super::text::read_list;
use crate::clock;

/// What the system tells through: it writes into `notify` and then has this thread call [`told`], at a moment when the thread waits for such calls.
struct Mailbox {
    notify: SERVICE_NOTIFY_2W,
    /// Set by [`told`].
    has_come: AtomicBool,
}

/// What was told: what of it happened, and for the set of services the names as the system has them, with a slash before those of created ones.
pub(super) struct News {
    pub(super) notification: Notification,
    pub(super) names: Vec<String>,
}

/// A handle on a service or the service control manager that is there for waiting alone, and what was asked on it.
pub(super) struct Registration {
    /// The question that was not answered yet. INVARIANT: it came from a box, and nobody frees it before `told` was called with it; until then only the flag may be
    /// looked at, since the system writes to the rest.
    asked: Option<(NotifyMask, NonNull<Mailbox>)>,
    handle: Option<Handle>,
}

impl std::fmt::Debug for Registration {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Registration").field("mask", &self.mask()).field("handle", &self.handle).finish()
    }
}

impl Registration {
    pub(super) fn new(handle: Handle) -> Self {
        Self { asked: None, handle: Some(handle) }
    }

    /// What is being waited for; nothing if no question is open.
    pub(super) fn mask(&self) -> NotifyMask {
        self.asked.as_ref().map_or(NotifyMask(0), |(mask, _)| *mask)
    }

    /// Whether no question is open.
    pub(super) fn is_idle(&self) -> bool {
        self.asked.is_none()
    }

    /// Asks, if no question is open.
    pub(super) fn begin(&mut self, mask: NotifyMask) -> Result<(), Win32Error> {
        if self.asked.is_none() {
            self.asked = Some((mask, self.ask(mask)?));
        }
        Ok(())
    }

    /// Waits for the answer; `None` when the time is over, and then the question stays open.
    ///
    /// The system has this thread called, so it is always the same one: nothing here can be sent to another.
    pub(super) fn wait(&mut self, mask: NotifyMask, limit: Duration) -> Result<Option<News>, Win32Error> {
        let deadline = clock::now().tick + limit;
        self.begin(mask)?;
        loop {
            if let Some((_, mailbox)) = self.asked
                && has_come(mailbox)
            {
                self.asked = None;
                // SAFETY: by the invariant it came from a box, the system is done with it, and the question is ours no more.
                let mailbox = unsafe { Box::from_raw(mailbox.as_ptr()) };
                let notify = &mailbox.notify;
                Win32Error(notify.dwNotificationStatus).check()?;
                let triggered = NotifyMask(notify.dwNotificationTriggered);
                let mut names = Vec::new();
                if triggered.intersects(NotifyMask::SET) && !notify.pszServiceNames.is_null() {
                    // SAFETY: after such an event the member leads to a list of strings, which is ours to free, and nobody else has freed it.
                    unsafe {
                        names = read_list(notify.pszServiceNames);
                        LocalFree(notify.pszServiceNames.cast());
                    }
                }
                let notification = Notification { triggered, status: status(&notify.ServiceStatus) };
                return Ok(Some(News { notification, names }));
            }
            let left = deadline.since(clock::now().tick);
            if left.is_zero() {
                return Ok(None);
            }
            // SAFETY: the calls that it lets in are those that were asked for on this thread; ours is `told`.
            unsafe { SleepEx(clock::wait_millis(left), 1) };
        }
    }

    fn ask(&self, mask: NotifyMask) -> Result<NonNull<Mailbox>, Win32Error> {
        let Some(handle) = &self.handle else { return Err(Win32Error::INVALID_HANDLE) };
        let mailbox =
            Box::new(Mailbox { notify: SERVICE_NOTIFY_2W::default(), has_come: AtomicBool::new(false) });
        let mailbox = NonNull::from(Box::leak(mailbox));
        // SAFETY: nobody else knows of the mailbox yet.
        let code = unsafe {
            let inside = mailbox.as_ptr();
            (*inside).notify.dwVersion = SERVICE_NOTIFY_STATUS_CHANGE;
            (*inside).notify.pfnNotifyCallback = Some(told);
            (*inside).notify.pContext = (&raw mut (*inside).has_come).cast();
            // The handle is open. The structure stays where it is until `told` was called, or else for ever; see `drop`.
            NotifyServiceStatusChangeW(handle.raw(), mask.0, &raw const (*inside).notify)
        };
        if let Err(code) = Win32Error(code).check() {
            // SAFETY: it came from a box, and the system, which refused the question, has not kept it.
            drop(unsafe { Box::from_raw(mailbox.as_ptr()) });
            return Err(code);
        }
        Ok(mailbox)
    }
}

impl Drop for Registration {
    fn drop(&mut self) {
        // Closing the handle ends the question.
        self.handle = None;
        let Some((_, mailbox)) = self.asked.take() else { return };
        // SAFETY: as in `wait`; a call that is on its way already comes in here.
        unsafe { SleepEx(0, 1) };
        // If it has not, nothing says that it can't come any more: better a hundred bytes lost than written to when they are somebody else's.
        if has_come(mailbox) {
            // SAFETY: by the invariant it came from a box, and the system is done with it.
            drop(unsafe { Box::from_raw(mailbox.as_ptr()) });
        }
    }
}

/// Waits until the system has called this thread, for whatever it was asked for, or the time is over.
pub fn be_called(limit: Option<Duration>) {
    let limit = limit.map_or(INFINITE, clock::wait_millis);
    // SAFETY: the calls that it lets in are those that were asked for on this thread; ours is `told`.
    unsafe { SleepEx(limit, 1) };
}

/// Whether `told` was called with this mailbox, which was not freed yet.
fn has_come(mailbox: NonNull<Mailbox>) -> bool {
    // SAFETY: by the invariant of `Registration::asked` it is there, and the flag may be looked at.
    unsafe { (*mailbox.as_ptr()).has_come.load(Ordering::Acquire) }
}

/// Called by the system on the thread that asked, when the answer is in the structure.
unsafe extern "system" fn told(notify: *const c_void) {
    let notify = notify.cast::<SERVICE_NOTIFY_2W>();
    // SAFETY: the system passes the structure that it was given, which is in a `Mailbox` that lives as argued at the call; the context leads to the flag in the same one.
    unsafe {
        if let Some(flag) = (*notify).pContext.cast::<AtomicBool>().as_ref() {
            flag.store(true, Ordering::Release);
        }
    }
}
