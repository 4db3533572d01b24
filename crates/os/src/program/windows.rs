//! The endings of programs' names.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use super::Kind;

/// The endings that are tried when `PATHEXT` says nothing.
const USUAL: &str = ".COM;.EXE;.BAT;.CMD";

/// The files that a path to a program may mean, in order: a name with one of the endings is that file, any other is tried with each ending.
pub(super) fn candidates(path: &Path) -> Vec<PathBuf> {
    let endings = std::env::var("PATHEXT").unwrap_or_default();
    with_endings(path, if endings.is_empty() { USUAL } else { &endings })
}

fn with_endings(path: &Path, endings: &str) -> Vec<PathBuf> {
    let known = path.extension().is_some_and(|extension| {
        endings.split(';').any(|ending| {
            extension.eq_ignore_ascii_case(ending.trim_start_matches('.')) && !ending.is_empty()
        })
    });
    if known {
        return vec![path.to_owned()];
    }
    let with = |ending: &str| {
        let mut name = OsString::from(path);
        name.push(ending.to_ascii_lowercase());
        PathBuf::from(name)
    };
    endings.split(';').filter(|ending| !ending.is_empty()).map(with).collect()
}

/// What is at a path. What may be executed is told by the name here; rights show when it is tried.
pub(super) fn look(path: &Path) -> io::Result<Kind> {
    Ok(match crate::path::is_folder(path)? {
        true => Kind::Folder,
        false if path.extension().is_some() => Kind::Executable,
        false => Kind::Other,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn endings_are_added_where_there_is_none() {
        let names = |path: &str| {
            let found = with_endings(Path::new(path), ".COM;.EXE;;.Py");
            found.iter().map(|path| path.to_str().unwrap().to_owned()).collect::<Vec<_>>()
        };
        assert_eq!(names(r"C:\a\python"), [r"C:\a\python.com", r"C:\a\python.exe", r"C:\a\python.py"]);
        assert_eq!(names(r"C:\a\python.exe"), [r"C:\a\python.exe"]);
        assert_eq!(names(r"python3.11"), ["python3.11.com", "python3.11.exe", "python3.11.py"]);
    }
}
