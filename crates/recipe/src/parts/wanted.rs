//! What a configuration wants, checked before anything is done.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::buildout::Configuration;
use crate::diagnostic::{Diagnostic, Diagnostics};
use crate::platform::Platform;
use crate::winservice::{self, Options, RECIPE};

use super::installed::InstalledPart;

/// What a configuration wants of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Wanted {
    /// The buildout's folder.
    pub(super) directory: PathBuf,
    /// The folder of scripts.
    pub(super) bin: PathBuf,
    /// The folder of parts.
    pub(super) parts_folder: PathBuf,
    /// The folder of links to developed projects.
    pub(super) eggs: PathBuf,
    /// The record of what is installed, if there shall be one.
    pub(super) installed: Option<PathBuf>,
    /// The interpreter for `.py` scripts.
    pub(super) python: Option<PathBuf>,
    /// What it is for.
    pub(super) platform: Platform,
    /// The value of `develop`.
    pub(super) develop: String,
    /// The parts, in the order of their installation.
    pub(super) parts: Vec<WantedPart>,
    /// Whether these were chosen: then the others stay as they are.
    pub(super) is_selection: bool,
}

/// A part that shall be installed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct WantedPart {
    /// The name of its section.
    pub(super) name: String,
    /// Its options with all substitutions made.
    pub(super) options: BTreeMap<String, String>,
}

impl Wanted {
    /// Reads a configuration. `only` are the parts that were chosen; empty: those that are listed.
    pub(super) fn of(
        configuration: &Configuration,
        only: &[String],
        platform: Platform,
    ) -> Result<Self, Diagnostics> {
        let value =
            |option: &str| Ok::<_, Diagnostic>(configuration.value("buildout", option)?.unwrap_or_default());
        let python = value("executable")?;
        let mut wanted = Self {
            directory: configuration.directory().to_owned(),
            bin: configuration.bin_directory().to_owned(),
            parts_folder: configuration.parts_directory().to_owned(),
            eggs: configuration.develop_eggs_directory().to_owned(),
            installed: configuration.installed().map(Path::to_owned),
            python: (!python.is_empty()).then(|| configuration.directory().join(python)),
            platform,
            develop: value("develop")?,
            parts: Vec::new(),
            is_selection: !only.is_empty(),
        };
        let names = if only.is_empty() { configuration.parts()? } else { only.to_vec() };
        let mut wrong = Vec::new();
        for name in names {
            if wanted.parts.iter().any(|part| part.name == name) {
                continue;
            }
            match WantedPart::of(configuration, &name, !only.is_empty()) {
                Ok(part) => {
                    wrong.extend(part.problem(&wanted, configuration));
                    wanted.parts.push(part);
                }
                Err(diagnostic) => wrong.push(diagnostic),
            }
        }
        Diagnostics::new(wrong).map_or(Ok(wanted), Err)
    }
}

impl WantedPart {
    fn of(configuration: &Configuration, name: &str, is_chosen: bool) -> Result<Self, Diagnostic> {
        let Some(options) = configuration.options(name) else {
            let listed = configuration.parts()?.join(", ");
            let (message, help) = if is_chosen {
                (format!("there is no part {name:?}"), format!("parts are {listed}"))
            } else {
                (
                    format!("part {name:?} is listed but has no section"),
                    format!("write a section [{name}], or take it out of parts"),
                )
            };
            return Err(configuration.diagnostic("buildout", "parts", message, Some(help)));
        };
        let options: Vec<String> = options.map(str::to_owned).collect();
        let mut values = BTreeMap::new();
        for option in options.into_iter().filter(|option| InstalledPart::is_recorded(option)) {
            if let Some(value) = configuration.value(name, &option)? {
                values.insert(option, value);
            }
        }
        let part = Self { name: name.to_owned(), options: values };
        match part.option("recipe").map(str::trim) {
            Some(RECIPE) => Ok(part),
            Some(recipe) => {
                let message = format!("part {name:?} has the recipe {recipe:?}, which svc doesn't have");
                let help =
                    format!("there is {RECIPE}; svc buildout install PART leaves the other parts alone");
                Err(configuration.diagnostic(name, "recipe", message, Some(help)))
            }
            None => {
                let help = Some(format!("write recipe = {RECIPE}"));
                Err(configuration.diagnostic(name, "recipe", format!("part {name:?} has no recipe"), help))
            }
        }
    }

    fn option(&self, name: &str) -> Option<&str> {
        self.options.get(name).map(String::as_str)
    }

    /// What the recipe is told.
    pub(super) fn recipe_options<'a>(&'a self, wanted: &'a Wanted) -> Options<'a> {
        Options {
            part: &self.name,
            runzope: self.option("runzope"),
            runscript: self.option("runscript"),
            parameters: self.option("parameters"),
            name: self.option("name"),
            description: self.option("description"),
            service_name: self.option("serviceName"),
            debug: self.option("debug"),
            directory: &wanted.directory,
            bin_directory: &wanted.bin,
            python: wanted.python.as_deref(),
            platform: wanted.platform,
        }
    }

    /// What is wrong with its options, whatever is on the disk.
    fn problem(&self, wanted: &Wanted, configuration: &Configuration) -> Option<Diagnostic> {
        let problem = winservice::plan(&self.recipe_options(wanted), |_| true).err()?;
        let option = problem.option.unwrap_or("recipe");
        Some(configuration.diagnostic(&self.name, option, problem.message, problem.help))
    }
}
