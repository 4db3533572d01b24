//! What configurations mean, and what is said about those that mean nothing.

use std::collections::BTreeMap;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use super::{Configuration, Override, Surroundings};
use crate::diagnostic::Diagnostics;
use crate::platform::Platform;

const FOLDER: &str = "/srv/site";

/// Files by their names in the folder; the first one is read.
fn read_with(files: &[(&str, &str)], overrides: &[&str]) -> Result<Configuration, Diagnostics> {
    let texts: BTreeMap<PathBuf, &str> =
        files.iter().map(|(name, text)| (Path::new(FOLDER).join(name), *text)).collect();
    let overrides: Vec<Override> = overrides.iter().map(|given| given.parse().unwrap()).collect();
    let surroundings = Surroundings::new(FOLDER, Platform::Unix);
    Configuration::read(Path::new(files[0].0), &overrides, &surroundings, &|path: &Path| {
        texts.get(path).map(|text| text.as_bytes().to_vec()).ok_or_else(|| ErrorKind::NotFound.into())
    })
}

fn read(text: &str) -> Configuration {
    read_with(&[("buildout.cfg", text)], &[]).unwrap_or_else(|wrong| panic!("{wrong}"))
}

#[track_caller]
fn has(configuration: &Configuration, option: &str, expected: &str) {
    let (section, option) = option.split_once(':').unwrap();
    match configuration.value(section, option) {
        Ok(value) => assert_eq!(value.as_deref(), Some(expected), "{section}:{option}"),
        Err(wrong) => panic!("{section}:{option}: {wrong}"),
    }
}

/// The same for a path, which is written as the system does that the test runs on.
#[track_caller]
fn has_path(configuration: &Configuration, option: &str, expected: &str) {
    let (section, name) = option.split_once(':').unwrap();
    let value = configuration.value(section, name).unwrap().unwrap();
    assert_eq!(value.replace('\\', "/"), expected, "{option}");
}

#[test]
fn directories_are_below_the_files_folder() {
    let configuration =
        read("[buildout]\nparts =\nbin-directory = scripts\n[a]\nx = ${buildout:bin-directory}/run");
    has_path(&configuration, "buildout:directory", "/srv/site");
    has_path(&configuration, "buildout:bin-directory", "/srv/site/scripts");
    has_path(&configuration, "buildout:installed", "/srv/site/.installed.cfg");
    has_path(&configuration, "buildout:eggs-directory", "/srv/site/eggs/v5");
    has_path(&configuration, "a:x", "/srv/site/scripts/run");
    assert_eq!(configuration.parts_directory(), Path::new("/srv/site/parts"));
    assert_eq!(configuration.parts().unwrap(), Vec::<String>::new());
}

#[test]
fn substitution() {
    let configuration =
        read("[buildout]\nparts = b\n[a]\nx = 1\n[b]\nrecipe = r\ny = ${a:x}${:z} $${a:x}\nz = 2\n");
    has(&configuration, "b:y", "12 $${a:x}");
    assert_eq!(configuration.parts().unwrap(), ["b"]);
    assert_eq!(configuration.value("b", "nothing"), Ok(None));
}
