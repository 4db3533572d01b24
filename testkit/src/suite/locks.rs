//! Locks of the service database, which hold nothing back.

use svckit_core::access::ManagerAccess;
use svckit_core::backend::{Backend, LockStatus};
use svckit_core::win32::Win32Error;

use super::Fixture;
use super::fixture::{code, manager, start};

super::cases!(a_lock_is_given_and_holds_nothing_back, a_lock_and_its_status_need_their_rights);

fn a_lock_is_given_and_holds_nothing_back(backend: &dyn Backend, fixture: &Fixture) {
    let locker = backend.open_manager(ManagerAccess::LOCK).unwrap();
    let lock = locker.lock().unwrap();
    let dropped = locker.lock().unwrap();
    let manager = manager(backend);
    start(&*fixture.create(&*manager, "unhindered", &[]));
    let asker = backend.open_manager(ManagerAccess::QUERY_LOCK_STATUS).unwrap();
    assert_eq!(asker.lock_status().unwrap(), LockStatus::default());
    // It is not bound to the handle that it was asked with.
    drop(locker);
    lock.unlock().unwrap();
    drop(dropped);
}

fn a_lock_and_its_status_need_their_rights(backend: &dyn Backend, _: &Fixture) {
    let without = |right| backend.open_manager(ManagerAccess::ALL_ACCESS.without(right)).unwrap();
    let lock = without(ManagerAccess::LOCK).lock().map(drop);
    assert_eq!(code(lock), Win32Error::ACCESS_DENIED);
    let status = without(ManagerAccess::QUERY_LOCK_STATUS).lock_status();
    assert_eq!(code(status), Win32Error::ACCESS_DENIED);
}
