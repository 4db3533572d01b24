//! Locks of the database: since Windows Vista they are given to whoever asks and hold nothing back, not even each other.

use svckit_core::access::ManagerAccess;
use svckit_core::backend::LockStatus;
use svckit_core::win32::Win32Error;

use super::handles::Object;
use super::{ConnectionId, HandleId, Scm};
use crate::error::Failure;

impl Scm {
    /// Gives a lock ([MS-SCMR] 3.1.4.4).
    pub(crate) fn lock(&mut self, connection: ConnectionId, manager: HandleId) -> Result<HandleId, Failure> {
        self.check_manager(connection, manager, ManagerAccess::LOCK)?;
        self.handles.open(connection, Object::Lock)
    }

    /// Takes a lock back ([MS-SCMR] 3.1.4.9).
    pub(crate) fn unlock(&mut self, connection: ConnectionId, lock: HandleId) -> Result<(), Failure> {
        match self.handles.object(connection, lock) {
            Ok(Object::Lock) => {
                self.drop_handle(lock);
                Ok(())
            }
            _ => Err(Win32Error::INVALID_SERVICE_LOCK.into()),
        }
    }

    /// Who locks the database ([MS-SCMR] 3.1.4.18): nobody, since a lock doesn't.
    pub(crate) fn lock_status(
        &mut self,
        connection: ConnectionId,
        manager: HandleId,
    ) -> Result<LockStatus, Failure> {
        self.check_manager(connection, manager, ManagerAccess::QUERY_LOCK_STATUS)?;
        Ok(LockStatus::default())
    }
}
