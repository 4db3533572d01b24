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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::parts::machine::Pretended;

    fn linked(paths: &str) -> Result<Vec<String>, String> {
        let machine = Pretended::new([
            ("/s/demo1/setup.py", "setup(name = 'demo1')"),
            ("/s/demo2/setup.py", "setup(name = 'demo2', install_requires='demo1')"),
            ("/s/src/other/setup.py", "setup(name='demo1')"),
            ("/s/empty/x", ""),
        ]);
        let links = links(paths, Path::new("/s"), Path::new("/s/eggs"), &machine);
        let shown = |link: Link| format!("{} {:?}", link.path.display(), link.content);
        links.map(|links| links.into_iter().map(shown).collect()).map_err(|error| error.to_string())
    }

    #[test]
    fn each_project_has_a_link() {
        let both = ["/s/eggs/demo1.egg-link \"/s/demo1\\n.\"", "/s/eggs/demo2.egg-link \"/s/demo2\\n.\""];
        assert_eq!(linked("demo1 demo2").unwrap(), both);
        assert_eq!(linked("demo?\n/s/demo2/setup.py").unwrap(), both);
        assert!(linked("").unwrap().is_empty());
    }

    #[test]
    fn what_is_no_project_is_named() {
        let nothing = |path: &str| {
            Err(format!("nothing can be developed at {path}: it has no setup.py and no pyproject.toml"))
        };
        assert_eq!(linked("demo1 missing"), nothing("/s/missing"));
        assert_eq!(linked("empty"), nothing("/s/empty"));
        assert_eq!(linked("none*"), nothing("/s/none*"));
        assert_eq!(
            linked("demo1 src/*"),
            Err("the projects in /s/demo1 and /s/src/other have the same name".to_owned())
        );
    }
}
