//! Libraries that a program of Windows needs before it begins: without one the system ends it without a word, which looks like a service that doesn't answer.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use svckit_core::executable::Executable;
use svckit_recipe::lint::Severity;
use svckit_recipe::{Hosted, ServiceDefinition};

use super::{Found, executable};
use crate::checks;

/// What names of sets of functions begin with, which no file has.
const SETS: [&str; 2] = ["api-ms-", "ext-ms-"];

/// More libraries than these aren't followed.
const MOST: usize = 512;

/// The libraries that are in none of the folders where the system looks, with those that need them.
pub(super) fn missing(
    (service, hosted): (&ServiceDefinition, &Hosted),
    program: &Path,
    imports: &[String],
) -> Vec<Found> {
    let places = Places::of(hosted, program);
    let wanted_by = |user: &Path, names: &[String]| {
        names.iter().map(|name| (name.to_lowercase(), user.to_owned())).collect::<Vec<_>>()
    };
    let mut wanted = wanted_by(program, imports);
    let (mut seen, mut found) = (HashSet::new(), Vec::new());
    while let Some((name, user)) = wanted.pop() {
        if SETS.iter().any(|set| name.starts_with(set)) || seen.len() > MOST || !seen.insert(name.clone()) {
            continue;
        }
        match places.find(&name) {
            // What the system brings needs nothing that it doesn't bring.
            Some(path) if places.is_of_system(&path) => {}
            Some(path) => {
                if let Some(Executable::Pe { imports, .. }) = executable::read(&path) {
                    wanted.extend(wanted_by(&path, &imports));
                }
            }
            None => found.push(Found {
                severity: Severity::Error,
                rule: "missing-library",
                span: service.places.run,
                message: format!("{} needs {name}, which is nowhere to be found", user.display()),
                help: "put it beside the program, install what brings it, or set PATH in the environment of the definition"
                    .to_owned(),
            }),
        }
    }
    found
}

/// Where the system looks for libraries, in its order.
struct Places {
    system: PathBuf,
    side_by_side: PathBuf,
    folders: Vec<PathBuf>,
}

impl Places {
    fn of(hosted: &Hosted, program: &Path) -> Self {
        let root = std::env::var_os("SystemRoot").map_or_else(|| r"C:\Windows".into(), PathBuf::from);
        let system = root.join("System32");
        let mut folders: Vec<PathBuf> = program.parent().map(Path::to_owned).into_iter().collect();
        folders.extend([system.clone(), root.join("SysWOW64"), root.join("System"), root.clone()]);
        folders.push(hosted.program.directory.clone());
        folders.extend(std::env::split_paths(&checks::search_path(hosted)));
        Self { system, side_by_side: root.join("WinSxS"), folders }
    }

    fn find(&self, name: &str) -> Option<PathBuf> {
        let file = |folder: &Path| Some(folder.join(name)).filter(|path| path.is_file());
        let usual = self.folders.iter().find_map(|folder| file(folder));
        // Some are found by what a program's manifest says.
        usual.or_else(|| {
            let all = std::fs::read_dir(&self.side_by_side).ok()?;
            all.flatten().find_map(|folder| file(&folder.path()))
        })
    }

    fn is_of_system(&self, path: &Path) -> bool {
        path.starts_with(&self.system) || path.starts_with(&self.side_by_side)
    }
}
