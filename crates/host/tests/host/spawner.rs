//! The spawner itself.

use svckit_core::Win32Error;
use svckit_host::spawner::{Image, SpawnerEvent};

use crate::support::{Bed, wait_gone};

#[test]
fn a_program_that_is_not_the_host_gets_the_channel_and_the_mark() {
    let mut bed = Bed::new();
    let out = bed.text("seen");
    let script = format!(
        "echo $SVCKIT_INSTANCE $ADDED > {out}; readlink /proc/self/fd/$SVCKIT_CHANNEL >> {out}; cat /proc/self/cgroup >> {out}; exit 6"
    );
    let arguments = vec!["sh".to_owned(), "-c".to_owned(), script];
    let own = format!("own{}", svckit_os::random::unit().to_bits());
    let SpawnerEvent::Launched { pid, .. } = bed.order(&own, Image::Exec { arguments }, None) else {
        panic!("it was not launched");
    };
    match bed.event() {
        SpawnerEvent::Exited { pid: of, code, signal } => {
            assert_eq!((of, code, signal), (pid, Some(6), None))
        }
        other => panic!("{other:?}"),
    }
    let seen = std::fs::read_to_string(bed.path("seen")).unwrap();
    assert!(seen.starts_with(&format!("{own} yes\nsocket:[")), "{seen}");
    if let Some(group) = svckit_os::tree::Groups::here().find(&own) {
        assert!(seen.contains(&format!("/svckit-{own}\n")), "{seen}");
        group.remove().unwrap();
    }
}

#[test]
fn what_can_not_be_launched_is_told_with_its_code() {
    let mut bed = Bed::new();
    let mut failure = |image, user| match bed.order("bad", image, user) {
        SpawnerEvent::Failed { instance, code, message } => {
            assert_eq!(instance, "bad");
            (code, message)
        }
        other => panic!("{other:?}"),
    };
    let missing = Image::Exec { arguments: vec!["/no/such/program".to_owned()] };
    let (code, message) = failure(missing, None);
    assert_eq!(code, Win32Error::FILE_NOT_FOUND);
    assert!(message.contains("/no/such/program"), "{message}");
    let (code, message) = failure(Image::Host, Some("svckit-no-such-user"));
    assert_eq!(
        (code, message.as_str()),
        (Win32Error::INVALID_SERVICE_ACCOUNT, r#"there is no user "svckit-no-such-user" here"#)
    );
    if !rustix::process::geteuid().is_root() {
        assert_eq!(failure(Image::Host, Some("root")).0, Win32Error::SERVICE_LOGON_FAILED);
    }
}

#[test]
fn the_end_of_a_host_is_told_and_hosts_outlive_the_spawner() {
    let mut bed = Bed::new();
    let first = bed.host();
    let second = bed.host();
    first.kill();
    match bed.event() {
        SpawnerEvent::Exited { pid, code, signal } => {
            assert_eq!((pid, code, signal), (first.pid, None, Some(9)))
        }
        other => panic!("{other:?}"),
    }
    let spawner = bed.spawner.pid();
    let Bed { folder, spawner: gone } = bed;
    drop(gone);
    wait_gone(spawner);
    assert!(svckit_os::process::is_alive(second.pid));
    drop(folder);
}
