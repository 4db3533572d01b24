//! When a program that ended is run again: back-off, budget, exit codes.
//!
//! The delay begins at [`RestartPolicy::delay`] and grows by its factor up to its longest; the delays spent are summed. A run longer than
//! `reset_after` makes both new. When the sum exceeds the budget, the next unexpected end is the last.

use std::time::Duration;

use crate::definition::{ExitAction, RestartPolicy, RestartWhen};
use crate::status::ExitStatus;
use crate::win32::Win32Error;

/// How a program ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Ended {
    /// By itself, with an exit code.
    Code(i32),
    /// By a signal.
    Signal(i32),
}

impl Ended {
    /// The exit status of a service whose program ended so and is not run again.
    pub fn status(self) -> ExitStatus {
        match self {
            Self::Code(0) => ExitStatus::CLEAN,
            Self::Code(code) => ExitStatus::Specific(code.cast_unsigned()),
            Self::Signal(_) => ExitStatus::Win32(Win32Error::PROCESS_ABORTED),
        }
    }

    /// The same for an end that counts as an error whatever its code is.
    pub fn error_status(self) -> ExitStatus {
        match self {
            Self::Code(0) => ExitStatus::Win32(Win32Error::PROCESS_ABORTED),
            how => how.status(),
        }
    }
}

/// What follows the end of a program.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Decision {
    /// It is run again after this time.
    Restart(Duration),
    /// The service stops cleanly.
    Stop,
    /// The service stops with an error.
    Fail(ExitStatus),
    /// The budget is spent: the service stops with an error.
    GiveUp(ExitStatus),
}

/// The back-off of one service.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Backoff {
    next: Duration,
    spent: Duration,
}

impl Backoff {
    /// The back-off of a service that has just been started.
    pub fn new(policy: &RestartPolicy) -> Self {
        Self { next: policy.delay.min(policy.max_delay), spent: Duration::ZERO }
    }

    /// How much delay was spent since the last long run.
    pub fn spent(&self) -> Duration {
        self.spent
    }

    /// The program ended after it ran for `ran_for`. `roll`, from 0 to 1, decides the jitter: one half means none.
    pub fn ended(self, policy: &RestartPolicy, how: Ended, ran_for: Duration, roll: f64) -> (Self, Decision) {
        let state = if ran_for > policy.reset_after { Self::new(policy) } else { self };
        let restart = match (mapped(policy, how), how, policy.when) {
            (Some(ExitAction::Stop), ..) => return (state, Decision::Stop),
            (Some(ExitAction::Fail), ..) => return (state, Decision::Fail(how.error_status())),
            (Some(ExitAction::Restart), ..) => true,
            (None, Ended::Code(0), when) => when == RestartWhen::Always,
            (None, _, when) => when != RestartWhen::Never,
        };
        match (restart, how) {
            (true, _) => state.again(policy, how.error_status(), roll),
            (false, Ended::Code(0)) => (state, Decision::Stop),
            (false, _) => (state, Decision::Fail(how.error_status())),
        }
    }

    /// The program was ended, after it ran for `ran_for`, because it did not do what it should: that is a failure whatever its code is.
    pub fn condemned(
        self,
        policy: &RestartPolicy,
        how: Ended,
        ran_for: Duration,
        roll: f64,
    ) -> (Self, Decision) {
        let state = if ran_for > policy.reset_after { Self::new(policy) } else { self };
        match policy.when {
            RestartWhen::Never => (state, Decision::Fail(how.error_status())),
            RestartWhen::OnFailure | RestartWhen::Always => state.again(policy, how.error_status(), roll),
        }
    }

    /// The program could not be run again; that counts like a run of no length that failed.
    pub fn not_started(self, policy: &RestartPolicy, code: Win32Error, roll: f64) -> (Self, Decision) {
        self.again(policy, ExitStatus::Win32(code), roll)
    }

    fn again(self, policy: &RestartPolicy, status: ExitStatus, roll: f64) -> (Self, Decision) {
        if self.spent > policy.budget {
            return (self, Decision::GiveUp(status));
        }
        let swing = 1.0 + policy.jitter.clamp(0.0, 1.0) * (2.0 * roll.clamp(0.0, 1.0) - 1.0);
        let delay = scaled(self.next, swing, Duration::MAX);
        let next = scaled(self.next, policy.factor.max(1.0), policy.max_delay);
        (Self { next, spent: self.spent.saturating_add(delay) }, Decision::Restart(delay))
    }
}

fn mapped(policy: &RestartPolicy, how: Ended) -> Option<ExitAction> {
    match how {
        Ended::Code(code) => policy.exit_codes.get(&code).copied(),
        Ended::Signal(_) => None,
    }
}

fn scaled(duration: Duration, by: f64, longest: Duration) -> Duration {
    Duration::try_from_secs_f64(duration.as_secs_f64() * by).map_or(longest, |scaled| scaled.min(longest))
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const NO_JITTER: f64 = 0.5;

    fn failing(policy: &RestartPolicy, state: &mut Backoff, ran_for: u64) -> Decision {
        let (next, decision) = state.ended(policy, Ended::Code(3), Duration::from_secs(ran_for), NO_JITTER);
        *state = next;
        decision
    }

    #[test]
    fn what_is_not_alive_has_failed_whatever_its_code_is() {
        let codes = [(0, ExitAction::Stop), (1, ExitAction::Stop)];
        let mut policy = RestartPolicy { exit_codes: codes.into(), ..RestartPolicy::default() };
        let condemned = |policy: &RestartPolicy, how| {
            Backoff::new(policy).condemned(policy, how, Duration::ZERO, NO_JITTER).1
        };
        for how in [Ended::Code(0), Ended::Code(1), Ended::Signal(9)] {
            assert_eq!(condemned(&policy, how), Decision::Restart(Duration::from_secs(5)));
        }
        policy.when = RestartWhen::Never;
        let aborted = ExitStatus::Win32(Win32Error::PROCESS_ABORTED);
        assert_eq!(condemned(&policy, Ended::Code(0)), Decision::Fail(aborted));
        assert_eq!(condemned(&policy, Ended::Code(1)), Decision::Fail(ExitStatus::Specific(1)));
    }

    #[test]
    fn the_defaults_are_those_of_the_recipe() {
        let policy = RestartPolicy::default();
        let mut state = Backoff::new(&policy);
        for delay in [5, 10, 20, 40, 80, 160] {
            assert_eq!(failing(&policy, &mut state, 1), Decision::Restart(Duration::from_secs(delay)));
        }
        assert_eq!(state.spent(), Duration::from_secs(315));
        assert_eq!(failing(&policy, &mut state, 30), Decision::GiveUp(ExitStatus::Specific(3)));
        assert_eq!(failing(&policy, &mut state, 31), Decision::Restart(Duration::from_secs(5)));
    }

    #[test]
    fn exit_codes_come_before_the_rule() {
        let exit_codes = [(0, ExitAction::Restart), (75, ExitAction::Stop), (78, ExitAction::Fail)].into();
        let policy = RestartPolicy { when: RestartWhen::Never, exit_codes, ..RestartPolicy::default() };
        let decide = |how| Backoff::new(&policy).ended(&policy, how, Duration::ZERO, NO_JITTER).1;
        assert_eq!(decide(Ended::Code(0)), Decision::Restart(policy.delay));
        assert_eq!(decide(Ended::Code(75)), Decision::Stop);
        assert_eq!(decide(Ended::Code(78)), Decision::Fail(ExitStatus::Specific(78)));
        assert_eq!(decide(Ended::Code(1)), Decision::Fail(ExitStatus::Specific(1)));
        assert_eq!(decide(Ended::Signal(9)), Decision::Fail(ExitStatus::Win32(Win32Error::PROCESS_ABORTED)));
    }

    #[test]
    fn jitter_stays_within_its_share() {
        let policy = RestartPolicy { jitter: 0.1, ..RestartPolicy::default() };
        let delay = |roll| Backoff::new(&policy).ended(&policy, Ended::Code(1), Duration::ZERO, roll).1;
        assert_eq!(delay(0.0), Decision::Restart(Duration::from_millis(4500)));
        assert_eq!(delay(1.0), Decision::Restart(Duration::from_millis(5500)));
    }

    /// The model: the n-th failure since the last long run has the delay `min(first * factor^n, longest)`, and is a restart as long as the
    /// delays before it don't exceed the budget. It looks at the whole history every time and keeps no state.
    fn model(policy: &RestartPolicy, factor: u32, runs: &[u64]) -> Vec<Option<u64>> {
        (0..runs.len())
            .map(|last| {
                let from = (0..=last)
                    .rev()
                    .find(|run| u128::from(runs[*run]) > policy.reset_after.as_millis())
                    .unwrap_or(0);
                let delay_of = |n: usize| {
                    let n = u32::try_from(n).unwrap();
                    policy
                        .delay
                        .as_millis()
                        .saturating_mul(u128::from(factor).saturating_pow(n))
                        .min(policy.max_delay.as_millis())
                };
                let mut spent = 0;
                for n in 0..last - from {
                    if spent > policy.budget.as_millis() {
                        return None;
                    }
                    spent += delay_of(n);
                }
                (spent <= policy.budget.as_millis()).then(|| u64::try_from(delay_of(last - from)).unwrap())
            })
            .collect()
    }

    proptest! {
        #[test]
        fn delays_follow_the_model(
            delay in 0u64..20_000, factor in 1u32..4, max_delay in 0u64..100_000, budget in 0u64..400_000,
            reset_after in 0u64..60_000, runs in prop::collection::vec(0u64..90_000, 1..24),
        ) {
            let policy = RestartPolicy {
                delay: Duration::from_millis(delay),
                factor: f64::from(factor),
                max_delay: Duration::from_millis(max_delay),
                budget: Duration::from_millis(budget),
                reset_after: Duration::from_millis(reset_after),
                ..RestartPolicy::default()
            };
            let mut state = Backoff::new(&policy);
            let delays: Vec<Option<u64>> = runs
                .iter()
                .map(|ran_for| {
                    let (next, decision) = state.ended(&policy, Ended::Signal(9), Duration::from_millis(*ran_for), NO_JITTER);
                    state = next;
                    match decision {
                        Decision::Restart(delay) => Some(u64::try_from(delay.as_micros().div_ceil(1000)).unwrap()),
                        Decision::GiveUp(status) => {
                            assert_eq!(status, ExitStatus::Win32(Win32Error::PROCESS_ABORTED));
                            None
                        }
                        other => panic!("{other:?}"),
                    }
                })
                .collect();
            prop_assert_eq!(delays, model(&policy, factor, &runs));
        }

        #[test]
        fn nothing_overflows(delay: u64, factor in 0.0f64..1e300, max_delay: u64, jitter in -1.0f64..9.0, roll in -1.0f64..2.0) {
            let policy = RestartPolicy {
                delay: Duration::from_millis(delay),
                factor,
                max_delay: Duration::from_millis(max_delay),
                jitter,
                budget: Duration::MAX,
                ..RestartPolicy::default()
            };
            let mut state = Backoff::new(&policy);
            for _ in 0..9 {
                state = state.ended(&policy, Ended::Code(1), Duration::ZERO, roll).0;
            }
        }
    }
}
