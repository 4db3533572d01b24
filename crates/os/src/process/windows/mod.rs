#![allow(unsafe_code)]

mod children;
mod console;
mod ends;
mod environment;
mod job;
mod limits;
mod spared;
mod spawn;
mod window;

use std::ffi::OsString;
use std::io;

use svckit_core::limits::Limits;
use windows_sys::Win32::System::Environment::GetCommandLineW;
use windows_sys::Win32::System::Threading::{
    GetCurrentProcess, GetCurrentThread, SetProcessWorkingSetSize, SetThreadPriority,
    THREAD_MODE_BACKGROUND_BEGIN,
};

use crate::process::SpawnError;
use crate::text;

pub use children::{Children, program_of};
pub use environment::{account_environment, account_environment_of, service_environment, system_environment};
pub use spawn::End;

/// What a program on this system needs besides its command: nothing, since a service has its account from the service control manager.
#[derive(Debug, Clone, Default)]
pub struct Terms(());

impl Terms {
    /// Those of this process.
    pub fn of_this_process() -> Self {
        Self(())
    }

    /// The same with sockets, of which there are none here.
    #[must_use]
    pub fn with_sockets(self, _: Sockets) -> Self {
        self
    }

    /// The variables that go with the user: the system has set them for this process already.
    pub fn environment(&self) -> Vec<(OsString, OsString)> {
        Vec::new()
    }
}

/// Sockets that a program inherits: nobody hands any over on this system.
#[derive(Debug, Clone, Default)]
pub struct Sockets(());

/// Why programs of this process can't have these limits, if they can't, as far as can be seen without a try: each Windows that svckit is for has them.
pub fn refuse_limits(_: &Limits) -> Option<SpawnError> {
    None
}

/// The variables that programs of this process inherit.
pub fn inherited_environment() -> impl Iterator<Item = (OsString, OsString)> {
    std::env::vars_os()
}

/// The command line that this process was started with, as it was.
pub fn own_command_line() -> String {
    // SAFETY: the system keeps the string, which ends with NUL, for as long as the process lives, and nobody changes it.
    unsafe { text::read(GetCommandLineW()) }.unwrap_or_default()
}

/// Lets the calling thread have what processor and disk time others leave.
pub fn be_background_thread() -> io::Result<()> {
    // SAFETY: the handle stands for the calling thread and needs no closing.
    let done = unsafe { SetThreadPriority(GetCurrentThread(), THREAD_MODE_BACKGROUND_BEGIN) };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Gives memory that is not in use back to the system.
pub fn trim_memory() {
    // SAFETY: the pseudo-handle of this process is always valid; the two values stand for "as little as possible for now".
    unsafe { SetProcessWorkingSetSize(GetCurrentProcess(), usize::MAX, usize::MAX) };
}
