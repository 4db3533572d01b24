//! Where events go for people: the system's event log.

use std::fmt;

use svckit_core::name::ServiceName;
use svckit_core::native::{EventId, Level};
use svckit_os::event_log::EventLog;

/// Takes what happened. The built-in service control manager's events are the other place where that goes.
pub(super) trait EventSink: fmt::Debug + Send {
    /// Something happened to a service.
    fn record(&mut self, service: &ServiceName, id: EventId, level: Level, message: &str);

    /// The definition of a service can't be read: it is as if there were none.
    fn definition_unread(&mut self, service: &ServiceName, why: &str) {
        let message = format!("the definition of {:?} can't be read: {why}", service.as_str());
        self.record(service, EventId::PROGRAM_NOT_STARTED, Level::Error, &message);
    }
}

/// The system's log `Application`. Without it events are in the files only.
#[derive(Debug)]
pub(super) struct SystemLog {
    log: Option<EventLog>,
}

impl SystemLog {
    pub(super) fn open() -> Self {
        Self { log: EventLog::open().ok() }
    }

    /// This process can't be a host.
    pub(super) fn host_failed(&self, why: &str) {
        self.report("svc", EventId::PROGRAM_NOT_STARTED, Level::Error, &format!("the host can't run: {why}"));
    }

    fn report(&self, service: &str, id: EventId, level: Level, message: &str) {
        if let Some(log) = &self.log {
            // A log that is full or gone must not stop a service.
            let _ = log.report(level, id, service, message);
        }
    }
}

impl EventSink for SystemLog {
    fn record(&mut self, service: &ServiceName, id: EventId, level: Level, message: &str) {
        self.report(service.as_str(), id, level, message);
    }
}
