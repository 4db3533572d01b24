//! Which service control manager: what people write after `--scm`.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::Embedded;

/// A service control manager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// That of Windows, on this machine: `windows`.
    Windows,
    /// The built-in one of a state directory: `embedded` or `embedded:DIR`.
    Embedded(Embedded),
    /// That of another machine: `\\HOST` or `HOST`.
    Remote(String),
}

/// Why a target was refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum TargetError {
    /// There is nothing in it.
    #[error(
        "a service control manager is windows, embedded, embedded:DIR or the name of a machine, not an empty text"
    )]
    Empty,
    /// `embedded:` without a directory.
    #[error("a directory has to follow after \"embedded:\"")]
    NoDirectory,
    /// It can't be the name of a machine.
    #[error(
        "{0:?} is not the name of a machine; windows, embedded and embedded:DIR are the other possibilities"
    )]
    Host(String),
}

impl Target {
    /// Reads a target. `directory` is the state directory that `embedded` alone means.
    ///
    /// ```
    /// # use std::path::Path;
    /// # use svckit_manager::Target;
    /// let target = Target::parse("embedded", Path::new("/home/ann/.local/state/svckit")).unwrap();
    /// assert_eq!(target.to_string(), "embedded:/home/ann/.local/state/svckit");
    /// assert_eq!(Target::parse(r"\\db1", Path::new("/")).unwrap(), Target::Remote("db1".to_owned()));
    /// ```
    pub fn parse(text: &str, directory: &Path) -> Result<Self, TargetError> {
        if let Some(directory) = text.strip_prefix("embedded:") {
            if directory.is_empty() {
                return Err(TargetError::NoDirectory);
            }
            return Ok(Self::Embedded(Embedded::new(directory)));
        }
        match text {
            "" => Err(TargetError::Empty),
            "embedded" => Ok(Self::Embedded(Embedded::new(directory))),
            "windows" => Ok(Self::Windows),
            text => {
                let host = text.strip_prefix(r"\\").unwrap_or(text);
                let allowed = |c: char| c.is_alphanumeric() || matches!(c, '.' | '-' | '_' | ':' | '[' | ']');
                if host.is_empty() || !host.chars().all(allowed) {
                    return Err(TargetError::Host(text.to_owned()));
                }
                Ok(Self::Remote(host.to_owned()))
            }
        }
    }

    /// The same; if it is a built-in service control manager that nobody serves, `svc` is run to serve it.
    #[must_use]
    pub fn autostart(self, svc: Option<PathBuf>) -> Self {
        match self {
            Self::Embedded(embedded) => Self::Embedded(embedded.autostart(svc)),
            other => other,
        }
    }
}

impl fmt::Display for Target {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Windows => f.write_str("windows"),
            Self::Embedded(embedded) => write!(f, "embedded:{}", embedded.directory().display()),
            Self::Remote(host) => write!(f, r"\\{host}"),
        }
    }
}

/// The state directory of a user of Unix: `svckit` in `XDG_STATE_HOME` or `~/.local/state`; `/var/lib/svckit` for root. The caller knows the environment.
pub fn default_directory(state_home: Option<&Path>, home: Option<&Path>, root: bool) -> Option<PathBuf> {
    if root {
        return Some(PathBuf::from("/var/lib/svckit"));
    }
    state_home
        .filter(|path| path.is_absolute())
        .map(Path::to_owned)
        .or_else(|| home.map(|home| home.join(".local/state")))
        .map(|state| state.join("svckit"))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parse(text: &str) -> Result<Target, TargetError> {
        Target::parse(text, Path::new("/d"))
    }

    #[test]
    fn targets_are_read_and_shown() {
        for (text, shown) in [
            ("windows", "windows"),
            ("embedded", "embedded:/d"),
            ("embedded:/var/x y", "embedded:/var/x y"),
            ("host", r"\\host"),
            (r"\\host.example", r"\\host.example"),
        ] {
            assert_eq!(parse(text).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(parse(""), Err(TargetError::Empty));
        assert_eq!(parse("embedded:"), Err(TargetError::NoDirectory));
        for text in ["a b", "a/b", r"\\", r"\\a\b"] {
            assert!(matches!(parse(text), Err(TargetError::Host(_))), "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn the_default_directory_follows_the_user() {
        let path = |text| Some(Path::new(text));
        assert_eq!(default_directory(path("/s"), path("/h"), false), path("/s/svckit").map(Path::to_owned));
        assert_eq!(
            default_directory(path("s"), path("/h"), false).unwrap(),
            Path::new("/h/.local/state/svckit")
        );
        assert_eq!(default_directory(None, None, false), None);
        assert_eq!(default_directory(None, None, true).unwrap(), Path::new("/var/lib/svckit"));
    }
}
