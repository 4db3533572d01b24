//! The suite that every backend has to pass.

use svckit_testkit::{binary, suite};

use crate::support::{Scm, settings, state};

/// Long enough for a process to connect on a loaded machine; two cases wait for it to pass.
const SETTINGS: &str = "start-timeout = 8\ncontrol-timeout = 8\n";

#[test]
fn the_suite_passes_directly() {
    let state = state();
    settings(state.path(), SETTINGS);
    let scm = Scm::serve(state.path());
    suite::run_all(&|| Box::new(scm.direct.clone()), &binary::scripted());
}

#[test]
fn the_suite_passes_through_the_wire() {
    let state = state();
    settings(state.path(), SETTINGS);
    let scm = Scm::serve(state.path());
    suite::run_all(&|| Box::new(scm.embedded().connect().unwrap()), &binary::scripted());
}
