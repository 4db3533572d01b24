//! `svc scm`: the built-in service control manager, and the way to whichever is meant.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use svckit_core::backend::Backend;
use svckit_core::native::{Reply, Request};
use svckit_core::win32::Win32Error;
use svckit_manager::local::Interrupt;
use svckit_manager::{Target, local};

use crate::app::{App, Surroundings};
use crate::args::{Network, Scm, User};
use crate::builtin;
use crate::failure::{Failure, Status};
use crate::logon::Logon;
use crate::report::ScmJson;
use crate::resolve;
use crate::times;

/// Which service control manager is meant.
#[derive(Clone)]
pub(crate) struct Place {
    target: Target,
    /// Where this system keeps what belongs to no definition.
    directory: Option<PathBuf>,
    /// Who logs on, if that is another machine.
    logon: Arc<Logon>,
}

impl Place {
    /// Reads what was said with `--scm` or `SVC_SCM`; nothing means that of the system, or the built-in one of this user where it has none.
    pub(crate) fn new(text: Option<&str>) -> Result<Self, Failure> {
        let directory = local::state_directory(|name| std::env::var_os(name));
        let text = text.unwrap_or(local::DEFAULT_TARGET);
        if text == "embedded" && directory.is_none() {
            let hint = "set HOME, or name a state directory: --scm embedded:DIR";
            return Err(Failure::usage("there is no place for the state directory").hint(hint));
        }
        let target = Target::parse(text, directory.as_deref().unwrap_or(Path::new("")));
        let target = target.map_err(|error| Failure::usage(format!("--scm: {error}")))?;
        Ok(Self { target, directory, logon: Arc::default() })
    }

    /// The same, with who logs on where that has to be said.
    pub(crate) fn log_on(self, logon: &Arc<Logon>) -> Self {
        Self { logon: Arc::clone(logon), ..self }
    }

    /// What a verb may do beside talking to the service control manager.
    pub(crate) fn surroundings(&self) -> Surroundings {
        let (target, asked) = (self.target.clone(), self.target.clone());
        Surroundings {
            platform: builtin::PLATFORM,
            is_elsewhere: matches!(self.target, Target::Remote(_)),
            directory: self.directory.clone(),
            records: self.records(),
            grant_logon: Box::new(move |account| local::grant_logon(&target, account)),
            logon: Box::new(move |account| local::logon(&asked, account)),
            inherited: Box::new(local::inherited),
            space: Box::new(svckit_host::space),
            resolve: Box::new(|hosts| resolve::all(hosts, resolve::LIMIT)),
        }
    }

    /// The folder of another machine's records: its name, in which nothing has a meaning for file systems.
    fn records(&self) -> Option<PathBuf> {
        let (Target::Remote(remote), Some(directory)) = (&self.target, &self.directory) else { return None };
        let host = remote
            .to_string()
            .to_lowercase()
            .replace(|c: char| !c.is_alphanumeric() && c != '-' && c != '.', "_");
        Some(directory.join("machines").join(host))
    }

    /// A connection; the built-in service control manager is started if it doesn't run.
    pub(crate) fn connect(&self) -> svckit_core::Result<Box<dyn Backend>> {
        svckit_manager::connect(&self.logged_on()?.autostart(std::env::current_exe().ok()))
    }

    /// The same, but nothing is started.
    pub(crate) fn connect_running(&self) -> svckit_core::Result<Box<dyn Backend>> {
        svckit_manager::connect(&self.logged_on()?)
    }

    /// The same; `interrupt` ends what is being waited for on it.
    pub(crate) fn connect_until(&self, interrupt: &Interrupt) -> svckit_core::Result<Box<dyn Backend>> {
        svckit_manager::connect_until(&self.logged_on()?, interrupt)
    }

    /// The target with a name and a password, which are asked for now if that was not done before.
    fn logged_on(&self) -> svckit_core::Result<Target> {
        match &self.target {
            Target::Remote(remote) => self.logon.on(remote).map(Target::Remote),
            target => Ok(target.clone()),
        }
    }

    /// Whether it was not asked because another machine let nobody in with the same password.
    pub(crate) fn is_left_out(&self) -> bool {
        self.logon.is_left_out(&self.target)
    }

    pub(crate) fn target(&self) -> &Target {
        &self.target
    }

    /// A connection to one that runs; `None` if none does.
    fn reach(&self) -> Result<Option<Box<dyn Backend>>, Failure> {
        match self.connect_running() {
            Ok(backend) => Ok(Some(backend)),
            Err(error) if error.code == Win32Error::RPC_S_SERVER_UNAVAILABLE => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn not_built_in(&self) -> Failure {
        Failure::usage(format!("{} is not a built-in service control manager", self.target))
    }

    fn directory(&self) -> Option<&Path> {
        match &self.target {
            Target::Embedded(embedded) => Some(embedded.directory()),
            _ => None,
        }
    }
}

pub(crate) fn run(app: &mut App, place: &Place, action: &Scm) -> Result<(), Failure> {
    match action {
        Scm::Serve { directory, ready_fd, network } => {
            serve(app, place, directory.clone(), *ready_fd, network.clone())
        }
        Scm::User(action) => user(app, place, action.clone()),
        Scm::Status => status(app, place),
        Scm::Stop => stop(app, place),
    }
}

fn serve(
    app: &App,
    place: &Place,
    directory: Option<PathBuf>,
    ready_fd: Option<i32>,
    network: Network,
) -> Result<(), Failure> {
    let Some(directory) = directory.or_else(|| place.directory().map(Path::to_owned)) else {
        return Err(place.not_built_in());
    };
    builtin::serve(directory, ready_fd, network, app.ui.detail)
}

fn user(app: &mut App, place: &Place, action: User) -> Result<(), Failure> {
    match place.directory() {
        Some(directory) => builtin::user(app, directory, action),
        None => Err(place.not_built_in()),
    }
}

fn status(app: &mut App, place: &Place) -> Result<(), Failure> {
    let Some(backend) = place.reach()? else {
        if app.ui.json {
            app.ui.print_json(&serde_json::json!({ "running": false, "directory": place.directory() }))?;
        } else {
            app.ui.say(format!("the service control manager {} is not running", place.target))?;
        }
        return Err(Failure::Told(Status::Unreachable));
    };
    let Reply::ScmStatus(status) = backend.native(Request::ScmStatus)? else {
        return Err(app.unexpected("query service control manager").into());
    };
    if app.ui.json {
        return app.ui.print_json(&ScmJson::of(&status));
    }
    let lines = [
        ("directory", status.directory.display().to_string()),
        ("pid", status.pid.to_string()),
        ("version", status.version),
        ("running since", times::plain(status.started_at)),
        (
            "services",
            format!("{}, {} active, in {} processes", status.services, status.active, status.processes),
        ),
    ];
    let addresses = |all: &[SocketAddr]| all.iter().map(SocketAddr::to_string).collect::<Vec<_>>().join(", ");
    let network = [
        ("listening at", addresses(&status.listening)),
        ("endpoint mapper", addresses(&status.endpoint_mapper)),
    ];
    for (label, value) in lines.into_iter().chain(network).filter(|(_, value)| !value.is_empty()) {
        writeln!(app.ui.out(), "{label:<15}  {value}")?;
    }
    Ok(())
}

fn stop(app: &mut App, place: &Place) -> Result<(), Failure> {
    let Some(backend) = place.reach()? else {
        let message = format!("the service control manager {} is not running", place.target);
        return Err(Failure::AlreadySo { message, service: None });
    };
    app.ui.progress("stopping all services")?;
    let answer = backend.native(Request::ScmStop)?;
    app.ui.clear_progress()?;
    match answer {
        Reply::Done => {}
        Reply::Error { code, message } => {
            let error = svckit_core::Error::new("stop service control manager", code);
            return Err(Box::new(error.target(backend.target()).cause(message)).into());
        }
        _ => return Err(app.unexpected("stop service control manager").into()),
    }
    app.ui.say("stopped all services and the service control manager")
}
