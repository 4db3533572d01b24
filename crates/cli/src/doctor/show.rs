//! Findings for people and as JSON: `docs/reference/json.md`.

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use svckit_core::name::ServiceName;
use svckit_recipe::doctor::{Finding, why};
use svckit_recipe::lint::Severity;

use crate::app::App;
use crate::explain;
use crate::failure::Failure;
use crate::table::printable;
use crate::ui::{Detail, heading_style};

/// What was found about one thing.
pub(crate) struct Section {
    pub(super) heading: String,
    pub(super) findings: Vec<Finding>,
}

impl Section {
    /// Adds what is known of the codes.
    pub(super) fn new(heading: &str, mut findings: Vec<Finding>) -> Self {
        for finding in &mut findings {
            let causes = finding.about.map(explain::causes).unwrap_or_default();
            finding.causes.extend(causes.iter().map(|cause| (*cause).to_owned()));
        }
        Self { heading: heading.to_owned(), findings }
    }
}

/// Prints all of them; a section without findings only if it was asked for.
pub(super) fn show(app: &mut App, sections: &[Section], asked: bool) -> Result<(), Failure> {
    let all = sections.iter().flat_map(|section| &section.findings);
    if app.ui.json {
        let all: Vec<_> = all.map(FindingJson::of).collect();
        return app.ui.print_json(&all);
    }
    for section in sections {
        if section.findings.is_empty() && !(asked || app.ui.detail == Detail::Verbose) {
            continue;
        }
        let heading = app.ui.paint(heading_style(), &printable(&section.heading));
        writeln!(app.ui.out(), "{heading}")?;
        for finding in &section.findings {
            print(app, finding)?;
        }
    }
    app.ui.say(counted(&all.collect::<Vec<_>>()))
}

/// `1 error, 2 warnings`.
fn counted(all: &[&Finding]) -> String {
    let count = |severity: Severity| {
        let number = all.iter().filter(|finding| finding.severity == severity).count();
        let word = severity.word();
        (number > 0).then(|| if number == 1 { format!("1 {word}") } else { format!("{number} {word}s") })
    };
    let counts: Vec<_> =
        [Severity::Error, Severity::Warning, Severity::Hint].into_iter().filter_map(count).collect();
    if counts.is_empty() { "nothing to say".to_owned() } else { counts.join(", ") }
}

fn print(app: &mut App, finding: &Finding) -> Result<(), Failure> {
    let colour = match finding.severity {
        Severity::Error => AnsiColor::Red,
        Severity::Warning => AnsiColor::Yellow,
        Severity::Hint => AnsiColor::Cyan,
    };
    let heading = format!("{}[{}]:", finding.severity.word(), finding.rule);
    let heading = app.ui.paint(colour.on_default().bold(), &heading);
    writeln!(app.ui.out(), "{heading} {}", printable(&finding.message))?;
    let mut lines = vec![("at", finding.place.as_deref()), ("why", why(finding.rule))];
    lines.extend(finding.causes.iter().map(|cause| ("cause?", Some(cause.as_str()))));
    lines.push(("do", finding.help.as_deref()));
    for (label, text) in lines {
        let Some(text) = text else { continue };
        let label = app.ui.paint(Style::new().dimmed(), &format!("{label}:"));
        writeln!(app.ui.out(), "  {label} {}", printable(text))?;
    }
    for note in &finding.notes {
        let bar = app.ui.paint(Style::new().dimmed(), "|");
        writeln!(app.ui.out(), "  {bar} {}", printable(note))?;
    }
    Ok(())
}

/// A finding as JSON.
#[derive(Serialize)]
struct FindingJson<'a> {
    severity: &'static str,
    rule: &'static str,
    service: Option<&'a str>,
    at: Option<&'a str>,
    message: &'a str,
    why: Option<&'static str>,
    causes: &'a [String],
    help: Option<&'a str>,
    notes: &'a [String],
}

impl<'a> FindingJson<'a> {
    fn of(finding: &'a Finding) -> Self {
        Self {
            severity: finding.severity.word(),
            rule: finding.rule,
            service: finding.service.as_ref().map(ServiceName::as_str),
            at: finding.place.as_deref(),
            message: &finding.message,
            why: why(finding.rule),
            causes: &finding.causes,
            help: finding.help.as_deref(),
            notes: &finding.notes,
        }
    }
}
