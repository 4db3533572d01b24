#![allow(unsafe_code)]

use std::io;
use std::os::windows::io::{AsRawHandle, FromRawHandle, OwnedHandle};
use std::path::Path;
use std::ptr;

use windows_sys::Win32::Foundation::LocalFree;
use windows_sys::Win32::Security::Authorization::{
    ConvertStringSecurityDescriptorToSecurityDescriptorW, GetNamedSecurityInfoW, SDDL_REVISION_1,
    SE_FILE_OBJECT, SetNamedSecurityInfoW,
};
use windows_sys::Win32::Security::{
    DACL_SECURITY_INFORMATION, GetSecurityDescriptorDacl, GetTokenInformation, OWNER_SECURITY_INFORMATION,
    PROTECTED_DACL_SECURITY_INFORMATION, PSECURITY_DESCRIPTOR, SECURITY_ATTRIBUTES, TOKEN_QUERY, TOKEN_USER,
    TokenUser,
};
use windows_sys::Win32::Storage::FileSystem::CreateDirectoryW;
use windows_sys::Win32::System::Threading::{GetCurrentProcess, OpenProcessToken};

use super::PRIVATE;
use crate::text::wide;
use crate::{account, path};

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

    /// For a call that only reads it; it may use it as long as this lives.
    pub(crate) fn as_ptr(&self) -> PSECURITY_DESCRIPTOR {
        self.pointer
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
    for folder in missing.into_iter().rev().filter(|path| !path.as_os_str().is_empty()) {
        let attributes = descriptor.attributes();
        let wide = path::wide(folder);
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

/// Makes a folder, and those above it that are missing, or takes one that is there, and lets those in whom the descriptor names.
///
/// A folder, or one above it up to `trusted`, that belongs to somebody who is neither the system, an administrator nor this user is refused: its owner could change
/// everything in it. (Everybody may make folders below `%ProgramData%`.)
pub fn share_folder(folder: &Path, trusted: &Path, sddl: &str) -> io::Result<()> {
    create_private_folders(folder)?;
    for path in folder.ancestors().take_while(|path| *path != trusted) {
        let owner = owner(path)?;
        if !TRUSTED_OWNERS.contains(&owner.as_str()) && Some(&owner) != own_identifier().ok().as_ref() {
            let message = format!(
                "the folder {} belongs to {owner}, who could change everything in it",
                path.display()
            );
            return Err(io::Error::new(io::ErrorKind::PermissionDenied, message));
        }
    }
    let_in(folder, sddl)
}

/// Lets those into a folder or a file whom the descriptor names, and nobody else. What is in the folder already gets what it inherits anew.
pub(crate) fn let_in(path: &Path, sddl: &str) -> io::Result<()> {
    let descriptor = Descriptor::from_sddl(sddl)?;
    let (mut present, mut defaulted, mut list) = (0, 0, ptr::null_mut());
    // SAFETY: the descriptor is alive; the three answers are written where told, the list being a part of it.
    let done = unsafe {
        GetSecurityDescriptorDacl(descriptor.pointer, &raw mut present, &raw mut list, &raw mut defaulted)
    };
    if done == 0 {
        return Err(io::Error::last_os_error());
    }
    let wide = path::wide(path);
    let what = DACL_SECURITY_INFORMATION | PROTECTED_DACL_SECURITY_INFORMATION;
    // SAFETY: the path ends with NUL; it and the list live during the call; nothing else is set.
    let code = unsafe {
        SetNamedSecurityInfoW(
            wide.as_ptr(),
            SE_FILE_OBJECT,
            what,
            ptr::null_mut(),
            ptr::null_mut(),
            list,
            ptr::null(),
        )
    };
    if code == 0 { Ok(()) } else { Err(io::Error::from_raw_os_error(code.cast_signed())) }
}

/// The system, administrators, and the system's installer.
const TRUSTED_OWNERS: &[&str] =
    &["S-1-5-18", "S-1-5-32-544", "S-1-5-80-956008885-3418522649-1831038044-1853292631-2271478464"];

/// Whose a file or folder is.
fn owner(path: &Path) -> io::Result<String> {
    let wide = path::wide(path);
    let (mut sid, mut descriptor) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: the path ends with NUL; two pointers are written, the first into what the second points to, which is ours to give back.
    let code = unsafe {
        GetNamedSecurityInfoW(
            wide.as_ptr(),
            SE_FILE_OBJECT,
            OWNER_SECURITY_INFORMATION,
            &raw mut sid,
            ptr::null_mut(),
            ptr::null_mut(),
            ptr::null_mut(),
            &raw mut descriptor,
        )
    };
    if code != 0 {
        return Err(io::Error::from_raw_os_error(code.cast_signed()));
    }
    let whole = Descriptor { pointer: descriptor };
    let text = account::text(sid);
    drop(whole);
    text
}

/// The account of this process.
pub(crate) fn own_identifier() -> io::Result<String> {
    let mut token = ptr::null_mut();
    // SAFETY: the pseudo-handle of this process is always valid; the handle is written on success.
    if unsafe { OpenProcessToken(GetCurrentProcess(), TOKEN_QUERY, &raw mut token) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the handle is new, and nobody else's.
    let token = unsafe { OwnedHandle::from_raw_handle(token) };
    // A pointer and the longest identifier, which it points to.
    let mut space = [0u64; 16];
    let mut size = 0;
    // SAFETY: the buffer is aligned and has the size that is said.
    let done = unsafe {
        GetTokenInformation(
            token.as_raw_handle(),
            TokenUser,
            space.as_mut_ptr().cast(),
            u32::try_from(size_of_val(&space)).unwrap_or(0),
            &raw mut size,
        )
    };
    if done == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the system has filled the structure, and the buffer with what it points to is alive.
    account::text(unsafe { (*space.as_ptr().cast::<TOKEN_USER>()).User.Sid })
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
    fn a_folder_is_shared_with_those_who_are_named() {
        let folder = tempfile::tempdir().unwrap();
        let deep = folder.path().join("a/b");
        for _ in 0..2 {
            share_folder(&deep, folder.path(), "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;WD)")
                .unwrap();
        }
        assert!(deep.is_dir());
        assert!(owner(&deep).unwrap().starts_with("S-1-"));
        assert!(own_identifier().unwrap().starts_with("S-1-5-"));
    }

    #[test]
    fn nonsense_is_no_descriptor() {
        assert!(Descriptor::from_sddl("nonsense").is_err());
    }
}
