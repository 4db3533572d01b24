use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd, RawFd};
use std::time::Duration;

use rustix::time::{
    ClockId, Itimerspec, TimerfdClockId, TimerfdFlags, TimerfdTimerFlags, Timespec, clock_gettime,
};

use super::{Change, awake};
use crate::event::{Interest, Poller};

/// Between two readings of clocks that stand for one there is no more than that.
const TOGETHER: Duration = Duration::from_millis(10);

/// A machine that has slept for less hasn't slept: clocks that are read one after the other differ too.
const NAP: Duration = Duration::from_millis(500);

/// A timer that never rings, but that the kernel cancels when the wall clock moves against the others: somebody has set it, or the machine has slept
/// (`TFD_TIMER_CANCEL_ON_SET`, timerfd_create(2)).
#[derive(Debug)]
pub struct Changes {
    timer: OwnedFd,
    asleep: Duration,
}

impl Changes {
    /// From now on `poller` brings `token` when there is something to [take](Self::take). `None` where the system tells nothing of that.
    pub fn watch(poller: &Poller, token: u64) -> io::Result<Option<Self>> {
        let changes = Self::new()?;
        if let Some(changes) = &changes {
            poller.add(&changes.timer, token, Interest::Read)?;
        }
        Ok(changes)
    }

    /// The same for who waits in another way: its descriptor can be read when there is something to take.
    pub fn new() -> io::Result<Option<Self>> {
        let flags = TimerfdFlags::CLOEXEC | TimerfdFlags::NONBLOCK;
        let timer = rustix::time::timerfd_create(TimerfdClockId::Realtime, flags)?;
        let never = Timespec { tv_sec: i64::MAX / 2_000_000_000, tv_nsec: 0 };
        let once = Itimerspec { it_interval: Timespec { tv_sec: 0, tv_nsec: 0 }, it_value: never };
        let flags = TimerfdTimerFlags::ABSTIME | TimerfdTimerFlags::CANCEL_ON_SET;
        rustix::time::timerfd_settime(&timer, flags, &once)?;
        Ok(Some(Self { timer, asleep: asleep() }))
    }

    /// What has happened since it was asked last, if anything has.
    pub fn take(&mut self) -> Option<Change> {
        let mut count = [0; 8];
        match rustix::io::read(&self.timer, &mut count) {
            // Told once; the timer stays as it is.
            Err(rustix::io::Errno::CANCELED) => {
                let before = std::mem::replace(&mut self.asleep, asleep());
                Some(change(before, self.asleep))
            }
            _ => None,
        }
    }
}

impl AsFd for Changes {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.timer.as_fd()
    }
}

impl AsRawFd for Changes {
    fn as_raw_fd(&self) -> RawFd {
        self.timer.as_raw_fd()
    }
}

/// For how long the machine has slept since it was started.
fn asleep() -> Duration {
    loop {
        let before = awake();
        let running = super::unix::duration(clock_gettime(ClockId::Boottime));
        if awake().since(before) < TOGETHER {
            return running.saturating_sub(before.0);
        }
    }
}

fn change(asleep_before: Duration, asleep: Duration) -> Change {
    if asleep.saturating_sub(asleep_before) >= NAP { Change::Woke } else { Change::Set }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_has_slept_has_woken_and_else_the_clock_was_set() {
        let seconds = Duration::from_secs;
        assert_eq!(change(seconds(5), seconds(3605)), Change::Woke);
        assert_eq!(change(seconds(5), seconds(5) + Duration::from_millis(499)), Change::Set);
        assert_eq!(change(seconds(5), seconds(4)), Change::Set);
        let (one, other) = (asleep(), asleep());
        assert!(other.abs_diff(one) < NAP, "{one:?} {other:?}");
    }

    #[test]
    fn nothing_is_told_while_nothing_happens() {
        let poller = Poller::new().unwrap();
        let mut changes = Changes::watch(&poller, 3).unwrap().unwrap();
        let mut ready = Vec::new();
        poller.wait(&mut ready, Some(Duration::ZERO)).unwrap();
        assert!(ready.is_empty() && changes.take().is_none());
    }
}
