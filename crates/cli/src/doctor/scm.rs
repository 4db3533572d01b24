//! The service control manager itself, and the disks that it and services write to.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use svckit_core::native::Configured;
use svckit_recipe::doctor::{Disk, OtherVersion, ScmFacts, diagnose_scm};

use super::show::Section;
use crate::app::App;
use crate::builtin;

/// What is found about it, if something is; of disks those count that these services write to.
pub(super) fn look<'a>(
    app: &mut App,
    state: &Path,
    services: impl Iterator<Item = &'a Configured>,
) -> Option<Section> {
    // That of Windows tells nothing of itself, and has no state directory.
    let status = app.scm_status().ok();
    let own = env!("CARGO_PKG_VERSION");
    let other_version = status.as_ref().filter(|status| status.version != own).map(|status| OtherVersion {
        running: status.version.clone(),
        pid: status.pid,
        own: own.to_owned(),
    });
    // Of another machine neither is here.
    let is_here = !app.surroundings.is_elsewhere;
    let status = status.filter(|_| is_here);
    let open_directory = status.and_then(|status| builtin::open_directory(&status.directory));
    let disks = if is_here { disks(app, state, services) } else { Vec::new() };
    let facts = ScmFacts { open_directory, other_version, disks };
    let found = diagnose_scm(&facts);
    (!found.is_empty()).then(|| Section::new("the service control manager", found))
}

/// Each disk once. One that can't be asked is none.
fn disks<'a>(app: &App, state: &Path, services: impl Iterator<Item = &'a Configured>) -> Vec<Disk> {
    let mut disks = BTreeMap::new();
    if let Ok((name, space)) = (app.surroundings.space)(state) {
        disks.insert(name, Disk { space, state: Some(state.to_owned()), logs: Vec::new() });
    }
    let logs = services.filter_map(|one| one.definition.as_ref()).flat_map(|host| host.log.files());
    let folders = logs.filter_map(|file| file.parent().map(PathBuf::from));
    for folder in folders.filter(|folder| !folder.starts_with(state)) {
        let Ok((name, space)) = (app.surroundings.space)(&folder) else { continue };
        let disk = disks.entry(name).or_insert_with(|| Disk { space, state: None, logs: Vec::new() });
        if !disk.logs.contains(&folder) {
            disk.logs.push(folder);
        }
    }
    disks.into_values().collect()
}
