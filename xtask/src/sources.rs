//! Rules about the source text: where unsafe code may be, and how long files and functions are.

use std::fs;
use std::path::{Path, PathBuf};

use crate::{Outcome, metadata, shell};

/// The one crate that may have unsafe code.
const MAY_BE_UNSAFE: &str = "svckit-os";

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
        sizes.add(file, &text);
    }
    if !wrong.is_empty() {
        return Err(format!("unsafe code:\n  {}", wrong.join("\n  ")));
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
