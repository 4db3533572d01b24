use std::path::Path;

use super::machine::Pretended;
use crate::parts::project::{Project, ProjectError};

fn project(files: &[(&str, &str)]) -> Result<Project, ProjectError> {
    let files = files.iter().map(|(name, text)| (format!("/p/{name}"), *text));
    Project::read(Path::new("/p"), &Pretended::new(files))
}

fn found(files: &[(&str, &str)]) -> (String, String) {
    let project = project(files).unwrap();
    (project.name, project.packages)
}

fn are(name: &str, packages: &str) -> (String, String) {
    (name.to_owned(), packages.to_owned())
}

#[test]
fn each_file_can_tell_the_name() {
    assert_eq!(found(&[("setup.py", "setup(name='my demo_2')")]), are("my-demo-2", ""));
    assert_eq!(found(&[("pyproject.toml", "[project]\nname = 'a.b'\n")]), are("a.b", ""));
    assert_eq!(found(&[("pyproject.toml", "[tool.poetry]\nname = 'a'\n")]), are("a", ""));
    let by_cfg = [
        ("setup.py", "setup()"),
        ("setup.cfg", "[x]\nname = no\n[metadata]\n# it\nname: yes\nversion = 1\n"),
    ];
    assert_eq!(found(&by_cfg), are("yes", ""));
    assert_eq!(
        found(&[("setup.py", "setup(name='py')"), ("setup.cfg", "[metadata]\nname = cfg\n")]),
        are("py", "")
    );
    let both = [("setup.py", "setup(name=NAME)"), ("pyproject.toml", "[project]\nname = 'toml'\n")];
    assert_eq!(found(&both), are("toml", ""));
}

#[test]
fn packages_may_be_elsewhere() {
    let by_setup = [("setup.py", "setup(name='a', package_dir={'': './src/'})")];
    assert_eq!(found(&by_setup), are("a", "src"));
    assert_eq!(project(&by_setup).unwrap().link(Path::new("/p")), "/p/src\n../");
    let by_cfg =
        [("setup.py", "setup(name='a')"), ("setup.cfg", "[options]\npackage_dir =\n    x = y\n    = a/b\n")];
    assert_eq!(found(&by_cfg), are("a", "a/b"));
    assert_eq!(project(&by_cfg).unwrap().link(Path::new("/p")), "/p/a/b\n../../");
    let by_toml = [("pyproject.toml", "[project]\nname='a'\n[tool.setuptools.package-dir]\n'' = 'lib'\n")];
    assert_eq!(found(&by_toml), are("a", "lib"));
    assert_eq!(found(&[("pyproject.toml", "[project]\nname='a'\n"), ("src/a.py", "")]), are("a", "src"));
    assert_eq!(found(&[("setup.py", "setup(name='a')"), ("src/a.py", "")]), are("a", ""));
    assert_eq!(project(&[("setup.py", "setup(name='a')")]).unwrap().link(Path::new("/p")), "/p\n.");
}

#[test]
fn what_cannot_be_told_is_said() {
    let message = |files: &[(&str, &str)]| project(files).unwrap_err().to_string();
    assert_eq!(
        message(&[("setup.cfg", "[metadata]\nname = x\n")]),
        "nothing can be developed at /p: it has no setup.py and no pyproject.toml"
    );
    for files in [
        &[("setup.py", "setup(name=NAME)"), ("setup.cfg", "[metadata]\nname = x\n")][..],
        &[("setup.py", "")],
    ] {
        assert!(
            message(files).starts_with("the name of the project in /p can't be told"),
            "{}",
            message(files)
        );
    }
    let hidden = message(&[("setup.py", "setup(name='a', package_dir={'': where})")]);
    assert!(hidden.starts_with("the folder of the packages of the project in /p"), "{hidden}");
}
