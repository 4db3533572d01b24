//! The same for several services: a failure of one is no reason to leave the others.

use crate::app::App;
use crate::failure::Failure;

/// What came of it.
pub(crate) struct Outcome<T> {
    /// For whom it was done.
    pub(crate) done: Vec<T>,
    /// How it ended: the first failure. That of one of several was told already.
    pub(crate) end: Result<(), Failure>,
}

impl<T> Outcome<T> {
    /// Whether there is something to show: with nothing done, the failure says it all.
    pub(crate) fn is_worth_showing(&self) -> bool {
        self.end.is_ok() || !self.done.is_empty()
    }
}

/// Does something for each of several. With more than one, each failure is told when it happens, and the first one's exit status is that of the whole; with
/// nobody to read it any more, it ends.
pub(crate) fn each<T>(
    app: &mut App,
    all: impl IntoIterator<Item = T>,
    is_one: bool,
    mut act: impl FnMut(&mut App, &T) -> Result<(), Failure>,
) -> Result<Outcome<T>, Failure> {
    let mut outcome = Outcome { done: Vec::new(), end: Ok(()) };
    for item in all {
        match act(app, &item) {
            Ok(()) => outcome.done.push(item),
            Err(Failure::BrokenPipe) => return Err(Failure::BrokenPipe),
            Err(failure) if is_one => outcome.end = Err(failure),
            Err(failure) => {
                failure.print(&mut app.ui)?;
                outcome.end = outcome.end.and(Err(Failure::Told(failure.status())));
            }
        }
    }
    Ok(outcome)
}
