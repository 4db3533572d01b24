//! One logon on several machines: who may try it, and who has to wait for what another machine says.

use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use svckit_core::time::Tick;
use svckit_core::trial::{Outcome, Trial as State, Turn};
use svckit_core::{Error, Result, Win32Error};
use svckit_os::clock;

/// What machines said of a name and a password; copies are the same one.
///
/// [`svckit_core::trial`] decides: the first machine is asked alone, and the first refusal stops whoever wasn't asked yet, since a few wrong passwords lock an account that machines share.
#[derive(Debug, Clone, Default)]
pub struct Trial(Arc<Shared>);

#[derive(Debug, Default)]
struct Shared {
    state: Mutex<State>,
    told: Condvar,
}

impl Trial {
    /// Waits until the logon may be tried on a machine, or is told that it had better not be. A machine that is asked and says nothing is waited for no longer than `limit`.
    pub(crate) fn begin(&self, target: &str, limit: Duration) -> Result<Ticket> {
        let machine = target.to_lowercase();
        let mut state = self.state();
        // Who is waited for, and until when.
        let mut awaited: Option<(String, Tick)> = None;
        loop {
            let asked = match state.ask(&machine) {
                Turn::Go => return Ok(Ticket { trial: self.clone(), machine, is_told: false }),
                Turn::Wait(asked) => asked,
                Turn::Leave(by) => {
                    let cause = format!(
                        "not tried, since {by} refused the user name or the password, and an account is locked after a few wrong ones"
                    );
                    let error = Error::new("log on to another machine", Win32Error::LOGON_FAILURE);
                    return Err(Box::new(error.target(target).cause(cause)));
                }
            };
            let now = clock::now().tick;
            let deadline = match &awaited {
                Some((before, deadline)) if *before == asked => *deadline,
                _ => now + limit,
            };
            let left = deadline.since(now);
            if left.is_zero() {
                state.give_up(&asked);
                continue;
            }
            awaited = Some((asked, deadline));
            state = self.0.told.wait_timeout(state, left).unwrap_or_else(PoisonError::into_inner).0;
        }
    }

    /// Whether a machine was not asked because another refused.
    pub fn is_left_out(&self, target: &str) -> bool {
        self.state().is_left_out(&target.to_lowercase())
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.0.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn told(&self, machine: &str, outcome: Outcome) {
        self.state().told(machine, outcome);
        self.0.told.notify_all();
    }
}

impl PartialEq for Trial {
    fn eq(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

impl Eq for Trial {}

/// A try that is under way. Without a word it counts as one that told nothing.
#[derive(Debug)]
pub(crate) struct Ticket {
    trial: Trial,
    machine: String,
    is_told: bool,
}

impl Ticket {
    /// The password is right.
    pub(crate) fn let_in(self) {
        self.tell(Outcome::LetIn);
    }

    /// It went wrong, perhaps for another reason.
    pub(crate) fn failed(self, code: Win32Error) {
        self.tell(if code.refuses_logon() { Outcome::Refused } else { Outcome::Nothing });
    }

    fn tell(mut self, outcome: Outcome) {
        self.is_told = true;
        self.trial.told(&self.machine, outcome);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.is_told {
            self.trial.told(&self.machine, Outcome::Nothing);
        }
    }
}
