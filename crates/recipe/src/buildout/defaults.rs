//! `[buildout]` when nothing is said, and the directories in it.

use std::path::Path;

use super::Surroundings;
use super::extends::cleaned;
use super::section::{Section, Sections};
use super::value::{Origin, Slots, Value};

/// Those of zc.buildout 6, whatever they are for: configurations refer to them.
const DEFAULTS: &[(&str, &str)] = &[
    ("allow-hosts", "*"),
    ("allow-picked-versions", "true"),
    ("allow-unknown-extras", "false"),
    ("bin-directory", "bin"),
    ("develop-eggs-directory", "develop-eggs"),
    ("eggs-directory", "eggs"),
    ("eggs-directory-version", "v5"),
    ("find-links", ""),
    ("install-from-cache", "false"),
    ("installed", ".installed.cfg"),
    ("log-format", ""),
    ("log-level", "INFO"),
    ("newest", "true"),
    ("offline", "false"),
    ("parts-directory", "parts"),
    ("prefer-final", "true"),
    ("python", "buildout"),
    ("show-picked-versions", "false"),
    ("socket-timeout", ""),
    ("update-versions-file", ""),
    ("use-dependency-links", "true"),
    ("versions", "versions"),
];

/// Options that are paths below `directory`.
const DIRECTORIES: &[&str] = &["bin-directory", "develop-eggs-directory", "installed", "parts-directory"];

/// Options that are absolute before substitutions, and whether they are below the folder of the file that says them rather than `directory`.
const PLACED: &[(&str, bool)] = &[
    ("bin-directory", false),
    ("develop-eggs-directory", false),
    ("parts-directory", false),
    ("download-cache", true),
    ("eggs-directory", true),
    ("extends-cache", true),
];

/// What there is before any file.
pub(super) fn sections(directory: &str, surroundings: &Surroundings) -> Sections {
    let mut buildout = Section::new(Origin::Default);
    let python = surroundings.python.as_deref().and_then(Path::to_str);
    let found = [("directory", Some(directory)), ("executable", python)];
    let found = found.into_iter().filter_map(|(name, text)| Some((name, text?)));
    for (name, text) in DEFAULTS.iter().copied().chain(found) {
        let value = Value::new(text, Origin::Default, Origin::Default);
        buildout.options.insert(name.to_owned(), Slots { set: Some(value), ..Slots::default() });
    }
    let mut sections = Sections::default();
    sections.0.insert("buildout".to_owned(), buildout);
    sections
}

/// Makes paths absolute that are given without substitutions, since sections that take over `[buildout]` have them so.
pub(super) fn place(sections: &mut Sections, surroundings: &Surroundings, folder: impl Fn(usize) -> String) {
    let Some(buildout) = sections.0.get_mut("buildout") else { return };
    let directory = buildout.set("directory").map(Value::text).unwrap_or_default();
    let home = surroundings.home.as_deref().and_then(Path::to_str);
    for (name, is_cache) in PLACED {
        let Some(value) = buildout.options.get_mut(*name).and_then(|slots| slots.set.as_mut()) else {
            continue;
        };
        let text = value.text();
        if text.contains("${") {
            continue;
        }
        let base = match value.name {
            Origin::File { source, .. } if *is_cache => folder(source),
            _ if directory.contains("${") => continue,
            _ => join(&surroundings.directory.to_string_lossy(), &directory),
        };
        let path = match (text.strip_prefix('~'), home) {
            _ if !is_cache => join(&base, &text),
            (Some(rest), Some(home)) if rest.is_empty() || rest.starts_with(['/', '\\']) => {
                format!("{home}{rest}")
            }
            _ => cleaned(Path::new(&join(&base, &text))).to_string_lossy().into_owned(),
        };
        *value = Value::new(&path, value.name, value.origin());
    }
}

/// The value of an option of `[buildout]`: paths are below its directory.
pub(super) fn absolute(option: &str, value: String, directory: &str) -> String {
    let is_none = option == "installed" && value.is_empty();
    if is_none || !DIRECTORIES.contains(&option) { value } else { join(directory, &value) }
}

/// The eggs of each format version have a directory of their own.
pub(super) fn eggs(directory: &str, value: &str, version: &str) -> String {
    let path = join(directory, value);
    if version.is_empty() { path } else { join(&path, version) }
}

/// A path below another, unless it is absolute. Nothing is taken from it.
pub(super) fn join(base: &str, path: &str) -> String {
    Path::new(base).join(path).to_string_lossy().into_owned()
}
