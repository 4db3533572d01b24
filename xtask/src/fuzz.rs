//! Fuzzing: every target for a while.

use std::fs;

use crate::{Outcome, shell};

/// Runs each target so many seconds; skipped by name where the tools are missing.
pub(crate) fn run(arguments: &[&str]) -> Outcome {
    let seconds = match arguments {
        [] => 60,
        [seconds] => {
            seconds.parse::<u32>().map_err(|_| format!("seconds have to be a number, not {seconds:?}"))?
        }
        _ => return Err("cargo xtask fuzz [SECONDS]".to_owned()),
    };
    let targets = targets()?;
    if let Err(reason) = tools() {
        for target in &targets {
            println!("skipped: {target}: {reason}");
        }
        println!("\n0 passed, 0 failed, {} skipped", targets.len());
        return if std::env::var_os("CI").is_some_and(|ci| ci == "true") { Err(reason) } else { Ok(()) };
    }
    let mut failed = Vec::new();
    for target in &targets {
        let mut fuzz = shell::program("cargo");
        // What is found goes to the first folder, the seeds stay as they are.
        let found = shell::target().join("fuzz-corpus").join(target);
        fs::create_dir_all(&found).map_err(|error| format!("{}: {error}", found.display()))?;
        let seeds = shell::root().join("fuzz/corpus").join(target);
        fuzz.args(["+nightly", "fuzz", "run", target]).args([found, seeds]).arg("--");
        fuzz.args([
            format!("-max_total_time={seconds}"),
            "-rss_limit_mb=2048".to_owned(),
            "-timeout=10".to_owned(),
        ]);
        if let Err(message) = shell::run(&mut fuzz) {
            failed.push(message);
        }
    }
    println!("\n{} passed, {} failed, 0 skipped", targets.len() - failed.len(), failed.len());
    if failed.is_empty() { Ok(()) } else { Err(failed.join("\n")) }
}

/// The names of the targets: the files in `fuzz/fuzz_targets`.
fn targets() -> Outcome<Vec<String>> {
    let folder = shell::root().join("fuzz/fuzz_targets");
    let entries = fs::read_dir(&folder).map_err(|error| format!("{}: {error}", folder.display()))?;
    let mut names: Vec<String> = entries
        .flatten()
        .filter_map(|entry| entry.file_name().to_str()?.strip_suffix(".rs").map(str::to_owned))
        .collect();
    names.sort();
    Ok(names)
}

fn tools() -> Outcome {
    let toolchains = shell::output(shell::program("rustup").args(["toolchain", "list"])).unwrap_or_default();
    if !toolchains.contains("nightly") {
        return Err("no nightly toolchain: rustup toolchain install nightly".to_owned());
    }
    shell::output(shell::program("cargo").args(["+nightly", "fuzz", "--version"]))
        .map(drop)
        .map_err(|_| "no cargo-fuzz: cargo install cargo-fuzz".to_owned())
}
