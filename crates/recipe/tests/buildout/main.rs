//! The same values as zc.buildout, whose configurations are read: see `zc_buildout.py`.

#![allow(clippy::unwrap_used)] // in helpers of tests, too

mod cases;

use std::collections::{BTreeMap, BTreeSet};
use std::io::{ErrorKind, Write};
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use serde_json::{Value, json};
use svckit_recipe::Platform;
use svckit_recipe::buildout::{Configuration, Override, Surroundings};
use svckit_testkit::need;

use cases::Case;

const SCRIPT: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/zc_buildout.py");

/// The folder of every configuration, here and in the script's answers.
const ROOT: &str = "/srv/site";

/// What came of a configuration.
#[derive(Debug, PartialEq, Eq)]
enum Outcome {
    Refused(String),
    Resolved { parts: Vec<String>, sections: BTreeMap<String, BTreeMap<String, String>> },
}

/// What zc.buildout makes of them; without it the test is skipped.
fn theirs(cases: &[Case]) -> Option<Vec<Outcome>> {
    let python = need::python()?;
    let folder = tempfile::tempdir().unwrap();
    let mut process = Command::new(python)
        .arg(SCRIPT)
        .arg(folder.path())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let asked: Vec<Value> =
        cases.iter().map(|case| json!({ "files": case.files, "overrides": case.overrides })).collect();
    process.stdin.take().unwrap().write_all(&serde_json::to_vec(&asked).unwrap()).unwrap();
    let output = process.wait_with_output().unwrap();
    assert!(output.status.success(), "the script failed: {}", output.status);
    let answers: Vec<Value> = serde_json::from_slice(&output.stdout).unwrap();
    Some(answers.into_iter().map(their_outcome).collect())
}

fn their_outcome(answer: Value) -> Outcome {
    if let Some(refused) = answer.get("refused") {
        return Outcome::Refused(refused.to_string());
    }
    let parts = serde_json::from_value(answer["parts"].clone()).unwrap();
    let mut sections: BTreeMap<String, BTreeMap<String, String>> =
        serde_json::from_value(answer["sections"].clone()).unwrap();
    let versions = sections["buildout"]["versions"].clone();
    for (name, options) in &mut sections {
        // Which Python it is, and what eggs zc.buildout wants for itself.
        options.remove("executable");
        if *name == versions {
            options.retain(|name, version| !name.starts_with("zc.") || !version.starts_with(">="));
        }
    }
    if sections.get("versions").is_some_and(BTreeMap::is_empty) {
        sections.remove("versions");
    }
    Outcome::Resolved { parts, sections }
}

fn ours(case: &Case) -> Outcome {
    resolved(case).unwrap_or_else(Outcome::Refused)
}

fn resolved(case: &Case) -> Result<Outcome, String> {
    let texts: BTreeMap<PathBuf, &str> =
        case.files.iter().map(|(name, text)| (Path::new(ROOT).join(name), *text)).collect();
    let files = |path: &Path| {
        let path = path.components().filter(|part| part.as_os_str() != ".").collect::<PathBuf>();
        texts.get(&path).map(|text| text.as_bytes().to_vec()).ok_or_else(|| ErrorKind::NotFound.into())
    };
    let overrides: Vec<Override> = case.overrides.iter().map(|given| given.parse().unwrap()).collect();
    let surroundings =
        Surroundings { python_version: Some("3.11.2".to_owned()), ..Surroundings::new(ROOT, Platform::Unix) };
    let told = |wrong: &dyn std::fmt::Display| wrong.to_string();
    let configuration = Configuration::read(Path::new(case.files[0].0), &overrides, &surroundings, &files)
        .map_err(|wrong| told(&wrong))?;
    let parts = configuration.parts().map_err(|wrong| told(&wrong))?;
    let mut sections = BTreeMap::new();
    for section in configuration.sections() {
        configuration.check(section).map_err(|wrong| told(&wrong))?;
        let mut values = BTreeMap::new();
        for option in configuration.options(section).unwrap() {
            let value = configuration.value(section, option).map_err(|wrong| told(&wrong))?;
            values.insert(option.to_owned(), value.unwrap());
        }
        sections.insert(section.to_owned(), values);
    }
    Ok(Outcome::Resolved { parts, sections })
}

fn is_same(ours: &Outcome, theirs: &Outcome) -> bool {
    match (ours, theirs) {
        (Outcome::Refused(_), Outcome::Refused(_)) => true,
        (ours, theirs) => ours == theirs,
    }
}

#[test]
fn zc_buildout_resolves_the_same() {
    let cases = cases::same();
    assert!(cases.len() >= 60, "{} configurations", cases.len());
    let names: BTreeSet<_> = cases.iter().map(|case| case.name).collect();
    assert_eq!(names.len(), cases.len(), "each configuration has a name of its own");
    let Some(theirs) = theirs(&cases) else { return };
    assert_eq!(theirs.len(), cases.len());
    let different: Vec<_> = cases
        .iter()
        .zip(&theirs)
        .map(|(case, theirs)| (case.name, ours(case), theirs))
        .filter(|(_, ours, theirs)| !is_same(ours, theirs))
        .map(|(name, ours, theirs)| format!("{name}:\n  ours:   {ours:?}\n  theirs: {theirs:?}"))
        .collect();
    assert!(different.is_empty(), "{}", different.join("\n"));
    let refused = theirs.iter().filter(|theirs| matches!(theirs, Outcome::Refused(_))).count();
    assert!((15..cases.len() / 2).contains(&refused), "{refused} of {} are refused", cases.len());
}

/// What `docs/deviations.md` says is otherwise is so.
#[test]
fn zc_buildout_deviates_where_documented() {
    let cases = cases::different();
    let Some(theirs) = theirs(&cases) else { return };
    for (case, theirs) in cases.iter().zip(&theirs) {
        assert!(!is_same(&ours(case), theirs), "{} is no deviation: {theirs:?}", case.name);
    }
}
