//! `svc debug`: the service in this console, without a service control manager.

use std::path::Path;

use svckit_recipe::{Definition, ServiceDefinition};

use crate::app::App;
use crate::args::Debug;
use crate::checks;
use crate::definitions;
use crate::failure::Failure;
use crate::table::printable;
use crate::ui::level_style;

/// Runs the program with its output passing through, under its own restart policy and stop ladder.
pub(crate) fn run(app: &mut App, arguments: &Debug) -> Result<u32, Failure> {
    let mut definition = definitions::read(&arguments.definition.definition)?;
    checks::on_this_machine(&mut definition)?;
    let service = chosen(&definition, arguments.service.as_deref())?;
    // The output passes through: the log of the definition is not written.
    let Some(host) = service.host(Path::new(""), definition.source.file()) else {
        let message = format!(
            "{} can't run in a console: its program is a service itself, which only a service control manager can start",
            service.name
        );
        return Err(Failure::usage(message).hint("svc up starts it"));
    };
    app.ui.finish()?;
    let quiet = app.ui.detail == crate::ui::Detail::Quiet;
    let ended = svckit_host::debug::run(&host, &service.name, &mut |event| {
        if !quiet {
            let message = app.ui.err_paint(level_style(event.level), &printable(&event.message));
            // A console that takes no more lines is no reason to end the program.
            let _ = writeln!(app.ui.err(), "svc: {message}");
        }
    });
    let code = ended.map_err(|error| Failure::io(format!("cannot run {}", service.name), error))?;
    Ok(u8::try_from(code).unwrap_or(u8::MAX).into())
}

fn chosen<'a>(definition: &'a Definition, name: Option<&str>) -> Result<&'a ServiceDefinition, Failure> {
    let names = || {
        let all: Vec<_> = definition.services.iter().map(|service| service.name.to_string()).collect();
        all.join(", ")
    };
    match (name, &definition.services[..]) {
        (None, [only]) => Ok(only),
        (None, _) => {
            Err(Failure::usage("the file defines several services").hint(format!("name one of {}", names())))
        }
        (Some(name), all) => {
            let folded = svckit_core::name::fold(name);
            all.iter().find(|service| service.name.folded() == folded).ok_or_else(|| {
                Failure::usage(format!("the file defines no service {name:?}"))
                    .hint(format!("name one of {}", names()))
            })
        }
    }
}
