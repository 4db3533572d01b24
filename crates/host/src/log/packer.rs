//! Compresses rotated files beside everything else: on a thread that is there only while there is something to do.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use svckit_core::log::name::{Form, Place};
use svckit_core::sort;
use svckit_os::log::packed;
use svckit_os::{errno, process};

#[derive(Debug, Clone)]
pub(super) struct Packer {
    /// The file that is being written.
    path: PathBuf,
    state: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    /// Whether there is a thread.
    runs: bool,
    /// Whether there may be something to do that it hasn't seen.
    called: bool,
    /// Why a file could not be compressed, until that is told.
    failure: Option<String>,
}

impl Packer {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, state: Arc::default() }
    }

    /// Has all rotated files compressed that are not yet; what went wrong the last time.
    pub(super) fn call(&self) -> Option<String> {
        let mut state = self.state();
        state.called = true;
        if !state.runs {
            let packer = self.clone();
            let thread = thread::Builder::new().name("log-packer".to_owned());
            match thread.spawn(move || packer.work()) {
                Ok(_) => state.runs = true,
                Err(error) => state.failure = Some(errno::describe(&error)),
            }
        }
        state.failure.take()
    }

    fn work(&self) {
        // One that isn't allowed to be slower does the same.
        let _ = process::be_background_thread();
        while self.is_called() {
            for place in unpacked(&self.path) {
                match packed::pack(&self.path, place) {
                    Err(error) if error.kind() != io::ErrorKind::NotFound => {
                        self.state().failure = Some(errno::describe(&error));
                    }
                    _ => {}
                }
            }
        }
    }

    fn is_called(&self) -> bool {
        let mut state = self.state();
        state.runs = std::mem::take(&mut state.called);
        state.runs
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The rotated files of a log that are not compressed, oldest first.
fn unpacked(path: &Path) -> Vec<Place> {
    let mut places: Vec<_> = super::archive::entries(path)
        .filter(|(_, form, _)| *form == Form::Plain)
        .map(|(place, ..)| place)
        .collect();
    sort::by(&mut places, Ord::cmp);
    places
}
