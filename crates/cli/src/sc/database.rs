//! Commands about the service database as a whole: `boot`, `Lock` and `QueryLock`.

use serde_json::{Value, json};
use svckit_core::access::ManagerAccess;
use svckit_core::backend::LockStatus;
use svckit_core::millis::to_u32;
use svckit_core::win32::Win32Error;

use super::Session;
use super::answer::Answer;
use super::wrong::Wrong;
use crate::table::printable;

impl Session<'_> {
    pub(super) fn boot(&mut self, acceptable: bool) -> Result<Answer, Wrong> {
        const CALL: &str = "NotifyBootConfigStatus";
        let backend = self.app.backend().map_err(|error| Wrong::call("OpenSCManager", error))?;
        backend.report_boot(acceptable).map_err(|error| {
            let is_refused = error.code == Win32Error::NOT_SUPPORTED;
            let wrong = Wrong::call(CALL, error);
            // Only the code comes over the wire.
            if is_refused {
                wrong
                    .hint("the built-in service control manager has no earlier configuration to restart with")
            } else {
                wrong
            }
        })?;
        Ok(Answer::AllDone { calls: &[CALL] })
    }

    /// Locks and unlocks at once: to hold a lock that holds nothing back would only make somebody wait.
    pub(super) fn lock(&mut self) -> Result<Answer, Wrong> {
        const CALLS: [&str; 2] = ["LockServiceDatabase", "UnlockServiceDatabase"];
        let lock = self.manager(ManagerAccess::LOCK)?.lock();
        let lock = lock.map_err(|error| Wrong::call(CALLS[0], error))?;
        lock.unlock().map_err(|error| Wrong::call(CALLS[1], error))?;
        self.warnings
            .push("a lock holds nothing back since Windows Vista; it is released already".to_owned());
        Ok(Answer::AllDone { calls: &CALLS })
    }

    pub(super) fn ask_lock(&mut self) -> Result<Answer, Wrong> {
        let status = self.manager(ManagerAccess::QUERY_LOCK_STATUS)?.lock_status();
        Ok(Answer::Lock(status.map_err(|error| Wrong::call("QueryServiceLockStatus", error))?))
    }
}

/// What sc prints.
pub(super) fn text(status: &LockStatus) -> String {
    let locked = if status.locked { "TRUE" } else { "FALSE" };
    let owner = format!("\tLockOwner     : {}", printable(&status.owner));
    let seconds = status.held_for.as_secs();
    format!(
        "[SC] QueryServiceLockStatus SUCCESS\n\tIsLocked      : {locked}\n{}\n\tLockDuration  : {seconds} (seconds since acquired)\n",
        owner.trim_end()
    )
}

pub(super) fn json(status: &LockStatus) -> Value {
    let owner = (!status.owner.is_empty()).then_some(&status.owner);
    json!({ "locked": status.locked, "owner": owner, "held_for_ms": to_u32(status.held_for) })
}
