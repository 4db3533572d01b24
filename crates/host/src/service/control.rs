//! Controls, and what the system tells.

use std::io;

use svckit_core::call::HttpCall;
use svckit_core::control::Control;
use svckit_core::definition::ControlAction;
use svckit_core::dispatch::FromProcess;
use svckit_core::signal::Signal;
use svckit_core::system_event::{Happening, SystemEvent};
use svckit_core::time::Now;
use svckit_core::win32::Win32Error;
use svckit_os::clock::Change;

use super::errand::Purpose;
use super::program::NotStarted;
use super::{Run, Service, State};
use crate::log::Stream;
use crate::supervisor::Shared;

impl Service {
    /// A control came; what the service answers.
    pub(crate) fn control(&mut self, shared: &mut Shared, control: Control, now: Now) -> Win32Error {
        match control {
            Control::INTERROGATE => {
                self.told_status = None;
                self.told_host = None;
                Win32Error::SUCCESS
            }
            Control::STOP | Control::SHUTDOWN | Control::PRESHUTDOWN => self.stop(shared, now),
            Control::TIMECHANGE => {
                self.clock_changed(shared, Change::Set, now);
                Win32Error::SUCCESS
            }
            Control::PAUSE | Control::CONTINUE if !self.accepts_pause() => {
                Win32Error::INVALID_SERVICE_CONTROL
            }
            _ if !matches!(self.state, State::Up) || self.turns() || self.is_parting() => {
                Win32Error::SERVICE_CANNOT_ACCEPT_CTRL
            }
            Control::PAUSE | Control::CONTINUE => {
                if matches!(self.run, Run::Running(_)) {
                    let code = self.act(shared, Purpose::Control(control), now);
                    if code != Win32Error::SUCCESS || self.is_under_way(Purpose::Control(control)) {
                        return code;
                    }
                }
                // One that waits to be run again hears of it then.
                self.paused = control == Control::PAUSE;
                self.watch_health(shared, now);
                Win32Error::SUCCESS
            }
            other if self.rotate_control().is_some_and(|number| other == Control(number.into())) => {
                self.rotate(shared, now)
            }
            other => self.act(shared, Purpose::Control(other), now),
        }
    }

    /// The control at which logs are rotated: the first of those that are a service's own to which the definition gives no meaning.
    pub(super) fn rotate_control(&self) -> Option<u8> {
        let is_up = matches!(self.state, State::Up) && !self.streams.is_empty();
        let is_free = |number: &u8| !self.configured(Control((*number).into()));
        let mut own = Control::USER_DEFINED;
        own.find(is_free).filter(|_| is_up)
    }

    /// Rotates all logs, after what has been written so far.
    fn rotate(&mut self, shared: &mut Shared, now: Now) -> Win32Error {
        for kind in 0..self.streams.len() {
            self.ready(shared, kind, now);
        }
        let mut remarks = Vec::new();
        let mut rotate = |stream: &mut Stream| match stream.rotate(now, &mut remarks) {
            Ok(()) => Win32Error::SUCCESS,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => Win32Error::SERVICE_CANNOT_ACCEPT_CTRL,
            Err(error) if error.kind() == io::ErrorKind::Unsupported => Win32Error::NOT_SUPPORTED,
            Err(error) => svckit_os::errno::win32(&error),
        };
        let codes: Vec<_> = self.streams.iter_mut().map(&mut rotate).collect();
        self.tell_remarks(shared, &remarks, now);
        codes.into_iter().find(|code| *code != Win32Error::SUCCESS).unwrap_or(Win32Error::SUCCESS)
    }

    /// Something happened to the machine or a session, and the answer for the system has this number. A suspension waits until what is done about it is done.
    pub(crate) fn told_of(&mut self, shared: &mut Shared, happening: Happening, id: u64, now: Now) {
        if happening.event == SystemEvent::Resume {
            self.clock_changed(shared, Change::Set, now);
        }
        self.happened(shared, happening, now);
        if happening.event.is_waited_for() {
            self.awaited.push((Purpose::Event(happening), id));
        } else {
            shared.outbox.push(FromProcess::ControlDone { id, code: Win32Error::SUCCESS });
        }
    }

    /// Answers what the system waits for and is done.
    pub(super) fn answer_awaited(&mut self, shared: &mut Shared) {
        let (open, done) = std::mem::take(&mut self.awaited)
            .into_iter()
            .partition(|(purpose, _)| self.is_under_way(*purpose));
        self.awaited = open;
        let answers: Vec<(Purpose, u64)> = done;
        shared.outbox.extend(
            answers.into_iter().map(|(_, id)| FromProcess::ControlDone { id, code: Win32Error::SUCCESS }),
        );
    }

    /// Does what the definition says for something that happened, if there is a program that it is about.
    pub(super) fn happened(&mut self, shared: &mut Shared, happening: Happening, now: Now) {
        let purpose = Purpose::Event(happening);
        let is_up = matches!(self.state, State::Up) && matches!(self.run, Run::Running(_));
        let Some(action) = self.action(purpose).filter(|_| is_up && !self.is_parting()) else { return };
        let noun = match action {
            ControlAction::Signal(_) => "signal",
            ControlAction::Command(_) => "command",
            ControlAction::Http(_) => "request",
        };
        if self.is_under_way(purpose) {
            let reason = "was left out, since the one before it is still under way".to_owned();
            return self.failed(shared, purpose, noun, reason, now);
        }
        let code = self.act(shared, purpose, now);
        // Of commands and requests it was told.
        if code != Win32Error::SUCCESS && noun == "signal" {
            self.failed(shared, purpose, noun, format!("could not be sent ({code})"), now);
        }
    }

    /// Does to the program what the definition says for a control or an event.
    pub(super) fn act(&mut self, shared: &mut Shared, purpose: Purpose, now: Now) -> Win32Error {
        match (self.action(purpose), &self.run) {
            (None, _) => Win32Error::INVALID_SERVICE_CONTROL,
            (Some(ControlAction::Signal(signal)), Run::Running(program)) => {
                match shared.children.signal(program.pid, *signal) {
                    Ok(()) => Win32Error::SUCCESS,
                    Err(error) => svckit_os::errno::win32(&error),
                }
            }
            (Some(ControlAction::Command(errand)), Run::Running(_)) if !self.is_under_way(purpose) => {
                let errand = errand.clone();
                let Err(NotStarted { code, message }) = self.run_errand(shared, purpose, &errand, now) else {
                    return Win32Error::SUCCESS;
                };
                self.hook_failed(shared, purpose, format!("could not be run: {message}"), now);
                code
            }
            (Some(ControlAction::Http(call)), Run::Running(_)) if !self.is_under_way(purpose) => {
                let HttpCall { request, timeout } = call.clone();
                let is_under_way = self.request(shared, purpose, &request, timeout, now);
                if is_under_way { Win32Error::SUCCESS } else { Win32Error::SERVICE_REQUEST_TIMEOUT }
            }
            (Some(_), _) => Win32Error::SERVICE_CANNOT_ACCEPT_CTRL,
        }
    }

    /// What the definition says for a control or an event.
    pub(super) fn action(&self, purpose: Purpose) -> Option<&ControlAction> {
        let definition = self.definition.as_ref()?;
        match purpose {
            Purpose::Control(control) => definition.controls.get(&control.0),
            Purpose::Event(happening) => definition.system_events.get(&happening.event),
            _ => None,
        }
    }

    /// Whether a command is about to pause the program, or to let it go on.
    pub(super) fn turns(&self) -> bool {
        let control = if self.paused { Control::CONTINUE } else { Control::PAUSE };
        self.is_under_way(Purpose::Control(control))
    }

    pub(super) fn accepts_pause(&self) -> bool {
        self.configured(Control::PAUSE) && self.configured(Control::CONTINUE)
    }

    pub(super) fn configured(&self, control: Control) -> bool {
        self.action(Purpose::Control(control)).is_some()
    }

    /// Lets a paused program hear what it is told.
    pub(super) fn wake(&self, shared: &Shared, pid: u32) {
        if self.paused {
            // A program that was paused by other means than SIGSTOP isn't harmed by it.
            let _ = shared.children.signal(pid, Signal::Cont);
        }
    }
}
