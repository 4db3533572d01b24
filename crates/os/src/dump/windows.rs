#![allow(unsafe_code)]

use windows_sys::Win32::System::ErrorReporting::{WER_FAULT_REPORTING_FLAG_NOHEAP, WerSetFlags};

/// How it was: nobody else here sets flags.
pub(super) type Before = ();

/// [`WerSetFlags`](https://learn.microsoft.com/en-us/windows/win32/api/werapi/nf-werapi-wersetflags): reports have nothing of the heap.
pub(super) fn hide() -> Option<Before> {
    set(WER_FAULT_REPORTING_FLAG_NOHEAP)
}

pub(super) fn show((): Before) {
    // Without it reports go on to have less.
    let _ = set(0);
}

fn set(flags: u32) -> Option<()> {
    // SAFETY: it takes a number and nothing else.
    (unsafe { WerSetFlags(flags) } >= 0).then_some(())
}
