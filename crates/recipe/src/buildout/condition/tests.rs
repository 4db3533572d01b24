//! Which conditions hold, and what is said of those that are none.

use super::{ConditionError, Facts, holds};

const LINUX: Facts<'_> = Facts { system: "linux", machine: "x86_64", python_version: Some("3.11.7") };
const WINDOWS: Facts<'_> = Facts { system: "windows", machine: "aarch64", python_version: None };

fn told(text: &str, facts: &Facts<'_>) -> String {
    match holds(text, facts) {
        Ok(holds) => holds.to_string(),
        Err(ConditionError::Unknown(what)) => format!("unknown: {what}"),
        Err(ConditionError::Wrong { message, .. }) => message,
    }
}

#[test]
fn systems() {
    for text in [
        "windows",
        "not linux",
        "sys_platform == 'win32'",
        "os.name == \"nt\"",
        "platform_system == 'Windows' and platform_machine == 'ARM64'",
        "sys.platform.startswith('win') and not sys.platform.endswith('x')",
        "bits64 and little_endian and not (bits32 or big_endian)",
    ] {
        assert_eq!(told(text, &WINDOWS), "true", "{text}");
        assert_eq!(told(&format!("not ({text})"), &WINDOWS), "false", "{text}");
    }
    assert_eq!(told("platform_machine == 'x86_64' and posix", &LINUX), "true");
}

#[test]
fn versions_are_compared_by_their_numbers() {
    for text in [
        "python_version == '3.11'",
        "python_version > '3.9'",
        "python_version < '3.100' and python_version <= '3.11.0' and python_version >= '3.8'",
        "'3.9' < python_version",
        "python_version == '3.*' and python_version != '2.*' and python_version != '3.1'",
        "python_full_version == '3.11.7'",
        "python_version ~= '3.8' and python_full_version ~= '3.11.5'",
        "not python_version ~= '3.12' and not python_full_version ~= '3.10.2' and not python_version ~= '2.7'",
        "python_version in '3.10 3.11'",
        "python3 and python311 and not python31 and not python2 and not python27",
    ] {
        assert_eq!(told(text, &LINUX), "true", "{text}");
    }
    assert_eq!(told("python_version < 'three'", &LINUX), "\"three\" is not a version such as 3.11");
}

/// What is not known doesn't matter where the rest decides.
#[test]
fn what_is_not_known() {
    assert_eq!(told("python_version < '3'", &WINDOWS), "unknown: python_version");
    assert_eq!(told("linux and python27", &WINDOWS), "false");
    assert_eq!(told("python27 or windows", &WINDOWS), "true");
    assert_eq!(told("python27 or linux", &WINDOWS), "unknown: python27");
    assert_eq!(told("not cpython", &LINUX), "unknown: cpython");
    assert_eq!(
        told("platform.release() == '1'", &LINUX),
        "unknown: an expression of Python with platform.release"
    );
    assert_eq!(
        told("sys.version_info[0] < 3", &LINUX),
        "unknown: an expression of Python with sys.version_info"
    );
    assert_eq!(told("'HOME' in os.environ", &LINUX), "unknown: os.environ");
}

#[test]
fn what_is_none() {
    for (text, expected) in [
        (" ", "the condition is empty"),
        ("linux windows", "the condition can't be read from \"windows\" on"),
        ("linux ==", "the condition ends too early"),
        ("(linux", "a parenthesis is never closed"),
        ("'linux", "the quotation mark ' is never closed"),
        ("linux == 'x'", "a text is compared with what is true or false"),
        ("python_version ~= '3'", "~= takes a version with two numbers or more, and not \"3\""),
        ("sys_platform ~= 'linux'", "~= compares versions"),
        ("'a' == 'a' == 'a'", "comparisons can't be chained here"),
        ("'\\xg0' == ''", "two hexadecimal digits must follow \\x"),
        ("lin\u{20ac}", "'\u{20ac}' can't stand in a condition"),
        ("python4", "unknown name \"python4\" in a condition"),
    ] {
        assert_eq!(told(text, &LINUX), expected, "{text}");
    }
    assert_eq!(told(&"(".repeat(10_000), &LINUX), "the condition is nested too deeply");
    assert_eq!(told(&"not ".repeat(10_000), &LINUX), "the condition is nested too deeply");
}
