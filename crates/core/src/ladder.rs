//! How a program is stopped: rung by rung, each with its time, by force at the end.

use std::time::Duration;

use crate::definition::{Rung, StopAction, StopPolicy};
use crate::time::Tick;

/// How often a checkpoint is reported while a rung waits.
pub const PULSE: Duration = Duration::from_secs(3);

/// How long the system has to end a tree by force, and what is added to a rung's time for the wait hint.
pub const GRACE: Duration = Duration::from_secs(10);

/// The checkpoints of a service that is on its way: they only rise, and there is one every [`PULSE`] at least.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Pulse {
    next: Tick,
    checkpoint: u32,
}

impl Pulse {
    /// Begins with this checkpoint.
    pub fn begin(checkpoint: u32, now: Tick) -> Self {
        Self { next: now + PULSE, checkpoint }
    }

    /// Time went by.
    pub fn at(&mut self, now: Tick) {
        if now >= self.next {
            self.step(now);
        }
    }

    /// Something happened that is a step by itself.
    pub fn step(&mut self, now: Tick) {
        *self = Self::begin(self.checkpoint + 1, now);
    }

    /// When [`Pulse::at`] has to be called.
    pub fn deadline(&self) -> Tick {
        self.next
    }

    /// The checkpoint to report.
    pub fn checkpoint(&self) -> u32 {
        self.checkpoint
    }
}

/// A stop under way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Ladder {
    position: Position,
    pulse: Pulse,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Position {
    /// The rungs before `next` were climbed; the following is due at `until`.
    Waiting { next: usize, until: Tick },
    /// Force was used; the system has until then.
    Forced { until: Tick },
}

impl Ladder {
    /// Begins a stop: what these rungs do is to be carried out in order. `can` tells which actions this system and program know; others
    /// are skipped without a wait.
    pub fn begin(policy: &StopPolicy, now: Tick, can: impl Fn(&StopAction) -> bool) -> (Self, Vec<Rung>) {
        Self::after(0, policy, now, can)
    }

    /// The same for a service that has told this checkpoint already.
    pub fn after(
        checkpoint: u32,
        policy: &StopPolicy,
        now: Tick,
        can: impl Fn(&StopAction) -> bool,
    ) -> (Self, Vec<Rung>) {
        let position = Position::Waiting { next: 0, until: now };
        Self { position, pulse: Pulse::begin(checkpoint, now) }.at(policy, now, can)
    }

    /// Force at once.
    pub fn force(checkpoint: u32, now: Tick) -> Self {
        Self { position: Position::Forced { until: now + GRACE }, pulse: Pulse::begin(checkpoint + 1, now) }
    }

    /// Time went by: what is due now.
    pub fn at(
        mut self,
        policy: &StopPolicy,
        now: Tick,
        can: impl Fn(&StopAction) -> bool,
    ) -> (Self, Vec<Rung>) {
        let mut rungs = Vec::new();
        self.pulse.at(now);
        while let Position::Waiting { next, until } = self.position
            && now >= until
        {
            self.climb(policy, next, now, &can, &mut rungs);
        }
        (self, rungs)
    }

    fn climb(
        &mut self,
        policy: &StopPolicy,
        next: usize,
        now: Tick,
        can: &impl Fn(&StopAction) -> bool,
        rungs: &mut Vec<Rung>,
    ) {
        let force = Rung { action: StopAction::Terminate, wait: GRACE };
        let rung = match policy.ladder.get(next) {
            Some(rung) if rung.action == StopAction::Terminate => force,
            Some(rung) if !can(&rung.action) => {
                self.position = Position::Waiting { next: next + 1, until: now };
                return;
            }
            Some(rung) => rung.clone(),
            None => force,
        };
        let until = now + rung.wait;
        self.position = match rung.action {
            StopAction::Terminate => Position::Forced { until },
            _ => Position::Waiting { next: next + 1, until },
        };
        self.pulse.step(now);
        rungs.push(rung);
    }

    /// What the rung that waits does has failed: the next is due at once.
    #[must_use]
    pub fn hurry(self, now: Tick) -> Self {
        match self.position {
            Position::Waiting { next, .. } => {
                Self { position: Position::Waiting { next, until: now }, ..self }
            }
            Position::Forced { .. } => self,
        }
    }

    /// The place of the rung that was climbed last, whose time it is.
    pub fn place(&self) -> Option<usize> {
        match self.position {
            Position::Waiting { next, .. } => next.checked_sub(1),
            Position::Forced { .. } => None,
        }
    }

    /// The program asks for time: the next rung is not climbed before that.
    pub fn extended(mut self, to: Tick) -> Self {
        if let Position::Waiting { until, .. } = &mut self.position {
            *until = (*until).max(to);
        }
        self
    }

    /// When [`Ladder::at`] has to be called next.
    pub fn deadline(&self) -> Tick {
        match self.position {
            Position::Waiting { until, .. } | Position::Forced { until } => until.min(self.pulse.deadline()),
        }
    }

    /// Whether force was used.
    pub fn is_forced(&self) -> bool {
        matches!(self.position, Position::Forced { .. })
    }

    /// Whether even force had its time and the system did not end the tree: nothing more can be done.
    pub fn is_exhausted(&self, now: Tick) -> bool {
        matches!(self.position, Position::Forced { until } if now >= until)
    }

    /// The checkpoint to report; it only rises.
    pub fn checkpoint(&self) -> u32 {
        self.pulse.checkpoint()
    }

    /// How long it may take until the next checkpoint or the end.
    pub fn wait_hint(&self, now: Tick) -> Duration {
        self.deadline().since(now) + GRACE
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::signal::Signal;
    use proptest::prelude::*;

    fn seconds(n: u64) -> Tick {
        Tick(Duration::from_secs(n))
    }

    fn actions(rungs: Vec<Rung>) -> Vec<StopAction> {
        rungs.into_iter().map(|rung| rung.action).collect()
    }

    #[test]
    fn a_program_that_asks_for_time_has_it_unless_force_was_used() {
        let policy = StopPolicy::default();
        let (ladder, _) = Ladder::begin(&policy, seconds(100), |_| true);
        assert_eq!(ladder.extended(seconds(105)), ladder, "it has that anyway");
        let (ladder, rungs) = ladder.extended(seconds(130)).at(&policy, seconds(129), |_| true);
        assert_eq!(rungs, []);
        let (ladder, rungs) = ladder.at(&policy, seconds(130), |_| true);
        assert_eq!((rungs.len(), ladder.is_forced()), (1, true));
        assert_eq!(ladder.extended(seconds(1000)), ladder);
    }

    #[test]
    fn the_default_is_term_then_force_after_ten_seconds() {
        let policy = StopPolicy::default();
        let (ladder, rungs) = Ladder::begin(&policy, seconds(100), |_| true);
        assert_eq!(rungs, policy.ladder);
        assert_eq!((ladder.checkpoint(), ladder.deadline()), (1, seconds(103)));
        let (ladder, rungs) = ladder.at(&policy, seconds(109), |_| true);
        assert_eq!((rungs.len(), ladder.checkpoint(), ladder.deadline()), (0, 2, seconds(110)));
        let (ladder, rungs) = ladder.at(&policy, seconds(110), |_| true);
        assert_eq!(actions(rungs), [StopAction::Terminate]);
        assert!(ladder.is_forced() && !ladder.is_exhausted(seconds(119)));
        assert!(ladder.is_exhausted(seconds(120)));
    }

    #[test]
    fn what_the_system_does_not_know_costs_no_time() {
        let rung = |action, wait| Rung { action, wait: Duration::from_secs(wait) };
        let policy = StopPolicy { ladder: vec![rung(StopAction::WmClose, 60), rung(StopAction::CtrlC, 0)] };
        let (ladder, rungs) = Ladder::begin(&policy, seconds(0), |action| *action != StopAction::WmClose);
        assert_eq!(actions(rungs), [StopAction::CtrlC, StopAction::Terminate]);
        assert!(ladder.is_forced());
    }

    #[test]
    fn what_failed_is_not_waited_for() {
        let rung = |action, wait| Rung { action, wait: Duration::from_secs(wait) };
        let command = StopAction::Command(vec!["quit".to_owned()]);
        let policy = StopPolicy { ladder: vec![rung(command.clone(), 60), rung(StopAction::CtrlC, 5)] };
        let (ladder, rungs) = Ladder::begin(&policy, seconds(0), |_| true);
        assert_eq!((ladder.place(), actions(rungs)), (Some(0), vec![command]));
        let (ladder, rungs) = ladder.hurry(seconds(2)).at(&policy, seconds(2), |_| true);
        assert_eq!((ladder.place(), actions(rungs)), (Some(1), vec![StopAction::CtrlC]));
        let (forced, rungs) = ladder.hurry(seconds(3)).at(&policy, seconds(3), |_| true);
        assert_eq!((forced.place(), actions(rungs)), (None, vec![StopAction::Terminate]));
        assert_eq!(forced.hurry(seconds(4)), forced);
    }

    #[test]
    fn of_two_rungs_that_do_the_same_each_has_its_own_time() {
        let command = StopAction::Command(vec!["quit".to_owned()]);
        let rung = |wait| Rung { action: command.clone(), wait: Duration::from_secs(wait) };
        let policy = StopPolicy { ladder: vec![rung(60), rung(5)] };
        let (ladder, first) = Ladder::begin(&policy, seconds(0), |_| true);
        let (_, second) = ladder.at(&policy, seconds(60), |_| true);
        assert_eq!((first, second), (vec![rung(60)], vec![rung(5)]));
    }

    fn action() -> impl Strategy<Value = StopAction> {
        prop_oneof![
            Just(StopAction::CtrlC),
            Just(StopAction::WmClose),
            Just(StopAction::StdinClose),
            Just(StopAction::Signal(Signal::Term)),
            Just(StopAction::Terminate),
        ]
    }

    /// The model: rungs that can't be climbed are struck out, everything after the first force too, and each action is due at the sum of
    /// the waits before it.
    fn schedule(policy: &StopPolicy, start: Tick) -> Vec<(Tick, StopAction)> {
        let mut due = start;
        let mut list = Vec::new();
        for rung in policy.ladder.iter().filter(|rung| rung.action != StopAction::WmClose) {
            list.push((due, rung.action.clone()));
            due = due + rung.wait;
        }
        list.push((due, StopAction::Terminate));
        let force = list.iter().position(|(_, action)| *action == StopAction::Terminate).unwrap();
        list.truncate(force + 1);
        list
    }

    proptest! {
        #[test]
        fn actions_come_when_they_are_due(
            rungs in prop::collection::vec((action(), 0u64..9000), 0..6), start in 0u64..100_000,
        ) {
            let ladder = rungs.iter().map(|(action, wait)| Rung { action: action.clone(), wait: Duration::from_millis(*wait) }).collect();
            let policy = StopPolicy { ladder };
            let can = |action: &StopAction| *action != StopAction::WmClose;
            let mut now = Tick(Duration::from_millis(start));
            let expected = schedule(&policy, now);
            let (mut ladder, rungs) = Ladder::begin(&policy, now, can);
            let mut seen: Vec<_> = actions(rungs).into_iter().map(|action| (now, action)).collect();
            while !ladder.is_exhausted(now) {
                let before = ladder.checkpoint();
                prop_assert!(ladder.deadline() > now);
                prop_assert!(ladder.wait_hint(now) >= ladder.deadline().since(now));
                now = ladder.deadline();
                let (next, rungs) = ladder.at(&policy, now, can);
                ladder = next;
                prop_assert!(ladder.checkpoint() > before || ladder.is_exhausted(now));
                seen.extend(actions(rungs).into_iter().map(|action| (now, action)));
            }
            prop_assert_eq!(seen, expected);
            prop_assert!(ladder.is_forced());
        }
    }
}
