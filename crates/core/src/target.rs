//! Whom to ask, to know whether a program is ready or alive.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::image_path;
use crate::probe::HttpUrl;

/// Whom to ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// Who accepts connections at `HOST:PORT`.
    Tcp(String),
    /// Who answers a request there with a status from 200 to 399.
    Http(HttpUrl),
    /// A command beside the program, which finds it there by ending with 0.
    Command(Vec<String>),
}

impl Target {
    /// `HOST:PORT` to connect to, if that is how it is asked.
    pub fn address(&self) -> Option<String> {
        match self {
            Self::Tcp(address) => Some(address.clone()),
            Self::Http(url) => Some(url.address()),
            Self::Command(_) => None,
        }
    }

    /// What a program does that is there: `accepts connections at localhost:80`.
    pub fn deed(&self) -> String {
        match self {
            Self::Tcp(address) => format!("accepts connections at {address}"),
            Self::Http(url) => format!("answers at {url}"),
            Self::Command(command) => format!("lets {} end with 0", quoted(command)),
        }
    }

    /// That it isn't: `nobody accepts connections at localhost:80`.
    pub fn lack(&self) -> String {
        match self {
            Self::Tcp(_) | Self::Http(_) => format!("nobody {}", self.deed()),
            Self::Command(command) => format!("{} does not end with 0", quoted(command)),
        }
    }
}

impl fmt::Display for Target {
    /// As the definition file has it, for people: `tcp localhost:80`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "tcp {address}"),
            Self::Http(url) => write!(f, "http {url}"),
            Self::Command(command) => write!(f, "command {}", image_path::join(command)),
        }
    }
}

/// How people recognize a command.
pub fn quoted(command: &[String]) -> String {
    format!("the command {:?}", command.first().map_or("", String::as_str))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everybody_who_is_asked_has_words() {
        let url = HttpUrl::new("http://x/up").unwrap();
        let command = ["is up", "-q"].map(str::to_owned).to_vec();
        for (target, shown, address, deed, lack) in [
            (
                Target::Tcp("x:1".to_owned()),
                "tcp x:1",
                Some("x:1"),
                "accepts connections at x:1",
                "nobody accepts connections at x:1",
            ),
            (
                Target::Http(url),
                "http http://x/up",
                Some("x:80"),
                "answers at http://x/up",
                "nobody answers at http://x/up",
            ),
            (
                Target::Command(command),
                r#"command "is up" -q"#,
                None,
                r#"lets the command "is up" end with 0"#,
                r#"the command "is up" does not end with 0"#,
            ),
        ] {
            assert_eq!((&*target.to_string(), target.address().as_deref()), (shown, address));
            assert_eq!((&*target.deed(), &*target.lack()), (deed, lack));
        }
    }
}
