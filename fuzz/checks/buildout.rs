//! Any bytes are a configuration or a list of what is wrong with it, with places that are in the files. NUL ends a file; the first one is read, the others are
//! `1.cfg`, `2.cfg` and so on.

use std::io::ErrorKind;
use std::path::Path;

use svckit_recipe::buildout::{Configuration, Document, Override, Surroundings};
use svckit_recipe::{Diagnostic, Diagnostics, Platform, Source};

pub(crate) fn check(data: &[u8]) {
    let texts: Vec<_> = data.split(|byte| *byte == 0).collect();
    for text in &texts {
        check_lines(text);
    }
    let named = |path: &Path| {
        let name = path.file_name()?.to_str()?.strip_suffix(".cfg")?;
        let number = if name == "buildout" { 0 } else { name.parse().ok()? };
        texts.get::<usize>(number)
    };
    let files = |path: &Path| named(path).map(|text| text.to_vec()).ok_or_else(|| ErrorKind::NotFound.into());
    let overrides: Vec<Override> =
        ["a:x+=1", "b:y=${a:x}"].map(|given| given.parse().expect("it is one")).into();
    for platform in [Platform::Unix, Platform::Windows] {
        let surroundings = Surroundings::new("/folder", platform);
        match Configuration::read(Path::new("buildout.cfg"), &overrides, &surroundings, &files) {
            Err(diagnostics) => check_refusal(&diagnostics, &named),
            Ok(configuration) => check_values(&configuration, &named),
        }
    }
}

/// A text that is read is its lines, and one that is not has places for all that is wrong.
fn check_lines(text: &[u8]) {
    let Ok(text) = std::str::from_utf8(text) else { return };
    match Document::parse(Source::new("buildout.cfg", text)) {
        Ok(document) => assert_eq!(document.to_string(), text, "nothing is lost"),
        Err(diagnostics) => assert!(diagnostics.iter().all(|diagnostic| diagnostic.place.is_some())),
    }
}

fn check_values<'t>(configuration: &Configuration, named: &impl Fn(&Path) -> Option<&'t &'t [u8]>) {
    let tell = |diagnostic: Diagnostic| check_refusal(&diagnostic.into(), named);
    assert_eq!(configuration.options("buildout").map(|options| options.count() > 20), Some(true));
    for section in configuration.sections() {
        let _ = configuration.check(section).map_err(tell);
        for option in configuration.options(section).expect("it is a section") {
            let value = configuration.value(section, option).map_err(tell);
            assert!(value.is_err() || value.is_ok_and(|value| value.is_some()), "an option has a value");
            tell(configuration.diagnostic(section, option, "shown", None));
        }
    }
    match configuration.parts() {
        Ok(parts) => {
            for part in parts {
                let recipe = configuration.value(&part, "recipe").expect("it was looked at");
                assert!(recipe.is_some_and(|recipe| !recipe.is_empty()), "a part has a recipe");
            }
        }
        Err(wrong) => tell(wrong),
    }
}

fn check_refusal<'t>(diagnostics: &Diagnostics, named: &impl Fn(&Path) -> Option<&'t &'t [u8]>) {
    assert!(diagnostics.iter().count() > 0, "a refusal says why");
    for diagnostic in diagnostics.iter() {
        assert!(!diagnostic.message.is_empty());
        let Some(place) = &diagnostic.place else { continue };
        let text = named(&diagnostic.file).expect("the file was read");
        let lines = text.split(|byte| *byte == b'\n').count();
        assert!((1..=lines).contains(&place.line), "line {} of {lines}", place.line);
        assert!(place.column >= 1 && place.length >= 1);
    }
}
