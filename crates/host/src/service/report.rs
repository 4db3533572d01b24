//! What a service tells about itself.

use std::path::Path;

use svckit_core::control::{Control, ControlsAccepted};
use svckit_core::dispatch::{FromProcess, ServiceReport};
use svckit_core::kind::ServiceType;
use svckit_core::ladder::{GRACE, PULSE};
use svckit_core::native::{HostState, Phase};
use svckit_core::status::{ServiceState, ServiceStatus};
use svckit_core::time::Now;
use svckit_core::win32::Win32Error;
use svckit_os::clock;

use super::errand::Purpose;
use super::{Next, Run, Service, State};
use crate::log::{Remark, Stream};
use crate::message::{self, Message};
use crate::supervisor::Shared;

impl Service {
    /// Tells what changed.
    pub(crate) fn report(&mut self, shared: &mut Shared, now: Now) {
        let status = self.status(now);
        let same = self
            .told_status
            .is_some_and(|told| told == ServiceStatus { wait_hint: told.wait_hint, ..status });
        self.answer_awaited(shared);
        let host = self.host_state();
        if self.told_host.as_ref() != Some(&host) {
            self.told_host = Some(host.clone());
            shared.outbox.push(FromProcess::Host { service: self.name.clone(), state: host });
        }
        // The status last: what it is about has been told when somebody acts on it.
        if !same {
            self.told_status = Some(status);
            shared.outbox.push(FromProcess::Status { service: self.name.clone(), status });
        }
    }

    /// Everything, for a greeting.
    pub(crate) fn full_report(&self, now: Now) -> ServiceReport {
        ServiceReport { service: self.name.clone(), status: self.status(now), host: Some(self.host_state()) }
    }

    pub(super) fn status(&self, now: Now) -> ServiceStatus {
        let mut status = ServiceStatus::stopped(ServiceType::WIN32_OWN_PROCESS, Win32Error::SUCCESS);
        status.pid = std::process::id();
        match &self.state {
            State::Starting { pulse, .. } => {
                status.state = ServiceState::START_PENDING;
                status.checkpoint = pulse.checkpoint();
                status.wait_hint = PULSE + GRACE;
                // One that never gets ready has to be stopped too.
                status.controls_accepted = ControlsAccepted::STOP;
            }
            State::Up if self.turns() => {
                let control = if self.paused { Control::CONTINUE } else { Control::PAUSE };
                status.state =
                    if self.paused { ServiceState::CONTINUE_PENDING } else { ServiceState::PAUSE_PENDING };
                status.checkpoint = 1;
                status.wait_hint = self.limit_of(Purpose::Control(control)) + GRACE;
                status.controls_accepted = ControlsAccepted::STOP;
            }
            State::Up => {
                status.state = if self.paused { ServiceState::PAUSED } else { ServiceState::RUNNING };
                status.controls_accepted = self.controls_accepted();
            }
            State::Asked { pulse, .. } | State::Finishing { pulse, .. } => {
                status.state = ServiceState::STOP_PENDING;
                status.checkpoint = pulse.checkpoint();
                status.wait_hint = PULSE + GRACE;
            }
            State::Stopping { ladder, .. } => {
                status.state = ServiceState::STOP_PENDING;
                status.checkpoint = ladder.checkpoint();
                status.wait_hint = ladder.wait_hint(now.tick);
            }
            State::Stopped { exit, .. } => {
                (status.win32_exit_code, status.service_exit_code) = exit.codes();
                status.pid = 0;
            }
        }
        status
    }

    fn controls_accepted(&self) -> ControlsAccepted {
        let mut accepted =
            ControlsAccepted::STOP | ControlsAccepted::SHUTDOWN | ControlsAccepted::PRESHUTDOWN;
        if self.accepts_pause() {
            accepted = accepted | ControlsAccepted::PAUSE_CONTINUE;
        }
        if self.configured(Control::PARAMCHANGE) {
            accepted = accepted | ControlsAccepted::PARAMCHANGE;
        }
        if clock::IS_TOLD_BY_CONTROLS && self.goes_by_clock() {
            accepted = accepted | ControlsAccepted::TIMECHANGE | ControlsAccepted::POWEREVENT;
        }
        for event in self.definition.iter().flat_map(|definition| definition.system_events.keys()) {
            accepted = accepted | event.needs();
        }
        accepted
    }

    pub(super) fn host_state(&self) -> HostState {
        let program = match &self.run {
            Run::Running(program) => Some(program),
            _ => None,
        };
        let (child_pid, ready, next_retry_at) = match &self.run {
            Run::Running(program) => (Some(program.pid), program.is_ready(), None),
            Run::Backoff { at, .. } => (None, false, Some(*at)),
            Run::Preparing | Run::Ending { .. } | Run::Aftermath { .. } | Run::Idle => (None, false, None),
        };
        HostState {
            child_pid,
            ready,
            phase: self.phase(),
            restarts: self.restarts,
            last_exit: self.last_exit,
            exit_reason: self.exit_reason.clone(),
            next_retry_at,
            scheduled: self.scheduled().map(Box::new),
            log_files: self.streams.iter().filter_map(Stream::own_path).map(Path::to_owned).collect(),
            log_bytes_lost: self.lost,
            log_trouble: self.log_trouble(),
            status_text: program.and_then(|program| program.says.clone()),
            limits: program.and_then(|program| program.limits.clone()),
            is_full: program.is_some_and(|program| program.is_full),
            rotate_control: self.rotate_control(),
            hook: self.hook_now(),
            hook_failure: self.hook_failure.clone(),
        }
    }

    /// What is wrong with a log at the moment.
    fn log_trouble(&self) -> Option<Box<str>> {
        let trouble = self.streams.iter().find_map(Stream::trouble)?;
        Some(message::remark(&trouble)?.text.into_boxed_str())
    }

    fn phase(&self) -> Phase {
        match (&self.state, &self.run) {
            (State::Stopped { gave_up: true, .. }, _) => Phase::GaveUp,
            (State::Stopped { .. }, _) => Phase::Stopped,
            (State::Asked { .. } | State::Stopping { .. } | State::Finishing { .. }, _)
            | (_, Run::Ending { next: Next::Stop { .. }, .. } | Run::Aftermath { next: Next::Stop { .. } }) => {
                Phase::Stopping
            }
            (_, Run::Backoff { .. } | Run::Ending { .. } | Run::Aftermath { .. }) => Phase::Backoff,
            (State::Starting { .. }, _) | (_, Run::Preparing) => Phase::Starting,
            (State::Up, _) if self.paused => Phase::Paused,
            (State::Up, _) => Phase::Running,
        }
    }

    /// How events call it: `"shop"`, or `"shop" (The shop)`.
    pub(super) fn quoted(&self) -> String {
        match &self.display_name {
            Some(shown) => format!("{:?} ({shown})", self.name.as_str()),
            None => format!("{:?}", self.name.as_str()),
        }
    }

    pub(super) fn tell(&self, shared: &mut Shared, now: Now, message: Message) {
        let Message { id, level, text } = message;
        shared.outbox.push(FromProcess::Event {
            service: self.name.clone(),
            time: now.wall,
            id,
            level,
            message: text,
        });
    }

    pub(super) fn tell_remarks(&mut self, shared: &mut Shared, remarks: &[Remark], now: Now) {
        if !remarks.is_empty() {
            self.lost = self.streams.iter().map(Stream::lost).sum();
        }
        for remark in remarks {
            if let Remark::Rotated { to } = remark {
                self.rotated = Some(to.clone());
            }
            if let Some(message) = message::remark(remark) {
                self.tell(shared, now, message);
            }
        }
    }
}
