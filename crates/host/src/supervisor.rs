//! All services of this process: who gets which event, and when the next deadline is.

use std::collections::{BTreeMap, HashMap};
use std::ffi::OsString;
use std::io;
use std::time::Duration;

use svckit_core::control::Control;
use svckit_core::definition::HostDefinition;
use svckit_core::dispatch::{FromProcess, ServiceReport};
use svckit_core::name::{DisplayName, ServiceName};
use svckit_core::system_event::Happening;
use svckit_core::time::{Now, Tick};
use svckit_core::win32::Win32Error;
use svckit_os::clock::{Change, Changes};
use svckit_os::event::{Poller, Ready};
use svckit_os::gate::Gate;
use svckit_os::process::{Children, News, Sockets, Terms};

use crate::link::TOKENS;
use crate::service::Service;
use crate::turns::Turns;
use crate::whole::Inherit;

/// The token of what happens to the programs.
pub(crate) const PROGRAMS: u64 = TOKENS.start - 1;

/// The token of what happens to the clock.
const CLOCK: u64 = PROGRAMS - 1;

/// The token of this process's turn.
const TURN: u64 = CLOCK - 1;

/// The low bits of a token tell which of a service's sources it is, the others which service.
const KIND_BITS: u32 = 8;

/// What is the same for all programs of this process.
#[derive(Debug)]
pub(crate) struct Setting {
    /// The instance that marks all processes.
    pub(crate) instance: String,
    /// What programs inherit.
    pub(crate) inherit: Inherit,
    /// Variables over the inherited ones.
    pub(crate) environment: Vec<(String, String)>,
    /// Who runs the programs, and what they may have.
    pub(crate) terms: Terms,
    /// Where output goes.
    pub(crate) output: Output,
    /// Where hosts take turns.
    pub(crate) gate: Option<Gate>,
}

impl Setting {
    /// The mark of a service's processes.
    pub(crate) fn mark(&self, service: &ServiceName) -> OsString {
        format!("{}/{}", self.instance, service.as_str()).into()
    }
}

/// Where the output of programs goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Output {
    /// Into the logs of the definition.
    Logs,
    /// Where this process's own goes.
    Console,
}

/// What the start of a service comes with.
#[derive(Debug, Default)]
pub(crate) struct Start {
    /// The name that people see, if it is another.
    pub(crate) display_name: Option<DisplayName>,
    pub(crate) arguments: Vec<String>,
    pub(crate) definition: Option<HostDefinition>,
    /// What the program accepts from.
    pub(crate) sockets: Sockets,
}

/// What services share.
#[derive(Debug)]
pub(crate) struct Shared {
    pub(crate) poller: Poller,
    pub(crate) setting: Setting,
    pub(crate) children: Children,
    /// Whose program a process is.
    pub(crate) programs: HashMap<u32, usize>,
    /// What is to be told.
    pub(crate) outbox: Vec<FromProcess>,
    /// Whether there is one service only, so that every process below this one is its.
    pub(crate) alone: bool,
    /// Tells of the clock, once a service goes by it.
    pub(crate) clock: Option<Changes>,
    /// Begun to run a program again.
    pub(crate) turns: Turns,
}

/// The services and what they wait for.
#[derive(Debug)]
pub(crate) struct Supervisor {
    pub(crate) shared: Shared,
    services: Vec<Option<Service>>,
    /// Slots by folded name.
    names: BTreeMap<String, usize>,
}

impl Supervisor {
    /// Without services.
    pub(crate) fn new(mut setting: Setting) -> io::Result<Self> {
        let poller = Poller::new()?;
        let children = Children::new(&poller, PROGRAMS, &setting.instance)?;
        let programs = HashMap::new();
        let turns = Turns::new(setting.gate.take(), TURN);
        let (outbox, alone, clock) = (Vec::new(), true, None);
        let shared = Shared { poller, setting, children, programs, outbox, alone, clock, turns };
        Ok(Self { shared, services: Vec::new(), names: BTreeMap::new() })
    }

    /// Whether there is no service.
    pub(crate) fn is_empty(&self) -> bool {
        self.names.is_empty()
    }

    /// Whether every service has stopped.
    pub(crate) fn all_stopped(&self) -> bool {
        self.services.iter().flatten().all(Service::is_stopped)
    }

    /// Every service, for a greeting.
    pub(crate) fn reports(&self, now: Now) -> Vec<ServiceReport> {
        self.services.iter().flatten().map(|service| service.full_report(now)).collect()
    }

    /// Starts a service. One that runs already only tells its state again.
    pub(crate) fn start(&mut self, name: ServiceName, start: Start, now: Now) {
        let slot = match self.names.get(&name.folded()) {
            Some(slot)
                if self.services.get(*slot).is_some_and(|s| s.as_ref().is_some_and(|s| !s.is_stopped())) =>
            {
                self.control(&name, Control::INTERROGATE, now);
                return;
            }
            Some(slot) => *slot,
            None => self.free_slot(),
        };
        self.names.insert(name.folded(), slot);
        self.shared.alone = self.names.len() == 1;
        let mut service = Service::new(slot, name, start, now);
        if self.shared.clock.is_none() && service.goes_by_clock() {
            // Without it things are noticed when they are looked at the next time.
            self.shared.clock = Changes::watch(&self.shared.poller, CLOCK).ok().flatten();
        }
        let before = self.shared.outbox.len();
        service.start(&mut self.shared, now);
        service.follow_rotation(&mut self.shared, now);
        service.report(&mut self.shared, now);
        states_first(&mut self.shared.outbox, before);
        if let Some(place) = self.services.get_mut(slot) {
            *place = Some(service);
        }
    }

    fn free_slot(&mut self) -> usize {
        let free = self.services.iter().position(Option::is_none);
        free.unwrap_or_else(|| {
            self.services.push(None);
            self.services.len() - 1
        })
    }

    /// Passes a control to a service.
    pub(crate) fn control(&mut self, name: &ServiceName, control: Control, now: Now) -> Win32Error {
        let slot = self.names.get(&name.folded()).copied();
        let mut code = Win32Error::SERVICE_NOT_ACTIVE;
        if let Some(slot) = slot {
            self.with(slot, now, |service, shared| code = service.control(shared, control, now));
        }
        code
    }

    /// Passes on what the system tells a service; it is answered when the system needn't wait any more.
    pub(crate) fn happened(&mut self, name: &ServiceName, happening: Happening, id: u64, now: Now) {
        match self.names.get(&name.folded()).copied() {
            Some(slot) => {
                self.with(slot, now, |service, shared| service.told_of(shared, happening, id, now));
            }
            None => {
                let code = Win32Error::SERVICE_NOT_ACTIVE;
                self.shared.outbox.push(FromProcess::ControlDone { id, code });
            }
        }
    }

    /// Forgets a service that has stopped.
    pub(crate) fn release(&mut self, name: &ServiceName) {
        let Some(slot) = self.names.get(&name.folded()).copied() else { return };
        if let Some(place) = self.services.get_mut(slot)
            && place.as_ref().is_some_and(Service::is_stopped)
        {
            *place = None;
            self.names.remove(&name.folded());
            self.shared.alone = self.names.len() == 1;
        }
    }

    /// Stops every service.
    pub(crate) fn stop_all(&mut self, now: Now) {
        for slot in 0..self.services.len() {
            self.with(slot, now, |service, shared| {
                service.control(shared, Control::SHUTDOWN, now);
            });
        }
    }

    /// Takes what happened to the programs; whether this process was asked to end.
    pub(crate) fn take_news(&mut self, now: Now) -> io::Result<bool> {
        let (mut end, mut orphans) = (false, false);
        while let Some(news) = self.shared.children.next()? {
            match news {
                News::EndRequested => end = true,
                News::Orphan => orphans = true,
                News::ProcessLimit { pid } => {
                    if let Some(slot) = self.shared.programs.get(&pid).copied() {
                        self.with(slot, now, |service, shared| service.filled_up(shared, pid, now));
                    }
                }
                News::Ended { pid, how } => {
                    if let Some(slot) = self.shared.programs.remove(&pid) {
                        self.with(slot, now, |service, shared| service.process_ended(shared, pid, how, now));
                    }
                }
            }
        }
        if orphans {
            for slot in 0..self.services.len() {
                self.with(slot, now, |service, shared| service.orphan_ended(shared, now));
            }
        }
        Ok(end)
    }

    /// Passes an event to the service that it belongs to.
    pub(crate) fn ready(&mut self, ready: Ready, now: Now) {
        if ready.token == CLOCK {
            if let Some(change) = self.shared.clock.as_mut().and_then(Changes::take) {
                self.clock_changed(change, now);
            }
            return;
        }
        if ready.token == TURN {
            return self.turn_came(now);
        }
        let slot = usize::try_from(ready.token >> KIND_BITS).unwrap_or(usize::MAX);
        let kind = usize::try_from(ready.token & ((1 << KIND_BITS) - 1)).unwrap_or(usize::MAX);
        self.with(slot, now, |service, shared| service.ready(shared, kind, now));
    }

    /// It is this process's turn to run a program again.
    fn turn_came(&mut self, now: Now) {
        let mut wanted = false;
        for slot in 0..self.services.len() {
            self.with(slot, now, |service, shared| wanted |= service.turn_came(shared, now));
        }
        if !wanted {
            self.shared.turns.pass_on(&self.shared.poller);
        }
    }

    /// The wall clock was set, or the machine was suspended.
    pub(crate) fn clock_changed(&mut self, change: Change, now: Now) {
        for slot in 0..self.services.len() {
            self.with(slot, now, |service, shared| service.clock_changed(shared, change, now));
        }
    }

    /// Does what is due.
    pub(crate) fn tick(&mut self, now: Now) {
        for slot in 0..self.services.len() {
            let due = self.services.get(slot).and_then(Option::as_ref).and_then(Service::deadline);
            if due.is_some_and(|due| due <= now.tick) {
                self.with(slot, now, |service, shared| service.tick(shared, now));
            }
        }
    }

    /// How long nothing is due.
    pub(crate) fn pause(&self, now: Tick) -> Option<Duration> {
        let next = self.services.iter().flatten().filter_map(Service::deadline).min()?;
        Some(next.since(now))
    }

    fn with(&mut self, slot: usize, now: Now, act: impl FnOnce(&mut Service, &mut Shared)) {
        if let Some(Some(service)) = self.services.get_mut(slot) {
            let before = self.shared.outbox.len();
            act(service, &mut self.shared);
            service.follow_rotation(&mut self.shared, now);
            service.report(&mut self.shared, now);
            states_first(&mut self.shared.outbox, before);
        }
    }
}

/// Puts the host's states among the frames from `begin` on before the events: who has seen an event finds what it is about in the state.
fn states_first(outbox: &mut [FromProcess], begin: usize) {
    if let Some(new) = outbox.get_mut(begin..) {
        new.sort_by_key(|frame| !matches!(frame, FromProcess::Host { .. }));
    }
}

/// The number under which a source of a service is waited for.
pub(crate) fn token(slot: usize, kind: usize) -> u64 {
    (slot as u64) << KIND_BITS | kind as u64
}
