//! What is run, and in which surroundings.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::time::Duration;

use svckit_core::definition::{Program, SecretSource};
use svckit_core::hook::Errand;
use toml::de::DeValue;

use super::section::{Entry, Reader, Section, string, wrong_type};
use crate::definition::Places;

const EXAMPLE: &str = r#"run = ["python3", "app.py"]"#;

/// Reads `run`, `directory`, `environment` and `environment-file`.
pub(super) fn read(section: &mut Section<'_>, header: Entry<'_>, places: &mut Places) -> Option<Program> {
    let directory = match section.string("directory", ".") {
        Some((text, span)) => {
            places.directory = Some(span.clone().into());
            section.reader.absolute(text, span)
        }
        None => section.reader.absolute("", header.key.span()),
    };
    let (environment, secrets) = environment(section, places);
    let environment_files = environment_files(section, places);
    let Some(run) = section.entry("run") else {
        let message = format!("[{}] does not say what to run", section.path());
        let help = format!("write {EXAMPLE}; or binary-path = '…', if the program is a service itself");
        section.reader.report(header.key.span(), message, Some(help));
        return None;
    };
    places.run = run.span().into();
    let command = line(section.reader, run, &directory, EXAMPLE)?;
    Some(Program { command, directory, environment, environment_files, secrets })
}

/// Reads a command; a program with a path is relative to `directory`.
pub(super) fn line(
    reader: &Reader<'_>,
    run: Entry<'_>,
    directory: &Path,
    example: &str,
) -> Option<Vec<String>> {
    let mut command = words(reader, run, example)?;
    let program = command.first().filter(|program| !program.is_empty());
    let Some(program) = program else {
        reader.report(run.span(), "there is nothing to run", Some(format!("write {example}")));
        return None;
    };
    if Path::new(program).components().count() > 1 || program.contains(std::path::is_separator) {
        let path = reader.joined(directory, program, run.span());
        command[0] = path.to_string_lossy().into_owned();
    }
    Some(command)
}

/// Reads a command with its time out of a table: `key` is the command's, and `missing` says that it isn't there.
pub(super) fn errand(
    mut table: Section<'_>,
    key: &'static str,
    directory: &Path,
    example: &str,
    missing: impl FnOnce(&Reader<'_>),
) -> Option<Errand> {
    let timeout = limit(&mut table);
    let (reader, run) = (table.reader, table.entry(key));
    table.finish();
    let Some(run) = run else {
        missing(reader);
        return None;
    };
    let command = line(reader, run, directory, example)?;
    Some(Errand { command, timeout: timeout? })
}

/// How long what a table says to do may take.
pub(super) fn limit(table: &mut Section<'_>) -> Option<Duration> {
    let said = table.duration("timeout", "30s");
    if said.is_none() && table.entry("timeout").is_some() {
        None
    } else {
        Some(said.unwrap_or(Errand::TIMEOUT))
    }
}

fn words(reader: &Reader<'_>, run: Entry<'_>, example: &str) -> Option<Vec<String>> {
    let expected = "a list of strings or one string";
    match run.value.get_ref() {
        DeValue::Array(items) => items
            .iter()
            .map(|value| {
                let entry = Entry { key: run.key, value };
                string(reader, entry, expected, example).map(|(word, _)| word.to_owned())
            })
            .collect(),
        DeValue::String(_) => {
            let (line, span) = string(reader, run, expected, example)?;
            reader
                .platform
                .split(line)
                .map_err(|error| {
                    let help = format!("or write it as a list: {example}");
                    reader.report(span, format!("this command can't be split: {error}"), Some(help));
                })
                .ok()
        }
        _ => {
            wrong_type(reader, run, expected, &format!("write {example}"));
            None
        }
    }
}

/// The variables, and those that are secrets: `{ file = "…" }` in place of a value.
fn environment(
    section: &mut Section<'_>,
    places: &mut Places,
) -> (BTreeMap<String, String>, BTreeMap<String, SecretSource>) {
    let (mut variables, mut secrets) = (BTreeMap::new(), BTreeMap::new());
    let Some(mut table) = section.section("environment") else { return (variables, secrets) };
    for entry in table.entries() {
        let name = entry.name();
        if name.is_empty() || name.contains(['=', '\0']) {
            let help = "a name has at least one character and no =".to_owned();
            table.reader.report(entry.key.span(), format!("{name:?} can't name a variable"), Some(help));
            continue;
        }
        if matches!(entry.value.get_ref(), DeValue::Table(_)) {
            if let Some(source) = secret(&table, entry) {
                secrets.insert(name.to_owned(), source);
                places.environment.insert(name.to_owned(), entry.key.span().into());
            }
            continue;
        }
        let example = match entry.value.get_ref() {
            DeValue::Integer(number) => format!("{name} = \"{number}\""),
            DeValue::Float(number) => format!("{name} = \"{number}\""),
            DeValue::Boolean(value) => format!("{name} = \"{value}\""),
            _ => format!("{name} = \"value\""),
        };
        if let Some((value, _)) = string(table.reader, entry, "a string", &example) {
            variables.insert(name.to_owned(), value.to_owned());
            places.environment.insert(name.to_owned(), entry.key.span().into());
        }
    }
    (variables, secrets)
}

/// Where a secret is.
fn secret(table: &Section<'_>, entry: Entry<'_>) -> Option<SecretSource> {
    const EXAMPLE: &str = "/run/secrets/database";
    let path = format!("{}.{}", table.path(), entry.name());
    let mut source = Section::of(table.reader, path, entry, "write { file = \"…\" }")?;
    let is_said = source.span("file").is_some();
    let file = source.string("file", EXAMPLE);
    let has_more = source.finish();
    match file {
        Some((text, span)) if !text.is_empty() => Some(SecretSource::File(table.reader.absolute(text, span))),
        None if is_said || has_more => None,
        _ => {
            let help = format!("write {{ file = {EXAMPLE:?} }}");
            table.reader.report(entry.key.span(), "it does not say where the secret is", Some(help));
            None
        }
    }
}

fn environment_files(section: &mut Section<'_>, places: &mut Places) -> Vec<PathBuf> {
    let mut files = Vec::new();
    for (file, span) in section.one_or_several("environment-file", r#"".env""#) {
        places.environment_files.push(span.clone().into());
        files.push(section.reader.absolute(file, span));
    }
    files
}
