//! What `svc apply` restarts is written down before, so that a run that is killed is finished by the next.
//!
//! `apply.jsonl` in the state directory has a line for each service that is to be restarted, and one more when that was done. It is there only while a run is
//! under way, or after one that did not come to its end.

use std::fs::{self, File};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use svckit_core::name::ServiceName;

use crate::app::App;
use crate::failure::{Failure, Status};
use crate::lock;

/// A line.
#[derive(Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
enum Line {
    /// It is to be restarted.
    Restart(ServiceName),
    /// It was.
    Restarted(ServiceName),
}

/// The record of this run. One run at a time has it.
pub(crate) struct Record {
    path: PathBuf,
    /// Open while there is something written down.
    file: Option<File>,
    left: Vec<ServiceName>,
    /// The lock file stays: whoever waits for it has it open.
    _lock: File,
}

/// The services that an earlier run was to restart and maybe did not.
pub(crate) fn read(directory: &Path) -> Result<Vec<ServiceName>, Failure> {
    let path = file(directory);
    let text = match fs::read_to_string(&path) {
        Ok(text) => text,
        Err(error) if error.kind() == ErrorKind::NotFound => return Ok(Vec::new()),
        Err(error) => return Err(Failure::io(format!("cannot read {}", path.display()), error)),
    };
    let mut left: Vec<ServiceName> = Vec::new();
    // A line without an end was being written when the run was killed: it says nothing yet.
    for (number, line) in text.split_inclusive('\n').filter(|line| line.ends_with('\n')).enumerate() {
        match serde_json::from_str(line) {
            Ok(Line::Restart(name)) => left.push(name),
            Ok(Line::Restarted(name)) => left.retain(|other| *other != name),
            Err(error) => {
                let place = format!("{}:{}", path.display(), number + 1);
                let message = format!("{place}: this is no line of a record of svc apply: {error}");
                return Err(Failure::Other { message, status: Status::Failure });
            }
        }
    }
    Ok(left)
}

impl Record {
    /// Waits until no other run is under way.
    pub(crate) fn lock(app: &mut App, directory: &Path) -> Result<Self, Failure> {
        let path = directory.join("apply.lock");
        fs::create_dir_all(directory)
            .map_err(|error| Failure::io(format!("cannot lock {}", path.display()), error))?;
        let lock = lock::take(app, &path, "waiting for another svc apply")?;
        Ok(Self { path: file(directory), file: None, left: Vec::new(), _lock: lock })
    }

    /// Writes down which services are to be restarted, in place of what an earlier run left. It is on the disk when this returns.
    pub(crate) fn begin(&mut self, names: Vec<ServiceName>) -> Result<(), Failure> {
        if !names.is_empty() {
            let new = self.path.with_extension("new");
            let written = write(&new, &names).and_then(|file| fs::rename(&new, &self.path).map(|()| file));
            let fail = |error| Failure::io(format!("cannot write {}", self.path.display()), error);
            self.file = Some(written.map_err(fail)?);
        }
        self.left = names;
        Ok(())
    }

    /// Writes down that a service was restarted.
    pub(crate) fn restarted(&mut self, name: &ServiceName) -> Result<(), Failure> {
        self.left.retain(|other| other != name);
        let Some(file) = &mut self.file else { return Ok(()) };
        let written = line(&Line::Restarted(name.clone())).and_then(|line| file.write_all(&line));
        written.map_err(|error| Failure::io(format!("cannot write {}", self.path.display()), error))
    }

    /// Forgets the record, unless something in it is still to be done.
    pub(crate) fn end(self) -> Result<(), Failure> {
        if !self.left.is_empty() {
            return Ok(());
        }
        drop(self.file);
        match fs::remove_file(&self.path) {
            Err(error) if error.kind() != ErrorKind::NotFound => {
                Err(Failure::io(format!("cannot remove {}", self.path.display()), error))
            }
            _ => Ok(()),
        }
    }
}

fn file(directory: &Path) -> PathBuf {
    directory.join("apply.jsonl")
}

fn write(path: &Path, names: &[ServiceName]) -> io::Result<File> {
    let mut text = Vec::new();
    for name in names {
        text.extend(line(&Line::Restart(name.clone()))?);
    }
    let mut file = File::create(path)?;
    file.write_all(&text)?;
    file.sync_all()?;
    Ok(file)
}

fn line(line: &Line) -> io::Result<Vec<u8>> {
    let mut text = serde_json::to_vec(line)?;
    text.push(b'\n');
    Ok(text)
}
