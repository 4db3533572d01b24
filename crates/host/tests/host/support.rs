//! A service control manager for tests: just the dispatcher protocol.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::time::Duration;

use svckit_core::control::Control;
use svckit_core::definition::{
    DEFINITION_VERSION, HostDefinition, LogPolicy, LogTarget, Program, RestartPolicy, Rung, StopAction,
    StopPolicy,
};
use svckit_core::dispatch::{FromProcess, ToProcess};
use svckit_core::name::ServiceName;
use svckit_core::native::{EventId, HostState};
use svckit_core::signal::Signal;
use svckit_core::status::{ServiceState, ServiceStatus};
use svckit_core::system_event::Happening;
use svckit_core::win32::Win32Error;
use svckit_host::spawner::{Image, Launch, Spawner, SpawnerEvent};
use svckit_os::event::{Interest, Poller};
use svckit_os::{clock, socket};

/// How long a test waits for something that happens at once on an idle machine.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

pub(crate) fn name(text: &str) -> ServiceName {
    ServiceName::new(text).unwrap()
}

/// A folder and a spawner.
pub(crate) struct Bed {
    pub(crate) folder: tempfile::TempDir,
    pub(crate) spawner: Spawner,
}

impl Bed {
    pub(crate) fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        let spawner = Spawner::start(Path::new(env!("CARGO_BIN_EXE_svckit-host"))).unwrap();
        Self { folder, spawner }
    }

    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// The path as text, for scripts.
    pub(crate) fn text(&self, name: &str) -> String {
        self.path(name).to_str().unwrap().to_owned()
    }

    pub(crate) fn order(&mut self, instance: &str, image: Image, user: Option<&str>) -> SpawnerEvent {
        let listener = OwnedFd::from(socket::bind(&self.path(&format!("{instance}.sock"))).unwrap());
        let launch = Launch {
            instance: instance.to_owned(),
            image,
            environment: vec![("ADDED".to_owned(), "yes".to_owned())],
            user: user.map(str::to_owned),
            listener,
        };
        self.spawner.launch(&launch).unwrap();
        loop {
            match self.event() {
                SpawnerEvent::Exited { .. } => {}
                answer => return answer,
            }
        }
    }

    /// The next event of the spawner.
    pub(crate) fn event(&mut self) -> SpawnerEvent {
        let poller = Poller::new().unwrap();
        poller.add(&self.spawner, 0, Interest::Read).unwrap();
        loop {
            if let Some(event) = self.spawner.try_next().unwrap() {
                return event;
            }
            let mut ready = Vec::new();
            poller.wait(&mut ready, Some(PATIENCE)).unwrap();
            assert!(!ready.is_empty(), "the spawner says nothing");
        }
    }

    /// A host, connected.
    pub(crate) fn host(&mut self) -> Host {
        self.host_as(None)
    }

    pub(crate) fn host_as(&mut self, user: Option<&str>) -> Host {
        let instance = format!("i{}", svckit_os::random::unit().to_bits());
        match self.order(&instance, Image::Host, user) {
            SpawnerEvent::Launched { pid, pidfd, instance: of } => {
                assert_eq!(of, instance);
                let socket = self.path(&format!("{instance}.sock"));
                let link = Link::connect(&socket);
                Host { pid, pidfd, instance, socket, link }
            }
            other => panic!("{other:?}"),
        }
    }

    /// A definition of a shell script that logs to `out.log`, ends at SIGTERM, and is not run again.
    pub(crate) fn script(&self, script: &str) -> HostDefinition {
        script_in(self.folder.path(), script)
    }

    /// A gate under a name.
    pub(crate) fn gate(&self, name: &str) -> Gate {
        Gate::new(&self.path(name))
    }

    pub(crate) fn log(&self) -> String {
        std::fs::read_to_string(self.path("out.log")).unwrap()
    }
}

/// The definition of [`Bed::script`] in any folder.
pub(crate) fn script_in(folder: &Path, script: &str) -> HostDefinition {
    let log = LogTarget::File(folder.join("out.log"));
    HostDefinition {
        version: DEFINITION_VERSION,
        program: Program {
            command: vec!["/bin/sh".to_owned(), "-c".to_owned(), script.to_owned()],
            directory: folder.to_owned(),
            environment: BTreeMap::new(),
            environment_files: Vec::new(),
            secrets: Default::default(),
        },
        restart: RestartPolicy {
            when: svckit_core::definition::RestartWhen::Never,
            ..RestartPolicy::default()
        },
        stop: StopPolicy { ladder: vec![rung(StopAction::Signal(Signal::Term), 30_000)] },
        log: LogPolicy::new(log),
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

/// A place that a script reaches: it writes a word into the file, and the test waits for that.
pub(crate) struct Gate {
    file: File,
}

impl Gate {
    /// Makes the file.
    pub(crate) fn new(path: &Path) -> Self {
        rustix::fs::mkfifoat(rustix::fs::CWD, path, rustix::fs::Mode::RUSR | rustix::fs::Mode::WUSR).unwrap();
        // Open both ways, so that nobody waits for anybody when opening it.
        let file = File::options().read(true).write(true).open(path).unwrap();
        svckit_os::pipe::set_nonblocking(&file, true).unwrap();
        Self { file }
    }

    /// Lets a script that reads from the file go on.
    pub(crate) fn open(&mut self) {
        self.file.write_all(b"go\n").unwrap();
    }

    /// Waits for a word, and returns it with whatever followed it at once.
    pub(crate) fn wait(&mut self) -> String {
        let poller = Poller::new().unwrap();
        poller.add(&self.file, 0, Interest::Read).unwrap();
        let mut ready = Vec::new();
        poller.wait(&mut ready, Some(PATIENCE)).unwrap();
        assert!(!ready.is_empty(), "nobody came to the gate");
        let mut buffer = [0; 4096];
        let count = self.file.read(&mut buffer).unwrap();
        String::from_utf8(buffer[..count].to_vec()).unwrap()
    }
}

pub(crate) fn rung(action: StopAction, millis: u64) -> Rung {
    Rung { action, wait: Duration::from_millis(millis) }
}

/// A host process; killed at the end if it is still there.
pub(crate) struct Host {
    pub(crate) pid: u32,
    pub(crate) pidfd: OwnedFd,
    pub(crate) instance: String,
    pub(crate) socket: PathBuf,
    pub(crate) link: Link,
}

impl Host {
    /// Connects anew, as the next service control manager does.
    pub(crate) fn reconnect(&mut self) {
        self.link = Link::connect(&self.socket);
    }

    pub(crate) fn kill(&self) {
        rustix::process::pidfd_send_signal(&self.pidfd, rustix::process::Signal::KILL).unwrap();
        wait_readable(&self.pidfd);
    }

    /// Waits for the end of the host's process.
    pub(crate) fn wait_end(&self) {
        wait_readable(&self.pidfd);
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        let _ = rustix::process::pidfd_send_signal(&self.pidfd, rustix::process::Signal::KILL);
        let deadline = clock::now().tick + Duration::from_secs(10);
        let _ = svckit_os::tree::end_leftovers(&self.instance, &[], deadline);
    }
}

fn wait_readable(fd: &OwnedFd) {
    let poller = Poller::new().unwrap();
    poller.add(fd, 0, Interest::Read).unwrap();
    let mut ready = Vec::new();
    poller.wait(&mut ready, Some(PATIENCE)).unwrap();
    assert!(!ready.is_empty(), "the process goes on");
}

/// Waits until no process has `pid`.
pub(crate) fn wait_gone(pid: u32) {
    match svckit_os::process::pidfd(pid) {
        Ok(handle) => wait_readable(&handle),
        Err(error) => assert_eq!(error.raw_os_error(), Some(libc_esrch()), "{error}"),
    }
}

fn libc_esrch() -> i32 {
    rustix::io::Errno::SRCH.raw_os_error()
}

/// Answers one request in the way of a server that is asked to close: the request.
pub(crate) fn answer(listener: &TcpListener, with: &str) -> String {
    let (mut stream, _) = listener.accept().unwrap();
    let mut request = Vec::new();
    while !request.ends_with(b"\r\n\r\n") {
        let mut piece = [0; 1024];
        let count = stream.read(&mut piece).unwrap();
        assert!(count > 0, "the request is cut");
        request.extend(&piece[..count]);
    }
    stream.write_all(with.as_bytes()).unwrap();
    String::from_utf8(request).unwrap()
}

/// A connection to a host.
pub(crate) struct Link {
    stream: UnixStream,
    input: Vec<u8>,
    pub(crate) hello: FromProcess,
    pub(crate) pidfd: OwnedFd,
    /// Everything that came, for messages of failures and for tests that count.
    pub(crate) seen: Vec<FromProcess>,
    next_control: u64,
}

impl Link {
    pub(crate) fn connect(path: &Path) -> Self {
        let stream = socket::connect(path).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        let mut buffer = [0; 4096];
        let mut descriptors = Vec::new();
        let count = socket::receive(&stream, &mut buffer, &mut descriptors).unwrap();
        let pidfd = descriptors.pop().expect("a pidfd comes with the greeting");
        let hello = FromProcess::ControlDone { id: 0, code: Win32Error::SUCCESS };
        let input = buffer[..count].to_vec();
        let mut link = Self { stream, input, hello, pidfd, seen: Vec::new(), next_control: 0 };
        link.hello = link.next();
        assert!(matches!(link.hello, FromProcess::Hello { .. }), "{:?}", link.hello);
        link
    }

    pub(crate) fn send(&mut self, order: &ToProcess) {
        let body = serde_json::to_vec(order).unwrap();
        let mut frame = u32::try_from(body.len()).unwrap().to_le_bytes().to_vec();
        frame.extend(body);
        self.stream.write_all(&frame).unwrap();
    }

    pub(crate) fn send_bytes(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
    }

    /// Closes the connection, with another in its place.
    pub(crate) fn replace(&mut self, stream: UnixStream) {
        // Not only closed: a process that another test starts at this moment may hold a copy of the descriptor until it runs its program.
        self.stream.shutdown(std::net::Shutdown::Both).unwrap();
        self.stream = stream;
    }

    /// Reads to the end; panics when it doesn't come.
    pub(crate) fn is_closed(&mut self) -> bool {
        let mut rest = Vec::new();
        match self.stream.read_to_end(&mut rest) {
            Ok(_) => true,
            Err(error) => error.kind() == std::io::ErrorKind::ConnectionReset,
        }
    }

    pub(crate) fn start(&mut self, service: &str, definition: HostDefinition) {
        self.start_with(service, definition, &[]);
    }

    pub(crate) fn start_with(&mut self, service: &str, definition: HostDefinition, arguments: &[&str]) {
        self.send(&ToProcess::Start {
            service: name(service),
            display_name: None,
            arguments: arguments.iter().map(|&argument| argument.to_owned()).collect(),
            definition: Some(Box::new(definition)),
            sockets: Vec::new(),
        });
    }

    pub(crate) fn release(&mut self, service: &str) {
        self.send(&ToProcess::Release { service: name(service) });
    }

    /// Sends a control and waits for the answer.
    pub(crate) fn control(&mut self, service: &str, control: Control) -> Win32Error {
        self.next_control += 1;
        let id = self.next_control;
        self.send(&ToProcess::Control { service: name(service), control, id });
        self.find(|frame| match frame {
            FromProcess::ControlDone { id: of, code } if *of == id => Some(*code),
            _ => None,
        })
    }

    /// Tells that something has happened, under a number for the answer.
    pub(crate) fn happened(&mut self, service: &str, happening: Happening, id: u64) {
        self.send(&ToProcess::Happened { service: name(service), happening, id });
    }

    /// Waits for the answer to what was told under this number.
    pub(crate) fn answer(&mut self, id: u64) -> Win32Error {
        self.find(|frame| match frame {
            FromProcess::ControlDone { id: of, code } if *of == id => Some(*code),
            _ => None,
        })
    }

    /// The next frame.
    pub(crate) fn next(&mut self) -> FromProcess {
        let length = usize::try_from(u32::from_le_bytes(self.take(4).try_into().unwrap())).unwrap();
        let body = self.take(length);
        let frame: FromProcess = serde_json::from_slice(&body).unwrap();
        self.seen.push(frame.clone());
        frame
    }

    fn take(&mut self, count: usize) -> Vec<u8> {
        while self.input.len() < count {
            let mut buffer = [0; 65536];
            match self.stream.read(&mut buffer) {
                Ok(0) => panic!("the host closed the connection after {:#?}", self.seen),
                Ok(read) => self.input.extend(&buffer[..read]),
                Err(error) => panic!("{error} after {:#?}", self.seen),
            }
        }
        self.input.drain(..count).collect()
    }

    /// Reads until a frame is what is wanted.
    pub(crate) fn find<T>(&mut self, mut wanted: impl FnMut(&FromProcess) -> Option<T>) -> T {
        loop {
            let frame = self.next();
            if let Some(found) = wanted(&frame) {
                return found;
            }
        }
    }

    /// Reads until the service is in a state.
    pub(crate) fn state(&mut self, service: &str, state: ServiceState) -> ServiceStatus {
        let service = name(service);
        self.find(|frame| match frame {
            FromProcess::Status { service: of, status } if *of == service && status.state == state => {
                Some(*status)
            }
            _ => None,
        })
    }

    /// Reads until an event of this kind: what it says.
    pub(crate) fn event(&mut self, id: EventId) -> String {
        self.find(|frame| match frame {
            FromProcess::Event { id: of, message, .. } if *of == id => Some(message.clone()),
            _ => None,
        })
    }

    /// Reads until the host's state is what is wanted.
    pub(crate) fn host_state(&mut self, wanted: impl Fn(&HostState) -> bool) -> HostState {
        self.find(|frame| match frame {
            FromProcess::Host { state, .. } if wanted(state) => Some(state.clone()),
            _ => None,
        })
    }

    /// The host's state, as told last, if it was.
    pub(crate) fn last_host_state(&self) -> Option<HostState> {
        self.seen.iter().rev().find_map(|frame| match frame {
            FromProcess::Host { state, .. } => Some(state.clone()),
            _ => None,
        })
    }

    /// Whether a service was ever running, as far as it was told.
    pub(crate) fn was_running(&self) -> bool {
        self.seen.iter().any(
            |frame| matches!(frame, FromProcess::Status { status, .. } if status.state == ServiceState::RUNNING),
        )
    }

    /// The program's process, as told last; waits until one was told.
    pub(crate) fn program(&mut self) -> u32 {
        let told = |frame: &FromProcess| match frame {
            FromProcess::Host { state, .. } => state.child_pid,
            _ => None,
        };
        match self.seen.iter().rev().find_map(told) {
            Some(pid) => pid,
            None => self.find(told),
        }
    }

    /// Runs a service to its end: its last status.
    pub(crate) fn run(&mut self, service: &str, definition: HostDefinition) -> ServiceStatus {
        self.start(service, definition);
        self.state(service, ServiceState::STOPPED)
    }

    /// Stops one of several services and waits until it has.
    pub(crate) fn stop_of(&mut self, service: &str) {
        self.send(&ToProcess::Control { service: name(service), control: Control::STOP, id: 0 });
        self.state(service, ServiceState::STOPPED);
    }

    /// Stops the only service and waits until it has.
    pub(crate) fn stop(&mut self, service: &str) -> ServiceStatus {
        assert_eq!(self.control(service, Control::STOP), Win32Error::SUCCESS);
        if let Some(status) = self.seen.iter().rev().find_map(|frame| match frame {
            FromProcess::Status { status, .. } if status.state == ServiceState::STOPPED => Some(*status),
            _ => None,
        }) {
            return status;
        }
        self.state(service, ServiceState::STOPPED)
    }

    /// The events that came so far.
    pub(crate) fn events(&self) -> Vec<(EventId, String)> {
        let events = self.seen.iter().filter_map(|frame| match frame {
            FromProcess::Event { id, message, .. } => Some((*id, message.clone())),
            _ => None,
        });
        events.collect()
    }
}

/// What was mounted there, until it is dropped.
pub(crate) struct Mounted(pub(crate) PathBuf);

impl Drop for Mounted {
    fn drop(&mut self) {
        let _ = rustix::mount::unmount(&self.0, rustix::mount::UnmountFlags::DETACH);
    }
}
