//! `svc dsc`: the command behind the resource `Svckit/Service` of Microsoft DSC v3, see `docs/tasks/dsc.md`.
//!
//! What DSC hands to a resource and reads from it is as its documentation has it in the version 3.1 ("Command-based DSC Resource manifest schema reference" and
//! "DSC resource operation stdout"): the instance as JSON on standard input, states as one JSON object in a line, what differs as an array in the next, and lines
//! `{"error": …}` and `{"warn": …}` on standard error.

mod instance;
mod manifest;
mod outcome;
mod tables;

use std::io::{self, Read};

use svckit_core::image_path::ImagePath;
use svckit_core::name::{ServiceName, fold};
use svckit_core::pattern::{NamePattern, is_pattern};
use svckit_recipe::Definition;

use crate::app::App;
use crate::apply::refuse_stranger;
use crate::args::{Dsc, Jobs};
use crate::bulk::{self, AT_A_TIME, Action};
use crate::checks;
use crate::desired::{Asked, Desired};
use crate::failure::Failure;
use crate::pending::Record;
use crate::ui::Detail;
use crate::verbs::{export, plan};
use instance::{Instance, State, Wished};
use outcome::{Present, differing, expected, present};

/// The largest input that is read.
const MAX_INPUT: u64 = 1 << 20;

/// Runs an operation; its input is on standard input.
pub(crate) fn run(app: &mut App, operation: &Dsc) -> Result<(), Failure> {
    let input = match operation {
        Dsc::Schema | Dsc::Manifest => String::new(),
        _ => input()?,
    };
    operate(app, operation, &input)
}

/// Runs an operation with its input.
pub(crate) fn operate(app: &mut App, operation: &Dsc, input: &str) -> Result<(), Failure> {
    // With --json errors are objects as everywhere; else they are for DSC.
    app.ui.traces = !app.ui.json;
    // Nothing but the answer may be on standard output.
    app.ui.detail = Detail::Quiet;
    match operation {
        Dsc::Schema => app.ui.print_json(&manifest::schema()),
        Dsc::Manifest => Ok(app.ui.out().write_all(manifest::text().as_bytes())?),
        Dsc::Export => all(app, input),
        Dsc::Get => {
            let name = Instance::read(input)?.name;
            let present = present(app, &name)?;
            app.ui.print_json(&present.state(&name))
        }
        Dsc::Test => test(app, &Instance::read(input)?),
        Dsc::WhatIf => what_if(app, &Instance::read(input)?),
        Dsc::Set => set(app, &Instance::read(input)?),
        Dsc::Delete => {
            let instance = Instance::read(input)?;
            let present = present(app, &instance.name)?;
            remove(app, &instance, &present)
        }
    }
}

fn input() -> Result<String, Failure> {
    let mut bytes = Vec::new();
    let read = io::stdin().lock().take(MAX_INPUT + 1).read_to_end(&mut bytes);
    read.map_err(|error| Failure::io("cannot read the instance on standard input", error))?;
    if bytes.len() as u64 > MAX_INPUT {
        return Err(Failure::usage("the instance on standard input is larger than 1 MiB"));
    }
    String::from_utf8(bytes).map_err(|_| Failure::usage("the instance on standard input is not UTF-8"))
}

/// Prints the services that svckit hosts and whose names are like that of the input, if it has one, each in a line.
fn all(app: &mut App, input: &str) -> Result<(), Failure> {
    let wanted = match input.trim() {
        "" => None,
        _ => Some(instance::filter(input)?),
    };
    let is_wanted = |name: &str| match &wanted {
        Some(text) if is_pattern(text) => NamePattern::new(text).matches(name),
        Some(text) => fold(text) == fold(name),
        None => true,
    };
    let names = export::hosted(app, is_wanted)?;
    let mut end = Ok(());
    for name in names {
        let outcome = export::installed(app, &name)
            .and_then(|installed| export::refuse_secrets(&installed.definition))
            .map_err(|failure| match failure {
                Failure::Usage { .. } => {
                    failure.hint("as NAME = { file = \"…\" } they would be in no definition")
                }
                other => other,
            })
            .and_then(|()| present(app, &name));
        match outcome {
            Ok(present) => app.ui.print_json(&present.state(&name))?,
            // What is left out is told, and is no reason to say nothing of the others.
            Err(failure) => {
                end = end.and(Err(Failure::Told(failure.status())));
                failure.print(&mut app.ui)?;
            }
        }
    }
    end
}

fn test(app: &mut App, instance: &Instance) -> Result<(), Failure> {
    let present = present(app, &instance.name)?;
    let desired = desired(app, instance, &present)?;
    let differing = differing(instance, &present, desired.as_ref());
    let mut state = present.state(&instance.name);
    state.in_desired_state = Some(differing.is_empty());
    app.ui.print_json(&state)?;
    app.ui.print_json(&differing)
}

fn what_if(app: &mut App, instance: &Instance) -> Result<(), Failure> {
    let present = present(app, &instance.name)?;
    instance.can_be(&present)?;
    let desired = desired(app, instance, &present)?;
    let differing = differing(instance, &present, desired.as_ref());
    let state = expected(app, instance, &present, desired.as_ref())?;
    app.ui.print_json(&state)?;
    app.ui.print_json(&differing)
}

fn set(app: &mut App, instance: &Instance) -> Result<(), Failure> {
    if !app.waits() {
        let failure =
            Failure::usage("svc dsc set can't go on without waiting: it tells how the service is then");
        return Err(failure.hint("leave --wait 0 out"));
    }
    let found = present(app, &instance.name)?;
    instance.can_be(&found)?;
    let differing =
        if instance.exist { bring_about(app, instance, &found)? } else { gone(app, instance, &found)? };
    let state = present(app, &instance.name)?.state(&instance.name);
    app.ui.print_json(&state)?;
    app.ui.print_json(&differing)
}

fn gone(app: &mut App, instance: &Instance, found: &Present) -> Result<Vec<&'static str>, Failure> {
    remove(app, instance, found)?;
    Ok(differing(instance, found, None))
}

/// Installs or changes the service, and has it run or not; which properties were other ones.
fn bring_about(app: &mut App, instance: &Instance, found: &Present) -> Result<Vec<&'static str>, Failure> {
    let name = &instance.name;
    let is_to_stop =
        instance.state == Some(Wished::Stopped) && found.state.is_some_and(|state| state != State::Stopped);
    if instance.definition.is_none() {
        let differing = differing(instance, found, None);
        if is_to_stop {
            act(app, name, Action::Stop)?;
        }
        return started(app, instance).map(|()| differing);
    }
    let home = app.home()?;
    let records = app.records(&home.directory);
    let record = Record::lock(app, &records)?;
    // What was found before the lock may be another run's middle.
    let found = &present(app, name)?;
    let Some(mut desired) = desired(app, instance, found)? else { return Ok(Vec::new()) };
    let differing = differing(instance, found, Some(&desired));
    if is_to_stop && found.state.is_some_and(|state| state != State::Stopped) {
        act(app, name, Action::Stop)?;
        // One that is stopped needs no restart.
        if let Some(anew) = self::desired(app, instance, found)? {
            desired = anew;
        }
    }
    plan::bring_about(app, &mut desired, record, Jobs { at_a_time: AT_A_TIME })?.end?;
    started(app, instance).map(|()| differing)
}

/// Starts the service if it is to run and doesn't.
fn started(app: &mut App, instance: &Instance) -> Result<(), Failure> {
    if instance.state == Some(Wished::Running)
        && present(app, &instance.name)?.state.is_some_and(|state| state != State::Running)
    {
        act(app, &instance.name, Action::Start(Vec::new()))?;
    }
    Ok(())
}

fn remove(app: &mut App, instance: &Instance, found: &Present) -> Result<(), Failure> {
    if found.state.is_none() {
        return Ok(());
    }
    let definition = instance.definition(app.surroundings.platform)?;
    refuse_stranger(app, &instance.name, definition.as_ref().and_then(binary_path))?;
    act(app, &instance.name, Action::Remove { stop: true })
}

fn act(app: &mut App, name: &ServiceName, action: Action) -> Result<(), Failure> {
    let done = action.done();
    let names = std::slice::from_ref(name);
    let ends = bulk::run(app, names, (action, AT_A_TIME), &mut |_, _, _| Ok(()))?;
    bulk::end(app, ends, true, done)
}

/// The definition of the instance beside what is there; absent if it has none, or is not to be there.
fn desired(app: &mut App, instance: &Instance, present: &Present) -> Result<Option<Desired>, Failure> {
    let Some(definition) = instance.definition(app.surroundings.platform)?.filter(|_| instance.exist) else {
        return Ok(None);
    };
    if present.state.is_some() {
        refuse_stranger(app, &instance.name, binary_path(&definition))?;
    }
    let home = app.home()?;
    let asked = Asked { prune: false, renew: false, is_of_file: false };
    let desired =
        complete(app, definition).and_then(|definition| Desired::of(app, &[definition], home, asked));
    desired.map(Some).map_err(|failure| instance.told(failure))
}

/// What the service of an instance runs, if that is no host.
fn binary_path(definition: &Definition) -> Option<&ImagePath> {
    definition.services.first()?.binary_path()
}

fn complete(app: &App, mut definition: Definition) -> Result<Definition, Failure> {
    checks::where_it_runs(app, &mut definition)?;
    Ok(definition)
}
