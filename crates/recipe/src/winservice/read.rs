//! Reading the variables of a `winservice.py` without running it.

use std::path::{Path, PathBuf};

use super::source::{self, Assignment};
use super::{Spans, Variables, encoding, native};
use crate::definition::{Definition, Span};
use crate::diagnostic::{Diagnostic, Diagnostics, Source};
use crate::file;
use crate::platform::Platform;

/// What a service script says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Script {
    /// Its text.
    pub source: Source,
    /// Its variables.
    pub variables: Variables,
    /// Where they are.
    pub spans: Spans,
}

impl Script {
    /// The same service for svckit's own host.
    ///
    /// # Errors
    /// Everything that the platform has no service for, at its place.
    pub fn definition(self, platform: Platform) -> Result<Definition, Diagnostics> {
        native::definition(&self.variables, self.source, &self.spans, platform)
    }
}

/// Reads the variables of a service script from its file.
///
/// # Errors
/// If the file can't be read, and as [`read`].
pub fn load(path: &Path) -> Result<Script, Diagnostics> {
    let (file, bytes) = file::load(path, "service script")?;
    read(file, &bytes)
}

/// Reads the variables of a service script: assignments of string literals at the beginning of a line, in any encoding and with any line ends.
///
/// # Errors
/// Every variable that isn't there or isn't a string literal.
///
/// ```
/// use svckit_recipe::winservice::{Variables, read, script};
/// let variables = Variables { script: r"C:\site\bin\app.exe".to_owned(), service_name: "shop".to_owned(), ..Variables::default() };
/// let read = read("winservice.py", script(&variables).as_bytes())?;
/// assert_eq!(read.variables, variables);
/// # Ok::<(), svckit_recipe::Diagnostics>(())
/// ```
pub fn read(file: impl Into<PathBuf>, bytes: &[u8]) -> Result<Script, Diagnostics> {
    let decoded = encoding::decode(bytes);
    let source = Source::new(file, decoded.text);
    let mut wrong = Vec::new();
    // Of several assignments the last one holds, as in Python.
    let mut found: [Option<Assignment>; 8] = Default::default();
    for assignment in source::assignments(source.text(), &Variables::NAMES) {
        let name = assignment.name;
        found[name] = Some(assignment);
    }
    wrong.extend(missing(&source, &found));
    let mut values: [String; 8] = Default::default();
    let mut spans = [Span::default(); 8];
    for assignment in found.into_iter().flatten() {
        let name = Variables::NAMES[assignment.name];
        spans[assignment.name] = assignment.span;
        match (assignment.value, &decoded.doubt) {
            (Err(problem), _) => {
                let help = format!("write {name} = r'...', on one line");
                wrong.push(source.diagnostic(assignment.span, format!("{name} {problem}"), Some(help)));
            }
            (Ok(_), Some(doubt)) if !written(&source, assignment.span).is_ascii() => {
                let help = "save the file as UTF-8, without a line that names another encoding".to_owned();
                wrong.push(source.diagnostic(
                    assignment.span,
                    format!("{name} can't be read: {doubt}"),
                    Some(help),
                ));
            }
            (Ok(value), _) => values[assignment.name] = value,
        }
    }
    if let Some(wrong) = Diagnostics::new(wrong) {
        return Err(wrong);
    }
    let [
        _,
        python,
        script,
        parameters,
        service_name,
        service_display_name,
        service_description,
        instance_home,
    ] = spans;
    let spans = Spans {
        python,
        script,
        parameters,
        service_name,
        service_display_name,
        service_description,
        instance_home,
    };
    Ok(Script { source, variables: Variables::from_values(values), spans })
}

fn written(source: &Source, span: Span) -> &str {
    source.text().get(span.start..span.end).unwrap_or_default()
}

/// One report for all variables that are not there.
fn missing(source: &Source, found: &[Option<Assignment>; 8]) -> Option<Diagnostic> {
    let names = Variables::NAMES.iter().zip(found).filter(|(_, found)| found.is_none());
    let names: Vec<_> = names.map(|(name, _)| *name).collect();
    let message = match names.as_slice() {
        [] => return None,
        all if all.len() == found.len() => {
            "this is no service script: it assigns none of the variables of one".to_owned()
        }
        [one] => format!("{one} is not assigned"),
        several => format!("{} are not assigned", several.join(", ")),
    };
    let help = format!("a service script has lines that assign strings to {}", Variables::NAMES.join(", "));
    Some(Diagnostic { file: source.file().to_owned(), place: None, message, help: Some(help) })
}

#[cfg(test)]
#[path = "read_tests.rs"]
mod tests;
