//! Options that are given on the command line.

use std::fmt;
use std::str::FromStr;

use super::document::Operator;

/// `section:option=value`, also with `+=` and `-=`; without a section it is about `[buildout]`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Override {
    pub(super) section: String,
    pub(super) option: String,
    pub(super) operator: Operator,
    pub(super) value: String,
}

/// Why a word is no such option.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum OverrideError {
    /// There is no `=`.
    #[error("{0:?} has no \"=\"; write section:option=value")]
    NoValue(String),
    /// There is more than one colon before the `=`.
    #[error("{0:?} has more than one colon before the \"=\"; write section:option=value")]
    Colons(String),
    /// The section or the option has no name.
    #[error("{0:?} names no section or no option; write section:option=value")]
    NoName(String),
}

impl FromStr for Override {
    type Err = OverrideError;

    fn from_str(text: &str) -> Result<Self, OverrideError> {
        let (left, value) = text.split_once('=').ok_or_else(|| OverrideError::NoValue(text.to_owned()))?;
        let (section, option) = left.split_once(':').unwrap_or(("buildout", left));
        if option.contains(':') {
            return Err(OverrideError::Colons(text.to_owned()));
        }
        let option = option.trim();
        let (option, operator) = match option.as_bytes().last() {
            Some(b'+') => (&option[..option.len() - 1], Operator::Add),
            Some(b'-') => (&option[..option.len() - 1], Operator::Remove),
            _ => (option, Operator::Set),
        };
        let (section, option) = (section.trim(), option.trim());
        if section.is_empty() || option.is_empty() {
            return Err(OverrideError::NoName(text.to_owned()));
        }
        let owned = str::to_owned;
        Ok(Self { section: owned(section), option: owned(option), operator, value: owned(value.trim()) })
    }
}

impl fmt::Display for Override {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let operator = match self.operator {
            Operator::Set => "=",
            Operator::Add => "+=",
            Operator::Remove => "-=",
        };
        write!(f, "{}:{}{operator}{}", self.section, self.option, self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> String {
        text.parse::<Override>().map_or_else(|error| error.to_string(), |given| given.to_string())
    }

    #[test]
    fn sections_options_and_operators() {
        assert_eq!(parsed("a:b=c"), "a:b=c");
        assert_eq!(parsed(" a : b = c = d "), "a:b=c = d");
        assert_eq!(parsed("offline=true"), "buildout:offline=true");
        assert_eq!(parsed("a:b+=c"), "a:b+=c");
        assert_eq!(parsed("a:b -= c:d"), "a:b-=c:d");
        assert_eq!(parsed("a:b="), "a:b=");
    }

    #[test]
    fn what_is_none() {
        assert_eq!(parsed("a:b"), r#""a:b" has no "="; write section:option=value"#);
        assert_eq!(
            parsed("a:b:c=d"),
            r#""a:b:c=d" has more than one colon before the "="; write section:option=value"#
        );
        for text in ["=x", ":a=x", "a:=x", "a:+=x", "+=x"] {
            assert!(parsed(text).contains("names no section or no option"), "{text}");
        }
    }
}
