//! The definition that an argument means: a TOML file, a part of a `buildout.cfg`, or a service script.

use std::path::{Path, PathBuf};

use svckit_recipe::buildout::Configuration;
use svckit_recipe::{Definition, parts, toml, winservice};

use crate::buildout;
use crate::builtin::PLATFORM;
use crate::failure::Failure;

/// A file with services, of whichever kind.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Meant {
    /// A definition file.
    Toml(PathBuf),
    /// A part of a configuration; absent: the one there is.
    Part { file: PathBuf, part: Option<String> },
    /// A script with the variables of a service.
    Script(PathBuf),
}

/// Reads the definition that an argument means.
pub(crate) fn read(argument: &Path) -> Result<Definition, Failure> {
    let meant = match meant(argument) {
        Some(meant) => meant,
        None if is_script(argument) => Meant::Script(argument.to_owned()),
        None => Meant::Toml(argument.to_owned()),
    };
    match meant {
        Meant::Toml(file) => Ok(toml::load(&file, PLATFORM)?),
        Meant::Script(file) => Ok(winservice::load(&file)?.definition(PLATFORM)?),
        Meant::Part { file, part } => {
            let configuration = buildout::configuration(&file, &[])?;
            let part = match part {
                Some(part) => part,
                None => only_part(&configuration, &file)?,
            };
            Ok(parts::service(&configuration, &part, PLATFORM)?)
        }
    }
}

/// Whether an argument is that of a definition and no service's name: it has one of the endings or names a part, or is a path to a file.
pub(crate) fn is_definition(argument: &str) -> bool {
    let path = Path::new(argument);
    meant(path).is_some() || path.is_file() && argument.contains(std::path::is_separator)
}

/// Whether an argument means a part of a configuration, whose file may have others.
pub(crate) fn is_part(argument: &Path) -> bool {
    matches!(meant(argument), Some(Meant::Part { .. }))
}

/// What an argument means by how it is written; a file that is there as a whole is no part.
fn meant(argument: &Path) -> Option<Meant> {
    if let Some(text) = argument.to_str().filter(|_| !argument.is_file())
        && let Some((file, part)) = text.rsplit_once('#')
        && (has_ending(Path::new(file), "cfg") || Path::new(file).is_file())
    {
        let part = Some(part.to_owned()).filter(|part| !part.is_empty());
        return Some(Meant::Part { file: file.into(), part });
    }
    let file = argument.to_owned();
    if has_ending(argument, "toml") {
        Some(Meant::Toml(file))
    } else if has_ending(argument, "cfg") {
        Some(Meant::Part { file, part: None })
    } else if has_ending(argument, "py") {
        Some(Meant::Script(file))
    } else {
        None
    }
}

fn has_ending(path: &Path, ending: &str) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case(ending))
}

/// Whether a file of no telling name has the variables of a service script.
fn is_script(file: &Path) -> bool {
    winservice::load(file).is_ok()
}

/// The part that is a service, if it is one only.
fn only_part(configuration: &Configuration, file: &Path) -> Result<String, Failure> {
    let mut services = parts::services(configuration).map_err(svckit_recipe::Diagnostics::from)?;
    match (services.pop(), services.is_empty()) {
        (Some(one), true) => Ok(one),
        (None, _) => {
            let message = format!("no part of {} has the recipe {}", file.display(), winservice::RECIPE);
            Err(Failure::usage(message).hint("a part that is not listed in parts is named: FILE#PART"))
        }
        (Some(last), false) => {
            services.push(last);
            let all: Vec<_> = services.iter().map(|part| format!("{}#{part}", file.display())).collect();
            let message = format!("several parts of {} are services", file.display());
            Err(Failure::usage(message).hint(format!("name one: {}", all.join(", "))))
        }
    }
}
