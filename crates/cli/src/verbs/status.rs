//! `svc list` and `svc status`.

use std::collections::HashSet;

use svckit_core::name::{ServiceName, fold};
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
    let mut reports = report::all(app, filter)?;
    if !arguments.services.is_empty() {
        let names: HashSet<String> =
            all_named(app, &arguments.services)?.iter().map(ServiceName::folded).collect();
        reports.retain(|report| names.contains(&fold(&report.name)));
    }
    if app.ui.json {
        let all: Vec<_> = reports.iter().map(StatusJson::of).collect();
        return app.ui.print_json(&all);
    }
    if reports.is_empty() {
        return app.ui.say("no services");
    }
    let row = |report: &report::ServiceReport| {
        vec![
            Cell::plain(&report.name),
            Cell::styled(report.status.state.to_string(), state_style(report.status.state)),
            Cell::plain(report.pid().map_or_else(String::new, |pid| pid.to_string())),
            Cell::plain(&report.display_name),
        ]
    };
    let rows: Vec<_> = reports.iter().map(row).collect();
    table::print(&mut app.ui, &["NAME", "STATE", "PID", "DISPLAY NAME"], &rows)
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
