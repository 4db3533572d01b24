//! Paths with wildcards, as `develop` may have them.

use std::path::{Component, Path, PathBuf};

use svckit_core::pattern::{Pattern, is_pattern};
use svckit_core::sort;

use super::machine::{Kind, Machine};

/// The paths that a pattern stands for, below `folder` unless it is absolute, in order of their names. One without wildcards is itself, whether or not
/// something is there.
pub(super) fn expand(folder: &Path, pattern: &str, machine: &dyn Machine) -> Vec<PathBuf> {
    let whole = plain(&folder.join(pattern));
    if !is_pattern(pattern) || machine.kind(&whole).is_some() {
        return vec![whole];
    }
    let start = if Path::new(pattern).is_absolute() { PathBuf::new() } else { plain(folder) };
    let mut paths = vec![start];
    for component in Path::new(pattern).components() {
        let name = component.as_os_str().to_string_lossy();
        paths = match component {
            Component::CurDir => paths,
            Component::Normal(_) if is_pattern(&name) => {
                paths.iter().flat_map(|path| matching(path, &name, machine)).collect()
            }
            other => paths.iter().map(|path| path.join(other)).collect(),
        };
    }
    paths.retain(|path| machine.kind(path).is_some());
    paths
}

/// A path without what means nothing in it, such as a separator at its end.
pub(super) fn plain(path: &Path) -> PathBuf {
    path.components().filter(|component| *component != Component::CurDir).collect()
}

fn matching(folder: &Path, pattern: &str, machine: &dyn Machine) -> Vec<PathBuf> {
    if machine.kind(folder) != Some(Kind::Folder) {
        return Vec::new();
    }
    let mut names = machine.names(folder).unwrap_or_default();
    let alike = Pattern::new(pattern);
    names.retain(|name| pattern.starts_with('.') == name.starts_with('.') && alike.matches(name));
    sort::by(&mut names, Ord::cmp);
    names.dedup();
    names.into_iter().map(|name| folder.join(name)).collect()
}
