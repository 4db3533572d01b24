//! Waiting for many things at once.
//!
//! A [`Poller`] tells which of its sources are ready, each by the number that it was added under, as long as they are (level-triggered). What can be
//! waited for is a [`Source`]: on Unix everything with a descriptor, on Windows the types of this crate that say so. A source leaves the
//! poller when it is dropped. Another thread wakes the one that waits by a [`Waker`].

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::{Poller, Source, Waker};
#[cfg(windows)]
pub(crate) use windows::JobNews;
#[cfg(windows)]
pub use windows::{Bell, Poller, Source, Waker};

/// What to be woken for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Interest {
    /// Something can be read, or the other end is gone.
    Read,
    /// Something can be written, or the other end is gone; an attempt to connect is decided.
    Write,
    /// Either.
    Both,
}

/// What woke.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ready {
    /// The number that was given with the source.
    pub token: u64,
    /// Whether reading brings something: data, the end or an error.
    pub readable: bool,
    /// Whether writing brings something.
    pub writable: bool,
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn another_thread_wakes() {
        let poller = Poller::new().unwrap();
        let waker = poller.waker(9).unwrap();
        let mut ready = Vec::new();
        for _ in 0..2 {
            let other = waker.clone();
            let thread = std::thread::spawn(move || other.wake().unwrap());
            poller.wait(&mut ready, None).unwrap();
            assert_eq!(ready, [Ready { token: 9, readable: true, writable: false }]);
            thread.join().unwrap();
        }
        poller.wait(&mut ready, Some(Duration::ZERO)).unwrap();
        assert_eq!(ready, []);
    }
}
