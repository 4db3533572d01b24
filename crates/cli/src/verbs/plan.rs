//! `svc plan`, `svc apply` and `svc diff`: from what definitions say to what is there.

use std::mem::discriminant;
use std::path::Path;

use anstyle::AnsiColor;
use serde::Serialize;
use svckit_core::name::ServiceName;
use svckit_manager::plan::{Fate, Step};

use crate::app::App;
use crate::apply;
use crate::args::{self, Jobs};
use crate::bulk::{self, Action, End, OnEnd};
use crate::changes::Field;
use crate::desired::Desired;
use crate::failure::{Failure, Status};
use crate::passwords;
use crate::pending::Record;
use crate::table::printable;
use crate::ui::Detail;
use crate::verbs::install::changed;

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
    let home = app.home()?;
    let desired = Desired::read(app, arguments, home, false)?;
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
    let home = app.home()?;
    let desired = Desired::read(app, arguments, home, false)?;
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
pub(crate) fn apply(app: &mut App, arguments: &args::Apply) -> Result<(), Failure> {
    if app.wait.is_some_and(|limit| limit.is_zero()) {
        let message =
            "svc apply can't go on without waiting: what it stops has to have stopped before it is started";
        return Err(Failure::usage(message).hint("leave --wait 0 out"));
    }
    let home = app.home()?;
    let records = app.records(&home.directory);
    let record = Record::lock(app, &records)?;
    let mut desired = Desired::read(app, &arguments.desired, home, arguments.renew_password)?;
    let Done { mut steps, end } = bring_about(app, &mut desired, record, arguments.jobs)?;
    if app.ui.json {
        steps.sort_unstable();
        let all = &desired.plan.steps;
        let done: Vec<_> = steps.into_iter().map(|number| report(&desired, &all[number])).collect();
        app.ui.print_json(&done)?;
    } else if desired.plan.steps.is_empty() {
        app.ui.say("everything is as the definitions say; nothing to do")?;
    }
    end
}

/// What came of a plan.
pub(crate) struct Done {
    /// The numbers of the steps that were done.
    steps: Vec<usize>,
    /// The first failure; it was told.
    pub(crate) end: Result<(), Failure>,
}

/// Carries out the plan, of which it is written down before what is to be restarted.
pub(crate) fn bring_about(
    app: &mut App,
    desired: &mut Desired,
    mut record: Record,
    jobs: Jobs,
) -> Result<Done, Failure> {
    passwords::look_up(app, &mut desired.wanted, false)?;
    let steps = &desired.plan.steps;
    let restarts = steps.iter().filter_map(|step| match step {
        Step::Start(name) => Some(name.clone()),
        _ => None,
    });
    record.begin(restarts.collect())?;
    let mut run = Run { desired, jobs, record, done: Vec::new(), end: Ok(()) };
    let mut next = 0;
    while next < steps.len() {
        next = run.steps(app, next)?;
    }
    let Run { done, end, record, .. } = run;
    record.end()?;
    Ok(Done { steps: done, end })
}

/// A plan being carried out.
struct Run<'a> {
    desired: &'a Desired,
    jobs: Jobs,
    record: Record,
    /// The numbers of the steps that were done.
    done: Vec<usize>,
    /// The first failure; it was told.
    end: Result<(), Failure>,
}

impl Run<'_> {
    /// Carries out the steps from one of this number on that are of its kind, those of which that are still to be done; the number of the one after them.
    fn steps(&mut self, app: &mut App, first: usize) -> Result<usize, Failure> {
        let desired = self.desired;
        let rest = &desired.plan.steps[first..];
        let next = first + rest.iter().take_while(|step| are_alike(step, &rest[0])).count();
        let due: Vec<_> = (first..next).filter(|number| self.is_due(&desired.plan.steps[*number])).collect();
        let names: Vec<_> = due.iter().filter_map(|number| name(&desired.plan.steps[*number])).collect();
        let how = |action| (action, self.jobs.at_a_time);
        let (how, is_start) = match rest[0] {
            Step::Install(_) | Step::Update(_) => {
                due.into_iter().try_for_each(|number| self.change(app, number))?;
                return Ok(next);
            }
            Step::Stop(_) => (how(Action::Stop), false),
            Step::Remove(_) => (how(Action::Remove { stop: true }), false),
            Step::Start(_) => (how(Action::Start(Vec::new())), true),
        };
        let on_end: OnEnd<'_> = &mut |app, name, end| {
            let number = due.iter().zip(&names).find(|(_, other)| *other == name);
            number.map_or(Ok(()), |(number, _)| self.over(app, *number, name, end))
        };
        // What was stopped is started again, whatever else fails.
        let outcome = match is_start {
            true => bulk::run(app, &names, how, on_end),
            false => bulk::run_until_failure(app, &names, how, on_end),
        };
        self.told(app, outcome.map(drop));
        Ok(next)
    }

    fn is_due(&self, step: &Step) -> bool {
        match step {
            // Who was not stopped because of a failure is restarted by the next run.
            Step::Start(name) => self.end.is_ok() || self.was_stopped(name) || !self.is_to_stop(name),
            _ => self.end.is_ok(),
        }
    }

    /// Notes and tells that a service was stopped, removed or started, or was not.
    fn over(&mut self, app: &mut App, number: usize, name: &ServiceName, end: &End) -> Result<(), Failure> {
        let step = &self.desired.plan.steps[number];
        match end {
            End::Done | End::AlreadySo => {
                self.done.push(number);
                let done = match step {
                    Step::Start(_) => {
                        self.record.restarted(name)?;
                        "started"
                    }
                    Step::Remove(_) => "removed",
                    _ => "stopped",
                };
                app.ui.say(format!("{done} {name}"))
            }
            // The failure that it is left out for was told.
            End::LeftOut(_) if !matches!(step, Step::Start(_)) => Ok(()),
            End::Failed(failure) | End::LeftOut(failure) => {
                self.fail(failure.status());
                Ok(failure.print(&mut app.ui)?)
            }
        }
    }

    /// Installs or changes a service, unless a step before failed.
    fn change(&mut self, app: &mut App, number: usize) -> Result<(), Failure> {
        let step = &self.desired.plan.steps[number];
        if !self.is_due(step) {
            return Ok(());
        }
        let StepReport { step: word, service } = report(self.desired, step);
        let of = self.desired.plan.steps.len();
        app.ui.progress(format!("{} of {of}: {word} {}", number + 1, printable(service)))?;
        let outcome = match step {
            Step::Install(index) => {
                let wanted = &self.desired.wanted[*index];
                apply::install(app, wanted).map(|()| format!("installed {}", wanted.service.name))
            }
            Step::Update(index) => {
                let wanted = &self.desired.wanted[*index];
                apply::update(app, wanted).map(|changes| changed(&wanted.service.name, &changes))
            }
            _ => return Ok(()),
        };
        app.ui.clear_progress()?;
        let outcome = outcome.and_then(|line| {
            self.done.push(number);
            app.ui.say(line)
        });
        self.told(app, outcome);
        Ok(())
    }

    /// When nobody reads any more, the rest is done without a word; other failures are told.
    fn told(&mut self, app: &mut App, outcome: Result<(), Failure>) {
        let Err(failure) = outcome else { return };
        if matches!(failure, Failure::BrokenPipe) || failure.print(&mut app.ui).is_err() {
            app.ui.detail = Detail::Quiet;
        }
        if !matches!(failure, Failure::BrokenPipe) {
            self.fail(failure.status());
        }
    }

    fn fail(&mut self, status: Status) {
        if self.end.is_ok() {
            self.end = Err(Failure::Told(status));
        }
    }

    fn was_stopped(&self, name: &ServiceName) -> bool {
        let steps = &self.desired.plan.steps;
        self.done.iter().any(|number| matches!(&steps[*number], Step::Stop(stopped) if stopped == name))
    }

    fn is_to_stop(&self, name: &ServiceName) -> bool {
        self.desired.plan.steps.iter().any(|step| matches!(step, Step::Stop(stopped) if stopped == name))
    }
}

/// Whether two steps may be under way at the same time, if their services don't depend on each other.
fn are_alike(one: &Step, other: &Step) -> bool {
    let changes = |step: &Step| matches!(step, Step::Install(_) | Step::Update(_));
    discriminant(one) == discriminant(other) || changes(one) && changes(other)
}

/// The service that is stopped, removed or started.
fn name(step: &Step) -> Option<ServiceName> {
    match step {
        Step::Stop(name) | Step::Remove(name) | Step::Start(name) => Some(name.clone()),
        Step::Install(_) | Step::Update(_) => None,
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
        let file = wanted.source();
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
