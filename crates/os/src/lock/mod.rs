//! Lock files: one holder at a time, and the file tells who. The system releases the lock when the holder ends, however it ends.
//!
//! A system has `open`, and `lock`, which waits if that is wanted, and tells whether the lock is taken.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

use std::fs::File;
use std::io::{self, Read, Seek, Write};
use std::path::Path;

#[cfg(unix)]
use unix as system;
#[cfg(windows)]
use windows as system;

/// A held lock; released when it is dropped.
#[derive(Debug)]
pub struct Lock {
    _file: File,
}

impl Lock {
    /// Takes the lock if nobody has it, and writes this process's identifier into the file. `None` if somebody has it.
    pub fn try_take(path: &Path) -> io::Result<Option<Self>> {
        let file = system::open(path)?;
        if system::lock(&file, false)? { Self::sign(file).map(Some) } else { Ok(None) }
    }

    /// Takes the lock, waiting until it is free.
    pub fn take(path: &Path) -> io::Result<Self> {
        let file = system::open(path)?;
        while !system::lock(&file, true)? {}
        Self::sign(file)
    }

    /// Who wrote itself into the file last; `None` if that can't be told.
    pub fn holder(path: &Path) -> Option<u32> {
        let mut text = String::new();
        File::open(path).ok()?.take(32).read_to_string(&mut text).ok()?;
        text.trim().parse().ok()
    }

    fn sign(mut file: File) -> io::Result<Self> {
        file.rewind()?;
        file.set_len(0)?;
        writeln!(file, "{}", std::process::id())?;
        Ok(Self { _file: file })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_holder_at_a_time_and_it_is_known() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("l");
        assert_eq!(Lock::holder(&path), None);
        let held = Lock::try_take(&path).unwrap().unwrap();
        assert!(Lock::try_take(&path).unwrap().is_none());
        assert_eq!(Lock::holder(&path), Some(std::process::id()));
        drop(held);
        // Waiting, since on Unix a process that another test starts at this moment has a copy of the file until it runs its program.
        drop(Lock::take(&path).unwrap());
        #[cfg(unix)]
        drop(Lock::take(&path).unwrap());
        #[cfg(windows)]
        drop(Lock::try_take(&path).unwrap().unwrap());
    }
}
