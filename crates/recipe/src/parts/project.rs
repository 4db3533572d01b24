//! The project in a folder, as its own files describe it: its name, and where its packages are.

use std::fmt;
use std::path::{Path, PathBuf};

use toml::de::{DeTable, DeValue};

use super::machine::{Kind, Machine};
use super::setup_py::{Argument, Call};
use crate::file;

/// A project.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Project {
    /// Its name.
    pub(super) name: String,
    /// Where its packages are, relative to the project's folder; empty: there.
    pub(super) packages: String,
}

/// Why a folder can't be developed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum ProjectError {
    /// It has neither of the two files that make a project.
    NoProject(PathBuf),
    /// One of its files can't be read.
    Unreadable { file: PathBuf, cause: String },
    /// Two projects would have the same link.
    SameName { one: PathBuf, other: PathBuf },
    /// Python would have to be run.
    Unknown { what: &'static str, folder: PathBuf, help: &'static str },
}

impl fmt::Display for ProjectError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoProject(path) => {
                write!(
                    f,
                    "nothing can be developed at {}: it has no setup.py and no pyproject.toml",
                    path.display()
                )
            }
            Self::SameName { one, other } => {
                write!(f, "the projects in {} and {} have the same name", one.display(), other.display())
            }
            Self::Unreadable { file, cause } => write!(f, "cannot read {}: {cause}", file.display()),
            Self::Unknown { what, folder, .. } => {
                write!(
                    f,
                    "{what} of the project in {} can't be told without running Python",
                    folder.display()
                )
            }
        }
    }
}

impl ProjectError {
    /// What would be right.
    pub(super) fn help(&self) -> Option<String> {
        let help = match self {
            Self::NoProject(_) => "develop = PATH leads to the folder of a project",
            Self::SameName { .. } => "leave one of them out",
            Self::Unreadable { .. } => return None,
            Self::Unknown { help, .. } => help,
        };
        Some(help.to_owned())
    }
}

/// The three files that may say something, from the strongest to the weakest.
#[derive(Default)]
struct Sources {
    pyproject: Option<String>,
    setup_py: Option<Call>,
    setup_cfg: Option<String>,
}

impl Project {
    /// The project of a folder.
    pub(super) fn read(folder: &Path, machine: &dyn Machine) -> Result<Self, ProjectError> {
        let read = |name: &str| {
            let file = folder.join(name);
            if machine.kind(&file) != Some(Kind::File) {
                return Ok(None);
            }
            match machine.read(&file) {
                Ok(bytes) => Ok(Some(String::from_utf8_lossy(&bytes).into_owned())),
                Err(error) => Err(ProjectError::Unreadable { file, cause: file::plain(&error) }),
            }
        };
        let (pyproject, setup_py) = (read("pyproject.toml")?, read("setup.py")?);
        if pyproject.is_none() && setup_py.is_none() {
            return Err(ProjectError::NoProject(folder.to_owned()));
        }
        let has_script = setup_py.is_some();
        let setup_py = setup_py.as_deref().and_then(Call::find);
        let sources = Sources { pyproject, setup_py, setup_cfg: read("setup.cfg")? };
        let name = sources.name().ok_or_else(|| ProjectError::Unknown {
            what: "the name",
            folder: folder.to_owned(),
            help: "write name = \"…\" into [project] of pyproject.toml, or as a plain text into setup.py",
        })?;
        let packages = sources.packages().ok_or_else(|| ProjectError::Unknown {
            what: "the folder of the packages",
            folder: folder.to_owned(),
            help: "write package-dir = { \"\" = \"…\" } into [tool.setuptools] of pyproject.toml, or package_dir={\"\": \"…\"} into setup.py",
        })?;
        // Without a setup.py that says so, this is how tools find packages.
        let is_found =
            packages.is_empty() && !has_script && machine.kind(&folder.join("src")) == Some(Kind::Folder);
        let packages = if is_found { "src".to_owned() } else { packages };
        Ok(Self { name: safe(&name), packages: plain(&packages) })
    }

    /// The link to it: a path for Python, and the way from there back to the project.
    pub(super) fn link(&self, folder: &Path) -> String {
        let steps = self.packages.split('/').filter(|step| !step.is_empty()).count();
        let back = if steps == 0 { ".".to_owned() } else { "../".repeat(steps) };
        let packages = self.packages.split('/').filter(|step| !step.is_empty());
        let path = packages.fold(folder.to_owned(), |path, step| path.join(step));
        format!("{}\n{back}", path.display())
    }
}

impl Sources {
    fn name(&self) -> Option<String> {
        let of_tools = [&["project", "name"][..], &["tool", "poetry", "name"]];
        let pyproject = self.pyproject.as_deref().unwrap_or_default();
        if let Some(name) = of_tools.iter().find_map(|keys| toml_text(pyproject, keys)) {
            return Some(name);
        }
        match self.setup_py.as_ref().map(|call| call.text("name")) {
            Some(Argument::Text(name)) => Some(name),
            Some(Argument::Unknown) => None,
            Some(Argument::Absent) | None => ini_value(self.setup_cfg.as_deref()?, "metadata", "name"),
        }
    }

    /// Empty if nothing is said.
    fn packages(&self) -> Option<String> {
        let pyproject = self.pyproject.as_deref().unwrap_or_default();
        if let Some(folder) = toml_text(pyproject, &["tool", "setuptools", "package-dir", ""]) {
            return Some(folder);
        }
        match self.setup_py.as_ref().map(|call| call.entry("package_dir", "")) {
            Some(Argument::Text(folder)) => return Some(folder),
            Some(Argument::Unknown) => return None,
            Some(Argument::Absent) | None => {}
        }
        let setup_cfg = self.setup_cfg.as_deref().unwrap_or_default();
        let folders = ini_value(setup_cfg, "options", "package_dir").unwrap_or_default();
        let entries = folders.lines().filter_map(|line| line.split_once('='));
        let root = entries
            .map(|(package, folder)| (package.trim(), folder.trim()))
            .find(|(package, _)| package.is_empty());
        Some(root.map_or("", |(_, folder)| folder).to_owned())
    }
}

/// A text in a TOML document; what isn't TOML says nothing.
fn toml_text(document: &str, keys: &[&str]) -> Option<String> {
    let (last, tables) = keys.split_last()?;
    let document = DeTable::parse(document).ok()?;
    let mut table = document.get_ref();
    for key in tables {
        table = match table.get(*key)?.get_ref() {
            DeValue::Table(inner) => inner,
            _ => return None,
        };
    }
    Some(table.get(*last)?.get_ref().as_str()?.to_owned())
}

/// A value in a `setup.cfg`, with its further lines.
fn ini_value(document: &str, section: &str, option: &str) -> Option<String> {
    let mut is_here = false;
    let mut value: Option<String> = None;
    for line in document.lines().filter(|line| !line.trim_start().starts_with(['#', ';'])) {
        if line.starts_with([' ', '\t']) || line.is_empty() {
            if let Some(value) = &mut value {
                value.push('\n');
                value.push_str(line.trim());
            }
            continue;
        }
        if value.is_some() {
            break;
        }
        if let Some(header) = line.strip_prefix('[') {
            is_here = header.trim_end().strip_suffix(']') == Some(section);
        } else if let Some((name, text)) = line.split_once(['=', ':']) {
            value = (is_here && name.trim() == option).then(|| text.trim().to_owned());
        }
    }
    value
        .map(|value| value.trim().to_owned())
        .filter(|value| !value.is_empty() && !value.starts_with("attr:"))
}

/// A folder without a lead, an end or backslashes that mean nothing.
fn plain(folder: &str) -> String {
    let steps: Vec<_> = folder.split(['/', '\\']).filter(|step| !step.is_empty() && *step != ".").collect();
    steps.join("/")
}

/// A name as setuptools makes it fit for files: what isn't a letter, a digit or a point becomes one dash.
fn safe(name: &str) -> String {
    let mut safe = String::new();
    for c in name.chars() {
        match c {
            c if c.is_ascii_alphanumeric() || c == '.' => safe.push(c),
            _ if safe.ends_with('-') => {}
            _ => safe.push('-'),
        }
    }
    safe
}
