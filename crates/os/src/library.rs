//! Functions of Windows that only some verbs need: libraries that are loaded with the program cost each host time and memory.

#![allow(unsafe_code)]

use std::ffi::CStr;
use std::io;
use std::ptr;

use windows_sys::Win32::Foundation::FARPROC;
use windows_sys::Win32::System::LibraryLoader::{
    GetProcAddress, LOAD_LIBRARY_SEARCH_SYSTEM32, LoadLibraryExW,
};

use crate::text::wide;

/// A function of whatever type; who takes it knows which.
pub(crate) type Function = unsafe extern "system" fn() -> isize;

/// A function of a library in the system's folder, which stays loaded.
pub(crate) fn function(library: &str, name: &CStr) -> io::Result<Function> {
    let library = wide(library);
    // SAFETY: the name ends with NUL; the system's own libraries may be loaded at any time.
    let module = unsafe { LoadLibraryExW(library.as_ptr(), ptr::null_mut(), LOAD_LIBRARY_SEARCH_SYSTEM32) };
    if module.is_null() {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the module is loaded; the name ends with NUL.
    let found: FARPROC = unsafe { GetProcAddress(module, name.as_ptr().cast()) };
    found.ok_or_else(io::Error::last_os_error)
}
