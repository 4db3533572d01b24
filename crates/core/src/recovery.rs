//! What follows a failure of a service: the count of failures, and the action that is due ([MS-SCMR] 2.2.39, 2.2.42).

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::failure::{ActionType, FailureActions, ResetPeriod};
use crate::status::ExitStatus;
use crate::time::WallTime;

/// How often a service has failed.
///
/// The time is that of the wall clock, so that the count outlives the service control manager; a clock that was set back counts as no
/// time having passed.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct FailureCount {
    /// Failures since the count was last reset.
    pub failures: u32,
    /// When the last one was; absent before the first.
    pub last: Option<WallTime>,
}

/// How a service came to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum End {
    /// Its process went without reporting that it stopped.
    Died,
    /// It reported that it stopped, with this result.
    Stopped(ExitStatus),
}

/// What is to be done about a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Remedy {
    /// What; never [`ActionType::NONE`].
    pub kind: ActionType,
    /// How long after the failure.
    pub delay: Duration,
}

/// Whether an end is a failure: a death always, an error that was reported only if the service asks for that.
pub fn is_failure(end: End, also_on_error: bool) -> bool {
    match end {
        End::Died => true,
        End::Stopped(exit) => also_on_error && !exit.is_clean(),
    }
}

impl FailureCount {
    /// Counts a failure and tells what is to be done about it; nothing if no action is configured.
    ///
    /// The n-th failure since the last reset gets the n-th action, and the last action repeats.
    #[must_use]
    pub fn fail(self, actions: &FailureActions, now: WallTime) -> (Self, Option<Remedy>) {
        let failures =
            if self.is_over(actions.reset_period, now) { 1 } else { self.failures.saturating_add(1) };
        let counted = Self { failures, last: Some(now) };
        let index = usize::try_from(failures - 1).unwrap_or(usize::MAX);
        let action = actions.actions.get(index).or(actions.actions.last());
        let remedy = action
            .filter(|action| action.kind != ActionType::NONE)
            .map(|action| Remedy { kind: action.kind, delay: action.delay });
        (counted, remedy)
    }

    /// Whether the service went without a failure for so long that the count starts again.
    fn is_over(self, period: ResetPeriod, now: WallTime) -> bool {
        let (Some(last), ResetPeriod::Seconds(seconds)) = (self.last, period) else { return false };
        now.0.saturating_sub(last.0) >= u64::from(seconds) * 1000
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::failure::FailureAction;
    use crate::win32::Win32Error;

    fn actions(reset_period: ResetPeriod, kinds: &[u32]) -> FailureActions {
        let actions = kinds
            .iter()
            .map(|kind| FailureAction {
                kind: ActionType(*kind),
                delay: Duration::from_millis(u64::from(*kind)),
            })
            .collect();
        FailureActions { reset_period, actions, ..Default::default() }
    }

    #[test]
    fn a_reported_error_is_a_failure_only_with_the_flag() {
        let error = End::Stopped(ExitStatus::Win32(Win32Error::ACCESS_DENIED));
        assert!(is_failure(End::Died, false) && is_failure(error, true) && !is_failure(error, false));
        assert!(!is_failure(End::Stopped(ExitStatus::CLEAN), true));
        assert!(
            is_failure(End::Stopped(ExitStatus::Specific(0)), true),
            "1066 is an error whatever the number"
        );
    }

    #[test]
    fn the_last_action_repeats_and_none_is_nothing() {
        let actions = actions(ResetPeriod::Never, &[1, 0, 3]);
        let mut count = FailureCount::default();
        let mut kinds = Vec::new();
        for second in 0..5 {
            let (next, remedy) = count.fail(&actions, WallTime(second * 1000));
            kinds.push(remedy.map(|remedy| remedy.kind.0));
            count = next;
        }
        assert_eq!(kinds, [Some(1), None, Some(3), Some(3), Some(3)]);
        assert_eq!(count.failures, 5);
        assert_eq!(FailureCount::default().fail(&FailureActions::default(), WallTime(0)).1, None);
    }

    #[test]
    fn a_clock_set_back_does_not_reset_the_count() {
        let actions = actions(ResetPeriod::Seconds(1), &[1]);
        let count = FailureCount { failures: 4, last: Some(WallTime(1_000_000)) };
        assert_eq!(count.fail(&actions, WallTime(5)).0.failures, 5);
    }

    proptest! {
        /// The model keeps the whole history and counts backwards to the last gap that was long enough.
        #[test]
        fn the_count_is_that_of_the_failures_since_the_last_long_gap(
            gaps in prop::collection::vec(0u64..5000, 1..40),
            seconds in prop::option::of(0u32..4),
            kinds in prop::collection::vec(0u32..4, 0..5),
        ) {
            let period = seconds.map_or(ResetPeriod::Never, ResetPeriod::Seconds);
            let actions = actions(period, &kinds);
            let (mut count, mut now) = (FailureCount::default(), 1_000_000);
            for index in 0..gaps.len() {
                now += gaps[index];
                let (next, remedy) = count.fail(&actions, WallTime(now));
                let long = |gap: &u64| seconds.is_some_and(|s| *gap >= u64::from(s) * 1000);
                let since = gaps[1..=index].iter().rposition(long).map_or(index + 1, |at| index - at);
                prop_assert_eq!(next.failures as usize, since);
                let expected = kinds.get(since - 1).or(kinds.last()).copied().filter(|kind| *kind != 0);
                prop_assert_eq!(remedy.map(|r| (r.kind.0, r.delay)), expected.map(|k| (k, Duration::from_millis(k.into()))));
                count = next;
            }
        }
    }
}
