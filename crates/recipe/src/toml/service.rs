//! `[service.NAME]`.

use svckit_core::kind::ErrorControl;
use svckit_core::name::{Dependency, DisplayName, ServiceName};

use super::section::{Entry, Reader, Section};
use super::{binary_path, hosted, password, recovery, windows};
use crate::definition::{Places, Process, Runs, ServiceDefinition, StartMode, checked_description};

pub(super) const PROCESSES: &[(&str, Process)] = &[("own", Process::Own), ("share", Process::Share)];

/// Reads one service; `None` when what it can't do without is wrong, which is then reported.
pub(super) fn read<'a>(reader: &'a Reader<'a>, entry: Entry<'a>) -> Option<ServiceDefinition> {
    let name = ServiceName::new(entry.name()).map_err(|error| {
        let help = "a service's name has 1 to 256 characters, without / and \\".to_owned();
        reader.report(entry.key.span(), error.to_string(), Some(help));
    });
    let path = format!("service.{}", written_key(entry.name()));
    let mut section =
        Section::of(reader, path, entry, "write [service.NAME] with run = [\"program\", \"argument\"]")?;
    let mut places = Places { name: entry.key.span().into(), ..Places::default() };
    let runs = match section.entry("binary-path") {
        Some(_) => binary_path::read(&mut section, &mut places).map(Runs::BinaryPath),
        None => hosted::read(&mut section, entry, &mut places).map(Runs::from),
    };
    let display_name = display_name(&mut section);
    let description = description(&mut section);
    let start = section.choice("start", StartMode::NAMED);
    places.start = section.span("start");
    let dependencies = dependencies(&mut section, &mut places);
    let account = account(&mut section, &mut places);
    let password = password::read(&mut section, &mut places);
    let process = section.choice("process", PROCESSES).unwrap_or_default();
    places.recovery = section.span("recovery");
    let (recovery, recovery_on_error) = section.section("recovery").map(recovery::read).unwrap_or_default();
    let windows = section.section("windows").map(windows::read).unwrap_or_default();
    section.finish();
    let name = name.ok()?;
    Some(ServiceDefinition {
        display_name: display_name.unwrap_or_else(|| name.clone().into()),
        name,
        description,
        start,
        dependencies,
        account,
        password,
        process,
        error_control: windows.error_control.unwrap_or(ErrorControl::NORMAL),
        group: windows.group,
        tag: windows.tag,
        sid: windows.sid,
        privileges: windows.privileges,
        triggers: windows.triggers,
        security: windows.security,
        preferred_node: windows.preferred_node,
        launch_protection: windows.launch_protection,
        preshutdown: windows.preshutdown.unwrap_or(ServiceDefinition::DEFAULT_PRESHUTDOWN),
        recovery,
        recovery_on_error,
        // Without what it runs there is no service, but all that is wrong is told.
        runs: runs?,
        places,
    })
}

/// A key as it stands in a header: quoted unless it is bare.
fn written_key(name: &str) -> String {
    let bare = |c: char| c.is_ascii_alphanumeric() || matches!(c, '-' | '_');
    if !name.is_empty() && name.chars().all(bare) { name.to_owned() } else { format!("{name:?}") }
}

fn display_name(section: &mut Section<'_>) -> Option<DisplayName> {
    let (text, span) = section.string("display-name", "Shop")?;
    DisplayName::new(text).map_err(|error| section.reader.report(span, error.to_string(), None)).ok()
}

fn description(section: &mut Section<'_>) -> Option<String> {
    let (text, span) = section.string("description", "The web shop")?;
    checked_description(text).map_err(|problem| section.reader.report(span, problem, None)).ok()?;
    Some(text.to_owned())
}

fn dependencies(section: &mut Section<'_>, places: &mut Places) -> Vec<Dependency> {
    let mut dependencies = Vec::new();
    for (text, span) in section.strings("depends-on", r#"["postgresql", "+group"]"#).unwrap_or_default() {
        match Dependency::new(text) {
            Ok(dependency) => {
                dependencies.push(dependency);
                places.dependencies.push(span.into());
            }
            Err(error) => section.reader.report(span, error.to_string(), None),
        }
    }
    dependencies
}

fn account(section: &mut Section<'_>, places: &mut Places) -> Option<String> {
    let (text, span) = section.string("account", "LocalService")?;
    if text.is_empty() {
        section.reader.report(
            span,
            "an account can't be empty",
            Some("leave it out for LocalSystem".to_owned()),
        );
        return None;
    }
    places.account = Some(span.into());
    Some(text.to_owned())
}
