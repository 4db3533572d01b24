use std::fs::File;
use std::io;
use std::os::fd::{AsFd, OwnedFd};

use rustix::fs::OFlags;
use rustix::pipe::{PipeFlags, SpliceFlags};

/// A pipe for a program's output: the end to read from, which never blocks, and the end for the program, which does.
pub fn outflow() -> io::Result<(OwnedFd, OwnedFd)> {
    let (read, write) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
    set_nonblocking(&read, true)?;
    Ok((read, write))
}

/// Sets whether operations on a descriptor return at once when they can't go on.
pub fn set_nonblocking(fd: impl AsFd, nonblocking: bool) -> io::Result<()> {
    let flags = rustix::fs::fcntl_getfl(&fd)?;
    let wanted = if nonblocking { flags | OFlags::NONBLOCK } else { flags.difference(OFlags::NONBLOCK) };
    if wanted != flags {
        rustix::fs::fcntl_setfl(&fd, wanted)?;
    }
    Ok(())
}

/// How many bytes are in the pipe now.
pub fn available(pipe: impl AsFd) -> io::Result<u64> {
    Ok(rustix::io::ioctl_fionread(pipe)?)
}

/// Lets the pipe hold about `bytes`, if the system allows.
pub fn grow(pipe: impl AsFd, bytes: usize) -> io::Result<()> {
    rustix::pipe::fcntl_setpipe_size(pipe, bytes)?;
    Ok(())
}

/// Moves up to `limit` bytes from the pipe into the file at `offset`. Zero means that nobody can write to the pipe any more; `WouldBlock` that
/// nothing is in it now. A file of a kind that can't take bytes this way is `InvalidInput`.
pub fn pour(pipe: impl AsFd, file: &File, offset: u64, limit: usize) -> io::Result<usize> {
    let mut at = offset;
    loop {
        let flags = SpliceFlags::NONBLOCK | SpliceFlags::MOVE;
        match rustix::pipe::splice(&pipe, None, file, Some(&mut at), limit, flags) {
            Err(rustix::io::Errno::INTR) => {}
            other => return Ok(other?),
        }
    }
}

/// Reads up to `limit` bytes from the pipe to the end of `bytes`, with answers as [`pour`]'s.
pub fn read(pipe: impl AsFd, bytes: &mut Vec<u8>, limit: usize) -> io::Result<usize> {
    let before = bytes.len();
    bytes.resize(before + limit, 0);
    let result = loop {
        match rustix::io::read(&pipe, bytes.get_mut(before..).unwrap_or_default()) {
            Err(rustix::io::Errno::INTR) => {}
            other => break other,
        }
    };
    bytes.truncate(before + result.unwrap_or(0));
    Ok(result?)
}

/// Throws away up to `limit` bytes from the pipe, with answers as [`pour`]'s. `sink` is the system's null device.
pub fn waste(pipe: impl AsFd, sink: &File, limit: usize) -> io::Result<usize> {
    loop {
        let flags = SpliceFlags::NONBLOCK | SpliceFlags::MOVE;
        match rustix::pipe::splice(&pipe, None, sink, None, limit, flags) {
            Err(rustix::io::Errno::INTR) => {}
            other => return Ok(other?),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Seek, Write};

    #[test]
    fn bytes_go_through_until_the_writer_is_gone() {
        let (read, write) = outflow().unwrap();
        let mut file = tempfile::tempfile().unwrap();
        assert_eq!(pour(&read, &file, 0, 100).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        let mut write = File::from(write);
        write.write_all(b"hello world").unwrap();
        assert_eq!(available(&read).unwrap(), 11);
        grow(&read, 1 << 18).unwrap();
        assert_eq!(pour(&read, &file, 0, 5).unwrap(), 5);
        assert_eq!(waste(&read, &File::options().write(true).open("/dev/null").unwrap(), 1).unwrap(), 1);
        drop(write);
        assert_eq!(pour(&read, &file, 5, 100).unwrap(), 5);
        assert_eq!(pour(&read, &file, 10, 100).unwrap(), 0);
        let mut text = String::new();
        file.rewind().unwrap();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "helloworld");
    }
}
