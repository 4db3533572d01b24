#![allow(unsafe_code)]

use std::ffi::OsStr;
use std::io;
use std::os::windows::ffi::OsStrExt;
use std::path::Path;
use std::ptr;

use windows_sys::Win32::Foundation::LocalFree;
use windows_sys::Win32::Security::Authorization::{
    ConvertStringSecurityDescriptorToSecurityDescriptorW, SDDL_REVISION_1,
};
use windows_sys::Win32::Security::{PSECURITY_DESCRIPTOR, SECURITY_ATTRIBUTES};
use windows_sys::Win32::Storage::FileSystem::CreateDirectoryW;

use super::PRIVATE;

/// A security descriptor.
#[derive(Debug)]
pub struct Descriptor {
    /// INVARIANT: a self-relative descriptor that the system allocated for us.
    pointer: PSECURITY_DESCRIPTOR,
}

impl Descriptor {
    /// Reads the text form ([MS-DTYP] 2.5.1).
    pub fn from_sddl(text: &str) -> io::Result<Self> {
        let text = wide(text);
        let mut pointer = ptr::null_mut();
        // SAFETY: the text ends with NUL and lives during the call; the system writes one pointer, to memory that it allocates for the caller.
        let done = unsafe {
            ConvertStringSecurityDescriptorToSecurityDescriptorW(
                text.as_ptr(),
                SDDL_REVISION_1,
                &raw mut pointer,
                ptr::null_mut(),
            )
        };
        if done == 0 { Err(io::Error::last_os_error()) } else { Ok(Self { pointer }) }
    }

    /// For a call that makes something; it may use the descriptor as long as this lives. Handles are not inherited.
    pub(crate) fn attributes(&self) -> SECURITY_ATTRIBUTES {
        SECURITY_ATTRIBUTES {
            nLength: u32::try_from(size_of::<SECURITY_ATTRIBUTES>()).unwrap_or(0),
            lpSecurityDescriptor: self.pointer,
            bInheritHandle: 0,
        }
    }
}

impl Drop for Descriptor {
    fn drop(&mut self) {
        // SAFETY: by the invariant the memory is ours, from the allocator that this gives it back to, and nobody can use it after this.
        unsafe { LocalFree(self.pointer) };
    }
}

/// Makes a folder and those above it that are missing, each for the system, administrators and its owner only. What is there stays as it is.
pub fn create_private_folders(folder: &Path) -> io::Result<()> {
    let descriptor = Descriptor::from_sddl(PRIVATE)?;
    let missing: Vec<&Path> = folder.ancestors().take_while(|path| !path.is_dir()).collect();
    for path in missing.into_iter().rev().filter(|path| !path.as_os_str().is_empty()) {
        let attributes = descriptor.attributes();
        let wide = wide(path);
        // SAFETY: the path ends with NUL; it, the attributes and the descriptor that they point to live during the call.
        let done = unsafe { CreateDirectoryW(wide.as_ptr(), &raw const attributes) };
        if done == 0 {
            let error = io::Error::last_os_error();
            // Somebody else made it at the same moment.
            if error.kind() != io::ErrorKind::AlreadyExists {
                return Err(error);
            }
        }
    }
    Ok(())
}

fn wide(text: impl AsRef<OsStr>) -> Vec<u16> {
    text.as_ref().encode_wide().chain([0]).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn folders_are_made_and_stay() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b/c");
        create_private_folders(&deep).unwrap();
        create_private_folders(&deep).unwrap();
        assert!(deep.is_dir());
        std::fs::write(deep.join("x"), "x").unwrap();
    }

    #[test]
    fn nonsense_is_no_descriptor() {
        assert!(Descriptor::from_sddl("nonsense").is_err());
    }
}
