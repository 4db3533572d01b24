//! Here there is the built-in service control manager: found, or started on demand.

use std::fs::File;
use std::io::{self, Read, Seek, SeekFrom};
use std::net::Shutdown;
use std::path::Path;
use std::time::Duration;

use svckit_core::backend::Backend;
use svckit_core::name::ServiceName;
use svckit_core::{Error, Result, Win32Error};
use svckit_os::daemon::{self, READY_DESCRIPTOR};
use svckit_os::event::{Interest, Poller};
use svckit_os::lock::Lock;
use svckit_os::process::{Credentials, Terms, environment_of};
use svckit_os::socket::{self, Stream};
use svckit_os::watch::Watch;
use svckit_os::{errno, file};

use super::{Inherited, Interrupt, Logon, OPERATION, refused};
use crate::Embedded;
use crate::target::Target;
use crate::wire::Wire;

/// How long a service control manager has to get ready.
const READY_TIMEOUT: Duration = Duration::from_secs(60);

/// How much of the log is read for the reason of a failed start.
const LOG_TAIL: u64 = 4096;

pub use svckit_os::process::adopt_descriptor;

/// Connects to a built-in service control manager.
pub(super) fn connect(embedded: &Embedded) -> Result<Box<dyn Backend>> {
    Ok(Box::new(embedded.connect()?))
}

/// The same; `interrupt` ends what is being waited for on it.
pub(super) fn connect_until(embedded: &Embedded, interrupt: Interrupt) -> Result<Box<dyn Backend>> {
    let dial = move |embedded: &Embedded| {
        let stream = embedded.dial()?;
        let copy = stream.try_clone().map_err(|error| embedded.failed(&error, "it can't be kept"))?;
        interrupt.admit(move || copy.shutdown(Shutdown::Both)).map_err(|why| embedded.unavailable(why))?;
        Ok(stream)
    };
    Ok(Box::new(embedded.connect_by(dial)?))
}

/// Waits until somebody serves a state directory that nobody serves now.
pub fn wait_until_served(target: &Target) -> Result<()> {
    let Target::Embedded(embedded) = target else { return Err(refused(target, "it can't be waited for")) };
    let what = |error: io::Error| embedded.failed(&error, "the state directory can't be watched");
    let (watch, poller) = (Watch::new().map_err(what)?, Poller::new().map_err(what)?);
    watch.add(embedded.directory()).map_err(what)?;
    poller.add(&watch, 0, Interest::Read).map_err(what)?;
    // The watch first: whoever comes after the look writes into the directory after having begun to listen.
    while embedded.reach()?.is_none() {
        poller.wait(&mut Vec::new(), None).map_err(what)?;
        watch.drain().map_err(what)?;
    }
    Ok(())
}

/// The built-in service control manager lets every account be used that may be switched to.
pub fn grant_logon(_: &Target, _: &str) -> Result<bool> {
    Ok(false)
}

/// Whether a service can run under an account that is none of the built-in ones.
pub fn logon(_: &Target, account: &str) -> io::Result<Logon> {
    Ok(match Credentials::of_user(local_name(account))? {
        None => Logon::NoAccount,
        Some(user) if user.is_current() || Credentials::may_change() => Logon::Possible,
        Some(_) => Logon::NoRight,
    })
}

/// The variables that the process of a service begins with: those of the service control manager, which is the process `scm`.
pub fn inherited(scm: Option<u32>, _: &ServiceName, account: Option<&str>) -> io::Result<Inherited> {
    let system = scm.map_or(Ok(Vec::new()), environment_of)?;
    // The built-in accounts are no users: who runs as one is who the service control manager runs as.
    let user = account.map(|account| Credentials::of_user(local_name(account))).transpose()?.flatten();
    let credentials = user.filter(|user| !user.is_current());
    let account = Terms { credentials, ..Terms::default() }.environment();
    Ok(Inherited { system, account, service: Vec::new() })
}

fn local_name(account: &str) -> &str {
    account.strip_prefix(".\\").unwrap_or(account)
}

impl Embedded {
    /// Connects, after the service control manager was started if that is wanted and needed.
    ///
    /// The connection is made anew when it was lost and a service control manager is opened again.
    pub fn connect(&self) -> Result<Wire<Stream>> {
        self.connect_by(Self::dial)
    }

    fn connect_by(&self, dial: impl Fn(&Self) -> Result<Stream> + 'static) -> Result<Wire<Stream>> {
        let mut embedded = self.clone();
        embedded.directory = std::path::absolute(&self.directory)
            .map_err(|error| self.failed(&error, "the state directory can't be found"))?;
        let target = embedded.target();
        Wire::connect(target, move || dial(&embedded))
    }

    fn target(&self) -> String {
        format!("embedded:{}", self.directory.display())
    }

    fn dial(&self) -> Result<Stream> {
        match self.reach()? {
            Some(stream) => Ok(stream),
            None => match &self.svc {
                Some(svc) => self.start(svc),
                None => Err(self.unavailable("nobody serves this state directory; \"svc scm serve\" does")),
            },
        }
    }

    /// A connection to whoever serves the directory; `None` if nobody does.
    fn reach(&self) -> Result<Option<Stream>> {
        let path = self.directory.join("scm.sock");
        let stream = match socket::connect(&path) {
            Ok(stream) => stream,
            Err(error)
                if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused) =>
            {
                return Ok(None);
            }
            Err(error) => {
                return Err(self.failed(&error, &format!("{} can't be reached", path.display())));
            }
        };
        match socket::is_trusted(&stream) {
            Ok(true) => Ok(Some(stream)),
            Ok(false) => Err(self.error(
                Win32Error::ACCESS_DENIED,
                format!("{} is served by another user, who is not to be trusted", path.display()),
            )),
            Err(error) => Err(self.failed(&error, "it can't be told who serves")),
        }
    }

    /// Starts the service control manager. Whoever comes at the same time waits for the first.
    fn start(&self, svc: &Path) -> Result<Stream> {
        let log_path = self.directory.join("scm.log");
        let what = || format!("the state directory {} can't be used", self.directory.display());
        let mut log = file::open_log(&log_path).map_err(|error| self.failed(&error, &what()))?;
        let lock = Lock::take(&self.directory.join("start.lock"));
        let _lock = lock.map_err(|error| self.failed(&error, &what()))?;
        if let Some(stream) = self.reach()? {
            return Ok(stream);
        }
        let begin = log.seek(SeekFrom::End(0)).map_err(|error| self.failed(&error, &what()))?;
        tracing::debug!(directory = %self.directory.display(), "starting the service control manager");
        let ready = READY_DESCRIPTOR.to_string();
        let directory = self.directory.as_os_str();
        let arguments = [
            "scm".as_ref(),
            "serve".as_ref(),
            "--directory".as_ref(),
            directory,
            "--ready-fd".as_ref(),
            ready.as_ref(),
        ];
        let pipe = daemon::start(svc, &arguments, log)
            .map_err(|error| self.failed(&error, &format!("{} can't be run", svc.display())))?;
        let word = first_word(pipe).map_err(|error| self.failed(&error, "it did not get ready"))?;
        match (word.as_str(), self.reach()?) {
            // Whatever it said: if somebody serves now, that is what was wanted.
            (_, Some(stream)) => Ok(stream),
            ("ready", None) => Err(self.unavailable("it said that it was ready, but it is gone")),
            ("", None) => Err(self.unavailable(&died(&log_path, begin))),
            (message, None) => Err(self.unavailable(message)),
        }
    }

    fn unavailable(&self, cause: &str) -> Box<Error> {
        self.error(Win32Error::RPC_S_SERVER_UNAVAILABLE, cause.to_owned())
    }

    fn failed(&self, error: &io::Error, what: &str) -> Box<Error> {
        self.error(errno::win32(error), format!("{what}: {}", errno::describe(error)))
    }

    fn error(&self, code: Win32Error, cause: String) -> Box<Error> {
        Box::new(Error::new(OPERATION, code).target(self.target()).cause(cause))
    }
}

/// The first line that comes through the pipe: `ready` or an error; empty if the process ended without a word.
fn first_word(mut pipe: File) -> io::Result<String> {
    let poller = Poller::new()?;
    poller.add(&pipe, 0, Interest::Read)?;
    let mut said = Vec::new();
    let mut ready = Vec::new();
    let deadline = svckit_os::clock::now().tick + READY_TIMEOUT;
    while !said.contains(&b'\n') && said.len() < LOG_TAIL as usize {
        let left = deadline.since(svckit_os::clock::now().tick);
        poller.wait(&mut ready, Some(left))?;
        if ready.is_empty() && left.is_zero() {
            let seconds = READY_TIMEOUT.as_secs();
            return Err(io::Error::new(io::ErrorKind::TimedOut, format!("no word came within {seconds} s")));
        }
        if ready.is_empty() {
            continue;
        }
        let mut buffer = [0; 1024];
        match pipe.read(&mut buffer)? {
            0 => break,
            count => said.extend_from_slice(&buffer[..count]),
        }
    }
    let line = said.split(|byte| *byte == b'\n').next().unwrap_or_default();
    Ok(String::from_utf8_lossy(line).trim().to_owned())
}

/// What a process that ended without a word wrote into its log.
fn died(log: &Path, begin: u64) -> String {
    let mut said = Vec::new();
    let read = File::open(log).and_then(|mut file| {
        let end = file.seek(SeekFrom::End(0))?;
        file.seek(SeekFrom::Start(begin.max(end.saturating_sub(LOG_TAIL))))?;
        file.take(LOG_TAIL).read_to_end(&mut said)
    });
    let text = String::from_utf8_lossy(&said);
    match (read, text.lines().map(str::trim).rfind(|line| !line.is_empty())) {
        (Ok(_), Some(line)) => format!("it ended before it was ready: {line}"),
        _ => format!("it ended before it was ready; see {}", log.display()),
    }
}
