#![allow(unsafe_code)]

mod children;
mod console;
mod ends;
mod job;
mod spawn;
mod window;

use std::ffi::{OsStr, OsString};

use windows_sys::Win32::System::Environment::GetCommandLineW;
use windows_sys::Win32::System::Threading::{GetCurrentProcess, SetProcessWorkingSetSize};

use crate::text;

pub use children::Children;
pub use spawn::End;

/// What a program on this system needs besides its command: nothing, since a service has its account from the service control manager.
#[derive(Debug, Clone, Default)]
pub struct Terms(());

impl Terms {
    /// Those of this process.
    pub fn of_this_process() -> Self {
        Self(())
    }

    /// The variables that go with the user: the system has set them for this process already.
    pub fn environment(&self) -> Vec<(OsString, OsString)> {
        Vec::new()
    }
}

/// The variables that programs of this process inherit.
pub fn inherited_environment() -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os()
}

/// What is the same for two names exactly if they are those of one variable: case doesn't count.
pub fn variable_key(name: &OsStr) -> OsString {
    name.to_str().map_or_else(|| name.to_ascii_uppercase(), |name| name.to_uppercase().into())
}

/// The command line that this process was started with, as it was.
pub fn own_command_line() -> String {
    // SAFETY: the system keeps the string, which ends with NUL, for as long as the process lives, and nobody changes it.
    unsafe { text::read(GetCommandLineW()) }.unwrap_or_default()
}

/// Gives memory that is not in use back to the system.
pub fn trim_memory() {
    // SAFETY: the pseudo-handle of this process is always valid; the two values stand for "as little as possible for now".
    unsafe { SetProcessWorkingSetSize(GetCurrentProcess(), usize::MAX, usize::MAX) };
}
