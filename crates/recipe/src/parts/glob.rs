//! Paths with wildcards, as `develop` may have them.

use std::path::{Component, Path, PathBuf};

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

/// Whether there are wildcards.
pub(super) fn is_pattern(text: &str) -> bool {
    text.contains(['*', '?', '['])
}

fn matching(folder: &Path, pattern: &str, machine: &dyn Machine) -> Vec<PathBuf> {
    if machine.kind(folder) != Some(Kind::Folder) {
        return Vec::new();
    }
    let mut names = machine.names(folder).unwrap_or_default();
    names.retain(|name| pattern.starts_with('.') == name.starts_with('.') && matches(pattern, name));
    names.sort();
    names.dedup();
    names.into_iter().map(|name| folder.join(name)).collect()
}

/// Whether a name is one that a pattern stands for.
pub(super) fn matches(pattern: &str, name: &str) -> bool {
    let (mut pattern, mut name) = (pattern, name);
    // What follows the last star, and what of the name it hasn't taken. Those before it never need to take more.
    let mut star: Option<(&str, &str)> = None;
    loop {
        if let Some(rest) = pattern.strip_prefix('*') {
            star = Some((rest, name));
            pattern = rest;
        } else if pattern.is_empty() && name.is_empty() {
            return true;
        } else if let Some(rests) = one(pattern, name) {
            (pattern, name) = rests;
        } else {
            let Some((after, left)) = star else { return false };
            let mut left = left.chars();
            if left.next().is_none() {
                return false;
            }
            (pattern, name) = (after, left.as_str());
            star = Some((after, name));
        }
    }
}

/// What follows in pattern and name if both begin with the same character.
fn one<'a>(pattern: &'a str, name: &'a str) -> Option<(&'a str, &'a str)> {
    let (mut rest, mut name) = (pattern.chars(), name.chars());
    let (c, first) = (rest.next()?, name.next()?);
    if c == '['
        && let Some((is_in, rest)) = set(rest.as_str(), first)
    {
        return is_in.then_some((rest, name.as_str()));
    }
    (c == '?' || c == first).then_some((rest.as_str(), name.as_str()))
}

/// Whether a character is in the set that begins after `[`, and what follows the set; `None` if it never ends.
fn set(text: &str, c: char) -> Option<(bool, &str)> {
    let (is_negated, text) = text.strip_prefix('!').map_or((false, text), |text| (true, text));
    // A bracket right at the beginning is in the set.
    let first = text.chars().next()?.len_utf8();
    let end = first + text[first..].find(']')?;
    let members: Vec<char> = text[..end].chars().collect();
    let mut is_in = false;
    let mut at = 0;
    while at < members.len() {
        let (low, high, length) = match members[at..] {
            [low, '-', high, ..] => (low, high, 3),
            _ => (members[at], members[at], 1),
        };
        is_in |= (low..=high).contains(&c);
        at += length;
    }
    Some((is_in != is_negated, &text[end + 1..]))
}
