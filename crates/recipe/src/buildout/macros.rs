//! Sections that take over others: `<= section …`.

use std::collections::BTreeMap;

use super::document::is_space;
use super::extends::diagnostic;
use super::nearest;
use super::section::{MACRO, Section, Sections};
use super::value::{Origin, Value};
use crate::diagnostic::{Diagnostic, Source};
use svckit_core::sort;

/// How many sections may be taken over in a row.
const MAX_DEPTH: usize = 50;

/// A section with everything in it that it takes over.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Whole {
    pub(super) header: Origin,
    pub(super) options: BTreeMap<String, Value>,
    /// Why it can't be told what is in it; it may be that nobody asks.
    pub(super) broken: Option<Diagnostic>,
}

/// Every section whole.
pub(super) fn expand(sections: &Sections, sources: &[Source]) -> BTreeMap<String, Whole> {
    let mut expansion = Expansion { sections, sources, done: BTreeMap::new(), way: Vec::new() };
    let mut wholes = BTreeMap::new();
    for (name, section) in &sections.0 {
        expansion.way.clear();
        let whole = match expansion.section(name, section) {
            Ok(section) => whole(section),
            Err(wrong) => Whole { broken: Some(wrong), ..whole(section.clone()) },
        };
        wholes.insert(name.clone(), whole);
    }
    wholes
}

fn whole(section: Section) -> Whole {
    let options = section.options.into_iter().filter_map(|(name, slots)| Some((name, slots.set?)));
    Whole { header: section.header, options: sort::map(options), broken: section.undecided }
}

struct Expansion<'s> {
    sections: &'s Sections,
    sources: &'s [Source],
    done: BTreeMap<&'s str, Section>,
    /// Those being expanded, each taken over by the one before it.
    way: Vec<&'s str>,
}

impl<'s> Expansion<'s> {
    fn section(&mut self, name: &'s str, section: &'s Section) -> Result<Section, Diagnostic> {
        // [buildout] has its own way of taking over: extends.
        let Some(named) = section.set(MACRO).filter(|_| name != "buildout") else {
            return Ok(section.clone());
        };
        if let Some(done) = self.done.get(name) {
            return Ok(done.clone());
        }
        self.way.push(name);
        let mut base = Section::new(section.header);
        for line in named.lines() {
            let wanted = line.text.trim_matches(is_space);
            if !wanted.is_empty() {
                base.take_over(&self.taken(name, wanted, line.origin)?);
            }
        }
        self.way.pop();
        let whole = section.over(base);
        self.done.insert(name, whole.clone());
        Ok(whole)
    }

    fn taken(&mut self, name: &str, wanted: &str, origin: Origin) -> Result<Section, Diagnostic> {
        let sections = self.sections;
        let Some((wanted, taken)) = sections.0.get_key_value(wanted) else {
            let message = format!("section [{name}] takes over [{wanted}], which doesn't exist");
            let help = nearest(wanted, sections.0.keys().map(String::as_str));
            let help = help.map(|right| format!("did you mean {right:?}?"));
            return Err(diagnostic(self.sources, origin, &message, help));
        };
        if let Some(start) = self.way.iter().position(|section| section == wanted) {
            let circle = self.way[start..].iter().copied().chain([wanted.as_str()]);
            let circle = circle.collect::<Vec<_>>().join(" -> ");
            let message = format!("section [{wanted}] takes over itself: {circle}");
            return Err(diagnostic(self.sources, origin, &message, None));
        }
        if self.way.len() >= MAX_DEPTH {
            let message = format!("more than {MAX_DEPTH} sections are taken over in a row");
            return Err(diagnostic(self.sources, origin, &message, None));
        }
        self.section(wanted, taken)
    }
}
