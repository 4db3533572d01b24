//! What the file of a program says about whether this machine can run it.

use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::path::Path;

use svckit_core::executable::{Executable, Pieces, Script};
use svckit_host::program;
use svckit_recipe::lint::Severity;
use svckit_recipe::{Hosted, Platform, ServiceDefinition};

use super::{Found, libraries};
use crate::builtin::PLATFORM;
use crate::checks;

/// A file that is read in pieces; what can't be read isn't there.
struct Bytes(File);

impl Pieces for Bytes {
    fn piece(&mut self, offset: u64, length: usize) -> Vec<u8> {
        let mut bytes = Vec::new();
        let read = self.0.seek(SeekFrom::Start(offset)).and_then(|_| {
            (&mut self.0).take(u64::try_from(length).unwrap_or(u64::MAX)).read_to_end(&mut bytes)
        });
        if read.is_err() {
            bytes.clear();
        }
        bytes
    }
}

/// What kind of program a file is; absent if it can't be read.
pub(super) fn read(path: &Path) -> Option<Executable> {
    Some(Executable::read(&mut Bytes(File::open(path).ok()?)))
}

/// Everything that keeps the system from running a program that is there and may be executed.
pub(super) fn rules(service: &ServiceDefinition, hosted: &Hosted, _: &str) -> Vec<Found> {
    let path = Path::new(&hosted.program.command[0]);
    if program::check(path).is_err() || PLATFORM == Platform::Windows && !is_image(path) {
        return Vec::new();
    }
    let found = |severity, rule, message: String, help: String| {
        vec![Found { severity, rule, span: service.places.run, message, help }]
    };
    let shown = path.display();
    match read(path) {
        Some(Executable::Empty) => found(
            Severity::Error,
            "program-format",
            format!("{shown} is empty"),
            "build or copy it again".to_owned(),
        ),
        Some(Executable::Elf { .. }) if PLATFORM == Platform::Windows => found(
            Severity::Error,
            "program-format",
            format!("{shown} is a program of Unix"),
            "name one that was built for Windows".to_owned(),
        ),
        Some(Executable::Pe { .. }) if PLATFORM == Platform::Unix => found(
            Severity::Warning,
            "program-format",
            format!("{shown} is a program of Windows, which this system runs only if it was told how"),
            "name what runs it first: run = [\"wine\", …]".to_owned(),
        ),
        Some(Executable::Elf { machine, .. } | Executable::Pe { machine, .. })
            if !machine.runs_on(std::env::consts::ARCH, PLATFORM == Platform::Windows) =>
        {
            let message = format!("{shown} is made for {}, this machine is {}", machine.name(), std::env::consts::ARCH);
            found(Severity::Warning, "program-machine", message, "name one that was built for this machine".to_owned())
        }
        Some(Executable::Elf { loader: Some(loader), .. }) if !Path::new(&loader).exists() => found(
            Severity::Error,
            "program-loader",
            format!("{shown} is loaded by {loader}, which isn't there"),
            "it was built for another C library or distribution: build it for this one, or link it statically".to_owned(),
        ),
        Some(Executable::Pe { imports, .. }) => libraries::missing((service, hosted), path, &imports),
        Some(Executable::Script(script)) if PLATFORM == Platform::Unix => {
            script_problem(hosted, path, &script).map_or_else(Vec::new, |(message, help)| {
                found(Severity::Error, "script-interpreter", message, help)
            })
        }
        Some(Executable::Unknown) => {
            let help = match PLATFORM {
                Platform::Unix => "begin a script with #! and its interpreter, or name that first in \"run\"",
                Platform::Windows => "build or copy it again",
            };
            let message = format!("{shown} is no program that this system knows how to run");
            found(Severity::Warning, "program-format", message, help.to_owned())
        }
        _ => Vec::new(),
    }
}

/// Whether Windows runs a file itself, and not by another program.
fn is_image(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("exe"))
}

/// What is wrong with the first line of a script, and what would be right.
fn script_problem(hosted: &Hosted, path: &Path, script: &Script) -> Option<(String, String)> {
    let shown = path.display();
    if script.has_mark {
        let message = format!(
            "a byte order mark stands before the first line of {shown}, so its interpreter isn't found"
        );
        return Some((message, format!("sed -i '1s/^\\xef\\xbb\\xbf//' {shown}")));
    }
    if script.has_carriage_return() {
        let message = format!("the lines of {shown} end as on Windows, so its interpreter isn't found");
        return Some((message, format!("sed -i 's/\\r$//' {shown}")));
    }
    let interpreter = Path::new(&script.interpreter);
    if let Err(error) = program::check(interpreter) {
        let message = format!("{shown} is run by {:?}: {error}", script.interpreter);
        return Some((message, "install it, or name another in the first line of the script".to_owned()));
    }
    let name = script.looked_up()?;
    let error = program::find(name, &checks::search_path(hosted)).err()?;
    let message = format!("{shown} is run by what {} finds as {name:?}: {error}", script.interpreter);
    let help = "install it, or set PATH in the environment of the definition";
    Some((message, help.to_owned()))
}
