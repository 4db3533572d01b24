//! The keys of `[service.NAME]` about a program that svckit hosts.

use std::path::PathBuf;

use super::controls::{self, Controls};
use super::section::{Entry, Section};
use super::{command, health, hooks, limits, log, ready, restart, schedule, stop};
use crate::definition::{Hosted, Places};

/// Reads all of them; `None` when what is run is wrong, which is then reported.
pub(super) fn read(section: &mut Section<'_>, header: Entry<'_>, places: &mut Places) -> Option<Hosted> {
    let program = command::read(section, header, places);
    let directory = program.as_ref().map_or_else(PathBuf::new, |program| program.directory.clone());
    for (key, place) in [
        ("restart", &mut places.restart),
        ("stop", &mut places.stop),
        ("limits", &mut places.limits),
        ("log", &mut places.log),
        ("hooks", &mut places.hooks),
    ] {
        *place = section.span(key);
    }
    let restart = section.section("restart").map(restart::read).unwrap_or_default();
    let (stop, tree) = match section.section("stop") {
        Some(section) => stop::read(section, &directory),
        None => (section.reader.platform.stop(), Default::default()),
    };
    let ready = section.section("ready").and_then(|section| ready::read(section, &directory, places));
    let health = section.section("health").and_then(|section| health::read(section, &directory, places));
    let log = section.section("log").map(log::read).unwrap_or_default();
    let limits = section.section("limits").map(limits::read).unwrap_or_default();
    let acts = section.section("controls").map(|acts| controls::read(acts, &directory, places));
    let Controls { controls, system_events } = acts.unwrap_or_default();
    let schedule = section.section("schedule").map(schedule::read).unwrap_or_default();
    let hooks = section.section("hooks").map(|section| hooks::read(section, &directory)).unwrap_or_default();
    Some(Hosted {
        program: program?,
        restart,
        stop,
        tree,
        limits,
        ready,
        health,
        log,
        controls,
        system_events,
        hooks,
        schedule,
    })
}
