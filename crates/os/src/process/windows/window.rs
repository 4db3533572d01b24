//! The windows of a program.

use std::mem::transmute;
use std::sync::OnceLock;

use windows_sys::Win32::Foundation::{HWND, LPARAM, TRUE, WPARAM};
use windows_sys::Win32::UI::WindowsAndMessaging::{WM_CLOSE, WNDENUMPROC};
use windows_sys::core::BOOL;

use crate::library::{self, Function};

/// What is needed of `user32.dll`. It is loaded when a window is looked for: with all that it brings it makes half of the start of a process that has no windows.
struct User32 {
    enum_windows: unsafe extern "system" fn(WNDENUMPROC, LPARAM) -> BOOL,
    process_of: unsafe extern "system" fn(HWND, *mut u32) -> u32,
    post: unsafe extern "system" fn(HWND, u32, WPARAM, LPARAM) -> BOOL,
}

/// Absent where the library isn't, as on editions of Windows that have no windows.
fn user32() -> Option<&'static User32> {
    static LIBRARY: OnceLock<Option<User32>> = OnceLock::new();
    LIBRARY.get_or_init(load).as_ref()
}

fn load() -> Option<User32> {
    let find = |name| library::function("user32.dll", name).ok();
    // SAFETY: the functions of these names have these types, as the bindings of the system declare them.
    unsafe {
        Some(User32 {
            enum_windows: transmute::<Option<Function>, Option<_>>(find(c"EnumWindows"))?,
            process_of: transmute::<Option<Function>, Option<_>>(find(c"GetWindowThreadProcessId"))?,
            post: transmute::<Option<Function>, Option<_>>(find(c"PostMessageW"))?,
        })
    }
}

/// The top-level windows of these processes on the desktop of this one.
fn of(processes: &[u32], user32: &'static User32) -> Vec<HWND> {
    let mut search = Search { processes, user32, found: Vec::new() };
    // SAFETY: the function is called during the call only, with the pointer that is passed here, which nobody else uses meanwhile. That the search fails
    // halfway, because a window went away, is as good as having found what was found.
    unsafe { (user32.enum_windows)(Some(look), (&raw mut search) as LPARAM) };
    search.found
}

/// Whether they have any.
pub(super) fn exist(processes: &[u32]) -> bool {
    user32().is_some_and(|user32| !of(processes, user32).is_empty())
}

/// Asks each of them to close.
pub(super) fn close(processes: &[u32]) {
    let Some(user32) = user32() else { return };
    for window in of(processes, user32) {
        // SAFETY: a message without pointers may be posted to any window, also to one that is gone meanwhile.
        unsafe { (user32.post)(window, WM_CLOSE, 0, 0) };
    }
}

struct Search<'a> {
    processes: &'a [u32],
    user32: &'static User32,
    found: Vec<HWND>,
}

unsafe extern "system" fn look(window: HWND, search: LPARAM) -> BOOL {
    // SAFETY: it is what `of` passed, alive and nobody else's during the call.
    let search = unsafe { &mut *(search as *mut Search<'_>) };
    let mut process = 0;
    // SAFETY: the number is written on success, and stays zero else, which is nobody's.
    unsafe { (search.user32.process_of)(window, &raw mut process) };
    if search.processes.contains(&process) {
        search.found.push(window);
    }
    TRUE
}

#[cfg(test)]
mod tests {
    use std::ptr;

    use super::*;
    use std::sync::mpsc::channel;
    use std::thread;

    use windows_sys::Win32::UI::WindowsAndMessaging::{
        CreateWindowExW, DestroyWindow, GetMessageW, MSG, WS_OVERLAPPEDWINDOW,
    };

    /// A program with a window: says when it is there, and ends when it is asked to close it.
    fn show(there: &std::sync::mpsc::Sender<()>) -> u32 {
        let class: Vec<u16> = "STATIC\0".encode_utf16().collect();
        // SAFETY: the class is one of the system's; its name ends with NUL; everything else may be null.
        unsafe {
            let window = CreateWindowExW(
                0,
                class.as_ptr(),
                class.as_ptr(),
                WS_OVERLAPPEDWINDOW,
                0,
                0,
                9,
                9,
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null_mut(),
                ptr::null(),
            );
            assert!(!window.is_null());
            there.send(()).unwrap();
            let mut message = MSG::default();
            while GetMessageW(&raw mut message, ptr::null_mut(), 0, 0) > 0 {
                if message.hwnd == window && message.message == WM_CLOSE {
                    break;
                }
            }
            DestroyWindow(window);
            message.message
        }
    }

    #[test]
    fn the_windows_of_a_process_are_found_and_asked_to_close() {
        let own = [std::process::id()];
        assert!(!exist(&own));
        let (there, shown) = channel();
        let program = thread::spawn(move || show(&there));
        shown.recv().unwrap();
        assert!(exist(&own) && !exist(&[0, u32::MAX]));
        close(&[u32::MAX]);
        close(&own);
        assert_eq!(program.join().unwrap(), WM_CLOSE);
        assert!(!exist(&own));
    }
}
