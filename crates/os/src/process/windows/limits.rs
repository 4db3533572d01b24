//! Limits of a program that is not running yet.

use std::io;
use std::os::windows::io::RawHandle;

use svckit_core::limits::{Limits, Priority};
use windows_sys::Win32::System::Threading::{GetPriorityClass, SetPriorityClass, SetProcessAffinityMask};

use crate::process::{SpawnError, Stage};

/// Sets what a process has and what it starts inherits from it.
pub(super) fn set(limits: &Limits, process: RawHandle) -> Result<(), SpawnError> {
    if let Some(priority) = limits.priority {
        set_priority(process, priority).map_err(|error| SpawnError {
            stage: Stage::Limits,
            error,
            subject: format!("priority = {}", priority.word()),
            detail: None,
        })?;
    }
    set_affinity(process, &limits.affinity).map_err(|error| SpawnError {
        stage: Stage::Limits,
        error,
        subject: format!("affinity = {:?}", limits.affinity),
        detail: Some("not all of these processors are there for it".to_owned()),
    })
}

fn set_priority(process: RawHandle, priority: Priority) -> io::Result<()> {
    // SAFETY: the handle is open; the other value is a number.
    if unsafe { SetPriorityClass(process, priority.class()) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // Who may not have `REALTIME_PRIORITY_CLASS` gets `HIGH_PRIORITY_CLASS`, silently.
    // SAFETY: as above.
    match unsafe { GetPriorityClass(process) } {
        class if class == priority.class() => Ok(()),
        _ => Err(io::ErrorKind::PermissionDenied.into()),
    }
}

/// What a process starts has its affinity too.
fn set_affinity(process: RawHandle, processors: &[u16]) -> io::Result<()> {
    let bit = |number: &u16| 1usize.checked_shl(u32::from(*number)).ok_or(io::ErrorKind::InvalidInput);
    let mut mask = 0;
    for number in processors {
        mask |= bit(number)?;
    }
    // SAFETY: the handle is open; the mask is a number. The system refuses one with processors that aren't there.
    if mask != 0 && unsafe { SetProcessAffinityMask(process, mask) } == 0 {
        return Err(io::Error::last_os_error());
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::windows::io::AsRawHandle;
    use std::process::{Command, Stdio};

    use windows_sys::Win32::System::Threading::GetProcessAffinityMask;

    #[test]
    fn a_process_has_what_was_set() {
        let mut child = Command::new("cmd").stdin(Stdio::piped()).stdout(Stdio::null()).spawn().unwrap();
        let handle = child.as_raw_handle();
        let limits = |priority, affinity: &[u16]| Limits {
            priority: Some(priority),
            affinity: affinity.to_vec(),
            ..Limits::default()
        };
        for (_, priority) in Priority::NAMED.iter().filter(|(_, priority)| *priority != Priority::Realtime) {
            set(&limits(*priority, &[0]), handle).unwrap();
            let [mut own, mut all] = [0; 2];
            // SAFETY: the handle is open, and the numbers are written during the call only.
            let (class, done) = unsafe {
                (GetPriorityClass(handle), GetProcessAffinityMask(handle, &raw mut own, &raw mut all))
            };
            assert_eq!((class, done, own), (priority.class(), 1, 1));
        }
        let refused = set(&limits(Priority::Normal, &[64]), handle).unwrap_err();
        assert_eq!(refused.subject, "affinity = [64]");
        drop(child.stdin.take());
        child.wait().unwrap();
    }
}
