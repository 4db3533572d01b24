//! What is done with several services, and what waits for others, with programs that run.

use std::io::{BufRead, BufReader};
use std::process::Stdio;

use svckit_testkit::svc::Svc;

use crate::{open, up};

/// The exit status of a service that is marked for deletion.
const MARKED: i32 = 9;

#[test]
fn a_removal_waits_for_who_has_the_service_open_or_says_who_it_is() {
    let svc = Svc::new();
    up(&svc, "web", "run", "");
    let handle = open(&svc, "web");
    let refused = svc.run(&["remove", "web", "--stop", "--wait", "2"]);
    assert_eq!(refused.code(), Some(MARKED), "{}", refused.stderr);
    let own =
        format!(": process {} has it open (1072 ERROR_SERVICE_MARKED_FOR_DELETE)\n", std::process::id());
    assert!(refused.stderr.contains(&own), "{}", refused.stderr);

    let mut removal = svc.command(&["remove", "web", "--verbose"]);
    let mut removal = removal.stdout(Stdio::piped()).stderr(Stdio::piped()).spawn().unwrap();
    let mut told = String::new();
    BufReader::new(removal.stderr.take().unwrap()).read_line(&mut told).unwrap();
    assert_eq!(told, format!("removing web: process {} has it open\n", std::process::id()));
    drop(handle);
    let removed = removal.wait_with_output().unwrap();
    assert_eq!((removed.status.code(), removed.stdout.as_slice()), (Some(0), b"removed web\n".as_slice()));
    assert_eq!(svc.run(&["status", "web"]).code(), Some(3));
}
