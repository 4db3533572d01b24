//! What a test needs and may not find.

use std::io::Write;
use std::path::PathBuf;

/// The variable that names a file in which `cargo xtask test` collects the tests that could not run.
pub const SKIPPED_VARIABLE: &str = "SVCKIT_SKIPPED";

/// The variable that names a Python interpreter with the packages that tests need, set by `cargo xtask test`.
pub const PYTHON_VARIABLE: &str = "SVCKIT_PYTHON";

/// The variable that names Python for Windows with pywin32, set by `cargo xtask wine` for what it runs.
pub const WINDOWS_PYTHON_VARIABLE: &str = "SVCKIT_WINDOWS_PYTHON";

/// The variable that names a Python interpreter with ansible-core, set by `cargo xtask test`.
pub const ANSIBLE_VARIABLE: &str = "SVCKIT_ANSIBLE";

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

/// The Python interpreter with the packages that tests need, or the test is skipped.
pub fn python() -> Option<PathBuf> {
    let missing = "names no Python with the packages that tests need; cargo xtask test sets it";
    program(PYTHON_VARIABLE, missing)
}

/// The Python interpreter with ansible-core, or the test is skipped.
pub fn ansible() -> Option<PathBuf> {
    program(ANSIBLE_VARIABLE, "names no Python with ansible-core; cargo xtask test sets it")
}

/// Python for Windows with pywin32, or the test is skipped.
pub fn windows_python() -> Option<PathBuf> {
    program(WINDOWS_PYTHON_VARIABLE, "names no Python for Windows with pywin32; cargo xtask wine sets it")
}

/// Samba's tests of servers, or the test is skipped.
pub fn smbtorture() -> Option<PathBuf> {
    installed("smbtorture", "samba-testsuite")
}

/// A program of MIT's Kerberos, or the test is skipped.
pub fn kerberos(program: &str) -> Option<PathBuf> {
    installed(program, "krb5-kdc, krb5-admin-server or krb5-user")
}

/// What gives a program another clock than the machine's, or the test is skipped.
pub fn faketime() -> Option<PathBuf> {
    installed("faketime", "faketime")
}

/// A program that a Debian package has.
fn installed(name: &str, package: &str) -> Option<PathBuf> {
    let found = find(name);
    if found.is_none() {
        skip(&format!("there is no {name}; it is in Debian's package {package}"));
    }
    found
}

/// A program that is in `PATH`, or where servers are.
pub(crate) fn find(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let servers = PathBuf::from("/usr/sbin");
    std::env::split_paths(&path).chain([servers]).map(|folder| folder.join(name)).find(|file| file.is_file())
}

fn program(variable: &str, missing: &str) -> Option<PathBuf> {
    let program = std::env::var_os(variable).map(PathBuf::from);
    if program.is_none() {
        skip(&format!("{variable} {missing}"));
    }
    program
}
