//! Several services in one host.

use svckit_core::control::Control;
use svckit_core::dispatch::FromProcess;
use svckit_core::status::ServiceState;
use svckit_core::win32::Win32Error;

use crate::support::{Bed, wait_gone};

#[test]
fn services_share_a_host_but_not_their_fate() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut gate = bed.gate("gate");
    let orphan = "(setsid sh -c 'echo $$ > gate; exec sleep 1000' &); exec sleep 1000";
    host.link.start("One", bed.script(orphan));
    host.link.state("One", ServiceState::RUNNING);
    let one: u32 = gate.wait().trim().parse().unwrap();
    host.link.start("two", bed.script(orphan));
    host.link.state("two", ServiceState::RUNNING);
    let two: u32 = gate.wait().trim().parse().unwrap();
    let second = host.link.program();

    // Names are compared without case.
    assert_eq!(host.link.control("ONE", Control::STOP), Win32Error::SUCCESS);
    host.link.state("one", ServiceState::STOPPED);
    assert!(!svckit_os::process::is_alive(one), "the orphan of the first went with it");
    assert!(svckit_os::process::is_alive(two) && svckit_os::process::is_alive(second));
    host.link.release("One");
    host.link.stop_of("two");
    wait_gone(two);
    host.link.release("two");
    host.wait_end();
}

#[test]
fn a_service_can_be_started_again_in_its_host() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    host.link.start("stay", bed.script("exec sleep 1000"));
    host.link.state("stay", ServiceState::RUNNING);
    for _ in 0..3 {
        host.link.run("again", bed.script("echo again; exit 0"));
        host.link.release("again");
    }
    // A start of what runs tells its state once more.
    let program = host.link.program();
    host.link.start("stay", bed.script("exit 0"));
    host.link.state("stay", ServiceState::RUNNING);
    assert_eq!(bed.log(), "again\n".repeat(3));
    let pids =
        host.link.seen.iter().filter(
            |frame| matches!(frame, FromProcess::Host { state, .. } if state.child_pid == Some(program)),
        );
    assert!(pids.count() >= 1);
    host.link.stop_of("stay");
}
