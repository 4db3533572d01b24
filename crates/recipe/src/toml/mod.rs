//! The TOML definition file: `docs/reference/definition.md`.

mod binary_path;
mod command;
mod controls;
mod health;
mod hooks;
mod hosted;
mod limits;
mod log;
mod password;
mod ready;
mod recovery;
mod restart;
mod schedule;
pub(crate) mod section;
mod service;
mod stop;
mod windows;
mod write;

#[cfg(test)]
mod reference;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod write_tests;

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use svckit_core::sort;
use toml::Spanned;
use toml::de::DeTable;

use crate::definition::{Definition, ServiceDefinition};
use crate::diagnostic::{Diagnostic, Diagnostics, Source};
use crate::file;
use crate::order;
use crate::platform::Platform;
use section::{Reader, Section};

pub use write::{Unwritable, write};

/// Reads a definition file. Relative paths in it are relative to its folder.
pub fn load(path: &Path, platform: Platform) -> Result<Definition, Diagnostics> {
    let (file, bytes) = file::load(path, "definition file")?;
    let text = file::text(&file, bytes)?;
    parse(file, text, platform)
}

/// Reads the text of a definition file; `file` is its absolute path, `platform` what its services will run on.
pub fn parse(
    file: impl Into<PathBuf>,
    text: impl Into<String>,
    platform: Platform,
) -> Result<Definition, Diagnostics> {
    let source = Source::new(file, text);
    let (document, errors) = DeTable::parse_recoverable(source.text());
    if let Some(wrong) = Diagnostics::new(errors.iter().map(|error| syntax(&source, error)).collect()) {
        return Err(wrong);
    }
    let reader = Reader::new(&source, platform);
    let services = services(&reader, &document);
    let wrong = reader.finish();
    if let Some(wrong) = Diagnostics::new(wrong) {
        return Err(wrong);
    }
    drop(document);
    let order = order::order(&services).map_err(|cycle| {
        let message = format!("the services depend on each other in a circle: {}", cycle.names.join(" -> "));
        source.diagnostic(cycle.span, message, Some("remove one of these dependencies".to_owned()))
    })?;
    Ok(Definition { source, services: sort::arranged(services, order) })
}

fn syntax(source: &Source, error: &toml::de::Error) -> Diagnostic {
    let span = error.span().unwrap_or_default().into();
    let message = error.message().lines().next().unwrap_or_default();
    let place = source.place(span);
    let help = if place.text.contains("signal:") {
        Some(r#"a key with a colon is quoted: { "signal:TERM" = "10s" }"#)
    } else if message.starts_with("missing escaped value") {
        Some(r"a text with backslashes is written in single quotes: 'C:\Shop'")
    } else {
        None
    };
    source.diagnostic(span, format!("this is not TOML: {message}"), help.map(str::to_owned))
}

fn services(reader: &Reader<'_>, document: &Spanned<DeTable<'_>>) -> Vec<ServiceDefinition> {
    let mut root = Section::root(reader, document);
    let header =
        document.get_ref().iter().find(|(key, _)| key.get_ref() == "service").map(|(key, _)| key.span());
    let table = root.section("service");
    let nothing_there = table.as_ref().map_or(header.is_none(), Section::is_empty);
    if !root.finish() && nothing_there {
        let help = "write a table [service.NAME] with run = [\"program\", \"argument\"]";
        reader.report(header.unwrap_or(0..0), "the file defines no service", Some(help.to_owned()));
    }
    let Some(mut table) = table else { return Vec::new() };
    let services: Vec<_> =
        table.entries().into_iter().filter_map(|entry| service::read(reader, entry)).collect();
    unique(reader, &services);
    services
}

/// Names are compared without case, and a display name can't be another service's name.
fn unique(reader: &Reader<'_>, services: &[ServiceDefinition]) {
    let mut taken: HashMap<String, &ServiceDefinition> = HashMap::new();
    for service in services {
        if let Some(first) = taken.insert(service.name.folded(), service) {
            let message =
                format!("service {:?} is already there as {:?}", service.name.as_str(), first.name.as_str());
            let help = "names are compared without regard to case".to_owned();
            reader.report_at(service.places.name, message, Some(help));
        }
    }
    let mut displayed: HashMap<String, &ServiceDefinition> = HashMap::new();
    // One that is its service's name is unique if that is.
    for service in services.iter().filter(|service| service.display_name.as_str() != service.name.as_str()) {
        let folded = service.display_name.folded();
        let by_name = taken.get(&folded).filter(|other| other.name != service.name).copied();
        if let Some(other) =
            displayed.insert(folded, service).or(by_name).filter(|other| other.name != service.name)
        {
            let message = format!(
                "the display name {:?} is in use by service {:?}",
                service.display_name.as_str(),
                other.name.as_str()
            );
            reader.report_at(service.places.name, message, Some("choose another display-name".to_owned()));
        }
    }
}
