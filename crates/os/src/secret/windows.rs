#![allow(unsafe_code)]

use std::fs::File;
use std::io;
use std::os::windows::io::AsRawHandle;
use std::path::Path;
use std::{ptr, slice};

use svckit_core::secret::Secret;
use windows_sys::Win32::Foundation::{GENERIC_ALL, GENERIC_READ, GENERIC_WRITE, LocalFree};
use windows_sys::Win32::Security::Authorization::{GetSecurityInfo, SE_FILE_OBJECT};
use windows_sys::Win32::Security::Credentials::{CRED_TYPE_GENERIC, CREDENTIALW, CredFree, CredReadW};
use windows_sys::Win32::Security::{
    ACCESS_ALLOWED_ACE, ACE_HEADER, ACL, DACL_SECURITY_INFORMATION, GetAce, INHERIT_ONLY_ACE,
    PSECURITY_DESCRIPTOR,
};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_APPEND_DATA, FILE_READ_DATA, FILE_WRITE_DATA, WRITE_DAC, WRITE_OWNER,
};
use windows_sys::Win32::System::SystemServices::ACCESS_ALLOWED_ACE_TYPE;

use zeroize::{Zeroize, Zeroizing};

use crate::{account, text};

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

/// A generic credential of the user. What is kept is UTF-16, as `cmdkey` and the control panel write it.
pub(super) fn credential(name: &str) -> io::Result<Secret> {
    let wide = text::wide(name);
    let mut found: *mut CREDENTIALW = ptr::null_mut();
    // SAFETY: the name ends with NUL and lives during the call; a pointer is written, to what is ours to give back.
    if unsafe { CredReadW(wide.as_ptr(), CRED_TYPE_GENERIC, 0, &raw mut found) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the call succeeded, so there is a credential, with so many bytes at its blob or none; nobody else has it.
    let blob = unsafe {
        match ((*found).CredentialBlob, (*found).CredentialBlobSize) {
            (start, length) if start.is_null() || length == 0 => &mut [][..],
            (start, length) => slice::from_raw_parts_mut(start, length as usize),
        }
    };
    let secret = utf_16(blob);
    blob.zeroize();
    // SAFETY: it came from `CredReadW`, and nothing of it is used any more.
    unsafe { CredFree(found.cast()) };
    secret.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidData, "it is not valid UTF-16"))
}

fn utf_16(bytes: &[u8]) -> Option<Secret> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    // As long as it can become: of one code unit, three bytes.
    let mut text = Zeroizing::new(String::with_capacity(3 * pairs.len()));
    for character in char::decode_utf16(pairs.iter().map(|pair| u16::from_le_bytes(*pair))) {
        text.push(character.ok()?);
    }
    rest.is_empty().then(|| std::mem::take(&mut *text).into())
}

#[cfg(test)]
pub(super) mod tests {
    use super::*;
    use windows_sys::Win32::Security::Credentials::{CRED_PERSIST_SESSION, CredDeleteW, CredWriteW};
    use windows_sys::Win32::Security::GetSecurityDescriptorDacl;

    use crate::security::{Descriptor, let_in, own_identifier};

    pub(crate) fn close_to_others(path: &Path) {
        let_in(path, &format!("D:P(A;;FA;;;SY)(A;;FA;;;{})", own_identifier().unwrap())).unwrap();
    }

    pub(crate) fn open_to_others(path: &Path) {
        let_in(path, "D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FR;;;WD)").unwrap();
    }
    /// A generic credential of these bytes, which goes with it.
    struct Kept(Vec<u16>);

    impl Kept {
        fn new(name: &str, bytes: &mut [u8]) -> Self {
            let mut wide = text::wide(name);
            // SAFETY: a structure of numbers and pointers, for which zero is a value.
            let mut credential: CREDENTIALW = unsafe { std::mem::zeroed() };
            credential.Type = CRED_TYPE_GENERIC;
            credential.TargetName = wide.as_mut_ptr();
            credential.CredentialBlobSize = u32::try_from(bytes.len()).unwrap();
            credential.CredentialBlob = bytes.as_mut_ptr();
            credential.Persist = CRED_PERSIST_SESSION;
            // SAFETY: the structure leads to a name that ends with NUL and to as many bytes as it says; both live during the call.
            assert_ne!(unsafe { CredWriteW(&raw const credential, 0) }, 0, "{}", io::Error::last_os_error());
            Self(wide)
        }
    }

    impl Drop for Kept {
        fn drop(&mut self) {
            // SAFETY: the name ends with NUL and lives during the call.
            unsafe { CredDeleteW(self.0.as_ptr(), CRED_TYPE_GENERIC, 0) };
        }
    }

    #[test]
    fn credentials_are_found_by_their_name() {
        let name = format!("svckit-test-{}", std::process::id());
        let read = || credential(&name).map(|secret| secret.as_str().to_owned());
        assert_eq!(read().unwrap_err().raw_os_error(), Some(1168), "ERROR_NOT_FOUND");
        let mut bytes: Vec<u8> = "häß\u{1f511}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        let kept = Kept::new(&name, &mut bytes);
        assert_eq!(read().unwrap(), "häß\u{1f511}");
        drop(kept);
        let _kept = Kept::new(&name, &mut [1, 0, 2]);
        assert_eq!(read().unwrap_err().kind(), io::ErrorKind::InvalidData);
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
