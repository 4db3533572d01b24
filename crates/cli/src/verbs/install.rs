//! `svc install`, `update` and `remove`.

use std::path::Path;

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::error::Error;
use svckit_core::image_path::{HostImage, ImagePath};
use svckit_core::name::ServiceName;
use svckit_core::secret::Secret;
use svckit_core::sort;
use svckit_core::status::ServiceState;
use svckit_core::win32::Win32Error;
use svckit_recipe::{Definition, Diagnostics, Platform, Process, ServiceDefinition};

use crate::accounts;
use crate::app::{App, Home, Meant, all_meant, default_log};
use crate::apply::{self, Changes, Wanted};
use crate::args::{Install, InstallOptions, Jobs, Remove, Up, Verb};
use crate::builtin;
use crate::bulk::{self, Action, End};
use crate::checks;
use crate::definitions;
use crate::failure::Failure;
use crate::passwords;
use crate::report;
use crate::several::{Outcome, each};

/// The services of a file, checked against this machine and the service control manager.
pub(crate) struct Prepared {
    pub(crate) definition: Definition,
    pub(crate) wanted: Vec<Wanted>,
}

impl Prepared {
    pub(crate) fn names(&self) -> Vec<ServiceName> {
        self.definition.services.iter().map(|service| service.name.clone()).collect()
    }
}

pub(crate) fn install(app: &mut App, arguments: &Install) -> Result<(), Failure> {
    let prepared = prepare(app, &arguments.definition.definition, &arguments.options)?;
    let is_one = prepared.wanted.len() == 1;
    // None is installed unless all can be.
    each(app, &prepared.wanted, is_one, |app, wanted| is_free(app, &wanted.service))?.end?;
    let outcome = each(app, &prepared.wanted, is_one, |app, wanted| {
        apply::install(app, wanted)?;
        app.ui.say(format!("installed {}", wanted.service.name))
    })?;
    print_json(app, &outcome)?;
    outcome.end
}

/// Refuses a name that a service has already.
fn is_free(app: &mut App, service: &ServiceDefinition) -> Result<(), Failure> {
    let name = &service.name;
    let manager = app.manager(ManagerAccess::CONNECT)?;
    if !exists(&*manager, name)? {
        return Ok(());
    }
    apply::refuse_stranger(app, name, service.binary_path())?;
    let mut error = Error::new("install service", Win32Error::SERVICE_EXISTS).service(name.as_str());
    error.target = Some(app.backend()?.target());
    let failure = Failure::from(Box::new(error));
    Err(failure.hint("svc update brings it in line with the file, svc up does either"))
}

pub(crate) fn update(app: &mut App, arguments: &Install) -> Result<(), Failure> {
    let prepared = prepare(app, &arguments.definition.definition, &arguments.options)?;
    let manager = app.manager(ManagerAccess::CONNECT)?;
    let is_one = prepared.wanted.len() == 1;
    let outcome = each(app, &prepared.wanted, is_one, |app, wanted| {
        let name = &wanted.service.name;
        let changes = apply::update(app, wanted)?;
        say_changes(app, name, &changes)?;
        if changes.needs_restart && !is_stopped(&*manager, name)? {
            app.ui.say(format!("{name} runs as before until it is restarted: svc restart {name}"))?;
        }
        Ok(())
    })?;
    print_json(app, &outcome)?;
    outcome.end
}

pub(crate) fn remove(app: &mut App, arguments: &Remove) -> Result<(), Failure> {
    let all = all_meant(app, &arguments.services.services)?;
    let is_one = all.len() == 1;
    // What a file or a pattern names may be somebody else's.
    let own = each(app, all, is_one, |app, Meant { name, itself, binary_path }| match itself {
        true => Ok(()),
        false => apply::refuse_stranger(app, name, binary_path.as_ref()),
    })?;
    let names: Vec<_> = own.done.into_iter().map(|meant| meant.name).collect();
    let action = (Action::Remove { stop: arguments.stop }, arguments.services.jobs);
    take_away(app, &names, action, "removed", (is_one, own.end))
}

/// Removes services and says so; the `end` so far is that of what was looked at before.
pub(crate) fn take_away(
    app: &mut App,
    names: &[ServiceName],
    (action, jobs): (Action, Jobs),
    said: &str,
    (is_one, end): (bool, Result<(), Failure>),
) -> Result<(), Failure> {
    let mut gone = Vec::new();
    let ends = bulk::run(app, names, (action, jobs.at_a_time), &mut |app, name, end| match end {
        End::Done | End::AlreadySo => {
            gone.push(name.clone());
            app.ui.say(format!("{said} {name}"))
        }
        End::Failed(_) if is_one => Ok(()),
        End::Failed(failure) | End::LeftOut(failure) => Ok(failure.print(&mut app.ui)?),
    })?;
    sort::by_key(&mut gone, |name| names.iter().position(|other| other == name));
    let is_good = end.is_ok() && ends.iter().all(|end| matches!(end, End::Done | End::AlreadySo));
    if is_good || !gone.is_empty() {
        removed_json(app, &gone)?;
    }
    end.and(bulk::end(app, ends, is_one, "removed"))
}

/// What `svc remove` and `svc down` print as JSON.
fn removed_json(app: &mut App, names: &[ServiceName]) -> Result<(), Failure> {
    if !app.ui.json {
        return Ok(());
    }
    let gone: Vec<_> =
        names.iter().map(|name| serde_json::json!({ "name": name.as_str(), "removed": true })).collect();
    app.ui.print_json(&gone)
}

/// Reads a definition and resolves it against the world; nothing is changed.
pub(crate) fn prepare(app: &mut App, file: &Path, options: &InstallOptions) -> Result<Prepared, Failure> {
    let mut definition = definitions::read(file)?;
    checks::where_it_runs(app, &mut definition)?;
    let password = password(app, options)?;
    let home = app.home()?;
    refuse_unhosted(app, &home, std::slice::from_ref(&definition))?;
    checks::dependencies(app, &definition)?;
    let mut wanted = wanted(app.surroundings.platform, &home, &definition, options, password.as_ref())?;
    passwords::look_up(app, &mut wanted, options.renew_password)?;
    Ok(Prepared { definition, wanted })
}

/// Refuses programs that need a host where there is none.
pub(crate) fn refuse_unhosted(app: &mut App, home: &Home, definitions: &[Definition]) -> Result<(), Failure> {
    if home.program.is_some() {
        return Ok(());
    }
    let target = app.backend()?.target();
    let mut wrong = Vec::new();
    for definition in definitions {
        for service in definition.services.iter().filter(|service| service.hosted().is_some()) {
            let message = format!(
                "{:?} can't be hosted on {target}: what svckit is to run there can't be stored from afar, for Windows has no call for it",
                service.name.as_str()
            );
            let help = "write binary-path in place of run, if the program is a service itself; for any other run svc on that machine"
                .to_owned();
            wrong.push(definition.diagnostic(service.places.run, message, Some(help)));
        }
    }
    Diagnostics::new(wrong).map_or(Ok(()), |wrong| Err(wrong.into()))
}

/// The services of a definition as they shall be installed.
pub(crate) fn wanted(
    platform: Platform,
    home: &Home,
    definition: &Definition,
    options: &InstallOptions,
    password: Option<&Secret>,
) -> Result<Vec<Wanted>, Failure> {
    let file = definition.source.file();
    let one = |service: &ServiceDefinition| {
        let host = service.host(&default_log(platform, &home.directory, &service.name), file);
        let account = options.username.as_deref().or(service.account.as_deref());
        let service = ServiceDefinition {
            start: options.startup.map(Into::into).or(service.start),
            account: account.map(|account| accounts::written(home.platform(platform), account)),
            ..service.clone()
        };
        let image_path = image_path(platform, home, &service)?;
        Ok(Wanted { service, host, image_path, file: Some(file.to_owned()), password: password.cloned() })
    };
    definition.services.iter().map(one).collect()
}

/// The image path of a service: its own, or a program as its host. Services that share a process have the same one. On Windows one that doesn't is named in it, since a
/// process has to know what it can be before it is told what it is.
fn image_path(platform: Platform, home: &Home, service: &ServiceDefinition) -> Result<ImagePath, Failure> {
    if let Some(path) = service.binary_path() {
        return Ok(path.clone());
    }
    let Some(program) = &home.program else {
        return Err(Failure::usage(format!("there is nobody to host {}", service.name)));
    };
    let Some(program) = program.to_str() else {
        return Err(Failure::usage(format!("the path of this program is not UTF-8: {}", program.display())));
    };
    let is_named = platform == Platform::Windows && service.process == Process::Own;
    let host = HostImage { program: program.to_owned(), service: is_named.then(|| service.name.clone()) };
    host.to_image_path().map_err(|error| Failure::usage(error.to_string()))
}

fn password(app: &mut App, options: &InstallOptions) -> Result<Option<Secret>, Failure> {
    if options.password.is_some() {
        app.ui.warn("others can see --password in the list of processes; use --password-stdin")?;
        return Ok(options.password.clone());
    }
    match &options.password_read {
        Some(password) => Ok(Some(password.clone())),
        None if options.password_stdin => read_line().map(Some),
        None => Ok(None),
    }
}

/// Reads the password that a verb is to have from standard input, so that it may be run several times.
pub(crate) fn read_password(verb: &mut Verb) -> Result<(), Failure> {
    let options = match verb {
        Verb::Up(Up { options, .. }) => options,
        Verb::Install(arguments) | Verb::Update(arguments) => &mut arguments.options,
        _ => return Ok(()),
    };
    if options.password_stdin {
        options.password_read = Some(read_line()?);
    }
    Ok(())
}

fn read_line() -> Result<Secret, Failure> {
    let input =
        builtin::unbuffered_input().map_err(|error| Failure::io("cannot read the password", error))?;
    passwords::first_line(input)
}

pub(crate) fn exists(
    manager: &dyn svckit_core::backend::Manager,
    name: &ServiceName,
) -> Result<bool, Failure> {
    match manager.open_service(name.as_str(), ServiceAccess::QUERY_STATUS) {
        Ok(_) => Ok(true),
        Err(error) if error.code == Win32Error::SERVICE_DOES_NOT_EXIST => Ok(false),
        Err(error) if error.code == Win32Error::SERVICE_MARKED_FOR_DELETE => Ok(true),
        Err(error) => Err(error.into()),
    }
}

pub(crate) fn is_stopped(
    manager: &dyn svckit_core::backend::Manager,
    name: &ServiceName,
) -> Result<bool, Failure> {
    let service = manager.open_service(name.as_str(), ServiceAccess::QUERY_STATUS)?;
    Ok(service.status()?.state == ServiceState::STOPPED)
}

pub(crate) fn say_changes(app: &mut App, name: &ServiceName, changes: &Changes) -> Result<(), Failure> {
    app.ui.say(changed(name, changes))
}

/// What was changed, in words.
pub(crate) fn changed(name: &ServiceName, changes: &Changes) -> String {
    match changes.fields.is_empty() {
        true => format!("{name} is as the file says; nothing to change"),
        false => format!("updated {name}: {}", changes.fields.join(", ")),
    }
}

/// The services for which it was done, as `svc status` prints them.
fn print_json(app: &mut App, outcome: &Outcome<&Wanted>) -> Result<(), Failure> {
    if !app.ui.json || !outcome.is_worth_showing() {
        return Ok(());
    }
    let names: Vec<_> = outcome.done.iter().map(|wanted| wanted.service.name.clone()).collect();
    let (reports, first_error) = report::some(app, &names);
    report::print(&mut app.ui, &reports)?;
    first_error
}
