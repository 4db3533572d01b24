//! Parts as services of svckit's own host.

use std::path::{Path, PathBuf};

use crate::buildout::{Configuration, Surroundings};
use crate::definition::Definition;
use crate::diagnostic::Diagnostics;
use crate::parts::{service, services};
use crate::platform::Platform;

const BASE: &str = "[buildout]\nparts = other web\nexecutable = /usr/bin/python3\n\n[other]\nrecipe = some:thing\n\n\
                    [web]\nrecipe = p01.recipe.setup:winservice\nrunscript = serve.py\n";

fn configuration(text: &str) -> Configuration {
    let text = text.to_owned();
    let files = move |path: &Path| match path.file_name().and_then(|name| name.to_str()) {
        Some("base.cfg") => Ok(BASE.as_bytes().to_vec()),
        Some("buildout.cfg") => Ok(text.as_bytes().to_vec()),
        _ => Err(std::io::ErrorKind::NotFound.into()),
    };
    let surroundings = Surroundings::new("/site", Platform::Unix);
    Configuration::read(Path::new("buildout.cfg"), &[], &surroundings, &files)
        .unwrap_or_else(|wrong| panic!("{wrong}"))
}

fn read(text: &str) -> Result<Definition, Diagnostics> {
    service(&configuration(text), "web", Platform::Unix)
}

#[test]
fn a_part_is_a_service_with_the_recipes_semantics() {
    let text = "[buildout]\nextends = base.cfg\n[web]\nname = Shop\nserviceName = shop\nparameters = -C \"a b\"\ndebug = true\n";
    let definition = read(text).unwrap();
    let [service] = &definition.services[..] else { panic!("{definition:?}") };
    assert_eq!((service.name.as_str(), service.display_name.as_str()), ("shop", "Shop"));
    // The script itself, and not its debug copy: the host keeps what it says.
    assert_eq!(
        service.hosted().unwrap().program.command,
        ["/usr/bin/python3", "/site/serve.py", "-C", "a b"]
    );
    assert_eq!(service.hosted().unwrap().program.directory, PathBuf::from("/site"));
    assert_eq!(service.hosted().unwrap().program.environment.get("ZMANAGED").map(String::as_str), Some("1"));
    assert_eq!(definition.source.file(), Path::new("/site/buildout.cfg"));
    // Each place is in the file that says it.
    let at = |span| definition.diagnostic(span, "here", None).to_string();
    assert_eq!(at(service.places.name), "/site/buildout.cfg:5:15: here");
    assert_eq!(at(service.places.script.unwrap().1), "/site/base.cfg:10:13: here");
    assert_eq!(at(service.places.run), "/site/base.cfg:3:14: here");
}

#[test]
fn what_is_not_said_is_at_the_section() {
    let definition = read("[buildout]\nextends = base.cfg\n").unwrap();
    let service = &definition.services[0];
    assert_eq!(
        definition.diagnostic(service.places.name, "here", None).to_string(),
        "/site/base.cfg:8:2: here"
    );
}

#[test]
fn the_parts_that_are_services() {
    assert_eq!(services(&configuration("[buildout]\nextends = base.cfg\n")).unwrap(), ["web"]);
    assert_eq!(services(&configuration("[buildout]\nparts =\n")).unwrap(), Vec::<String>::new());
}

#[test]
fn a_part_that_is_none_is_told_with_its_place() {
    let configuration = configuration("[buildout]\nextends = base.cfg\n");
    let told = |part| service(&configuration, part, Platform::Unix).unwrap_err().to_string();
    assert!(
        told("other").starts_with("/site/base.cfg:6:10: part \"other\" has the recipe \"some:thing\""),
        "{}",
        told("other")
    );
    assert!(told("wbe").starts_with("/site/base.cfg:2:9: there is no part \"wbe\""), "{}", told("wbe"));
    let both = read("[buildout]\nextends = base.cfg\n[web]\nrunzope = app\n").unwrap_err().to_string();
    assert!(both.starts_with("/site/base.cfg:10:13: part \"web\" has both runzope and runscript"), "{both}");
}
