//! Python with packages from PyPI, in an environment of its own under the target folder.

use std::path::PathBuf;

use crate::{Outcome, shell};

/// The interpreter of an environment that has `packages`; made or completed if need be.
pub(crate) fn with(environment: &str, packages: &[&str]) -> Outcome<PathBuf> {
    let folder = shell::target().join(environment);
    let python = folder.join("bin/python");
    let done = folder.join("packages");
    let wanted = packages.join(" ");
    if python.is_file() && std::fs::read_to_string(&done).is_ok_and(|found| found == wanted) {
        return Ok(python);
    }
    let make = || shell::run(shell::program("python3").args(["-m", "venv", "--clear"]).arg(&folder));
    if make().is_err() {
        shell::install(&["python3", "python3-venv"])?;
        make()?;
    }
    let mut pip = shell::program(&python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check"]).args(packages);
    shell::run(&mut pip)?;
    std::fs::write(&done, wanted).map_err(|error| format!("{}: {error}", done.display()))?;
    Ok(python)
}
