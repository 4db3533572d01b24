//! A service control manager for tests of this crate: services are table entries, every change is at once.

use std::collections::{BTreeMap, BTreeSet};
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, MutexGuard};
use std::time::Duration;

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::{
    Backend, Enumerated, Lock, LockStatus, Manager, Notification, Service, SetChange, Watch,
};
use svckit_core::config::{Config2, Config2Change, Config2Level, ConfigChange, NewService, ServiceConfig};
use svckit_core::control::{Control, ControlsAccepted};
use svckit_core::definition::HostDefinition;
use svckit_core::error::{Error, Result};
use svckit_core::kind::{ServiceType, SidType};
use svckit_core::name::{Dependency, ServiceName, fold};
use svckit_core::native::{
    Configured, Event, Holder, HostState, LogCursor, NamedHostState, Overview, Phase, Reply, Request,
    ScmStatus, ServiceView,
};
use svckit_core::reason::StopReason;
use svckit_core::rights;
use svckit_core::secret::Secret;
use svckit_core::security::{SecurityDescriptor, SecurityInformation};
use svckit_core::space::Space;
use svckit_core::status::{NotifyMask, ServiceState, ServiceStatus, StateFilter};
use svckit_core::time::WallTime;
use svckit_core::trigger::Raised;
use svckit_core::win32::Win32Error;
use svckit_manager::local::Logon;

/// A service of the fake.
#[derive(Clone)]
pub(crate) struct Record {
    pub(crate) config: ServiceConfig,
    pub(crate) optional: BTreeMap<Config2Level, Config2>,
    pub(crate) security: SecurityDescriptor,
    pub(crate) definition: Option<HostDefinition>,
    pub(crate) status: ServiceStatus,
    pub(crate) host: HostState,
    pub(crate) log: Vec<u8>,
    /// A start ends like this instead of running.
    pub(crate) fails_with: Option<(Win32Error, u32)>,
    /// It stays pending for ever.
    pub(crate) hangs: bool,
    /// The process that has it open: it can be marked for deletion, but doesn't go.
    pub(crate) held_by: Option<u32>,
}

#[derive(Default)]
pub(crate) struct Contents {
    pub(crate) services: BTreeMap<String, Record>,
    pub(crate) events: Vec<Event>,
    /// That of the fake itself, if it was set.
    pub(crate) security: Option<SecurityDescriptor>,
    /// Whether it knows of no hosts.
    pub(crate) is_windows: bool,
    /// Whether it answers nothing that the service API has no call for, as that of another Windows.
    pub(crate) has_no_native: bool,
    /// Who locks the database.
    pub(crate) lock: LockStatus,
    /// Every change, in order: `create web`, `config web`.
    pub(crate) journal: Vec<String>,
    /// The password that came with each creation and change of the configuration.
    pub(crate) passwords: Vec<Option<Secret>>,
    /// Who may log on as a service.
    pub(crate) may_log_on: BTreeSet<String>,
    /// What it says that it is.
    pub(crate) target: Option<&'static str>,
    /// Its state directory, if it is one that can be written.
    pub(crate) directory: Option<PathBuf>,
    /// Whether it can't tell all configurations in one answer, as that of Windows.
    pub(crate) has_no_configurations: bool,
    /// Services whose configuration may not be read.
    pub(crate) unreadable: BTreeSet<String>,
    /// The room on disks, by a folder on each; all others are on one with much.
    pub(crate) disks: BTreeMap<PathBuf, Space>,
    /// The version that it says it is, if that is another.
    pub(crate) version: Option<&'static str>,
    /// Whether it can't tell of all services at once.
    pub(crate) has_no_overview: bool,
    /// This entry of the journal fails with this code.
    pub(crate) sabotage: Option<(String, Win32Error)>,
}

/// The fake; clones are the same one.
#[derive(Clone, Default)]
pub(crate) struct Fake(Arc<Mutex<Contents>>);

impl Fake {
    pub(crate) fn contents(&self) -> MutexGuard<'_, Contents> {
        self.0.lock().unwrap()
    }

    /// Grants the right to log on as a service; whether it was missing.
    pub(crate) fn grant(&self, account: &str) -> Result<bool> {
        self.note(format!("grant {account}"))?;
        Ok(self.contents().may_log_on.insert(account.to_uppercase()))
    }

    /// Whether an account may log on as a service: one that is called ghost isn't there.
    pub(crate) fn logon(&self, account: &str) -> Logon {
        if account.ends_with("ghost") {
            Logon::NoAccount
        } else if self.contents().may_log_on.contains(&account.to_uppercase()) {
            Logon::Possible
        } else {
            Logon::NoRight
        }
    }

    /// The disk of a path.
    pub(crate) fn disk(&self, path: &Path) -> (OsString, Space) {
        let much = Space { free: 1 << 40, total: 1 << 41 };
        let contents = self.contents();
        let found = contents.disks.iter().find(|(folder, _)| path.starts_with(folder));
        found.map_or(("much".into(), much), |(folder, space)| (folder.into(), *space))
    }

    fn note(&self, entry: String) -> Result<()> {
        let mut contents = self.contents();
        let code = contents.sabotage.as_ref().filter(|(wanted, _)| *wanted == entry).map(|(_, code)| *code);
        contents.journal.push(entry.clone());
        code.map_or(Ok(()), |code| {
            let error = Error::new("change service", code).cause(format!("sabotaged {entry}"));
            Err(Box::new(error.target(contents.target.unwrap_or("fake"))))
        })
    }

    fn with<T>(&self, name: &str, act: impl FnOnce(&mut Record) -> T) -> Result<T> {
        let wanted = fold(name);
        match self.contents().services.iter_mut().find(|(name, _)| fold(name) == wanted) {
            Some((_, record)) => Ok(act(record)),
            None => Err(fail("open service", Win32Error::SERVICE_DOES_NOT_EXIST, name)),
        }
    }

    fn dependents(&self, name: &str) -> Vec<String> {
        let contents = self.contents();
        let needs = |record: &Record| {
            record.config.dependencies.iter().any(
                |dependency| matches!(dependency, Dependency::Service(needed) if needed.as_str() == name),
            )
        };
        let running = |record: &Record| record.status.state != ServiceState::STOPPED;
        contents
            .services
            .iter()
            .filter(|(_, r)| needs(r) && running(r))
            .map(|(name, _)| name.clone())
            .collect()
    }
}

fn fail(operation: &'static str, code: Win32Error, name: &str) -> Box<Error> {
    Box::new(Error::new(operation, code).service(name).target("fake"))
}

impl Fake {
    fn raise(&self, raised: &Raised) -> Reply {
        let concerns = |record: &Record| match record.optional.get(&Config2Level::TRIGGER_INFO) {
            Some(Config2::Triggers(all)) => all.iter().any(|trigger| raised.matches(trigger)),
            _ => false,
        };
        let contents = self.contents();
        let found = contents.services.iter().filter(|(_, record)| concerns(record));
        let started = found.map(|(name, _)| ServiceName::new(name.as_str()).unwrap()).collect();
        Reply::Raised { started, stopped: Vec::new() }
    }
}

impl Fake {
    fn scm_status(&self) -> ScmStatus {
        let contents = self.contents();
        ScmStatus {
            pid: 42,
            version: contents.version.unwrap_or(env!("CARGO_PKG_VERSION")).to_owned(),
            directory: contents.directory.clone().unwrap_or_else(|| "/state".into()),
            program: Some("/usr/local/bin/svc".into()),
            started_at: WallTime(0),
            services: 0,
            active: 0,
            processes: 0,
            listening: Vec::new(),
            endpoint_mapper: Vec::new(),
        }
    }

    fn overview(&self, only: Option<&[ServiceName]>) -> Overview {
        let contents = self.contents();
        let wanted = |(name, record): &(&String, &Record)| {
            record.config.service_type.intersects(ServiceType::WIN32)
                && only.is_none_or(|only| only.iter().any(|one| one.folded() == fold(name)))
        };
        let view = |found: (&String, &Record)| ServiceView {
            service: ServiceName::new(found.0.as_str()).unwrap(),
            display_name: found.1.config.display_name.to_string(),
            status: found.1.status,
            host: found.1.definition.is_some().then(|| host_state(found)),
        };
        let services = contents.services.iter().filter(wanted).map(view).collect();
        Overview { revision: 1, complete: true, services, gone: Vec::new() }
    }
}

impl Backend for Fake {
    fn target(&self) -> String {
        "fake".to_owned()
    }

    fn open_manager(&self, _: ManagerAccess) -> Result<Box<dyn Manager>> {
        Ok(Box::new(self.clone()))
    }

    fn report_boot(&self, acceptable: bool) -> Result<()> {
        self.note(format!("boot {}", if acceptable { "ok" } else { "bad" }))
    }

    fn native(&self, request: Request) -> Result<Reply> {
        if self.contents().has_no_native {
            return Err(fail("ask", Win32Error::NOT_SUPPORTED, ""));
        }
        Ok(match request {
            Request::HostStates { services } => {
                let wanted = |name: &str| {
                    services.as_ref().is_none_or(|all| all.iter().any(|one| one.folded() == fold(name)))
                };
                let contents = self.contents();
                let hosted = contents
                    .services
                    .iter()
                    .filter(|(name, record)| wanted(name) && record.definition.is_some());
                Reply::HostStates { states: hosted.map(host_state).collect() }
            }
            Request::Definition { service } => {
                let definition = self.with(service.as_str(), |record| record.definition.clone())?;
                Reply::Definition { definition: definition.map(Box::new) }
            }
            Request::Configurations if self.contents().has_no_configurations => {
                Reply::Error { code: Win32Error::NOT_SUPPORTED, message: "the fake has none".to_owned() }
            }
            Request::Configurations => {
                let one = |(name, record): (&String, &Record)| Configured {
                    service: ServiceName::new(name.as_str()).unwrap(),
                    state: record.status.state,
                    config: record.config.clone(),
                    optional: record.optional.values().cloned().collect(),
                    security: (record.security != *rights::SERVICE_SECURITY).then(|| record.security.clone()),
                    definition: record.definition.clone().map(Box::new),
                };
                let contents = self.contents();
                let readable =
                    contents.services.iter().filter(|(name, _)| !contents.unreadable.contains(*name));
                Reply::Configurations { services: readable.map(one).collect() }
            }
            Request::SetDefinition { service, definition } => {
                self.note(format!("define {service}"))?;
                self.with(service.as_str(), |record| record.definition = definition.map(|all| *all))?;
                Reply::Done
            }
            Request::Events { service, after, limit, .. } => {
                let contents = self.contents();
                let wanted = |event: &&Event| {
                    (service.is_none() || event.service == service)
                        && after.is_none_or(|after| event.sequence > after)
                };
                let all: Vec<_> = contents.events.iter().filter(wanted).cloned().collect();
                let skip = limit.map_or(0, |limit| all.len().saturating_sub(limit as usize));
                Reply::Events { events: all[skip..].to_vec() }
            }
            Request::Log { service, from, .. } => {
                let log = self.with(service.as_str(), |record| record.log.clone())?;
                let start = match from {
                    svckit_core::native::LogFrom::Tail { lines: 0 } => log.len(),
                    svckit_core::native::LogFrom::Tail { .. } => 0,
                    svckit_core::native::LogFrom::Cursor(cursor) => usize::try_from(cursor.offset).unwrap(),
                };
                let cursor = LogCursor { file: 1, offset: log.len() as u64 };
                Reply::Log { data: svckit_core::base64::encode(&log[start..]), cursor }
            }
            Request::Holders { service } => {
                let held = self.with(service.as_str(), |record| record.held_by)?;
                let holder = |pid| Holder { pid: Some(pid), handles: 2 };
                Reply::Holders { holders: held.into_iter().map(holder).collect() }
            }
            Request::Raise(raised) => self.raise(&raised),
            Request::ScmStatus if !self.contents().is_windows => Reply::ScmStatus(self.scm_status()),
            Request::Overview { services, .. } if !self.contents().has_no_overview => {
                Reply::Overview(self.overview(services.as_deref()))
            }
            Request::List if !self.contents().has_no_overview => {
                let services = self.overview(None).services;
                Reply::List { services: services.into_iter().map(ServiceView::listed).collect() }
            }
            Request::Overview { .. } | Request::List | Request::Usage | Request::ScmStatus => {
                return Err(fail("ask", Win32Error::NOT_SUPPORTED, ""));
            }
            Request::ScmStop => Reply::Done,
        })
    }

    /// Whatever is so stays so: the time is over at once.
    fn changes(&self, _: u64, _: Option<Vec<ServiceName>>, _: Duration) -> Result<Option<Reply>> {
        Ok(None)
    }
}

fn host_state((name, record): (&String, &Record)) -> NamedHostState {
    let service = ServiceName::new(name.as_str()).unwrap();
    NamedHostState { service, state: record.host.clone(), start_error: None }
}

impl Manager for Fake {
    fn create_service(&self, new: &NewService, _: ServiceAccess) -> Result<(Box<dyn Service>, u32)> {
        let name = new.name.to_string();
        self.note(format!("create {name}"))?;
        self.contents().passwords.push(new.password.clone());
        if self.with(&name, |_| ()).is_ok() {
            return Err(fail("create service", Win32Error::SERVICE_EXISTS, &name));
        }
        let optional = [
            Config2::Description(None),
            Config2::FailureActions(svckit_core::failure::FailureActions::default()),
            Config2::DelayedAutoStart(false),
            Config2::FailureActionsFlag(false),
            Config2::Sid(SidType::NONE),
            Config2::RequiredPrivileges(Vec::new()),
            Config2::PreshutdownTimeout(Duration::from_secs(180)),
        ];
        let record = Record {
            config: new.config.clone(),
            optional: optional.into_iter().map(|value| (value.level(), value)).collect(),
            security: rights::SERVICE_SECURITY.clone(),
            definition: None,
            status: ServiceStatus::stopped(new.config.service_type, Win32Error::SERVICE_NEVER_STARTED),
            host: HostState::default(),
            log: Vec::new(),
            fails_with: None,
            hangs: false,
            held_by: None,
        };
        self.contents().services.insert(name.clone(), record);
        Ok((Box::new(Handle(self.clone(), name)), 0))
    }

    fn open_service(&self, name: &str, access: ServiceAccess) -> Result<Box<dyn Service>> {
        self.with(name, |_| ())?;
        if access.contains(ServiceAccess::QUERY_CONFIG) && self.contents().unreadable.contains(name) {
            return Err(fail("open service", Win32Error::ACCESS_DENIED, name));
        }
        Ok(Box::new(Handle(self.clone(), name.to_owned())))
    }

    fn enumerate(&self, types: ServiceType, states: StateFilter, _: Option<&str>) -> Result<Vec<Enumerated>> {
        let contents = self.contents();
        let wanted = |record: &Record| {
            states.admits(record.status.state) && record.config.service_type.intersects(types)
        };
        let found = contents.services.iter().filter(|(_, record)| wanted(record));
        let entry = |(name, record): (&String, &Record)| Enumerated {
            name: name.clone(),
            display_name: record.config.display_name.to_string(),
            status: record.status,
        };
        Ok(found.map(entry).collect())
    }

    fn display_name(&self, name: &str) -> Result<String> {
        self.with(name, |record| record.config.display_name.to_string())
    }

    fn key_name(&self, display_name: &str) -> Result<String> {
        let contents = self.contents();
        let mut all = contents.services.iter();
        let found = all.find(|(_, record)| record.config.display_name.folded() == fold(display_name));
        let missing = || fail("look up name", Win32Error::SERVICE_DOES_NOT_EXIST, "");
        found.map(|(name, _)| name.clone()).ok_or_else(missing)
    }

    fn security(&self, parts: SecurityInformation) -> Result<SecurityDescriptor> {
        let contents = self.contents();
        Ok(contents.security.as_ref().unwrap_or(&rights::MANAGER_SECURITY).only(parts))
    }

    fn set_security(&self, parts: SecurityInformation, new: &SecurityDescriptor) -> Result<()> {
        self.note("security".to_owned())?;
        let mut contents = self.contents();
        let before = contents.security.as_ref().unwrap_or(&rights::MANAGER_SECURITY);
        contents.security = before.with(parts, &new.mapped(&rights::MANAGER));
        Ok(())
    }

    fn lock(&self) -> Result<Box<dyn Lock>> {
        self.note("lock".to_owned())?;
        Ok(Box::new(self.clone()))
    }

    fn lock_status(&self) -> Result<LockStatus> {
        Ok(self.contents().lock.clone())
    }

    fn watch(&self) -> Result<Box<dyn Watch>> {
        self.note("watch".to_owned())?;
        Ok(Box::new(self.clone()))
    }
}

impl Lock for Fake {
    fn unlock(self: Box<Self>) -> Result<()> {
        self.note("unlock".to_owned())
    }
}

impl Watch for Fake {
    /// Whoever holds a service goes on holding it: the time is over at once.
    fn wait(&mut self, _: Duration) -> Result<Option<SetChange>> {
        Ok(None)
    }
}

struct Handle(Fake, String);

impl Handle {
    fn with<T>(&self, act: impl FnOnce(&mut Record) -> T) -> Result<T> {
        self.0.with(&self.1, act)
    }
}

impl Service for Handle {
    fn delete(&self) -> Result<()> {
        self.0.note(format!("delete {}", self.1))?;
        if self.with(|record| record.held_by)?.is_none() {
            self.0.contents().services.remove(&self.1);
        }
        Ok(())
    }

    fn start(&self, _: &[String]) -> Result<()> {
        self.0.note(format!("start {}", self.1))?;
        let name = self.1.clone();
        self.with(|record| {
            if record.status.state != ServiceState::STOPPED {
                return Err(fail("start service", Win32Error::SERVICE_ALREADY_RUNNING, &name));
            }
            let status = &mut record.status;
            match (record.hangs, record.fails_with) {
                (true, _) => status.state = ServiceState::START_PENDING,
                (false, Some((code, specific))) => {
                    (status.win32_exit_code, status.service_exit_code) = (code, specific);
                    record.log.extend_from_slice(b"Traceback\nboom\n");
                }
                (false, None) => {
                    status.state = ServiceState::RUNNING;
                    status.win32_exit_code = Win32Error::SUCCESS;
                    status.controls_accepted = ControlsAccepted::STOP;
                    status.pid = 100;
                    record.log.extend_from_slice(b"listening\nsecond line\n");
                    record.host = HostState {
                        child_pid: Some(101),
                        ready: true,
                        phase: Phase::Running,
                        ..HostState::default()
                    };
                }
            }
            Ok(())
        })?
    }

    fn control(&self, control: Control) -> Result<ServiceStatus> {
        self.0.note(format!("{} {}", control.to_string().to_lowercase(), self.1))?;
        if control == Control::STOP && !self.0.dependents(&self.1).is_empty() {
            return Err(fail("control service", Win32Error::DEPENDENT_SERVICES_RUNNING, &self.1));
        }
        let name = self.1.clone();
        self.with(|record| {
            let status = &mut record.status;
            control
                .check(status.state, status.controls_accepted)
                .map_err(|code| fail("control service", code, &name))?;
            match control {
                Control::STOP => {
                    *status = ServiceStatus::stopped(status.service_type, Win32Error::SUCCESS);
                    record.host = HostState::default();
                }
                Control::PAUSE => status.state = ServiceState::PAUSED,
                Control::CONTINUE => status.state = ServiceState::RUNNING,
                _ => {}
            }
            Ok(record.status)
        })?
    }

    fn stop(&self, reason: &StopReason) -> Result<ServiceStatus> {
        self.0.note(format!("reason {reason}"))?;
        self.control(Control::STOP)
    }

    fn status(&self) -> Result<ServiceStatus> {
        self.with(|record| record.status)
    }

    fn security(&self, parts: SecurityInformation) -> Result<SecurityDescriptor> {
        self.with(|record| record.security.only(parts))
    }

    fn set_security(&self, parts: SecurityInformation, new: &SecurityDescriptor) -> Result<()> {
        self.0.note(format!("security {}", self.1))?;
        let new = new.mapped(&rights::SERVICE);
        self.with(|record| record.security = record.security.with(parts, &new).unwrap())
    }

    fn config(&self) -> Result<ServiceConfig> {
        self.with(|record| record.config.clone())
    }

    fn change_config(&self, change: &ConfigChange) -> Result<u32> {
        self.0.note(format!("config {}", self.1))?;
        self.0.contents().passwords.push(change.password.clone());
        let change = change.clone();
        self.with(|record| {
            let config = &mut record.config;
            config.service_type = change.service_type.unwrap_or(config.service_type);
            config.start_type = change.start_type.unwrap_or(config.start_type);
            config.error_control = change.error_control.unwrap_or(config.error_control);
            config.image_path = change.image_path.unwrap_or_else(|| config.image_path.clone());
            config.load_order_group =
                change.load_order_group.unwrap_or_else(|| config.load_order_group.clone());
            config.dependencies = change.dependencies.unwrap_or_else(|| config.dependencies.clone());
            config.account = change.account.or_else(|| config.account.clone());
            config.display_name = change.display_name.unwrap_or_else(|| config.display_name.clone());
            0
        })
    }

    fn config2(&self, level: Config2Level) -> Result<Config2> {
        let found = self.with(|record| record.optional.get(&level).cloned())?;
        found.ok_or_else(|| fail("query service", Win32Error::INVALID_LEVEL, &self.1))
    }

    fn change_config2(&self, change: &Config2Change) -> Result<()> {
        self.0.note(format!("config2-{} {}", change.level().0, self.1))?;
        let value = match change.clone() {
            Config2Change::Description(text) => Config2::Description(text.filter(|text| !text.is_empty())),
            Config2Change::FailureActions(change) => {
                let mut all = svckit_core::failure::FailureActions::default();
                all.apply(change);
                Config2::FailureActions(all)
            }
            Config2Change::DelayedAutoStart(on) => Config2::DelayedAutoStart(on),
            Config2Change::FailureActionsFlag(on) => Config2::FailureActionsFlag(on),
            Config2Change::Sid(kind) => Config2::Sid(kind),
            Config2Change::RequiredPrivileges(names) => Config2::RequiredPrivileges(names),
            Config2Change::PreshutdownTimeout(timeout) => Config2::PreshutdownTimeout(timeout),
            Config2Change::Triggers(all) => Config2::Triggers(all),
            Config2Change::PreferredNode(node) => Config2::PreferredNode(node),
            Config2Change::LaunchProtected(kind) => Config2::LaunchProtected(kind),
        };
        self.with(|record| record.optional.insert(value.level(), value)).map(drop)
    }

    fn dependents(&self, _: StateFilter) -> Result<Vec<Enumerated>> {
        let names = self.0.dependents(&self.1);
        names
            .into_iter()
            .map(|name| {
                let status = self.0.with(&name, |record| record.status)?;
                Ok(Enumerated { display_name: name.clone(), name, status })
            })
            .collect()
    }

    fn wait(&self, mask: NotifyMask, _: Duration) -> Result<Option<Notification>> {
        let status = self.status()?;
        let triggered = NotifyMask::of(status.state);
        Ok(mask.intersects(triggered).then_some(Notification { triggered, status }))
    }
}
