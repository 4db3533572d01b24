//! The tests of what is for Windows: built here for it, and run under Wine in a prefix of their own.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Command, ExitStatus, Stdio};

use crate::{Outcome, shell};

/// The system that is built for.
pub(crate) const TARGET: &str = "x86_64-pc-windows-gnu";

/// What is built for Windows and tested there. `svc` itself is built, and tested from end to end; the unit tests of its crate have paths and programs of Unix.
const PACKAGES: &[&str] = &[
    "svckit-core",
    "svckit-os",
    "svckit-scmr",
    "svckit-recipe",
    "svckit-manager",
    "svckit-host",
    "svckit-testkit",
];

/// Programs, and the Debian packages that bring them.
const NEEDED: &[(&str, &str)] = &[
    ("wine", "wine"),
    ("wineserver", "wine64"),
    ("x86_64-w64-mingw32-gcc", "gcc-mingw-w64-x86-64"),
    ("pgrep", "procps"),
];

/// Wine 8 lacks a library that Rust's standard library takes random numbers from. This one has the function, and is for tests only.
const MISSING_LIBRARY: &str = "\
#include <windows.h>
BOOLEAN NTAPI SystemFunction036(PVOID, ULONG);
__declspec(dllexport) BOOL WINAPI ProcessPrng(PBYTE bytes, SIZE_T count) { return SystemFunction036(bytes, (ULONG)count); }
";

/// How long a test program may take, in seconds.
const PATIENCE: &str = "300";

/// The same with what is not for Wine: much of it ends only when nobody waits any longer.
const MORE_PATIENCE: &str = "3600";

/// Tests that fail only because Wine does otherwise than Windows: the crate, the test, and what they do. Cases of the behaviour suite are named in
/// `testkit/tests/on_windows.rs`.
const NOT_UNDER_WINE: &[(&str, &str, &str)] = &[
    (
        "svckit_os",
        "file::windows::tests::logs_are_made_with_their_folders_and_renamed_while_open",
        "Windows tells the volume of an open file that was renamed; Wine tells volume 0",
    ),
    (
        "svckit_os",
        "watch::windows::tests::changes_below_are_told_of",
        "Windows watches every folder below; Wine those that are made after the watch began",
    ),
    (
        "svckit_os",
        "listen::tests::a_listener_of_this_process_is_known_by_its_id",
        "Windows knows the process that listens; with Wine its server has the socket, and nobody is told",
    ),
    (
        "svckit_os",
        "secret::tests::a_secret_is_its_file_without_the_end_of_the_line",
        "Windows takes everybody's rights to a file away when told to; Wine lets them in again",
    ),
    (
        "svckit_os",
        "log::tests::nothing_is_told_twice_when_the_last_file_was_compressed",
        "NTFS never gives a file the number of one that was deleted; Wine tells that of the disk it is on, which may",
    ),
    ("svckit_os", "log::tests::a_cursor_into_a_deleted_file_goes_on_with_the_oldest", KEPT_NAME),
    ("svckit_os", "log::tests::following_sees_everything_once", KEPT_NAME),
    (
        "windows_doctor",
        "the_process_that_listens_is_named",
        "Windows knows the process that listens; with Wine its server has the socket, and nobody is told",
    ),
    (
        "windows_doctor",
        "a_dependency_that_is_not_there_is_told_of",
        "Windows lists dependencies; Wine stores them and lists none",
    ),
    (
        "windows_doctor",
        "a_service_that_waits_for_its_last_handle_is_told_of",
        "Windows says 1072 of it; Wine tells its state as that of any other",
    ),
    (
        "windows_end_to_end",
        "who_goes_on_looking_lets_a_service_go_that_is_removed",
        "Windows tells who waits for a service that it is marked for deletion; Wine tells of states alone, so it stays as long as somebody looks on",
    ),
    (
        "windows_plan",
        "who_needs_one_that_is_restarted_is_restarted_too",
        "Windows lists dependencies; Wine stores them and lists none",
    ),
    ("wire", "impacket::impacket_reads_our_answers", UNIX_PYTHON),
    ("wire", "impacket::the_vectors_are_those_of_the_impacket_that_is_installed", UNIX_PYTHON),
    ("buildout", "zc_buildout_deviates_where_documented", UNIX_PYTHON),
    ("buildout", "zc_buildout_resolves_the_same", UNIX_PYTHON),
];

const UNIX_PYTHON: &str =
    "not Wine's doing: the Python that it asks is this system's own, and it has run there";

const KEPT_NAME: &str = "Windows frees the name of a deleted file that is open; Wine keeps it";

/// The tests that need Python for Windows.
const WITH_PYTHON: &str = "windows_python";

/// Where in the prefix that is: a path that not every program can take.
const PYTHON_FOLDER: &str = "Gr\u{fc}\u{df}e \u{4f60}\u{597d}";

/// Tells test programs that Wine runs them. `all` asks for what is not for Wine too, to see whether it still isn't.
const UNDER_WINE: &str = "SVCKIT_WINE";

/// Other systems that have to be built for; nothing of them can be run here.
const CHECKED: &[&str] = &["x86_64-pc-windows-msvc", "aarch64-pc-windows-msvc", "aarch64-apple-darwin"];

/// That `svc` can be compiled for the other kinds of Windows, and for macOS.
pub(crate) fn check_others(mut told: impl FnMut(&str, Outcome)) {
    for target in CHECKED {
        let checked = add_target(target).and_then(|()| {
            let mut check = shell::cargo();
            shell::run(check.args([
                "check",
                "--quiet",
                "--locked",
                "--target",
                target,
                "--package",
                "svckit",
            ]))
        });
        told(target, checked);
    }
}

/// Installs what is missing, as far as that is possible.
pub(crate) fn prepare() -> Outcome {
    let missing: Vec<&str> = NEEDED
        .iter()
        .filter(|(program, _)| shell::find(program).is_none())
        .map(|(_, package)| *package)
        .collect();
    if !missing.is_empty() {
        shell::install(&missing)?;
    }
    add_target(TARGET)
}

/// Adds the standard library for a system, if it is not there.
fn add_target(target: &str) -> Outcome {
    let installed =
        shell::output(shell::program("rustc").args(["--print", "target-libdir", "--target", target]))?;
    if Path::new(installed.trim()).is_dir() {
        return Ok(());
    }
    shell::run(shell::program("rustup").args(["target", "add", target]))
}

/// The lints, for Windows.
pub(crate) fn lint() -> Outcome {
    let mut clippy = shell::cargo();
    clippy.args(["clippy", "--quiet", "--locked", "--all-targets", "--target", TARGET]);
    packages(&mut clippy);
    shell::run(clippy.args(["--", "--deny", "warnings"]))?;
    let mut program = shell::cargo();
    program.args(["clippy", "--quiet", "--locked", "--target", TARGET, "--package", "svckit"]);
    shell::run(program.args(["--", "--deny", "warnings"]))?;
    let mut bench = shell::cargo();
    bench.args(["clippy", "--quiet", "--locked", "--target", TARGET, "--package", "xtask"]);
    shell::run(bench.args(["--bin", "measured", "--bin", "measuring", "--", "--deny", "warnings"]))
}

/// Builds the test programs and runs each; what they printed goes to `told`, with whether they ended well. Without Python for Windows, what needs it is left out.
pub(crate) fn test(python: Option<&Path>, mut told: impl FnMut(&str, &str, bool)) -> Outcome {
    let programs = build()?;
    let prefix = Prefix::new()?;
    if let Some(python) = python {
        prefix.add_python(python)?;
    }
    for program in programs {
        if program.name == WITH_PYTHON && python.is_none() {
            continue;
        }
        let excused: Vec<_> = NOT_UNDER_WINE.iter().filter(|(name, ..)| *name == program.name).collect();
        let mut words = vec!["--test-threads=1", "--show-output"];
        if !excused.is_empty() {
            words.push("--exact");
        }
        for (_, test, why) in &excused {
            println!("not under Wine: {test}: {why}");
            words.extend(["--skip", test]);
        }
        let (text, is_good) = prefix.run(&program.path, &words)?;
        println!("{text}");
        told(&program.name, &text, is_good);
        if is_good && !text.contains(&format!(" {} filtered out", excused.len())) {
            return Err(format!("{}: not every test that is not for Wine is there", program.name));
        }
        if is_all() {
            excused.iter().try_for_each(|(_, test, _)| still_fails(&prefix, &program.path, test))?;
        }
    }
    Ok(())
}

/// Whether what is not for Wine is asked for.
fn is_all() -> bool {
    std::env::var_os(UNDER_WINE).is_some_and(|asked| asked == "all")
}

fn still_fails(prefix: &Prefix, program: &Path, test: &str) -> Outcome {
    let (text, is_good) = prefix.run(program, &["--exact", test])?;
    println!("{}", text.replace("test result: ", "alone: "));
    if is_good { Err(format!("{test} passes and needs no excuse")) } else { Ok(()) }
}

fn packages(command: &mut Command) {
    for package in PACKAGES {
        command.args(["--package", package]);
    }
}

/// A program of tests.
struct Program {
    /// The crate, or the test in it.
    name: String,
    path: PathBuf,
}

/// The test programs, built.
fn build() -> Outcome<Vec<Program>> {
    let mut bins = shell::cargo();
    bins.args(["build", "--quiet", "--locked", "--target", TARGET, "--bins"]);
    bins.args(["--package", "svckit-testkit", "--package", "svckit"]);
    shell::run(&mut bins)?;
    let mut tests = shell::cargo();
    tests.args(["test", "--no-run", "--locked", "--target", TARGET, "--message-format", "json"]);
    packages(&mut tests);
    tests.stderr(Stdio::inherit());
    let messages = shell::output(&mut tests)?;
    let mut programs = Vec::new();
    for line in messages.lines() {
        let message: serde_json::Value =
            serde_json::from_str(line).map_err(|error| format!("cargo: {error}"))?;
        if message["profile"]["test"] == true
            && let Some(program) = message["executable"].as_str()
        {
            let target = &message["target"];
            programs.push(Program {
                name: target["name"].as_str().unwrap_or_default().replace('-', "_"),
                path: PathBuf::from(program),
            });
        }
    }
    if programs.is_empty() { Err("cargo built no tests for Windows".to_owned()) } else { Ok(programs) }
}

/// A Windows of its own; it and everything that runs in it is gone when this is dropped.
pub(crate) struct Prefix {
    pub(crate) folder: PathBuf,
}

impl Prefix {
    pub(crate) fn new() -> Outcome<Self> {
        let folder = shell::target().join(format!("wine-{}", std::process::id()));
        fs::create_dir_all(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
        let prefix = Self { folder };
        println!("\nmaking a Wine prefix in {}", prefix.folder.display());
        // A new prefix has two service control managers for a moment: only the second start is one to be used. The server stays until it is told to go,
        // or, if this program is ended before that, until nobody has used it for a minute.
        prefix.quietly("120", "wineboot", &["-i"])?;
        prefix.quietly("60", "wineserver", &["-w"])?;
        prefix.quietly("60", "wineserver", &["-p60"])?;
        // What services tell the event log is in the output of what started them, and nowhere else.
        let mut boot = prefix.command("120", "wineboot", &prefix.events())?;
        ended("wineboot", boot.env("WINEDEBUG", "-all,+eventlog").status())?;
        let graphics = r"HKCU\Software\Wine\Drivers";
        prefix.quietly("60", "wine", &["reg", "add", graphics, "/v", "Graphics", "/d", "null", "/f"])?;
        Ok(prefix)
    }

    /// What services told the event log.
    fn events(&self) -> PathBuf {
        self.folder.join("events.txt")
    }

    /// Puts Python for Windows into it.
    fn add_python(&self, python: &Path) -> Outcome {
        let copy = self.folder.join("drive_c").join(PYTHON_FOLDER);
        shell::run(shell::program("cp").arg("--recursive").arg(python).arg(copy))
    }

    /// A program of Wine with its streams in a file: what it leaves running would hold a pipe open for ever.
    pub(crate) fn command(&self, limit: &str, program: &str, log: &Path) -> Outcome<Command> {
        let failed = |error: std::io::Error| format!("{}: {error}", log.display());
        let file = File::create(log).map_err(failed)?;
        let mut command = shell::program("timeout");
        command
            .args(["--kill-after", "10", limit, program])
            .env("WINEPREFIX", &self.folder)
            .env("WINEDEBUG", "-all")
            // Names of files are not only in ASCII.
            .env("LC_ALL", "C.UTF-8")
            .env("WINEDLLOVERRIDES", "winemenubuilder.exe,mscoree,mshtml=")
            .env(UNDER_WINE, if is_all() { "all" } else { "1" })
            .env("SVCKIT_WINDOWS_PYTHON", format!(r"C:\{PYTHON_FOLDER}\python.exe"))
            .env("SVCKIT_WINE_EVENTS", format!("Z:{}", self.events().display()))
            .env_remove("DISPLAY")
            .stderr(Stdio::from(file.try_clone().map_err(failed)?))
            .stdout(Stdio::from(file));
        Ok(command)
    }

    pub(crate) fn quietly(&self, limit: &str, program: &str, words: &[&str]) -> Outcome {
        let log = self.folder.join("output.txt");
        let status = self.command(limit, program, &log)?.args(words).status();
        ended(&format!("{program} {}", words.join(" ")), status)
    }

    /// What a program for Windows printed, and whether it ended well.
    pub(crate) fn run(&self, program: &Path, words: &[&str]) -> Outcome<(String, bool)> {
        self.complete(program.parent().unwrap_or(Path::new(".")))?;
        println!("\n$ wine {} {}", program.display(), words.join(" "));
        let log = self.folder.join("output.txt");
        let patience = if is_all() { MORE_PATIENCE } else { PATIENCE };
        let status = self.command(patience, "wine", &log)?.arg(program).args(words).status();
        let status = status.map_err(|error| format!("wine: {error}"))?;
        let bytes = fs::read(&log).map_err(|error| format!("{}: {error}", log.display()))?;
        Ok((String::from_utf8_lossy(&bytes).into_owned(), status.success()))
    }

    /// Puts the library that is missing beside the programs of a folder and of the one above, where those are that tests start.
    pub(crate) fn complete(&self, folder: &Path) -> Outcome {
        for folder in [Some(folder), folder.parent()].into_iter().flatten() {
            let library = folder.join("bcryptprimitives.dll");
            if library.is_file() {
                continue;
            }
            let source = self.folder.join("library.c");
            fs::write(&source, MISSING_LIBRARY).map_err(|error| format!("{}: {error}", source.display()))?;
            let mut compiler = shell::program("x86_64-w64-mingw32-gcc");
            compiler.arg("-shared").arg("-o").arg(&library).arg(&source).arg("-ladvapi32");
            shell::run(&mut compiler)?;
        }
        Ok(())
    }
}

fn ended(shown: &str, status: std::io::Result<ExitStatus>) -> Outcome {
    match status {
        Ok(status) if status.success() => Ok(()),
        other => Err(format!("{shown}: {other:?}")),
    }
}

impl Drop for Prefix {
    fn drop(&mut self) {
        // Whatever it says: what counts is that the folder goes, and what is left of its processes with the server.
        let _ = self.quietly("30", "wineserver", &["-k"]);
        let _ = self.quietly("30", "wineserver", &["-w"]);
        let _ = fs::remove_dir_all(&self.folder);
    }
}
