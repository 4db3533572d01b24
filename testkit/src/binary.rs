//! The workspace's programs, for tests in any crate.

use std::path::PathBuf;
use std::process::Command;
use std::sync::Mutex;

/// The path of a program of this workspace, built if it isn't there.
///
/// `cargo test --workspace` builds every program before the first test runs. Where a single package is tested (`cargo test -p`), the
/// program may be missing or be an older one: remove it, or build it, after changing it.
pub fn path(package: &str, program: &str) -> PathBuf {
    built(package, "--bin", program)
}

/// The path of an example of the testkit, built if it isn't there.
pub fn example(program: &str) -> PathBuf {
    built("svckit-testkit", "--example", program)
}

fn built(package: &str, kind: &str, program: &str) -> PathBuf {
    static BUILDING: Mutex<()> = Mutex::new(());
    let test = std::env::current_exe().expect("a test knows its path");
    let profile = test.parent().and_then(|deps| deps.parent()).expect("tests are in target/PROFILE/deps");
    let folder = if kind == "--example" { profile.join("examples") } else { profile.to_owned() };
    let program_path = folder.join(program).with_extension(std::env::consts::EXE_EXTENSION);
    let _one_at_a_time = BUILDING.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
    if !program_path.exists() {
        let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
        let target = profile.parent().expect("a profile is in the target directory");
        let mut build = Command::new(cargo);
        build.args(["build", "--quiet", "--package", package, kind, program, "--target-dir"]).arg(target);
        assert!(build.status().expect("cargo is there").success(), "{program} can't be built");
    }
    program_path
}

/// The scripted service's program.
pub fn scripted() -> PathBuf {
    path("svckit-testkit", "svckit-scripted")
}

/// The `svc` program.
pub fn svc() -> PathBuf {
    path("svckit", "svc")
}
