//! Any verb on several machines: as many at a time as may be, results as they come, and what came of all.

mod machines;
mod output;

use std::io;
use std::process::ExitCode;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::mpsc::{Sender, channel};
use std::thread;

use anstyle::AnsiColor;

use crate::app::{App, Connect};
use crate::args::{Cli, Dsc, Scm, Verb};
use crate::failure::{Failure, Status};
use crate::ui::{Look, Ui};
use crate::verbs::install;

pub(crate) use machines::{Machine, Machines};
use output::{Collected, Printer};

/// How many machines are worked with at a time, if nothing else is asked for.
pub(crate) const FANOUT: u16 = 32;

/// What came of one machine.
struct Told {
    /// Its place in the list.
    index: usize,
    status: u32,
    /// Nothing was asked there, since another machine refused the password.
    is_left_out: bool,
    collected: Collected,
}

/// Runs a verb on all machines.
pub(crate) fn run(ui: &mut Ui, machines: &Machines, mut cli: Cli) -> Result<ExitCode, Failure> {
    if let Some(why) = for_one(&cli.verb) {
        return Err(
            Failure::usage(format!("this is for one machine: {why}")).hint("name one of them with --scm")
        );
    }
    install::read_password(&mut cli.verb)?;
    let mut printer = Printer::new(ui, machines);
    let look = printer.look();
    let (next, is_over) = (AtomicUsize::new(0), AtomicBool::new(false));
    let (sender, told) = channel();
    let mut tally = Tally::default();
    thread::scope(|scope| {
        let work = |sender: Sender<Told>| {
            while let Some(machine) = machines.all().get(next.fetch_add(1, Ordering::Relaxed))
                && !is_over.load(Ordering::Relaxed)
            {
                if sender.send(one(machine, look, &cli)).is_err() {
                    return;
                }
            }
        };
        let threads = usize::from(cli.global.fanout).min(machines.all().len());
        for number in 0..threads {
            let sender = sender.clone();
            let begun =
                thread::Builder::new().name("machine".to_owned()).spawn_scoped(scope, move || work(sender));
            match begun {
                // With fewer it takes longer.
                Err(_) if number > 0 => break,
                begun => drop(begun.map_err(|error| Failure::io("cannot begin", error))?),
            }
        }
        drop(sender);
        for told in told {
            tally.count(&told);
            if let Err(failure) =
                printer.print(machines, &told).and_then(|()| printer.progress(&tally, machines))
            {
                is_over.store(true, Ordering::Relaxed);
                return Err(failure);
            }
        }
        Ok(())
    })?;
    printer.finish(&tally, machines)?;
    Ok(ExitCode::from(tally.status()))
}

/// One machine, whose output is collected.
fn one(machine: &Machine, look: Look, cli: &Cli) -> Told {
    let (ui, collected) = output::collecting(look);
    let connector = machine.place.clone();
    let connect: Connect = Arc::new(move || connector.connect());
    let mut app = App::new(ui, connect, machine.place.surroundings(), cli.global.wait);
    let ended = crate::run(&mut app, &machine.place, &cli.verb).and_then(|code| {
        app.ui.finish()?;
        Ok(code)
    });
    let status = ended.unwrap_or_else(|failure| {
        // It is written into memory.
        let _ = failure.print(&mut app.ui);
        u32::from(failure.status() as u8)
    });
    drop(app);
    let is_left_out = status != 0 && machine.place.is_left_out();
    Told { index: machine.index, status, is_left_out, collected: collected.take() }
}

/// Whether a verb has nothing to do with any service control manager.
pub(crate) fn asks_none(verb: &Verb) -> bool {
    matches!(
        verb,
        Verb::Explain { .. }
            | Verb::Lint(_)
            | Verb::Import(_)
            | Verb::Debug(_)
            | Verb::Dsc(Dsc::Schema | Dsc::Manifest)
            | Verb::Schema
            | Verb::Completions { .. }
            | Verb::Man { .. }
    )
}

/// Why a verb can't be run on several machines, if it can't.
fn for_one(verb: &Verb) -> Option<&'static str> {
    match verb {
        Verb::Top(_) => Some("svc top shows one"),
        Verb::Metrics(_) => Some("each has metrics of its own to be scraped"),
        Verb::Logs(logs) if logs.follow => Some("what is followed has no end"),
        Verb::Events(events) if events.follow => Some("what is followed has no end"),
        Verb::Buildout(_) => Some("a buildout is a folder here"),
        Verb::Dsc(_) => Some("DSC runs on each of them"),
        Verb::Scm(Scm::Serve { .. }) => Some("a process is one service control manager"),
        _ => None,
    }
}

/// What came of all machines.
#[derive(Debug, Default)]
struct Tally {
    done: usize,
    /// Those where `svc plan` and `svc diff` found something.
    different: usize,
    /// The machines where it failed, and how.
    failed: Vec<(usize, u32)>,
    /// Those that were not asked, and how that is told.
    left_out: Vec<(usize, u32)>,
}

impl Tally {
    fn count(&mut self, told: &Told) {
        match told.status {
            0 => self.done += 1,
            status if status == u32::from(Status::Different as u8) => self.different += 1,
            status if told.is_left_out => self.left_out.push((told.index, status)),
            status => self.failed.push((told.index, status)),
        }
    }

    fn told(&self) -> usize {
        self.done + self.different + self.failed.len() + self.left_out.len()
    }

    /// The exit status of the whole: that of all failures if every machine failed alike; another of its own if only some failed, or each in its own way.
    fn status(&self) -> u8 {
        let mut failed = self.failed.iter().chain(&self.left_out).map(|(_, status)| *status);
        match failed.next() {
            None if self.different > 0 => Status::Different as u8,
            None => 0,
            Some(first) if self.done + self.different == 0 && failed.all(|status| status == first) => {
                u8::try_from(first).unwrap_or(Status::Failure as u8)
            }
            Some(_) => Status::Partial as u8,
        }
    }

    /// In a line.
    fn line(&self, machines: &Machines) -> String {
        let all = machines.all().len();
        let mut line = format!("{all} {}: {} done", if all == 1 { "machine" } else { "machines" }, self.done);
        if self.different > 0 {
            line += &format!(", {} different", self.different);
        }
        if !self.failed.is_empty() {
            let mut failed = self.failed.clone();
            failed.sort_unstable();
            let names: Vec<_> = failed
                .iter()
                .map(|(index, status)| format!("{} ({status})", machines.all()[*index].name))
                .collect();
            line += &format!(", {} failed: {}", failed.len(), names.join(", "));
        }
        if !self.left_out.is_empty() {
            let names: Vec<_> =
                left_out_in_order(self).map(|index| machines.all()[index].name.as_str()).collect();
            line += &format!(", {} not tried: {}", names.len(), names.join(", "));
        }
        line
    }
}

/// The places of those that were not asked.
fn left_out_in_order(tally: &Tally) -> impl Iterator<Item = usize> {
    let mut places: Vec<_> = tally.left_out.iter().map(|(index, _)| *index).collect();
    places.sort_unstable();
    places.into_iter()
}

impl Printer<'_> {
    /// Shows how many are done.
    fn progress(&mut self, tally: &Tally, machines: &Machines) -> Result<(), Failure> {
        let all = machines.all().len();
        self.ui.progress(format!("{} of {all} machines, {} failed", tally.told(), tally.failed.len()))
    }

    /// Tells what came of all.
    fn finish(&mut self, tally: &Tally, machines: &Machines) -> Result<(), Failure> {
        self.ui.clear_progress()?;
        if self.ui.json {
            let failed: Vec<_> =
                tally.failed.iter().map(|(index, _)| machines.all()[*index].target.clone()).collect();
            let left_out: Vec<_> =
                left_out_in_order(tally).map(|index| machines.all()[index].target.clone()).collect();
            let summary = serde_json::json!({
                "machines": machines.all().len(), "done": tally.done, "different": tally.different, "failed": failed,
                "not_tried": left_out, "exit_status": tally.status(),
            });
            self.ui.print_json(&serde_json::json!({ "summary": summary }))?;
        } else {
            let style = if tally.failed.is_empty() && tally.left_out.is_empty() {
                AnsiColor::Green
            } else {
                AnsiColor::Red
            };
            let line = self.ui.err_paint(style.on_default(), &tally.line(machines));
            self.ui.out().flush()?;
            self.ui.note(line)?;
        }
        self.ui.finish().map_err(|error: io::Error| error.into())
    }
}

#[cfg(test)]
mod tests;
