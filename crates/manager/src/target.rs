//! Which service control manager: what people write after `--scm`.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::{Embedded, Remote};

/// A service control manager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    /// That of Windows, on this machine: `windows`.
    Windows,
    /// The built-in one of a state directory: `embedded` or `embedded:DIR`.
    Embedded(Embedded),
    /// That of another machine: `\\HOST` or `HOST`, with `:PORT` if its endpoint mapper is not to be asked; `tcp://HOST` or `smb://HOST` if only that way is meant.
    Remote(Remote),
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
        "{0:?} is not the name of a machine, which may have tcp:// or smb:// before it and :PORT after it; windows, embedded and embedded:DIR are the other possibilities"
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
    /// assert_eq!(Target::parse("db1", Path::new("/")).unwrap().to_string(), r"\\db1");
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
                let host = match text.strip_prefix(r"\\") {
                    Some(host) if host.contains('/') => None,
                    Some(host) => Remote::parse(host),
                    None => Remote::parse(text),
                };
                host.map(Self::Remote).ok_or_else(|| TargetError::Host(text.to_owned()))
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
            Self::Remote(remote) => f.write_str(&remote.target()),
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
            ("host:4711", r"\\host:4711"),
            ("192.0.2.1:80", r"\\192.0.2.1:80"),
            ("2001:db8::1", r"\\[2001:db8::1]"),
            ("[2001:db8::1]", r"\\[2001:db8::1]"),
            (r"\\[::1]:4711", r"\\[::1]:4711"),
            ("smb://db1", "smb://db1"),
            ("smb://[::1]:4455", "smb://[::1]:4455"),
            ("tcp://db1.example:4711", "tcp://db1.example:4711"),
        ] {
            assert_eq!(parse(text).unwrap().to_string(), shown);
        }
    }

    #[test]
    fn nonsense_is_refused() {
        assert_eq!(parse(""), Err(TargetError::Empty));
        assert_eq!(parse("embedded:"), Err(TargetError::NoDirectory));
        let ports = ["a:", "a:0", "a:65536", "a:b", ":1", "a:1:2", "[a]:1", "[::1", "[::1]x"];
        let schemes = ["http://a", "smb://", "smb://a/b", "smb:a", r"\\smb://a", "tcp://smb://a", "SMB://a"];
        for text in ["a b", "a/b", r"\\", r"\\a\b"].into_iter().chain(ports).chain(schemes) {
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
