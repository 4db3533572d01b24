//! Events: numbered, written with the rest of the turn, and told to those who wait for them.

use svckit_core::name::ServiceName;
use svckit_core::native::{Event, EventId, Level, Reply as NativeReply};
use svckit_core::time::WallTime;
use svckit_core::win32::Win32Error;

use super::native::NativeAnswer;
use super::{ConnectionId, Scm};
use crate::error::Failure;
use crate::store::Work;

/// How often old events are forgotten: after so many new ones.
const FORGET_EVERY: u64 = 512;

/// How many events one answer has at most: more would not fit into a message. Whoever wants more asks again, from the last one on.
const MOST_AT_ONCE: u32 = 12_000;

/// Somebody who waits for events.
pub(super) struct EventWait {
    pub(super) connection: ConnectionId,
    pub(super) service: Option<ServiceName>,
    pub(super) after: u64,
    pub(super) limit: Option<u32>,
    pub(super) answer: NativeAnswer,
}

/// Events that are not written yet, and the number of the last one.
pub(super) struct Journal {
    last: u64,
    kept: u64,
    forgotten_at: u64,
    unwritten: Vec<Event>,
    fresh: bool,
    waits: Vec<EventWait>,
}

impl Journal {
    pub(super) fn new(last: u64, kept: u32) -> Self {
        Self {
            last,
            kept: kept.into(),
            forgotten_at: 0,
            unwritten: Vec::new(),
            fresh: false,
            waits: Vec::new(),
        }
    }

    /// Hands the unwritten events over to be written.
    pub(super) fn hand_over(&mut self, work: &mut Work) {
        work.events = std::mem::take(&mut self.unwritten);
        self.fresh |= !work.events.is_empty();
        if !work.events.is_empty() && self.last >= self.forgotten_at + FORGET_EVERY {
            self.forgotten_at = self.last;
            work.forget_to = Some(self.last.saturating_sub(self.kept));
        }
    }

    /// Takes events back that could not be written; of too many, the newest are kept.
    pub(super) fn take_back(&mut self, mut events: Vec<Event>) {
        let most = usize::try_from(self.kept).unwrap_or(usize::MAX);
        events.append(&mut self.unwritten);
        events.drain(..events.len().saturating_sub(most));
        self.unwritten = events;
    }
}

impl Scm {
    pub(super) fn record_event(
        &mut self,
        service: Option<&ServiceName>,
        id: EventId,
        level: Level,
        message: String,
    ) {
        self.record_event_at(service, id, level, message, self.now.wall);
    }

    pub(super) fn record_event_at(
        &mut self,
        service: Option<&ServiceName>,
        id: EventId,
        level: Level,
        message: String,
        time: WallTime,
    ) {
        match level {
            Level::Information => tracing::info!("{message}"),
            Level::Warning => tracing::warn!("{message}"),
            Level::Error => tracing::error!("{message}"),
        }
        self.journal.last += 1;
        let sequence = self.journal.last;
        self.journal.unwritten.push(Event { sequence, time, id, level, service: service.cloned(), message });
    }

    /// Events after a number; if there is none and `wait` is set, when there is one.
    pub(super) fn events(&mut self, wait: bool, request: EventWait) {
        self.write_down();
        match self.read_events(&request) {
            Ok(events) if events.is_empty() && wait => self.journal.waits.push(request),
            Ok(events) => request.answer.give(self, NativeReply::Events { events }),
            Err(failure) => request.answer.give(self, Self::native_error(&failure)),
        }
    }

    /// Answers those who wait for events that have been written.
    pub(super) fn answer_event_waits(&mut self) {
        if !std::mem::take(&mut self.journal.fresh) || self.journal.waits.is_empty() {
            return;
        }
        for wait in std::mem::take(&mut self.journal.waits) {
            match self.read_events(&wait) {
                Ok(events) if events.is_empty() => self.journal.waits.push(wait),
                Ok(events) => wait.answer.give(self, NativeReply::Events { events }),
                Err(failure) => wait.answer.give(self, Self::native_error(&failure)),
            }
        }
    }

    pub(super) fn drop_event_waits(&mut self, connection: ConnectionId) {
        self.journal.waits.retain(|wait| wait.connection != connection);
    }

    fn read_events(&self, wait: &EventWait) -> Result<Vec<Event>, Failure> {
        let limit = wait.limit.unwrap_or(MOST_AT_ONCE).min(MOST_AT_ONCE);
        self.run.events(wait.service.as_ref(), wait.after, Some(limit)).map_err(|error| {
            let cause = format!("the events cannot be read: {error}");
            Failure::new(Win32Error::NO_SYSTEM_RESOURCES, cause)
        })
    }
}
