//! The life cycle of parts: what is installed ([`Installed`]), what is to be done about a configuration ([`plan()`]), and doing it step by step
//! ([`Step::carry_out`]).
//!
//! A plan is a function of the configuration, of what is installed, and of what the machine shows ([`Machine`]). It is carried out on a [`Disk`] such that a
//! run that ends at any point leaves a record from which the next one goes on: files are recorded as unfinished before they are made or removed, and
//! every file is there as a whole or not at all. `docs/design/recipe.md` tells more.

mod develop;
mod escape;
mod glob;
mod installed;
mod machine;
mod plan;
mod project;
mod service;
mod setup_py;
mod step;
mod wanted;

#[cfg(test)]
mod tests;

pub use installed::{Installed, InstalledPart};
pub use machine::{Kind, Machine};
pub use plan::plan;
pub use service::{service, services};
pub use step::{Action, Disk, Operation, Step, StepError, temporary};
