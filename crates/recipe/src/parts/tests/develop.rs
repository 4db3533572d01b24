use std::path::Path;

use super::machine::Pretended;
use crate::parts::develop::{Link, links};

fn linked(paths: &str) -> Result<Vec<String>, String> {
    let machine = Pretended::new([
        ("/s/demo1/setup.py", "setup(name = 'demo1')"),
        ("/s/demo2/setup.py", "setup(name = 'demo2', install_requires='demo1')"),
        ("/s/src/other/setup.py", "setup(name='demo1')"),
        ("/s/empty/x", ""),
    ]);
    let links = links(paths, Path::new("/s"), Path::new("/s/eggs"), &machine);
    let shown = |link: Link| format!("{} {:?}", link.path.display(), link.content);
    links.map(|links| links.into_iter().map(shown).collect()).map_err(|error| error.to_string())
}

#[test]
fn each_project_has_a_link() {
    let both = ["/s/eggs/demo1.egg-link \"/s/demo1\\n.\"", "/s/eggs/demo2.egg-link \"/s/demo2\\n.\""];
    assert_eq!(linked("demo1 demo2").unwrap(), both);
    assert_eq!(linked("demo?\n/s/demo2/setup.py").unwrap(), both);
    assert!(linked("").unwrap().is_empty());
}

#[test]
fn what_is_no_project_is_named() {
    let nothing = |path: &str| {
        Err(format!("nothing can be developed at {path}: it has no setup.py and no pyproject.toml"))
    };
    assert_eq!(linked("demo1 missing"), nothing("/s/missing"));
    assert_eq!(linked("empty"), nothing("/s/empty"));
    assert_eq!(linked("none*"), nothing("/s/none*"));
    assert_eq!(
        linked("demo1 src/*"),
        Err("the projects in /s/demo1 and /s/src/other have the same name".to_owned())
    );
}
