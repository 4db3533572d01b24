//! How long to wait for a service that is on its way: as the Win32 reference has it for `StartService` and `ControlService`.

use std::time::Duration;

use crate::status::{NotifyMask, ServiceState, ServiceStatus};
use crate::time::Tick;

/// How long a service may go without progress if its wait hint doesn't give it more.
pub const PATIENCE: Duration = Duration::from_secs(30);

/// The shortest and the longest time between two looks at a pending service.
const LOOK: (Duration, Duration) = (Duration::from_secs(1), Duration::from_secs(10));

/// The limits of a wait.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// The limit of the whole wait, whatever progress there is; absent: none.
    pub total: Option<Duration>,
    /// How long there may be no progress; a longer wait hint counts instead.
    pub patience: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self { total: None, patience: PATIENCE }
    }
}

/// What a look at the status says.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Verdict {
    /// The service is where it was wanted.
    Arrived,
    /// It has stopped, and will not get there.
    Stopped,
    /// There was no progress for too long, or the whole time is over.
    Late,
    /// Look again when it has changed its state, or after this time; never zero.
    Wait(Duration),
}

/// A wait for a service.
///
/// Progress is another state or a higher checkpoint. Between changes of state, a pending service is looked at after a tenth of its wait hint, but not
/// before one second and at least every ten.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Watch {
    states: NotifyMask,
    limits: Limits,
    began: Tick,
    progress: Tick,
    seen: Option<(ServiceState, u32)>,
}

impl Watch {
    /// A wait for one of the states that begins now.
    pub fn new(states: NotifyMask, limits: Limits, now: Tick) -> Self {
        Self { states, limits, began: now, progress: now, seen: None }
    }

    /// Judges the status at a time.
    pub fn look(&mut self, status: &ServiceStatus, now: Tick) -> Verdict {
        if self.states.intersects(NotifyMask::of(status.state)) {
            return Verdict::Arrived;
        }
        if status.state == ServiceState::STOPPED {
            return Verdict::Stopped;
        }
        let is_progress = self
            .seen
            .is_none_or(|(state, checkpoint)| state != status.state || checkpoint < status.checkpoint);
        if is_progress {
            self.progress = now;
        }
        self.seen = Some((status.state, status.checkpoint));
        let patience = match status.state.is_pending() {
            true => self.limits.patience.max(status.wait_hint),
            false => self.limits.patience,
        };
        let stalled = patience.saturating_sub(now.since(self.progress));
        let total = self.limits.total.map(|total| total.saturating_sub(now.since(self.began)));
        let left = total.map_or(stalled, |total| stalled.min(total));
        if left.is_zero() {
            return Verdict::Late;
        }
        let look = (status.wait_hint / 10).clamp(LOOK.0, LOOK.1);
        Verdict::Wait(if status.state.is_pending() { left.min(look) } else { left })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::kind::ServiceType;
    use crate::win32::Win32Error;

    fn status(state: ServiceState, checkpoint: u32, hint: u64) -> ServiceStatus {
        let stopped = ServiceStatus::stopped(ServiceType::WIN32_OWN_PROCESS, Win32Error::SUCCESS);
        ServiceStatus { state, checkpoint, wait_hint: Duration::from_millis(hint), ..stopped }
    }

    fn at(seconds: u64) -> Tick {
        Tick(Duration::from_secs(seconds))
    }

    #[test]
    fn arriving_and_stopping_end_the_wait() {
        let mut watch = Watch::new(NotifyMask::RUNNING, Limits::default(), at(5));
        assert_eq!(watch.look(&status(ServiceState::RUNNING, 0, 0), at(999)), Verdict::Arrived);
        assert_eq!(watch.look(&status(ServiceState::STOPPED, 0, 0), at(5)), Verdict::Stopped);
        let mut watch = Watch::new(NotifyMask::STOPPED, Limits::default(), at(5));
        assert_eq!(watch.look(&status(ServiceState::STOPPED, 0, 0), at(5)), Verdict::Arrived);
    }

    #[test]
    fn a_service_without_progress_is_late_after_its_wait_hint_but_not_before_the_patience() {
        for (hint, limit) in [(0, 30), (2_000, 30), (50_000, 50)] {
            let pending = status(ServiceState::START_PENDING, 3, hint);
            let mut watch = Watch::new(NotifyMask::RUNNING, Limits::default(), at(0));
            assert!(matches!(watch.look(&pending, at(0)), Verdict::Wait(_)));
            assert!(matches!(watch.look(&pending, at(limit - 1)), Verdict::Wait(_)));
            assert_eq!(watch.look(&pending, at(limit)), Verdict::Late);
        }
    }

    #[test]
    fn a_checkpoint_gives_new_time_but_not_beyond_the_total() {
        let limits = Limits { total: Some(Duration::from_secs(100)), ..Limits::default() };
        let mut watch = Watch::new(NotifyMask::RUNNING, limits, at(0));
        for step in 0..5 {
            let pending = status(ServiceState::START_PENDING, step, 0);
            assert!(matches!(watch.look(&pending, at(20 * u64::from(step))), Verdict::Wait(_)));
        }
        assert_eq!(watch.look(&status(ServiceState::START_PENDING, 5, 0), at(100)), Verdict::Late);
    }

    #[test]
    fn a_pending_service_is_looked_at_as_its_wait_hint_suggests() {
        for (hint, look) in [(0, 1), (40_000, 4), (4_000_000, 10)] {
            let mut watch = Watch::new(NotifyMask::RUNNING, Limits::default(), at(0));
            let verdict = watch.look(&status(ServiceState::START_PENDING, 0, hint), at(0));
            assert_eq!(verdict, Verdict::Wait(Duration::from_secs(look)), "hint {hint}");
        }
        let mut watch = Watch::new(NotifyMask::STOPPED, Limits::default(), at(0));
        assert_eq!(watch.look(&status(ServiceState::RUNNING, 0, 0), at(0)), Verdict::Wait(PATIENCE));
    }

    proptest! {
        /// Whoever waits as long as he is told, and sees nothing new, is done in a bounded number of looks.
        #[test]
        fn waiting_comes_to_an_end(
            hint in 0_u64..200_000,
            patience in 0_u64..60_000,
            total in prop::option::of(0_u64..100_000),
            state in 2_u32..8,
        ) {
            let limits = Limits {
                total: total.map(Duration::from_millis),
                patience: Duration::from_millis(patience),
            };
            let pending = status(ServiceState(state), 1, hint);
            let mut now = at(1);
            let mut watch = Watch::new(NotifyMask::DELETED, limits, now);
            let mut looks = 0;
            while let Verdict::Wait(rest) = watch.look(&pending, now) {
                prop_assert!(rest > Duration::ZERO);
                now = now + rest;
                looks += 1;
                prop_assert!(looks <= 201);
            }
            let longest = patience.max(hint).min(total.unwrap_or(u64::MAX));
            prop_assert!(now.since(at(1)) <= Duration::from_millis(longest));
        }
    }
}
