//! Functions of Windows that only some verbs need: libraries that are loaded with the program cost each host time and memory.

#![allow(unsafe_code)]

use std::ffi::CStr;
use std::io;
use std::mem::ManuallyDrop;
use std::ptr;

use windows_sys::Win32::Foundation::{FARPROC, FreeLibrary, HMODULE};
use windows_sys::Win32::System::LibraryLoader::{
    GetProcAddress, LOAD_LIBRARY_SEARCH_SYSTEM32, LoadLibraryExW,
};

use crate::text::wide;

/// A function of whatever type; who takes it knows which.
pub(crate) type Function = unsafe extern "system" fn() -> isize;

/// A library in the system's folder, which may go again when this is dropped.
pub(crate) struct Library(HMODULE);

impl Library {
    pub(crate) fn load(name: &str) -> io::Result<Self> {
        let name = wide(name);
        // SAFETY: the name ends with NUL; the system's own libraries may be loaded at any time.
        let module = unsafe { LoadLibraryExW(name.as_ptr(), ptr::null_mut(), LOAD_LIBRARY_SEARCH_SYSTEM32) };
        if module.is_null() { Err(io::Error::last_os_error()) } else { Ok(Self(module)) }
    }

    /// A function of it, which is not to be called any more when this is dropped.
    pub(crate) fn function(&self, name: &CStr) -> io::Result<Function> {
        // SAFETY: the module is loaded; the name ends with NUL.
        let found: FARPROC = unsafe { GetProcAddress(self.0, name.as_ptr().cast()) };
        found.ok_or_else(io::Error::last_os_error)
    }
}

impl Drop for Library {
    fn drop(&mut self) {
        // SAFETY: it was loaded by this, and nobody calls its functions after this.
        unsafe { FreeLibrary(self.0) };
    }
}

/// A function of a library in the system's folder, which stays loaded.
pub(crate) fn function(library: &str, name: &CStr) -> io::Result<Function> {
    let library = ManuallyDrop::new(Library::load(library)?);
    library.function(name)
}
