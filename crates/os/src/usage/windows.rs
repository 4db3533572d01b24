#![allow(unsafe_code)]

use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::time::Duration;

use svckit_core::usage::Process;
use windows_sys::Win32::Foundation::{ERROR_NO_MORE_FILES, FILETIME, INVALID_HANDLE_VALUE};
use windows_sys::Win32::System::Diagnostics::ToolHelp::{
    CreateToolhelp32Snapshot, PROCESSENTRY32W, Process32FirstW, Process32NextW, TH32CS_SNAPPROCESS,
};
use windows_sys::Win32::System::ProcessStatus::{K32GetProcessMemoryInfo, PROCESS_MEMORY_COUNTERS};
use windows_sys::Win32::System::Threading::{
    GetProcessTimes, OpenProcess, PROCESS_QUERY_LIMITED_INFORMATION,
};

/// The structure's size as the system counts.
#[expect(clippy::cast_possible_truncation, reason = "no structure of the system's is that long")]
const fn size<T>() -> u32 {
    size_of::<T>() as u32
}

/// Every process of a snapshot. The system tells of no time of children that ended.
pub fn list() -> io::Result<Vec<Process>> {
    Ok(parents()?.into_iter().map(|(pid, parent)| process(pid, parent)).collect())
}

/// Every process of a snapshot, with the one that started it.
pub(crate) fn parents() -> io::Result<Vec<(u32, u32)>> {
    // SAFETY: the call takes no pointer.
    let snapshot = unsafe { CreateToolhelp32Snapshot(TH32CS_SNAPPROCESS, 0) };
    if snapshot == INVALID_HANDLE_VALUE {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle was just made and belongs to nobody else.
    let snapshot = unsafe { OwnedHandle::from_raw_handle(snapshot) };
    let mut entry = PROCESSENTRY32W { dwSize: size::<PROCESSENTRY32W>(), ..PROCESSENTRY32W::default() };
    let mut found = Vec::new();
    // SAFETY: the handle is open, and the structure says how long it is; so below.
    let mut more = unsafe { Process32FirstW(snapshot.as_raw_handle(), &raw mut entry) } != 0;
    while more {
        found.push((entry.th32ProcessID, entry.th32ParentProcessID));
        // SAFETY: as above.
        more = unsafe { Process32NextW(snapshot.as_raw_handle(), &raw mut entry) } != 0;
    }
    match io::Error::last_os_error() {
        end if end.raw_os_error() == Some(ERROR_NO_MORE_FILES.cast_signed()) => Ok(found),
        error => Err(error),
    }
}

/// A process with what it uses; of one that may not be opened, nothing but its place.
fn process(pid: u32, parent: u32) -> Process {
    let unknown =
        Process { pid, parent, session: 0, began: 0, cpu: Duration::ZERO, waited: Duration::ZERO, memory: 0 };
    // SAFETY: the call takes no pointer.
    let handle = unsafe { OpenProcess(PROCESS_QUERY_LIMITED_INFORMATION, 0, pid) };
    if handle.is_null() {
        return unknown;
    }
    // SAFETY: the handle was just made and belongs to nobody else.
    let handle = unsafe { OwnedHandle::from_raw_handle(handle) };
    let [mut began, mut ended, mut kernel, mut user] = [FILETIME::default(); 4];
    let mut memory = PROCESS_MEMORY_COUNTERS { cb: size::<PROCESS_MEMORY_COUNTERS>(), ..Default::default() };
    // SAFETY: the handle is open with the right that both ask for; the structures are written to during the calls only, and the second says how long it is.
    let (timed, measured) = unsafe {
        let raw = handle.as_raw_handle();
        let timed = GetProcessTimes(raw, &raw mut began, &raw mut ended, &raw mut kernel, &raw mut user) != 0;
        (timed, K32GetProcessMemoryInfo(raw, &raw mut memory, memory.cb) != 0)
    };
    Process {
        began: if timed { ticks(began) } else { 0 },
        cpu: if timed { span(kernel) + span(user) } else { Duration::ZERO },
        memory: if measured { u64::try_from(memory.WorkingSetSize).unwrap_or(u64::MAX) } else { 0 },
        ..unknown
    }
}

/// Ticks of 100 ns.
fn ticks(time: FILETIME) -> u64 {
    u64::from(time.dwHighDateTime) << 32 | u64::from(time.dwLowDateTime)
}

fn span(time: FILETIME) -> Duration {
    Duration::from_micros(ticks(time) / 10)
}
