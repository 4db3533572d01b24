//! The service as svckit's own host runs it.

use std::collections::BTreeMap;

use svckit_core::definition::Program;
use svckit_core::name::{DisplayName, ServiceName};

use super::{Spans, Variables, path};
use crate::definition::{
    DESCRIPTION_HELP, Definition, Hosted, Places, ServiceDefinition, Span, checked_description,
};
use crate::diagnostic::{Diagnostic, Diagnostics, Source};
use crate::platform::Platform;
use crate::words::WordsError;

/// The service that a script with these variables is: the same program, started again and stopped in the same way, by svckit's host. `spans` are the places
/// of the values in `source`.
///
/// # Errors
/// Everything that the platform has no service for, at its place.
pub fn definition(
    variables: &Variables,
    source: Source,
    spans: &Spans,
    platform: Platform,
) -> Result<Definition, Diagnostics> {
    let mut reader = Reader { variables, source: &source, spans, platform, wrong: Vec::new() };
    let (name, display_name) = (reader.name(), reader.display_name());
    let program = reader.program();
    reader.check_description();
    if let Some(wrong) = Diagnostics::new(reader.wrong) {
        return Err(wrong);
    }
    let (Some(name), Some(display_name)) = (name, display_name) else {
        return Err(source.diagnostic(spans.service_name, "there is no service", None).into());
    };
    let places = Places {
        name: spans.service_name,
        run: if variables.python.is_empty() { spans.script } else { spans.python },
        directory: Some(spans.instance_home),
        script: Some((usize::from(!variables.python.is_empty()), spans.script)),
        ..Places::default()
    };
    let service = ServiceDefinition {
        display_name,
        description: Some(variables.service_description.clone()).filter(|text| !text.is_empty()),
        places,
        ..ServiceDefinition::new(name, Hosted::new(program, platform))
    };
    Ok(Definition { source, services: vec![service] })
}

struct Reader<'a> {
    variables: &'a Variables,
    source: &'a Source,
    spans: &'a Spans,
    platform: Platform,
    wrong: Vec<Diagnostic>,
}

impl Reader<'_> {
    fn name(&mut self) -> Option<ServiceName> {
        let name = ServiceName::new(self.variables.service_name.as_str());
        let help = "a service's name has 1 to 256 characters, without / and \\";
        name.map_err(|error| self.report(self.spans.service_name, error.to_string(), help)).ok()
    }

    /// The display name; without one the service is shown by its name, as it is everywhere.
    fn display_name(&mut self) -> Option<DisplayName> {
        let given = self.variables.service_display_name.as_str();
        let shown = if given.is_empty() { self.variables.service_name.as_str() } else { given };
        let help = "a display name has 1 to 256 characters";
        let name = DisplayName::new(shown);
        name.map_err(|error| self.report(self.spans.service_display_name, error.to_string(), help)).ok()
    }

    fn check_description(&mut self) {
        if let Err(problem) = checked_description(&self.variables.service_description) {
            self.report(self.spans.service_description, problem, DESCRIPTION_HELP);
        }
    }

    fn program(&mut self) -> Program {
        let Variables { python, script, instance_home, .. } = self.variables;
        if !python.is_empty() {
            self.check_path(python, self.spans.python);
        }
        self.check_path(script, self.spans.script);
        self.check_path(instance_home, self.spans.instance_home);
        let words = [python, script].into_iter().filter(|word| !word.is_empty()).cloned();
        Program {
            command: words.chain(self.parameters()).collect(),
            directory: instance_home.into(),
            environment: BTreeMap::from([("ZMANAGED".to_owned(), "1".to_owned())]),
            environment_files: Vec::new(),
            secrets: Default::default(),
        }
    }

    fn check_path(&mut self, path: &str, span: Span) {
        if path.contains('\0') {
            self.report(span, format!("{path:?} can't be a path, since it has a NUL character"), "remove it");
        } else if !path::is_absolute(self.platform, path) {
            let other = match self.platform {
                Platform::Unix => Platform::Windows,
                Platform::Windows => Platform::Unix,
            };
            let message = match other {
                other if !path::is_absolute(other, path) => format!("{path:?} is not an absolute path"),
                Platform::Windows => format!("{path:?} is a path of Windows, and this is not Windows"),
                Platform::Unix => format!("{path:?} is not a path of Windows"),
            };
            self.report(
                span,
                message,
                "run svc buildout on this machine to have the paths that are right here",
            );
        }
    }

    /// The words of the parameters.
    fn parameters(&mut self) -> Vec<String> {
        let parameters = &self.variables.parameters;
        if parameters.contains('\0') {
            let message = "the parameters have a NUL character, which no command line can have";
            self.report(self.spans.parameters, message.to_owned(), "remove it");
            return Vec::new();
        }
        split(self.platform, parameters).unwrap_or_else(|error| {
            let message = format!("the parameters can't be split: {error}");
            let help = match error {
                WordsError::Unclosed(_) => "close it, or write a backslash before it if it is meant itself",
                WordsError::Backslash => "write two if one is meant itself",
            };
            self.report(self.spans.parameters, message, help);
            Vec::new()
        })
    }

    fn report(&mut self, span: Span, message: String, help: &str) {
        self.wrong.push(self.source.diagnostic(span, message, Some(help.to_owned())));
    }
}

/// The words that come after the program on a command line: on Windows the first word has rules of its own.
fn split(platform: Platform, parameters: &str) -> Result<Vec<String>, WordsError> {
    let words = platform.split(&format!("program {parameters}"))?;
    Ok(words.into_iter().skip(1).collect())
}
