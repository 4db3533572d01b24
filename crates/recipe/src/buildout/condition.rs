//! Conditions of sections: `[name: condition]`.
//!
//! zc.buildout takes an environment marker of Python's package metadata (PEP 508) or, where it is none, any expression of Python. Here it is what both have
//! in common with a small part of the latter: comparisons, `in`, `and`, `or`, `not`, parentheses, over names whose values are known without
//! running Python.

use std::cmp::Ordering;

use super::nearest;

/// What conditions may ask for.
#[derive(Debug, Clone, Copy)]
pub(super) struct Facts<'a> {
    /// As Rust names it: `linux`, `macos`, `windows`.
    pub(super) system: &'a str,
    /// As Rust names it: `x86_64`, `aarch64`.
    pub(super) machine: &'a str,
    /// Of the Python that scripts run with.
    pub(super) python_version: Option<&'a str>,
}

/// Why it can't be told whether a condition holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ConditionError {
    /// It depends on this.
    Unknown(String),
    /// It is no condition.
    Wrong {
        /// What is wrong.
        message: String,
        /// What would be right.
        help: Option<String>,
    },
}

/// Names whose values only Python could tell; whatever begins with these and a dot is of them too.
const MODULES: &[&str] = &["sys", "os", "platform", "re"];

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

/// Whether a condition holds.
pub(super) fn holds(text: &str, facts: &Facts<'_>) -> Result<bool, ConditionError> {
    let mut reader = Reader { tokens: tokens(text)?, at: 0, facts, unknown: None, depth: 0 };
    if reader.tokens.is_empty() {
        return Err(wrong("the condition is empty"));
    }
    let value = reader.either()?;
    if let Some(token) = reader.peek() {
        let message = format!("the condition can't be read from {:?} on", token.to_string());
        return Err(reader.beyond(message));
    }
    let known = truth(&value);
    known.ok_or_else(|| ConditionError::Unknown(reader.unknown.unwrap_or_else(|| "Python".to_owned())))
}

fn wrong(message: impl Into<String>) -> ConditionError {
    ConditionError::Wrong { message: message.into(), help: None }
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Token {
    Name(String),
    Text(String),
    Sign(&'static str),
}

impl std::fmt::Display for Token {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Name(name) => f.write_str(name),
            Self::Text(text) => write!(f, "'{text}'"),
            Self::Sign(sign) => f.write_str(sign),
        }
    }
}

/// Signs, longer ones before those that they begin with. Those that have no meaning here do so in Python.
const SIGNS: &[&str] = &[
    "==", "!=", "<=", ">=", "~=", "<", ">", "(", ")", "[", "]", "{", "}", ",", "+", "-", "*", "/", "%", ".",
    ":", "&", "|", "^", "=",
];

fn tokens(text: &str) -> Result<Vec<Token>, ConditionError> {
    let mut tokens = Vec::new();
    let mut rest = text.trim_start();
    while let Some(first) = rest.chars().next() {
        let is_part_of_name = |c: char| c.is_alphanumeric() || c == '_' || c == '.';
        let length = if first == '"' || first == '\'' {
            let (literal, length) = literal(rest, first)?;
            tokens.push(Token::Text(literal));
            length
        } else if first.is_alphanumeric() || first == '_' {
            let length = rest.find(|c| !is_part_of_name(c)).unwrap_or(rest.len());
            tokens.push(Token::Name(rest[..length].to_owned()));
            length
        } else if let Some(sign) = SIGNS.iter().find(|sign| rest.starts_with(**sign)) {
            tokens.push(Token::Sign(sign));
            sign.len()
        } else {
            return Err(wrong(format!("{first:?} can't stand in a condition")));
        };
        rest = rest[length..].trim_start();
    }
    Ok(tokens)
}

/// A string of Python and how long it is written. `#` and `;` are written `\x23` and `\x3b`.
fn literal(text: &str, quote: char) -> Result<(String, usize), ConditionError> {
    let mut literal = String::new();
    let mut rest = text.char_indices().skip(1);
    while let Some((index, c)) = rest.next() {
        match c {
            _ if c == quote => return Ok((literal, index + 1)),
            '\\' => match rest.next() {
                Some((_, c @ ('\\' | '"' | '\''))) => literal.push(c),
                Some((at, 'x')) => {
                    let digits = text.get(at + 1..at + 3).unwrap_or_default();
                    let code = u8::from_str_radix(digits, 16);
                    literal.push(code.map_err(|_| wrong("two hexadecimal digits must follow \\x"))?.into());
                    rest.nth(1);
                }
                Some((_, c)) => literal.extend(['\\', c]),
                None => break,
            },
            c => literal.push(c),
        }
    }
    Err(wrong(format!("the quotation mark {quote} is never closed")))
}

/// A value; what is not known has none.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Value {
    Truth(Option<bool>),
    Text(String),
    Version(Option<String>),
}

fn truth(value: &Value) -> Option<bool> {
    match value {
        Value::Truth(truth) => *truth,
        Value::Text(text) => Some(!text.is_empty()),
        Value::Version(version) => version.as_ref().map(|version| !version.is_empty()),
    }
}

/// How deep parentheses and `not` may be nested.
const MAX_DEPTH: usize = 32;

struct Reader<'a> {
    tokens: Vec<Token>,
    at: usize,
    facts: &'a Facts<'a>,
    /// The first fact that was asked for and isn't known.
    unknown: Option<String>,
    depth: usize,
}

impl Reader<'_> {
    fn either(&mut self) -> Result<Value, ConditionError> {
        let mut value = self.both()?;
        while self.take_name("or") {
            let (left, right) = (truth(&value), truth(&self.both()?));
            value = Value::Truth(match (left, right) {
                (Some(true), _) | (_, Some(true)) => Some(true),
                (Some(false), Some(false)) => Some(false),
                _ => None,
            });
        }
        Ok(value)
    }

    fn both(&mut self) -> Result<Value, ConditionError> {
        let mut value = self.negated()?;
        while self.take_name("and") {
            let (left, right) = (truth(&value), truth(&self.negated()?));
            value = Value::Truth(match (left, right) {
                (Some(false), _) | (_, Some(false)) => Some(false),
                (Some(true), Some(true)) => Some(true),
                _ => None,
            });
        }
        Ok(value)
    }

    fn negated(&mut self) -> Result<Value, ConditionError> {
        if !self.take_name("not") {
            return self.comparison();
        }
        let value = self.nested(Self::negated)?;
        Ok(Value::Truth(truth(&value).map(|truth| !truth)))
    }

    fn comparison(&mut self) -> Result<Value, ConditionError> {
        let left = self.operand()?;
        let Some(operator) = self.operator() else { return Ok(left) };
        let right = self.operand()?;
        if self.operator().is_some() {
            return Err(self.beyond("comparisons can't be chained here".to_owned()));
        }
        self.compare(&left, operator, &right).map(Value::Truth)
    }

    fn operator(&mut self) -> Option<&'static str> {
        let operator = match self.peek()? {
            Token::Sign(sign @ ("==" | "!=" | "<=" | ">=" | "<" | ">")) => *sign,
            Token::Name(name) if name == "in" => "in",
            Token::Name(name) if name == "not" => {
                let is_in = matches!(self.tokens.get(self.at + 1), Some(Token::Name(next)) if next == "in");
                if !is_in {
                    return None;
                }
                self.at += 1;
                "not in"
            }
            _ => return None,
        };
        self.at += 1;
        Some(operator)
    }

    fn operand(&mut self) -> Result<Value, ConditionError> {
        let token = self.peek().cloned();
        self.at += 1;
        match token {
            Some(Token::Text(text)) => Ok(Value::Text(text)),
            Some(Token::Name(name)) => self.name(&name),
            Some(Token::Sign("(")) => {
                let value = self.nested(Self::either)?;
                if self.peek() != Some(&Token::Sign(")")) {
                    return Err(self.beyond("a parenthesis is never closed".to_owned()));
                }
                self.at += 1;
                Ok(value)
            }
            Some(token) => {
                Err(self.beyond(format!("the condition can't be read from {:?} on", token.to_string())))
            }
            None => Err(wrong("the condition ends too early")),
        }
    }

    fn nested(
        &mut self,
        read: fn(&mut Self) -> Result<Value, ConditionError>,
    ) -> Result<Value, ConditionError> {
        self.depth += 1;
        if self.depth > MAX_DEPTH {
            return Err(wrong("the condition is nested too deeply"));
        }
        let value = read(self)?;
        self.depth -= 1;
        Ok(value)
    }

    fn name(&mut self, name: &str) -> Result<Value, ConditionError> {
        let Facts { system, machine, python_version } = *self.facts;
        let (sys_platform, os_name, platform_system) = match system {
            "windows" => ("win32", "nt", "Windows"),
            "macos" => ("darwin", "posix", "Darwin"),
            "linux" => ("linux", "posix", "Linux"),
            other => (other, "posix", other),
        };
        if let Some((method, name)) = ["startswith", "endswith"]
            .into_iter()
            .find_map(|method| Some((method, name.strip_suffix(method)?.strip_suffix('.')?)))
        {
            return self.method(method, name);
        }
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
            "python_version" => Ok(self.version(name, python_version.map(short_version))),
            "python_full_version" => Ok(self.version(name, python_version.map(str::to_owned))),
            _ => self.python_name(name),
        }
    }

    /// A name that is about the interpreter, or none at all.
    fn python_name(&mut self, name: &str) -> Result<Value, ConditionError> {
        let digits = name.strip_prefix("python").filter(|digits| is_python_version(digits));
        if let Some(digits) = digits {
            let version = self.facts.python_version.map(short_version);
            let is = version.map(|version| {
                let (major, minor) = version.split_once('.').unwrap_or((&version, ""));
                digits == major || digits.strip_prefix(major).is_some_and(|rest| rest == minor)
            });
            if is.is_none() {
                self.miss(name);
            }
            return Ok(Value::Truth(is));
        }
        let of_interpreter = ["cpython", "pypy", "jython", "ironpython", "platform_python_implementation"];
        let of_system =
            ["implementation_name", "implementation_version", "platform_release", "platform_version"];
        let module = name.split_once('.').map_or("", |(module, _)| module);
        if of_interpreter.contains(&name) || of_system.contains(&name) || MODULES.contains(&module) {
            self.miss(name);
            return Ok(Value::Truth(None));
        }
        let help = match nearest(name, NAMES.iter().copied()) {
            Some(right) => format!("did you mean {right:?}?"),
            None => format!("the names here are {}", NAMES.join(", ")),
        };
        Err(ConditionError::Wrong {
            message: format!("unknown name {name:?} in a condition"),
            help: Some(help),
        })
    }

    /// `name.startswith("text")`.
    fn method(&mut self, method: &str, name: &str) -> Result<Value, ConditionError> {
        let argument = match self.tokens.get(self.at..self.at + 3) {
            Some([Token::Sign("("), Token::Text(argument), Token::Sign(")")]) => argument.clone(),
            _ => return Err(self.beyond(format!("{method} takes one text in parentheses"))),
        };
        self.at += 3;
        Ok(Value::Truth(match self.name(name)? {
            Value::Text(text) if method == "startswith" => Some(text.starts_with(&argument)),
            Value::Text(text) => Some(text.ends_with(&argument)),
            Value::Truth(None) | Value::Version(_) => None,
            Value::Truth(Some(_)) => return Err(wrong(format!("{name} is no text"))),
        }))
    }

    fn version(&mut self, name: &str, version: Option<String>) -> Value {
        if version.is_none() {
            self.miss(name);
        }
        Value::Version(version)
    }

    fn miss(&mut self, name: &str) {
        self.unknown.get_or_insert_with(|| name.to_owned());
    }

    fn compare(&self, left: &Value, operator: &str, right: &Value) -> Result<Option<bool>, ConditionError> {
        let is_containing = operator.ends_with("in");
        match (left, right) {
            (Value::Truth(None) | Value::Version(None), _)
            | (_, Value::Truth(None) | Value::Version(None)) => Ok(None),
            (Value::Truth(Some(one)), Value::Truth(Some(other))) if !is_containing => {
                Ok(Some(ordered(operator, one.cmp(other))))
            }
            (Value::Version(Some(one)), Value::Text(other) | Value::Version(Some(other)))
                if !is_containing =>
            {
                compare_versions(one, operator, other).map(Some)
            }
            (Value::Text(one), Value::Version(Some(other))) if !is_containing => {
                Ok(Some(ordered(operator, order_versions(one, other)?)))
            }
            (
                Value::Text(one) | Value::Version(Some(one)),
                Value::Text(other) | Value::Version(Some(other)),
            ) => Ok(Some(match operator {
                "in" => other.contains(one.as_str()),
                "not in" => !other.contains(one.as_str()),
                operator => ordered(operator, one.cmp(other)),
            })),
            _ => Err(wrong("a text is compared with what is true or false")),
        }
    }

    /// What can't be read may be an expression of Python: if it is about Python, nothing is known but that.
    fn beyond(&self, message: String) -> ConditionError {
        let of_python = self.tokens.iter().find_map(|token| match token {
            Token::Name(name) if MODULES.contains(&name.split('.').next().unwrap_or_default()) => Some(name),
            _ => None,
        });
        match of_python {
            Some(name) => ConditionError::Unknown(format!("an expression of Python with {name}")),
            None => wrong(message),
        }
    }

    fn peek(&self) -> Option<&Token> {
        self.tokens.get(self.at)
    }

    fn take_name(&mut self, wanted: &str) -> bool {
        let is_there = matches!(self.peek(), Some(Token::Name(name)) if name == wanted);
        self.at += usize::from(is_there);
        is_there
    }
}

fn ordered(operator: &str, ordering: Ordering) -> bool {
    match operator {
        "==" => ordering.is_eq(),
        "!=" => ordering.is_ne(),
        "<" => ordering.is_lt(),
        "<=" => ordering.is_le(),
        ">" => ordering.is_gt(),
        _ => ordering.is_ge(),
    }
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

fn compare_versions(version: &str, operator: &str, wanted: &str) -> Result<bool, ConditionError> {
    let (Some(prefix), "==" | "!=") = (wanted.strip_suffix(".*"), operator) else {
        return Ok(ordered(operator, order_versions(version, wanted)?));
    };
    let (version, prefix) = (numbers(version)?, numbers(prefix)?);
    let begins = (0..prefix.len()).all(|index| version.get(index).unwrap_or(&0) == &prefix[index]);
    Ok(begins == (operator == "=="))
}

fn order_versions(one: &str, other: &str) -> Result<Ordering, ConditionError> {
    let (mut one, mut other) = (numbers(one)?, numbers(other)?);
    let length = one.len().max(other.len());
    one.resize(length, 0);
    other.resize(length, 0);
    Ok(one.cmp(&other))
}

fn numbers(version: &str) -> Result<Vec<u64>, ConditionError> {
    let numbers = version.trim().split('.').map(|number| number.parse().ok());
    numbers.collect::<Option<_>>().ok_or_else(|| wrong(format!("{version:?} is not a version such as 3.11")))
}

#[cfg(test)]
mod tests {
    use super::*;

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
}
