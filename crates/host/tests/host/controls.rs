//! Pause, continue and a service's own controls.

use std::net::TcpListener;

use svckit_core::call::{HttpCall, HttpRequest};
use svckit_core::control::{Control, ControlsAccepted};
use svckit_core::definition::{ControlAction, HostDefinition};
use svckit_core::dispatch::FromProcess;
use svckit_core::hook::Errand;
use svckit_core::native::{EventId, Phase};
use svckit_core::signal::Signal;
use svckit_core::status::{ServiceState, ServiceStatus};
use svckit_core::system_event::{Happening, SystemEvent};
use svckit_core::win32::Win32Error;

use crate::support::{Bed, Host, PATIENCE, answer};

#[test]
fn controls_do_what_the_definition_says() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut gate = bed.gate("gate");
    let script = "trap 'echo paused > gate' USR1; trap 'echo continued > gate' USR2; trap 'echo reloaded > gate' HUP; \
                  trap 'echo own > gate' WINCH; echo up > gate; while :; do sleep 1000 & wait; done";
    let mut definition = bed.script(script);
    definition.controls = [
        (Control::PAUSE.0, Signal::Usr1),
        (Control::CONTINUE.0, Signal::Usr2),
        (Control::PARAMCHANGE.0, Signal::Hup),
        (200, Signal::Winch),
    ]
    .map(|(control, signal)| (control, ControlAction::Signal(signal)))
    .into();
    host.link.start("tame", definition);
    let accepted = host.link.state("tame", ServiceState::RUNNING).controls_accepted;
    assert!(accepted.contains(ControlsAccepted::PAUSE_CONTINUE | ControlsAccepted::PARAMCHANGE));
    assert_eq!(gate.wait(), "up\n");
    for (control, word, state, phase) in [
        (Control::PAUSE, "paused\n", ServiceState::PAUSED, Phase::Paused),
        (Control::CONTINUE, "continued\n", ServiceState::RUNNING, Phase::Running),
        (Control::PARAMCHANGE, "reloaded\n", ServiceState::RUNNING, Phase::Running),
        (Control(200), "own\n", ServiceState::RUNNING, Phase::Running),
    ] {
        assert_eq!(host.link.control("tame", control), Win32Error::SUCCESS);
        assert_eq!(gate.wait(), word);
        let last = host.link.seen.iter().rev();
        let status = last.clone().find_map(|frame| match frame {
            FromProcess::Status { status, .. } => Some(status.state),
            _ => None,
        });
        let told = last.clone().find_map(|frame| match frame {
            FromProcess::Host { state, .. } => Some(state.phase),
            _ => None,
        });
        assert_eq!((status, told), (Some(state), Some(phase)));
    }
    host.link.stop("tame");
}

#[test]
fn controls_without_an_action_are_not_valid() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    host.link.start("plain", bed.script("exec sleep 1000"));
    host.link.state("plain", ServiceState::RUNNING);
    for control in [
        Control::PAUSE,
        Control::CONTINUE,
        Control::PARAMCHANGE,
        Control(129),
        Control(255),
        Control::NETBINDADD,
    ] {
        assert_eq!(host.link.control("plain", control), Win32Error::INVALID_SERVICE_CONTROL, "{control}");
    }
    let before = host.link.seen.len();
    assert_eq!(host.link.control("plain", Control::INTERROGATE), Win32Error::SUCCESS);
    let told: Vec<_> =
        host.link.seen[before..].iter().filter(|frame| matches!(frame, FromProcess::Status { .. })).collect();
    assert_eq!(told.len(), 1, "the state is told again");
    host.link.stop("plain");
}

/// A definition whose controls are scripts.
fn obeying(bed: &Bed, controls: &[(Control, &str)]) -> HostDefinition {
    let mut definition = bed.script("exec sleep 1000");
    definition.controls = controls
        .iter()
        .map(|(control, script)| {
            let command = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
            (control.0, ControlAction::Command(Errand { command, timeout: PATIENCE }))
        })
        .collect();
    definition
}

/// The status that was told last.
fn told(host: &Host) -> ServiceStatus {
    let told = host.link.seen.iter().rev().find_map(|frame| match frame {
        FromProcess::Status { status, .. } => Some(*status),
        _ => None,
    });
    told.unwrap()
}

#[test]
fn controls_can_be_commands() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut gate = bed.gate("gate");
    let tell = r#"echo "$SVC_HOOK $SVC_CONTROL ${SVC_PID:+there}" > gate"#;
    host.link.start(
        "shop",
        obeying(&bed, &[(Control::PARAMCHANGE, tell), (Control(200), &format!("{tell}; read go < door"))]),
    );
    let mut door = bed.gate("door");
    host.link.state("shop", ServiceState::RUNNING);
    for (control, number) in [(Control::PARAMCHANGE, 6), (Control(200), 200)] {
        assert_eq!(host.link.control("shop", control), Win32Error::SUCCESS);
        assert_eq!(gate.wait(), format!("control {number} there\n"));
    }
    assert_eq!(
        host.link.control("shop", Control(200)),
        Win32Error::SERVICE_CANNOT_ACCEPT_CTRL,
        "it is obeyed still"
    );
    door.open();
    host.link.host_state(|state| state.hook.is_none());
    // One that is under way holds up no stop.
    assert_eq!(host.link.control("shop", Control(200)), Win32Error::SUCCESS);
    gate.wait();
    host.link.stop("shop");
}

#[test]
fn controls_can_be_requests() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let call = |(control, path): (Control, &str)| {
        let request = HttpRequest::new(&format!("http://{address}/{path}")).unwrap();
        (control.0, ControlAction::Http(HttpCall { request, timeout: PATIENCE }))
    };
    let controls =
        [(Control::PARAMCHANGE, "reload"), (Control::PAUSE, "pause"), (Control::CONTINUE, "continue")];
    let definition = HostDefinition { controls: controls.map(call).into(), ..bed.script("exec sleep 1000") };
    host.link.start("shop", definition);
    host.link.state("shop", ServiceState::RUNNING);
    let (good, bad) = ("HTTP/1.1 204 Done\r\n\r\n", "HTTP/1.1 500 No\r\n\r\n");
    assert_eq!(host.link.control("shop", Control::PARAMCHANGE), Win32Error::SUCCESS);
    assert_eq!(
        host.link.control("shop", Control::PARAMCHANGE),
        Win32Error::SERVICE_CANNOT_ACCEPT_CTRL,
        "it is not answered yet"
    );
    let request = answer(&listener, bad);
    assert!(request.starts_with(&format!("POST /reload HTTP/1.1\r\nHost: {address}\r\n")), "{request}");
    assert_eq!(
        host.link.event(EventId::HOOK_FAILED),
        r#""shop": the request for PARAMCHANGE failed: the answer has the status 500"#
    );
    assert_eq!(host.link.control("shop", Control::PAUSE), Win32Error::SUCCESS);
    assert_eq!(told(&host).state, ServiceState::PAUSE_PENDING);
    answer(&listener, good);
    host.link.state("shop", ServiceState::PAUSED);
    assert_eq!(host.link.control("shop", Control::CONTINUE), Win32Error::SUCCESS);
    answer(&listener, bad);
    host.link.event(EventId::HOOK_FAILED);
    assert_eq!(host.link.control("shop", Control::INTERROGATE), Win32Error::SUCCESS);
    assert_eq!(told(&host).state, ServiceState::PAUSED, "it was not done");
    // One that is never answered holds up no stop.
    assert_eq!(host.link.control("shop", Control::CONTINUE), Win32Error::SUCCESS);
    host.link.stop("shop");
}

#[test]
fn a_service_is_paused_when_the_command_for_it_has_done_it() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut door = bed.gate("door");
    let script = "read word < door; test $word = go";
    host.link.start("shop", obeying(&bed, &[(Control::PAUSE, script), (Control::CONTINUE, script)]));
    host.link.state("shop", ServiceState::RUNNING);
    assert_eq!(host.link.control("shop", Control::PAUSE), Win32Error::SUCCESS);
    let status = told(&host);
    assert!(status.state == ServiceState::PAUSE_PENDING && status.wait_hint > PATIENCE, "{status:?}");
    assert_eq!(host.link.control("shop", Control::CONTINUE), Win32Error::SERVICE_CANNOT_ACCEPT_CTRL);
    door.open();
    host.link.state("shop", ServiceState::PAUSED);
    assert_eq!(host.link.control("shop", Control::CONTINUE), Win32Error::SUCCESS);
    assert_eq!(told(&host).state, ServiceState::CONTINUE_PENDING);
    door.open();
    host.link.state("shop", ServiceState::RUNNING);
    // A command that fails leaves the service as it was.
    assert_eq!(host.link.control("shop", Control::PAUSE), Win32Error::SUCCESS);
    assert_eq!(told(&host).state, ServiceState::PAUSE_PENDING);
    std::fs::write(bed.path("door"), "no\n").unwrap();
    assert_eq!(
        host.link.event(EventId::HOOK_FAILED),
        r#""shop": the command for PAUSE ended with exit code 1"#
    );
    host.link.state("shop", ServiceState::RUNNING);
    host.link.stop("shop");
}

/// What is done when something happens: a script.
fn at(event: SystemEvent, script: &str) -> (SystemEvent, ControlAction) {
    let command = ["/bin/sh", "-c", script].map(str::to_owned).to_vec();
    (event, ControlAction::Command(Errand { command, timeout: PATIENCE }))
}

#[test]
fn what_happens_to_sessions_is_told_to_commands_and_a_suspension_waits_for_them() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let (mut gate, mut door) = (bed.gate("gate"), bed.gate("door"));
    let tell = r#"echo "$SVC_HOOK $SVC_CONTROL $SVC_EVENT $SVC_SESSION" > gate; read go < door"#;
    let events = [at(SystemEvent::SessionLogon, tell), at(SystemEvent::Suspend, tell)];
    let definition = HostDefinition { system_events: events.into(), ..bed.script("exec sleep 1000") };
    host.link.start("shop", definition);
    let accepted = host.link.state("shop", ServiceState::RUNNING).controls_accepted;
    assert!(accepted.contains(ControlsAccepted::SESSIONCHANGE | ControlsAccepted::POWEREVENT));
    let logon = |session| Happening { event: SystemEvent::SessionLogon, session: Some(session) };
    host.link.happened("shop", logon(3), 70);
    assert_eq!(host.link.answer(70), Win32Error::SUCCESS, "nobody waits for that");
    assert_eq!(gate.wait(), "control 14 session-logon 3\n");
    host.link.happened("shop", logon(3), 71);
    assert_eq!(
        host.link.event(EventId::HOOK_FAILED),
        r#""shop": the command for session-logon was left out, since the one before it is still under way"#
    );
    host.link.happened("shop", logon(4), 72);
    assert_eq!(gate.wait(), "control 14 session-logon 4\n", "it is another session");
    door.open();
    door.open();
    host.link.host_state(|state| state.hook.is_none());
    let suspend = Happening { event: SystemEvent::Suspend, session: None };
    host.link.happened("shop", suspend, 73);
    assert_eq!(gate.wait(), "control 13 suspend \n");
    assert_eq!(host.link.control("shop", Control::INTERROGATE), Win32Error::SUCCESS);
    let is_answered = |frame: &FromProcess| matches!(frame, FromProcess::ControlDone { id: 73, .. });
    assert!(!host.link.seen.iter().any(is_answered), "the machine waits for the command");
    door.open();
    assert_eq!(host.link.answer(73), Win32Error::SUCCESS);
    let nothing = Happening { event: SystemEvent::PowerStatus, session: None };
    host.link.happened("shop", nothing, 74);
    assert_eq!(host.link.answer(74), Win32Error::SUCCESS, "what is of no interest is no error");
    host.link.stop("shop");
}
