//! What every supervisor can do that takes part.

use std::process::Command;

use super::bed::Bed;
use crate::Outcome;

/// A supervisor that takes part.
pub(crate) trait Contender {
    /// Its name in tables.
    fn name(&self) -> &'static str;

    /// What exactly was measured.
    fn version(&self) -> String;

    /// Makes the bed's services known to it.
    fn prepare(&self, bed: &Bed) -> Outcome;

    /// The command that brings them up and stays.
    fn supervise(&self, bed: &Bed) -> Command;

    /// The command that shows the status of all services.
    fn status_of_all(&self, bed: &Bed) -> Command;

    /// The command that shows the status of one service; absent where there is none.
    fn status_of_one(&self, bed: &Bed, name: &str) -> Option<Command>;

    /// Whether it can rotate logs.
    fn rotates_logs(&self) -> bool {
        true
    }
}
