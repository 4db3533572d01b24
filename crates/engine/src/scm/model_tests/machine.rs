//! The service control manager and the model, side by side.

use std::cell::RefCell;
use std::collections::{BTreeMap, BTreeSet, HashMap, VecDeque};
use std::path::Path;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::control::{Control, ControlsAccepted};
use svckit_core::dispatch::{FromProcess, PROTOCOL, ServiceReport, ToProcess};
use svckit_core::kind::ServiceType;
use svckit_core::name::{GroupName, ServiceName};
use svckit_core::security::check::Token;
use svckit_core::status::{ServiceState, ServiceStatus};
use svckit_core::time::{Now, Tick, WallTime};
use svckit_core::win32::Win32Error;
use svckit_testkit::model::{GROUP_ORDER, Input, Model, Report, SLOTS, Seen, Step};
use tempfile::TempDir;

use super::super::{
    About, ConnectionId, Effect, Failure, HandleId, ProcessEvent, Reply, RunStore, Scm, ServiceStore,
    Settings, Triggered,
};
use super::calls;

/// When every sequence begins, in milliseconds.
const BEGINNING: u64 = 1_000_000;

/// Who looks how everything is.
pub(super) const OBSERVER: ConnectionId = ConnectionId(9);

/// Codes of answers, by the step that asked.
type Answers = Rc<RefCell<BTreeMap<usize, u32>>>;

/// Both of them.
pub(super) struct Machine {
    model: Model,
    pub(super) scm: Scm,
    directory: TempDir,
    now: u64,
    lives: u32,
    steps: usize,
    /// What is open in each slot; a closed handle stays, to be tried.
    pub(super) slots: [Option<HandleId>; SLOTS],
    /// The last wait that was registered through each.
    pub(super) waits: [Option<HandleId>; SLOTS],
    answers: Answers,
    seen: Vec<Seen>,
    /// What those who wait were told.
    notified: Rc<RefCell<Vec<Seen>>>,
    /// The processes by the names of the model, and back.
    instances: HashMap<String, String>,
    processes: HashMap<String, String>,
    launched: HashMap<String, u32>,
    gone: BTreeSet<String>,
    /// The controls that a process has not answered, by process and service.
    controls: HashMap<(String, String), VecDeque<u64>>,
}

impl Machine {
    pub(super) fn new() -> Self {
        // Where writing costs nothing, if there is such a place.
        let memory = Path::new("/dev/shm");
        let directory =
            if memory.is_dir() { tempfile::tempdir_in(memory) } else { tempfile::tempdir() }.unwrap();
        let scm = open(&directory, BEGINNING, 0, 0);
        let mut model = Model::new(BEGINNING);
        model.begin();
        Self {
            model,
            scm,
            directory,
            now: BEGINNING,
            lives: 0,
            steps: 0,
            slots: [None; SLOTS],
            waits: [None; SLOTS],
            answers: Answers::default(),
            seen: Vec::new(),
            notified: Rc::default(),
            instances: HashMap::new(),
            processes: HashMap::new(),
            launched: HashMap::new(),
            gone: BTreeSet::new(),
            controls: HashMap::new(),
        }
    }

    /// Takes a step in both; an error tells the difference.
    pub(super) fn step(&mut self, step: &Step) -> Result<(), String> {
        self.steps += 1;
        let inputs = self.model.step(step);
        self.put_in(step, inputs);
        self.compare().map_err(|difference| format!("step {} {step:?}: {difference}", self.steps))?;
        if let Step::Wait { seconds } = step {
            let until = self.now + u64::from(*seconds) * 1000;
            self.pass(until).map_err(|difference| format!("step {} {step:?}: {difference}", self.steps))?;
        }
        Ok(())
    }

    /// Lets time pass, from one moment when something is due to the next.
    fn pass(&mut self, until: u64) -> Result<(), String> {
        loop {
            let due = self.scm.next_deadline().map(|at| u64::try_from(at.0.as_millis()).unwrap());
            let next = [self.model.deadline(), due].into_iter().flatten().min();
            self.now = next.map_or(until, |next| next.clamp(self.now, until));
            self.scm.at(now(self.now));
            self.scm.expire();
            self.turn();
            let inputs = self.model.advance(self.now);
            self.put_in(&Step::Wait { seconds: 0 }, inputs);
            let moment = self.now - BEGINNING;
            self.compare().map_err(|difference| format!("after {moment} ms: {difference}"))?;
            if next.is_none_or(|next| next > until) {
                return Ok(());
            }
        }
    }

    fn put_in(&mut self, step: &Step, inputs: Vec<Input>) {
        for input in inputs {
            match input {
                Input::Call => calls::make(self, step),
                Input::Kill { boot } => {
                    // Nobody hears what is answered by what is dropped.
                    self.answers.take();
                    self.succeed(boot);
                }
                Input::Successor => self.succeed(false),
                input => self.process_input(input),
            }
            self.turn();
        }
    }

    /// Where the answer to the present step goes.
    pub(super) fn reply<T: 'static>(&self) -> Reply<T> {
        let (answers, step) = (Rc::clone(&self.answers), self.steps);
        Reply::new(move |result: Result<T, Failure>| {
            answers.borrow_mut().insert(step, result.err().map_or(0, |failure| failure.code.0));
        })
    }

    /// Where the result of a wait goes that the present step asks for.
    pub(super) fn result_of_wait(&self) -> Reply<Triggered> {
        let (answers, notified, step) = (Rc::clone(&self.answers), Rc::clone(&self.notified), self.steps);
        Reply::new(move |result: Result<Triggered, Failure>| {
            answers.borrow_mut().insert(step, result.as_ref().err().map_or(0, |failure| failure.code.0));
            let Ok(Triggered { notification, names }) = result else { return };
            let what = notification.triggered.0;
            let status = names.is_empty().then(|| calls::status_of(&notification.status));
            notified.borrow_mut().push(Seen::Notified { step, what, status, names });
        })
    }

    /// Answers the present step.
    pub(super) fn answer<T>(&self, result: &Result<T, Failure>) {
        let code = result.as_ref().err().map_or(0, |failure| failure.code.0);
        self.answers.borrow_mut().insert(self.steps, code);
    }

    /// The service control manager is gone after its last turn, and another one begins.
    fn succeed(&mut self, boot: bool) {
        self.lives += u32::from(boot);
        self.slots = [None; SLOTS];
        self.waits = [None; SLOTS];
        // Random numbers far from each other.
        let nonce = u64::try_from(self.steps).unwrap() << 32;
        self.scm = open(&self.directory, self.now, self.lives, nonce);
        if boot {
            self.controls.clear();
        }
    }

    fn process_input(&mut self, input: Input) {
        let (process, event) = match input {
            Input::Made { process, pid } => (process, ProcessEvent::Launched { pid }),
            Input::NotMade { process, code } => {
                let message = "it could not be made".to_owned();
                (process, ProcessEvent::Failed { code: Win32Error(code), message })
            }
            Input::Hello { process, pid, services } => {
                let services = services.into_iter().map(|(name, report)| ServiceReport {
                    service: ServiceName::new(name).unwrap(),
                    status: status(report, pid),
                    host: None,
                });
                let services = services.collect();
                (process, ProcessEvent::Said(FromProcess::Hello { protocol: PROTOCOL, pid, services }))
            }
            Input::Report { process, service, report } => {
                let service = ServiceName::new(service).unwrap();
                let status = status(report, 0);
                (process, ProcessEvent::Said(FromProcess::Status { service, status }))
            }
            Input::Answer { process, service, code } => {
                let open = self.controls.get_mut(&(process.clone(), service)).and_then(VecDeque::pop_front);
                let Some(id) = open else { return };
                (process, ProcessEvent::Said(FromProcess::ControlDone { id, code: Win32Error(code) }))
            }
            Input::Gone { process } => {
                self.gone.insert(process.clone());
                (process, ProcessEvent::Gone)
            }
            Input::Call | Input::Kill { .. } | Input::Successor => return,
        };
        if let Some(instance) = self.instances.get(&process) {
            self.scm.process_event(instance, event);
        }
    }

    /// Ends the turn, and notes what the world sees.
    fn turn(&mut self) {
        loop {
            let effects = self.scm.finish();
            if effects.is_empty() {
                return;
            }
            for effect in effects {
                self.effect(effect);
            }
        }
    }

    fn effect(&mut self, effect: Effect) {
        let process = |instance: &str| self.processes.get(instance).cloned().unwrap_or_default();
        match effect {
            Effect::Answer(answer) => answer(),
            Effect::Launch(order) => {
                let image = order.image.to_string();
                let count = self.launched.entry(image.clone()).or_default();
                *count += 1;
                let name = format!("{image}#{count}");
                self.instances.insert(name.clone(), order.instance.clone());
                self.processes.insert(order.instance, name.clone());
                self.seen.push(Seen::Launched { process: name });
            }
            Effect::Tell { instance, message } => {
                let process = process(&instance);
                self.told(process, message);
            }
            Effect::Kill { instance } => {
                let process = process(&instance);
                // One that is gone is killed for safety: it is no news.
                if !self.gone.contains(&process) {
                    self.seen.push(Seen::Killed { process });
                }
            }
            Effect::EndRemains { instance, .. } => self.scm.remains_ended(&instance, 0),
            Effect::Run { command, .. } => self.seen.push(Seen::Ran { command }),
            Effect::Finished(_) => self.seen.push(Seen::Finished),
            Effect::Reconnect { .. }
            | Effect::Door { .. }
            | Effect::Forget { .. }
            | Effect::ReadLog(_)
            | Effect::Measure(_) => {}
        }
    }

    fn told(&mut self, process: String, message: ToProcess) {
        self.seen.push(match message {
            ToProcess::Start { service, arguments, .. } => {
                Seen::Told { process, service: service.to_string(), arguments }
            }
            ToProcess::Control { service, control, id } => {
                let service = service.to_string();
                self.controls.entry((process.clone(), service.clone())).or_default().push_back(id);
                Seen::Controlled { process, service, control: control.0 }
            }
            ToProcess::Release { service } => Seen::Released { process, service: service.to_string() },
            ToProcess::Happened { .. } | ToProcess::Close => return,
        });
    }

    /// Compares what was answered, what was seen, and how everything is.
    fn compare(&mut self) -> Result<(), String> {
        let expected = self.model.answers();
        let answered = self.answers.take();
        let steps: BTreeSet<usize> = expected.keys().chain(answered.keys()).copied().collect();
        for step in steps {
            let (right, code) = (expected.get(&step), answered.get(&step));
            if !right.is_some_and(|right| code.is_some_and(|code| right.contains(code))) {
                return Err(format!("step {step} should be answered with {right:?}, and is with {code:?}"));
            }
        }
        let (mut expected, mut seen) = (self.model.seen(), std::mem::take(&mut self.seen));
        seen.append(&mut self.notified.borrow_mut());
        expected.sort();
        seen.sort();
        if expected != seen {
            return Err(format!("the world should see {expected:?}, and sees {seen:?}"));
        }
        let (expected, found) = (self.model.view(), calls::view(&mut self.scm));
        self.turn();
        if expected != found {
            let different =
                expected.keys().chain(found.keys()).find(|key| expected.get(*key) != found.get(*key));
            let key = different.cloned().unwrap_or_default();
            return Err(format!("{key:?} should be {:?}, and is {:?}", expected.get(&key), found.get(&key)));
        }
        Ok(())
    }
}

fn open(directory: &TempDir, at: u64, life: u32, nonce: u64) -> Scm {
    let (store, records) = ServiceStore::open(&directory.path().join("svc.db")).unwrap();
    let run = RunStore::open(&directory.path().join("run.db")).unwrap();
    let about = About {
        pid: 1,
        directory: directory.path().to_owned(),
        program: None,
        started: now(at).wall,
        nonce,
        may_switch_user: false,
    };
    let group_order = GROUP_ORDER.iter().map(|group| GroupName::new(*group).unwrap()).collect();
    let settings = Settings { group_order, ..Settings::default() };
    let mut scm = Scm::new(settings, about, store, records, run).unwrap();
    scm.at(now(at));
    scm.begin(&format!("life {life}")).unwrap();
    scm
}

fn now(at: u64) -> Now {
    Now { tick: Tick(Duration::from_millis(at)), wall: WallTime(at) }
}

fn status(report: Report, pid: u32) -> ServiceStatus {
    ServiceStatus {
        service_type: ServiceType::WIN32_OWN_PROCESS,
        state: ServiceState(report.state),
        controls_accepted: ControlsAccepted(report.accepted),
        win32_exit_code: Win32Error(report.exit.0),
        service_exit_code: report.exit.1,
        checkpoint: report.checkpoint,
        wait_hint: Duration::from_secs(report.hint.into()),
        pid,
        flags: 0,
    }
}

impl Machine {
    /// The connection of a slot.
    pub(super) fn connection(slot: usize) -> ConnectionId {
        ConnectionId(1 + u64::from(slot >= SLOTS / 2))
    }

    /// What is open in a slot; a handle that never was, if nothing ever was open in it.
    pub(super) fn handle(&self, slot: usize) -> HandleId {
        self.slots[slot].unwrap_or(HandleId(0))
    }

    /// The last wait of a slot, as it is with [`Machine::handle`].
    pub(super) fn wait(&self, slot: usize) -> HandleId {
        self.waits[slot].unwrap_or(HandleId(0))
    }

    /// A handle of the service control manager, with every right.
    pub(super) fn manager(&mut self, connection: ConnectionId) -> HandleId {
        self.scm.open_manager(connection, Arc::new(Token::local_system()), ManagerAccess::ALL_ACCESS).unwrap()
    }

    pub(super) fn control(&mut self, slot: usize, control: u32) {
        let reply = self.reply();
        self.scm.control(Self::connection(slot), self.handle(slot), Control(control), reply);
    }

    pub(super) fn open(&mut self, slot: usize, name: &str, access: u32) {
        let connection = Self::connection(slot);
        let manager = self.manager(connection);
        let opened = self.scm.open_service(connection, manager, name, ServiceAccess(access));
        self.scm.close(connection, manager).unwrap();
        self.answer(&opened);
        self.slots[slot] = opened.ok();
    }
}
