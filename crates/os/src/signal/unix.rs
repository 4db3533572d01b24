#![allow(unsafe_code)]

use std::io;
use std::mem::MaybeUninit;

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

/// What asks a process to end.
pub(super) const END: &[i32] = &[libc::SIGINT, libc::SIGTERM, libc::SIGHUP, libc::SIGQUIT];

/// Keeps signals from doing anything by themselves, in this thread and those that it will make; the set of them.
pub(super) fn block(signals: impl IntoIterator<Item = i32>) -> io::Result<libc::sigset_t> {
    let mut set = MaybeUninit::<libc::sigset_t>::uninit();
    // SAFETY: `sigemptyset` initialises the set that it is given; the others are given an initialised one.
    unsafe {
        libc::sigemptyset(set.as_mut_ptr());
        for signal in signals {
            libc::sigaddset(set.as_mut_ptr(), signal);
        }
        match libc::pthread_sigmask(libc::SIG_BLOCK, set.as_ptr(), std::ptr::null_mut()) {
            0 => Ok(set.assume_init()),
            error => Err(io::Error::from_raw_os_error(error)),
        }
    }
}

/// Has `act` called, on a thread of its own, when this process is asked to end; from now on that doesn't end it.
pub fn on_end(act: impl FnOnce() + Send + 'static) -> io::Result<()> {
    let set = block(END.iter().copied())?;
    std::thread::Builder::new().name("signals".to_owned()).spawn(move || {
        let mut came = 0;
        // SAFETY: the set is initialised, and both live during the call.
        while unsafe { libc::sigwait(&raw const set, &raw mut came) } != 0 {}
        act();
    })?;
    Ok(())
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
