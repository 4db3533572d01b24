#![allow(unsafe_code)]

use std::ffi::OsStr;
use std::fs::File;
use std::io;
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::process::CommandExt;
use std::path::Path;
use std::process::{Command, Stdio};

/// The number under which a process started by [`start`] finds the pipe for its first word.
pub const READY_DESCRIPTOR: i32 = 3;

/// Starts a process in a session of its own that is nobody's child. Its errors go to `log`; what it writes to [`READY_DESCRIPTOR`] can be
/// read from the pipe that is returned, which ends when the process closes it or ends.
pub fn start(program: &Path, arguments: &[impl AsRef<OsStr>], log: File) -> io::Result<File> {
    let (reader, writer) = io::pipe()?;
    let writer = OwnedFd::from(writer);
    let raw = writer.as_raw_fd();
    let mut command = Command::new(program);
    command.args(arguments).current_dir("/").stdin(Stdio::null()).stdout(log.try_clone()?).stderr(log);
    // SAFETY: between fork and exec only system calls that are safe there are made, nothing is allocated, and `raw` is
    // open: `writer` lives until after the spawn.
    unsafe {
        command.pre_exec(move || detach(raw));
    }
    let mut between = command.spawn()?;
    drop(writer);
    between.wait()?;
    Ok(File::from(OwnedFd::from(reader)))
}

/// Lets the process between end at once, so that the new one belongs to nobody, and puts the pipe in its place.
fn detach(raw: i32) -> io::Result<()> {
    // SAFETY: called between fork and exec; all of these are plain system calls, and `_exit` runs nothing of ours.
    unsafe {
        match libc::fork() {
            -1 => return Err(io::Error::last_os_error()),
            0 => {}
            _ => libc::_exit(0),
        }
        if libc::setsid() == -1 {
            return Err(io::Error::last_os_error());
        }
        // A duplicate is not closed by exec; the same number twice would be left as it is.
        let moved = if raw == READY_DESCRIPTOR {
            libc::fcntl(raw, libc::F_SETFD, 0)
        } else {
            libc::dup2(raw, READY_DESCRIPTOR)
        };
        if moved == -1 {
            return Err(io::Error::last_os_error());
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::io::{Read, Seek};

    use super::*;

    #[test]
    fn a_daemon_says_its_word_and_is_nobodys_child() {
        let mut log = tempfile::tempfile().unwrap();
        let script = "echo $PPID >&3; echo trouble >&2; ps -o sid= -p $$ >&3; echo $$ >&3";
        let mut pipe = start(Path::new("/bin/sh"), &["-c", script], log.try_clone().unwrap()).unwrap();
        let mut said = String::new();
        pipe.read_to_string(&mut said).unwrap();
        let words: Vec<u32> = said.split_whitespace().map(|word| word.parse().unwrap()).collect();
        let [parent, session, own] = words[..] else { panic!("{said:?}") };
        assert_ne!(parent, std::process::id());
        assert_eq!(session, own);
        let mut errors = String::new();
        log.rewind().unwrap();
        log.read_to_string(&mut errors).unwrap();
        assert_eq!(errors, "trouble\n");
    }

    #[test]
    fn a_program_that_is_not_there_is_an_error() {
        let log = tempfile::tempfile().unwrap();
        let error = start(Path::new("/no/such/program"), &[""; 0], log).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::NotFound);
    }
}
