//! The service control manager of Windows starts this process and calls it: on threads of its own, which pass every order to the one loop and, for a control, wait
//! for its answer.

mod definition;
mod followers;
mod record;
mod sink;
mod variables;

use std::collections::VecDeque;
use std::io::{self, Write};
use std::process::ExitCode;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use svckit_core::Win32Error;
use svckit_core::dispatch::{FromProcess, ServiceReport, ToProcess};
use svckit_core::kind::ServiceType;
use svckit_core::status::{ServiceState, ServiceStatus};
use svckit_os::dispatcher::{self, Dispatcher};
use svckit_os::errno;
use svckit_os::event::{Poller, Ready, Waker};
use svckit_os::process::{Sockets, Terms};

use super::TOKENS;
use crate::runtime;
use crate::supervisor::{Output, Setting};

use followers::Followers;
use record::Records;
use sink::{EventSink, SystemLog};

const ORDERS: u64 = TOKENS.start;
const FOLLOWERS: u64 = TOKENS.start + 1;

/// `svc host run [NAME]`: the host of the services that the service control manager starts in this process; of one only if that is named.
pub fn run_from_environment(service: Option<&str>) -> ExitCode {
    let names = service.map_or_else(definition::services_of_this_process, |name| vec![name.to_owned()]);
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let inbox = Arc::new(Inbox::default());
    let (heard, taken) = (Arc::clone(&inbox), Arc::clone(&inbox));
    let has_failed = Arc::new(AtomicBool::new(false));
    let failed = Arc::clone(&has_failed);
    let work = move || {
        if serve(&taken).is_err() {
            failed.store(true, Ordering::Relaxed);
        }
    };
    match dispatcher::serve(&names, move |order| heard.push(order), Some(Box::new(work))) {
        Err(error) if errno::win32(&error) == Win32Error::FAILED_SERVICE_CONTROLLER_CONNECT => refuse(
            "this is what the service control manager runs; \"svc start NAME\" has it started, and \"svc debug NAME\" runs the program in the console",
        ),
        Err(error) => refuse(&errno::describe(&error)),
        Ok(()) if has_failed.load(Ordering::Relaxed) => ExitCode::FAILURE,
        Ok(()) => ExitCode::SUCCESS,
    }
}

fn refuse(why: &str) -> ExitCode {
    // If nobody reads it the exit code has to do.
    let _ = writeln!(io::stderr(), "svc: {why}");
    ExitCode::FAILURE
}

/// The service control manager makes the hosts itself.
pub fn serve_spawner() -> io::Result<ExitCode> {
    Ok(refuse("Windows needs no spawner: its service control manager starts the hosts"))
}

/// Is the host until no service is left. If it can't be, every service that is to be started stops at once, with the reason.
fn serve(inbox: &Arc<Inbox>) -> io::Result<()> {
    let setting = Setting {
        instance: format!("windows-{}", std::process::id()),
        inherit: variables::inherited,
        environment: Vec::new(),
        terms: Terms::of_this_process(),
        output: Output::Logs,
        gate: None,
    };
    let served =
        runtime::run(setting, |poller| Link::new(Arc::clone(inbox), poller, Box::new(SystemLog::open())));
    if let Err(error) = &served {
        SystemLog::open().host_failed(&errno::describe(error));
        inbox.refuse(errno::win32(error));
    }
    served
}

/// Orders on their way from the system's threads to the loop.
#[derive(Debug, Default)]
struct Inbox(Mutex<Waiting>);

#[derive(Debug, Default)]
struct Waiting {
    orders: VecDeque<ToProcess>,
    /// Wakes the loop, while there is one.
    waker: Option<Waker>,
}

impl Inbox {
    /// A thread that panicked with it in hand left it whole.
    fn waiting(&self) -> MutexGuard<'_, Waiting> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, order: ToProcess) {
        let mut waiting = self.waiting();
        waiting.orders.push_back(order);
        if let Some(waker) = &waiting.waker {
            // A loop that has ended takes no orders; the next begins with them.
            let _ = waker.wake();
        }
    }

    fn take(&self) -> VecDeque<ToProcess> {
        std::mem::take(&mut self.waiting().orders)
    }

    fn is_empty(&self) -> bool {
        self.waiting().orders.is_empty()
    }

    /// Refuses the orders that wait, in place of the loop, which isn't there.
    fn refuse(&self, code: Win32Error) {
        let Some(dispatcher) = Dispatcher::here() else { return };
        for order in self.take() {
            match order {
                ToProcess::Start { service, .. } => {
                    let status = ServiceStatus::stopped(ServiceType::WIN32_OWN_PROCESS, code);
                    // If it is refused, the end of the process tells.
                    let _ = dispatcher.report(&service, &status);
                }
                ToProcess::Control { id, .. } | ToProcess::Happened { id, .. } => dispatcher.answer(id, code),
                ToProcess::Release { .. } | ToProcess::Close => {}
            }
        }
    }
}

/// The calls of the service control manager, and what is told in return: to it, to the event log, and in the files of each service.
#[derive(Debug)]
pub(crate) struct Link {
    inbox: Arc<Inbox>,
    sink: Box<dyn EventSink>,
    records: Records,
    followers: Followers,
    /// Services that have stopped; they are released with the next orders.
    stopped: Vec<ToProcess>,
}

impl Link {
    fn new(inbox: Arc<Inbox>, poller: &Poller, sink: Box<dyn EventSink>) -> io::Result<Self> {
        let waker = poller.waker(ORDERS)?;
        // What came before there was a way to wake the loop.
        waker.wake()?;
        inbox.waiting().waker = Some(waker);
        let followers = Followers::new(poller, FOLLOWERS);
        Ok(Self { inbox, sink, records: Records::default(), followers, stopped: Vec::new() })
    }

    /// The service control manager is always there.
    pub(crate) fn is_connected(&self) -> bool {
        true
    }

    /// Another service may be about to start.
    pub(crate) fn keeps_process(&self) -> bool {
        !self.inbox.is_empty()
    }

    /// None: nobody hands sockets over on this system.
    #[expect(clippy::unused_self, reason = "elsewhere there are some")]
    pub(crate) fn sockets(&mut self, _: Vec<String>) -> Sockets {
        Sockets::default()
    }

    /// Takes the orders that wait.
    pub(crate) fn ready(
        &mut self,
        event: Ready,
        _: &Poller,
        _: impl FnOnce() -> Vec<ServiceReport>,
    ) -> io::Result<Vec<ToProcess>> {
        if event.token == FOLLOWERS {
            self.followers.ready();
            return Ok(Vec::new());
        }
        let mut orders = std::mem::take(&mut self.stopped);
        orders.extend(self.inbox.take());
        for order in &mut orders {
            match order {
                ToProcess::Start { service, display_name, definition, .. } => {
                    self.records.begin(service);
                    *display_name = definition::display_name(service);
                    match definition::read(service) {
                        Ok(found) => *definition = found.map(Box::new),
                        Err(why) => self.sink.definition_unread(service, &why),
                    }
                }
                ToProcess::Control { .. }
                | ToProcess::Happened { .. }
                | ToProcess::Release { .. }
                | ToProcess::Close => {}
            }
        }
        Ok(orders)
    }

    /// Tells it.
    pub(crate) fn send(&mut self, frame: FromProcess) {
        match frame {
            FromProcess::Status { service, status } => {
                if let Some(dispatcher) = Dispatcher::here() {
                    // A status that is refused is told again with the next.
                    let _ = dispatcher.report(&service, &status);
                }
                if status.state == ServiceState::STOPPED {
                    self.stopped.push(ToProcess::Release { service });
                }
            }
            FromProcess::ControlDone { id, code } => {
                if let Some(dispatcher) = Dispatcher::here() {
                    dispatcher.answer(id, code);
                }
            }
            FromProcess::Host { service, state } => self.records.state(&service, state),
            FromProcess::Event { service, time, id, level, message } => {
                self.sink.record(&service, id, level, &message);
                self.records.event(&service, time, id, level, message);
            }
            FromProcess::Hello { .. } => {}
        }
    }

    /// What was told was passed on at once; what has stopped is released in the next turn. This comes after everything that happened, output too.
    pub(crate) fn flush(&mut self, _: &Poller) -> io::Result<()> {
        self.followers.tell();
        if self.stopped.is_empty() {
            return Ok(());
        }
        self.inbox.waiting().waker.as_ref().map_or(Ok(()), Waker::wake)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc::{Receiver, Sender, channel};

    use svckit_core::control::Control;
    use svckit_core::name::ServiceName;
    use svckit_core::native::{EventId, Level};
    use svckit_core::time::WallTime;

    #[derive(Debug)]
    struct Heard(Sender<(EventId, Level, String)>);

    impl EventSink for Heard {
        fn record(&mut self, service: &ServiceName, id: EventId, level: Level, message: &str) {
            self.0.send((id, level, format!("{}: {message}", service.as_str()))).unwrap();
        }
    }

    fn link() -> (Link, Poller, Receiver<(EventId, Level, String)>) {
        let (say, heard) = channel();
        let poller = Poller::new().unwrap();
        let link = Link::new(Arc::default(), &poller, Box::new(Heard(say))).unwrap();
        (link, poller, heard)
    }

    fn service() -> ServiceName {
        ServiceName::new("svckit-test-link").unwrap()
    }

    #[test]
    fn every_event_goes_to_the_event_log() {
        let (mut link, _poller, heard) = link();
        let told = [
            (EventId::PROGRAM_STARTED, Level::Information),
            (EventId::PROGRAM_DIED, Level::Warning),
            (EventId::PROGRAM_RECOVERED, Level::Information),
            (EventId::GAVE_UP, Level::Error),
            (EventId::PROGRAM_STOPPED, Level::Information),
        ];
        for (id, level) in told {
            let (service, message) = (service(), "it happened".to_owned());
            link.send(FromProcess::Event { service, time: WallTime(1), id, level, message });
            assert_eq!(heard.recv().unwrap(), (id, level, "svckit-test-link: it happened".to_owned()));
        }
    }

    #[test]
    fn orders_wake_the_loop_and_what_has_stopped_is_released() {
        let (mut link, poller, _heard) = link();
        let mut ready = Vec::new();
        poller.wait(&mut ready, None).unwrap();
        let order = ToProcess::Control { service: service(), control: Control::STOP, id: 7 };
        link.inbox.push(order.clone());
        poller.wait(&mut ready, None).unwrap();
        assert_eq!(ready[0].token, TOKENS.start);
        assert_eq!(link.ready(ready[0], &poller, Vec::new).unwrap(), [order]);
        let status = ServiceStatus::stopped(ServiceType::WIN32_OWN_PROCESS, Win32Error::SUCCESS);
        link.send(FromProcess::Status { service: service(), status });
        link.flush(&poller).unwrap();
        poller.wait(&mut ready, None).unwrap();
        let released = link.ready(ready[0], &poller, Vec::new).unwrap();
        assert_eq!(released, [ToProcess::Release { service: service() }]);
        assert!(!link.keeps_process());
        link.inbox.push(ToProcess::Close);
        assert!(link.keeps_process(), "there is an order");
    }
}
