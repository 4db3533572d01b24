#![allow(unsafe_code)]

use std::ffi::{CStr, CString, OsString};
use std::io;
use std::mem::MaybeUninit;
use std::os::unix::ffi::OsStringExt;

/// A user that a program may run as, with what belongs to it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Credentials {
    /// The user's number.
    pub uid: u32,
    /// The user's own group.
    pub gid: u32,
    /// All groups.
    pub groups: Vec<u32>,
    /// The user's name.
    pub name: String,
    /// The home directory.
    pub home: OsString,
    /// The shell.
    pub shell: OsString,
}

/// The largest record of a user that is read.
const LARGEST_RECORD: usize = 1 << 20;

impl Credentials {
    /// Looks a user up by name; `None` if there is none of that name.
    pub fn of_user(name: &str) -> io::Result<Option<Self>> {
        let name_c = CString::new(name)?;
        let mut space = vec![0; 1024];
        loop {
            let mut record = MaybeUninit::<libc::passwd>::uninit();
            let mut found = std::ptr::null_mut();
            // SAFETY: all pointers are valid for the call, and the length is that of `space`.
            let code = unsafe {
                libc::getpwnam_r(
                    name_c.as_ptr(),
                    record.as_mut_ptr(),
                    space.as_mut_ptr(),
                    space.len(),
                    &raw mut found,
                )
            };
            match code {
                libc::ERANGE if space.len() < LARGEST_RECORD => space.resize(space.len() * 4, 0),
                0 if found.is_null() => return Ok(None),
                // SAFETY: the call succeeded and `found` points to `record`, whose strings are in `space`.
                0 => return Ok(Some(unsafe { Self::from_record(name, &name_c, &*found) })),
                // Some systems say so when there is no such user.
                libc::ENOENT | libc::ESRCH => return Ok(None),
                code => return Err(io::Error::from_raw_os_error(code)),
            }
        }
    }

    /// Whether this is who the process runs as already.
    pub fn is_current(&self) -> bool {
        rustix::process::geteuid().as_raw() == self.uid
    }

    /// Whether this process may become another user.
    pub fn may_change() -> bool {
        rustix::process::geteuid().is_root()
    }

    /// # Safety
    /// The strings of `record` have to be valid.
    unsafe fn from_record(name: &str, name_c: &CStr, record: &libc::passwd) -> Self {
        let text = |pointer: *const libc::c_char| {
            // SAFETY: the caller vouches for the record's strings.
            OsString::from_vec(unsafe { CStr::from_ptr(pointer) }.to_bytes().to_vec())
        };
        let mut groups = vec![0; 64];
        loop {
            let mut count = i32::try_from(groups.len()).unwrap_or(i32::MAX);
            // SAFETY: `count` is the length of `groups`, of which the system fills at most so many.
            let done = unsafe {
                libc::getgrouplist(name_c.as_ptr(), record.pw_gid, groups.as_mut_ptr(), &raw mut count)
            };
            let count = usize::try_from(count).unwrap_or(0);
            if done >= 0 || count <= groups.len() {
                groups.truncate(count);
                break;
            }
            groups.resize(count, 0);
        }
        Self {
            uid: record.pw_uid,
            gid: record.pw_gid,
            groups,
            name: name.to_owned(),
            home: text(record.pw_dir),
            shell: text(record.pw_shell),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn users_are_found_by_name() {
        let root = Credentials::of_user("root").unwrap().unwrap();
        assert_eq!((root.uid, root.gid), (0, 0));
        assert!(root.groups.contains(&0));
        assert_eq!(Credentials::of_user("svckit-no-such-user").unwrap(), None);
    }
}
