#![allow(unsafe_code)]

use std::io;
use std::ptr;

use windows_sys::Win32::Foundation::{ERROR_INSUFFICIENT_BUFFER, LocalFree, STATUS_OBJECT_NAME_NOT_FOUND};
use windows_sys::Win32::Security::Authentication::Identity::{
    LSA_HANDLE, LSA_OBJECT_ATTRIBUTES, LSA_UNICODE_STRING, LsaAddAccountRights, LsaClose,
    LsaEnumerateAccountRights, LsaFreeMemory, LsaNtStatusToWinError, LsaOpenPolicy, POLICY_CREATE_ACCOUNT,
    POLICY_LOOKUP_NAMES,
};
use windows_sys::Win32::Security::Authorization::ConvertSidToStringSidW;
use windows_sys::Win32::Security::{LookupAccountNameW, PSID, SECURITY_MAX_SID_SIZE};

use crate::security;
use crate::text::{read, wide};

/// The right to log on as a service.
const SERVICE_LOGON: &str = "SeServiceLogonRight";

/// Lets an account log on as a service of this machine; whether it could not before. Needs an administrator.
pub fn grant_service_logon(account: &str) -> io::Result<bool> {
    let mut sid = look_up(account)?;
    let policy = Policy::open(POLICY_LOOKUP_NAMES | POLICY_CREATE_ACCOUNT)?;
    if policy.rights(&mut sid)?.iter().any(|right| right.eq_ignore_ascii_case(SERVICE_LOGON)) {
        return Ok(false);
    }
    policy.add(&mut sid, SERVICE_LOGON)?;
    Ok(true)
}

/// Whether an account itself has the right to log on as a service; a group of it may have it too.
pub fn has_service_logon(account: &str) -> io::Result<bool> {
    let mut sid = look_up(account)?;
    let rights = Policy::open(POLICY_LOOKUP_NAMES)?.rights(&mut sid)?;
    Ok(rights.iter().any(|right| right.eq_ignore_ascii_case(SERVICE_LOGON)))
}

/// The security identifier of an account in its text form, `S-1-…`.
pub fn identifier(account: &str) -> io::Result<String> {
    let mut sid = look_up(account)?;
    text(sid.pointer())
}

/// Whether an account is that of this process.
pub fn is_own(account: &str) -> bool {
    identifier(account).is_ok_and(|found| security::own_identifier().is_ok_and(|own| own == found))
}

/// # Errors
/// The system's, if there is no valid identifier there.
pub(crate) fn text(sid: PSID) -> io::Result<String> {
    let mut text = ptr::null_mut();
    // SAFETY: the system checks what it reads; it writes one pointer, to memory that it allocates for the caller.
    if unsafe { ConvertSidToStringSidW(sid, &raw mut text) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the text ends with NUL; it is given back once and not used after that.
    unsafe {
        let copied = read(text).unwrap_or_default();
        LocalFree(text.cast());
        Ok(copied)
    }
}

/// A security identifier, aligned, with room for the longest.
#[derive(Default)]
struct Sid([u64; 9]);

const _: () = assert!(size_of::<Sid>() >= SECURITY_MAX_SID_SIZE as usize);

impl Sid {
    fn pointer(&mut self) -> PSID {
        self.0.as_mut_ptr().cast()
    }
}

/// The identifier of an account: `NAME`, `.\NAME`, `DOMAIN\NAME` or `NAME@DOMAIN`.
fn look_up(account: &str) -> io::Result<Sid> {
    let name = wide(account.strip_prefix(r".\").unwrap_or(account));
    let mut domain = vec![0u16; 256];
    loop {
        let mut sid = Sid::default();
        let mut size = u32::try_from(size_of::<Sid>()).unwrap_or(0);
        let mut length = u32::try_from(domain.len()).map_err(|_| io::ErrorKind::InvalidData)?;
        let mut kind = 0;
        // SAFETY: the name ends with NUL; both buffers have the sizes that are said; the numbers are written where told.
        let done = unsafe {
            LookupAccountNameW(
                ptr::null(),
                name.as_ptr(),
                sid.pointer(),
                &raw mut size,
                domain.as_mut_ptr(),
                &raw mut length,
                &raw mut kind,
            )
        };
        if done != 0 {
            return Ok(sid);
        }
        let error = io::Error::last_os_error();
        let too_short = error.raw_os_error() == Some(ERROR_INSUFFICIENT_BUFFER.cast_signed());
        if !too_short || length as usize <= domain.len() {
            return Err(error);
        }
        domain.resize(length as usize, 0);
    }
}

/// The security policy of this machine.
struct Policy {
    /// INVARIANT: open until this is dropped.
    handle: LSA_HANDLE,
}

impl Policy {
    fn open(access: i32) -> io::Result<Self> {
        let attributes = LSA_OBJECT_ATTRIBUTES {
            Length: u32::try_from(size_of::<LSA_OBJECT_ATTRIBUTES>()).unwrap_or(0),
            ..Default::default()
        };
        let mut handle = 0;
        // SAFETY: no name means this machine; the attributes live during the call; the handle is written where told.
        check(unsafe {
            LsaOpenPolicy(ptr::null(), &raw const attributes, access.cast_unsigned(), &raw mut handle)
        })?;
        Ok(Self { handle })
    }

    fn rights(&self, sid: &mut Sid) -> io::Result<Vec<String>> {
        let (mut list, mut count) = (ptr::null_mut::<LSA_UNICODE_STRING>(), 0);
        // SAFETY: the handle is open; the identifier is one that the system made; the list and its length are written where told.
        let status =
            unsafe { LsaEnumerateAccountRights(self.handle, sid.pointer(), &raw mut list, &raw mut count) };
        if status == STATUS_OBJECT_NAME_NOT_FOUND {
            // Nothing was ever granted to it.
            return Ok(Vec::new());
        }
        check(status)?;
        let read = |index| {
            // SAFETY: there are so many strings at the list, each with so many bytes of UTF-16.
            unsafe {
                let text: LSA_UNICODE_STRING = *list.add(index);
                if text.Buffer.is_null() {
                    return String::new();
                }
                String::from_utf16_lossy(std::slice::from_raw_parts(
                    text.Buffer,
                    usize::from(text.Length) / 2,
                ))
            }
        };
        let rights = if list.is_null() { Vec::new() } else { (0..count as usize).map(read).collect() };
        if !list.is_null() {
            // SAFETY: the system allocated the list for the caller, and it is not used after this.
            unsafe { LsaFreeMemory(list.cast()) };
        }
        Ok(rights)
    }

    fn add(&self, sid: &mut Sid, right: &str) -> io::Result<()> {
        let mut units: Vec<u16> = right.encode_utf16().collect();
        let length = u16::try_from(units.len() * 2).map_err(|_| io::ErrorKind::InvalidInput)?;
        let text = LSA_UNICODE_STRING { Length: length, MaximumLength: length, Buffer: units.as_mut_ptr() };
        // SAFETY: the handle is open; the identifier is one that the system made; the one string lives during the call.
        check(unsafe { LsaAddAccountRights(self.handle, sid.pointer(), &raw const text, 1) })
    }
}

impl Drop for Policy {
    fn drop(&mut self) {
        // SAFETY: the handle is open by the invariant, and nobody can use it after this.
        unsafe { LsaClose(self.handle) };
    }
}

fn check(status: i32) -> io::Result<()> {
    if status == 0 {
        return Ok(());
    }
    // SAFETY: any number may be asked about.
    let code = unsafe { LsaNtStatusToWinError(status) };
    Err(io::Error::from_raw_os_error(code.cast_signed()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn accounts_are_found_or_not() {
        look_up("Administrators").unwrap();
        assert!(look_up(r".\no such account").is_err());
        assert!(grant_service_logon("no such account").is_err());
        assert!(has_service_logon("no such account").is_err());
    }

    #[test]
    fn identifiers_have_a_text_form() {
        assert_eq!(identifier("Administrators").unwrap(), "S-1-5-32-544");
        assert!(identifier("no such account").is_err());
    }

    #[test]
    fn an_account_is_this_process_s_or_another_s() {
        assert!(is_own(&std::env::var("USERNAME").unwrap()));
        assert!(!is_own("Administrators") && !is_own("no such account"));
    }
}
