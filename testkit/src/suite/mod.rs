//! The behaviour that every backend shows: one suite, run on the built-in SCM directly, through the wire, and on Windows' API.
//!
//! A difference is a bug or a line in `docs/deviations.md`. The service control manager under test has to let a process connect and
//! answer within the time that its owner set; two cases wait for that time to pass.

mod config;
mod config2;
mod delete;
mod dependencies;
mod enumerate;
mod failure;
mod fixture;
mod lifecycle;
mod locks;
mod names;
mod notify;
mod process;
mod rights;
mod security;

pub use fixture::Fixture;

use std::panic::{AssertUnwindSafe, catch_unwind, resume_unwind};
use std::path::Path;

use svckit_core::backend::Backend;

/// One expectation of a backend.
#[derive(Clone, Copy)]
pub struct Case {
    /// What it is about, as a name for the report.
    pub name: &'static str,
    /// Panics where the backend doesn't behave.
    pub run: fn(&dyn Backend, &Fixture),
}

impl std::fmt::Debug for Case {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

/// Makes the table of a module's cases.
macro_rules! cases {
    ($($name:ident),* $(,)?) => {
        pub(super) const CASES: &[$crate::suite::Case] = &[$($crate::suite::Case {
            name: concat!(module_path!(), "::", stringify!($name)),
            run: $name,
        }),*];
    };
}
use cases;

/// Every case.
pub fn all() -> Vec<Case> {
    [
        names::CASES,
        config::CASES,
        config2::CASES,
        delete::CASES,
        lifecycle::CASES,
        locks::CASES,
        process::CASES,
        dependencies::CASES,
        enumerate::CASES,
        notify::CASES,
        rights::CASES,
        security::CASES,
        failure::CASES,
    ]
    .concat()
}

/// Runs one case and removes the services that it made, whether it passed or not.
pub fn run(case: Case, backend: &dyn Backend, scripted: &Path) {
    let fixture = Fixture::new(scripted);
    let outcome = catch_unwind(AssertUnwindSafe(|| (case.run)(backend, &fixture)));
    let cleaned = catch_unwind(AssertUnwindSafe(|| fixture.remove_services(backend)));
    if let Err(panic) = outcome {
        resume_unwind(panic);
    }
    if let Err(panic) = cleaned {
        resume_unwind(panic);
    }
}

/// Runs every case on backends that `connect` makes, one for each, and names all that failed.
///
/// # Panics
/// If a case failed.
pub fn run_all(connect: &dyn Fn() -> Box<dyn Backend>, scripted: &Path) {
    let failed: Vec<&str> = all()
        .into_iter()
        .filter(|case| catch_unwind(AssertUnwindSafe(|| run(*case, &*connect(), scripted))).is_err())
        .map(|case| case.name)
        .collect();
    assert!(failed.is_empty(), "{} cases failed:\n  {}", failed.len(), failed.join("\n  "));
}
