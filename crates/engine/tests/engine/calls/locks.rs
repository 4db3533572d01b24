//! Locks of the database: each is released once, by who has it, and holds nothing back.

use svckit_core::win32::Win32Error;
use svckit_scmr::ops::{Answer, Call, Handle};

use super::bed::{Bed, start};

fn lock(bed: &mut Bed) -> Handle {
    let manager = bed.manager;
    match bed.ask(&Call::LockServiceDatabase { manager }) {
        Answer::LockServiceDatabase { lock, code: Win32Error::SUCCESS } => lock,
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_lock_is_released_once_and_holds_nothing_back() {
    let mut bed = Bed::new();
    let (first, second) = (lock(&mut bed), lock(&mut bed));
    let service = bed.service(&[]);
    assert_eq!(bed.code(&start(service)), Win32Error::SUCCESS);
    let manager = bed.manager;
    let Answer::QueryServiceLockStatus { status, needed, .. } =
        bed.ask(&Call::QueryServiceLockStatus { manager, size: 26 })
    else {
        panic!("not the status of the lock");
    };
    assert_eq!((status.locked, status.owner.as_deref(), status.duration, needed), (0, Some(""), 0, 26));
    // It is no other handle, and nobody else's.
    assert_eq!(bed.code(&Call::CloseServiceHandle { handle: first }), Win32Error::INVALID_HANDLE);
    let unlock = |lock| Call::UnlockServiceDatabase { lock };
    assert_eq!(bed.another_client().code(&unlock(first)), Win32Error::INVALID_SERVICE_LOCK);
    for lock in [first, second] {
        let released = Answer::UnlockServiceDatabase { lock: Handle::NULL, code: Win32Error::SUCCESS };
        assert_eq!(bed.ask(&unlock(lock)), released);
        assert_eq!(bed.code(&unlock(lock)), Win32Error::INVALID_SERVICE_LOCK);
    }
    for none in [Handle::NULL, service, manager] {
        assert_eq!(bed.code(&unlock(none)), Win32Error::INVALID_SERVICE_LOCK);
    }
}
