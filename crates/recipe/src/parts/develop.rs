//! Projects that are developed: a link in the folder of eggs for each.

use std::path::{Path, PathBuf};

use super::glob;
use super::machine::{Kind, Machine};
use super::project::{Project, ProjectError};

/// A link to a project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Link {
    /// The project's folder.
    pub(super) project: PathBuf,
    /// The link.
    pub(super) path: PathBuf,
    /// What is in it.
    pub(super) content: String,
}

/// The links to the projects that `paths` lead to, which may have wildcards and may name a project's `setup.py`.
pub(super) fn links(
    paths: &str,
    directory: &Path,
    eggs: &Path,
    machine: &dyn Machine,
) -> Result<Vec<Link>, ProjectError> {
    let mut links: Vec<Link> = Vec::new();
    for pattern in paths.split_whitespace() {
        let found = glob::expand(directory, pattern, machine);
        if found.is_empty() {
            return Err(ProjectError::NoProject(directory.join(pattern)));
        }
        for path in found {
            let is_script = machine.kind(&path) == Some(Kind::File) && path.ends_with("setup.py");
            let project = if is_script { path.parent().unwrap_or(&path).to_owned() } else { path };
            let link = link(project, eggs, machine)?;
            match links.iter().find(|other| other.path == link.path) {
                Some(other) if other.project == link.project => {}
                Some(other) => {
                    let (one, other) = (other.project.clone(), link.project);
                    return Err(ProjectError::SameName { one, other });
                }
                None => links.push(link),
            }
        }
    }
    Ok(links)
}

fn link(project: PathBuf, eggs: &Path, machine: &dyn Machine) -> Result<Link, ProjectError> {
    let found = Project::read(&project, machine)?;
    let path = eggs.join(format!("{}.egg-link", found.name));
    Ok(Link { content: found.link(&project), path, project })
}
