use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU32, Ordering};

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::{Backend, Manager, Service};
use svckit_core::config::NewService;
use svckit_core::control::Control;
use svckit_core::error::Result;
use svckit_core::image_path::ImagePath;
use svckit_core::name::{Dependency, DisplayName, ServiceName};
use svckit_core::status::{NotifyMask, ServiceState, ServiceStatus};
use svckit_core::win32::Win32Error;
use tempfile::TempDir;

use crate::PATIENCE;

/// What a case needs: names that nobody else has, the scripted program, a directory of its own.
#[derive(Debug)]
pub struct Fixture {
    unique: String,
    scripted: PathBuf,
    directory: TempDir,
    created: Mutex<Vec<ServiceName>>,
}

impl Fixture {
    pub(super) fn new(scripted: &Path) -> Self {
        static COUNTER: AtomicU32 = AtomicU32::new(0);
        let count = COUNTER.fetch_add(1, Ordering::Relaxed);
        Self {
            unique: format!("{}-{count}", std::process::id()),
            scripted: scripted.to_owned(),
            directory: tempfile::tempdir().expect("a directory of its own"),
            created: Mutex::default(),
        }
    }

    /// A directory that nobody else uses.
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// A text that no other case uses.
    pub fn text(&self, stem: &str) -> String {
        format!("{stem}-{}", self.unique)
    }

    /// A service name that no other case uses.
    pub fn name(&self, stem: &str) -> ServiceName {
        ServiceName::new(self.text(stem)).expect("stems are names")
    }

    /// The command line of the scripted program.
    pub fn image(&self, words: &[&str]) -> ImagePath {
        let program = self.scripted.to_str().expect("the build directory has a Unicode name");
        let arguments: Vec<&str> = [program].into_iter().chain(words.iter().copied()).collect();
        ImagePath::from_arguments(&arguments).expect("scripts are command lines")
    }

    /// A service that follows a script, type own, started on demand.
    pub fn service(&self, stem: &str, script: &[&str]) -> NewService {
        let name = self.name(stem);
        self.created.lock().unwrap().push(name.clone());
        let display_name = DisplayName::new(format!("Test service {}", self.text(stem))).unwrap();
        NewService::own_process(name, display_name, self.image(script))
    }

    /// The same with dependencies.
    pub fn dependent(&self, stem: &str, script: &[&str], on: &[&NewService]) -> NewService {
        let mut new = self.service(stem, script);
        new.config.dependencies =
            on.iter().map(|service| Dependency::Service(service.name.clone())).collect();
        new
    }

    /// Creates a service that follows a script.
    pub fn create(&self, manager: &dyn Manager, stem: &str, script: &[&str]) -> Box<dyn Service> {
        create(manager, &self.service(stem, script))
    }

    /// Stops and deletes what the case left.
    pub(super) fn remove_services(&self, backend: &dyn Backend) {
        let manager = manager(backend);
        for name in self.created.lock().unwrap().drain(..).rev() {
            let Ok(service) = manager.open_service(name.as_str(), ServiceAccess::ALL_ACCESS) else {
                continue;
            };
            let stops = match service.control(Control::STOP) {
                Ok(_) => true,
                // It is on its way already.
                Err(error) => error.code == Win32Error::SERVICE_CANNOT_ACCEPT_CTRL,
            };
            // It may be deleted, or not stop after all: what counts is how it stands afterwards.
            if stops {
                let _ = service.wait(NotifyMask::STOPPED, PATIENCE);
            }
            let _ = service.delete();
        }
    }
}

/// The service control manager with every right.
pub(super) fn manager(backend: &dyn Backend) -> Box<dyn Manager> {
    backend.open_manager(ManagerAccess::ALL_ACCESS).unwrap()
}

/// A new service with every right.
pub(super) fn create(manager: &dyn Manager, new: &NewService) -> Box<dyn Service> {
    manager.create_service(new, ServiceAccess::ALL_ACCESS).unwrap().0
}

/// A service with every right.
pub(super) fn open(manager: &dyn Manager, name: &ServiceName) -> Box<dyn Service> {
    manager.open_service(name.as_str(), ServiceAccess::ALL_ACCESS).unwrap()
}

/// The code of the error that is expected.
#[track_caller]
pub(super) fn code<T>(result: Result<T>) -> Win32Error {
    match result {
        Ok(_) => panic!("the call succeeded, which it must not"),
        Err(error) => error.code,
    }
}

/// Waits for a state, which has to come.
#[track_caller]
pub(super) fn reaches(service: &dyn Service, state: ServiceState) -> ServiceStatus {
    let notification = service.wait(NotifyMask::of(state), PATIENCE).unwrap();
    match notification {
        Some(notification) => notification.status,
        None => panic!("not {state} within {PATIENCE:?} but {:?}", service.status()),
    }
}

/// Starts a service and waits until it runs.
#[track_caller]
pub(super) fn start(service: &dyn Service) -> ServiceStatus {
    service.start(&[]).unwrap();
    reaches(service, ServiceState::RUNNING)
}

/// Stops a service and waits until it has stopped.
#[track_caller]
pub(super) fn stop(service: &dyn Service) -> ServiceStatus {
    service.control(Control::STOP).unwrap();
    reaches(service, ServiceState::STOPPED)
}
