//! `${section:option}` in values.

use std::collections::{BTreeMap, BTreeSet};

use super::configuration::Configuration;
use super::defaults;
use super::extends::diagnostic;
use super::nearest;
use super::section::DEPENDENCIES;
use super::value::{Origin, Value};
use crate::diagnostic::Diagnostic;

/// The name by which a section's options learn the section's own.
const OWN_NAME: &str = "_buildout_section_name_";

/// How many options and sections may need each other in a row.
const MAX_DEPTH: usize = 100;

/// The largest value: options that repeat each other grow fast.
const MAX_VALUE: usize = 256 << 10;

/// A section and an option of it.
type Key<'c> = (&'c str, &'c str);

/// Finds values, and remembers the way to the one it is at.
pub(super) struct Resolver<'c> {
    configuration: &'c Configuration,
    known: BTreeMap<Key<'c>, String>,
    /// The options that are being looked at, each needed by the one before it.
    way: Vec<Key<'c>>,
    /// Where in the way the options begin that are parts of each other; before that, a section was only looked through.
    start: usize,
    /// Which sections were looked through; none are when only one value is wanted.
    touched: Option<BTreeSet<&'c str>>,
    parts: Vec<&'c str>,
}

/// A reference in a value.
struct Reference<'a> {
    /// All of it, `${` and `}` included.
    text: &'a str,
    origin: Origin,
}

impl<'c> Resolver<'c> {
    pub(super) fn new(configuration: &'c Configuration) -> Self {
        let (known, way, parts) = (BTreeMap::new(), Vec::new(), Vec::new());
        Self { configuration, known, way, start: 0, touched: None, parts }
    }

    /// The value of an option, if there is one.
    pub(super) fn value(&mut self, section: &str, option: &str) -> Result<Option<String>, Diagnostic> {
        let Some((section, whole)) = self.configuration.sections.get_key_value(section) else {
            return Ok(None);
        };
        if let Some(broken) = &whole.broken {
            return Err(broken.clone());
        }
        let Some((option, value)) = whole.options.get_key_value(option) else { return Ok(None) };
        if let Some(known) = self.known.get(&(section.as_str(), option.as_str())) {
            return Ok(Some(known.clone()));
        }
        self.way.push((section, option));
        let text = self.substituted(section, value)?;
        let text = match (section.as_str(), option.as_str()) {
            ("buildout", "directory") if !self.configuration.directory.is_empty() => {
                self.configuration.directory.clone()
            }
            ("buildout", "eggs-directory") => {
                let version = self.value("buildout", "eggs-directory-version")?;
                defaults::eggs(&self.configuration.directory, &text, &version.unwrap_or_default())
            }
            ("buildout", option) => defaults::absolute(option, text, &self.configuration.directory),
            _ => text,
        };
        self.way.pop();
        self.known.insert((section, option), text.clone());
        Ok(Some(text))
    }

    /// Looks at every option of a section and at every section that these refer to; the parts among them are in the result, each after those that it
    /// needs.
    pub(super) fn touch(&mut self, section: &str) -> Result<&[&'c str], Diagnostic> {
        self.touched.get_or_insert_default();
        match self.configuration.sections.get_key_value(section) {
            Some((section, _)) => self.touch_new(section)?,
            None => {
                let message = format!("there is no section [{section}]");
                let help = self.nearest_section(section);
                return Err(self.configuration.diagnostic(section, "", message, help));
            }
        }
        Ok(&self.parts)
    }

    /// The same for a section that is there, unless it was done before; nothing if only one value is wanted.
    fn touch_new(&mut self, section: &'c str) -> Result<(), Diagnostic> {
        if !self.touched.as_mut().is_some_and(|touched| touched.insert(section)) {
            return Ok(());
        }
        let Some(whole) = self.configuration.sections.get(section) else { return Ok(()) };
        let start = std::mem::replace(&mut self.start, self.way.len());
        for option in whole.options.keys() {
            self.value(section, option)?;
        }
        if let Some(broken) = &whole.broken {
            return Err(broken.clone());
        }
        // [buildout] is never a part.
        if section != "buildout" {
            self.touch_dependencies(section, whole.options.get(DEPENDENCIES))?;
            if self.value(section, "recipe")?.is_some_and(|recipe| !recipe.is_empty()) {
                self.parts.push(section);
            }
        }
        self.start = start;
        Ok(())
    }

    fn touch_dependencies(&mut self, section: &'c str, value: Option<&'c Value>) -> Result<(), Diagnostic> {
        let Some(value) = value else { return Ok(()) };
        let names = self.value(section, DEPENDENCIES)?.unwrap_or_default();
        self.way.push((section, DEPENDENCIES));
        for name in names.split(super::document::is_space).filter(|name| !name.is_empty()) {
            let Some((name, _)) = self.configuration.sections.get_key_value(name) else {
                let message = format!("section [{section}] needs a section [{name}], which doesn't exist");
                let help = self.nearest_section(name);
                return Err(self.tell(value.origin(), &message, help));
            };
            self.bounded(value.origin())?;
            self.touch_new(name)?;
        }
        self.way.pop();
        Ok(())
    }

    /// A value with substitutions made. `$$` stays, and shields what follows it.
    fn substituted(&mut self, section: &'c str, value: &Value) -> Result<String, Diagnostic> {
        let text = value.text();
        let mut result = String::new();
        let mut at = 0;
        while let Some(dollar) = text[at..].find('$').map(|found| at + found) {
            result.push_str(&text[at..dollar]);
            let rest = &text[dollar..];
            if rest.starts_with("$$") {
                result.push_str("$$");
                at = dollar + 2;
                continue;
            }
            // What is shielded ends a reference.
            let shielded = rest.find("$$").unwrap_or(rest.len());
            let end = rest[..shielded].find('}').filter(|_| rest.starts_with("${"));
            let Some(end) = end else {
                result.push('$');
                at = dollar + 1;
                continue;
            };
            let reference = Reference { text: &rest[..=end], origin: value.origin_at(dollar, end + 1) };
            result.push_str(&self.referred(section, &reference)?);
            if result.len() > MAX_VALUE {
                return Err(self.tell(reference.origin, "the value grows larger than 256 KiB here", None));
            }
            at = dollar + end + 1;
        }
        result.push_str(&text[at..]);
        Ok(result)
    }

    fn referred(&mut self, own: &'c str, reference: &Reference<'_>) -> Result<String, Diagnostic> {
        let (section, option) = self.names(reference)?;
        let section = if section.is_empty() { own } else { section };
        let Some((section, whole)) = self.configuration.sections.get_key_value(section) else {
            let message = format!("{} is in no section: there is no [{section}]", reference.text);
            let message = self.with_way(&message, (section, option));
            return Err(self.tell(reference.origin, &message, self.nearest_section(section)));
        };
        self.bounded(reference.origin)?;
        self.touch_new(section)?;
        if let Some(broken) = &whole.broken {
            return Err(broken.clone());
        }
        if self.way[self.start..].contains(&(section.as_str(), option)) {
            let message =
                self.with_way(&format!("{} is made from itself", reference.text), (section, option));
            return Err(self.tell(reference.origin, &message, None));
        }
        match self.value(section, option)? {
            Some(value) => Ok(value),
            // It is the name of the section that asks, whichever is named.
            None if option == OWN_NAME => Ok(own.to_owned()),
            None => {
                let message = format!("section [{section}] has no option {option:?}");
                let message = self.with_way(&message, (section, option));
                Err(self.tell(reference.origin, &message, self.nearest_option(section, option)))
            }
        }
    }

    fn names<'r>(&self, reference: &Reference<'r>) -> Result<(&'r str, &'r str), Diagnostic> {
        let inside = reference.text.trim_start_matches("${").trim_end_matches('}');
        let is_plain = |name: &str| name.chars().all(|c| c.is_ascii_alphanumeric() || "- ._".contains(c));
        let refusal = match inside.split(':').collect::<Vec<_>>()[..] {
            [section, option] if is_plain(section) && is_plain(option) && !option.is_empty() => {
                return Ok((section, option));
            }
            [_, ""] => "names no option",
            [section, _] if !is_plain(section) => "names a section with characters that can't be in one",
            [_, _] => "names an option with characters that can't be in one",
            [_] => "has no colon",
            _ => "has more than one colon",
        };
        let help = "write ${section:option}, or $${ for these two characters themselves".to_owned();
        Err(self.tell(reference.origin, &format!("{} {refusal}", reference.text), Some(help)))
    }

    fn bounded(&self, origin: Origin) -> Result<(), Diagnostic> {
        if self.way.len() < MAX_DEPTH {
            return Ok(());
        }
        Err(self.tell(origin, &format!("more than {MAX_DEPTH} options refer to each other in a row"), None))
    }

    /// A message with the chain of options that led to it.
    fn with_way(&self, message: &str, last: (&str, &str)) -> String {
        let way =
            self.way.iter().copied().chain([last]).map(|(section, option)| format!("{section}:{option}"));
        format!("{message}; the way there is {}", way.collect::<Vec<_>>().join(" -> "))
    }

    fn nearest_section(&self, section: &str) -> Option<String> {
        let near = nearest(section, self.configuration.sections.keys().map(String::as_str))?;
        Some(format!("did you mean {near:?}?"))
    }

    fn nearest_option(&self, section: &str, option: &str) -> Option<String> {
        if (section, option) == ("buildout", "executable") {
            return Some("no Python was found; write executable = PATH in [buildout]".to_owned());
        }
        let options = self.configuration.sections.get(section)?.options.keys();
        nearest(option, options.map(String::as_str))
            .map(|near| format!("did you mean ${{{section}:{near}}}?"))
    }

    fn tell(&self, origin: Origin, message: &str, help: Option<String>) -> Diagnostic {
        diagnostic(&self.configuration.sources, origin, message, help)
    }
}
