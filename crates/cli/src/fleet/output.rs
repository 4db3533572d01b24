//! What a verb says about one machine: collected, and printed with its name when it is complete.

use std::cell::RefCell;
use std::io::{self, Write};
use std::mem;
use std::rc::Rc;

use anstyle::{AnsiColor, Style};
use serde::Serialize;

use super::{Machines, Told};
use crate::failure::Failure;
use crate::table::printable;
use crate::ui::{Look, Ui};

/// The widest name that all lines are aligned for.
const WIDEST: usize = 32;

/// A standard stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Stream {
    Output,
    Error,
}

/// What was written to both streams, in its order.
#[derive(Debug, Default)]
pub(super) struct Collected(Vec<(Stream, Vec<u8>)>);

/// Where it is collected, in one thread.
#[derive(Clone, Default)]
pub(super) struct Collector(Rc<RefCell<Collected>>);

struct Writer {
    stream: Stream,
    collector: Collector,
}

/// A user interface whose output is collected.
pub(super) fn collecting(look: Look) -> (Ui, Collector) {
    let collector = Collector::default();
    let writer = |stream| Box::new(Writer { stream, collector: collector.clone() });
    (Ui::with_look(writer(Stream::Output), writer(Stream::Error), look), collector)
}

impl Collector {
    pub(super) fn take(&self) -> Collected {
        mem::take(&mut self.0.borrow_mut())
    }
}

impl Write for Writer {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let mut collected = self.collector.0.borrow_mut();
        match collected.0.last_mut() {
            Some((stream, before)) if *stream == self.stream => before.extend_from_slice(bytes),
            _ => collected.0.push((self.stream, bytes.to_vec())),
        }
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Collected {
    /// The lines of both streams; a last one without an end is one too.
    fn lines(&self) -> impl Iterator<Item = (Stream, &[u8])> {
        self.0.iter().flat_map(|(stream, bytes)| {
            let lines = bytes.split_inclusive(|byte| *byte == b'\n');
            lines.map(|line| (*stream, line.strip_suffix(b"\n").unwrap_or(line)))
        })
    }
}

#[cfg(test)]
impl Collected {
    /// What came on each stream.
    pub(super) fn texts(&self) -> (String, String) {
        let text = |wanted| {
            let bytes: Vec<u8> = self
                .0
                .iter()
                .filter(|(stream, _)| *stream == wanted)
                .flat_map(|(_, bytes)| bytes.clone())
                .collect();
            String::from_utf8(bytes).unwrap()
        };
        (text(Stream::Output), text(Stream::Error))
    }
}

/// What came of one machine, as JSON.
#[derive(Serialize)]
struct Report<'a> {
    target: &'a str,
    exit_status: u32,
    /// What the verb printed as JSON.
    results: Vec<serde_json::Value>,
    errors: Vec<serde_json::Value>,
    /// What it printed otherwise, by lines.
    #[serde(skip_serializing_if = "Vec::is_empty")]
    output: Vec<String>,
}

/// Prints what is known of machines.
pub(super) struct Printer<'a> {
    pub(super) ui: &'a mut Ui,
    /// How wide names are.
    width: usize,
}

impl<'a> Printer<'a> {
    pub(super) fn new(ui: &'a mut Ui, machines: &Machines) -> Self {
        let widest = machines.all().iter().map(|machine| machine.name.chars().count()).max();
        Self { ui, width: widest.unwrap_or(0).min(WIDEST) }
    }

    /// How a machine's own output has to look to be printed here.
    pub(super) fn look(&self) -> Look {
        self.ui.look().narrower(self.width + 2)
    }

    pub(super) fn print(&mut self, machines: &Machines, told: &Told) -> Result<(), Failure> {
        let machine = &machines.all()[told.index];
        self.ui.clear_progress()?;
        if self.ui.json {
            self.ui.print_json(&report(&machine.target, told))?;
            self.ui.out().flush()?;
            return Ok(());
        }
        let name = format!(
            "{}:{}",
            printable(&machine.name),
            " ".repeat(self.width.saturating_sub(machine.name.chars().count()))
        );
        for (stream, line) in told.collected.lines() {
            match stream {
                Stream::Output => {
                    let name = self.ui.paint(name_style(), &name);
                    write_line(self.ui.out(), &name, line)?;
                }
                Stream::Error => {
                    let name = self.ui.err_paint(name_style(), &name);
                    self.ui.out().flush()?;
                    write_line(self.ui.err(), &name, line)?;
                }
            }
        }
        // Results are seen as they come.
        Ok(self.ui.out().flush()?)
    }
}

fn name_style() -> Style {
    AnsiColor::Cyan.on_default()
}

fn write_line(to: &mut dyn Write, name: &str, line: &[u8]) -> io::Result<()> {
    write!(to, "{name}")?;
    if !line.is_empty() {
        to.write_all(b" ")?;
        to.write_all(line)?;
    }
    to.write_all(b"\n")
}

fn report<'a>(target: &'a str, told: &Told) -> Report<'a> {
    let mut report = Report {
        target,
        exit_status: told.status,
        results: Vec::new(),
        errors: Vec::new(),
        output: Vec::new(),
    };
    for (stream, line) in told.collected.lines() {
        // A number or a word alone is a line of text that happens to be JSON.
        let is_json = line.starts_with(b"{") || line.starts_with(b"[");
        let value = if is_json { serde_json::from_slice(line).ok() } else { None };
        match (value, stream) {
            (Some(value), Stream::Output) => report.results.push(value),
            (Some(value), Stream::Error) => report.errors.push(value),
            (None, _) => report.output.push(String::from_utf8_lossy(line).into_owned()),
        }
    }
    report
}
