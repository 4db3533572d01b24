//! Which machines are meant: a list with commas, or files of them.

use std::collections::HashSet;
use std::fs;
use std::path::Path;
use std::sync::Arc;

use svckit_recipe::hosts::Hosts;
use svckit_recipe::{Diagnostics, Source};

use crate::failure::{Failure, plain};
use crate::logon::Logon;
use crate::verbs::scm::Place;

/// Several service control managers.
pub(crate) struct Machines(Vec<Machine>);

/// One of them.
pub(crate) struct Machine {
    /// Its place in the list.
    pub(crate) index: usize,
    /// As it was written, for people.
    pub(crate) name: String,
    /// As it is told everywhere.
    pub(crate) target: String,
    pub(crate) place: Place,
}

impl Machines {
    /// Reads what was said with `--scm`; `None` if that is one service control manager.
    pub(crate) fn read(text: &str) -> Result<Option<Self>, Failure> {
        if !is_list(text) {
            return Ok(None);
        }
        let mut list = List::default();
        for part in text.split(',').map(str::trim) {
            match part.strip_prefix('@') {
                Some(file) => list.add_file(file)?,
                None if part.is_empty() => {
                    let failure = Failure::usage(format!("--scm: there is an empty name in {text:?}"));
                    return Err(failure.hint("machines are separated by one comma each"));
                }
                None => list.add(part, Place::new(Some(part))?),
            }
        }
        Ok(Some(Self(list.all)))
    }

    /// The same, with who logs on.
    pub(crate) fn log_on(mut self, logon: &Arc<Logon>) -> Self {
        for machine in &mut self.0 {
            machine.place = machine.place.clone().log_on(logon);
        }
        self
    }

    pub(crate) fn all(&self) -> &[Machine] {
        &self.0
    }
}

/// Whether a text names several; the directory of a built-in service control manager may have a comma in its name.
fn is_list(text: &str) -> bool {
    let is_directory =
        || text.strip_prefix("embedded:").is_some_and(|directory| Path::new(directory).is_dir());
    text.starts_with('@') || text.contains(',') && !is_directory()
}

/// Machines in the order in which they are named, each once.
#[derive(Default)]
struct List {
    all: Vec<Machine>,
    seen: HashSet<String>,
}

impl List {
    fn add(&mut self, name: &str, place: Place) {
        let target = place.target().to_string();
        if self.seen.insert(target.to_lowercase()) {
            let name = name.trim_start_matches('\\').to_owned();
            self.all.push(Machine { index: self.all.len(), name, target, place });
        }
    }

    /// Those of a file, or with `FILE#PATTERN` some of them.
    fn add_file(&mut self, text: &str) -> Result<(), Failure> {
        let (file, pattern) = match text.rsplit_once('#') {
            Some((file, pattern)) if !Path::new(text).exists() => (file, Some(pattern)),
            _ => (text, None),
        };
        if file.is_empty() || pattern == Some("") {
            let failure = Failure::usage(format!("--scm: @{text} names no file with machines"));
            return Err(failure.hint("@hosts.txt are all that are in a file, @hosts.txt#web those of a group or whose names look like a pattern"));
        }
        let list = fs::read_to_string(file).map_err(|error| {
            Failure::usage(format!("cannot read the machines in {file}: {}", plain(&error)))
        })?;
        let list = Hosts::read(Source::new(file, list)).map_err(Failure::Definition)?;
        let selected: Vec<_> = match pattern {
            Some(pattern) => list.selected(pattern).collect(),
            None => list.all().iter().collect(),
        };
        if selected.is_empty() {
            return Err(match pattern {
                Some(pattern) => {
                    let failure = Failure::usage(format!(
                        "no group and no machine in {file} is called like {pattern:?}"
                    ));
                    let mut groups: Vec<_> =
                        list.all().iter().filter_map(|host| host.group.as_deref()).collect();
                    groups.dedup();
                    if groups.is_empty() {
                        failure
                    } else {
                        failure.hint(format!("its groups are {}", groups.join(", ")))
                    }
                }
                None => Failure::usage(format!("there is no machine in {file}")),
            });
        }
        let mut wrong = Vec::new();
        for host in selected {
            match Place::new(Some(&host.target)) {
                Ok(place) => self.add(&host.target, place),
                Err(failure) => wrong.push(list.source().diagnostic(host.span, failure.line(), None)),
            }
        }
        Diagnostics::new(wrong).map_or(Ok(()), |wrong| Err(Failure::Definition(wrong)))
    }
}
