//! Memory that no core dump shall have: as long as secrets are in it.
//!
//! A system has `hide` and `show`, of which the first says what the second needs to bring back how it was. What this process starts is not touched by either.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(target_os = "macos")]
mod macos;
#[cfg(windows)]
mod windows;

use std::sync::{Mutex, PoisonError};

#[cfg(target_os = "linux")]
use linux as system;
#[cfg(target_os = "macos")]
use macos as system;
#[cfg(windows)]
use windows as system;

/// How many hold it back, and how it was before the first.
static HOLDERS: Mutex<(usize, Option<system::Before>)> = Mutex::new((0, None));

/// As long as one of these is there, no dump of this process is made, or (on Windows) none with what is on its heap.
#[derive(Debug)]
#[must_use = "it ends when this is dropped"]
pub struct Withheld(());

/// Holds dumps back. A system that can't do that goes on: nothing that is wanted depends on it.
pub fn withhold() -> Withheld {
    let mut holders = HOLDERS.lock().unwrap_or_else(PoisonError::into_inner);
    if holders.0 == 0 {
        holders.1 = system::hide();
    }
    holders.0 += 1;
    Withheld(())
}

impl Withheld {
    /// For as long as the process lives.
    pub fn for_good(self) {
        std::mem::forget(self);
    }
}

impl Drop for Withheld {
    fn drop(&mut self) {
        let mut holders = HOLDERS.lock().unwrap_or_else(PoisonError::into_inner);
        holders.0 -= 1;
        if holders.0 == 0
            && let Some(before) = holders.1.take()
        {
            system::show(before);
        }
    }
}

/// Whether dumps are held back.
pub fn is_withheld() -> bool {
    HOLDERS.lock().unwrap_or_else(PoisonError::into_inner).0 > 0
}
