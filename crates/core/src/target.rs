//! Whom to ask, to know whether a program is ready or alive.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::probe::HttpUrl;

/// Whom to ask.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Target {
    /// Who accepts connections at `HOST:PORT`.
    Tcp(String),
    /// Who answers a request there with a status from 200 to 399.
    Http(HttpUrl),
}

impl Target {
    /// `HOST:PORT` to connect to.
    pub fn address(&self) -> String {
        match self {
            Self::Tcp(address) => address.clone(),
            Self::Http(url) => url.address(),
        }
    }

    /// What is asked of who accepts; empty: that they do is enough.
    pub fn question(&self) -> Vec<u8> {
        match self {
            Self::Tcp(_) => Vec::new(),
            Self::Http(url) => url.request(),
        }
    }

    /// What a program does that is there: `accepts connections at localhost:80`.
    pub fn deed(&self) -> String {
        match self {
            Self::Tcp(address) => format!("accepts connections at {address}"),
            Self::Http(url) => format!("answers at {url}"),
        }
    }

    /// That it isn't: `nobody accepts connections at localhost:80`.
    pub fn lack(&self) -> String {
        format!("nobody {}", self.deed())
    }
}

impl fmt::Display for Target {
    /// As the definition file has it, for people: `tcp localhost:80`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Tcp(address) => write!(f, "tcp {address}"),
            Self::Http(url) => write!(f, "http {url}"),
        }
    }
}
