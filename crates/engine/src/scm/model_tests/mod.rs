//! Random sequences of everything that can happen to a service control manager, compared with the testkit's model after each step: what is answered, what the
//! processes are told, and what clients see of every service. Without processes, and with a clock that is moved by hand.
//!
//! `PROPTEST_CASES` sets how many sequences are tried. One that failed once is kept in `kept`.

mod calls;
mod kept;
mod machine;

use proptest::prelude::*;
use proptest::test_runner::RngSeed;
use svckit_testkit::model::{Step, sequence};

use machine::Machine;

/// How many sequences are tried unless something else is said.
const CASES: u32 = 256;

/// The most steps of a sequence.
const LONGEST: usize = 60;

fn check(steps: &[Step]) -> Result<(), String> {
    let mut machine = Machine::new();
    steps.iter().try_for_each(|step| machine.step(step))
}

#[test]
fn the_service_control_manager_does_what_the_model_says() {
    let asked = std::env::var("PROPTEST_CASES").map(|text| text.parse().expect("a number"));
    // The same sequences in every run, unless somebody looks for new ones: a difference that is still there would fail a run now and then.
    let rng_seed = if asked.is_ok() { RngSeed::Random } else { RngSeed::Fixed(3) };
    let cases = asked.unwrap_or(CASES);
    let config = ProptestConfig { cases, rng_seed, failure_persistence: None, ..ProptestConfig::default() };
    proptest!(config, |(steps in sequence(LONGEST))| {
        check(&steps).map_err(TestCaseError::fail)?;
    });
}

#[test]
fn as_much_is_remembered_as_the_model_says() {
    assert_eq!(svckit_testkit::model::REMEMBERED, super::notify::REMEMBERED);
}

#[test]
fn sequences_that_failed_once_pass() {
    for (name, steps) in kept::all() {
        if let Err(difference) = check(&steps) {
            panic!("{name}: {difference}");
        }
    }
}
