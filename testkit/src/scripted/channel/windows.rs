use std::io;
use std::sync::mpsc::Sender;
use std::sync::{Arc, Mutex, PoisonError};
use std::thread;

use svckit_core::dispatch::{FromProcess, ToProcess};
use svckit_os::dispatcher::{self, Dispatcher};

use super::super::Event;

/// The service control manager of Windows, which is told by calls.
pub(in crate::scripted) struct Connection(());

impl Connection {
    /// It knows this process.
    pub(in crate::scripted) fn introduce(&mut self, _: &FromProcess) {}

    /// Says a message.
    pub(in crate::scripted) fn say(&mut self, message: &FromProcess) {
        let Some(dispatcher) = Dispatcher::here() else { return };
        match message {
            // A status that is refused shows in the test that waits for it.
            FromProcess::Status { service, status } => drop(dispatcher.report(service, status)),
            FromProcess::ControlDone { id, code } => dispatcher.answer(*id, *code),
            FromProcess::Hello { .. } | FromProcess::Host { .. } | FromProcess::Event { .. } => {}
        }
    }
}

/// Hears the service control manager until every service has stopped. Without names the process is that of any one service.
pub(in crate::scripted) fn listen(services: &[String], events: Sender<Event>) -> io::Result<()> {
    let services = services.to_vec();
    // The process may be gone before these are taken.
    let _ = events.send(Event::Connected(Connection(())));
    thread::spawn(move || {
        let started = Arc::new(Mutex::new(Vec::new()));
        let (hear, names) = (events.clone(), Arc::clone(&started));
        let services: Vec<&str> = services.iter().map(String::as_str).collect();
        let hear = move |order| {
            if let ToProcess::Start { service, .. } = &order {
                names.lock().unwrap_or_else(PoisonError::into_inner).push(service.clone());
            }
            let _ = hear.send(Event::Said(order));
        };
        let served = dispatcher::serve(&services, hear, None);
        if let Err(error) = served {
            report(&error);
        }
        for service in started.lock().unwrap_or_else(PoisonError::into_inner).drain(..) {
            let _ = events.send(Event::Said(ToProcess::Release { service }));
        }
        let _ = events.send(Event::Said(ToProcess::Close));
    });
    Ok(())
}

#[expect(clippy::print_stderr, reason = "this is a program of its own")]
fn report(error: &io::Error) {
    eprintln!("svckit-scripted: {error}");
}

/// Nobody inherits sockets on this system.
pub(in crate::scripted) fn answer(index: u32) {
    panic!("there is no inherited socket {index}");
}
