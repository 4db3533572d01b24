//! `svc lint`: what is wrong with definitions, and what is probably not meant.

use std::path::{Path, PathBuf};

use anstyle::AnsiColor;
use serde::Serialize;
use svckit_core::name::ServiceName;
use svckit_core::sort;
use svckit_recipe::Definition;
use svckit_recipe::lint::{Finding, Severity};

use crate::accounts;
use crate::app::App;
use crate::args::Lint;
use crate::checks;
use crate::definitions;
use crate::failure::{Failure, Status, print_diagnostic};
use crate::machine;
use crate::several::each;

/// Tells everything that is found in each definition; no service control manager is asked.
pub(crate) fn run(app: &mut App, arguments: &Lint) -> Result<(), Failure> {
    let mut all = Vec::new();
    let is_one = arguments.definitions.len() == 1;
    let outcome = each(app, &arguments.definitions, is_one, |app, file| {
        let found = findings(app, file)?;
        if !app.ui.json {
            print(app, file, &found)?;
        }
        all.extend(found);
        Ok(())
    })?;
    if app.ui.json && outcome.is_worth_showing() {
        let told: Vec<_> = all.iter().map(FindingJson::of).collect();
        app.ui.print_json(&told)?;
    }
    outcome.end?;
    let least = if arguments.strict { Severity::Warning } else { Severity::Error };
    if all.iter().any(|finding| finding.severity >= least) {
        Err(Failure::Told(Status::Usage))
    } else {
        Ok(())
    }
}

/// Everything that is found in a definition. One that can't be read has its mistakes only.
pub(crate) fn findings(app: &App, file: &Path) -> Result<Vec<Finding>, Failure> {
    let definition = match definitions::read(file) {
        Ok(definition) => definition,
        Err(Failure::Definition(wrong)) => {
            let mistake = |diagnostic: &svckit_recipe::Diagnostic| Finding {
                severity: Severity::Error,
                rule: "definition",
                service: None,
                diagnostic: diagnostic.clone(),
            };
            return Ok(wrong.iter().map(mistake).collect());
        }
        Err(other) => return Err(other),
    };
    Ok(all_findings(app, definition, false))
}

/// What is found in a definition that could be read, in the order of its lines.
pub(crate) fn all_findings(app: &App, mut definition: Definition, is_installed: bool) -> Vec<Finding> {
    let mut found = svckit_recipe::lint::lint(&definition, app.surroundings.platform);
    // Of another machine nothing is known here.
    if !app.surroundings.is_elsewhere {
        let words = first_words(&definition);
        found.extend(checks::complete(&mut definition));
        found.extend(machine::lint(&definition, &words));
        found.extend(accounts::lint(app, &definition, is_installed));
    }
    sort::by_key(&mut found, |finding| {
        finding.diagnostic.place.as_ref().map(|place| (place.line, place.column))
    });
    found
}

/// The programs that are hosted as the definition has them, before they are looked up.
fn first_words(definition: &Definition) -> Vec<String> {
    let hosted = definition.services.iter().map(svckit_recipe::ServiceDefinition::hosted);
    hosted.map(|hosted| hosted.map_or_else(String::new, |hosted| hosted.program.command[0].clone())).collect()
}

fn print(app: &mut App, file: &Path, found: &[Finding]) -> Result<(), Failure> {
    for finding in found {
        let colour = if finding.severity == Severity::Error { AnsiColor::Red } else { AnsiColor::Yellow };
        let heading = format!("{}[{}]:", finding.severity.word(), finding.rule);
        let heading = app.ui.err_paint(colour.on_default().bold(), &heading);
        print_diagnostic(&mut app.ui, &heading, &finding.diagnostic)?;
    }
    let count = |severity| found.iter().filter(|finding| finding.severity == severity).count();
    let counted = |number: usize, one: &str| match number {
        0 => None,
        1 => Some(format!("1 {one}")),
        _ => Some(format!("{number} {one}s")),
    };
    let counts: Vec<_> =
        [counted(count(Severity::Error), "error"), counted(count(Severity::Warning), "warning")]
            .into_iter()
            .flatten()
            .collect();
    let summary = if counts.is_empty() { "nothing to say".to_owned() } else { counts.join(", ") };
    app.ui.say(format!("{}: {summary}", file.display()))
}

/// A finding as JSON.
#[derive(Serialize)]
struct FindingJson<'a> {
    severity: &'static str,
    rule: &'static str,
    service: Option<&'a str>,
    file: &'a PathBuf,
    line: Option<usize>,
    column: Option<usize>,
    message: &'a str,
    help: Option<&'a str>,
}

impl<'a> FindingJson<'a> {
    fn of(finding: &'a Finding) -> Self {
        let diagnostic = &finding.diagnostic;
        Self {
            severity: finding.severity.word(),
            rule: finding.rule,
            service: finding.service.as_ref().map(ServiceName::as_str),
            file: &diagnostic.file,
            line: diagnostic.place.as_ref().map(|place| place.line),
            column: diagnostic.place.as_ref().map(|place| place.column),
            message: &diagnostic.message,
            help: diagnostic.help.as_deref(),
        }
    }
}
