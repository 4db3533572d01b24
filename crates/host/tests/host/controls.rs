//! Pause, continue and a service's own controls.

use svckit_core::control::{Control, ControlsAccepted};
use svckit_core::definition::ControlAction;
use svckit_core::dispatch::FromProcess;
use svckit_core::native::Phase;
use svckit_core::signal::Signal;
use svckit_core::status::ServiceState;
use svckit_core::win32::Win32Error;

use crate::support::Bed;

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
        Control(128),
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
