#![allow(unsafe_code)]

use svckit_core::Win32Error;
use svckit_core::security::SecurityInformation;
use windows_sys::Win32::System::Services::{QueryServiceObjectSecurity, SetServiceObjectSecurity};

use super::check;
use super::manager::Handle;
use super::text::Buffer;

/// The first buffer for a security descriptor; few are larger.
const FIRST_BUFFER: u32 = 1024;

impl Handle {
    /// Parts of the security descriptor, in the self-relative form.
    pub(super) fn security(&self, parts: SecurityInformation) -> Result<Vec<u8>, Win32Error> {
        let mut buffer = Buffer::new(FIRST_BUFFER);
        loop {
            let mut needed = 0;
            // SAFETY: the handle is open; the buffer has the length that is said; the number is written where told.
            let done = unsafe {
                QueryServiceObjectSecurity(
                    self.raw(),
                    parts.0,
                    buffer.as_mut_ptr().cast(),
                    buffer.len(),
                    &raw mut needed,
                )
            };
            match check(done) {
                Ok(()) => break,
                Err(Win32Error::INSUFFICIENT_BUFFER) if needed > buffer.len() => buffer = Buffer::new(needed),
                Err(code) => return Err(code),
            }
        }
        // SAFETY: the buffer is initialised, has this length, and lives while it is copied.
        Ok(unsafe { std::slice::from_raw_parts(buffer.as_ptr(), buffer.len() as usize) }.to_vec())
    }

    /// Sets parts of the security descriptor to those of one in the self-relative form.
    pub(super) fn set_security(&self, parts: SecurityInformation, form: &[u8]) -> Result<(), Win32Error> {
        let length = u32::try_from(form.len()).map_err(|_| Win32Error::INVALID_PARAMETER)?;
        let mut aligned = Buffer::new(length);
        // SAFETY: the buffer has room for so many bytes, and nobody else uses it.
        unsafe { aligned.as_mut_ptr().copy_from(form.as_ptr(), form.len()) };
        // SAFETY: the handle is open; the descriptor is well formed, since it was written by this program, aligned, and lives during the call.
        check(unsafe { SetServiceObjectSecurity(self.raw(), parts.0, aligned.as_mut_ptr().cast()) })
    }
}
