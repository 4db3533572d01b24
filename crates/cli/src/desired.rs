//! The services of several definitions as they shall be, beside what is there.

use std::collections::{BTreeMap, HashMap, HashSet};
use std::fs;
use std::path::{Path, PathBuf};

use svckit_core::definition::Program;
use svckit_core::name::ServiceName;
use svckit_core::native::Configured;
use svckit_manager::configurations::configurations;
use svckit_manager::install::InstallPlan;
use svckit_manager::plan::{self, Fate, Goal, Plan};
use svckit_recipe::{Definition, Diagnostics, Hosted, Platform, Runs, ServiceDefinition};

use crate::app::{App, Home, default_log};
use crate::apply::{self, Wanted};
use crate::args::{self, InstallOptions};
use crate::changes::{Field, View, fields};
use crate::checks;
use crate::definitions;
use crate::failure::Failure;
use crate::passwords;
use crate::pending;
use crate::several::each;
use crate::verbs::install;

/// What is wanted, what is there, and how the one becomes the other.
pub(crate) struct Desired {
    pub(crate) wanted: Vec<Wanted>,
    pub(crate) plan: Plan,
    /// Who is in these files no more, and in which they were.
    pub(crate) removed: Vec<(ServiceName, PathBuf)>,
    /// What an earlier run did not come to.
    pub(crate) pending: Vec<ServiceName>,
    state: PathBuf,
    platform: Platform,
}

/// What is asked for beside the definitions.
#[derive(Clone, Copy)]
pub(crate) struct Asked {
    /// Whether what came from the same files and is in them no more goes.
    pub(crate) prune: bool,
    /// Whether passwords are set anew.
    pub(crate) renew: bool,
    /// Whether the services belong to the files of their definitions; those of a text that is in no file belong to none.
    pub(crate) is_of_file: bool,
}

impl Desired {
    /// Reads the definitions, checks them against this machine and each other, and asks what is there; nothing is changed. With `renew` passwords are looked up that
    /// the definitions say the place of, and are to be set whatever else is the same.
    pub(crate) fn read(
        app: &mut App,
        arguments: &args::Desired,
        home: Home,
        renew: bool,
    ) -> Result<Self, Failure> {
        let definitions = read(app, arguments)?;
        let asked = Asked { prune: arguments.prune, renew, is_of_file: true };
        Self::of(app, &definitions, home, asked)
    }

    /// The same of definitions that were read and checked against this machine.
    pub(crate) fn of(
        app: &mut App,
        definitions: &[Definition],
        home: Home,
        asked: Asked,
    ) -> Result<Self, Failure> {
        let platform = app.surroundings.platform;
        install::refuse_unhosted(app, &home, definitions)?;
        let mut wanted = Vec::new();
        for definition in definitions {
            let options = InstallOptions::default();
            wanted.extend(install::wanted(platform, &home, definition, &options, None)?);
        }
        if !asked.is_of_file {
            wanted.iter_mut().for_each(Wanted::belong_to_no_file);
        }
        if asked.renew {
            passwords::look_up(app, &mut wanted, true)?;
        }
        let names: Vec<_> = wanted.iter().map(|wanted| wanted.service.name.clone()).collect();
        let present = configurations(app.backend()?, &names)?;
        let present_by_name: HashMap<String, &Configured> =
            present.iter().map(|one| (one.service.folded(), one)).collect();
        let wanted_names: HashSet<String> = names.iter().map(ServiceName::folded).collect();
        let mut files = Files::default();
        let removed = if asked.prune {
            let is_wanted = |one: &&Configured| wanted_names.contains(&one.service.folded());
            owned(definitions, present.iter().filter(|one| !is_wanted(one)), &mut files)
        } else {
            Vec::new()
        };
        let gone: HashSet<String> = removed.iter().map(|(name, _)| name.folded()).collect();
        depend_on_known(definitions, |name| {
            let key = name.folded();
            let is_seen = wanted_names.contains(&key) || present_by_name.contains_key(&key);
            // One that may not be read, or is a driver, was not told with the others.
            Ok(!gone.contains(&key) && (is_seen || checks::is_installed(app, name)?))
        })?;
        let mut plans = Vec::with_capacity(wanted.len());
        for wanted in &mut wanted {
            let present = present_by_name.get(&wanted.service.name.folded()).copied();
            plans.push(install_plan(&home, wanted, present, &mut files)?);
        }
        let mut pending = pending::read(&app.records(&home.directory))?;
        pending.retain(|name| present_by_name.contains_key(&name.folded()) && !gone.contains(&name.folded()));
        let names: Vec<_> = removed.iter().map(|(name, _)| name.clone()).collect();
        let goal = Goal { desired: &plans, removed: &names, pending: &pending };
        let plan = plan::plan(&goal, &present).map_err(|obstacle| Failure::usage(obstacle.to_string()))?;
        Ok(Self { wanted, plan, removed, pending, state: home.directory, platform })
    }

    /// What is another about a desired service.
    pub(crate) fn fields(&self, index: usize) -> Vec<Field> {
        match &self.plan.fates[index] {
            Fate::Keep => Vec::new(),
            Fate::Update { before, after } => {
                let view = |one: &Configured| {
                    View::new(&one.config, &one.optional, one.security.as_ref(), one.definition.as_deref())
                };
                fields(&view(before), &view(after))
            }
            Fate::Install => {
                let wanted = &self.wanted[index];
                fields(&self.plain(wanted), &view(wanted))
            }
        }
    }

    /// A service of that name whose definition says nothing: what differs from it is worth telling.
    fn plain(&self, wanted: &Wanted) -> View {
        let name = &wanted.service.name;
        let program = Program {
            command: Vec::new(),
            directory: PathBuf::new(),
            environment: BTreeMap::new(),
            environment_files: Vec::new(),
            secrets: Default::default(),
        };
        let runs = match wanted.service.binary_path() {
            Some(path) => Runs::BinaryPath(path.clone()),
            None => Hosted::new(program, self.platform).into(),
        };
        let service = ServiceDefinition::new(name.clone(), runs);
        let source = wanted.source().unwrap_or(Path::new(""));
        let host = service.host(&default_log(self.platform, &self.state, name), source);
        let (image_path, file) = (wanted.image_path.clone(), None);
        let plain = view(&Wanted { service, host, image_path, file, password: None });
        // That of a host is as every host's.
        if wanted.host.is_some() { plain } else { plain.without("image_path") }
    }
}

fn view(wanted: &Wanted) -> View {
    let config = wanted.service.config(wanted.image_path.clone());
    View::new(&config, &wanted.service.config2(), wanted.service.security.as_ref(), wanted.host.as_ref())
}

/// Every definition, whose services are there once.
fn read(app: &mut App, arguments: &args::Desired) -> Result<Vec<Definition>, Failure> {
    if let Some(part) =
        arguments.definitions.iter().find(|file| arguments.prune && definitions::is_part(file))
    {
        let message =
            format!("--prune takes whole files, and {} may have parts that are not meant", part.display());
        return Err(Failure::usage(message).hint("svc down removes the service of a part"));
    }
    let is_one = arguments.definitions.len() == 1;
    let mut all = Vec::new();
    each(app, &arguments.definitions, is_one, |app, file| {
        let mut definition = definitions::read(file)?;
        checks::where_it_runs(app, &mut definition)?;
        all.push(definition);
        Ok(())
    })?
    .end?;
    let mut first: HashMap<String, &Definition> = HashMap::new();
    let mut wrong = Vec::new();
    for definition in &all {
        for service in &definition.services {
            if let Some(other) = first.insert(service.name.folded(), definition) {
                let file = other.source.file().display();
                let message = format!("service {:?} is defined in {file} already", service.name.as_str());
                let help = "a service is defined once; name each file once".to_owned();
                wrong.push(definition.diagnostic(service.places.name, message, Some(help)));
            }
        }
    }
    Diagnostics::new(wrong).map_or(Ok(all), |wrong| Err(wrong.into()))
}

fn depend_on_known(
    definitions: &[Definition],
    mut is_known: impl FnMut(&ServiceName) -> Result<bool, Failure>,
) -> Result<(), Failure> {
    let mut wrong = Vec::new();
    for definition in definitions {
        wrong.extend(checks::unknown_dependencies(definition, &mut is_known)?);
    }
    Diagnostics::new(wrong).map_or(Ok(()), |wrong| Err(wrong.into()))
}

/// The services that came from these files.
fn owned<'a>(
    definitions: &[Definition],
    others: impl Iterator<Item = &'a Configured>,
    files: &mut Files,
) -> Vec<(ServiceName, PathBuf)> {
    let mut owned = Vec::new();
    for one in others {
        let source = one.definition.as_ref().and_then(|definition| definition.source.as_deref());
        let Some(source) = source else { continue };
        if definitions.iter().any(|definition| files.are_same(definition.source.file(), source)) {
            owned.push((one.service.clone(), source.to_owned()));
        }
    }
    owned
}

/// What is to be installed. Another name of the file that it came from is no difference.
fn install_plan(
    home: &Home,
    wanted: &mut Wanted,
    present: Option<&Configured>,
    files: &mut Files,
) -> Result<InstallPlan, Failure> {
    let Some(present) = present else { return Ok(apply::install_plan(wanted, None)) };
    let stored = present.definition.as_deref();
    apply::own(&wanted.service.name, (&present.config, stored), wanted.service.binary_path())?;
    apply::can_leave_host(home, wanted, &present.config)?;
    if let Some(host) = &mut wanted.host
        && let (Some(from), Some(source)) =
            (stored.and_then(|stored| stored.source.as_deref()), host.source.as_deref())
        && files.are_same(from, source)
    {
        host.source = Some(from.to_owned());
    }
    Ok(apply::install_plan(wanted, Some(&present.config)))
}

/// Which paths are the same file; each is asked for once.
#[derive(Default)]
struct Files(HashMap<PathBuf, Option<PathBuf>>);

impl Files {
    fn are_same(&mut self, one: &Path, other: &Path) -> bool {
        one == other || self.real(one).is_some_and(|real| self.real(other).is_some_and(|other| real == other))
    }

    /// Absent for a file that isn't there.
    fn real(&mut self, path: &Path) -> Option<PathBuf> {
        if let Some(known) = self.0.get(path) {
            return known.clone();
        }
        let real = fs::canonicalize(path).ok();
        self.0.insert(path.to_owned(), real.clone());
        real
    }
}
