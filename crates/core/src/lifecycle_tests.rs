//! Tests of the life cycle against a model that only keeps the last announced state and what is open.

use proptest::prelude::*;

use super::*;

const TYPE: ServiceType = ServiceType::WIN32_OWN_PROCESS;

fn reported(state: ServiceState) -> Event {
    Event::Reported(ServiceStatus { state, pid: 4711, ..ServiceStatus::stopped(TYPE, Win32Error::SUCCESS) })
}

fn run(events: &[Event]) -> (Lifecycle, Vec<Action>) {
    let mut life = Lifecycle::default();
    let actions = events.iter().flat_map(|event| life.handle(*event, Tick::default()).unwrap()).collect();
    (life, actions)
}

const UP: [Event; 3] = [Event::StartAccepted, Event::DependenciesReady, Event::Connected { pid: 7 }];

#[test]
fn a_start_goes_through_start_pending_and_is_answered_when_the_process_has_connected() {
    let (life, actions) = run(&UP);
    let pending = Action::Announce(ServiceState::START_PENDING);
    assert_eq!(actions, [pending, Action::Launch, Action::AnswerStart(Ok(()))]);
    let status = life.status(TYPE);
    assert_eq!((status.state, status.pid), (ServiceState::START_PENDING, 7));
    assert_eq!(status.wait_hint, FIRST_WAIT_HINT);
}

#[test]
fn a_service_waiting_for_others_is_seen_stopped_as_before() {
    let (life, actions) = run(&UP[..1]);
    assert!(actions.is_empty() && !life.is_at_rest());
    assert_eq!(life.status(TYPE).win32_exit_code, Win32Error::SERVICE_NEVER_STARTED);
    let (life, actions) =
        run(&[Event::StartAccepted, Event::StartFailed(Win32Error::SERVICE_DEPENDENCY_FAIL)]);
    assert_eq!(actions, [Action::AnswerStart(Err(Win32Error::SERVICE_DEPENDENCY_FAIL))]);
    assert_eq!(life.status(TYPE).win32_exit_code, Win32Error::SERVICE_DEPENDENCY_FAIL);
}

#[test]
fn a_process_that_dies_is_a_death_only_after_it_had_the_service() {
    let (_, actions) = run(&[Event::StartAccepted, Event::DependenciesReady, Event::Gone]);
    assert!(!actions.iter().any(|action| matches!(action, Action::Ended(_))));
    assert_eq!(actions.last(), Some(&Action::AnswerStart(Err(Win32Error::PROCESS_ABORTED))));
    let (life, actions) = run(&[UP[0], UP[1], UP[2], Event::Gone]);
    assert_eq!(actions.last(), Some(&Action::Ended(End::Died)));
    assert_eq!(life.status(TYPE).win32_exit_code, Win32Error::PROCESS_ABORTED);
}

#[test]
fn a_report_is_taken_as_it_is_but_for_the_process() {
    let (mut life, _) = run(&[UP[0], UP[1], UP[2], reported(ServiceState::PAUSED)]);
    assert_eq!(life.status(TYPE).pid, 7, "the process in a report is not believed");
    assert_eq!(life.state(), ServiceState::PAUSED, "from START_PENDING: odd, but the service says so");
    let odd = life.handle(reported(ServiceState(99)), Tick::default());
    assert_eq!(odd, Err(Refused::NoSuchState(ServiceState(99))));
    let stop = life.handle(reported(ServiceState::STOPPED), Tick::default()).unwrap();
    assert_eq!(stop[1..], [Action::Release, Action::Ended(End::Stopped(ExitStatus::CLEAN))]);
    assert!(life.handle(reported(ServiceState::RUNNING), Tick::default()).is_err(), "stopped is final");
}

#[test]
fn checkpoints_are_progress_and_repetitions_are_not() {
    let (mut life, _) = run(&UP);
    let at = |seconds| Tick(Duration::from_secs(seconds));
    let pending = |checkpoint| {
        let Event::Reported(status) = reported(ServiceState::START_PENDING) else { unreachable!() };
        Event::Reported(ServiceStatus { checkpoint, wait_hint: Duration::from_secs(9), ..status })
    };
    let patience = Duration::from_secs(4);
    assert_eq!(life.hangs_at(patience), Some(at(4)));
    life.handle(pending(1), at(3)).unwrap();
    assert_eq!(life.hangs_at(patience), Some(at(12)));
    life.handle(pending(1), at(5)).unwrap();
    assert_eq!(life.hangs_at(patience), Some(at(12)));
    life.handle(reported(ServiceState::RUNNING), at(6)).unwrap();
    assert_eq!(life.hangs_at(patience), None);
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        Just(Event::StartAccepted),
        Just(Event::DependenciesReady),
        (1u32..2000).prop_map(|code| Event::StartFailed(Win32Error(code))),
        (1u32..9).prop_map(|pid| Event::Launched { pid }),
        (1u32..9).prop_map(|pid| Event::Connected { pid }),
        (0u32..9).prop_map(|state| reported(ServiceState(state))),
        Just(Event::Gone),
    ]
}

proptest! {
    /// Whatever happens in whatever order: every accepted start is answered exactly once; what is announced is what is seen; a service is
    /// released or has died exactly once for each process that had it; a refused event changes nothing.
    #[test]
    fn promises_are_kept_in_any_order_of_events(events in prop::collection::vec(event(), 0..60)) {
        let mut life = Lifecycle::default();
        let (mut open_starts, mut owned, mut seen) = (0, 0, ServiceState::STOPPED);
        for (second, event) in events.into_iter().enumerate() {
            let before = life.clone();
            let Ok(actions) = life.handle(event, Tick(Duration::from_secs(second as u64))) else {
                prop_assert_eq!(&life, &before);
                continue;
            };
            if event == Event::StartAccepted {
                open_starts += 1;
            }
            for action in actions {
                match action {
                    Action::Announce(state) => {
                        prop_assert_ne!(state, seen, "announced twice");
                        seen = state;
                    }
                    Action::AnswerStart(result) => {
                        open_starts -= 1;
                        owned += i32::from(result.is_ok());
                    }
                    Action::Ended(End::Died) => owned -= 1,
                    Action::Release => owned -= 1,
                    Action::Ended(End::Stopped(_)) | Action::Launch => {}
                }
            }
            let status = life.status(TYPE);
            prop_assert_eq!(status.state, seen);
            prop_assert_eq!(status.state, life.state());
            prop_assert!(status.state != ServiceState::STOPPED || status.pid == 0);
            prop_assert_eq!(open_starts, i32::from(matches!(life, Lifecycle::Waiting { .. } | Lifecycle::Launching { .. })));
            prop_assert_eq!(owned, i32::from(matches!(life, Lifecycle::Active(_))));
        }
    }
}
