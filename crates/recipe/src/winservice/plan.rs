//! From a part's options to what the service script is made of.

use std::path::{Path, PathBuf};

use svckit_core::name::{DisplayName, ServiceName};

use super::{Variables, name, path};
use crate::definition::{DESCRIPTION_HELP, checked_description};
use crate::platform::Platform;

/// What the recipe is told of a part. An option that isn't there is `None`.
#[derive(Debug, Clone, Copy)]
pub struct Options<'a> {
    /// The part's name.
    pub part: &'a str,
    /// A start script by the name of its entry point.
    pub runzope: Option<&'a str>,
    /// The path of a `.py` script or a program.
    pub runscript: Option<&'a str>,
    /// What follows on the command line.
    pub parameters: Option<&'a str>,
    /// The display name.
    pub name: Option<&'a str>,
    /// The description.
    pub description: Option<&'a str>,
    /// `serviceName`: the key name.
    pub service_name: Option<&'a str>,
    /// Whether a copy of the script is run that logs its exception.
    pub debug: Option<&'a str>,
    /// The buildout's folder, absolute.
    pub directory: &'a Path,
    /// The folder of scripts, absolute.
    pub bin_directory: &'a Path,
    /// The interpreter that runs `.py` scripts, absolute; absent: none was found.
    pub python: Option<&'a Path>,
    /// The system that the service is for.
    pub platform: Platform,
}

/// What the recipe makes of a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Outcome {
    /// The variables of the script.
    pub variables: Variables,
    /// The script that the options name, which `variables.script` is unless it is the debug copy.
    pub start_script: PathBuf,
    /// The copy to be made.
    pub debug_copy: Option<DebugCopy>,
}

/// A copy of a script that logs its exception ([`debug_copy`](super::debug_copy)).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DebugCopy {
    /// The script.
    pub from: PathBuf,
    /// The copy, beside it.
    pub to: PathBuf,
}

/// Something wrong with a part.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Problem {
    /// The option that it is about; absent when it is about the part as a whole.
    pub option: Option<&'static str>,
    /// What is wrong.
    pub message: String,
    /// What would be right.
    pub help: Option<String>,
}

impl Outcome {
    /// The variables for svckit's own host, which runs the script itself: it keeps what a script says when it fails, so it needs no debug copy.
    pub fn native_variables(&self) -> Variables {
        Variables { script: self.start_script.to_string_lossy().into_owned(), ..self.variables.clone() }
    }
}

impl Problem {
    /// What is to be run isn't there.
    pub fn missing_script(script: &str, platform: Platform) -> Self {
        let message = format!("App start script {script} does not exist.");
        let help = (platform == Platform::Unix && script.contains('\\'))
            .then(|| "on this system folders are separated by /".to_owned());
        Self { option: None, message, help }
    }

    fn new(option: &'static str, message: impl Into<String>, help: impl Into<String>) -> Self {
        Self { option: Some(option), message: message.into(), help: Some(help.into()) }
    }
}

/// Decides what a part's service script is made of. `is_file` tells which files are there.
///
/// # Errors
/// The first thing that is wrong with the part.
pub fn plan(options: &Options<'_>, is_file: impl Fn(&Path) -> bool) -> Result<Outcome, Problem> {
    let platform = options.platform;
    let directory = text("directory", options.directory)?;
    let (option, script) = start_script(options, directory)?;
    if !is_file(Path::new(&script)) {
        return Err(Problem { option: Some(option), ..Problem::missing_script(&script, platform) });
    }
    let is_python = is_python_script(platform, &script);
    let python = options.python.map(|python| text("executable", python)).transpose()?;
    if is_python && python.is_none() {
        let help = "write executable = PATH in [buildout]";
        return Err(Problem::new(option, format!("there is no Python to run {script} with"), help));
    }
    let debug = is_python && is_on(options.debug)?;
    let copy = debug.then(|| debug_name(&script));
    let variables = Variables {
        pythonservice_exe: python.map_or_else(String::new, |python| pythonservice(platform, python)),
        python: python.filter(|_| is_python).unwrap_or_default().to_owned(),
        script: copy.clone().unwrap_or_else(|| script.clone()),
        parameters: one_line(options.parameters.unwrap_or_default()),
        service_name: service_name(options, &script)?,
        service_display_name: display_name(options)?,
        service_description: description(options, &script)?,
        instance_home: directory.to_owned(),
    };
    let start_script = PathBuf::from(script);
    let debug_copy = copy.map(|to| DebugCopy { from: start_script.clone(), to: to.into() });
    Ok(Outcome { variables, start_script, debug_copy })
}

/// The absolute path of what is to be run, and the option that says so.
fn start_script(options: &Options<'_>, directory: &str) -> Result<(&'static str, String), Problem> {
    let platform = options.platform;
    match (given(options.runzope), given(options.runscript)) {
        (None, None) => {
            let message = format!("part {:?} has neither runzope nor runscript", options.part);
            let help = "write runzope = NAME for a start script in bin, or runscript = PATH for a .py script or a program";
            Err(Problem { option: None, message, help: Some(help.to_owned()) })
        }
        (Some(_), Some(_)) => {
            let message = format!("part {:?} has both runzope and runscript", options.part);
            Err(Problem::new("runscript", message, "remove one of them"))
        }
        (Some(runzope), None) => {
            let name = start_script_name(runzope);
            let folder = if runzope.contains(['/', '\\']) {
                directory
            } else {
                text("bin-directory", options.bin_directory)?
            };
            Ok(("runzope", path::absolute(platform, folder, &name)))
        }
        (None, Some(runscript)) => Ok(("runscript", path::absolute(platform, directory, runscript))),
    }
}

/// The file of an entry point: `app` and `app.py` are `app-script.py`.
fn start_script_name(runzope: &str) -> String {
    const ENDING: &str = "-script.py";
    if runzope.ends_with(ENDING) {
        return runzope.to_owned();
    }
    format!("{}{ENDING}", runzope.strip_suffix(".py").unwrap_or(runzope))
}

fn is_python_script(platform: Platform, script: &str) -> bool {
    match platform {
        Platform::Unix => script.ends_with(".py"),
        Platform::Windows => script.to_ascii_lowercase().ends_with(".py"),
    }
}

/// Where pywin32 has its service program in an installation of Python.
fn pythonservice(platform: Platform, python: &str) -> String {
    let (folder, _) = path::split(platform, python);
    path::below(platform, folder, &["Lib", "site-packages", "win32", "pythonservice.exe"])
}

/// The copy's path: `app-script.py` and `app.py` have `app-servicedebug.py`.
fn debug_name(script: &str) -> String {
    let stem = &script[..script.len() - ".py".len()];
    format!("{}-servicedebug.py", stem.strip_suffix("-script").unwrap_or(stem))
}

fn is_on(debug: Option<&str>) -> Result<bool, Problem> {
    let Some(word) = given(debug) else { return Ok(false) };
    match word.to_ascii_lowercase().as_str() {
        "true" | "yes" | "on" | "1" => Ok(true),
        "false" | "no" | "off" | "0" => Ok(false),
        _ => Err(Problem::new(
            "debug",
            format!("debug can't be {word:?}"),
            "write debug = true or debug = false",
        )),
    }
}

fn service_name(options: &Options<'_>, script: &str) -> Result<String, Problem> {
    let Some(given) = given(options.service_name) else { return Ok(name::derived(script, options.platform)) };
    let help = "a service's name has 1 to 256 characters, without / and \\";
    let name =
        ServiceName::new(given).map_err(|error| Problem::new("serviceName", error.to_string(), help))?;
    Ok(name.as_str().to_owned())
}

fn display_name(options: &Options<'_>) -> Result<String, Problem> {
    let name = given(options.name).map_or_else(|| format!("Zope3 {}", options.part), str::to_owned);
    let help = "a display name has 1 to 256 characters";
    let name = DisplayName::new(name).map_err(|error| Problem::new("name", error.to_string(), help))?;
    Ok(name.as_str().to_owned())
}

fn description(options: &Options<'_>, script: &str) -> Result<String, Problem> {
    let default = || format!("Zope3 windows service for {}, using {script}", options.part);
    let description = options.description.map_or_else(default, str::to_owned);
    checked_description(&description)
        .map_err(|message| Problem::new("description", message, DESCRIPTION_HELP))?;
    Ok(description)
}

/// An option without a value is one that isn't there.
fn given(value: Option<&str>) -> Option<&str> {
    value.map(str::trim).filter(|value| !value.is_empty())
}

/// Parameters may stand on several lines of the file; a command line has one.
fn one_line(parameters: &str) -> String {
    parameters.lines().map(str::trim).filter(|line| !line.is_empty()).collect::<Vec<_>>().join(" ")
}

fn text<'a>(option: &'static str, path: &'a Path) -> Result<&'a str, Problem> {
    path.to_str().ok_or_else(|| Problem {
        option: None,
        message: format!("{option} is {path:?}, which is not Unicode and can't be written into a script"),
        help: None,
    })
}
