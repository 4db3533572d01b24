use std::time::Duration;

use svckit_core::backend::LockStatus;

use super::MAX_TEXT;
use crate::ndr::{Reader, Result, Text, Writer};

/// `QUERY_SERVICE_LOCK_STATUSW` ([MS-SCMR] 2.2.17).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LockRecord {
    /// `fIsLocked`.
    pub locked: u32,
    /// `lpLockOwner`.
    pub owner: Option<String>,
    /// `dwLockDuration`, in seconds.
    pub duration: u32,
}

impl LockRecord {
    /// The size in bytes that Windows counts: the structure with pointers of eight bytes, and the string.
    pub(crate) fn size(&self, text: Text) -> usize {
        const STRUCTURE: usize = 24;
        STRUCTURE + self.owner.as_ref().map_or(0, |owner| text.size(owner))
    }

    /// [MS-SCMR] 2.2.17: the fields, then what they point to.
    pub(super) fn write(&self, w: &mut Writer) {
        w.u32(self.locked); // fIsLocked
        w.pointer(self.owner.is_some()); // lpLockOwner
        w.u32(self.duration); // dwLockDuration
        if let Some(owner) = &self.owner {
            w.string(owner);
        }
    }

    /// [MS-SCMR] 2.2.17: the fields, then what they point to.
    pub(super) fn read(r: &mut Reader<'_>) -> Result<Self> {
        let (locked, has_owner, duration) = (r.u32()?, r.pointer()?, r.u32()?);
        let owner = if has_owner { Some(r.string("lpLockOwner", MAX_TEXT)?) } else { None };
        Ok(Self { locked, owner, duration })
    }
}

impl From<&LockStatus> for LockRecord {
    fn from(status: &LockStatus) -> Self {
        Self {
            locked: status.locked.into(),
            owner: Some(status.owner.clone()),
            duration: u32::try_from(status.held_for.as_secs()).unwrap_or(u32::MAX),
        }
    }
}

impl From<LockRecord> for LockStatus {
    fn from(record: LockRecord) -> Self {
        Self {
            locked: record.locked != 0,
            owner: record.owner.unwrap_or_default(),
            held_for: Duration::from_secs(record.duration.into()),
        }
    }
}
