//! The environment of a program: what it inherits, what files add, what the definition sets.

use std::collections::BTreeMap;
use std::ffi::{OsStr, OsString};
use std::io;
use std::path::{Path, PathBuf};

use svckit_core::Win32Error;
use svckit_core::definition::{Program, SecretSource};
use svckit_core::dispatch::{CHANNEL_VARIABLE, MARK_VARIABLE};
use svckit_core::name::ServiceName;
use svckit_os::{errno, process, secret};

use crate::supervisor::Setting;

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

/// The whole environment of a program.
#[derive(Debug)]
pub(crate) struct Environment {
    pub(crate) variables: Vec<(OsString, OsString)>,
    /// Why what it inherits is what the host began with, if it should be newer.
    pub(crate) old: Option<String>,
}

/// Where the variables come from that the programs of a service inherit; why they can't be had.
pub(crate) type Inherit = fn(&ServiceName) -> Result<Vec<(OsString, OsString)>, String>;

/// What this process has: whoever started it saw to that.
pub(crate) fn of_this_process(_: &ServiceName) -> Result<Vec<(OsString, OsString)>, String> {
    Ok(inherited().collect())
}

/// The whole environment of a program, later sources over earlier: what it inherits, what came with the order for the host, what belongs to the
/// user, the files, the definition with its secrets, and what the host has to tell: the mark by which the program's tree is known.
pub(crate) fn assemble(
    setting: &Setting,
    service: &ServiceName,
    program: &Program,
    told: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Environment, EnvironmentError> {
    let (begins, old) = match (setting.inherit)(service) {
        Ok(begins) => (begins, None),
        Err(why) => (inherited().collect(), Some(why)),
    };
    let given = setting.environment.iter().map(|(name, value)| (name.into(), value.into()));
    let begins = begins.into_iter().chain(given).chain(setting.terms.environment());
    let all = layered(begins.map(|variable| (Origin::Inherited, variable)), program)?;
    let mut whole = BTreeMap::new();
    for variable in all {
        let name = variable.name.clone();
        whole.insert(process::variable_key(&name), (name, value(variable)?));
    }
    for (name, value) in told {
        whole.insert(process::variable_key(&name), (name, value));
    }
    Ok(Environment { variables: whole.into_values().collect(), old })
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
        all.insert(process::variable_key(&name), Variable { name, value, origin });
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

/// The variables of this process without those that are about itself.
pub(crate) fn inherited() -> impl Iterator<Item = (OsString, OsString)> {
    process::inherited_environment().filter(|(name, _)| is_inherited(name))
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

/// The value of a variable; that of a secret is looked up here, and nowhere else.
fn value(variable: Variable) -> Result<OsString, EnvironmentError> {
    let Origin::Secret(path) = variable.origin else { return Ok(variable.value) };
    let read = secret::read(&path).map_err(|error| EnvironmentError {
        code: errno::win32(&error),
        message: format!(
            "cannot read the secret {} from {path:?}: {}",
            variable.name.display(),
            errno::describe(&error)
        ),
    });
    Ok(read?.as_str().into())
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
    use crate::supervisor::Output;
    use svckit_os::process::Terms;

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
    fn what_can_not_be_had_as_it_is_now_is_inherited_as_it_was() {
        let setting = |inherit| Setting {
            instance: "x".to_owned(),
            inherit,
            environment: vec![("GIVEN".to_owned(), "1".to_owned())],
            terms: Terms::default(),
            output: Output::Logs,
            gate: None,
        };
        let program = Program {
            command: vec!["x".to_owned()],
            directory: PathBuf::from("/"),
            environment: BTreeMap::from([("own".to_owned(), "2".to_owned())]),
            environment_files: Vec::new(),
            secrets: BTreeMap::new(),
        };
        let made = |inherit| {
            let service = ServiceName::new("web").unwrap();
            assemble(&setting(inherit), &service, &program, [("TOLD".into(), "3".into())]).unwrap()
        };
        let pair = |(name, value): (&str, &str)| (OsString::from(name), OsString::from(value));
        let added = [("GIVEN", "1"), ("TOLD", "3"), ("own", "2")].map(pair);
        let now = made(|service| Ok(vec![("NAME".into(), service.as_str().into())]));
        let mut expected = vec![pair(("NAME", "web"))];
        expected.extend(added.clone());
        expected.sort_by_key(|(name, _)| process::variable_key(name));
        assert_eq!((now.variables, now.old), (expected, None));
        let was = made(|_| Err("no reason".to_owned()));
        assert_eq!(was.old.as_deref(), Some("no reason"));
        assert_eq!(was.variables.len(), inherited().count() + added.len());
    }

    #[test]
    fn errors_name_the_line() {
        assert!(read("A=1\nnonsense\n").unwrap_err().starts_with("x.env:2: a line has to be"));
        assert!(read("=1").unwrap_err().starts_with("x.env:1: a variable's name"));
        assert!(read("\n\nA=\"x").unwrap_err().starts_with("x.env:3: the quote"));
        assert!(read("A='x' y").unwrap_err().starts_with("x.env:1: nothing but"));
    }
}
