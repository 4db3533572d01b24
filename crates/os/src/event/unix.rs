use std::io;
use std::mem::MaybeUninit;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::sync::Arc;
use std::time::Duration;

use rustix::event::{EventfdFlags, Timespec, epoll};

use super::{Interest, Ready};

/// What can be waited for: whatever has a descriptor.
pub trait Source: AsFd {}

impl<T: AsFd + ?Sized> Source for T {}

impl Interest {
    fn flags(self) -> epoll::EventFlags {
        match self {
            Self::Read => epoll::EventFlags::IN | epoll::EventFlags::RDHUP,
            Self::Write => epoll::EventFlags::OUT,
            Self::Both => epoll::EventFlags::IN | epoll::EventFlags::RDHUP | epoll::EventFlags::OUT,
        }
    }
}

/// A set of descriptors to wait for.
#[derive(Debug)]
pub struct Poller {
    epoll: OwnedFd,
}

/// How many events one wait brings at most; more wait for the next.
const BATCH: usize = 64;

impl Poller {
    /// An empty set.
    pub fn new() -> io::Result<Self> {
        Ok(Self { epoll: epoll::create(epoll::CreateFlags::CLOEXEC)? })
    }

    /// Adds a source under a number. It leaves the set when it is closed.
    pub fn add(&self, source: &(impl Source + ?Sized), token: u64, interest: Interest) -> io::Result<()> {
        let data = epoll::EventData::new_u64(token);
        Ok(epoll::add(&self.epoll, source.as_fd(), data, interest.flags())?)
    }

    /// Changes what a source is waited for.
    pub fn modify(&self, source: &(impl Source + ?Sized), token: u64, interest: Interest) -> io::Result<()> {
        let data = epoll::EventData::new_u64(token);
        Ok(epoll::modify(&self.epoll, source.as_fd(), data, interest.flags())?)
    }

    /// Takes a source out.
    pub fn remove(&self, source: &(impl Source + ?Sized)) -> io::Result<()> {
        Ok(epoll::delete(&self.epoll, source.as_fd())?)
    }

    /// A way for other threads to end a wait: it then brings `token`, readable, once for one or several wakes.
    pub fn waker(&self, token: u64) -> io::Result<Waker> {
        let counter = rustix::event::eventfd(0, EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK)?;
        // Told of at each change only, so nobody has to read the counter.
        let flags = epoll::EventFlags::IN | epoll::EventFlags::ET;
        epoll::add(&self.epoll, &counter, epoll::EventData::new_u64(token), flags)?;
        Ok(Waker { counter: Arc::new(counter) })
    }

    /// Waits until something is ready or the time is over, and fills `ready` with it. Without a time limit it waits for ever.
    pub fn wait(&self, ready: &mut Vec<Ready>, limit: Option<Duration>) -> io::Result<()> {
        ready.clear();
        let limit = limit.map(rounded_up);
        let mut space = [MaybeUninit::<epoll::Event>::uninit(); BATCH];
        let events = match epoll::wait(&self.epoll, &mut space, limit.as_ref()) {
            Ok((events, _)) => events,
            Err(rustix::io::Errno::INTR) => return Ok(()),
            Err(errno) => return Err(errno.into()),
        };
        ready.extend(events.iter().map(|event| {
            let flags = event.flags;
            let gone = epoll::EventFlags::ERR | epoll::EventFlags::HUP;
            Ready {
                token: event.data.u64(),
                readable: flags.intersects(gone | epoll::EventFlags::IN | epoll::EventFlags::RDHUP),
                writable: flags.intersects(gone | epoll::EventFlags::OUT),
            }
        }));
        Ok(())
    }
}

impl AsFd for Poller {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.epoll.as_fd()
    }
}

/// Wakes the one that waits at the [`Poller`] which this is from.
#[derive(Debug, Clone)]
pub struct Waker {
    counter: Arc<OwnedFd>,
}

impl Waker {
    /// Wakes; if nobody waits at the moment, the next wait returns at once.
    pub fn wake(&self) -> io::Result<()> {
        match rustix::io::write(&self.counter, &1u64.to_ne_bytes()) {
            // Full after 2^64 wakes: the one before it is told of still.
            Ok(_) | Err(rustix::io::Errno::AGAIN) => Ok(()),
            Err(errno) => Err(errno.into()),
        }
    }
}

/// The limit in whole milliseconds, not less: a wait that ends early would find nothing due and begin again.
fn rounded_up(limit: Duration) -> Timespec {
    let millis = u64::try_from(limit.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX).min(1 << 31);
    Timespec {
        tv_sec: i64::try_from(millis / 1000).unwrap_or(i64::MAX),
        tv_nsec: i64::try_from(millis % 1000 * 1_000_000).unwrap_or(0),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;
    use std::os::unix::net::UnixStream;

    #[test]
    fn tells_who_is_ready() {
        let poller = Poller::new().unwrap();
        let (mut one, other) = UnixStream::pair().unwrap();
        poller.add(&other, 7, Interest::Read).unwrap();
        let mut ready = Vec::new();
        poller.wait(&mut ready, Some(Duration::ZERO)).unwrap();
        assert_eq!(ready, []);
        one.write_all(b"x").unwrap();
        poller.wait(&mut ready, None).unwrap();
        assert_eq!(ready, [Ready { token: 7, readable: true, writable: false }]);
        poller.modify(&other, 8, Interest::Write).unwrap();
        poller.wait(&mut ready, None).unwrap();
        assert_eq!(ready, [Ready { token: 8, readable: false, writable: true }]);
        poller.remove(&other).unwrap();
        poller.wait(&mut ready, Some(Duration::from_micros(1))).unwrap();
        assert_eq!(ready, []);
    }
}
