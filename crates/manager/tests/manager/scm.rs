//! A service control manager with a model of services and no processes, behind a socket of its own.

use std::collections::BTreeMap;
use std::io::{Read, Write};
use std::net::{Shutdown, TcpStream};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard};
use std::thread;

use svckit_core::Win32Error;
use svckit_core::access::ServiceAccess;
use svckit_core::config::{Config2, Config2Change, Config2Level, ServiceConfig};
use svckit_core::definition::HostDefinition;
use svckit_core::native::{Reply, Request};
use svckit_core::status::{NotifyMask, ServiceState, ServiceStatus};
use svckit_manager::Embedded;
use svckit_manager::wire::Wire;
use svckit_os::socket::{self, Stream};
use svckit_scmr::ndr::Text;
use svckit_scmr::ops::{Answer, Call, Handle, NotifyParams, Password, buffers};
use svckit_scmr::pdu::Status;
use svckit_scmr::server::{Incoming, Server};

/// A stream that can be had twice.
pub(crate) trait Duplex: Read + Write + Send + 'static {
    fn copy(&self) -> Self;
    fn end(&self);
}

impl Duplex for Stream {
    fn copy(&self) -> Self {
        self.try_clone().unwrap()
    }

    fn end(&self) {
        // The other side may have gone.
        drop(self.shutdown(Shutdown::Both));
    }
}

impl Duplex for TcpStream {
    fn copy(&self) -> Self {
        self.try_clone().unwrap()
    }

    fn end(&self) {
        drop(self.shutdown(Shutdown::Both));
    }
}

/// A service of the model.
pub(crate) struct Model {
    pub(crate) config: ServiceConfig,
    pub(crate) config2: BTreeMap<Config2Level, Config2>,
    pub(crate) status: ServiceStatus,
    pub(crate) definition: Option<Box<HostDefinition>>,
    /// How often the status was changed.
    changes: u64,
}

/// What a handle stands for.
#[derive(Clone)]
struct Open {
    service: String,
    access: ServiceAccess,
    told: u64,
    mask: NotifyMask,
}

#[derive(Default)]
pub(crate) struct State {
    pub(crate) services: BTreeMap<String, Model>,
    pub(crate) starts: Vec<Vec<String>>,
    /// What these levels are refused with.
    pub(crate) refused: BTreeMap<Config2Level, Win32Error>,
    /// Whether definitions are refused.
    pub(crate) refuses_definitions: bool,
    /// Rights that nobody gets.
    pub(crate) denied: ServiceAccess,
    /// The passwords of accounts that came, as they were within the calls.
    pub(crate) passwords: Vec<Password>,
    /// What was asked for when services were opened.
    pub(crate) opened: Vec<ServiceAccess>,
    /// What asking for these levels fails with; level 0 is the basic configuration.
    pub(crate) unreadable: BTreeMap<Config2Level, Win32Error>,
    /// How many more writes there is room for; absent: any number.
    pub(crate) room: Option<usize>,
    /// Whether it knows only the older of the calls that list services.
    pub(crate) is_old: bool,
    pub(crate) connections: usize,
    pub(crate) writes: usize,
    /// The connection of each of these many calls is lost instead of its answer, once the call was carried out.
    pub(crate) lost: usize,
    handles: BTreeMap<u64, Open>,
    next: u64,
}

pub(crate) struct Scm {
    state: Mutex<State>,
    changed: Condvar,
}

/// The model with the directory in which it can be reached.
pub(crate) struct Fixture {
    pub(crate) scm: Arc<Scm>,
    directory: tempfile::TempDir,
}

impl Fixture {
    pub(crate) fn new() -> Self {
        let directory = tempfile::tempdir().unwrap();
        let scm = Arc::new(Scm { state: Mutex::default(), changed: Condvar::new() });
        scm.listen(&directory.path().join("scm.sock"));
        Self { scm, directory }
    }

    pub(crate) fn path(&self) -> PathBuf {
        self.directory.path().to_owned()
    }

    pub(crate) fn connect(&self) -> Wire<Stream> {
        Embedded::new(self.path()).connect().unwrap()
    }
}

impl Scm {
    pub(crate) fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap()
    }

    /// Serves every connection to `path` until the process ends.
    pub(crate) fn listen(self: &Arc<Self>, path: &Path) {
        let listener = socket::bind(path).unwrap();
        let scm = Arc::clone(self);
        thread::spawn(move || {
            for stream in listener.incoming() {
                let (scm, stream) = (Arc::clone(&scm), stream.unwrap());
                scm.state().connections += 1;
                thread::spawn(move || scm.serve(stream, Server::default()));
            }
        });
    }

    pub(crate) fn set_state(&self, name: &str, state: ServiceState) {
        let mut all = self.state();
        let service = all.services.get_mut(name).unwrap();
        service.status.state = state;
        service.changes += 1;
        self.changed.notify_all();
    }

    /// Serves one connection; after an error of the client what is left is sent.
    pub(crate) fn serve(self: Arc<Self>, mut stream: impl Duplex, server: Server) {
        let server = Arc::new(Mutex::new((server, stream.copy())));
        let mut buffer = [0; 4096];
        while let Ok(count @ 1..) = stream.read(&mut buffer) {
            let received = server.lock().unwrap().0.receive(&buffer[..count]);
            let Ok(incoming) = received else {
                let output = server.lock().unwrap().0.take_output();
                drop(stream.write_all(&output));
                return stream.end();
            };
            for incoming in incoming {
                match incoming {
                    Incoming::Call { call: Call::DeleteService { service }, .. }
                        if self.open(service).is_ok_and(|open| open.service == "fatal") =>
                    {
                        return stream.end();
                    }
                    Incoming::Call { call_id, call: Call::ControlService { .. } } => {
                        server.lock().unwrap().0.fault(call_id, Status::OPERATION);
                    }
                    Incoming::Call { call_id, call: Call::EnumServicesStatusEx { .. } }
                        if self.state().is_old =>
                    {
                        server.lock().unwrap().0.fault(call_id, Status::OPERATION);
                    }
                    Incoming::Call { call_id, call: Call::GetNotifyResults { notify } } => {
                        let (scm, server) = (Arc::clone(&self), Arc::clone(&server));
                        thread::spawn(move || {
                            let answer = scm.next_change(notify);
                            let mut server = server.lock().unwrap();
                            server.0.answer(call_id, &answer);
                            let output = server.0.take_output();
                            // The client may have gone.
                            drop(server.1.write_all(&output));
                        });
                    }
                    Incoming::Call { call_id, call } => {
                        let answer = self.answer(&call).unwrap_or_else(|code| call.refuse(code));
                        let lost = self.state().lost;
                        if let Some(left) = lost.checked_sub(1) {
                            self.state().lost = left;
                            return stream.end();
                        }
                        server.lock().unwrap().0.answer(call_id, &answer);
                    }
                    Incoming::Native { call_id, request } => {
                        let reply = self.native(request);
                        server.lock().unwrap().0.reply(call_id, &reply);
                    }
                    Incoming::LoggedOn(_) | Incoming::LogonFailed { .. } => {}
                }
            }
            let output = server.lock().unwrap().0.take_output();
            stream.write_all(&output).unwrap();
        }
    }

    fn open(&self, handle: Handle) -> Result<Open, Win32Error> {
        let number = handle.number().ok_or(Win32Error::INVALID_HANDLE)?;
        self.state().handles.get(&number).cloned().ok_or(Win32Error::INVALID_HANDLE)
    }

    fn grant(&self, open: Open) -> Handle {
        let mut state = self.state();
        state.next += 1;
        let number = state.next;
        state.handles.insert(number, open);
        Handle::from_number(number)
    }

    /// Waits for a state that the handle was not told of.
    fn next_change(&self, notify: Handle) -> Answer {
        let number = notify.number().unwrap();
        let open = self.open(notify).unwrap();
        let mut state = self.state();
        loop {
            let service = &state.services[&open.service];
            let triggered = NotifyMask::of(service.status.state);
            if open.mask.intersects(triggered) && service.changes > open.told {
                let (status, changes) = (service.status, service.changes);
                // The handle that asked is the one before.
                state.handles.get_mut(&(number - 1)).unwrap().told = changes;
                let params = NotifyParams { triggered, status, ..NotifyParams::request(open.mask) };
                return Answer::GetNotifyResults { results: Some(vec![params]), code: Win32Error::SUCCESS };
            }
            state = self.changed.wait(state).unwrap();
        }
    }

    fn answer(&self, call: &Call) -> Result<Answer, Win32Error> {
        let code = Win32Error::SUCCESS;
        let nobody = Open {
            service: String::new(),
            access: ServiceAccess::empty(),
            told: 0,
            mask: NotifyMask::empty(),
        };
        Ok(match call {
            Call::OpenScManager { .. } => Answer::OpenScManager { manager: self.grant(nobody), code },
            Call::CloseServiceHandle { handle } => {
                let number = handle.number().ok_or(Win32Error::INVALID_HANDLE)?;
                self.state().handles.remove(&number).ok_or(Win32Error::INVALID_HANDLE)?;
                Answer::CloseServiceHandle { handle: Handle::NULL, code }
            }
            Call::OpenService { name, access, .. } => {
                let mut state = self.state();
                if !state.services.contains_key(name) {
                    return Err(Win32Error::SERVICE_DOES_NOT_EXIST);
                }
                state.opened.push(*access);
                if state.denied.intersects(*access) {
                    return Err(Win32Error::ACCESS_DENIED);
                }
                drop(state);
                let open = Open { service: name.clone(), access: *access, ..nobody };
                Answer::OpenService { service: self.grant(open), code }
            }
            Call::CreateService(create) => {
                let new = create.to_new_service()?;
                self.state().passwords.extend(create.password.clone());
                self.add(new.name.as_str(), new.config);
                let open = Open { service: create.name.clone(), access: create.access, ..nobody };
                Answer::CreateService { tag: create.tag.map(|_| 7), service: self.grant(open), code }
            }
            Call::GetServiceDisplayName { name, .. } => {
                let state = self.state();
                let service = state.services.get(name).ok_or(Win32Error::SERVICE_DOES_NOT_EXIST)?;
                let name = service.config.display_name.to_string();
                Answer::GetServiceDisplayName { size: name.encode_utf16().count() as u32, name, code }
            }
            Call::EnumServicesStatusEx { size, resume, .. } => {
                let filled = self.list(|all| {
                    buffers::enum_services_status_ex(all, resume.unwrap_or(0), *size, Text::Wide)
                });
                let buffers::Filled { buffer, needed, returned, resume: next, code } = filled;
                let resume = resume.map(|_| next);
                Answer::EnumServicesStatusEx { buffer, needed, returned, resume, code }
            }
            Call::EnumServicesStatus { size, resume, .. } => {
                let filled = self
                    .list(|all| buffers::enum_services_status(all, resume.unwrap_or(0), *size, Text::Wide));
                let buffers::Filled { buffer, needed, returned, resume: next, code } = filled;
                let resume = resume.map(|_| next);
                Answer::EnumServicesStatus { buffer, needed, returned, resume, code }
            }
            Call::NotifyServiceStatusChange { service, params } => {
                let open = self.open(*service)?;
                if !open.access.contains(ServiceAccess::QUERY_STATUS) {
                    return Err(Win32Error::ACCESS_DENIED);
                }
                // The model keeps it simple: the notification's handle follows that of the service.
                let number = service.number().unwrap();
                let notify = Handle::from_number(number + 1);
                let mut state = self.state();
                state.next = state.next.max(number + 1);
                state.handles.insert(number + 1, Open { mask: params.mask, ..open });
                Answer::NotifyServiceStatusChange { notify, code }
            }
            Call::CloseNotifyHandle { .. } => {
                Answer::CloseNotifyHandle { notify: Handle::NULL, fired: false, code }
            }
            call => self.answer_service(call)?,
        })
    }

    pub(crate) fn add(&self, name: &str, config: ServiceConfig) {
        let status = ServiceStatus::stopped(config.service_type, Win32Error::SERVICE_NEVER_STARTED);
        let model = Model { config, config2: BTreeMap::new(), status, definition: None, changes: 1 };
        self.state().services.insert(name.to_owned(), model);
    }

    fn answer_service(&self, call: &Call) -> Result<Answer, Win32Error> {
        let code = Win32Error::SUCCESS;
        let (handle, writes) = match call {
            Call::QueryServiceStatusEx { service, .. }
            | Call::QueryServiceConfig { service, .. }
            | Call::StartService { service, .. }
            | Call::QueryServiceConfig2 { service, .. } => (service, 0),
            Call::DeleteService { service } | Call::ChangeServiceConfig2 { service, .. } => (service, 1),
            Call::ChangeServiceConfig(change) => (&change.service, 1),
            _ => return Err(Win32Error::INVALID_FUNCTION),
        };
        let name = self.open(*handle)?.service;
        let mut state = self.state();
        let State { services, refused, unreadable, room, starts, writes: written, passwords, .. } =
            &mut *state;
        *written += writes;
        if let (1.., Some(left)) = (writes, room.as_mut()) {
            *left = left.checked_sub(1).ok_or(Win32Error::DISK_FULL)?;
        }
        let readable = |level| unreadable.get(&level).map_or(Ok(()), |code| code.check());
        let service = services.get_mut(&name).ok_or(Win32Error::SERVICE_DOES_NOT_EXIST)?;
        Ok(match call {
            Call::QueryServiceStatusEx { size, .. } => {
                let filled = buffers::query_service_status_ex(&service.status, *size);
                Answer::QueryServiceStatusEx {
                    buffer: filled.buffer,
                    needed: filled.needed,
                    code: filled.code,
                }
            }
            Call::QueryServiceConfig { size, .. } => {
                readable(Config2Level(0))?;
                buffers::query_service_config(&service.config, *size, Text::Wide)
            }
            Call::QueryServiceConfig2 { level, size, .. } => {
                readable(*level)?;
                let config = service.config2.get(level).cloned().unwrap_or(empty(*level)?);
                let filled = buffers::query_service_config2(&config, *size, Text::Wide)?;
                Answer::QueryServiceConfig2 {
                    buffer: filled.buffer,
                    needed: filled.needed,
                    code: filled.code,
                }
            }
            Call::ChangeServiceConfig2 { info, .. } => {
                let change = info.to_change()?;
                refused.get(&info.level()).map_or(Ok(()), |code| code.check())?;
                let before = service.config2.get(&info.level()).cloned().unwrap_or(empty(info.level())?);
                service.config2.insert(info.level(), after(before, change));
                Answer::ChangeServiceConfig2 { code }
            }
            Call::ChangeServiceConfig(change) => {
                let wanted = change.to_change()?;
                passwords.extend(change.password.clone());
                let config = &mut service.config;
                config.start_type = wanted.start_type.unwrap_or(config.start_type);
                config.image_path = wanted.image_path.unwrap_or(config.image_path.clone());
                config.load_order_group = wanted.load_order_group.unwrap_or(config.load_order_group.clone());
                config.dependencies = wanted.dependencies.unwrap_or(config.dependencies.clone());
                config.display_name = wanted.display_name.unwrap_or(config.display_name.clone());
                config.account = wanted.account.or(config.account.take());
                Answer::ChangeServiceConfig { tag: change.tag, code }
            }
            Call::StartService { arguments, .. } => {
                starts.push(arguments.clone());
                Answer::StartService { code }
            }
            _ => {
                services.remove(&name);
                Answer::DeleteService { code }
            }
        })
    }

    fn list(&self, fill: impl FnOnce(&[buffers::Entry<'_>]) -> buffers::Filled) -> buffers::Filled {
        let state = self.state();
        let entries: Vec<_> = state
            .services
            .iter()
            .map(|(name, service)| buffers::Entry {
                name,
                display_name: service.config.display_name.as_str(),
                status: service.status,
            })
            .collect();
        fill(&entries)
    }

    fn native(&self, request: Request) -> Reply {
        let mut state = self.state();
        let refused = state.refuses_definitions;
        match request {
            Request::Definition { service } => {
                let definition = state.services[service.as_str()].definition.clone();
                Reply::Definition { definition }
            }
            Request::SetDefinition { .. } if refused => {
                Reply::Error { code: Win32Error::DISK_FULL, message: "the disk is full of cats".to_owned() }
            }
            Request::SetDefinition { service, definition } => {
                state.writes += 1;
                state.services.get_mut(service.as_str()).unwrap().definition = definition;
                Reply::Done
            }
            _ => Reply::Error { code: Win32Error::NOT_SUPPORTED, message: "not in this model".to_owned() },
        }
    }
}

/// An optional setting that was never set.
fn empty(level: Config2Level) -> Result<Config2, Win32Error> {
    Ok(match level {
        Config2Level::DESCRIPTION => Config2::Description(None),
        Config2Level::FAILURE_ACTIONS => Config2::FailureActions(Default::default()),
        Config2Level::DELAYED_AUTO_START => Config2::DelayedAutoStart(false),
        Config2Level::REQUIRED_PRIVILEGES => Config2::RequiredPrivileges(Vec::new()),
        _ => return Err(Win32Error::INVALID_LEVEL),
    })
}

fn after(before: Config2, change: Config2Change) -> Config2 {
    match (before, change) {
        (_, Config2Change::Description(text)) => Config2::Description(text.filter(|text| !text.is_empty())),
        (Config2::FailureActions(mut actions), Config2Change::FailureActions(change)) => {
            actions.apply(change);
            Config2::FailureActions(actions)
        }
        (_, Config2Change::DelayedAutoStart(on)) => Config2::DelayedAutoStart(on),
        (_, Config2Change::RequiredPrivileges(names)) => Config2::RequiredPrivileges(names),
        (before, _) => before,
    }
}
