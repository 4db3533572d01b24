//! What names mean in conditions.

use super::value::Value;
use super::{ConditionError, Facts};
use crate::buildout::nearest;

/// Names whose values only Python could tell; whatever begins with these and a dot is of them too.
const MODULES: &[&str] = &["sys", "os", "platform", "re"];

/// Other names of which only Python could tell the value.
const UNKNOWN: &[&str] = &[
    "cpython",
    "pypy",
    "jython",
    "ironpython",
    "platform_python_implementation",
    "implementation_name",
    "implementation_version",
    "platform_release",
    "platform_version",
];

/// Names that are known to conditions, for who misspells one.
const NAMES: &[&str] = &[
    "sys_platform",
    "os_name",
    "platform_system",
    "platform_machine",
    "python_version",
    "python_full_version",
    "linux",
    "windows",
    "macosx",
    "posix",
    "cygwin",
    "solaris",
    "bits32",
    "bits64",
    "little_endian",
    "big_endian",
    "python2",
    "python3",
];

/// The value of a name.
pub(super) fn value(name: &str, facts: &Facts<'_>) -> Result<Value, ConditionError> {
    let Facts { system, machine, python_version } = *facts;
    let (sys_platform, os_name, platform_system) = match system {
        "windows" => ("win32", "nt", "Windows"),
        "macos" => ("darwin", "posix", "Darwin"),
        "linux" => ("linux", "posix", "Linux"),
        other => (other, "posix", other),
    };
    let text = |text: &str| Ok(Value::Text(text.to_owned()));
    let is = |truth| Ok(Value::Truth(Some(truth)));
    let is_64 = machine.contains("64");
    let is_big = matches!(machine, "s390x" | "powerpc" | "powerpc64" | "mips" | "mips64" | "sparc64");
    match name {
        "True" => is(true),
        "False" => is(false),
        "sys_platform" | "sys.platform" => text(sys_platform),
        "os_name" | "os.name" => text(os_name),
        "platform_system" => text(platform_system),
        "platform_machine" | "platform.machine" => text(match (system, machine) {
            ("windows", "x86_64") => "AMD64",
            ("windows", "aarch64") => "ARM64",
            ("macos", "aarch64") => "arm64",
            (_, machine) => machine,
        }),
        "linux" => is(sys_platform.contains("linux")),
        "windows" => is(sys_platform == "win32"),
        "macosx" => is(sys_platform == "darwin"),
        "posix" => is(os_name == "posix"),
        "cygwin" => is(sys_platform == "cygwin"),
        "solaris" => is(matches!(system, "solaris" | "illumos")),
        "bits32" => is(!is_64),
        "bits64" => is(is_64),
        "little_endian" => is(!is_big),
        "big_endian" => is(is_big),
        "python_version" => Ok(Value::Version(python_version.map(short_version))),
        "python_full_version" => Ok(Value::Version(python_version.map(str::to_owned))),
        _ => of_interpreter(name, python_version),
    }
}

/// Whether a name is one of Python's modules or in one.
pub(super) fn is_of_python(name: &str) -> bool {
    name.split('.').next().is_some_and(|module| MODULES.contains(&module))
}

/// The value of a name that is about the interpreter.
fn of_interpreter(name: &str, python_version: Option<&str>) -> Result<Value, ConditionError> {
    if let Some(digits) = name.strip_prefix("python").filter(|digits| is_python_version(digits)) {
        let is = python_version.map(short_version).map(|version| {
            let (major, minor) = version.split_once('.').unwrap_or((&version, ""));
            digits == major || digits.strip_prefix(major).is_some_and(|rest| rest == minor)
        });
        return Ok(Value::Truth(is));
    }
    if UNKNOWN.contains(&name) || name.contains('.') && is_of_python(name) {
        return Ok(Value::Truth(None));
    }
    let help = match nearest(name, NAMES.iter().copied()) {
        Some(right) => format!("did you mean {right:?}?"),
        None => format!("the names here are {}", NAMES.join(", ")),
    };
    let message = format!("unknown name {name:?} in a condition");
    Err(ConditionError::Wrong { message, help: Some(help) })
}

/// Major and minor.
fn short_version(version: &str) -> String {
    version.split('.').take(2).collect::<Vec<_>>().join(".")
}

/// Whether `python` and these digits are a name that zc.buildout knows.
fn is_python_version(digits: &str) -> bool {
    match digits.as_bytes() {
        [b'2' | b'3'] => true,
        [b'2', minor] => (b'4'..=b'7').contains(minor),
        [b'3', minor] => minor.is_ascii_digit(),
        [b'3', b'1', minor] => minor.is_ascii_digit(),
        _ => false,
    }
}
