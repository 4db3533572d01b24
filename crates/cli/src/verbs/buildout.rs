//! `svc buildout`: what a `buildout.cfg` says is brought about.

use std::fs::File;
use std::io::ErrorKind;
use std::path::{Path, PathBuf};

use serde::Serialize;
use svckit_recipe::Diagnostics;
use svckit_recipe::buildout::{Configuration, Files, Override};
use svckit_recipe::parts::{self, Action, Installed, Step};

use crate::app::App;
use crate::args::Buildout;
use crate::buildout::{self, ThisMachine};
use crate::builtin;
use crate::failure::{Failure, plain};

/// The word after which parts are named.
const INSTALL: &str = "install";

pub(crate) fn run(app: &mut App, arguments: &Buildout) -> Result<(), Failure> {
    let (overrides, only) = understood(&arguments.words)?;
    let configuration = buildout::configuration(&arguments.file, &overrides)?;
    let record = record(&configuration)?;
    let _lock = if arguments.dry_run { None } else { Some(lock(app, &record)?) };
    let installed = installed(&configuration)?;
    let steps = parts::plan(&configuration, &only, &installed, &ThisMachine, builtin::PLATFORM)?;
    let mut done = Vec::new();
    let end = steps.iter().try_for_each(|step| {
        go(app, step, arguments.dry_run)?;
        done.push(step);
        Ok(())
    });
    if app.ui.json {
        let reports: Vec<_> = done.into_iter().filter_map(StepReport::of).collect();
        app.ui.print_json(&reports)?;
    }
    end
}

/// The options and the parts that words on the command line name.
fn understood(words: &[String]) -> Result<(Vec<Override>, Vec<String>), Failure> {
    let end = words.iter().position(|word| !word.contains('='));
    let (options, rest) = words.split_at(end.unwrap_or(words.len()));
    let options = options.iter().map(|word| word.parse().map_err(|error| Failure::usage(format!("{error}"))));
    let parts = match rest {
        [] => &[],
        [word, parts @ ..] if word == INSTALL => parts,
        [word, ..] if word.contains(':') => {
            let error = word.parse::<Override>().err().map(|error| error.to_string());
            return Err(Failure::usage(error.unwrap_or_default()));
        }
        [word, ..] => {
            let hint = "after options (section:option=value) comes: install PART …";
            return Err(Failure::usage(format!("{word:?} is no option and no command")).hint(hint));
        }
    };
    Ok((options.collect::<Result<_, _>>()?, parts.to_vec()))
}

/// Where the record is, or would be if there shall be none; the folder is there.
fn record(configuration: &Configuration) -> Result<PathBuf, Failure> {
    let directory = configuration.directory();
    let record = configuration.installed().map_or_else(|| directory.join(".installed.cfg"), Path::to_owned);
    let folder = record.parent().unwrap_or(directory);
    if folder.is_dir() {
        return Ok(record);
    }
    let option = if folder == directory { "directory" } else { "installed" };
    let message = format!("there is no folder {}", folder.display());
    let help = Some("make it, or choose another".to_owned());
    Err(Diagnostics::from(configuration.diagnostic("buildout", option, message, help)).into())
}

/// One run at a time works on a record.
fn lock(app: &mut App, record: &Path) -> Result<File, Failure> {
    let mut name = record.to_owned().into_os_string();
    name.push(".lock");
    crate::lock::take(app, Path::new(&name), "waiting for another run")
}

fn installed(configuration: &Configuration) -> Result<Installed, Failure> {
    let Some(path) = configuration.installed() else { return Ok(Installed::default()) };
    match ThisMachine.read(path) {
        Ok(bytes) => Ok(Installed::read(path, &bytes)?),
        Err(error) if error.kind() == ErrorKind::NotFound => Ok(Installed::default()),
        Err(error) => Err(Failure::io(format!("cannot read {}", path.display()), error)),
    }
}

/// Tells a step, and carries it out unless it shall only be told.
fn go(app: &mut App, step: &Step, is_dry: bool) -> Result<(), Failure> {
    if let Some(line) = step.action.line().or_else(|| heading(step).filter(|_| is_dry)) {
        app.ui.say(line)?;
    }
    for warning in &step.warnings {
        app.ui.warn(warning)?;
    }
    for line in details(step) {
        if is_dry { app.ui.say(line)? } else { app.ui.detail(line)? }
    }
    let failed = |message, hint| {
        let operation = operation(&step.action);
        let doing = step.action.line().or_else(|| heading(step)).unwrap_or_else(|| format!("{operation}."));
        Failure::Step { operation, doing, message, hint }
    };
    if !is_dry {
        let done = step.carry_out(&mut ThisMachine);
        done.map_err(|error| failed(format!("{error}: {}", plain(&error.cause)), None))?;
    }
    step.failure.clone().map_or(Ok(()), |problem| Err(failed(problem.message, problem.help)))
}

/// What a step is called that has no line of its own.
fn heading(step: &Step) -> Option<String> {
    let text = match step.action {
        Action::CleanUp => "Cleaning up after a run that did not come to its end.",
        Action::Prepare => "Making folders.",
        Action::Forget => "Removing links to projects that are developed no more.",
        _ => return None,
    };
    Some(text.to_owned())
}

fn operation(action: &Action) -> &'static str {
    match action {
        Action::CleanUp => "clean up",
        Action::Prepare => "make folders",
        Action::Develop(_) | Action::Forget => "develop projects",
        Action::Uninstall(_) => "uninstall part",
        Action::Install(_) => "install part",
        Action::Update(_) => "update part",
        Action::Record => "record parts",
    }
}

fn details(step: &Step) -> Vec<String> {
    let line = |word: &'static str| move |path: &Path| format!("  {word} {}", path.display());
    let made = step.makes().map(line("make"));
    let removed = step.removes().map(line("remove"));
    made.chain(removed).chain(step.writes().map(line("write"))).collect()
}

#[derive(Serialize)]
struct StepReport<'a> {
    step: &'static str,
    part: Option<&'a str>,
    project: Option<&'a Path>,
    made: Vec<&'a Path>,
    written: Vec<&'a Path>,
    removed: Vec<&'a Path>,
    warnings: &'a [String],
}

impl<'a> StepReport<'a> {
    /// None for what only the record is about.
    fn of(step: &'a Step) -> Option<Self> {
        let (name, project) = match &step.action {
            Action::CleanUp => ("clean_up", None),
            Action::Prepare => ("prepare", None),
            Action::Develop(project) => ("develop", Some(project.as_path())),
            Action::Forget => ("forget", None),
            Action::Uninstall(_) => ("uninstall", None),
            Action::Install(_) => ("install", None),
            Action::Update(_) => ("update", None),
            Action::Record => return None,
        };
        Some(Self {
            step: name,
            part: step.action.part(),
            project,
            made: step.makes().collect(),
            written: step.writes().collect(),
            removed: step.removes().collect(),
            warnings: &step.warnings,
        })
    }
}
