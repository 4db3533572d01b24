#![allow(unsafe_code)]

use std::fs::File;
use std::io::{self, Read};
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, FromRawFd, OwnedFd};

use rustix::event::{PollFd, PollFlags};
use svckit_core::signal::Signal;

/// The number of a signal.
pub fn number(signal: Signal) -> i32 {
    match signal {
        Signal::Abrt => libc::SIGABRT,
        Signal::Alrm => libc::SIGALRM,
        Signal::Cont => libc::SIGCONT,
        Signal::Hup => libc::SIGHUP,
        Signal::Int => libc::SIGINT,
        Signal::Kill => libc::SIGKILL,
        Signal::Quit => libc::SIGQUIT,
        Signal::Stop => libc::SIGSTOP,
        Signal::Term => libc::SIGTERM,
        Signal::Tstp => libc::SIGTSTP,
        Signal::Usr1 => libc::SIGUSR1,
        Signal::Usr2 => libc::SIGUSR2,
        Signal::Winch => libc::SIGWINCH,
    }
}

/// The name of a signal that may have ended a program: `SIGSEGV`.
pub fn name(number: i32) -> String {
    let others = [
        (libc::SIGSEGV, "SEGV"),
        (libc::SIGBUS, "BUS"),
        (libc::SIGILL, "ILL"),
        (libc::SIGFPE, "FPE"),
        (libc::SIGPIPE, "PIPE"),
        (libc::SIGTRAP, "TRAP"),
        (libc::SIGSYS, "SYS"),
        (libc::SIGXCPU, "XCPU"),
        (libc::SIGXFSZ, "XFSZ"),
    ];
    let known = Signal::ALL.iter().map(|signal| (self::number(*signal), signal.name())).chain(others);
    match known.into_iter().find(|(candidate, _)| *candidate == number) {
        Some((_, name)) => format!("SIG{name}"),
        None => format!("signal {number}"),
    }
}

/// A signal that this process received.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Delivered {
    /// A child ended (or several did).
    Child,
    /// Ctrl+C, or a request to end.
    End,
}

/// Signals as something that can be waited for.
#[derive(Debug)]
pub struct SignalSource {
    file: File,
}

impl SignalSource {
    /// From now on these signals come here, and do nothing else, to every thread that is made later too.
    pub fn new(wanted: &[Delivered]) -> io::Result<Self> {
        let mut set = MaybeUninit::<libc::sigset_t>::uninit();
        // SAFETY: `sigemptyset` initialises the set that it is given; the others are given an initialised one.
        let fd = unsafe {
            libc::sigemptyset(set.as_mut_ptr());
            for signal in wanted.iter().flat_map(|wanted| numbers(*wanted)) {
                libc::sigaddset(set.as_mut_ptr(), *signal);
            }
            if libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), std::ptr::null_mut()) != 0 {
                return Err(io::Error::last_os_error());
            }
            libc::signalfd(-1, set.as_ptr(), libc::SFD_CLOEXEC | libc::SFD_NONBLOCK)
        };
        if fd < 0 {
            return Err(io::Error::last_os_error());
        }
        // SAFETY: the descriptor was just made and belongs to nobody else.
        let fd = unsafe { OwnedFd::from_raw_fd(fd) };
        Ok(Self { file: File::from(fd) })
    }

    /// The next signal, if one came.
    pub fn next(&self) -> io::Result<Option<Delivered>> {
        let mut record = [0u8; size_of::<libc::signalfd_siginfo>()];
        match (&self.file).read(&mut record) {
            Ok(_) => {}
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error),
        }
        let [a, b, c, d, ..] = record;
        let signal = u32::from_ne_bytes([a, b, c, d]).cast_signed();
        Ok(Some(if signal == libc::SIGCHLD { Delivered::Child } else { Delivered::End }))
    }
}

impl AsFd for SignalSource {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.file.as_fd()
    }
}

/// Has `act` called, on a thread of its own, when this process is asked to end; from now on that doesn't end it.
pub fn on_end(act: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let source = SignalSource::new(&[Delivered::End])?;
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let mut fds = [PollFd::new(&source, PollFlags::IN)];
        while matches!(rustix::event::poll(&mut fds, None), Err(rustix::io::Errno::INTR)) {}
        act();
    })?;
    Ok(())
}

fn numbers(delivered: Delivered) -> &'static [i32] {
    match delivered {
        Delivered::Child => &[libc::SIGCHLD],
        Delivered::End => &[libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT],
    }
}

/// A file that grew beyond the process's limit shall be an error of the write, not the end of the process.
pub fn ignore_file_size_signal() {
    // SAFETY: no handler is installed; ignoring a signal touches no memory of ours.
    unsafe { libc::signal(libc::SIGXFSZ, libc::SIG_IGN) };
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers() {
        assert_eq!(name(number(Signal::Term)), "SIGTERM");
        assert_eq!(name(libc::SIGSEGV), "SIGSEGV");
        assert_eq!(name(60), "signal 60");
    }
}
