//! `svc import`: the definition of what another tool's file says.

use std::fs::{self, File};
use std::io::{self, Write};
use std::path::Path;

use anstyle::AnsiColor;
use serde::Serialize;
use svckit_recipe::import::{self, Kind};
use svckit_recipe::toml;

use crate::app::App;
use crate::args::Import;
use crate::failure::{DiagnosticReport, Failure, Status, print_diagnostic};

/// Prints or writes the definition, and tells what of the file is not in it.
pub(crate) fn run(app: &mut App, arguments: &Import) -> Result<(), Failure> {
    let platform = app.surroundings.platform;
    let import = import::load(&arguments.file, arguments.from, platform)?;
    let text = toml::write(&import.services, platform)
        .map_err(|error| Failure::Other { message: error.to_string(), status: Status::Failure })?;
    if let Some(output) = &arguments.output {
        write(output, &text, arguments.force)?;
    }
    if app.ui.json {
        return app.ui.print_json(&ImportJson {
            from: word(import.kind),
            toml: &text,
            file: arguments.output.as_deref(),
            remarks: import.remarks.iter().map(DiagnosticReport::of).collect(),
        });
    }
    for remark in &import.remarks {
        let heading = app.ui.err_paint(AnsiColor::Yellow.on_default().bold(), "warning:");
        print_diagnostic(&mut app.ui, &heading, remark)?;
    }
    match &arguments.output {
        Some(output) => {
            let count = import.services.len();
            let what = if count == 1 { "1 service".to_owned() } else { format!("{count} services") };
            app.ui.say(format!("wrote {what} to {}", output.display()))
        }
        None => Ok(app.ui.out().write_all(text.as_bytes())?),
    }
}

/// Writes a file that is not there yet, or with `force` in place of the one that is; no half of one is left.
fn write(path: &Path, text: &str, force: bool) -> Result<(), Failure> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    if force {
        name.push(".new");
    }
    let new = path.with_file_name(name);
    let failed = |error| Failure::io(format!("cannot write {}", new.display()), error);
    let mut file = match File::create_new(&new) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
            let hint = if force { "remove it, if nobody needs it" } else { "--force writes over it" };
            return Err(Failure::usage(format!("{} is there already", new.display())).hint(hint));
        }
        Err(error) => return Err(failed(error)),
    };
    let written = file.write_all(text.as_bytes()).and_then(|()| file.sync_all());
    drop(file);
    let done = written.and_then(|()| if force { fs::rename(&new, path) } else { Ok(()) });
    done.map_err(|error| {
        // The error before is the one that tells why.
        let _ = fs::remove_file(&new);
        failed(error)
    })
}

fn word(kind: Kind) -> &'static str {
    Kind::NAMED.iter().find(|(_, named)| *named == kind).map_or("", |(word, _)| word)
}

/// What was read, as JSON.
#[derive(Serialize)]
struct ImportJson<'a> {
    from: &'static str,
    toml: &'a str,
    /// Where it was written to.
    file: Option<&'a Path>,
    remarks: Vec<DiagnosticReport<'a>>,
}
