//! `svc plan`, `svc apply` and `svc diff`: from what definitions say to what is there.

use std::path::Path;

use anstyle::AnsiColor;
use serde::Serialize;
use svckit_core::name::ServiceName;
use svckit_manager::plan::{Fate, Step};

use crate::app::App;
use crate::apply;
use crate::args;
use crate::changes::Field;
use crate::desired::Desired;
use crate::failure::{Failure, Status};
use crate::passwords;
use crate::pending::Record;
use crate::table::printable;
use crate::ui::Detail;
use crate::verbs::control;
use crate::verbs::install::{remove_one, say_changes};

/// What is different about a service.
#[derive(Serialize)]
struct Difference<'a> {
    service: &'a str,
    file: Option<&'a Path>,
    change: &'static str,
    fields: Vec<Field>,
}

/// A step as it is told.
#[derive(Serialize)]
struct StepReport<'a> {
    step: &'static str,
    service: &'a str,
}

/// Prints what is different, and what would be done about it in which order.
pub(crate) fn plan(app: &mut App, arguments: &args::Desired) -> Result<(), Failure> {
    let state = app.state_directory()?;
    let desired = Desired::read(app, arguments, state)?;
    let differences = differences(&desired);
    let steps: Vec<_> = desired.plan.steps.iter().map(|step| report(&desired, step)).collect();
    if app.ui.json {
        app.ui.print_json(&serde_json::json!({ "services": differences, "steps": steps }))?;
        return end(&desired);
    }
    print(app, &differences)?;
    if !desired.pending.is_empty() {
        let names: Vec<_> = desired.pending.iter().map(ServiceName::as_str).collect();
        let names = printable(&names.join(", "));
        writeln!(app.ui.out(), "an earlier svc apply did not come to restart {names}")?;
    }
    for (number, StepReport { step, service }) in steps.iter().enumerate() {
        writeln!(app.ui.out(), "{:>3}. {step} {}", number + 1, printable(service))?;
    }
    end(&desired)
}

/// Prints what is different.
pub(crate) fn diff(app: &mut App, arguments: &args::Desired) -> Result<(), Failure> {
    let state = app.state_directory()?;
    let desired = Desired::read(app, arguments, state)?;
    let differences = differences(&desired);
    if app.ui.json {
        app.ui.print_json(&differences)?;
    } else {
        print(app, &differences)?;
    }
    if differences.iter().all(|difference| difference.change == "none") {
        return Ok(());
    }
    Err(Failure::Told(Status::Different))
}

/// The exit status tells whether something is to be done.
fn end(desired: &Desired) -> Result<(), Failure> {
    if desired.plan.steps.is_empty() { Ok(()) } else { Err(Failure::Told(Status::Different)) }
}

/// Carries out the plan. After a failure nothing more is changed, but what was stopped is started again.
pub(crate) fn apply(app: &mut App, arguments: &args::Desired) -> Result<(), Failure> {
    if app.wait.is_some_and(|limit| limit.is_zero()) {
        let message =
            "svc apply can't go on without waiting: what it stops has to have stopped before it is started";
        return Err(Failure::usage(message).hint("leave --wait 0 out"));
    }
    let state = app.state_directory()?;
    let mut record = Record::lock(app, &state)?;
    let mut desired = Desired::read(app, arguments, state)?;
    passwords::look_up(app, &mut desired.wanted, false)?;
    let steps = &desired.plan.steps;
    let restarts = steps.iter().filter_map(|step| match step {
        Step::Start(name) => Some(name.clone()),
        _ => None,
    });
    record.begin(restarts.collect())?;
    let mut run = Run { desired: &desired, record, done: Vec::new(), end: Ok(()) };
    for (number, step) in steps.iter().enumerate() {
        run.step(app, number, step)?;
    }
    let Run { done, end, record, .. } = run;
    record.end()?;
    if app.ui.json {
        let done: Vec<_> = done.into_iter().map(|step| report(&desired, step)).collect();
        app.ui.print_json(&done)?;
    } else if steps.is_empty() {
        app.ui.say("everything is as the definitions say; nothing to do")?;
    }
    end
}

/// A plan being carried out.
struct Run<'a> {
    desired: &'a Desired,
    record: Record,
    done: Vec<&'a Step>,
    /// The first failure; it was told.
    end: Result<(), Failure>,
}

impl<'a> Run<'a> {
    /// Carries out a step, if it is still to be done.
    fn step(&mut self, app: &mut App, number: usize, step: &'a Step) -> Result<(), Failure> {
        let is_due = match step {
            // Who was not stopped because of a failure is restarted by the next run.
            Step::Start(name) => self.end.is_ok() || self.was_stopped(name) || !self.is_to_stop(name),
            _ => self.end.is_ok(),
        };
        if !is_due {
            return Ok(());
        }
        let StepReport { step: word, service } = report(self.desired, step);
        let of = self.desired.plan.steps.len();
        app.ui.progress(format!("{} of {of}: {word} {}", number + 1, printable(service)))?;
        let outcome = self.carry_out(app, step);
        app.ui.clear_progress()?;
        match outcome {
            Ok(()) => self.done.push(step),
            // Nobody reads any more: the rest is done without a word.
            Err(Failure::BrokenPipe) => {
                app.ui.detail = Detail::Quiet;
                self.done.push(step);
            }
            Err(failure) => {
                if failure.print(&mut app.ui).is_err() {
                    app.ui.detail = Detail::Quiet;
                }
                let status = failure.status();
                if self.end.is_ok() {
                    self.end = Err(Failure::Told(status));
                }
            }
        }
        Ok(())
    }

    fn carry_out(&mut self, app: &mut App, step: &Step) -> Result<(), Failure> {
        match step {
            Step::Stop(name) => {
                control::stop_one(app, name, false)?;
                app.ui.say(format!("stopped {name}"))
            }
            Step::Remove(name) => {
                remove_one(app, name)?;
                app.ui.say(format!("removed {name}"))
            }
            Step::Install(index) => {
                let wanted = &self.desired.wanted[*index];
                apply::install(app, wanted)?;
                app.ui.say(format!("installed {}", wanted.service.name))
            }
            Step::Update(index) => {
                let wanted = &self.desired.wanted[*index];
                let changes = apply::update(app, wanted)?;
                say_changes(app, &wanted.service.name, &changes)
            }
            Step::Start(name) => {
                control::start_one(app, name)?;
                self.record.restarted(name)?;
                app.ui.say(format!("started {name}"))
            }
        }
    }

    fn was_stopped(&self, name: &ServiceName) -> bool {
        self.done.iter().any(|step| matches!(step, Step::Stop(stopped) if stopped == name))
    }

    fn is_to_stop(&self, name: &ServiceName) -> bool {
        self.desired.plan.steps.iter().any(|step| matches!(step, Step::Stop(stopped) if stopped == name))
    }
}

fn report<'a>(desired: &'a Desired, step: &'a Step) -> StepReport<'a> {
    let wanted = |index: &usize| desired.wanted[*index].service.name.as_str();
    match step {
        Step::Stop(name) => StepReport { step: "stop", service: name.as_str() },
        Step::Remove(name) => StepReport { step: "remove", service: name.as_str() },
        Step::Install(index) => StepReport { step: "install", service: wanted(index) },
        Step::Update(index) => StepReport { step: "update", service: wanted(index) },
        Step::Start(name) => StepReport { step: "start", service: name.as_str() },
    }
}

/// Every service that is desired, then those that go.
fn differences(desired: &Desired) -> Vec<Difference<'_>> {
    let mut all = Vec::new();
    for (index, wanted) in desired.wanted.iter().enumerate() {
        let change = match desired.plan.fates[index] {
            Fate::Keep => "none",
            Fate::Update { .. } => "changed",
            Fate::Install => "new",
        };
        let service = wanted.service.name.as_str();
        let file = wanted.host.source.as_deref();
        all.push(Difference { service, file, change, fields: desired.fields(index) });
    }
    all.extend(desired.removed.iter().map(|(name, file)| Difference {
        service: name.as_str(),
        file: Some(file.as_path()),
        change: "removed",
        fields: Vec::new(),
    }));
    all
}

/// What is not as it shall be, then how many of which kind there are.
fn print(app: &mut App, differences: &[Difference<'_>]) -> Result<(), Failure> {
    for difference in differences {
        let name = printable(difference.service);
        let (sign, colour) = match difference.change {
            "new" => ("+", AnsiColor::Green),
            "changed" => ("~", AnsiColor::Yellow),
            "removed" => ("-", AnsiColor::Red),
            _ if app.ui.detail == Detail::Verbose => {
                writeln!(app.ui.out(), "= {name}")?;
                continue;
            }
            _ => continue,
        };
        let heading = app.ui.paint(colour.on_default(), &format!("{sign} {name}"));
        writeln!(app.ui.out(), "{heading}")?;
        for field in &difference.fields {
            writeln!(app.ui.out(), "    {}", field.line(difference.change == "new"))?;
        }
    }
    let count = |change| differences.iter().filter(|one| one.change == change).count();
    let (new, changed, removed) = (count("new"), count("changed"), count("removed"));
    let kept = count("none");
    app.ui.say(format!("{new} new, {changed} changed, {removed} removed, {kept} unchanged"))
}
