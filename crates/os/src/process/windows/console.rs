//! Consoles: of this process, where there is one, and of programs, which have one each without a window.

use std::io;
use std::sync::{Mutex, MutexGuard, PoisonError};

use windows_sys::Win32::System::Console::{
    AttachConsole, CTRL_BREAK_EVENT, CTRL_C_EVENT, CTRL_CLOSE_EVENT, FreeConsole, GenerateConsoleCtrlEvent,
    GetConsoleCP, GetStdHandle, STD_ERROR_HANDLE, STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, SetConsoleCtrlHandler,
    SetStdHandle,
};
use windows_sys::core::BOOL;

use crate::event::Bell;

/// Who hears what comes to the console of this process. The system's call brings no context.
static HEARD: Mutex<Heard> = Mutex::new(Heard { bell: None, asked: false });

struct Heard {
    /// Absent: whatever comes is meant for a program to whose console this process went, or for nobody.
    bell: Option<Bell>,
    /// Whether the end of this process was asked for since the last look.
    asked: bool,
}

/// A thread that panicked with it in hand left it whole: every change is one assignment.
fn heard() -> MutexGuard<'static, Heard> {
    HEARD.lock().unwrap_or_else(PoisonError::into_inner)
}

/// From now on what comes to this process's console doesn't end it. If it has one now, `bell` is rung.
///
/// The system's own way to ignore Ctrl+C would be inherited by every program; a function isn't.
pub(super) fn listen(bell: Bell) -> io::Result<()> {
    // SAFETY: the function may be called at any moment, on any thread.
    let has_one = unsafe { GetConsoleCP() } != 0;
    heard().bell = has_one.then_some(bell);
    // SAFETY: the function lives as long as the process does.
    let done = unsafe { SetConsoleCtrlHandler(Some(handle), 1) };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}

/// Whether the end of this process was asked for since the last time.
pub(super) fn take_asked() -> bool {
    std::mem::take(&mut heard().asked)
}

unsafe extern "system" fn handle(event: u32) -> BOOL {
    let mut heard = heard();
    // The others tell of the end of a user's session, which is nothing to a service, or of the system's, of which the service control manager tells.
    if let (Some(bell), CTRL_C_EVENT | CTRL_BREAK_EVENT | CTRL_CLOSE_EVENT) = (&heard.bell, event) {
        // A poller that is gone has nobody who waits.
        let _ = bell.readable();
        heard.asked = true;
    }
    1
}

/// What Ctrl+C or Ctrl+Break does, for all programs at the console of this one.
pub(super) fn send(pid: u32, is_break: bool) -> io::Result<()> {
    heard().bell = None;
    let event = if is_break { CTRL_BREAK_EVENT } else { CTRL_C_EVENT };
    let streams = [STD_INPUT_HANDLE, STD_OUTPUT_HANDLE, STD_ERROR_HANDLE];
    // SAFETY: this process leaves the console that it has, if it has one, goes to the program's and leaves that again. Whatever it was told there meanwhile
    // comes to `handle`, which is there, and doesn't end it. Its standard streams, which a console replaces by its own, are put back.
    unsafe {
        let before = streams.map(|number| GetStdHandle(number));
        FreeConsole();
        let sent = if AttachConsole(pid) == 0 {
            Err(io::Error::last_os_error())
        } else {
            let done = GenerateConsoleCtrlEvent(event, 0);
            let error = io::Error::last_os_error();
            FreeConsole();
            if done == 0 { Err(error) } else { Ok(()) }
        };
        for (number, handle) in streams.into_iter().zip(before) {
            SetStdHandle(number, handle);
        }
        sent
    }
}

/// What Ctrl+Break does, for a program at the console of this process that leads a group there.
pub(super) fn send_here(leader: u32) -> io::Result<()> {
    // SAFETY: two plain numbers.
    let done = unsafe { GenerateConsoleCtrlEvent(CTRL_BREAK_EVENT, leader) };
    if done == 0 { Err(io::Error::last_os_error()) } else { Ok(()) }
}
