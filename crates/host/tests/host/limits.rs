//! What a program may use.

use svckit_core::limits::{Limits, Priority};
use svckit_core::native::EventId;
use svckit_core::status::ServiceState;
use svckit_core::win32::Win32Error;

use crate::support::Bed;

#[test]
fn a_program_and_its_children_have_the_limits_of_the_definition() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut definition =
        bed.script("nice; ulimit -n; sh -c 'nice; ulimit -c; grep Cpus_allowed_list /proc/self/status'");
    definition.limits = Limits {
        priority: Some(Priority::Idle),
        affinity: vec![0],
        open_files: Some(77),
        core_size: Some(0),
    };
    host.link.run("shop", definition);
    assert_eq!(bed.log(), "19\n77\n19\n0\nCpus_allowed_list:\t0\n");
}

#[test]
fn a_limit_that_can_not_be_set_is_no_start() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut definition = bed.script("echo it ran");
    definition.limits.affinity = vec![0, Limits::LAST_PROCESSOR];
    host.link.start("shop", definition);
    let event = host.link.event(EventId::PROGRAM_NOT_STARTED);
    let expected = r#""shop" could not be started: cannot set the limit "affinity = [0, 1023]": invalid argument: not all of these processors are there for it"#;
    assert_eq!(event, expected);
    let status = host.link.state("shop", ServiceState::STOPPED);
    assert_eq!(status.win32_exit_code, Win32Error::INVALID_PARAMETER);
    assert_eq!(bed.log(), "");
}
