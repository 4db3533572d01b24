//! Replays the fuzz targets' corpora: what was once found stays found.

use std::path::Path;

use svckit_core::executable::Executable;
use svckit_recipe::Platform;
use svckit_recipe::buildout::{Configuration, Surroundings};
use svckit_recipe::parts::Installed;

#[path = "../../fuzz/checks/buildout.rs"]
mod buildout;
#[path = "../../fuzz/checks/definition.rs"]
mod definition;
#[path = "../../fuzz/checks/dispatch.rs"]
mod dispatch;
#[path = "../../fuzz/checks/executable.rs"]
mod executable;
#[path = "../../fuzz/checks/import.rs"]
mod import;
#[path = "../../fuzz/checks/installed.rs"]
mod installed;
#[path = "../../fuzz/checks/security.rs"]
mod security;
#[path = "../../fuzz/checks/winservice.rs"]
mod winservice;

fn replay(target: &str, check: fn(&[u8])) {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(target);
    let mut count = 0;
    for entry in std::fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display())) {
        let path = entry.expect("an entry of the corpus").path();
        let input = std::fs::read(&path).expect("a file of the corpus");
        std::panic::catch_unwind(|| check(&input)).unwrap_or_else(|_| panic!("on {}", path.display()));
        count += 1;
    }
    assert!(count > 0, "{} is empty", folder.display());
}

#[test]
fn buildout_corpus() {
    replay("buildout", buildout::check);
}

#[test]
fn definition_corpus() {
    replay("definition", definition::check);
}

#[test]
fn dispatch_corpus() {
    replay("dispatch", dispatch::check);
}

#[test]
fn executable_corpus() {
    replay("executable", executable::check);
}

#[test]
fn import_corpus() {
    replay("import", import::check);
}

#[test]
fn installed_corpus() {
    replay("installed", installed::check);
}

#[test]
fn security_corpus() {
    replay("security", security::check);
}

#[test]
fn winservice_corpus() {
    replay("winservice", winservice::check);
}

/// A seed by its target and its name.
fn seed(name: &str) -> Vec<u8> {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("../fuzz/corpus").join(name);
    std::fs::read(path).expect("a seed")
}

#[test]
fn the_seeds_of_programs_are_what_they_say() {
    for (name, kind) in [
        ("empty", "Empty"),
        ("elf-64", "Elf { machine: X86_64, loader: Some(\"/lib/ld.1\") }"),
        ("elf-32-big", "Elf { machine: Arm, loader: Some(\"/lib/ld.1\") }"),
        ("elf-static", "Elf { machine: Aarch64, loader: None }"),
        ("elf-half", "Elf { machine: X86_64, loader: None }"),
        ("pe-64", "Pe { machine: X86_64, imports: [\"KERNEL32.dll\", \"shop.dll\"] }"),
        ("pe-32", "Pe { machine: X86, imports: [\"a.dll\"] }"),
        ("pe-half", "Pe { machine: X86_64, imports: [] }"),
        ("mz", "Unknown"),
        ("script", "Script"),
        ("script-env", "Script"),
        ("script-crlf", "Script"),
        ("script-mark", "Script"),
        ("text", "Unknown"),
    ] {
        let found = format!("{:?}", Executable::read(&mut &seed(&format!("executable/{name}"))[..]));
        assert!(found.starts_with(kind), "{name}: {found}");
    }
}

/// What is in the corpus is what it is named for, or the seeds would lead nowhere.
#[test]
fn the_seeds_are_what_they_say() {
    let read = seed;
    for name in ["start", "control", "release", "close"] {
        let seed = read(&format!("dispatch/{name}"));
        serde_json::from_slice::<svckit_core::dispatch::ToProcess>(&seed).expect(name);
    }
    for name in ["hello", "event", "control-done"] {
        let seed = read(&format!("dispatch/{name}"));
        serde_json::from_slice::<svckit_core::dispatch::FromProcess>(&seed).expect(name);
    }
    for (name, parts) in [("smallest", &["winservice"][..]), ("whole", &["a", "b"])] {
        let seed = read(&format!("buildout/{name}"));
        let texts: Vec<_> = seed.split(|byte| *byte == 0).collect();
        let files = |path: &Path| {
            let name = path.file_stem().and_then(|name| name.to_str()).unwrap_or_default();
            let text = texts.get(name.parse().unwrap_or(0));
            text.map(|text| text.to_vec()).ok_or_else(|| std::io::ErrorKind::NotFound.into())
        };
        let surroundings = Surroundings::new("/x", Platform::Unix);
        let configuration = Configuration::read(Path::new("buildout.cfg"), &[], &surroundings, &files);
        assert_eq!(configuration.expect(name).parts().expect(name), parts, "{name}");
    }
    let record = |name: &str| Installed::read(Path::new(name), &read(&format!("installed/{name}")));
    for (name, parts) in [("one-part", 1), ("of-zc-buildout", 2), ("unfinished", 0), ("forms", 1)] {
        assert_eq!(record(name).expect(name).parts.len(), parts, "{name}");
    }
    for name in ["half", "no-text", "no-section"] {
        record(name).expect_err(name);
    }
    for (name, services) in [("smallest", 1), ("whole", 2), ("unicode", 1)] {
        let text = String::from_utf8(read(&format!("definition/{name}"))).expect("text");
        let definition = svckit_recipe::toml::parse("/x/service.toml", text, Platform::Unix).expect(name);
        assert_eq!(definition.services.len(), services, "{name}");
    }
    for name in ["misspelt-key", "circle", "bad-name-and-type", "no-toml"] {
        let text = String::from_utf8(read(&format!("definition/{name}"))).expect("text");
        svckit_recipe::toml::parse("/x/service.toml", text, Platform::Unix).expect_err(name);
    }
    let imports = [
        ("supervisord", 3),
        ("systemd", 1),
        ("systemd-shell", 1),
        ("nssm-dump", 1),
        ("nssm-registry", 1),
        ("shawl", 2),
    ];
    for (name, services) in imports {
        let import =
            svckit_recipe::import::read("/x/a", &read(&format!("import/{name}")), None, Platform::Unix);
        assert_eq!(import.expect(name).services.len(), services, "{name}");
    }
    for name in ["supervisord-wrong", "systemd-wrong", "nssm-wrong", "shawl-wrong"] {
        svckit_recipe::import::read("/x/a", &read(&format!("import/{name}")), None, Platform::Unix)
            .expect_err(name);
    }
    for name in ["block", "crlf", "latin-1", "utf-16", "unix"] {
        svckit_recipe::winservice::read(name, &read(&format!("winservice/{name}"))).expect(name);
    }
    for name in ["missing", "computed", "unclosed", "no-known-encoding", "no-script"] {
        svckit_recipe::winservice::read(name, &read(&format!("winservice/{name}"))).expect_err(name);
    }
}
