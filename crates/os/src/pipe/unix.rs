use std::fs::File;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};

use rustix::fs::OFlags;
use rustix::pipe::{PipeFlags, SpliceFlags};

/// The end of a program's output that this process reads from.
#[derive(Debug)]
pub struct Reader {
    pipe: OwnedFd,
    /// Where bytes go that nobody wants, once there were such.
    null: Option<File>,
}

/// The end of a program's input that this process holds: the program's input ends when it is dropped.
#[derive(Debug)]
pub struct Writer {
    _pipe: OwnedFd,
}

/// The end that a program gets.
#[derive(Debug)]
pub struct ProgramEnd {
    pipe: OwnedFd,
}

/// A pipe for a program's output.
pub fn outflow() -> io::Result<(Reader, ProgramEnd)> {
    let (read, write) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
    set_nonblocking(&read, true)?;
    Ok((Reader { pipe: read, null: None }, ProgramEnd { pipe: write }))
}

/// A pipe for a program's input.
pub fn inflow() -> io::Result<(ProgramEnd, Writer)> {
    let (read, write) = rustix::pipe::pipe_with(PipeFlags::CLOEXEC)?;
    Ok((ProgramEnd { pipe: read }, Writer { _pipe: write }))
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

impl Reader {
    /// How many bytes are in the pipe now.
    pub fn available(&mut self) -> io::Result<u64> {
        Ok(rustix::io::ioctl_fionread(&self.pipe)?)
    }

    /// Lets the pipe hold about `bytes`, if the system allows.
    pub fn grow(&mut self, bytes: usize) -> io::Result<()> {
        rustix::pipe::fcntl_setpipe_size(&self.pipe, bytes)?;
        Ok(())
    }

    /// Moves up to `limit` bytes from the pipe into the file at `offset`. Zero means that nobody can write to the pipe any more; `WouldBlock`
    /// that nothing is in it now. A file of a kind that can't take bytes this way is `InvalidInput`.
    pub fn pour(&mut self, file: &File, offset: u64, limit: usize) -> io::Result<usize> {
        let mut at = offset;
        splice(&self.pipe, file, Some(&mut at), limit)
    }

    /// Reads up to `limit` bytes from the pipe to the end of `bytes`, with answers as [`Reader::pour`]'s.
    pub fn read(&mut self, bytes: &mut Vec<u8>, limit: usize) -> io::Result<usize> {
        let before = bytes.len();
        bytes.resize(before + limit, 0);
        let result = loop {
            match rustix::io::read(&self.pipe, bytes.get_mut(before..).unwrap_or_default()) {
                Err(rustix::io::Errno::INTR) => {}
                other => break other,
            }
        };
        bytes.truncate(before + result.unwrap_or(0));
        Ok(result?)
    }

    /// Throws away up to `limit` bytes from the pipe, with answers as [`Reader::pour`]'s.
    pub fn waste(&mut self, limit: usize) -> io::Result<usize> {
        let null = match self.null.take() {
            Some(null) => null,
            None => crate::file::null_device()?,
        };
        let wasted = splice(&self.pipe, &null, None, limit);
        self.null = Some(null);
        wasted
    }
}

fn splice(pipe: &OwnedFd, file: &File, mut offset: Option<&mut u64>, limit: usize) -> io::Result<usize> {
    let flags = SpliceFlags::NONBLOCK | SpliceFlags::MOVE;
    loop {
        match rustix::pipe::splice(pipe, None, file, offset.as_deref_mut(), limit, flags) {
            Err(rustix::io::Errno::INTR) => {}
            other => return Ok(other?),
        }
    }
}

impl AsFd for Reader {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}

impl AsFd for ProgramEnd {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.pipe.as_fd()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::{Read, Seek, Write};

    #[test]
    fn bytes_go_through_until_the_writer_is_gone() {
        let (mut read, write) = outflow().unwrap();
        let mut file = tempfile::tempfile().unwrap();
        assert_eq!(read.pour(&file, 0, 100).unwrap_err().kind(), io::ErrorKind::WouldBlock);
        let mut write = File::from(write.pipe);
        write.write_all(b"hello world").unwrap();
        assert_eq!(read.available().unwrap(), 11);
        read.grow(1 << 18).unwrap();
        assert_eq!(read.pour(&file, 0, 5).unwrap(), 5);
        assert_eq!(read.waste(1).unwrap(), 1);
        drop(write);
        assert_eq!(read.pour(&file, 5, 100).unwrap(), 5);
        assert_eq!(read.pour(&file, 10, 100).unwrap(), 0);
        let mut text = String::new();
        file.rewind().unwrap();
        file.read_to_string(&mut text).unwrap();
        assert_eq!(text, "helloworld");
    }

    #[test]
    fn the_input_of_a_program_ends_with_the_writer() {
        let (end, writer) = inflow().unwrap();
        drop(writer);
        assert_eq!(File::from(end.pipe).read(&mut [0]).unwrap(), 0);
    }
}
