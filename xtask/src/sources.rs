//! Rules about the source text: where unsafe code may be, where it may matter which system it is for, and how long files and functions are.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Outcome, metadata, shell};

/// The one crate that may have unsafe code.
const MAY_BE_UNSAFE: &str = "svckit-os";

/// Where the code may ask which system it is for: the crate for that, and the seams of others.
const MAY_KNOW_THE_SYSTEM: &[&str] =
    &["crates/os/", "crates/host/src/link/", "crates/manager/src/local/", "crates/cli/src/builtin/"];

/// Where besides a whole module, or the crate, may be for one system only.
const MAY_BE_FOR_ONE_SYSTEM: &[&str] =
    &["crates/host/src/lib.rs", "crates/manager/src/lib.rs", "crates/engine/src/lib.rs"];

/// What is for tests and for building only.
const TOOLS: &[&str] = &["testkit/", "xtask/"];

/// What the architecture wants of lengths, in lines: files in the middle, nine in ten files, nine in ten functions.
const FILE_MEDIAN: usize = 250;
const FILE_P90: usize = 700;
const FUNCTION_P90: usize = 40;

/// Fails where unsafe code is possible outside its crate; tells lengths, and warns where they are too great.
pub(crate) fn check() -> Outcome {
    let packages = metadata::packages()?;
    let mut wrong = Vec::new();
    for package in packages.iter().filter(|package| package.is_member && package.name != MAY_BE_UNSAFE) {
        for root in &package.roots {
            let text = read(root)?;
            if !text.contains("#![forbid(unsafe_code)]") {
                wrong.push(format!("{} lacks #![forbid(unsafe_code)]", relative(root)));
            }
        }
    }
    let mut files = Vec::new();
    for package in packages.iter().filter(|package| package.is_member) {
        collect(&package.folder, &mut files)?;
    }
    files.sort();
    files.dedup();
    let mut sizes = Sizes::default();
    for file in &files {
        let text = read(file)?;
        wrong.extend(unargued(file, &text));
        let shown = relative(file);
        wrong.extend(
            knowing(&shown, &text).iter().map(|line| format!("{shown}:{line} asks which system it is for")),
        );
        sizes.add(file, &text);
    }
    if !wrong.is_empty() {
        return Err(format!("what may not be there:\n  {}", wrong.join("\n  ")));
    }
    sizes.tell();
    Ok(())
}

/// The places in a file where unsafe code is allowed or written and may not be.
fn unargued(file: &Path, text: &str) -> Vec<String> {
    let shown = relative(file);
    if shown.starts_with("crates/os/") || shown.starts_with("xtask/src/sources.rs") {
        return Vec::new();
    }
    let is_unsafe = |line: &str| {
        let code = line.split("//").next().unwrap_or_default();
        code.contains("unsafe {") || code.contains("unsafe fn") || code.contains("unsafe impl")
    };
    let lines = text.lines().enumerate().filter(|(_, line)| is_unsafe(line));
    lines.map(|(number, _)| format!("{shown}:{} has unsafe code", number + 1)).collect()
}

/// The lines of a file that depend on the system and may not.
fn knowing(file: &str, text: &str) -> Vec<usize> {
    let free = MAY_KNOW_THE_SYSTEM.iter().chain(TOOLS).any(|folder| file.starts_with(folder));
    let is_test = file.contains("/tests/") || file.ends_with("/tests.rs") || file.ends_with("_tests.rs");
    let by_module = MAY_BE_FOR_ONE_SYSTEM.contains(&file);
    let lines: Vec<&str> = if free || is_test { Vec::new() } else { text.lines().collect() };
    let tests = lines.iter().position(|line| line.trim() == "#[cfg(test)]" && !line.starts_with(' '));
    // A module of tests within the file ends it; one in a file of its own is a line among others.
    let tests = tests.filter(|at| lines.get(at + 1).is_some_and(|line| line.ends_with('{')));
    let end = tests.unwrap_or(lines.len());
    (0..end)
        .filter(|at| asks(lines[*at]))
        .filter(|at| {
            let gated = lines[at + 1..].iter().find(|line| !line.trim_start().starts_with("#["));
            let gates_module = gated.is_some_and(|gated| gated.split_whitespace().any(|word| word == "mod"));
            !(by_module && (lines[*at].starts_with("#!") || gates_module))
        })
        .map(|at| at + 1)
        .collect()
}

/// Whether a line depends on the system.
fn asks(line: &str) -> bool {
    let code = line.split("//").next().unwrap_or_default();
    let condition = ["cfg(", "cfg!(", "cfg_attr("].iter().any(|word| code.contains(word));
    condition && ["windows", "unix", "target_os", "target_family"].iter().any(|word| code.contains(word))
}

#[derive(Default)]
struct Sizes {
    files: Vec<(usize, String)>,
    functions: Vec<(usize, String)>,
}

impl Sizes {
    fn add(&mut self, file: &Path, text: &str) {
        let lines: Vec<&str> = text.lines().collect();
        self.files.push((lines.len(), relative(file)));
        for (start, line) in lines.iter().enumerate() {
            let Some(name) = function_name(line) else { continue };
            let indent = line.len() - line.trim_start().len();
            let closing = format!("{}}}", " ".repeat(indent));
            if line.trim_end().ends_with(['}', ';']) {
                continue;
            }
            if let Some(length) = lines[start..].iter().position(|line| *line == closing) {
                self.functions.push((length + 1, format!("{}:{} {name}", relative(file), start + 1)));
            }
        }
    }

    fn tell(mut self) {
        self.files.sort();
        self.functions.sort();
        let (median, p90) = (percentile(&self.files, 50), percentile(&self.files, 90));
        let function_p90 = percentile(&self.functions, 90);
        println!("files: {}, median {median} lines, p90 {p90}", self.files.len());
        println!("functions: {}, p90 {function_p90} lines", self.functions.len());
        if median > FILE_MEDIAN || p90 > FILE_P90 || function_p90 > FUNCTION_P90 {
            println!(
                "warning: longer than wanted (files {FILE_MEDIAN} and {FILE_P90}, functions {FUNCTION_P90}); the longest:"
            );
            for (length, name) in self.files.iter().rev().take(5).chain(self.functions.iter().rev().take(5)) {
                println!("  {length:5} {name}");
            }
        }
    }
}

fn percentile(sorted: &[(usize, String)], share: usize) -> usize {
    let index = (sorted.len() * share / 100).min(sorted.len().saturating_sub(1));
    sorted.get(index).map_or(0, |(length, _)| *length)
}

fn function_name(line: &str) -> Option<&str> {
    let mut words = line.split_whitespace();
    let known = ["pub", "pub(crate)", "pub(super)", "const", "async", "extern"];
    let name =
        words.find(|word| !known.contains(word)).filter(|word| *word == "fn").and_then(|_| words.next())?;
    name.split(['(', '<']).next()
}

fn collect(folder: &Path, files: &mut Vec<PathBuf>) -> Outcome {
    for entry in fs::read_dir(folder).map_err(|error| format!("{}: {error}", folder.display()))?.flatten() {
        let path = entry.path();
        if path.is_dir() && !entry.file_name().to_string_lossy().starts_with("target") {
            collect(&path, files)?;
        } else if path.extension().is_some_and(|extension| extension == "rs") {
            files.push(path);
        }
    }
    Ok(())
}

fn read(path: &Path) -> Outcome<String> {
    fs::read_to_string(path).map_err(|error| format!("{}: {error}", path.display()))
}

fn relative(path: &Path) -> String {
    path.strip_prefix(shell::root()).unwrap_or(path).display().to_string()
}

#[cfg(test)]
mod tests {
    use super::knowing;

    #[test]
    fn only_seams_and_tests_ask_which_system_it_is() {
        let text = "fn f() {\n    if cfg!(windows) {}\n}\n#[cfg(test)]\nmod tests {\n#[cfg(unix)]\n}\n";
        assert_eq!(knowing("crates/host/src/log/mod.rs", text), [2]);
        assert_eq!(
            knowing("crates/core/src/a.rs", "#[cfg(any(target_os = \"linux\"))]\nmod a;\n// cfg(unix)\n"),
            [1]
        );
        for free in [
            "crates/os/src/a/mod.rs",
            "crates/cli/src/builtin/mod.rs",
            "crates/cli/tests/a.rs",
            "testkit/src/a.rs",
        ] {
            assert_eq!(knowing(free, text), [0; 0], "{free}");
        }
        let lib = "#[cfg(test)]\nmod fake;\n#[cfg(windows)]\n#[path = \"x.rs\"]\npub mod windows;\n#[cfg(unix)]\npub use a::b;\n";
        assert_eq!(knowing("crates/manager/src/lib.rs", lib), [6]);
        assert_eq!(knowing("crates/cli/src/main.rs", lib), [3, 6]);
    }
}
