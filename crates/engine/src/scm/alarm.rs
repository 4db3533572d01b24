//! Services that the clock starts.

use svckit_core::kind::StartType;
use svckit_core::native::{EventId, Level};
use svckit_core::timetable::{Alarm, Deed, Occasion, Scheduled};
use svckit_os::clock;

use super::shutdown::Stage;
use super::timers::{Timer, TimerId};
use super::{Scm, Service};

/// When a service is started.
#[derive(Debug)]
pub(super) struct StartAlarm {
    occasions: Vec<Occasion>,
    alarm: Alarm,
    timer: TimerId,
}

impl Service {
    /// What the clock is going to do with it: a service that runs knows that itself.
    pub(super) fn scheduled(&self) -> Option<Scheduled> {
        let start = self.start_alarm.as_ref().filter(|_| self.life.is_at_rest());
        let start = start.map(|start| Scheduled { action: Deed::Start, at: start.alarm.at() });
        start.or_else(|| self.host.as_ref()?.scheduled.as_deref().copied())
    }
}

impl Scm {
    /// Sets the alarm of a service anew after something about it changed, if it is another.
    pub(super) fn update_alarm(&mut self, key: &str) {
        let is_serving = matches!(self.stage, Stage::Serving);
        let Some(service) = self.services.get_mut(key) else { return };
        let record = &service.record;
        let can_start =
            is_serving && !record.delete_pending && record.config.start_type != StartType::DISABLED;
        let definition = record.definition.as_ref().filter(|_| can_start);
        let wanted = definition.map_or(&[][..], |definition| &definition.schedule.start);
        if service.start_alarm.as_ref().map_or(&[][..], |set| &set.occasions) == wanted {
            return;
        }
        let occasions = wanted.to_vec();
        let alarm = Alarm::set(&occasions, self.now.wall, clock::ahead_of_utc);
        self.timers.cancel(service.start_alarm.take().map(|set| set.timer));
        self.set_alarm(key, occasions, alarm);
    }

    fn set_alarm(&mut self, key: &str, occasions: Vec<Occasion>, alarm: Option<Alarm>) {
        if let (Some(service), Some(alarm)) = (self.services.get_mut(key), alarm) {
            let timer =
                self.timers.set(alarm.deadline(self.now, self.hears_of_clock), Timer::Start(key.to_owned()));
            service.start_alarm = Some(StartAlarm { occasions, alarm, timer });
        }
        self.mark_changed(key);
    }

    /// From now on somebody [tells](Scm::clock_changed) when the clock is set.
    pub(crate) fn hear_of_clock(&mut self) {
        self.hears_of_clock = true;
    }

    /// The clock was set, or the machine was suspended: what goes by it is looked at anew.
    pub(crate) fn clock_changed(&mut self) {
        let set = self.services.iter().filter(|(_, service)| service.start_alarm.is_some());
        let keys: Vec<String> = set.map(|(key, _)| key.clone()).collect();
        keys.iter().for_each(|key| self.ring(key));
    }

    /// It may be time to start a service.
    pub(super) fn ring(&mut self, key: &str) {
        let set = self.services.get_mut(key).and_then(|service| service.start_alarm.take());
        let Some(StartAlarm { occasions, alarm, timer }) = set else { return };
        // It may be the timer of an earlier service of this name that has gone off.
        self.timers.cancel(Some(timer));
        let (rings, next) = alarm.ring(&occasions, self.now.wall, clock::ahead_of_utc);
        self.set_alarm(key, occasions, next);
        let Some(service) = self.services.get(key).filter(|service| rings && service.life.is_at_rest())
        else {
            return;
        };
        let name = service.name().clone();
        let text = format!("service {:?} is started as scheduled", name.as_str());
        self.record_event(Some(&name), EventId::SCHEDULED, Level::Information, text);
        self.start_triggered(key);
    }
}
