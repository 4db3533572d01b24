//! From what is wanted and what is there to the steps between them.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::buildout::Configuration;
use crate::diagnostic::Diagnostics;
use crate::file::plain;
use crate::platform::Platform;
use crate::winservice::{self, Outcome, Problem, SCRIPT_FILE};

use super::develop::{self, Link};
use super::installed::{Installed, InstalledPart};
use super::machine::{Kind, Machine};
use super::step::{Action, Operation, Step, temporary};
use super::wanted::{Wanted, WantedPart};

/// What made a part. Another version of this uninstalls and installs all parts.
const SIGNATURE: &str = "svckit-winservice-1";

/// Decides what is to be done to bring the machine in line with a configuration. `only` are the parts that were chosen, which leaves the others as they are;
/// without any, all that are listed are installed and the others uninstalled.
///
/// # Errors
/// All that is wrong with the configuration, and a folder that can't be developed. What is wrong with the machine ends the plan with a step that fails.
pub fn plan(
    configuration: &Configuration,
    only: &[String],
    installed: &Installed,
    machine: &dyn Machine,
    platform: Platform,
) -> Result<Vec<Step>, Diagnostics> {
    let wanted = Wanted::of(configuration, only, platform)?;
    let links = develop::links(&wanted.develop, &wanted.directory, &wanted.eggs, machine);
    let links = links
        .map_err(|error| configuration.diagnostic("buildout", "develop", error.to_string(), error.help()))?;
    Ok(Planner::new(&wanted, installed, machine).plan(&links))
}

pub(super) struct Planner<'a> {
    wanted: &'a Wanted,
    machine: &'a dyn Machine,
    /// What will be installed after the steps so far.
    state: Installed,
    /// What will be recorded then.
    recorded: Installed,
    /// Files that will be there then, and were not.
    made: BTreeSet<PathBuf>,
    /// Files that will be gone then.
    gone: BTreeSet<PathBuf>,
    steps: Vec<Step>,
}

/// A file that a part makes.
struct Made {
    path: PathBuf,
    content: Vec<u8>,
}

impl<'a> Planner<'a> {
    pub(super) fn new(wanted: &'a Wanted, installed: &Installed, machine: &'a dyn Machine) -> Self {
        let mut state = installed.clone();
        // Those that zc.buildout recorded may be relative.
        let parts = state.parts.iter_mut().flat_map(|part| &mut part.files);
        for file in parts.chain(&mut state.develop_links).chain(&mut state.unfinished) {
            *file = wanted.directory.join(&*file);
        }
        let recorded = state.clone();
        let (made, gone) = (BTreeSet::new(), BTreeSet::new());
        Self { wanted, machine, state, recorded, made, gone, steps: Vec::new() }
    }

    pub(super) fn plan(mut self, links: &[Link]) -> Vec<Step> {
        self.clean_up();
        self.prepare();
        self.develop(links);
        self.uninstall_what_changed();
        for part in &self.wanted.parts {
            let is_installed = self.state.part(&part.name).is_some();
            let step = if is_installed { self.update(part) } else { self.install(part) };
            let is_end = step.failure.is_some();
            self.steps.push(step);
            if is_end {
                break;
            }
        }
        self.settle();
        self.steps
    }

    /// Records what no step has recorded yet; before a failure, since nothing comes after it.
    fn settle(&mut self) {
        if self.state == self.recorded {
            return;
        }
        let record = self.record();
        match self.steps.last_mut() {
            Some(last) if last.failure.is_some() => last.operations.extend(record),
            _ => self.steps.push(Step::new(Action::Record, record.into_iter().collect())),
        }
    }

    /// Removes what an earlier run left unfinished, and what it left of the record.
    fn clean_up(&mut self) {
        let unfinished = std::mem::take(&mut self.state.unfinished);
        let mut operations: Vec<_> = unfinished.iter().cloned().map(Operation::Remove).collect();
        let half = self.wanted.installed.as_deref().map(temporary);
        operations.extend(half.filter(|half| self.machine.kind(half).is_some()).map(Operation::Remove));
        if !unfinished.is_empty() {
            operations.extend(self.record());
        }
        self.gone.extend(unfinished);
        if !operations.is_empty() {
            self.steps.push(Step::new(Action::CleanUp, operations));
        }
    }

    fn prepare(&mut self) {
        let wanted = self.wanted;
        let folders = [&wanted.bin, &wanted.parts_folder, &wanted.eggs];
        let missing = folders.into_iter().filter(|folder| self.machine.kind(folder) != Some(Kind::Folder));
        let operations: Vec<_> = missing.cloned().map(Operation::MakeFolder).collect();
        if !operations.is_empty() {
            self.steps.push(Step::new(Action::Prepare, operations));
        }
    }

    /// New links are recorded before they are made, obsolete ones until they are gone.
    fn develop(&mut self, links: &[Link]) {
        let new: Vec<_> = links.iter().map(|link| link.path.clone()).collect();
        let (kept, obsolete): (Vec<_>, Vec<_>) =
            self.state.develop_links.drain(..).partition(|link| new.contains(link));
        let is_recorded = new.iter().all(|link| kept.contains(link));
        let mut first = Vec::new();
        if !is_recorded {
            self.state.develop_links = new.iter().chain(&obsolete).cloned().collect();
            first.extend(self.record());
        }
        for link in links {
            let mut operations = std::mem::take(&mut first);
            operations.extend(self.bring(&link.path, link.content.as_bytes(), false));
            self.steps.push(Step::new(Action::Develop(link.project.clone()), operations));
        }
        self.state.develop_links = new;
        if !obsolete.is_empty() {
            let mut operations: Vec<_> = obsolete.into_iter().map(Operation::Remove).collect();
            operations.extend(self.record());
            self.steps.push(Step::new(Action::Forget, operations));
        }
    }

    fn uninstall_what_changed(&mut self) {
        for old in self.state.parts.clone().iter().rev() {
            let is_kept = match self.wanted.parts.iter().find(|part| part.name == old.name) {
                Some(part) => !self.is_changed(old, part),
                None => self.wanted.is_selection,
            };
            if !is_kept {
                let step = self.uninstall(old, Action::Uninstall(old.name.clone()));
                self.steps.push(step);
            }
        }
    }

    fn is_changed(&self, old: &InstalledPart, new: &WantedPart) -> bool {
        let is_other = || {
            let Ok(outcome) = self.outcome(new) else { return false };
            let paths: BTreeSet<_> = self.paths(&outcome).into_iter().collect();
            paths != old.files.iter().cloned().collect()
        };
        old.options != new.options
            || old.signature != SIGNATURE
            || old.files.iter().any(|file| !self.is_there(file))
            || is_other()
    }

    /// Removes exactly the files that a part installed, unless another has them too.
    fn uninstall(&mut self, old: &InstalledPart, action: Action) -> Step {
        self.state.parts.retain(|part| part.name != old.name);
        let mut warnings = Vec::new();
        let mut files = Vec::new();
        for file in old.files.iter().rev() {
            if self.state.parts.iter().any(|part| part.files.contains(file)) {
                continue;
            }
            let is_folder = self.machine.kind(file) == Some(Kind::Folder);
            if is_folder && self.machine.names(file).map_or(true, |names| !names.is_empty()) {
                warnings.push(format!("{} is a folder with something in it, and stays", file.display()));
            } else {
                files.push(file.clone());
            }
        }
        let mut operations = Vec::new();
        if !files.is_empty() {
            self.state.unfinished = files.clone();
            operations.extend(self.record());
            self.state.unfinished.clear();
        }
        self.made.retain(|file| !files.contains(file));
        self.gone.extend(files.iter().cloned());
        // That they are gone is recorded with whatever comes next.
        operations.extend(files.into_iter().map(Operation::Remove));
        Step { warnings, ..Step::new(action, operations) }
    }

    fn install(&mut self, part: &WantedPart) -> Step {
        let action = Action::Install(part.name.clone());
        let (outcome, files) = match self.files(part) {
            Ok(found) => found,
            Err(failure) => return Step { failure: Some(failure), ..Step::new(action, Vec::new()) },
        };
        if let Some(failure) = files.iter().find_map(|file| self.stranger(file)) {
            return Step { failure: Some(failure), ..Step::new(action, Vec::new()) };
        }
        let undo = self.record().into_iter().collect();
        let paths: Vec<_> = files.iter().map(|file| file.path.clone()).collect();
        self.state.unfinished.clone_from(&paths);
        let mut operations: Vec<_> = self.record().into_iter().collect();
        operations.extend(files.into_iter().map(|file| Operation::Write {
            path: file.path,
            content: file.content,
            is_lasting: true,
        }));
        self.made.extend(paths.iter().cloned());
        self.state.unfinished.clear();
        self.state.parts.push(InstalledPart {
            name: part.name.clone(),
            options: part.options.clone(),
            signature: SIGNATURE.to_owned(),
            files: paths,
        });
        operations.extend(self.record());
        Step { undo, warnings: self.warnings(&outcome), ..Step::new(action, operations) }
    }

    /// Brings the files of a part up to date. One that can't be is uninstalled, as zc.buildout does it.
    fn update(&mut self, part: &WantedPart) -> Step {
        let action = Action::Update(part.name.clone());
        let at = self.state.parts.iter().position(|old| old.name == part.name);
        let old = at.map(|at| self.state.parts.remove(at)).unwrap_or_default();
        match self.files(part) {
            Ok((outcome, files)) => {
                let operations =
                    files.iter().flat_map(|file| self.bring(&file.path, &file.content, true)).collect();
                self.state.parts.push(old);
                Step { warnings: self.warnings(&outcome), ..Step::new(action, operations) }
            }
            Err(failure) => Step { failure: Some(failure), ..self.uninstall(&old, action) },
        }
    }

    /// What gives a file its content, if it has another, and takes away what a run left that was about to.
    fn bring(&self, path: &Path, content: &[u8], is_lasting: bool) -> Option<Operation> {
        let is_same = self.machine.read(path).is_ok_and(|there| there == content);
        if !is_same || self.gone.contains(path) {
            return Some(Operation::Write { path: path.to_owned(), content: content.to_vec(), is_lasting });
        }
        let half = temporary(path);
        self.machine.kind(&half).is_some().then_some(Operation::Remove(half))
    }

    fn outcome(&self, part: &WantedPart) -> Result<Outcome, Problem> {
        let is_file = |path: &Path| {
            self.made.contains(path) || self.machine.kind(path) == Some(Kind::File) && self.is_there(path)
        };
        winservice::plan(&part.recipe_options(self.wanted), is_file)
    }

    /// The files that a part makes: the script first.
    fn paths(&self, outcome: &Outcome) -> Vec<PathBuf> {
        let script = self.wanted.bin.join(SCRIPT_FILE);
        std::iter::once(script).chain(outcome.debug_copy.as_ref().map(|copy| copy.to.clone())).collect()
    }

    fn files(&self, part: &WantedPart) -> Result<(Outcome, Vec<Made>), Problem> {
        let outcome = self.outcome(part)?;
        let mut contents = vec![winservice::script(&outcome.variables).into_bytes()];
        if let Some(copy) = &outcome.debug_copy {
            let original = self.machine.read(&copy.from).map_err(|error| {
                problem(format!("cannot read {}: {}", copy.from.display(), plain(&error)), None)
            })?;
            let name = copy.from.file_name().unwrap_or_default().to_string_lossy();
            contents.push(winservice::debug_copy(&original, &name));
        }
        let files = self.paths(&outcome).into_iter().zip(contents);
        let files = files.map(|(path, content)| Made { path, content }).collect();
        Ok((outcome, files))
    }

    fn is_there(&self, path: &Path) -> bool {
        self.made.contains(path) || self.machine.kind(path).is_some() && !self.gone.contains(path)
    }

    /// Why a file can't be made: something is there that is not of our making.
    fn stranger(&self, file: &Made) -> Option<Problem> {
        let path = &file.path;
        if let Some(other) = self.state.parts.iter().find(|part| part.files.contains(path)) {
            let message = format!("{} is made by part {:?} already", path.display(), other.name);
            let help = "a service of svc's own needs no script: svc up buildout.cfg#PART";
            return Some(problem(message, Some(help)));
        }
        if !self.is_there(path) {
            return None;
        }
        let is_generated = self.machine.read(path).is_ok_and(|there| {
            // The original recipe doesn't record its copies.
            winservice::read(path, &there).is_ok()
                || String::from_utf8_lossy(&there).contains("servicemanager.LogErrorMsg")
        });
        let message = || format!("{} is there and was not made by a part", path.display());
        (!is_generated).then(|| problem(message(), Some("move it away")))
    }

    fn warnings(&self, outcome: &Outcome) -> Vec<String> {
        let exe = &outcome.variables.pythonservice_exe;
        let python = self.wanted.python.as_deref().and_then(Path::parent);
        // pywin32 moves it there when the first service is installed.
        let moved = python.map(|folder| folder.join("pythonservice.exe"));
        let mut places = [Some(PathBuf::from(exe)), moved].into_iter().flatten();
        let is_fine = self.wanted.platform != Platform::Windows
            || places.any(|place| self.machine.kind(&place) == Some(Kind::File));
        if is_fine {
            return Vec::new();
        }
        let script = self.wanted.bin.join(SCRIPT_FILE);
        let missing =
            if exe.is_empty() { "there is no Python".to_owned() } else { format!("{exe} is missing") };
        let script = script.display();
        vec![format!("{missing}: {script} needs pywin32 to run as a service; svc install {script} doesn't")]
    }

    /// Records what will be installed, unless nothing shall be recorded.
    fn record(&mut self) -> Option<Operation> {
        self.recorded = self.state.clone();
        let content = (!self.state.is_empty()).then(|| self.state.to_string().into_bytes());
        self.wanted.installed.clone().map(|path| Operation::Record { path, content })
    }
}

/// Something wrong with the machine.
fn problem(message: String, help: Option<&str>) -> Problem {
    Problem { option: None, message, help: help.map(str::to_owned) }
}
