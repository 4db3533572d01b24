#![allow(unsafe_code)]

use std::collections::HashMap;
use std::ffi::c_void;
use std::io;
use std::sync::mpsc::{Sender, channel};
use std::sync::{Condvar, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::Duration;

use svckit_core::Win32Error;
use svckit_core::control::Control;
use svckit_core::dispatch::ToProcess;
use svckit_core::kind::ServiceType;
use svckit_core::name::ServiceName;
use svckit_core::status::{ServiceState, ServiceStatus};
use svckit_core::system_event::{Happening, SystemEvent};
use windows_sys::Win32::Foundation::ERROR_CALL_NOT_IMPLEMENTED;
use windows_sys::Win32::System::RemoteDesktop::WTSSESSION_NOTIFICATION;
use windows_sys::Win32::System::Services::{
    RegisterServiceCtrlHandlerExW, SERVICE_STATUS, SERVICE_STATUS_HANDLE, SERVICE_TABLE_ENTRYW,
    SetServiceStatus, StartServiceCtrlDispatcherW,
};

use crate::text::{self, wide};

/// How long the service control manager waits for the answer to a control.
const ANSWER_TIMEOUT: Duration = Duration::from_secs(30);

/// What the system's calls, which bring no context, need. A process has at most one dispatcher.
static SHARED: OnceLock<Shared> = OnceLock::new();

struct Shared {
    heard: Box<dyn Fn(ToProcess) + Send + Sync>,
    work: Option<Box<dyn Fn() + Send + Sync>>,
    state: Mutex<State>,
    /// A service is to stop, a control was handled, or the work has ended.
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Services that were started, by folded name.
    services: HashMap<String, Running>,
    /// Who waits for the answer to a control.
    waiting: HashMap<u64, Sender<Win32Error>>,
    /// The last control's number.
    last: u64,
    /// Whether a thread is at work.
    works: bool,
}

struct Running {
    /// The handle for reports, as a number. It needs no closing.
    handle: usize,
    /// How many controls are being handled.
    controls: usize,
    /// The last report. It is made when no control is being handled any more: the process may be ended at any moment after it, and an answer on its way with it.
    last: Option<ServiceStatus>,
}

/// What a service's process says to the service control manager.
#[derive(Debug, Clone, Copy)]
pub struct Dispatcher(());

/// Lets the service control manager start services in this process, and control them: `heard` is called with each order, from threads of the system. The
/// process names every service that it can be: Windows looks at the names in a shared process only, Wine wherever there are several.
///
/// `work`, if there is any that needs a thread, is done by one of these threads, so that none is needed for it alone, after the order to start the first service was heard; and again whenever a service
/// is started while nobody is at it. It returns when no service of this process is left.
///
/// Returns when all services that were started have stopped and the work has ended. Fails with `ERROR_FAILED_SERVICE_CONTROLLER_CONNECT` if the service control
/// manager didn't start this process.
///
/// # Panics
/// If a process does it twice.
pub fn serve(
    names: &[&str],
    heard: impl Fn(ToProcess) + Send + Sync + 'static,
    work: Option<Box<dyn Fn() + Send + Sync>>,
) -> io::Result<()> {
    let state = Mutex::new(State::default());
    let shared = Shared { heard: Box::new(heard), work, state, changed: Condvar::new() };
    assert!(SHARED.set(shared).is_ok(), "a process has one dispatcher");
    // Of a process that can be none, what is wrong is told by the connection.
    let names: &[&str] = if names.is_empty() { &[""] } else { names };
    let mut names: Vec<Vec<u16>> = names.iter().map(wide).collect();
    let mut table: Vec<SERVICE_TABLE_ENTRYW> = names
        .iter_mut()
        .map(|name| SERVICE_TABLE_ENTRYW {
            lpServiceName: name.as_mut_ptr(),
            lpServiceProc: Some(service_main),
        })
        .collect();
    table.push(SERVICE_TABLE_ENTRYW::default());
    // SAFETY: the table ends with an empty entry; it and its names live until the call returns, when all services have stopped.
    let done = unsafe { StartServiceCtrlDispatcherW(table.as_ptr()) };
    let error = (done == 0).then(io::Error::last_os_error);
    // The last report may have been made, and the work not be done.
    if let Some(shared) = SHARED.get() {
        drop(shared.changed.wait_while(shared.state(), |state| state.works));
    }
    error.map_or(Ok(()), Err)
}

impl Dispatcher {
    /// The one of this process, once [`serve`] was called.
    pub fn here() -> Option<Self> {
        SHARED.get().map(|_| Self(()))
    }

    /// Reports the status of a service that was started. `STOPPED` is passed on when no control is being handled any more; then the process may be ended at any
    /// moment.
    pub fn report(self, service: &ServiceName, status: &ServiceStatus) -> io::Result<()> {
        let Some(shared) = SHARED.get() else { return Ok(()) };
        let mut state = shared.state();
        let Some(running) = state.services.get_mut(&service.folded()) else {
            return Err(io::Error::from_raw_os_error(Win32Error::SERVICE_NOT_ACTIVE.0.cast_signed()));
        };
        if status.state == ServiceState::STOPPED {
            running.last = Some(*status);
            running.conclude();
            shared.changed.notify_all();
            return Ok(());
        }
        set_status(running.handle, status)
    }

    /// Answers a control that was heard.
    pub fn answer(self, id: u64, code: Win32Error) {
        let waiting = SHARED.get().and_then(|shared| shared.state().waiting.remove(&id));
        if let Some(waiting) = waiting {
            // Who asked may have given up.
            let _ = waiting.send(code);
        }
    }
}

impl Shared {
    /// A thread that panicked with the state in hand left it whole: every change is one assignment.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Is the service until it has stopped.
    fn run(&self, name: ServiceName, arguments: Vec<String>) {
        let folded = name.folded();
        let wide = wide(name.as_str());
        // The system passes the name back with every control, for as long as the process lives: it is never freed, and there is one for each start.
        let context: &'static ServiceName = Box::leak(Box::new(name.clone()));
        // SAFETY: the name ends with NUL and lives during the call; the context is alive for ever and shared only for reading.
        let handle = unsafe {
            RegisterServiceCtrlHandlerExW(
                wide.as_ptr(),
                Some(handle_control),
                std::ptr::from_ref(context).cast::<c_void>(),
            )
        };
        if handle.is_null() {
            // The service control manager sees that nothing is reported; there is no other way to tell it.
            return;
        }
        // At once, so that whoever started the service knows that it is answered for, however soon it stops again.
        let starting = ServiceStatus {
            state: ServiceState::START_PENDING,
            wait_hint: ANSWER_TIMEOUT,
            ..ServiceStatus::stopped(ServiceType::WIN32_OWN_PROCESS, Win32Error::SUCCESS)
        };
        let _ = set_status(handle as usize, &starting);
        let running = Running { handle: handle as usize, controls: 0, last: None };
        self.state().services.insert(folded.clone(), running);
        (self.heard)(ToProcess::Start {
            service: name,
            display_name: None,
            arguments,
            definition: None,
            sockets: Vec::new(),
        });
        let mut state = self.state();
        loop {
            match (state.next(&folded), &self.work) {
                (Next::End, _) => return,
                (Next::Work, Some(work)) => {
                    state.works = true;
                    drop(state);
                    work();
                    state = self.state();
                    state.works = false;
                    self.changed.notify_all();
                }
                _ => state = self.changed.wait(state).unwrap_or_else(PoisonError::into_inner),
            }
        }
    }

    /// Passes an order on under a number, and waits for the answer with this number.
    fn ask(&self, service: &ServiceName, order: impl FnOnce(u64) -> ToProcess) -> Win32Error {
        let (answer, answered) = channel();
        let id = {
            let mut state = self.state();
            if let Some(running) = state.services.get_mut(&service.folded()) {
                running.controls += 1;
            }
            state.last += 1;
            let id = state.last;
            state.waiting.insert(id, answer);
            id
        };
        (self.heard)(order(id));
        let code = answered.recv_timeout(ANSWER_TIMEOUT).unwrap_or(Win32Error::SERVICE_REQUEST_TIMEOUT);
        let mut state = self.state();
        state.waiting.remove(&id);
        if let Some(running) = state.services.get_mut(&service.folded()) {
            running.controls -= 1;
            running.conclude();
        }
        drop(state);
        self.changed.notify_all();
        code
    }
}

/// What the thread of a service does.
#[derive(Debug, PartialEq, Eq)]
enum Next {
    /// The work, if there is any.
    Work,
    /// It waits for others.
    Wait,
    /// Nothing: the service has ended.
    End,
}

impl State {
    fn next(&self, folded: &str) -> Next {
        match self.services.get(folded) {
            Some(running) if running.has_ended() => Next::End,
            // One that has told its last needs no work any more: only the answer to a control is on its way.
            Some(running) if !self.works && running.last.is_none() => Next::Work,
            Some(_) => Next::Wait,
            None => Next::End,
        }
    }
}

impl Running {
    fn has_ended(&self) -> bool {
        self.last.is_some() && self.controls == 0
    }

    /// Makes the last report as soon as it may be made.
    fn conclude(&self) {
        if let Some(status) = self.last.filter(|_| self.has_ended()) {
            // If it is refused, the end of the process tells.
            let _ = set_status(self.handle, &status);
        }
    }
}

fn set_status(handle: usize, status: &ServiceStatus) -> io::Result<()> {
    let raw = SERVICE_STATUS {
        dwServiceType: status.service_type.0,
        dwCurrentState: status.state.0,
        dwControlsAccepted: status.controls_accepted.0,
        dwWin32ExitCode: status.win32_exit_code.0,
        dwServiceSpecificExitCode: status.service_exit_code,
        dwCheckPoint: status.checkpoint,
        dwWaitHint: u32::try_from(status.wait_hint.as_millis()).unwrap_or(u32::MAX),
    };
    // SAFETY: the handle is one that the system gave for a service of this process, and stays valid; the structure lives during the call.
    let done = unsafe { SetServiceStatus(handle as SERVICE_STATUS_HANDLE, &raw const raw) };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Called by the system on a thread of its own when a service is started.
unsafe extern "system" fn service_main(count: u32, arguments: *mut *mut u16) {
    // SAFETY: by the contract of the call there are so many pointers to strings that end with NUL; the first is the service's name.
    let mut arguments = unsafe { read(count, arguments) }.into_iter();
    let name = arguments.next().and_then(|name| ServiceName::new(name).ok());
    if let (Some(shared), Some(name)) = (SHARED.get(), name) {
        shared.run(name, arguments.collect());
    }
}

/// Called by the system, on the thread in [`serve`], with a control for a service.
unsafe extern "system" fn handle_control(
    control: u32,
    event: u32,
    data: *mut c_void,
    context: *mut c_void,
) -> u32 {
    // SAFETY: the context is the name that `Shared::run` passed, alive for ever and only read.
    let service = unsafe { context.cast::<ServiceName>().as_ref() };
    let (Some(shared), Some(service)) = (SHARED.get(), service) else { return ERROR_CALL_NOT_IMPLEMENTED };
    let (control, service_name) = (Control(control), service.clone());
    // SAFETY: the data are what the system passes with this control.
    match unsafe { told(control, event, data) } {
        Told::Happening(happening) => {
            shared.ask(service, |id| ToProcess::Happened { service: service_name, happening, id }).0
        }
        Told::Nothing => Win32Error::SUCCESS.0,
        Told::Control => {
            shared.ask(service, |id| ToProcess::Control { service: service_name, control, id }).0
        }
    }
}

/// What a call of the handler is about.
#[derive(Debug, PartialEq, Eq)]
enum Told {
    /// A control.
    Control,
    /// Something that happened.
    Happening(Happening),
    /// Something that nobody can have asked for: a kind of event without a name here.
    Nothing,
}

/// # Safety
/// `data` is what the system passes to a handler with this control: of a change of a session a `WTSSESSION_NOTIFICATION`.
unsafe fn told(control: Control, event: u32, data: *const c_void) -> Told {
    if !matches!(control, Control::POWEREVENT | Control::SESSIONCHANGE) {
        return Told::Control;
    }
    let Some(event) = SystemEvent::told(control, event) else { return Told::Nothing };
    let about = data.cast::<WTSSESSION_NOTIFICATION>();
    let session = (control == Control::SESSIONCHANGE && !about.is_null())
        // SAFETY: by the contract of this function; the structure lives during the call.
        .then(|| unsafe { (*about).dwSessionId });
    Told::Happening(Happening { event, session })
}

/// # Safety
/// There are `count` pointers at `pointers`, each to UTF-16 that ends with NUL.
unsafe fn read(count: u32, pointers: *mut *mut u16) -> Vec<String> {
    if pointers.is_null() {
        return Vec::new();
    }
    // SAFETY: by the contract.
    let text = |index: usize| unsafe { text::read(*pointers.add(index)) }.unwrap_or_default();
    (0..count as usize).map(text).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_happens_to_the_machine_and_to_sessions_is_told_by_name() {
        let session = WTSSESSION_NOTIFICATION { cbSize: 8, dwSessionId: 3 };
        let data = std::ptr::from_ref(&session).cast::<c_void>();
        // SAFETY: changes of sessions have the structure, nothing else needs data.
        let told = |control, event, data| unsafe { told(control, event, data) };
        let none = std::ptr::null();
        let logon = Happening { event: SystemEvent::SessionLogon, session: Some(3) };
        assert_eq!(told(Control::SESSIONCHANGE, 5, data), Told::Happening(logon));
        let suspend = Happening { event: SystemEvent::Suspend, session: None };
        assert_eq!(told(Control::POWEREVENT, 4, none), Told::Happening(suspend));
        assert_eq!(told(Control::POWEREVENT, 7, none), Told::Nothing);
        assert_eq!(told(Control::STOP, 0, none), Told::Control);
    }

    #[test]
    fn a_service_whose_last_control_is_being_answered_needs_no_more_work() {
        let last = Some(ServiceStatus::stopped(ServiceType::WIN32_OWN_PROCESS, Win32Error::SUCCESS));
        let next = |last, controls, works| {
            let services = HashMap::from([("web".to_owned(), Running { handle: 0, controls, last })]);
            State { services, works, ..State::default() }.next("web")
        };
        assert_eq!(next(None, 0, false), Next::Work);
        assert_eq!(next(None, 1, false), Next::Work);
        assert_eq!(next(None, 1, true), Next::Wait, "another is at it");
        assert_eq!(next(last, 1, false), Next::Wait);
        assert_eq!(next(last, 0, false), Next::End);
        assert_eq!(State::default().next("web"), Next::End);
    }
}
