//! The service control manager itself: everything it knows, and what it decides.
//!
//! It is driven by the actor, one input after the other, with the time as an argument. It does no I/O but to its two databases; whatever else is to be done
//! comes out as an [`Effect`], and is carried out after [`Scm::finish`] has written down what led to it. So what
//! the world sees has always been recorded before.

mod alarm;
mod answers;
mod automatic;
mod boot;
mod configure;
mod control;
mod delete;
mod door;
mod failure;
mod handles;
mod journal;
mod launch;
mod lock;
mod native;
mod network;
mod notify;
mod overview;
mod process;
mod query;
mod security;
mod service;
mod shutdown;
mod start;
mod takeover;
mod timers;

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::path::PathBuf;

use svckit_core::dispatch::ToProcess;
use svckit_core::image_path::ImagePath;
use svckit_core::native::Reply as NativeReply;
use svckit_core::order::Order;
use svckit_core::security::SecurityDescriptor;
use svckit_core::time::{Now, Tick, WallTime};
use svckit_core::win32::Win32Error;

use crate::error::{Failure, ServeError};
use crate::settings::Settings;
use crate::store::{Record, RunStore, ServiceStore, Session, Work};

pub(crate) use answers::Reply;
pub(crate) use door::Door;
pub(crate) use handles::{ConnectionId, HandleId};
pub(crate) use native::{LogRequest, NativeAnswer, UsageRequest};
pub(crate) use network::{FailedLogon, Listening};
pub(crate) use notify::Triggered;
pub(crate) use process::ProcessEvent;
pub(crate) use service::Service;

use automatic::Automatic;
use control::PendingControl;
use door::Doorway;
use handles::Handles;
use journal::Journal;
use notify::News;
use overview::Changes;
use process::Instance;
use shutdown::Stage;
use timers::{Timer, TimerId, Timers};

/// What is to be done in the world, in this order, after the turn was written down.
pub(crate) enum Effect {
    /// Answers somebody.
    Answer(Box<dyn FnOnce()>),
    /// Makes the socket of an instance, orders its process and connects to it.
    Launch(LaunchOrder),
    /// Connects to an instance that an earlier service control manager ordered.
    Reconnect { instance: String },
    /// Sends a message to a process.
    Tell { instance: String, message: ToProcess },
    /// Ends a process by force.
    Kill { instance: String },
    /// Ends what is left of the programs of processes that are gone; then [`Scm::remains_ended`].
    EndRemains { instance: String, programs: Vec<u32> },
    /// Lets go of an instance and its socket.
    Forget { instance: String },
    /// Runs a command of the failure actions; if that fails, [`Scm::command_failed`].
    Run { service: String, command: Vec<String> },
    /// Does something at the endpoints of a service; connections come back as [`Scm::knocked`].
    Door { service: String, door: Door },
    /// Reads a piece of a log.
    ReadLog(LogRequest),
    /// Looks what the processes of services use.
    Measure(UsageRequest),
    /// Everything has stopped; these are told when nothing is held any more.
    Finished(Vec<NativeAnswer>),
}

/// A process to be made.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct LaunchOrder {
    pub(crate) instance: String,
    pub(crate) image: ImagePath,
    /// Who it runs as; absent: who the service control manager runs as.
    pub(crate) user: Option<String>,
}

/// About the process that this service control manager is.
#[derive(Debug, Clone)]
pub(crate) struct About {
    pub(crate) pid: u32,
    pub(crate) directory: PathBuf,
    /// The program that hosts services.
    pub(crate) program: Option<PathBuf>,
    pub(crate) started: WallTime,
    /// A random number that its processes are marked with.
    pub(crate) nonce: u64,
    /// The user it runs as may switch to others.
    pub(crate) may_switch_user: bool,
}

/// Everything that a service control manager knows.
pub(crate) struct Scm {
    settings: Settings,
    about: About,
    now: Now,
    store: ServiceStore,
    run: RunStore,
    /// The security descriptor of the service control manager; absent: the usual one.
    security: Option<Box<SecurityDescriptor>>,
    /// By folded name.
    services: BTreeMap<String, Service>,
    /// Folded display names, to folded names.
    display_names: HashMap<String, String>,
    order: Order,
    handles: Handles,
    news: News,
    instances: HashMap<String, Instance>,
    instances_made: u64,
    controls: HashMap<u64, PendingControl>,
    /// By folded name, of services that have endpoints.
    doors: BTreeMap<String, Doorway>,
    next_control: u64,
    timers: Timers,
    /// Whether it is told when the clock was set.
    hears_of_clock: bool,
    journal: Journal,
    changes: Changes,
    listening: Listening,
    session: Session,
    /// Until when processes of the predecessor may tell how they are before anybody is answered; absent: all have.
    taking_over: Option<TimerId>,
    automatic: Automatic,
    stage: Stage,
    /// Services whose state changed, for those who wait for them.
    touched: Vec<String>,
    dirty: Dirty,
    effects: Vec<Effect>,
}

/// What has changed since it was last written down.
#[derive(Default)]
struct Dirty {
    runs: BTreeSet<String>,
    instances: BTreeSet<String>,
    session: bool,
}

impl Scm {
    /// A service control manager over its databases. Nothing is started before [`Scm::begin`].
    pub(crate) fn new(
        settings: Settings,
        about: About,
        store: ServiceStore,
        records: Vec<Record>,
        run: RunStore,
    ) -> Result<Self, ServeError> {
        let security = store.manager_security()?;
        let journal = Journal::new(run.newest_event()?, settings.events_kept);
        // Not where a predecessor began: late answers to its controls are none to ours.
        let next_control = about.nonce;
        let mut scm = Self {
            settings,
            about,
            now: Now::default(),
            store,
            run,
            security,
            services: BTreeMap::new(),
            display_names: HashMap::new(),
            order: Order::default(),
            handles: Handles::default(),
            news: News::default(),
            instances: HashMap::new(),
            instances_made: 0,
            controls: HashMap::new(),
            doors: BTreeMap::new(),
            next_control,
            timers: Timers::default(),
            hears_of_clock: false,
            journal,
            changes: Changes::default(),
            listening: Listening::default(),
            session: Session {
                identity: String::new(),
                started: WallTime::default(),
                clean_stop: false,
                automatic_done: false,
                delayed_done: false,
                boot_accepted: false,
            },
            taking_over: None,
            automatic: Automatic::default(),
            stage: Stage::Serving,
            touched: Vec::new(),
            dirty: Dirty::default(),
            effects: Vec::new(),
        };
        for record in records {
            scm.admit(record);
        }
        Ok(scm)
    }

    /// Sets the time for what follows.
    pub(crate) fn at(&mut self, now: Now) {
        self.now = now;
    }

    /// When something is due that nobody else would tell of.
    pub(crate) fn next_deadline(&self) -> Option<Tick> {
        self.timers.next()
    }

    /// Does what is due by now.
    pub(crate) fn expire(&mut self) {
        while let Some(timer) = self.timers.pop(self.now.tick) {
            match timer {
                Timer::Connect(instance) => self.connect_timed_out(&instance),
                Timer::Control(id) => self.control_timed_out(id),
                Timer::Hang(key) => self.check_hang(&key),
                Timer::Due(key) => self.take_failure_action(&key),
                Timer::Start(key) => self.ring(&key),
                Timer::Delayed => self.start_delayed(),
                Timer::TakeOver => self.taking_over = None,
                Timer::Linger => self.end_lingering(),
                Timer::Shutdown(key) => self.shutdown_timed_out(&key),
            }
        }
    }

    /// Writes down what happened in this turn and hands out what follows from it.
    pub(crate) fn finish(&mut self) -> Vec<Effect> {
        self.settle();
        self.end_take_over();
        self.write_down();
        self.answer_event_waits();
        self.answer_overview_waits();
        std::mem::take(&mut self.effects)
    }

    /// Takes states that changed to those who wait for them, until nothing changes any more.
    fn settle(&mut self) {
        while let Some(key) = self.touched.pop() {
            self.wake_dependents(&key);
            self.advance_automatic(&key);
            self.advance_shutdown();
            self.update_door(&key);
        }
    }

    /// Writes what has changed. What can't be written now stays to be written later.
    fn write_down(&mut self) {
        let mut work = Work {
            runs: self
                .dirty
                .runs
                .iter()
                .map(|key| (key.clone(), self.services.get(key).map(Service::run)))
                .collect(),
            instances: self
                .dirty
                .instances
                .iter()
                .map(|id| (id.clone(), self.instances.get(id).map(Instance::row)))
                .collect(),
            session: self.dirty.session.then(|| self.session.clone()),
            ..Work::default()
        };
        self.journal.hand_over(&mut work);
        if work.is_empty() {
            return;
        }
        match self.run.write(&work) {
            Ok(()) => self.dirty = Dirty::default(),
            Err(error) => {
                tracing::error!("cannot record what is running: {error}");
                self.journal.take_back(work.events);
                self.refuse_unrecorded_launches();
            }
        }
    }

    /// A process that isn't recorded would be lost to the next service control manager: it isn't made.
    fn refuse_unrecorded_launches(&mut self) {
        let (launches, rest) = std::mem::take(&mut self.effects)
            .into_iter()
            .partition(|effect| matches!(effect, Effect::Launch(_)));
        self.effects = rest;
        for effect in launches {
            if let Effect::Launch(order) = effect {
                let cause = "what is running cannot be recorded".to_owned();
                self.launch_failed(&order.instance, Win32Error::DISK_FULL, cause);
            }
        }
        self.settle();
    }

    fn service(&self, key: &str) -> Result<&Service, Failure> {
        self.services.get(key).ok_or_else(|| Win32Error::SERVICE_DOES_NOT_EXIST.into())
    }

    fn mark_dirty(&mut self, key: &str) {
        self.mark_changed(key);
        self.dirty.runs.insert(key.to_owned());
    }

    fn effect(&mut self, effect: Effect) {
        self.effects.push(effect);
    }

    /// The answer of the native interface to a failure.
    fn native_error(failure: &Failure) -> NativeReply {
        NativeReply::Error { code: failure.code, message: failure.words() }
    }
}

#[cfg(test)]
mod model_tests;
#[cfg(test)]
mod tests;
