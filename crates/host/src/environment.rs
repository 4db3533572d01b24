//! The variables of a program: what files add to what it begins with, and what the definition sets.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use svckit_core::Win32Error;
use svckit_core::definition::{Program, SecretSource};
use svckit_core::dispatch::{CHANNEL_VARIABLE, MARK_VARIABLE};
use svckit_os::{errno, variable};

/// The environment variable that holds the number of the spawner's socket.
pub(crate) const SPAWNER_VARIABLE: &str = "SVCKIT_SPAWNER";

/// Why an environment could not be made.
#[derive(Debug)]
pub struct EnvironmentError {
    /// The code with which the start fails.
    pub code: Win32Error,
    /// Why, with the file and the line.
    pub message: String,
}

/// Where a variable comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Origin {
    /// From the process that runs the program, or the machine.
    Inherited,
    /// It belongs to the account.
    Account,
    /// The service control manager keeps it with the service.
    Service,
    /// From a file of the definition.
    File(PathBuf),
    /// From the definition itself.
    Definition,
    /// A secret in a file; its value is not looked up before the program is started.
    Secret(PathBuf),
}

/// A variable of a program.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Variable {
    /// Its name.
    pub name: OsString,
    /// Its value; that of a secret is empty.
    pub value: OsString,
    /// Which source had the last word.
    pub origin: Origin,
}

/// The variables of a program, later sources over earlier: what it begins with, the files in their order, the definition with its secrets. They are in the order of their
/// names.
///
/// # Errors
/// If a file can't be read: the start fails.
pub fn layered(
    begins: impl IntoIterator<Item = (Origin, (OsString, OsString))>,
    program: &Program,
) -> Result<Vec<Variable>, EnvironmentError> {
    let mut all = BTreeMap::new();
    let mut set = |name: OsString, value: OsString, origin: Origin| {
        all.insert(variable::key(&name), Variable { name, value, origin });
    };
    for (origin, (name, value)) in begins {
        set(name, value, origin);
    }
    for path in &program.environment_files {
        for (name, value) in read_file(path)? {
            set(name.into(), value.into(), Origin::File(path.clone()));
        }
    }
    for (name, value) in &program.environment {
        set(name.into(), value.into(), Origin::Definition);
    }
    for (name, SecretSource::File(path)) in &program.secrets {
        set(name.into(), OsString::new(), Origin::Secret(path.clone()));
    }
    Ok(all.into_values().collect())
}

/// Whether a variable goes on from a host to its programs: those don't that are about the host itself.
pub fn is_inherited(name: &OsStr) -> bool {
    [CHANNEL_VARIABLE, SPAWNER_VARIABLE, MARK_VARIABLE].iter().all(|own| name != *own)
}

/// What is wrong with a file of variables.
///
/// # Errors
/// With the place and why.
pub fn check_file(path: &Path) -> Result<(), EnvironmentError> {
    read_file(path).map(drop)
}

fn read_file(path: &Path) -> Result<Vec<(String, String)>, EnvironmentError> {
    let fail = |code, why: String| EnvironmentError {
        code,
        message: format!("cannot read the environment file {path:?}: {why}"),
    };
    let bytes = std::fs::read(path)
        .map_err(|error: io::Error| fail(errno::win32(&error), errno::describe(&error)))?;
    let text = String::from_utf8(bytes)
        .map_err(|_| fail(Win32Error::INVALID_DATA, "it is not valid UTF-8".to_owned()))?;
    parse(path, &text).map_err(|message| EnvironmentError { code: Win32Error::INVALID_DATA, message })
}

/// Reads `NAME=value` lines. Blank lines and lines that begin with `#` count for nothing, `export ` before a name neither; quotes around a value are
/// taken off, and inside double quotes `\n`, `\t`, `\"`, `\\` and `\$` stand for what they do elsewhere.
fn parse(path: &Path, text: &str) -> Result<Vec<(String, String)>, String> {
    let mut found = Vec::new();
    for (index, line) in text.strip_prefix('\u{feff}').unwrap_or(text).lines().enumerate() {
        let line = line.trim();
        if line.is_empty() || line.starts_with('#') {
            continue;
        }
        let fail = |why: &str| format!("{}:{}: {why}", path.display(), index + 1);
        let assignment = line.strip_prefix("export ").unwrap_or(line).trim_start();
        let Some((name, value)) = assignment.split_once('=') else {
            return Err(fail("a line has to be NAME=value, a comment that begins with #, or blank"));
        };
        let name = name.trim_end();
        if name.is_empty() || name.contains(|c: char| c.is_whitespace() || c == '\0') {
            return Err(fail("a variable's name can't be empty or contain blanks"));
        }
        let value = unquote(value.trim_start()).map_err(fail)?;
        if value.contains('\0') {
            return Err(fail("a value can't contain a NUL character"));
        }
        found.push((name.to_owned(), value));
    }
    Ok(found)
}

fn unquote(value: &str) -> Result<String, &'static str> {
    let Some(quote @ ('"' | '\'')) = value.chars().next() else {
        return Ok(value.to_owned());
    };
    let mut plain = String::new();
    let mut rest = value.chars();
    rest.next();
    while let Some(c) = rest.next() {
        match c {
            c if c == quote => {
                let after = rest.as_str().trim_start();
                if !after.is_empty() && !after.starts_with('#') {
                    return Err("nothing but a comment can follow the closing quote");
                }
                return Ok(plain);
            }
            '\\' if quote == '"' => match rest.next() {
                Some('n') => plain.push('\n'),
                Some('t') => plain.push('\t'),
                Some(c @ ('"' | '\\' | '$')) => plain.push(c),
                Some(other) => plain.extend(['\\', other]),
                None => break,
            },
            c => plain.push(c),
        }
    }
    Err("the quote is not closed on its line")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(text: &str) -> Result<Vec<(String, String)>, String> {
        parse(Path::new("x.env"), text)
    }

    #[test]
    fn lines_comments_quotes() {
        let text = "\u{feff}A=1\n# note\n\n export B = two words \nC='a \"b\" \\n' # why\nD=\"x\\ty\\\"\\q\"\nE=\r\nF=a=b#c\n";
        let expected = [
            ("A", "1"),
            ("B", "two words"),
            ("C", "a \"b\" \\n"),
            ("D", "x\ty\"\\q"),
            ("E", ""),
            ("F", "a=b#c"),
        ];
        assert_eq!(read(text).unwrap(), expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn errors_name_the_line() {
        assert!(read("A=1\nnonsense\n").unwrap_err().starts_with("x.env:2: a line has to be"));
        assert!(read("=1").unwrap_err().starts_with("x.env:1: a variable's name"));
        assert!(read("\n\nA=\"x").unwrap_err().starts_with("x.env:3: the quote"));
        assert!(read("A='x' y").unwrap_err().starts_with("x.env:1: nothing but"));
    }
}
