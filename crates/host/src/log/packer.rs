//! Compresses rotated files beside everything else: on a thread that is there only while there is something to do.

use std::cell::OnceCell;
use std::io;
use std::panic;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard, Once, PoisonError};
use std::thread;

use svckit_core::log::name::{Form, Place};
use svckit_core::sort;
use svckit_os::log::packed;
use svckit_os::{errno, process};

thread_local! {
    /// The packer whose thread this is.
    static OWN: OnceCell<Packer> = const { OnceCell::new() };
}

#[derive(Debug, Clone)]
pub(super) struct Packer {
    /// The file that is being written.
    path: PathBuf,
    /// What compresses a rotated file of it.
    pack: fn(&Path, Place) -> io::Result<()>,
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
        Self::with(path, packed::pack)
    }

    fn with(path: PathBuf, pack: fn(&Path, Place) -> io::Result<()>) -> Self {
        Self { path, pack, state: Arc::default() }
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
        keep_panics();
        OWN.with(|own| _ = own.set(self.clone()));
        // One that isn't allowed to be slower does the same.
        let _ = process::be_background_thread();
        while self.is_called() {
            for place in unpacked(&self.path) {
                match (self.pack)(&self.path, place) {
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

/// Has a panic of a packer's thread told as its failure; and where a panic ends the process, which would end the program of the service with it, the thread stay where it is.
fn keep_panics() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| {
        let before = panic::take_hook();
        panic::set_hook(Box::new(move |what| {
            let is_own =
                OWN.try_with(|own| own.get().map(|packer| packer.state().failure = Some(failure(what))));
            before(what);
            // With the hook in hand: nobody could set another one. So the thread unwinds where it can.
            while cfg!(panic = "abort") && matches!(is_own, Ok(Some(()))) {
                thread::park();
            }
        }));
    });
}

fn failure(what: &panic::PanicHookInfo<'_>) -> String {
    let place = what.location().map(|place| format!(" ({}:{})", place.file(), place.line()));
    format!(
        "a mistake in svckit{}; nothing is compressed until the service is started again",
        place.unwrap_or_default()
    )
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

#[cfg(test)]
mod tests {
    use std::sync::mpsc::channel;

    use svckit_core::log::name::rotated;
    use svckit_core::time::WallTime;

    use super::*;

    #[test]
    fn a_panic_while_a_file_is_compressed_is_told_and_ends_nothing() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("a.log");
        let rotated = rotated(&path, (WallTime::default(), 0), Form::Plain);
        std::fs::write(folder.path().join(rotated), "text").unwrap();
        let (sender, told) = channel();
        let sender = Mutex::new(sender);
        let before = panic::take_hook();
        // What was there before is called last, when the failure is known.
        panic::set_hook(Box::new(move |what| match thread::current().name() {
            Some("log-packer") => drop(sender.lock().unwrap().send(())),
            _ => before(what),
        }));
        let packer = Packer::with(path, |_, _| panic!("a mistake"));
        assert_eq!(packer.call(), None);
        told.recv().unwrap();
        let failure = packer.call().unwrap();
        assert!(failure.starts_with("a mistake in svckit (") && failure.contains("packer.rs:"), "{failure}");
        assert_eq!(packer.call(), None);
    }
}
