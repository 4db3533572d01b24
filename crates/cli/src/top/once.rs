//! What `svc top` would show, printed.

use std::collections::HashMap;

use serde::Serialize;
use svckit_core::name::ServiceName;
use svckit_core::native::ServiceUsage;
use svckit_core::status::StateFilter;
use svckit_core::usage::Usage;

use crate::app::{self, App};
use crate::failure::Failure;
use crate::report::{self, ServiceReport, StatusJson};
use crate::table::{self, Cell};
use crate::times;
use crate::top::view::bytes;
use crate::ui::{state_style, trouble_style};

/// A service as an element of the array.
#[derive(Serialize)]
struct OnceJson<'a> {
    #[serde(flatten)]
    status: StatusJson<'a>,
    usage: Option<UsageJson>,
}

/// What a service uses.
#[derive(Serialize)]
struct UsageJson {
    program: Option<AmountJson>,
    host: Option<AmountJson>,
}

#[derive(Serialize)]
struct AmountJson {
    cpu_ms: u64,
    memory_bytes: u64,
    processes: u32,
}

impl AmountJson {
    fn of(usage: Usage) -> Self {
        Self {
            cpu_ms: u64::try_from(usage.cpu.as_millis()).unwrap_or(u64::MAX),
            memory_bytes: usage.memory,
            processes: usage.processes,
        }
    }
}

/// Prints services with what they use, all of them if `only` is empty.
pub(super) fn print(app: &mut App, only: &[ServiceName]) -> Result<(), Failure> {
    let (reports, end) = match only {
        [] => (report::all(app, StateFilter::ALL)?, Ok(())),
        only => report::some(app, only),
    };
    let (_, usages) = app::usage(app.backend()?)?;
    let usages: HashMap<String, ServiceUsage> =
        usages.into_iter().map(|usage| (usage.service.folded(), usage)).collect();
    let all: Vec<_> =
        reports.iter().map(|report| (report, usages.get(&svckit_core::name::fold(&report.name)))).collect();
    if app.ui.json {
        let all: Vec<_> = all.into_iter().map(|(report, usage)| json(report, usage)).collect();
        app.ui.print_json(&all)?;
        return end;
    }
    if all.is_empty() && end.is_ok() {
        return app.ui.say("no services");
    }
    let rows: Vec<_> = all.into_iter().map(|(report, usage)| row(report, usage)).collect();
    let headings = ["NAME", "STATE", "READY", "CPU TIME", "MEMORY", "RESTARTS", "PID", "DETAIL"];
    table::print(&mut app.ui, &headings, &rows)?;
    end
}

fn json<'a>(report: &'a ServiceReport, usage: Option<&ServiceUsage>) -> OnceJson<'a> {
    let usage = usage.map(|usage| UsageJson {
        program: usage.program.map(AmountJson::of),
        host: usage.host.map(AmountJson::of),
    });
    OnceJson { status: StatusJson::of(report), usage }
}

fn row<'a>(report: &'a ServiceReport, usage: Option<&ServiceUsage>) -> Vec<Cell<'a>> {
    let state = report.status.state;
    let host = report.host.as_ref().map(|host| &host.state);
    let program = usage.and_then(|usage| usage.program);
    let restarts = host.map_or(0, |host| host.restarts);
    let trouble = if report::is_trouble(report) { trouble_style() } else { anstyle::Style::new() };
    vec![
        Cell::plain(&report.name),
        Cell::styled(state.to_string(), state_style(state)),
        Cell::plain(if host.is_some_and(|host| host.ready) { "yes" } else { "" }),
        Cell::plain(program.map_or_else(String::new, |usage| times::span(usage.cpu))),
        Cell::plain(program.map_or_else(String::new, |usage| bytes(usage.memory))),
        Cell::plain(if restarts == 0 { String::new() } else { restarts.to_string() }),
        Cell::plain(report.pid().map_or_else(String::new, |pid| pid.to_string())),
        Cell::styled(report::detail(report), trouble),
    ]
}
