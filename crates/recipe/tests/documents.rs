//! Every definition that the documentation and the examples show can be read.

#![expect(clippy::unwrap_used, reason = "a failed expectation is how a test fails")]

use std::path::{Path, PathBuf};

use svckit_recipe::Platform;
use svckit_recipe::buildout::{Configuration, Surroundings};
use svckit_testkit::schema::Schema;

fn root() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../..")
}

/// The blocks of a Markdown file in a language, each with its first line's number.
fn blocks(text: &str, language: &str) -> Vec<(usize, String)> {
    let mut blocks = Vec::new();
    let mut open: Option<(usize, String)> = None;
    for (index, line) in text.lines().enumerate() {
        match (&mut open, line) {
            (None, line) if line.strip_prefix("```") == Some(language) => {
                open = Some((index + 2, String::new()))
            }
            (Some(_), "```") => blocks.extend(open.take()),
            (Some((_, block)), line) => {
                block.push_str(line);
                block.push('\n');
            }
            (None, _) => {}
        }
    }
    blocks
}

/// The schema for editors.
fn schema() -> Schema {
    let file = root().join("docs/reference/definition.schema.json");
    Schema::new(&std::fs::read_to_string(file).unwrap())
}

fn markdown_files(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
    entries.filter(|path| path.extension().is_some_and(|extension| extension == "md")).collect()
}

#[test]
fn documented_definitions_can_be_read() {
    let root = root();
    let mut files = markdown_files(&root.join("docs/reference"));
    files.extend(markdown_files(&root.join("docs/tasks")));
    files.push(root.join("README.md"));
    let (mut read, schema) = (0, schema());
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        for (line, block) in blocks(&text, "toml") {
            if !block.contains("[service.") {
                continue;
            }
            assert_eq!(schema.check(&block), [""; 0], "{}:{line}", file.display());
            if let Err(wrong) = svckit_recipe::toml::parse("/doc/service.toml", block, Platform::Unix) {
                panic!("{}:{line}: {wrong}", file.display());
            }
            read += 1;
        }
    }
    assert!(read >= 2, "{read} definitions are documented");
}

#[test]
fn documented_configurations_can_be_read() {
    let root = root();
    let mut files = markdown_files(&root.join("docs/reference"));
    files.extend(markdown_files(&root.join("docs/tasks")));
    let mut read = 0;
    for file in files {
        let text = std::fs::read_to_string(&file).unwrap();
        let blocks = blocks(&text, "ini");
        for (line, block) in blocks.iter().filter(|(_, block)| block.contains("[buildout]")) {
            // What is extended is not shown.
            let texts = |path: &Path| {
                let is_shown = path.ends_with("buildout.cfg");
                Ok(if is_shown { block.clone().into_bytes() } else { Vec::new() })
            };
            let surroundings = Surroundings::new("/doc", Platform::Unix);
            let configuration = Configuration::read(Path::new("buildout.cfg"), &[], &surroundings, &texts)
                .unwrap_or_else(|wrong| panic!("{}:{line}: {wrong}", file.display()));
            configuration.parts().unwrap_or_else(|wrong| panic!("{}:{line}: {wrong}", file.display()));
            read += 1;
        }
    }
    assert!(read >= 1, "{read} configurations are documented");
}

#[test]
fn examples_can_be_read() {
    let mut read = 0;
    for folder in std::fs::read_dir(root().join("examples")).unwrap() {
        let file = folder.unwrap().path().join("service.toml");
        if file.is_file() {
            let text = std::fs::read_to_string(&file).unwrap();
            assert_eq!(schema().check(&text), [""; 0], "{}", file.display());
            svckit_recipe::toml::load(&file, Platform::Unix).unwrap_or_else(|wrong| panic!("{wrong}"));
            read += 1;
        }
    }
    assert!(read >= 4, "{read} examples");
}
