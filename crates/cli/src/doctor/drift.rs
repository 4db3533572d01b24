//! How the files that services came from differ from what is installed.

use std::collections::HashMap;
use std::path::{Path, PathBuf};

use svckit_core::native::Configured;
use svckit_recipe::doctor::Drift;

use crate::app::{App, Home};
use crate::args;
use crate::desired::Desired;
use crate::failure::Failure;

/// Where a service's host is: told by another rule.
const HOST: &str = "image_path";

/// What was found of files; each is read once.
pub(super) struct Drifts {
    state: PathBuf,
    /// Where services are installed, if that is known.
    home: Option<Home>,
    read: HashMap<PathBuf, Result<Desired, Option<String>>>,
}

impl Drifts {
    pub(super) fn new(state: PathBuf, home: Option<Home>) -> Self {
        Self { state, home, read: HashMap::new() }
    }

    /// The directory for what belongs to no definition.
    pub(super) fn state(&self) -> &Path {
        &self.state
    }

    pub(super) fn of(&mut self, app: &mut App, configured: &Configured) -> Drift {
        let Some(file) = configured.definition.as_ref().and_then(|host| host.source.clone()) else {
            return Drift::None;
        };
        if app.surroundings.is_elsewhere {
            // The file is on the machine where the services are.
            return Drift::None;
        }
        if let Ok(false) = file.try_exists() {
            return Drift::Gone(file);
        }
        let home = &self.home;
        let desired = self.read.entry(file.clone()).or_insert_with(|| read(app, &file, home.clone()));
        let desired = match desired {
            Ok(desired) => desired,
            Err(Some(mistake)) => return Drift::Wrong(file, mistake.clone()),
            Err(None) => return Drift::None,
        };
        let index = desired.wanted.iter().position(|wanted| wanted.service.name == configured.service);
        let Some(index) = index else { return Drift::Undefined(file) };
        let lines =
            desired.fields(index).into_iter().filter(|field| !field.is(HOST)).map(|field| field.line(false));
        let lines: Vec<_> = lines.collect();
        if lines.is_empty() { Drift::None } else { Drift::Fields(file, lines) }
    }
}

/// What a file says, or its first mistake; nothing is known of one that can't be read, or of several parts of which one is meant.
fn read(app: &mut App, file: &Path, home: Option<Home>) -> Result<Desired, Option<String>> {
    let home = home.ok_or(None)?;
    let arguments = args::Desired { definitions: vec![file.to_owned()], prune: false };
    Desired::read(app, &arguments, home, false).map_err(|failure| match failure {
        Failure::Definition(wrong) => wrong.iter().next().map(|first| first.message.clone()),
        _ => None,
    })
}
