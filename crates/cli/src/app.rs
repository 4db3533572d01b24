//! What every verb works with: the streams, the way to the service control manager, and the patience.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::{Backend, Manager, Service};
use svckit_core::image_path::ImagePath;
use svckit_core::kind::ServiceType;
use svckit_core::name::{ServiceName, fold};
use svckit_core::native::{NamedHostState, Overview, Reply, Request, ScmStatus, ServiceUsage};
use svckit_core::pattern::{NamePattern, is_pattern};
use svckit_core::record;
use svckit_core::space::Space;
use svckit_core::status::StateFilter;
use svckit_core::wait::Limits;
use svckit_core::win32::Win32Error;
use svckit_core::{Error, Result};
use svckit_manager::entity::ServiceManager;
use svckit_manager::local::{Inherited, Logon};
use svckit_recipe::{Definition, Platform, ServiceDefinition};

use crate::definitions;
use crate::failure::{Failure, Status};
use crate::resolve::Lookup;
use crate::ui::Ui;
use crate::workers::Workers;

/// How a connection is made: also from another thread, for what has to be given up after a while.
pub(crate) type Connect = Arc<dyn Fn() -> Result<Box<dyn Backend>> + Send + Sync>;

/// What there is beside the service control manager.
pub(crate) struct Surroundings {
    /// What services run on.
    pub(crate) platform: Platform,
    /// Whether the service control manager is another machine's, on which nothing is known of files and programs here.
    pub(crate) is_elsewhere: bool,
    /// Where logs go whose definition names no file, unless the service control manager has a place for them.
    pub(crate) directory: Option<PathBuf>,
    /// Where svc writes down what it is about to do to a service control manager of another machine; absent: in the state directory.
    pub(crate) records: Option<PathBuf>,
    /// Lets an account log on as a service; whether it could not before.
    pub(crate) grant_logon: GrantLogon,
    /// Whether an account that is none of the built-in ones could now.
    pub(crate) logon: AskLogon,
    /// The variables that the process of a service begins with, by the service control manager's process, its name and its account.
    pub(crate) inherited: InheritedBy,
    /// The disk of a path: its name and its room.
    pub(crate) space: AskSpace,
    /// Whether names of hosts have addresses.
    pub(crate) resolve: Resolve,
}

/// How the disk of a path is asked.
pub(crate) type AskSpace = Box<dyn Fn(&Path) -> io::Result<(OsString, Space)>>;

/// How names of hosts are looked up.
pub(crate) type Resolve = Box<dyn Fn(&[String]) -> io::Result<Vec<Lookup>>>;

/// How an account is asked for.
pub(crate) type AskLogon = Box<dyn Fn(&str) -> io::Result<Logon>>;

/// How the variables of a service's process are found.
pub(crate) type InheritedBy = Box<dyn Fn(Option<u32>, &ServiceName, Option<&str>) -> io::Result<Inherited>>;

/// How an account gets the right to log on as a service.
pub(crate) type GrantLogon = Box<dyn Fn(&str) -> Result<bool>>;

/// One run of `svc`.
pub(crate) struct App {
    pub(crate) ui: Ui,
    pub(crate) connect: Connect,
    pub(crate) surroundings: Surroundings,
    /// The limit of each wait; absent: as long as there is progress.
    pub(crate) wait: Option<Duration>,
    pub(crate) workers: Workers,
    services: Option<ServiceManager>,
    home: Option<Home>,
}

/// Where services are installed.
#[derive(Clone)]
pub(crate) struct Home {
    /// Below it go logs whose definition names no file.
    pub(crate) directory: PathBuf,
    /// The program that hosts services; absent: there is none, since the service control manager is that of a Windows to which the protocol of services is the only way.
    pub(crate) program: Option<PathBuf>,
}

/// A service that an argument means.
pub(crate) struct Meant {
    pub(crate) name: ServiceName,
    /// Whether it was named itself, and not only by a definition or a pattern.
    pub(crate) itself: bool,
    /// What its definition says that it runs, if that is no host.
    pub(crate) binary_path: Option<ImagePath>,
}

/// What an argument names: services by their names, or those of a file.
pub(crate) enum Named {
    Definition(Definition),
    Service(ServiceName),
}

impl Home {
    /// What the services run on, if that is `here` where svckit hosts them.
    pub(crate) fn platform(&self, here: Platform) -> Platform {
        if self.program.is_some() { here } else { Platform::Windows }
    }
}

impl Named {
    /// Key names, dependencies first, each with the binary path that its definition says.
    fn all(&self) -> Vec<(ServiceName, Option<ImagePath>)> {
        match self {
            Self::Definition(definition) => {
                let one =
                    |service: &ServiceDefinition| (service.name.clone(), service.binary_path().cloned());
                definition.services.iter().map(one).collect()
            }
            Self::Service(name) => vec![(name.clone(), None)],
        }
    }
}

impl App {
    pub(crate) fn new(ui: Ui, connect: Connect, surroundings: Surroundings, wait: Option<Duration>) -> Self {
        let connect = once_refused(connect);
        let workers = Workers::new(Arc::clone(&connect));
        Self { ui, connect, surroundings, wait, workers, services: None, home: None }
    }

    /// The services of the service control manager, connected when it is first needed.
    pub(crate) fn services(&mut self) -> Result<ServiceManager> {
        if let Some(services) = &self.services {
            return Ok(services.clone());
        }
        let services = ServiceManager::over((self.connect)()?);
        self.services = Some(services.clone());
        Ok(services)
    }

    /// The service control manager, connected when it is first needed.
    pub(crate) fn backend(&mut self) -> Result<&dyn Backend> {
        self.services()?;
        match &self.services {
            Some(services) => Ok(services.backend()),
            None => Err(Box::new(Error::new("connect", Win32Error::RPC_S_SERVER_UNAVAILABLE))),
        }
    }

    /// Whether anything is waited for.
    pub(crate) fn waits(&self) -> bool {
        self.wait.is_none_or(|limit| !limit.is_zero())
    }

    /// How long a wait may take: a limit of the command line is one for all of it, and then a lack of progress is no reason to give up before.
    pub(crate) fn limits(&self) -> Limits {
        match self.wait {
            Some(total) => Limits { total: Some(total), patience: total.max(Duration::from_millis(1)) },
            None => Limits::default(),
        }
    }

    pub(crate) fn manager(&mut self, access: ManagerAccess) -> Result<Box<dyn Manager>> {
        self.backend()?.open_manager(ManagerAccess::CONNECT | access)
    }

    /// Opens a service with just these rights.
    pub(crate) fn open(&mut self, name: &ServiceName, access: ServiceAccess) -> Result<Box<dyn Service>> {
        self.manager(ManagerAccess::CONNECT)?.open_service(name.as_str(), access)
    }

    /// Asks on the native interface; a refusal is an error about `operation`.
    pub(crate) fn native(
        &mut self,
        operation: &'static str,
        service: Option<&ServiceName>,
        request: Request,
    ) -> Result<Reply> {
        native(self.backend()?, operation, service, request)
    }

    /// The states of hosts; none where the service control manager doesn't know of hosts.
    pub(crate) fn host_states(&mut self, services: Option<Vec<ServiceName>>) -> Result<Vec<NamedHostState>> {
        host_states(self.backend()?, services)
    }

    pub(crate) fn scm_status(&mut self) -> Result<ScmStatus> {
        match self.native("query service control manager", None, Request::ScmStatus)? {
            Reply::ScmStatus(status) => Ok(status),
            _ => Err(self.unexpected("query service control manager")),
        }
    }

    /// Where logs go whose definition names no file.
    pub(crate) fn state_directory(&mut self) -> Result<PathBuf> {
        match (self.scm_status(), &self.surroundings.directory) {
            (Ok(status), _) => Ok(status.directory),
            (Err(error), Some(directory)) if error.code == Win32Error::NOT_SUPPORTED => Ok(directory.clone()),
            (Err(error), _) => Err(error),
        }
    }

    /// Where services are installed; it is asked for once.
    pub(crate) fn home(&mut self) -> Result<Home, Failure> {
        if let Some(home) = &self.home {
            return Ok(home.clone());
        }
        let home = self.find_home()?;
        Ok(self.home.insert(home).clone())
    }

    fn find_home(&mut self) -> Result<Home, Failure> {
        if !self.surroundings.is_elsewhere {
            let program = std::env::current_exe();
            let program = program.map_err(|error| Failure::io("cannot find this program", error))?;
            return Ok(Home { directory: self.state_directory()?, program: Some(program) });
        }
        match self.scm_status() {
            Ok(ScmStatus { directory, program: program @ Some(_), .. }) => Ok(Home { directory, program }),
            Ok(_) => {
                let message = "the service control manager doesn't tell by which program it hosts services";
                Err(Failure::Other { message: message.to_owned(), status: Status::Failure })
            }
            Err(error) if error.code == Win32Error::NOT_SUPPORTED => match &self.surroundings.records {
                Some(records) => Ok(Home { directory: records.clone(), program: None }),
                None => {
                    let message = "there is no place to write down what is done to another machine";
                    Err(Failure::usage(message).hint("set HOME"))
                }
            },
            Err(error) => Err(error.into()),
        }
    }

    /// What services run on: where nothing hosts them, it is Windows.
    pub(crate) fn platform_of_services(&mut self) -> Result<Platform, Failure> {
        let platform = self.surroundings.platform;
        if platform == Platform::Windows || !self.surroundings.is_elsewhere {
            return Ok(platform);
        }
        Ok(self.home()?.platform(platform))
    }

    /// Where it is written down what svc is about to do, if the state directory is this.
    pub(crate) fn records(&self, state: &Path) -> PathBuf {
        self.surroundings.records.clone().unwrap_or_else(|| state.to_owned())
    }

    /// An answer to another question.
    pub(crate) fn unexpected(&self, operation: &'static str) -> Box<Error> {
        let error = Error::new(operation, Win32Error::RPC_S_PROTOCOL_ERROR);
        Box::new(match &self.services {
            Some(services) => error.target(services.target()),
            None => error,
        })
    }
}

/// The same connections, but that who isn't let in doesn't try again: an account may be locked after a few times.
fn once_refused(connect: Connect) -> Connect {
    let refused: Mutex<Option<Box<Error>>> = Mutex::default();
    Arc::new(move || {
        let known = || refused.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(error) = &*known() {
            return Err(error.clone());
        }
        let connected = connect();
        if let Err(error) = &connected
            && error.code.refuses_logon()
        {
            *known() = Some(error.clone());
        }
        connected
    })
}

/// Asks on the native interface; a refusal is an error about `operation`.
pub(crate) fn native(
    backend: &dyn Backend,
    operation: &'static str,
    service: Option<&ServiceName>,
    request: Request,
) -> Result<Reply> {
    match backend.native(request) {
        Ok(Reply::Error { code, message }) => {
            let mut error = Error::new(operation, code).cause(message);
            error.service = service.map(ToString::to_string);
            Err(Box::new(error.target(backend.target())))
        }
        Ok(reply) => Ok(reply),
        Err(mut error) => {
            error.operation = operation;
            error.service = error.service.or_else(|| service.map(ToString::to_string));
            Err(error)
        }
    }
}

/// An answer to another question.
pub(crate) fn unexpected(backend: &dyn Backend, operation: &'static str) -> Box<Error> {
    Box::new(Error::new(operation, Win32Error::RPC_S_PROTOCOL_ERROR).target(backend.target()))
}

/// What services do, or what changes after a revision.
pub(crate) fn overview(backend: &dyn Backend, after: Option<u64>) -> Result<Overview> {
    const OPERATION: &str = "list services";
    match native(backend, OPERATION, None, Request::Overview { after, services: None })? {
        Reply::Overview(overview) => Ok(overview),
        _ => Err(unexpected(backend, OPERATION)),
    }
}

/// What services use.
pub(crate) fn usage(backend: &dyn Backend) -> Result<(u64, Vec<ServiceUsage>)> {
    const OPERATION: &str = "measure services";
    match native(backend, OPERATION, None, Request::Usage)? {
        Reply::Usage { at_ms, services } => Ok((at_ms, services)),
        _ => Err(unexpected(backend, OPERATION)),
    }
}

/// The states of hosts; none where the service control manager doesn't know of hosts.
pub(crate) fn host_states(
    backend: &dyn Backend,
    services: Option<Vec<ServiceName>>,
) -> Result<Vec<NamedHostState>> {
    const OPERATION: &str = "query hosts";
    match native(backend, OPERATION, None, Request::HostStates { services }) {
        Ok(Reply::HostStates { states }) => Ok(states),
        Ok(_) => {
            Err(Box::new(Error::new(OPERATION, Win32Error::RPC_S_PROTOCOL_ERROR).target(backend.target())))
        }
        Err(error) if is_untold(&error) => Ok(Vec::new()),
        Err(error) => Err(error),
    }
}

/// Whether a service control manager doesn't know what only the native interface tells, or not to this user, as from afar to who is no administrator. The calls of MS-SCMR have
/// rights of their own.
pub(crate) fn is_untold(error: &Error) -> bool {
    matches!(error.code, Win32Error::NOT_SUPPORTED | Win32Error::ACCESS_DENIED)
}

/// What an argument names: a definition (it ends in `.toml`, `.cfg` or `.py`, is `FILE#PART` or a path to a file), else a service.
pub(crate) fn named(argument: &str) -> Result<Named, Failure> {
    if definitions::is_definition(argument) {
        return Ok(Named::Definition(definitions::read(Path::new(argument))?));
    }
    match ServiceName::new(argument) {
        Ok(name) => Ok(Named::Service(name)),
        Err(error) => {
            let hint = "a definition is a file that ends in .toml, .cfg or .py, or FILE#PART; any other argument is a service's name";
            Err(Failure::usage(format!("{argument:?} names no service: {error}")).hint(hint))
        }
    }
}

/// Every argument resolved, before anything is done.
pub(crate) fn all_named(app: &mut App, arguments: &[String]) -> Result<Vec<ServiceName>, Failure> {
    Ok(all_meant(app, arguments)?.into_iter().map(|meant| meant.name).collect())
}

/// The same, with how each was named.
pub(crate) fn all_meant(app: &mut App, arguments: &[String]) -> Result<Vec<Meant>, Failure> {
    let mut all: Vec<Meant> = Vec::new();
    let mut present = None;
    for argument in arguments {
        let (meant, itself) = if is_pattern(argument) && !definitions::is_definition(argument) {
            let present = match &mut present {
                Some(present) => present,
                none => none.insert(present_names(app)?),
            };
            let (names, itself) = alike(argument, present)?;
            (names.into_iter().map(|name| (name, None)).collect(), itself)
        } else {
            let named = named(argument)?;
            (named.all(), matches!(named, Named::Service(_)))
        };
        for (name, binary_path) in meant {
            match all.iter_mut().find(|other| other.name == name) {
                Some(before) => {
                    before.itself |= itself;
                    before.binary_path = before.binary_path.take().or(binary_path);
                }
                None => all.push(Meant { name, itself, binary_path }),
            }
        }
    }
    Ok(all)
}

/// The names of all services that are no drivers.
fn present_names(app: &mut App) -> Result<Vec<ServiceName>, Failure> {
    let manager = app.manager(ManagerAccess::ENUMERATE_SERVICE)?;
    let found = manager.enumerate(ServiceType::WIN32, StateFilter::ALL, None)?;
    // What is no name can't be opened either.
    Ok(found.into_iter().filter_map(|one| ServiceName::new(one.name).ok()).collect())
}

/// The services that a pattern stands for, and whether it is the very name of one: then it is that one.
fn alike(argument: &str, present: &[ServiceName]) -> Result<(Vec<ServiceName>, bool), Failure> {
    if let Some(name) = present.iter().find(|name| name.folded() == fold(argument)) {
        return Ok((vec![name.clone()], true));
    }
    let pattern = NamePattern::new(argument);
    let names: Vec<_> = present.iter().filter(|name| pattern.matches(name.as_str())).cloned().collect();
    if names.is_empty() {
        let message = format!("no service has a name like {argument:?}");
        return Err(Failure::Other { message, status: Status::NoSuchService });
    }
    Ok((names, false))
}

/// The one service that an argument names.
pub(crate) fn one_named(app: &mut App, argument: &str) -> Result<ServiceName, Failure> {
    let names = all_named(app, &[argument.to_owned()])?;
    match names.as_slice() {
        [name] => Ok(name.clone()),
        names => {
            let verb = if definitions::is_definition(argument) { "defines" } else { "stands for" };
            let all: Vec<_> = names.iter().map(ServiceName::as_str).collect();
            Err(Failure::usage(format!("{argument} {verb} several services"))
                .hint(format!("name one of {}", all.join(", "))))
        }
    }
}

/// Where a service's output goes unless its definition says something else: `NAME.log`.
pub(crate) fn default_log(platform: Platform, directory: &Path, name: &ServiceName) -> PathBuf {
    if platform == Platform::Windows {
        return record::default_log(directory, name);
    }
    const LONGEST: usize = 200;
    let name = name.as_str();
    let stem = if name.len() <= LONGEST { name.to_owned() } else { record::shortened(name, LONGEST) };
    directory.join("logs").join(format!("{stem}.log"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_log_has_a_name_that_a_file_can_have() {
        let name = ServiceName::new("\u{20ac}".repeat(256)).unwrap();
        let log = default_log(Platform::Unix, Path::new("/state"), &name);
        assert!(log.file_name().unwrap().len() <= 255);
        assert_eq!(log.parent(), Some(Path::new("/state/logs")));
        let other = ServiceName::new(format!("{}x", "\u{20ac}".repeat(255))).unwrap();
        assert_ne!(log, default_log(Platform::Unix, Path::new("/state"), &other));
    }

    #[test]
    fn a_name_with_a_slash_is_no_name() {
        let failure = named("no/such").err().unwrap();
        assert_eq!(failure.status(), Status::Usage);
    }
}
