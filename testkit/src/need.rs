//! What a test needs and may not find.

use std::io::Write;
use std::path::PathBuf;

/// The variable that names a file in which `cargo xtask test` collects the tests that could not run.
pub const SKIPPED_VARIABLE: &str = "SVCKIT_SKIPPED";

/// The variable that names a Python interpreter with the comparison's packages, set by `cargo xtask test`.
pub const PYTHON_VARIABLE: &str = "SVCKIT_PYTHON";

/// Says that the running test can't run here and why; the test returns after it. `cargo xtask test` counts it as skipped, by name.
///
/// # Panics
/// If `CI` is `true`: there everything has to be there.
pub fn skip(reason: &str) {
    let test = std::thread::current().name().unwrap_or("a test").to_owned();
    assert!(std::env::var_os("CI").is_none_or(|ci| ci != "true"), "{test} can't run: {reason}");
    let Some(list) = std::env::var_os(SKIPPED_VARIABLE) else { return };
    let mut list =
        std::fs::File::options().append(true).create(true).open(list).expect("the list of skipped tests");
    list.write_all(format!("{test}: {reason}\n").as_bytes()).expect("the list of skipped tests");
}

/// The Python interpreter with the comparison's packages, or the test is skipped.
pub fn python() -> Option<PathBuf> {
    let python = std::env::var_os(PYTHON_VARIABLE).map(PathBuf::from);
    if python.is_none() {
        skip(&format!(
            "{PYTHON_VARIABLE} names no Python with the packages for comparison; cargo xtask test sets it"
        ));
    }
    python
}
