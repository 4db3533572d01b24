//! What follows when a service has come to its end: events, and the failure actions.

use std::time::Duration;

use svckit_core::failure::ActionType;
use svckit_core::image_path;
use svckit_core::native::{EventId, Level};
use svckit_core::recovery::{End, Remedy, is_failure};
use svckit_core::status::ExitStatus;

use super::shutdown::Stage;
use super::timers::Timer;
use super::{Effect, Scm};
use crate::store::Due;

impl Scm {
    /// A service has come to its end.
    pub(super) fn ended(&mut self, key: &str, end: End) {
        if let End::Stopped(exit) = end {
            self.record_exit(key, exit);
        }
        let Some(service) = self.services.get_mut(key) else { return };
        let extra = &service.record.extra;
        let stopping = !matches!(self.stage, Stage::Serving);
        if stopping || !is_failure(end, extra.failure_actions_flag) {
            return;
        }
        let (count, remedy) = service.count.fail(&extra.failure_actions, self.now.wall);
        service.count = count;
        let remedy = remedy.filter(|_| !service.record.delete_pending);
        if let Some(remedy) = remedy {
            let delay = u64::try_from(remedy.delay.as_millis()).unwrap_or(u64::MAX);
            let at = svckit_core::time::WallTime(self.now.wall.0.saturating_add(delay));
            service.due = Some(Due { kind: remedy.kind, at });
            let timer = self.timers.set(self.now.tick + remedy.delay, Timer::Due(key.to_owned()));
            service.due_timer = Some(timer);
        }
        self.mark_dirty(key);
        self.record_failure(key, end, count.failures, remedy);
    }

    fn record_exit(&mut self, key: &str, exit: ExitStatus) {
        let Some(name) = self.services.get(key).map(|service| service.name().clone()) else { return };
        match exit {
            ExitStatus::Win32(code) if code.is_success() => {}
            ExitStatus::Win32(code) => {
                let meaning = code.description().map(|text| format!(": {text}")).unwrap_or_default();
                let text =
                    format!("service {:?} ended with error {}{meaning}", name.as_str(), code.numbered());
                self.record_event(Some(&name), EventId::EXIT_ERROR, Level::Error, text);
            }
            ExitStatus::Specific(code) => {
                let text = format!("service {:?} ended with its own error code {code}", name.as_str());
                self.record_event(Some(&name), EventId::EXIT_SPECIFIC_ERROR, Level::Error, text);
            }
        }
    }

    fn record_failure(&mut self, key: &str, end: End, failures: u32, remedy: Option<Remedy>) {
        let Some(name) = self.services.get(key).map(|service| service.name().clone()) else { return };
        let times =
            if failures == 1 { "for the first time".to_owned() } else { format!("{failures} times now") };
        let how = if end == End::Died { "unexpectedly" } else { "with an error" };
        let ended = format!("service {:?} ended {how}, {times}", name.as_str());
        match remedy {
            Some(remedy) => {
                let (what, delay) = (phrase(remedy.kind), remedy.delay.as_millis());
                let text = format!("{ended}; in {delay} ms {what}");
                self.record_event(Some(&name), EventId::DIED_ACTION, Level::Error, text);
            }
            None if end == End::Died => self.record_event(Some(&name), EventId::DIED, Level::Error, ended),
            None => {}
        }
    }

    /// Takes the failure action that is due.
    pub(super) fn take_failure_action(&mut self, key: &str) {
        let Some(service) = self.services.get_mut(key) else { return };
        service.due_timer = None;
        let Some(due) = service.due.take() else { return };
        self.mark_dirty(key);
        match due.kind {
            ActionType::RESTART => self.restart(key),
            ActionType::RUN_COMMAND => self.run_command(key),
            _ => self.reboot(key),
        }
    }

    /// Sets the timers of actions that were due when the service control manager before us ended.
    pub(super) fn resume_failure_action(&mut self, key: &str) {
        let Some(service) = self.services.get_mut(key) else { return };
        let Some(due) = service.due else { return };
        let left = Duration::from_millis(due.at.0.saturating_sub(self.now.wall.0));
        service.due_timer = Some(self.timers.set(self.now.tick + left, Timer::Due(key.to_owned())));
    }

    fn restart(&mut self, key: &str) {
        let at_rest = self.services.get(key).is_some_and(|service| service.life.is_at_rest());
        if !at_rest {
            return;
        }
        if let Err(failure) = self.start_unasked(key) {
            self.action_failed(key, &format!("it could not be restarted: {}", failure.words()));
        }
    }

    fn run_command(&mut self, key: &str) {
        let Some(service) = self.services.get(key) else { return };
        let failures = service.count.failures.to_string();
        let line = service.record.extra.failure_actions.command.replace("%1%", &failures);
        let command = image_path::split(&line);
        if command.first().is_none_or(String::is_empty) {
            return self.action_failed(key, "there is no command to run");
        }
        self.effect(Effect::Run { service: key.to_owned(), command });
    }

    fn reboot(&mut self, key: &str) {
        let Some(command) = self.settings.reboot_command.clone() else {
            let cause = "a restart of the machine is refused: no reboot-command is set in scm.toml";
            return self.action_failed(key, cause);
        };
        if let Some(service) = self.services.get(key) {
            let message = &service.record.extra.failure_actions.reboot_message;
            tracing::warn!(
                "the machine is restarted because of service {:?} {message}",
                service.name().as_str()
            );
        }
        self.effect(Effect::Run { service: key.to_owned(), command });
    }

    /// A command of the failure actions did not do what it should.
    pub(crate) fn command_failed(&mut self, key: &str, cause: &str) {
        self.action_failed(key, cause);
    }

    fn action_failed(&mut self, key: &str, cause: &str) {
        let Some(name) = self.services.get(key).map(|service| service.name().clone()) else { return };
        let text = format!("the failure action of service {:?} failed: {cause}", name.as_str());
        self.record_event(Some(&name), EventId::ACTION_FAILED, Level::Error, text);
    }
}

fn phrase(kind: ActionType) -> &'static str {
    match kind {
        ActionType::RESTART => "it will be restarted",
        ActionType::RUN_COMMAND => "its failure command will be run",
        _ => "the machine will be restarted, if that is allowed",
    }
}
