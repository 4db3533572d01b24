//! Conditions of sections: `[name: condition]`.
//!
//! zc.buildout takes an environment marker of Python's package metadata (PEP 508) or, where it is none, any expression of Python. Here it is what both have
//! in common with a small part of the latter: comparisons, `in`, `and`, `or`, `not`, parentheses, over names whose values are known without
//! running Python.

mod name;
mod reader;
#[cfg(test)]
mod tests;
mod token;
mod value;

use reader::Reader;
use value::truth;

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

/// Whether a condition holds.
pub(super) fn holds(text: &str, facts: &Facts<'_>) -> Result<bool, ConditionError> {
    let mut reader = Reader::new(token::tokens(text)?, facts);
    let value = reader.whole()?;
    let unknown = || ConditionError::Unknown(reader.unknown.unwrap_or_else(|| "Python".to_owned()));
    truth(&value).ok_or_else(unknown)
}

fn wrong(message: impl Into<String>) -> ConditionError {
    ConditionError::Wrong { message: message.into(), help: None }
}
