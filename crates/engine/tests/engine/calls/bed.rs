//! A service control manager, and a connection to it on which any call can be made.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::ops::{Deref, DerefMut};
use std::os::unix::net::UnixStream;

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::config::NewService;
use svckit_core::kind::ServiceType;
use svckit_core::status::{NotifyMask, StateFilter};
use svckit_core::win32::Win32Error;
use svckit_scmr::client::{Binding, Client, Outcome, Progress};
use svckit_scmr::ndr::Text;
use svckit_scmr::ops::{Answer, Call, CreateService, Handle, NotifyParams};
use tempfile::TempDir;

use crate::support::{Scm, scripted, settings, state};

/// Enough for everything that is in these tests.
pub(super) const LARGE: u32 = 8 * 1024;

/// A connection on which calls are made one by one.
pub(super) struct Wire {
    stream: UnixStream,
    client: Client,
    /// Answers that have come before they were waited for.
    answers: BTreeMap<u32, Answer>,
    /// The form in which calls are made that there are in two.
    pub(super) text: Text,
}

/// A service control manager and a connection to it.
pub(super) struct Bed {
    wire: Wire,
    /// A handle of the manager with every right.
    pub(super) manager: Handle,
    pub(super) scm: Scm,
    state: TempDir,
    names: u32,
}

impl Bed {
    pub(super) fn new() -> Self {
        let state = state();
        // Waited for where a process says nothing; so there is one case of each.
        settings(state.path(), "start-timeout = 8\ncontrol-timeout = 8\n");
        let scm = Scm::serve(state.path());
        let wire = Wire::connect(&state);
        let mut bed = Self { wire, manager: Handle::NULL, scm, state, names: 0 };
        bed.manager = bed.open_manager(ManagerAccess::ALL_ACCESS);
        bed
    }

    /// Another connection to the same service control manager.
    pub(super) fn another_client(&self) -> Wire {
        Wire::connect(&self.state)
    }

    /// Waits until a service runs.
    pub(super) fn runs(&mut self, service: Handle) {
        let params = NotifyParams::request(NotifyMask::RUNNING);
        let Answer::NotifyServiceStatusChange { notify, code: Win32Error::SUCCESS } =
            self.ask(&Call::NotifyServiceStatusChange { service, params })
        else {
            panic!("nobody can wait for it");
        };
        assert_eq!(self.code(&Call::GetNotifyResults { notify }), Win32Error::SUCCESS);
        assert_eq!(self.code(&Call::CloseNotifyHandle { notify }), Win32Error::SUCCESS);
    }

    pub(super) fn open_manager(&mut self, access: ManagerAccess) -> Handle {
        match self.ask(&Call::OpenScManager { machine: None, database: None, access }) {
            Answer::OpenScManager { manager, code: Win32Error::SUCCESS } => manager,
            other => panic!("{other:?}"),
        }
    }

    pub(super) fn open(&mut self, name: &str, access: ServiceAccess) -> Handle {
        let manager = self.manager;
        match self.ask(&Call::OpenService { manager, name: name.to_owned(), access }) {
            Answer::OpenService { service, code: Win32Error::SUCCESS } => service,
            other => panic!("{other:?}"),
        }
    }

    /// A service of a name that nobody has, that follows a script.
    pub(super) fn new_service(&mut self, script: &[&str]) -> NewService {
        self.names += 1;
        scripted(&format!("service {}", self.names), script)
    }

    /// Creates a service; its handle has every right.
    pub(super) fn create(&mut self, new: &NewService) -> Handle {
        let create = CreateService::new(self.manager, new, ServiceAccess::ALL_ACCESS);
        match self.ask(&Call::CreateService(Box::new(create))) {
            Answer::CreateService { service, code: Win32Error::SUCCESS, .. } => service,
            other => panic!("{other:?}"),
        }
    }

    /// A service that follows a script.
    pub(super) fn service(&mut self, script: &[&str]) -> Handle {
        let new = self.new_service(script);
        self.create(&new)
    }

    /// One that was started.
    pub(super) fn started(&mut self, script: &[&str]) -> Handle {
        let service = self.service(script);
        assert_eq!(self.code(&start(service)), Win32Error::SUCCESS);
        service
    }

    /// A driver: it is there, and never runs.
    pub(super) fn driver(&mut self) -> Handle {
        let mut new = self.new_service(&[]);
        new.config.service_type = ServiceType::KERNEL_DRIVER;
        new.config.account = None;
        self.create(&new)
    }

    /// One that is marked for deletion.
    pub(super) fn marked(&mut self) -> Handle {
        let service = self.service(&[]);
        assert_eq!(self.code(&Call::DeleteService { service }), Win32Error::SUCCESS);
        service
    }
}

impl Deref for Bed {
    type Target = Wire;

    fn deref(&self) -> &Wire {
        &self.wire
    }
}

impl DerefMut for Bed {
    fn deref_mut(&mut self) -> &mut Wire {
        &mut self.wire
    }
}

impl Wire {
    fn connect(state: &TempDir) -> Self {
        let mut stream = UnixStream::connect(state.path().join("scm.sock")).unwrap();
        let (mut binding, bytes) = Binding::start();
        stream.write_all(&bytes).unwrap();
        let mut buffer = [0; 4096];
        loop {
            let length = stream.read(&mut buffer).unwrap();
            match binding.receive(&buffer[..length]).unwrap() {
                Progress::Ready(client) => {
                    return Self { stream, client, answers: BTreeMap::new(), text: Text::Wide };
                }
                Progress::Binding(more) => binding = more,
            }
        }
    }

    /// Makes a call; its answer.
    pub(super) fn ask(&mut self, call: &Call) -> Answer {
        let call_id = self.begin(call);
        self.answer_to(call_id)
    }

    /// The code that a call is answered with.
    pub(super) fn code(&mut self, call: &Call) -> Win32Error {
        self.ask(call).code()
    }

    /// Begins a call that may be answered later than others.
    pub(super) fn begin(&mut self, call: &Call) -> u32 {
        let (call_id, bytes) = match self.text {
            Text::Ansi if call.opnum().ansi().is_some() => {
                self.client.call(&Call::Ansi(Box::new(call.clone())))
            }
            _ => self.client.call(call),
        };
        self.stream.write_all(&bytes).unwrap();
        call_id
    }

    /// The answer to a call that was begun.
    pub(super) fn answer_to(&mut self, call_id: u32) -> Answer {
        let mut buffer = vec![0; 64 * 1024];
        loop {
            match self.answers.remove(&call_id) {
                Some(Answer::Ansi(answer)) => return *answer,
                Some(answer) => return answer,
                None => {}
            }
            let length = self.stream.read(&mut buffer).unwrap();
            assert_ne!(length, 0, "the connection was closed");
            for returned in self.client.receive(&buffer[..length]).unwrap() {
                let Outcome::Answer(answer) = returned.outcome else { panic!("{:?}", returned.outcome) };
                self.answers.insert(returned.call_id, answer);
            }
        }
    }
}

pub(super) fn start(service: Handle) -> Call {
    Call::StartService { service, arguments: Vec::new() }
}

pub(super) fn dependents(service: Handle, size: u32) -> Call {
    Call::EnumDependentServices { service, states: StateFilter::ALL, size }
}

/// A listing of services, without processes.
pub(super) fn list(manager: Handle, size: u32, resume: Option<u32>) -> Call {
    Call::EnumServicesStatus { manager, types: ServiceType::WIN32, states: StateFilter::ALL, size, resume }
}

/// The same with processes.
pub(super) fn list_ex(manager: Handle, size: u32, resume: Option<u32>) -> Call {
    Call::EnumServicesStatusEx {
        manager,
        level: 0,
        types: ServiceType::WIN32,
        states: StateFilter::ALL,
        size,
        resume,
        group: None,
    }
}
