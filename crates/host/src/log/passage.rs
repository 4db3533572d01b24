//! What output passes on its way from a pipe: who looks for something in it, and what makes lines of it.

use svckit_core::definition::{LogFormat, LogPolicy};
use svckit_core::log::lines::Lines;
use svckit_core::log::stamp::{self, Stamps};
use svckit_core::name::ServiceName;
use svckit_core::probe::Finder;
use svckit_core::time::WallTime;

#[derive(Debug)]
pub(super) struct Passage {
    /// What is looked for, if something is.
    pub(super) finder: Option<Finder>,
    form: Form,
}

/// In which form output is written.
#[derive(Debug)]
enum Form {
    /// As it comes.
    Raw,
    /// With the time before each line.
    Stamped(Stamps),
    /// As JSON.
    Json(Box<Lines>),
}

impl Passage {
    /// For an output of a service, by the word for it.
    pub(super) fn new(policy: &LogPolicy, service: &ServiceName, output: &str) -> Self {
        let form = match policy.format {
            LogFormat::Json => Form::Json(Box::new(Lines::new(service, output))),
            LogFormat::Raw if policy.timestamps => Form::Stamped(Stamps::default()),
            LogFormat::Raw => Form::Raw,
        };
        Self { finder: None, form }
    }

    /// Whether bytes have to go through memory.
    pub(super) fn is_seen(&self) -> bool {
        self.finder.is_some() || !self.is_raw()
    }

    /// Whether they are written as they come.
    pub(super) fn is_raw(&self) -> bool {
        matches!(self.form, Form::Raw)
    }

    /// How many bytes may come if there is room for so many.
    pub(super) fn bytes_for(&self, room: usize) -> usize {
        match &self.form {
            Form::Raw => room,
            // Each byte may be a line.
            Form::Stamped(_) => room / (stamp::LENGTH + 1),
            Form::Json(lines) => lines.bytes_for(room),
        }
    }

    /// What is looked for is looked for in these bytes too.
    pub(super) fn look_at(&mut self, bytes: &[u8]) {
        if let Some(finder) = &mut self.finder {
            finder.take(bytes);
        }
    }

    /// What is to be written when bytes have come.
    pub(super) fn take(&mut self, bytes: Vec<u8>, now: WallTime) -> Vec<u8> {
        self.look_at(&bytes);
        match &mut self.form {
            Form::Raw => bytes,
            Form::Stamped(stamps) => stamps.stamp(&bytes, now),
            Form::Json(lines) => lines.take(&bytes, now),
        }
    }

    /// What is to be written when nothing more comes for now.
    pub(super) fn pause(&mut self) -> Vec<u8> {
        match &mut self.form {
            Form::Json(lines) => lines.end(),
            Form::Raw | Form::Stamped(_) => Vec::new(),
        }
    }

    /// What is to be written before another program's output comes: a line of the one before is not its.
    pub(super) fn end_line(&mut self) -> Vec<u8> {
        match &mut self.form {
            Form::Stamped(stamps) => stamps.end_line().to_vec(),
            Form::Json(lines) => lines.end(),
            Form::Raw => Vec::new(),
        }
    }
}
