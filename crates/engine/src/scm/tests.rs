//! Tests of the service control manager without processes: what is said is put in, what is to be done comes out.

use std::cell::RefCell;
use std::rc::Rc;
use std::sync::Arc;
use std::time::Duration;

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::config::{ConfigChange, NewService, ServiceConfig};
use svckit_core::control::{Control, ControlsAccepted};
use svckit_core::dispatch::{FromProcess, PROTOCOL, ServiceReport};
use svckit_core::kind::{ErrorControl, ServiceType, StartType};
use svckit_core::log::rotation::RotateTime;
use svckit_core::name::{Dependency, DisplayName, ServiceName};
use svckit_core::native::EventId;
use svckit_core::security::check::Token;
use svckit_core::status::{NotifyMask, ServiceState, ServiceStatus};
use svckit_core::time::WallTime;
use svckit_core::timetable::Occasion;
use tempfile::TempDir;

use super::*;

const CLIENT: ConnectionId = ConnectionId(1);
const OTHER: ConnectionId = ConnectionId(2);

fn system() -> Arc<Token> {
    Arc::new(Token::local_system())
}

/// A service control manager over a directory, at a time that the test sets.
struct Bed {
    scm: Scm,
    directory: Rc<TempDir>,
    now: Now,
}

impl Bed {
    fn new() -> Self {
        Self::over(
            Rc::new(tempfile::tempdir().unwrap()),
            Now { tick: Tick(Duration::from_secs(1)), wall: WallTime(1_000_000) },
            7,
        )
    }

    fn over(directory: Rc<TempDir>, now: Now, nonce: u64) -> Self {
        let (store, records) = ServiceStore::open(&directory.path().join("svc.db")).unwrap();
        let run = RunStore::open(&directory.path().join("run.db")).unwrap();
        let about = About {
            pid: 1,
            directory: directory.path().to_owned(),
            program: None,
            started: now.wall,
            nonce,
            may_switch_user: false,
        };
        let mut scm = Scm::new(Settings::default(), about, store, records, run).unwrap();
        scm.at(now);
        scm.begin("this life").unwrap();
        Self { scm, directory, now }
    }

    /// It is killed after its last turn, and another one takes over.
    fn killed(self) -> Self {
        let Self { scm, directory, now } = self;
        drop(scm);
        Self::over(directory, now, 7000)
    }

    /// Ends the turn; answers are given, what else is to be done is returned.
    fn turn(&mut self) -> Vec<Effect> {
        let mut rest = Vec::new();
        loop {
            let effects = self.scm.finish();
            if effects.is_empty() {
                return rest;
            }
            for effect in effects {
                match effect {
                    Effect::Answer(answer) => answer(),
                    effect => rest.push(effect),
                }
            }
        }
    }

    fn pass(&mut self, time: Duration) -> Vec<Effect> {
        self.now.tick = self.now.tick + time;
        self.now.wall.0 += u64::try_from(time.as_millis()).unwrap();
        self.scm.at(self.now);
        self.scm.expire();
        self.turn()
    }

    fn create(&mut self, name: &str, dependencies: &[&str]) -> HandleId {
        self.create_of_type(ServiceType::WIN32_OWN_PROCESS, name, dependencies)
    }

    fn create_of_type(&mut self, service_type: ServiceType, name: &str, dependencies: &[&str]) -> HandleId {
        let manager = self.scm.open_manager(CLIENT, system(), ManagerAccess::ALL_ACCESS).unwrap();
        let new = NewService {
            name: ServiceName::new(name).unwrap(),
            config: ServiceConfig {
                service_type,
                start_type: StartType::DEMAND_START,
                error_control: ErrorControl::NORMAL,
                image_path: ImagePath::new("/bin/service").unwrap(),
                load_order_group: None,
                tag: 0,
                dependencies: dependencies.iter().map(|text| Dependency::new(text).unwrap()).collect(),
                account: None,
                display_name: DisplayName::new(name).unwrap(),
            },
            want_tag: false,
            password: None,
        };
        self.scm.create(CLIENT, manager, new, ServiceAccess::ALL_ACCESS).unwrap().0
    }

    fn open(&mut self, connection: ConnectionId, name: &str) -> Result<HandleId, Failure> {
        let manager = self.scm.open_manager(connection, system(), ManagerAccess::CONNECT)?;
        self.scm.open_service(connection, manager, name, ServiceAccess::ALL_ACCESS)
    }

    /// Begins a start; what it was answered with, once it was.
    fn start(&mut self, handle: HandleId) -> Answered<()> {
        let answered = Answered::default();
        self.scm.start(CLIENT, handle, Vec::new(), answered.reply());
        answered
    }

    fn event(&mut self, instance: &str, event: ProcessEvent) -> Vec<Effect> {
        self.scm.process_event(instance, event);
        self.turn()
    }

    fn hello(&mut self, instance: &str, services: Vec<ServiceReport>) -> Vec<Effect> {
        self.event(instance, ProcessEvent::Said(FromProcess::Hello { protocol: PROTOCOL, pid: 42, services }))
    }

    fn report(&mut self, instance: &str, name: &str, state: ServiceState) -> Vec<Effect> {
        let service = ServiceName::new(name).unwrap();
        self.event(instance, ProcessEvent::Said(FromProcess::Status { service, status: status(state) }))
    }

    /// A running service with its process.
    fn running(&mut self, name: &str) -> (HandleId, String) {
        let handle = self.create(name, &[]);
        let answered = self.start(handle);
        let instance = launched(&self.turn());
        self.hello(&instance, Vec::new());
        self.report(&instance, name, ServiceState::RUNNING);
        assert_eq!(answered.code(), Some(Win32Error::SUCCESS));
        (handle, instance)
    }
}

/// An answer that is given some time.
struct Answered<T>(Rc<RefCell<Option<Result<T, Failure>>>>);

impl<T> Default for Answered<T> {
    fn default() -> Self {
        Self(Rc::default())
    }
}

impl<T: 'static> Answered<T> {
    fn reply(&self) -> Reply<T> {
        let place = Rc::clone(&self.0);
        Reply::new(move |result| *place.borrow_mut() = Some(result))
    }

    fn code(&self) -> Option<Win32Error> {
        self.0.borrow().as_ref().map(|result| result.as_ref().err().map_or(Win32Error::SUCCESS, |f| f.code))
    }
}

fn status(state: ServiceState) -> ServiceStatus {
    let controls_accepted = match state {
        ServiceState::RUNNING => ControlsAccepted::STOP,
        _ => ControlsAccepted::empty(),
    };
    let stopped = ServiceStatus::stopped(ServiceType::WIN32_OWN_PROCESS, Win32Error::SUCCESS);
    ServiceStatus { state, controls_accepted, ..stopped }
}

/// The instance that is to be launched, which has to be the only one.
fn launched(effects: &[Effect]) -> String {
    let mut launches = effects.iter().filter_map(|effect| match effect {
        Effect::Launch(order) => Some(order.instance.clone()),
        _ => None,
    });
    let first = launches.next().expect("a process is ordered");
    assert_eq!(launches.next(), None);
    first
}

fn told(effects: &[Effect]) -> Vec<&ToProcess> {
    effects
        .iter()
        .filter_map(|effect| match effect {
            Effect::Tell { message, .. } => Some(message),
            _ => None,
        })
        .collect()
}

#[test]
fn a_closed_connection_closes_its_handles_and_its_waits() {
    let mut bed = Bed::new();
    let handle = bed.create("web", &[]);
    bed.open(OTHER, "web").unwrap();
    let watch = bed.scm.register(CLIENT, handle, NotifyMask::RUNNING).unwrap();
    let answered = Answered::default();
    bed.scm.results(CLIENT, watch, answered.reply());
    bed.scm.delete(CLIENT, handle).unwrap();
    bed.scm.connection_closed(CLIENT);
    bed.turn();
    assert_eq!(answered.code(), Some(Win32Error(1235)), "the wait was given up");
    assert!(bed.open(OTHER, "web").is_ok(), "the other connection holds the record");
    assert_eq!(bed.scm.status(CLIENT, handle).unwrap_err().code, Win32Error::INVALID_HANDLE);
    bed.scm.connection_closed(OTHER);
    bed.turn();
    assert_eq!(bed.open(OTHER, "web").unwrap_err().code, Win32Error::SERVICE_DOES_NOT_EXIST);
}

#[test]
fn a_handle_belongs_to_its_connection_and_its_kind() {
    let mut bed = Bed::new();
    let service = bed.create("web", &[]);
    let manager = bed.scm.open_manager(CLIENT, system(), ManagerAccess::ALL_ACCESS).unwrap();
    for (connection, handle) in [(OTHER, service), (CLIENT, manager), (CLIENT, HandleId(0))] {
        assert_eq!(bed.scm.status(connection, handle).unwrap_err().code, Win32Error::INVALID_HANDLE);
    }
    bed.scm.close(CLIENT, service).unwrap();
    assert_eq!(bed.scm.close(CLIENT, service).unwrap_err().code, Win32Error::INVALID_HANDLE);
}

#[test]
fn a_process_that_does_not_connect_is_ended_even_if_it_comes_later() {
    let mut bed = Bed::new();
    let handle = bed.create("web", &[]);
    let answered = bed.start(handle);
    let instance = launched(&bed.turn());
    bed.event(&instance, ProcessEvent::Launched { pid: 42 });
    let effects = bed.pass(Settings::default().start_timeout);
    assert_eq!(answered.code(), Some(Win32Error::SERVICE_REQUEST_TIMEOUT));
    assert!(matches!(effects[..], [Effect::Kill { .. }]));
    let effects = bed.hello(&instance, Vec::new());
    assert!(matches!(effects[..], [Effect::Kill { .. }]));
    let effects = bed.event(&instance, ProcessEvent::Gone);
    assert!(matches!(effects[..], [Effect::Forget { .. }]));
}

#[test]
fn why_no_process_was_made_counts_more_than_that_its_socket_closed() {
    let mut bed = Bed::new();
    let handle = bed.create("web", &[]);
    let answered = bed.start(handle);
    let instance = launched(&bed.turn());
    bed.event(&instance, ProcessEvent::Gone);
    assert_eq!(answered.code(), None);
    let message = "there is no such file".to_owned();
    bed.event(&instance, ProcessEvent::Failed { code: Win32Error::FILE_NOT_FOUND, message });
    assert_eq!(answered.code(), Some(Win32Error::FILE_NOT_FOUND));
}

#[test]
fn a_start_that_nobody_carried_out_begins_again_under_the_successor() {
    let mut bed = Bed::new();
    let handle = bed.create("web", &[]);
    bed.start(handle);
    let first = launched(&bed.turn());
    let mut bed = bed.killed();
    assert!(matches!(&bed.turn()[..], [Effect::Reconnect { instance }] if *instance == first));
    let effects = bed.event(&first, ProcessEvent::Gone);
    assert_ne!(launched(&effects), first);
}

#[test]
fn services_that_were_to_share_a_process_share_the_next_one_under_the_successor() {
    let mut bed = Bed::new();
    for name in ["first", "second"] {
        let handle = bed.create_of_type(ServiceType::WIN32_SHARE_PROCESS, name, &[]);
        bed.start(handle);
    }
    let first = launched(&bed.turn());
    let mut bed = bed.killed();
    bed.turn();
    let effects = bed.event(&first, ProcessEvent::Gone);
    let second = launched(&effects);
    assert_ne!(second, first);
    let effects = bed.hello(&second, Vec::new());
    assert!(matches!(told(&effects)[..], [ToProcess::Start { .. }, ToProcess::Start { .. }]));
}

#[test]
fn nothing_is_started_in_a_process_whose_remains_are_being_ended() {
    let mut bed = Bed::new();
    let [first, second] =
        ["first", "second"].map(|name| bed.create_of_type(ServiceType::WIN32_SHARE_PROCESS, name, &[]));
    bed.start(first);
    let dying = launched(&bed.turn());
    bed.hello(&dying, Vec::new());
    bed.event(&dying, ProcessEvent::Gone);
    let answered = bed.start(second);
    assert_ne!(launched(&bed.turn()), dying);
    bed.scm.remains_ended(&dying, 0);
    bed.turn();
    assert_eq!(answered.code(), None, "it goes on");
}

#[test]
fn a_process_that_the_successor_waits_for_has_its_time_too() {
    let mut bed = Bed::new();
    let handle = bed.create("web", &[]);
    bed.start(handle);
    let instance = launched(&bed.turn());
    bed.event(&instance, ProcessEvent::Launched { pid: 42 });
    let mut bed = bed.killed();
    bed.turn();
    let handle = bed.open(CLIENT, "web").unwrap();
    assert_eq!(bed.scm.status(CLIENT, handle).unwrap().pid, 42);
    let effects = bed.pass(Settings::default().start_timeout);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::Kill { .. })));
    let status = bed.scm.status(CLIENT, handle).unwrap();
    assert_eq!(
        (status.state, status.win32_exit_code),
        (ServiceState::STOPPED, Win32Error::SERVICE_REQUEST_TIMEOUT)
    );
}

#[test]
fn a_late_answer_to_the_predecessor_is_none_to_the_successor() {
    let mut bed = Bed::new();
    let (handle, instance) = bed.running("web");
    bed.scm.control(CLIENT, handle, Control::INTERROGATE, Answered::default().reply());
    let effects = bed.turn();
    let [ToProcess::Control { id: late, .. }] = told(&effects)[..] else { panic!() };
    let mut bed = bed.killed();
    bed.turn();
    let handle = bed.open(CLIENT, "web").unwrap();
    let service = ServiceName::new("web").unwrap();
    let report = ServiceReport { service, status: status(ServiceState::RUNNING), host: None };
    bed.hello(&instance, vec![report]);
    let answered = Answered::default();
    bed.scm.control(CLIENT, handle, Control::STOP, answered.reply());
    bed.turn();
    let late = FromProcess::ControlDone { id: *late, code: Win32Error::SUCCESS };
    bed.event(&instance, ProcessEvent::Said(late));
    assert_eq!(answered.code(), None);
}

#[test]
fn a_start_that_waits_goes_by_the_dependencies_as_they_are() {
    let mut bed = Bed::new();
    let base = bed.create("base", &[]);
    let top = bed.create("top", &["base"]);
    bed.start(base);
    launched(&bed.turn());
    bed.start(top);
    assert!(bed.turn().is_empty());
    let change = ConfigChange { dependencies: Some(Vec::new()), ..ConfigChange::default() };
    bed.scm.change_config(CLIENT, top, change).unwrap();
    launched(&bed.turn());
}

#[test]
fn an_order_to_run_that_was_lost_is_given_again() {
    let mut bed = Bed::new();
    let handle = bed.create("web", &[]);
    bed.start(handle);
    let instance = launched(&bed.turn());
    // Recorded as connected; but the message may not have left.
    bed.hello(&instance, Vec::new());
    let mut bed = bed.killed();
    bed.turn();
    let effects = bed.hello(&instance, Vec::new());
    assert!(matches!(told(&effects)[..], [ToProcess::Start { .. }]));
}

#[test]
fn a_final_status_that_the_predecessor_had_taken_is_released_again() {
    let mut bed = Bed::new();
    let (_, instance) = bed.running("web");
    bed.report(&instance, "web", ServiceState::STOPPED);
    let mut bed = bed.killed();
    bed.turn();
    let service = ServiceName::new("web").unwrap();
    let report = ServiceReport { service, status: status(ServiceState::STOPPED), host: None };
    let effects = bed.hello(&instance, vec![report]);
    assert!(matches!(told(&effects)[..], [ToProcess::Release { .. }]));
}

#[test]
fn a_service_whose_process_died_with_the_predecessor_has_died() {
    let mut bed = Bed::new();
    let (_, instance) = bed.running("web");
    let mut bed = bed.killed();
    bed.turn();
    let handle = bed.open(CLIENT, "web").unwrap();
    assert_eq!(bed.scm.status(CLIENT, handle).unwrap().state, ServiceState::RUNNING, "as it was recorded");
    let effects = bed.event(&instance, ProcessEvent::Gone);
    assert!(effects.iter().any(|effect| matches!(effect, Effect::EndRemains { .. })));
    bed.scm.remains_ended(&instance, 0);
    bed.turn();
    let status = bed.scm.status(CLIENT, handle).unwrap();
    assert_eq!((status.state, status.win32_exit_code), (ServiceState::STOPPED, Win32Error::PROCESS_ABORTED));
}

#[test]
fn nobody_is_answered_before_the_processes_of_the_predecessor_have_told_how_they_are() {
    let mut bed = Bed::new();
    assert!(!bed.scm.is_taking_over(), "there is no predecessor");
    let (_, first) = bed.running("first");
    let (_, second) = bed.running("second");
    let mut bed = bed.killed();
    bed.turn();
    bed.hello(&first, Vec::new());
    assert!(bed.scm.is_taking_over());
    bed.event(&second, ProcessEvent::Gone);
    assert!(!bed.scm.is_taking_over());
    assert_eq!(bed.scm.next_deadline(), None);
}

#[test]
fn a_process_that_says_nothing_holds_up_nobody_for_long() {
    let mut bed = Bed::new();
    bed.running("web");
    let mut bed = bed.killed();
    bed.turn();
    assert!(bed.scm.is_taking_over());
    bed.pass(Duration::from_secs(5));
    assert!(!bed.scm.is_taking_over());
}

#[test]
fn a_control_that_is_not_answered_has_a_time_limit_and_the_service_goes_on() {
    let mut bed = Bed::new();
    let (handle, _) = bed.running("web");
    let answered = Answered::default();
    bed.scm.control(CLIENT, handle, Control::STOP, answered.reply());
    let effects = bed.turn();
    assert!(matches!(told(&effects)[..], [ToProcess::Control { control: Control::STOP, .. }]));
    bed.pass(Settings::default().control_timeout);
    assert_eq!(answered.code(), Some(Win32Error::SERVICE_REQUEST_TIMEOUT));
    assert_eq!(bed.scm.status(CLIENT, handle).unwrap().state, ServiceState::RUNNING);
}

#[test]
fn a_dependency_that_hangs_fails_those_who_wait_for_it() {
    let mut bed = Bed::new();
    bed.create("base", &[]);
    let top = bed.create("top", &["base"]);
    let answered = bed.start(top);
    let instance = launched(&bed.turn());
    bed.hello(&instance, Vec::new());
    assert_eq!(answered.code(), None);
    bed.pass(Settings::default().start_timeout);
    assert_eq!(answered.code(), Some(Win32Error::SERVICE_DEPENDENCY_FAIL));
    let hung = bed.scm.run.events(None, 0, None).unwrap();
    assert!(hung.iter().any(|event| event.id == EventId::START_HANG));
}

#[test]
fn nothing_is_due_while_nothing_happens() {
    let mut bed = Bed::new();
    let (handle, instance) = bed.running("web");
    assert_eq!(bed.scm.next_deadline(), None);
    let answered = Answered::default();
    bed.scm.control(CLIENT, handle, Control::INTERROGATE, answered.reply());
    let effects = bed.turn();
    let [ToProcess::Control { id, .. }] = told(&effects)[..] else { panic!() };
    bed.event(&instance, ProcessEvent::Said(FromProcess::ControlDone { id: *id, code: Win32Error::SUCCESS }));
    assert_eq!((answered.code(), bed.scm.next_deadline()), (Some(Win32Error::SUCCESS), None));
}

/// A definition of a service that the clock starts every minute.
fn every_minute() -> Box<svckit_core::definition::HostDefinition> {
    let text = r#"{ "version": 1, "program": { "command": ["x"], "directory": "/" }, "restart": {}, "stop": { "ladder": [] },
        "log": { "stdout": "discard", "stderr": "discard", "rotate_size": null, "keep_count": null, "buffer": 1 },
        "schedule": { "start": [{ "regular": { "every": { "interval_ms": 60000, "at_ms": 0 } } }] } }"#;
    serde_json::from_str(text).unwrap()
}

fn launches(effects: &[Effect]) -> usize {
    effects.iter().filter(|effect| matches!(effect, Effect::Launch(_))).count()
}

#[test]
fn the_clock_starts_a_service_that_does_not_run() {
    let minute = Duration::from_secs(61);
    let mut bed = Bed::new();
    bed.create("night", &[]);
    assert_eq!(launches(&bed.pass(minute)), 0);
    bed.scm.set_definition("NIGHT", Some(every_minute())).unwrap();
    let scheduled = |bed: &Bed| native::named_state(&bed.scm.services["NIGHT"]).state.scheduled;
    let next = scheduled(&bed).unwrap();
    assert!(next.at > bed.now.wall && next.at.0 - bed.now.wall.0 <= 60_000, "{next:?}");
    let effects = bed.pass(minute);
    let instance = launched(&effects);
    bed.hello(&instance, Vec::new());
    bed.report(&instance, "night", ServiceState::RUNNING);
    assert_eq!(scheduled(&bed), None, "it runs");
    assert_eq!(launches(&bed.pass(minute)), 0, "one that runs is let alone");
    bed.report(&instance, "night", ServiceState::STOPPED);
    // A service control manager that takes over goes on with that.
    let mut bed = bed.killed();
    assert_eq!(launches(&bed.pass(minute)), 1);
}

#[test]
fn a_clock_that_is_set_starts_what_it_is_time_for_then_and_nothing_that_was_missed() {
    const HOUR: u64 = 3_600_000;
    let mut bed = Bed::new();
    bed.scm.hear_of_clock();
    bed.create("night", &[]);
    let mut definition = every_minute();
    let every = RotateTime::Every { interval: Duration::from_millis(1000 * HOUR), at: Duration::ZERO };
    definition.schedule.start = vec![Occasion::Regular(every)];
    bed.scm.set_definition("NIGHT", Some(definition)).unwrap();
    let scheduled = |bed: &Bed| native::named_state(&bed.scm.services["NIGHT"]).state.scheduled.unwrap().at;
    let first = scheduled(&bed);
    let left = Duration::from_millis(first.0 - bed.now.wall.0);
    assert_eq!(bed.scm.next_deadline().map(|at| at.since(bed.now.tick)), Some(left), "nobody looks earlier");
    let set = |bed: &mut Bed, wall: u64| {
        bed.now.wall.0 = wall;
        bed.scm.at(bed.now);
        bed.scm.clock_changed();
        launches(&bed.turn())
    };
    assert_eq!(set(&mut bed, first.0 - 1), 0);
    // An hour is too late, also for a service control manager that was away meanwhile.
    assert_eq!(set(&mut bed, first.0 + HOUR + 1), 0);
    assert!(scheduled(&bed) > first);
    assert_eq!(set(&mut bed, first.0 - 1), 0);
    assert_eq!(scheduled(&bed), first, "what comes again is done again");
    bed.now.wall.0 = first.0 + 1;
    let mut bed = bed.killed();
    assert_eq!((launches(&bed.pass(Duration::ZERO)), scheduled(&bed) > first), (0, true));
    assert_eq!(set(&mut bed, first.0 - 1), 0);
    assert_eq!(set(&mut bed, first.0 + HOUR - 1), 1);
}

#[test]
fn the_clock_starts_nothing_that_is_disabled_or_gone() {
    let minute = Duration::from_secs(61);
    let mut bed = Bed::new();
    let handle = bed.create("night", &[]);
    bed.scm.set_definition("NIGHT", Some(every_minute())).unwrap();
    let disabled = ConfigChange { start_type: Some(StartType::DISABLED), ..ConfigChange::default() };
    bed.scm.change_config(CLIENT, handle, disabled).unwrap();
    assert_eq!(native::named_state(&bed.scm.services["NIGHT"]).state.scheduled, None);
    assert_eq!(launches(&bed.pass(minute)), 0);
    let manual = ConfigChange { start_type: Some(StartType::DEMAND_START), ..ConfigChange::default() };
    bed.scm.change_config(CLIENT, handle, manual).unwrap();
    bed.scm.delete(CLIENT, handle).unwrap();
    assert_eq!(launches(&bed.pass(minute)), 0, "it is going to be deleted");
}
