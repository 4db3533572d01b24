//! `binary-path`: a program that is a service itself, so that no host runs it.

use svckit_core::image_path::ImagePath;

use super::section::Section;
use crate::definition::Places;

const EXAMPLE: &str = r"C:\Shop\shop.exe";

/// The keys that only a host does something with, and what that is.
pub(super) const OF_HOST: &[(&str, &str)] = &[
    ("directory", "sets the working directory"),
    ("environment", "sets variables"),
    ("environment-file", "sets variables"),
    ("restart", "runs the program again"),
    ("stop", "decides how the program is stopped"),
    ("ready", "asks whether the program is ready"),
    ("health", "asks whether the program is alive"),
    ("log", "keeps its output"),
    ("limits", "limits the program"),
    ("controls", "turns controls into something else"),
    ("hooks", "runs commands beside the program"),
    ("schedule", "looks at the clock"),
];

/// Reads `binary-path`, and refuses what would need a host beside it.
pub(super) fn read(section: &mut Section<'_>, places: &mut Places) -> Option<ImagePath> {
    let read = section.string("binary-path", EXAMPLE);
    if let Some(run) = section.entry("run") {
        let help = "\"run\" is for any program, which svckit hosts; \"binary-path\" for one that is a service itself";
        let message = "a service has either \"run\" or \"binary-path\"";
        section.reader.report(run.key.span(), message, Some(help.to_owned()));
    }
    for (key, deed) in OF_HOST {
        let Some(entry) = section.entry(key) else { continue };
        let message = format!(
            "there is no host that {deed}: with \"binary-path\" the service control manager starts the program itself"
        );
        let help = match *key {
            "restart" => format!(
                "the service control manager's own restarts are in [{}.recovery]; or write \"run\" in place of \"binary-path\"",
                section.path()
            ),
            _ => "leave it out; or write \"run\" in place of \"binary-path\", for a program that is no service itself"
                .to_owned(),
        };
        section.reader.report(entry.key.span(), message, Some(help));
    }
    let (text, span) = read?;
    places.run = span.clone().into();
    let path = ImagePath::new(text);
    path.map_err(|error| {
        section.reader.report(span, error.to_string(), Some(format!("write binary-path = '{EXAMPLE}'")))
    })
    .ok()
}
