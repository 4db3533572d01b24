//! Start, run, stop.

use svckit_core::control::{Control, ControlsAccepted};
use svckit_core::dispatch::FromProcess;
use svckit_core::status::ServiceState;
use svckit_core::win32::Win32Error;

use crate::support::{Bed, wait_gone};

#[test]
fn a_program_runs_is_stopped_and_its_host_ends() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut said = bed.gate("said");
    let definition = bed.script("echo hello; echo $ADDED $SVCKIT_INSTANCE; echo > said; exec sleep 1000");
    host.link.start("shop", definition);
    let status = host.link.state("shop", ServiceState::RUNNING);
    assert_eq!(status.pid, host.pid);
    let accepted = ControlsAccepted::STOP | ControlsAccepted::SHUTDOWN | ControlsAccepted::PRESHUTDOWN;
    assert_eq!(status.controls_accepted, accepted);
    let program = host.link.program();
    said.wait();
    assert_eq!(host.link.control("shop", Control::STOP), Win32Error::SUCCESS);
    let status = host.link.state("shop", ServiceState::STOPPED);
    assert_eq!((status.win32_exit_code, status.pid), (Win32Error::SUCCESS, 0));
    wait_gone(program);
    assert_eq!(bed.log(), format!("hello\nyes {}/shop\n", host.instance));
    host.link.release("shop");
    host.wait_end();
    let pending = host.link.seen.iter().any(|frame| {
        matches!(frame, FromProcess::Status { status, .. } if status.state == ServiceState::STOP_PENDING && status.checkpoint == 1)
    });
    assert!(pending, "{:#?}", host.link.seen);
}
