//! A client with services of its own, and what it was promised about them.

use std::collections::BTreeMap;

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::{Backend, Service};
use svckit_core::config::{Config2, Config2Change, Config2Level, ConfigChange, NewService};
use svckit_core::control::Control;
use svckit_core::definition::{
    DEFINITION_VERSION, HostDefinition, LogPolicy, LogTarget, Program, RestartPolicy, RestartWhen, StopPolicy,
};
use svckit_core::error::Error;
use svckit_core::image_path::ImagePath;
use svckit_core::kind::ServiceType;
use svckit_core::name::{DisplayName, ServiceName};
use svckit_core::native::{Reply, Request};
use svckit_core::status::{NotifyMask, ServiceState, StateFilter};
use svckit_core::win32::Win32Error;
use svckit_manager::Embedded;
use svckit_testkit::svc::Svc;
use svckit_testkit::{PATIENCE, binary};

use crate::random::Random;

/// How many services a client has.
const SERVICES: u64 = 4;

/// What was acknowledged last about a service that exists.
#[derive(Debug, Clone)]
pub(crate) struct Expected {
    pub(crate) state: ServiceState,
    /// Whether a host runs its program: then nothing is left of the program when the service has stopped. Another process ends a moment later.
    pub(crate) hosted: bool,
    display_name: String,
    description: Option<String>,
}

/// A client, alone with its services.
pub(crate) struct Client<'a> {
    svc: &'a Svc,
    number: u64,
    random: Random,
    expected: BTreeMap<String, Expected>,
    backend: Option<Box<dyn Backend>>,
    steps: u64,
}

/// The processes that carry a service's name in their arguments.
pub(crate) fn programs(svc: &Svc, name: &str) -> Vec<u32> {
    let tag = format!("tag={name}");
    let carries = |pid: &u32| {
        let line = std::fs::read(format!("/proc/{pid}/cmdline")).unwrap_or_default();
        line.split(|byte| *byte == 0).any(|word| word == tag.as_bytes())
    };
    svc.processes().into_iter().filter(carries).collect()
}

impl<'a> Client<'a> {
    pub(crate) fn new(svc: &'a Svc, number: u64, random: Random) -> Self {
        Self { svc, number, random, expected: BTreeMap::new(), backend: None, steps: 0 }
    }

    /// What it was promised, when nothing is under way any more.
    pub(crate) fn expected(self) -> BTreeMap<String, Expected> {
        self.expected
    }

    /// Does one thing to one of its services, until it is acknowledged, and looks whether everything is as it should be.
    pub(crate) fn step(&mut self) {
        self.steps += 1;
        let index = self.random.below(SERVICES);
        let name = format!("kill-{}-{index}", self.number);
        match (self.expected.get(&name).map(|service| service.state), self.random.below(5)) {
            (None, _) => self.create(&name, index.is_multiple_of(2)),
            (Some(ServiceState::RUNNING), 0 | 1) => self.stop(&name),
            (Some(ServiceState::STOPPED), 0..=2) => self.start(&name),
            (Some(ServiceState::STOPPED), 3) => self.delete(&name),
            (Some(_), 4) => self.rename(&name),
            (Some(_), _) => self.describe(&name),
        }
        let name = format!("kill-{}-{}", self.number, self.random.below(SERVICES));
        self.check(&name);
    }

    fn create(&mut self, name: &str, hosted: bool) {
        let new = self.new_service(name, hosted);
        self.until_done(|backend| {
            match backend
                .open_manager(ManagerAccess::ALL_ACCESS)?
                .create_service(&new, ServiceAccess::ALL_ACCESS)
            {
                Ok(_) => Ok(()),
                // An earlier attempt was carried out, though its answer was lost.
                Err(error) if error.code == Win32Error::SERVICE_EXISTS => Ok(()),
                Err(error) => Err(error),
            }
        });
        if hosted {
            let definition = Some(Box::new(self.definition(name)));
            let request = Request::SetDefinition { service: new.name, definition };
            assert_eq!(self.native(request), Reply::Done);
        }
        let state = ServiceState::STOPPED;
        let display_name = new.config.display_name.to_string();
        self.expected.insert(name.to_owned(), Expected { state, hosted, display_name, description: None });
    }

    fn start(&mut self, name: &str) {
        self.on_service(name, |service| {
            match service.start(&[]) {
                Err(error) if error.code != Win32Error::SERVICE_ALREADY_RUNNING => return Err(error),
                _ => {}
            }
            reaches(service, ServiceState::RUNNING)
        });
        self.known(name).state = ServiceState::RUNNING;
    }

    fn stop(&mut self, name: &str) {
        self.on_service(name, |service| {
            match service.control(Control::STOP) {
                // It has stopped, or is about to: an earlier attempt was carried out.
                Err(error)
                    if ![Win32Error::SERVICE_NOT_ACTIVE, Win32Error::SERVICE_CANNOT_ACCEPT_CTRL]
                        .contains(&error.code) =>
                {
                    return Err(error);
                }
                _ => {}
            }
            reaches(service, ServiceState::STOPPED)
        });
        let known = self.known(name);
        known.state = ServiceState::STOPPED;
        if known.hosted {
            assert_eq!(programs(self.svc, name), [] as [u32; 0], "{name} has stopped");
        }
    }

    fn delete(&mut self, name: &str) {
        self.until_done(|backend| {
            let manager = backend.open_manager(ManagerAccess::ALL_ACCESS)?;
            let gone = |error: &Error| {
                [Win32Error::SERVICE_DOES_NOT_EXIST, Win32Error::SERVICE_MARKED_FOR_DELETE]
                    .contains(&error.code)
            };
            match manager.open_service(name, ServiceAccess::ALL_ACCESS).and_then(|service| service.delete()) {
                Err(error) if !gone(&error) => Err(error),
                _ => Ok(()),
            }
        });
        self.expected.remove(name);
    }

    fn rename(&mut self, name: &str) {
        let display_name = format!("{name} {}", self.steps);
        let change = ConfigChange {
            display_name: Some(DisplayName::new(display_name.clone()).unwrap()),
            ..ConfigChange::default()
        };
        self.on_service(name, |service| service.change_config(&change).map(drop));
        self.known(name).display_name = display_name;
    }

    fn describe(&mut self, name: &str) {
        let description = format!("after step {}", self.steps);
        let change = Config2Change::Description(Some(description.clone()));
        self.on_service(name, |service| service.change_config2(&change));
        self.known(name).description = Some(description);
    }

    /// Compares a service with what was promised.
    fn check(&mut self, name: &str) {
        let Some(expected) = self.expected.get(name).cloned() else {
            let code = self.until_done(|backend| {
                let manager = backend.open_manager(ManagerAccess::CONNECT)?;
                match manager.open_service(name, ServiceAccess::QUERY_STATUS) {
                    Ok(_) => Ok(Win32Error::SUCCESS),
                    Err(error) if is_lost(&error) => Err(error),
                    Err(error) => Ok(error.code),
                }
            });
            assert_eq!(code, Win32Error::SERVICE_DOES_NOT_EXIST, "{name} was deleted");
            return;
        };
        let (config, description, status) = self.on_service(name, |service| {
            Ok((service.config()?, service.config2(Config2Level::DESCRIPTION)?, service.status()?))
        });
        assert_eq!(config.display_name.as_str(), expected.display_name, "{name}");
        assert_eq!(description, Config2::Description(expected.description), "{name}");
        assert_eq!(status.state, expected.state, "{name}: {status:?}");
    }

    /// Compares all services with what was promised.
    pub(crate) fn check_list(&mut self, expected: &BTreeMap<String, Expected>) {
        let listed = self.until_done(|backend| {
            backend.open_manager(ManagerAccess::ALL_ACCESS)?.enumerate(
                ServiceType::WIN32,
                StateFilter::ALL,
                None,
            )
        });
        let listed: BTreeMap<String, ServiceState> =
            listed.into_iter().map(|service| (service.name, service.status.state)).collect();
        let promised = expected.iter().map(|(name, service)| (name.clone(), service.state)).collect();
        assert_eq!(listed, promised);
        self.expected = expected.clone();
        for name in expected.keys() {
            self.check(name);
        }
    }

    pub(crate) fn native(&mut self, request: Request) -> Reply {
        self.until_done(|backend| backend.native(request.clone()))
    }

    fn on_service<T>(&mut self, name: &str, act: impl Fn(&dyn Service) -> Result<T, Box<Error>>) -> T {
        self.until_done(|backend| {
            let manager = backend.open_manager(ManagerAccess::CONNECT)?;
            act(&*manager.open_service(name, ServiceAccess::ALL_ACCESS)?)
        })
    }

    /// Does something until an answer comes.
    fn until_done<T>(&mut self, act: impl Fn(&dyn Backend) -> Result<T, Box<Error>>) -> T {
        loop {
            let backend = match self.backend.take() {
                Some(backend) => backend,
                None => match Embedded::new(self.svc.state()).connect() {
                    Ok(backend) => Box::new(backend),
                    Err(error) if is_lost(&error) => {
                        // Whoever comes first starts the next one; that one may be killed at once.
                        let _ = self.svc.run(&["list"]);
                        continue;
                    }
                    Err(error) => panic!("{error}"),
                },
            };
            match act(&*backend) {
                Ok(result) => {
                    self.backend = Some(backend);
                    return result;
                }
                Err(error) if is_lost(&error) => {}
                Err(error) => panic!("{error}\n{}", self.svc.scm_log()),
            }
        }
    }

    fn known(&mut self, name: &str) -> &mut Expected {
        self.expected.get_mut(name).expect("a service that exists")
    }

    fn new_service(&self, name: &str, hosted: bool) -> NewService {
        let svc = self.svc.program().to_str().unwrap();
        let scripted = binary::scripted();
        let tag = format!("tag={name}");
        let image = if hosted {
            ImagePath::from_arguments(&[svc, "host", "run"])
        } else {
            ImagePath::from_arguments(&[scripted.to_str().unwrap(), &tag])
        };
        let display_name = DisplayName::new(name).unwrap();
        NewService::own_process(ServiceName::new(name).unwrap(), display_name, image.unwrap())
    }

    fn definition(&self, name: &str) -> HostDefinition {
        let scripted = binary::scripted().to_str().unwrap().to_owned();
        let log = LogTarget::File(self.svc.folder().join(format!("{name}.log")));
        HostDefinition {
            version: DEFINITION_VERSION,
            program: Program {
                command: vec![scripted, "program=hang".to_owned(), format!("tag={name}")],
                directory: self.svc.folder().to_owned(),
                environment: BTreeMap::new(),
                environment_files: Vec::new(),
                secrets: Default::default(),
            },
            restart: RestartPolicy { when: RestartWhen::Never, ..RestartPolicy::default() },
            stop: StopPolicy::default(),
            log: LogPolicy { buffer: 1 << 16, ..LogPolicy::new(log) },
            controls: BTreeMap::new(),
            ready: None,
            health: None,
            schedule: Default::default(),
            system_events: Default::default(),
            tree: Default::default(),
            hooks: Default::default(),
            limits: Default::default(),
            account_password: None,
            source: None,
        }
    }
}

/// Whether there is no answer because there was no service control manager to give it.
fn is_lost(error: &Error) -> bool {
    [Win32Error::RPC_S_SERVER_UNAVAILABLE, Win32Error::RPC_S_CALL_FAILED].contains(&error.code)
}

fn reaches(service: &dyn Service, state: ServiceState) -> Result<(), Box<Error>> {
    match service.wait(NotifyMask::of(state), PATIENCE)? {
        Some(_) => Ok(()),
        None => panic!("not {state} within {PATIENCE:?} but {:?}", service.status()),
    }
}
