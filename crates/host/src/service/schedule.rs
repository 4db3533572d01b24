//! What the clock has a service do while it runs: its program is run again, or it stops. Its start is up to the service control manager.

use svckit_core::definition::HostDefinition;
use svckit_core::native::{EventId, Level};
use svckit_core::system_event::{Happening, SystemEvent};
use svckit_core::time::{Now, Tick};
use svckit_core::timetable::{Alarm, Deed, Scheduled};
use svckit_os::clock::{self, Change};

use super::errand::Purpose;
use super::{Next, Run, Service, State};
use crate::message::Message;
use crate::supervisor::Shared;

/// When it is time for what.
#[derive(Debug, Default)]
pub(super) struct Alarms {
    stop: Option<Alarm>,
    restart: Option<Alarm>,
    /// When the clock is looked at again.
    wake: Option<Tick>,
}

impl Alarms {
    /// The one that rings first, with what for.
    fn first(&self) -> Option<(Deed, Alarm)> {
        let both = [(Deed::Stop, self.stop), (Deed::Restart, self.restart)];
        let set = both.into_iter().filter_map(|(deed, alarm)| Some((deed, alarm?)));
        set.min_by_key(|(_, alarm)| alarm.at())
    }

    fn set_wake(&mut self, is_told: bool, now: Now) {
        self.wake = self.first().map(|(_, alarm)| alarm.deadline(now, is_told));
    }
}

impl Service {
    /// From now on it goes by the clock; `is_told`: somebody tells when that is set.
    pub(super) fn set_alarms(&mut self, is_told: bool, now: Now) {
        let Some(definition) = &self.definition else { return };
        let schedule = &definition.schedule;
        let alarm = |occasions: &[_]| Alarm::set(occasions, now.wall, clock::ahead_of_utc);
        self.alarms = Alarms { stop: alarm(&schedule.stop), restart: alarm(&schedule.restart), wake: None };
        self.alarms.set_wake(is_told, now);
    }

    /// What is next.
    pub(super) fn scheduled(&self) -> Option<Scheduled> {
        let (action, alarm) = self.alarms.first().filter(|_| !self.is_asked())?;
        Some(Scheduled { action, at: alarm.at() })
    }

    /// When [`Service::tick_alarms`] has to be called.
    pub(super) fn alarm_deadline(&self) -> Option<Tick> {
        self.alarms.wake.filter(|_| !self.is_asked())
    }

    /// Whether it has to do with the time that clocks show.
    pub(crate) fn goes_by_clock(&self) -> bool {
        self.definition.as_ref().is_some_and(|HostDefinition { schedule, log, system_events, .. }| {
            let ours = system_events.contains_key(&SystemEvent::Resume)
                || !schedule.stop.is_empty()
                || !schedule.restart.is_empty();
            ours || log.rotate_time.is_some() || log.keep_age.is_some()
        })
    }

    /// The clock shows another time than it was reckoned with: what goes by it is looked at anew. Nothing else is, since deadlines go by a clock that nobody sets and
    /// that stands still while the machine is suspended.
    pub(crate) fn clock_changed(&mut self, shared: &mut Shared, change: Change, now: Now) {
        if self.is_stopped() {
            return;
        }
        let mut remarks = Vec::new();
        for stream in self.streams.iter_mut().filter(|stream| stream.deadline().is_some()) {
            stream.tick(now, &mut remarks);
        }
        self.tell_remarks(shared, &remarks, now);
        self.alarms.wake = self.alarms.first().map(|_| now.tick);
        self.tick_alarms(shared, now);
        if change == Change::Woke {
            self.happened(shared, Happening { event: SystemEvent::Resume, session: None }, now);
        }
    }

    /// Does what it is time for: a stop rather than anything else.
    pub(super) fn tick_alarms(&mut self, shared: &mut Shared, now: Now) {
        let Some(definition) = &self.definition else { return };
        if self.alarm_deadline().is_none_or(|at| at > now.tick) {
            return;
        }
        let ring = |alarm: &mut Option<Alarm>, occasions: &[_]| {
            let (rings, next) =
                alarm.map_or((false, None), |alarm| alarm.ring(occasions, now.wall, clock::ahead_of_utc));
            *alarm = next;
            rings
        };
        let stops = ring(&mut self.alarms.stop, &definition.schedule.stop);
        let restarts = ring(&mut self.alarms.restart, &definition.schedule.restart);
        self.alarms.set_wake(shared.clock.is_some(), now);
        if stops {
            self.tell_scheduled(shared, "is stopped", now);
            self.stop(shared, now);
        } else if restarts && self.can_part() {
            self.tell_scheduled(shared, "is run again", now);
            self.part(shared, now);
        }
    }

    /// Whether there is a program that would be run again: not one that is paused, or is ended and run again anyway.
    fn can_part(&self) -> bool {
        let runs = matches!(&self.run, Run::Running(program) if program.condemned.is_none());
        runs && matches!(self.state, State::Up) && !self.paused && !self.turns() && !self.is_parting()
    }

    fn tell_scheduled(&self, shared: &mut Shared, what: &str, now: Now) {
        let text = format!("{} {what} as scheduled", self.quoted());
        self.tell(shared, now, Message::new(EventId::SCHEDULED, Level::Information, text));
    }

    /// The program has ended to be run again.
    pub(super) fn parted(&mut self, shared: &mut Shared, ending: &str, now: Now) -> Next {
        let text = format!("{} was stopped to be run again; it ended with {}", self.quoted(), ending);
        self.tell(shared, now, Message::new(EventId::PROGRAM_STOPPED, Level::Information, text));
        // A command that was to end it is not to end the next one.
        self.abandon_errands(shared, |purpose| matches!(purpose, Purpose::Rung { .. }), now);
        Next::Again
    }
}
