//! A service control manager for a test.

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::sync::mpsc::channel;
use std::thread::JoinHandle;

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::{Backend, Service};
use svckit_core::config::NewService;
use svckit_core::image_path::ImagePath;
use svckit_core::kind::StartType;
use svckit_core::name::{DisplayName, ServiceName};
use svckit_core::native::{Event, Reply, Request};
use svckit_core::status::{NotifyMask, ServiceState, ServiceStatus};
use svckit_engine::{Direct, ServeError, ServeOptions, serve_directly};
use svckit_manager::Embedded;
use svckit_testkit::{PATIENCE, binary};
use tempfile::TempDir;

/// A state directory that goes with the test.
pub(crate) fn state() -> TempDir {
    let private = std::fs::Permissions::from_mode(0o700);
    tempfile::Builder::new().permissions(private).tempdir().unwrap()
}

/// Writes the settings of a service control manager.
pub(crate) fn settings(state: &Path, text: &str) {
    std::fs::write(state.join("scm.toml"), text).unwrap();
}

/// A service control manager in this process; ended, with all that it started, when it is dropped.
pub(crate) struct Scm {
    pub(crate) direct: Direct,
    directory: PathBuf,
    thread: Option<JoinHandle<Result<(), ServeError>>>,
}

impl Scm {
    /// Serves a directory.
    pub(crate) fn serve(directory: &Path) -> Self {
        match Self::try_serve(directory) {
            Ok(scm) => scm,
            Err(error) => panic!("{error}"),
        }
    }

    /// The same; the error if it can't.
    pub(crate) fn try_serve(directory: &Path) -> Result<Self, ServeError> {
        let options = ServeOptions { executable: Some(binary::svc()), ..ServeOptions::new(directory) };
        let (sender, started) = channel();
        let thread =
            std::thread::spawn(move || serve_directly(options, |direct| sender.send(direct).unwrap()));
        match started.recv_timeout(PATIENCE) {
            Ok(direct) => Ok(Self { direct, directory: directory.to_owned(), thread: Some(thread) }),
            Err(_) => Err(thread.join().unwrap().expect_err("it ended without having started")),
        }
    }

    /// A way to it through the wire.
    pub(crate) fn embedded(&self) -> Embedded {
        Embedded::new(&self.directory)
    }

    /// Stops everything in order.
    pub(crate) fn stop(mut self) {
        self.direct.end();
        self.thread.take().unwrap().join().unwrap().unwrap();
    }
}

impl Drop for Scm {
    fn drop(&mut self) {
        if let Some(thread) = self.thread.take() {
            // Twice: what doesn't stop is ended by force.
            self.direct.end();
            self.direct.end();
            let ended = thread.join();
            if !std::thread::panicking() {
                ended.unwrap().unwrap();
            }
        }
    }
}

/// A service that follows a script of the testkit.
pub(crate) fn scripted(name: &str, script: &[&str]) -> NewService {
    let program = binary::scripted();
    let words: Vec<&str> = [program.to_str().unwrap()].into_iter().chain(script.iter().copied()).collect();
    let image = ImagePath::from_arguments(&words).unwrap();
    NewService::own_process(ServiceName::new(name).unwrap(), DisplayName::new(name).unwrap(), image)
}

/// The same, started automatically.
pub(crate) fn automatic(name: &str, script: &[&str]) -> NewService {
    let mut new = scripted(name, script);
    new.config.start_type = StartType::AUTO_START;
    new
}

/// Creates services.
pub(crate) fn create(backend: &dyn Backend, all: &[NewService]) {
    let manager = backend.open_manager(ManagerAccess::ALL_ACCESS).unwrap();
    for new in all {
        manager.create_service(new, ServiceAccess::ALL_ACCESS).unwrap();
    }
}

/// A service with every right.
pub(crate) fn open(backend: &dyn Backend, name: &str) -> Box<dyn Service> {
    let manager = backend.open_manager(ManagerAccess::ALL_ACCESS).unwrap();
    manager.open_service(name, ServiceAccess::ALL_ACCESS).unwrap()
}

/// Waits until a service is in a state.
#[track_caller]
pub(crate) fn reaches(service: &dyn Service, state: ServiceState) -> ServiceStatus {
    match service.wait(NotifyMask::of(state), PATIENCE).unwrap() {
        Some(notification) => notification.status,
        None => panic!("not {state} but {:?}", service.status()),
    }
}

/// Starts a service and waits until it runs.
#[track_caller]
pub(crate) fn start(service: &dyn Service) -> ServiceStatus {
    service.start(&[]).unwrap();
    reaches(service, ServiceState::RUNNING)
}

/// All events so far.
pub(crate) fn events(backend: &dyn Backend) -> Vec<Event> {
    let request = Request::Events { service: None, after: None, limit: None, wait: false };
    match backend.native(request).unwrap() {
        Reply::Events { events } => events,
        other => panic!("{other:?}"),
    }
}
