//! What the readers of all formats share: remarks and mistakes at their places, and values that have to be right.

use std::collections::BTreeMap;
use std::path::PathBuf;

use svckit_core::definition::Program;
use svckit_core::name::ServiceName;
use svckit_core::sort;

use super::ini::Setting;
use crate::definition::Span;
use crate::diagnostic::{Diagnostic, Diagnostics, Source};
use crate::platform::Platform;
use crate::secret::seems_secret;
use crate::toml::section::closest;
use crate::winservice::path;

/// Keywords, separated by blanks, with what can be done in place of them.
pub(super) type Advice<'a> = &'a [(&'a str, &'a str)];

/// One file on the way to services.
pub(super) struct Reader<'a> {
    pub(super) source: &'a Source,
    pub(super) platform: Platform,
    remarks: Vec<Diagnostic>,
    wrong: Vec<Diagnostic>,
    /// Where in the file secrets are.
    secrets: Vec<Span>,
}

impl<'a> Reader<'a> {
    pub(super) fn new(source: &'a Source, platform: Platform) -> Self {
        Self { source, platform, remarks: Vec::new(), wrong: Vec::new(), secrets: Vec::new() }
    }

    /// Something that is not in the services, or not as it was.
    pub(super) fn remark(&mut self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        let help = Some(help.into()).filter(|help| !help.is_empty());
        self.remarks.push(self.source.diagnostic(span, message, help));
    }

    /// Something without which there are no services.
    pub(super) fn wrong(&mut self, span: Span, message: impl Into<String>, help: impl Into<String>) {
        let help = Some(help.into()).filter(|help| !help.is_empty());
        self.wrong.push(self.source.diagnostic(span, message, help));
    }

    /// The remarks in the order of the file, if nothing is wrong and there is a service.
    pub(super) fn finish(mut self, is_empty: bool) -> Result<Vec<Diagnostic>, Diagnostics> {
        if is_empty && self.wrong.is_empty() {
            self.wrong(Span::default(), "there is no service in the file", "");
        }
        let place = |one: &Diagnostic| one.place.as_ref().map(|place| (place.line, place.column));
        sort::by_key(&mut self.wrong, place);
        sort::by_key(&mut self.remarks, place);
        self.mask();
        Diagnostics::new(self.wrong).map_or(Ok(self.remarks), Err)
    }

    /// Keeps a secret out of the lines that are shown with what is told: where it is in the range, or else all of that.
    pub(super) fn hide(&mut self, span: Span, secret: &str) {
        let text = self.source.text().get(span.start..span.end).unwrap_or_default();
        let known = self.secrets.len();
        if !secret.is_empty() {
            let found = text.match_indices(secret).map(|(at, _)| span.start + at);
            self.secrets.extend(found.map(|start| Span { start, end: start + secret.len() }));
        }
        if self.secrets.len() == known {
            self.secrets.push(span);
        }
    }

    fn mask(&mut self) {
        if self.secrets.is_empty() {
            return;
        }
        sort::by_key(&mut self.secrets, |span| span.start);
        let mut secrets = self.secrets.iter().peekable();
        let (mut masked, mut end) = (String::new(), 0);
        for (at, c) in self.source.text().char_indices() {
            while let Some(secret) = secrets.next_if(|secret| secret.start <= at) {
                end = end.max(secret.end);
            }
            masked.push(if at < end && c != '\n' { '*' } else { c });
        }
        let lines: Vec<&str> = masked.split('\n').collect();
        for place in self.wrong.iter_mut().chain(&mut self.remarks).filter_map(|one| one.place.as_mut()) {
            place.text = lines.get(place.line - 1).copied().unwrap_or_default().trim_end().into();
        }
    }

    /// The folder of the file.
    pub(super) fn folder(&self) -> String {
        let file = self.source.file().to_string_lossy();
        let (folder, _) = path::split(self.platform, &file);
        // The root of a drive has its separator.
        if folder.ends_with(':') { format!("{folder}\\") } else { folder.to_owned() }
    }

    /// The name of the file without its ending.
    pub(super) fn stem(&self) -> String {
        let file = self.source.file().to_string_lossy();
        let (_, name) = path::split(self.platform, &file);
        name.rsplit_once('.').map_or(name, |(stem, _)| stem).to_owned()
    }

    /// A remark about a setting that svckit has nothing for, with the advice for it, or about one that nobody knows.
    pub(super) fn unmapped(&mut self, setting: &Setting, known: Advice<'_>, mapped: &str) {
        let key = setting.key.as_str();
        let advice = known.iter().find(|(keys, _)| keys.split_whitespace().any(|one| one == key));
        if let Some((_, advice)) = advice {
            return self.remark(setting.key_span, format!("{key} is not mapped"), *advice);
        }
        let all = known.iter().flat_map(|(keys, _)| keys.split_whitespace()).chain(mapped.split_whitespace());
        let help = match closest(key, all) {
            Some(right) => format!("did you mean {right}?"),
            None => "see what it is for, and whether the service needs it".to_owned(),
        };
        self.remark(setting.key_span, format!("{key} is not known, and not mapped"), help);
    }

    /// A path, seen from a folder if it is relative.
    pub(super) fn path(&mut self, text: &str, span: Span, base: &str) -> Option<PathBuf> {
        let other = match self.platform {
            Platform::Unix => Platform::Windows,
            Platform::Windows => Platform::Unix,
        };
        if text.contains('\0') {
            self.wrong(span, "a path can't have a NUL character", "remove it");
            return None;
        }
        if !path::is_absolute(self.platform, text) && path::is_absolute(other, text) {
            let message = match other {
                Platform::Windows => format!("{text:?} is a path of Windows, and this is not Windows"),
                Platform::Unix => format!("{text:?} is not a path of Windows"),
            };
            self.wrong(span, message, "run svc import on the machine that the service will run on");
            return None;
        }
        Some(path::absolute(self.platform, base, text).into())
    }

    /// A path of a file to write to.
    pub(super) fn file(&mut self, text: &str, span: Span, base: &str) -> Option<PathBuf> {
        if text.is_empty() || text.ends_with(|c| path::is_separator(self.platform, c)) {
            self.wrong(span, format!("{text:?} is not a file"), "write the name of a file");
            return None;
        }
        self.path(text, span, base)
    }

    pub(super) fn service_name(&mut self, text: &str, span: Span) -> Option<ServiceName> {
        let help = "a service's name has 1 to 256 characters, without / and \\";
        ServiceName::new(text).map_err(|error| self.wrong(span, error.to_string(), help)).ok()
    }

    /// A program with its words; a relative path of a program is seen from the working directory.
    pub(super) fn program(&mut self, words: Vec<String>, span: Span, directory: PathBuf) -> Option<Program> {
        let mut command = words;
        if command.iter().any(|word| word.contains('\0')) {
            self.wrong(span, "a command can't have a NUL character", "remove it");
            return None;
        }
        let Some(program) = command.first_mut().filter(|program| !program.is_empty()) else {
            self.wrong(span, "there is nothing to run", "write the program and its arguments");
            return None;
        };
        if program.contains(|c| path::is_separator(self.platform, c)) {
            *program = self.path(program, span, &directory.to_string_lossy())?.to_string_lossy().into_owned();
        }
        Some(Program {
            command,
            directory,
            environment: BTreeMap::new(),
            environment_files: Vec::new(),
            secrets: Default::default(),
        })
    }

    /// Adds a variable; one that seems to hold a secret is told.
    pub(super) fn variable(
        &mut self,
        variables: &mut BTreeMap<String, String>,
        (name, value): (&str, &str),
        span: Span,
    ) {
        if name.is_empty() || name.contains(['=', '\0']) || value.contains('\0') {
            let help = "a name has at least one character and no =, and neither it nor the value has NUL";
            return self.wrong(span, format!("{name:?} can't be set as a variable"), help);
        }
        if seems_secret(name, value) {
            self.hide(span, value);
            let message = format!(
                "the variable {name} seems to hold a secret, and everybody can read it in a definition"
            );
            self.remark(
                span,
                message,
                format!("put it into a file, and write {name} = {{ file = \"…\" }} in environment"),
            );
        }
        variables.insert(name.to_owned(), value.to_owned());
    }

    /// A whole number.
    pub(super) fn number<N: std::str::FromStr>(&mut self, setting: &Setting) -> Option<N> {
        let number = setting.value.trim().parse().ok();
        if number.is_none() {
            let message = format!("{} can't be {:?}", setting.key, setting.value);
            self.wrong(setting.span, message, "write a whole number within its bounds");
        }
        number
    }

    /// One of the words for yes and no that the INI formats have.
    pub(super) fn boolean(&mut self, setting: &Setting) -> Option<bool> {
        match setting.value.to_ascii_lowercase().as_str() {
            "1" | "yes" | "y" | "true" | "t" | "on" => Some(true),
            "0" | "no" | "n" | "false" | "f" | "off" => Some(false),
            _ => {
                let message = format!("{} can't be {:?}", setting.key, setting.value);
                self.wrong(setting.span, message, "write true or false");
                None
            }
        }
    }
}
