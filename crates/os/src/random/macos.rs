#![allow(unsafe_code)]

use std::io;

/// As many bytes as the system gives at once.
const AT_ONCE: usize = 256;

/// Random bytes that nobody can guess: for keys, challenges and salts.
pub fn fill(bytes: &mut [u8]) -> io::Result<()> {
    for part in bytes.chunks_mut(AT_ONCE) {
        // SAFETY: the place is ours during the call, and its length is told.
        if unsafe { libc::getentropy(part.as_mut_ptr().cast(), part.len()) } != 0 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}
