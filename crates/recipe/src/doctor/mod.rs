//! What ails an installed service: rules over what was gathered about it, without asking anybody.
//!
//! What is wrong with its definition the rules of [`crate::lint`] tell; these are about the service as the service control manager has it.

mod dependencies;
mod facts;
mod installed;
mod scm;
mod state;
mod why;

use svckit_core::name::ServiceName;
use svckit_core::sort;
use svckit_core::win32::Win32Error;

use crate::lint::{self, Severity};

pub use facts::{Drift, Ended, Facts, HostFacts, Image, Need, Standing};
pub use scm::{Disk, OpenDirectory, OtherVersion, ScmFacts, diagnose_scm};
pub use why::{RULES, why};

/// Something that ails a service, or the service control manager.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    /// How much it weighs.
    pub severity: Severity,
    /// The name of the rule, the same for ever.
    pub rule: &'static str,
    /// The service it is about.
    pub service: Option<ServiceName>,
    /// Where it is: a file, an address, a place in a definition.
    pub place: Option<String>,
    /// What is so: lower case, one sentence.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
    /// Lines that tell more, such as the last output.
    pub notes: Vec<String>,
    /// What it usually comes from.
    pub causes: Vec<String>,
    /// The code that more can be said of.
    pub about: Option<Code>,
}

/// A code by which something ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Code {
    /// Of the service API.
    Win32(Win32Error),
    /// With which Windows ended a program.
    End(u32),
}

impl Finding {
    /// A finding with what and how much; the rest is added.
    pub fn new(severity: Severity, rule: &'static str, message: impl Into<String>) -> Self {
        Self {
            severity,
            rule,
            service: None,
            place: None,
            message: message.into(),
            help: None,
            notes: Vec::new(),
            causes: Vec::new(),
            about: None,
        }
    }

    /// The same with what would be right.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }

    /// The same with where it is.
    #[must_use]
    pub fn at(mut self, place: impl Into<String>) -> Self {
        self.place = Some(place.into());
        self
    }

    /// The same about a service.
    #[must_use]
    pub fn of(mut self, service: &ServiceName) -> Self {
        self.service = Some(service.clone());
        self
    }

    fn noting(mut self, notes: &[String]) -> Self {
        self.notes = notes.to_vec();
        self
    }

    fn about(mut self, code: Code) -> Self {
        self.about = Some(code);
        self
    }
}

impl From<lint::Finding> for Finding {
    /// What is wrong with a definition, with its place in the file.
    fn from(found: lint::Finding) -> Self {
        let lint::Finding { severity, rule, service, diagnostic } = found;
        let place = diagnostic.place.map_or_else(
            || diagnostic.file.display().to_string(),
            |place| format!("{}:{}:{}", diagnostic.file.display(), place.line, place.column),
        );
        Self { service, help: diagnostic.help, ..Self::new(severity, rule, diagnostic.message) }.at(place)
    }
}

/// A rule about one service.
type Rule = fn(&Facts) -> Vec<Finding>;

const ALL: &[Rule] = &[
    state::marked,
    state::ended,
    state::restarting,
    state::pending,
    state::not_started,
    state::disabled,
    state::output_lost,
    dependencies::circle,
    dependencies::needs,
    installed::image,
    installed::unquoted,
    installed::other_build,
    installed::drift,
];

/// Everything that the rules find about a service, the heaviest first.
pub fn diagnose(facts: &Facts) -> Vec<Finding> {
    let mut found: Vec<Finding> =
        ALL.iter().flat_map(|rule| rule(facts)).map(|finding| finding.of(&facts.name)).collect();
    sort::by_key(&mut found, |finding| std::cmp::Reverse(finding.severity));
    found
}

#[cfg(test)]
mod tests;
