//! `svc metrics`: what services do and use, for Prometheus.

mod serve;
mod text;

use std::sync::Arc;

use svckit_core::backend::Backend;
use svckit_host::entrance::Entrance;

use crate::app::{self, App, Connect};
use crate::args::Metrics;
use crate::failure::Failure;
use crate::verbs::scm::Place;

pub(crate) fn run(app: &mut App, place: &Place, arguments: &Metrics) -> Result<(), Failure> {
    let Some(address) = &arguments.listen else {
        let text = current(app.backend()?)?;
        write!(app.ui.out(), "{text}")?;
        return Ok(());
    };
    let entrance = Entrance::open(address);
    let entrance = entrance.map_err(|error| Failure::io(format!("cannot listen at {address}"), error))?;
    app.ui.say(format!("metrics are at {}", serve::shown(entrance.address())))?;
    app.ui.finish()?;
    // To look at services is no reason to start a service control manager.
    let place = place.clone();
    serve::all(&entrance, &(Arc::new(move || place.connect_running()) as Connect))
}

/// How everything is. Who can't be told of what is used is told the rest.
fn current(backend: &dyn Backend) -> svckit_core::Result<String> {
    let overview = app::overview(backend, None)?;
    let used = app::usage(backend).map(|(_, used)| used).unwrap_or_default();
    Ok(text::of(Some(&overview.services), &used))
}
