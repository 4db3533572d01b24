//! `svc list` and `svc status`.

use std::collections::HashSet;

use svckit_core::name::{ServiceName, fold};
use svckit_core::native::Listed;
use svckit_core::status::StateFilter;

use crate::app::{App, all_named};
use crate::args::{List, Status};
use crate::failure::Failure;
use crate::report::{self, StatusJson};
use crate::table::{self, Cell};
use crate::ui::state_style;

/// Every service in a line.
pub(crate) fn list(app: &mut App, arguments: &List) -> Result<(), Failure> {
    let filter = if arguments.active { StateFilter::ACTIVE } else { StateFilter::ALL };
    if app.ui.json {
        let mut reports = report::all(app, filter)?;
        if let Some(is_named) = named(app, arguments)? {
            reports.retain(|report| is_named(&report.name));
        }
        let all: Vec<_> = reports.iter().map(StatusJson::of).collect();
        return app.ui.print_json(&all);
    }
    let mut services = report::listed(app, filter)?;
    if let Some(is_named) = named(app, arguments)? {
        services.retain(|listed| is_named(listed.service.as_str()));
    }
    if services.is_empty() {
        return app.ui.say("no services");
    }
    let rows: Vec<_> = services.iter().map(line).collect();
    table::print(&mut app.ui, &["NAME", "STATE", "PID", "DISPLAY NAME"], &rows)
}

fn line(listed: &Listed) -> [Cell<'_>; 4] {
    [
        Cell::plain(listed.service.as_str()),
        Cell::styled(listed.state.to_string(), state_style(listed.state)),
        Cell::plain(listed.pid.map_or_else(String::new, |pid| pid.to_string())),
        Cell::plain(listed.display_name()),
    ]
}

/// Whether a name is one of those that are asked for; nothing if all are.
fn named(app: &mut App, arguments: &List) -> Result<Option<impl Fn(&str) -> bool + use<>>, Failure> {
    if arguments.services.is_empty() {
        return Ok(None);
    }
    let names: HashSet<String> =
        all_named(app, &arguments.services)?.iter().map(ServiceName::folded).collect();
    Ok(Some(move |name: &str| names.contains(&fold(name))))
}

/// What services do.
pub(crate) fn status(app: &mut App, arguments: &Status) -> Result<(), Failure> {
    if arguments.services.is_empty() {
        let reports = report::all(app, StateFilter::ALL)?;
        if reports.is_empty() && !app.ui.json {
            return app.ui.say("no services");
        }
        return report::print(&mut app.ui, &reports);
    }
    let names = all_named(app, &arguments.services)?;
    let (reports, first_error) = report::some(app, &names);
    if !reports.is_empty() || app.ui.json && first_error.is_ok() {
        report::print(&mut app.ui, &reports)?;
    }
    first_error
}
