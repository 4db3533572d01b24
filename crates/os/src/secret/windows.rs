#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::os::windows::io::AsRawHandle;
use std::path::Path;
use std::ptr;

use windows_sys::Win32::Foundation::{GENERIC_ALL, GENERIC_READ, GENERIC_WRITE, LocalFree};
use windows_sys::Win32::Security::Authorization::{GetSecurityInfo, SE_FILE_OBJECT};
use windows_sys::Win32::Security::{
    ACCESS_ALLOWED_ACE, ACE_HEADER, ACL, DACL_SECURITY_INFORMATION, GetAce, INHERIT_ONLY_ACE,
    PSECURITY_DESCRIPTOR,
};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_APPEND_DATA, FILE_READ_DATA, FILE_WRITE_DATA, WRITE_DAC, WRITE_OWNER,
};
use windows_sys::Win32::System::SystemServices::ACCESS_ALLOWED_ACE_TYPE;

use crate::account;

/// Everyone, who comes from the network, who is at the console, anonymous and authenticated users, and the groups of users and guests.
const EVERYBODY: &[&str] =
    &["S-1-1-0", "S-1-5-2", "S-1-5-4", "S-1-5-7", "S-1-5-11", "S-1-5-32-545", "S-1-5-32-546"];

/// What lets somebody read or change a file.
const USES: u32 = GENERIC_ALL
    | GENERIC_READ
    | GENERIC_WRITE
    | FILE_READ_DATA
    | FILE_WRITE_DATA
    | FILE_APPEND_DATA
    | WRITE_DAC
    | WRITE_OWNER;

pub(super) fn open(path: &Path) -> io::Result<File> {
    File::open(path)
}

/// Whether an entry of its list ([MS-DTYP] 2.4.5) lets everybody read or change an open file; without a list anybody may do anything. What an entry above
/// takes away again doesn't count: such lists are nobody's way to keep a secret.
pub(super) fn may_others_use(file: &File) -> io::Result<bool> {
    let (mut list, mut descriptor): (*mut ACL, PSECURITY_DESCRIPTOR) = (ptr::null_mut(), ptr::null_mut());
    // SAFETY: the handle is open; two pointers are written, the first into what the second points to, which is ours to give back.
    let code = unsafe {
        GetSecurityInfo(
            file.as_raw_handle(),
            SE_FILE_OBJECT,
            DACL_SECURITY_INFORMATION,
            ptr::null_mut(),
            ptr::null_mut(),
            &raw mut list,
            ptr::null_mut(),
            &raw mut descriptor,
        )
    };
    if code != 0 {
        return Err(io::Error::from_raw_os_error(code.cast_signed()));
    }
    let answer = if list.is_null() { Ok(true) } else { lets_everybody(list) };
    // SAFETY: the memory is that which the call gave us, and nothing points into it any more.
    unsafe { LocalFree(descriptor) };
    answer
}

fn lets_everybody(list: *const ACL) -> io::Result<bool> {
    // SAFETY: the list is alive, and the system's.
    let count = unsafe { (*list).AceCount };
    for index in 0..u32::from(count) {
        let mut entry = ptr::null_mut();
        // SAFETY: the list is alive, and has an entry of this number; the pointer is written on success.
        if unsafe { GetAce(list, index, &raw mut entry) } == 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: every entry begins with a header.
        let header = unsafe { *entry.cast::<ACE_HEADER>() };
        if u32::from(header.AceType) != ACCESS_ALLOWED_ACE_TYPE
            || u32::from(header.AceFlags) & INHERIT_ONLY_ACE != 0
        {
            continue;
        }
        // SAFETY: an entry of this type has a mask after the header, and then the identifier, of which `SidStart` is the beginning.
        let (mask, sid) = unsafe {
            let allowed = entry.cast::<ACCESS_ALLOWED_ACE>();
            ((*allowed).Mask, (&raw mut (*allowed).SidStart).cast())
        };
        if mask & USES != 0 && EVERYBODY.contains(&account::text(sid)?.as_str()) {
            return Ok(true);
        }
    }
    Ok(false)
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use windows_sys::Win32::Security::GetSecurityDescriptorDacl;

    use crate::security::{Descriptor, let_in, own_identifier};

    pub(crate) fn close_to_others(path: &Path) {
        let_in(path, &format!("D:P(A;;FA;;;SY)(A;;FA;;;{})", own_identifier().unwrap())).unwrap();
    }

    pub(crate) fn open_to_others(path: &Path) {
        let_in(path, "D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FR;;;WD)").unwrap();
    }
    #[test]
    fn lists_that_let_everybody_in() {
        for (sddl, is_open) in [
            ("D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FR;;;S-1-5-21-1-2-3-1000)", false),
            ("D:P", false),
            ("D:P(A;;FR;;;WD)", true),
            ("D:P(A;;FA;;;SY)(A;;FR;;;BU)", true),
            ("D:P(A;;GR;;;AU)", true),
            ("D:P(A;;WD;;;IU)", true),
            ("D:P(A;;RC;;;WD)", false),
            ("D:P(A;OICIIO;FR;;;WD)", false),
            ("D:P(D;;FR;;;WD)", false),
        ] {
            let descriptor = Descriptor::from_sddl(sddl).unwrap();
            let (mut present, mut defaulted, mut list) = (0, 0, ptr::null_mut());
            // SAFETY: the descriptor is alive; the three answers are written where told, the list being a part of it.
            let done = unsafe {
                GetSecurityDescriptorDacl(
                    descriptor.as_ptr(),
                    &raw mut present,
                    &raw mut list,
                    &raw mut defaulted,
                )
            };
            assert_ne!(done, 0);
            assert_eq!(lets_everybody(list).unwrap(), is_open, "{sddl}");
        }
    }
}
