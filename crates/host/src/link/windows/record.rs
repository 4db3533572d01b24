//! States and events in files, for those who ask; see [`svckit_core::record`].

use std::collections::HashMap;
use std::fs::{File, OpenOptions};
use std::io::{self, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use svckit_core::name::ServiceName;
use svckit_core::native::{EventId, HostState, Level};
use svckit_core::record::{
    EARLIER_EVENTS_FILE, EVENTS_FILE, EventRecord, HostRecord, MAX_EVENTS_FILE, STATE_FILE,
};
use svckit_core::time::WallTime;

use super::definition;

/// What the services of this process leave. That it can't be written is no reason to stop a service: then those who ask see less.
#[derive(Debug, Default)]
pub(super) struct Records {
    services: HashMap<String, Service>,
}

#[derive(Debug)]
struct Service {
    /// Absent: there is no place for it.
    folder: Option<PathBuf>,
    state: HostState,
    start_error: Option<String>,
    last_sequence: u64,
}

impl Records {
    /// A service is started; where its files are may have changed.
    pub(super) fn begin(&mut self, service: &ServiceName) {
        match self.services.get_mut(&service.folded()) {
            Some(known) => {
                known.start_error = None;
                known.folder = definition::folder(service);
            }
            None => drop(self.service(service)),
        }
    }

    fn service(&mut self, service: &ServiceName) -> &mut Service {
        self.services.entry(service.folded()).or_insert_with(|| Service {
            folder: definition::folder(service),
            state: HostState::default(),
            start_error: None,
            last_sequence: 0,
        })
    }

    /// The state of a service's host changed.
    pub(super) fn state(&mut self, service: &ServiceName, state: HostState) {
        let known = self.service(service);
        known.state = state;
        known.save();
    }

    /// Something happened.
    pub(super) fn event(
        &mut self,
        service: &ServiceName,
        time: WallTime,
        id: EventId,
        level: Level,
        message: String,
    ) {
        let known = self.service(service);
        if id == EventId::PROGRAM_NOT_STARTED {
            known.start_error = Some(message.clone());
            known.save();
        }
        let sequence = time.0.saturating_mul(1000).max(known.last_sequence + 1);
        known.last_sequence = sequence;
        let _ = known.append(&EventRecord { sequence, time, id, level, message });
    }
}

impl Service {
    fn save(&self) {
        let record = HostRecord {
            pid: std::process::id(),
            state: self.state.clone(),
            start_error: self.start_error.clone(),
        };
        if let Some(folder) = &self.folder
            && let Ok(text) = serde_json::to_vec(&record)
        {
            let _ = replace(&folder.join(STATE_FILE), &text);
        }
    }

    /// Opened and closed each time: only then those who watch the folder are told for certain.
    fn append(&self, event: &EventRecord) -> io::Result<()> {
        let Some(folder) = &self.folder else { return Ok(()) };
        let path = folder.join(EVENTS_FILE);
        let mut line = serde_json::to_vec(event)?;
        line.push(b'\n');
        let mut file = open(&path)?;
        // Not by its metadata, which tell the volume too: that takes a dozen times as long.
        if file.seek(SeekFrom::End(0))? >= MAX_EVENTS_FILE {
            drop(file);
            std::fs::rename(&path, folder.join(EARLIER_EVENTS_FILE))?;
            file = open(&path)?;
        }
        file.write_all(&line)
    }
}

/// Puts a file in the place of another: whoever reads sees the one or the other.
fn replace(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let new = path.with_extension("new");
    std::fs::write(&new, bytes)?;
    std::fs::rename(&new, path)
}

fn open(path: &Path) -> io::Result<File> {
    OpenOptions::new().append(true).create(true).open(path)
}
