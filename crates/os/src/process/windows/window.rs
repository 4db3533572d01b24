//! The windows of a program.

use windows_sys::Win32::Foundation::{HWND, LPARAM, TRUE};
use windows_sys::Win32::UI::WindowsAndMessaging::{
    EnumWindows, GetWindowThreadProcessId, PostMessageW, WM_CLOSE,
};
use windows_sys::core::BOOL;

/// The top-level windows of these processes on the desktop of this one.
fn of(processes: &[u32]) -> Vec<HWND> {
    let mut search = Search { processes, found: Vec::new() };
    // SAFETY: the function is called during the call only, with the pointer that is passed here, which nobody else uses meanwhile. That the search fails
    // halfway, because a window went away, is as good as having found what was found.
    unsafe { EnumWindows(Some(look), (&raw mut search) as LPARAM) };
    search.found
}

/// Whether they have any.
pub(super) fn exist(processes: &[u32]) -> bool {
    !of(processes).is_empty()
}

/// Asks each of them to close.
pub(super) fn close(processes: &[u32]) {
    for window in of(processes) {
        // SAFETY: a message without pointers may be posted to any window, also to one that is gone meanwhile.
        unsafe { PostMessageW(window, WM_CLOSE, 0, 0) };
    }
}

struct Search<'a> {
    processes: &'a [u32],
    found: Vec<HWND>,
}

unsafe extern "system" fn look(window: HWND, search: LPARAM) -> BOOL {
    // SAFETY: it is what `of` passed, alive and nobody else's during the call.
    let search = unsafe { &mut *(search as *mut Search<'_>) };
    let mut process = 0;
    // SAFETY: the number is written on success, and stays zero else, which is nobody's.
    unsafe { GetWindowThreadProcessId(window, &raw mut process) };
    if search.processes.contains(&process) {
        search.found.push(window);
    }
    TRUE
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::ptr;
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
