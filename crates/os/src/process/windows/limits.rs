//! Limits of a program that is not running yet.

use std::io;
use std::os::windows::io::RawHandle;
use std::ptr;

use svckit_core::limits::{Limits, Priority};
use windows_sys::Win32::System::JobObjects::{
    JOB_OBJECT_CPU_RATE_CONTROL_ENABLE, JOB_OBJECT_CPU_RATE_CONTROL_HARD_CAP,
    JOBOBJECT_CPU_RATE_CONTROL_INFORMATION, JOBOBJECT_EXTENDED_LIMIT_INFORMATION,
    JobObjectCpuRateControlInformation, JobObjectExtendedLimitInformation, QueryInformationJobObject,
    SetInformationJobObject,
};
use windows_sys::Win32::System::Threading::{
    ALL_PROCESSOR_GROUPS, GetActiveProcessorCount, GetPriorityClass, SetPriorityClass, SetProcessAffinityMask,
};

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

/// Sets a job's limit of processor time, and looks whether the system has taken the others, which are `set`: one that accepts what it doesn't keep would let a program use as much
/// as it likes.
pub(super) fn confine(
    job: RawHandle,
    limits: &Limits,
    set: &JOBOBJECT_EXTENDED_LIMIT_INFORMATION,
) -> Result<(), SpawnError> {
    for (key, value) in limits.of_all() {
        let kept = match key {
            "memory" => query(job).map(|kept| kept.JobMemoryLimit == set.JobMemoryLimit),
            "cpu" => set_rate(job, limits.cpu.unwrap_or_default()),
            _ => query(job).map(|kept| {
                kept.BasicLimitInformation.ActiveProcessLimit == set.BasicLimitInformation.ActiveProcessLimit
            }),
        };
        let (error, detail) = match kept {
            Ok(true) => continue,
            Ok(false) => {
                (io::ErrorKind::Unsupported.into(), Some("the system accepts it and does not keep it"))
            }
            Err(error) => (error, None),
        };
        let subject = format!("{key} = {value}");
        return Err(SpawnError { stage: Stage::Limits, error, subject, detail: detail.map(str::to_owned) });
    }
    Ok(())
}

fn query(job: RawHandle) -> io::Result<JOBOBJECT_EXTENDED_LIMIT_INFORMATION> {
    let mut kept = JOBOBJECT_EXTENDED_LIMIT_INFORMATION::default();
    let size = u32::try_from(size_of_val(&kept)).unwrap_or(0);
    // SAFETY: the structure is of the class and the size that are said, and is written during the call only.
    let done = unsafe {
        QueryInformationJobObject(
            job,
            JobObjectExtendedLimitInformation,
            (&raw mut kept).cast(),
            size,
            ptr::null_mut(),
        )
    };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(kept) }
}

/// A rate is in hundredths of a percent of all processors together; one that is more than all of them is none.
fn set_rate(job: RawHandle, percent: u32) -> io::Result<bool> {
    // SAFETY: a number is passed.
    let processors = unsafe { GetActiveProcessorCount(ALL_PROCESSOR_GROUPS) };
    let mut rate = JOBOBJECT_CPU_RATE_CONTROL_INFORMATION {
        ControlFlags: JOB_OBJECT_CPU_RATE_CONTROL_ENABLE | JOB_OBJECT_CPU_RATE_CONTROL_HARD_CAP,
        ..JOBOBJECT_CPU_RATE_CONTROL_INFORMATION::default()
    };
    rate.Anonymous.CpuRate = rate_of(percent, processors);
    // SAFETY: the structure is of the class and the size that are said, and is only read during the call.
    let done = unsafe {
        SetInformationJobObject(
            job,
            JobObjectCpuRateControlInformation,
            (&raw const rate).cast(),
            u32::try_from(size_of_val(&rate)).unwrap_or(0),
        )
    };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(true) }
}

fn rate_of(percent: u32, processors: u32) -> u32 {
    (percent * 100 / processors.max(1)).clamp(1, 10_000)
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
    fn a_share_of_processors_is_one_of_them_all() {
        let rates = [(150, 4), (50, 1), (100, 3), (1, 128), (800, 4), (102_400, 1)];
        let rates = rates.map(|(percent, processors)| rate_of(percent, processors));
        assert_eq!(rates, [3750, 5000, 3333, 1, 10_000, 10_000]);
    }

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
