use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, AsRawFd, BorrowedFd, OwnedFd};
use std::path::Path;
use std::time::Duration;

use svckit_os::event::{Interest, Poller};
use svckit_os::process::{self, Birth, Command, End, Stdio};
use svckit_os::{file, pipe, socket};

use super::{Answer, Launch, MAX_ANSWER, MAX_MESSAGE, Order, SpawnerEvent};
use crate::environment::SPAWNER_VARIABLE;

/// The spawner as the service control manager sees it. Its descriptor is readable when an event is there.
#[derive(Debug)]
pub struct Spawner {
    /// Absent only while this is dropped.
    socket: Option<OwnedFd>,
    pid: u32,
}

/// How long a spawner whose socket is closed may take to end, before it is left to itself.
const FAREWELL: Duration = Duration::from_secs(2);

impl Spawner {
    /// Starts `exe host spawner`.
    pub fn start(exe: &Path) -> io::Result<Self> {
        let (socket, theirs) = socket::packet_pair()?;
        let null = file::null_device()?;
        let mut environment: Vec<(OsString, OsString)> = std::env::vars_os().collect();
        environment.retain(|(name, _)| name != SPAWNER_VARIABLE);
        process::make_lean(&mut environment);
        environment.push((SPAWNER_VARIABLE.into(), theirs.as_raw_fd().to_string().into()));
        let command = Command {
            command: vec![exe.into(), "host".into(), "spawner".into()],
            environment,
            ..Command::default()
        };
        let birth = Birth { keep: Some(theirs.as_raw_fd()), ..Birth::default() };
        // Hosts outlive the service control manager, so they must not hold on to its output either.
        let stdio = Stdio { input: End::from(&null), output: End::from(&null), error: End::from(&null) };
        let pid = process::spawn(&command, stdio, birth)
            .map_err(|error| io::Error::new(error.error.kind(), error.to_string()))?;
        pipe::set_nonblocking(&socket, true)?;
        Ok(Self { socket: Some(socket), pid })
    }

    /// Orders a process. What comes of it is told by [`Spawner::try_next`].
    pub fn launch(&self, launch: &Launch) -> io::Result<()> {
        let order = Order {
            instance: launch.instance.clone(),
            image: launch.image.clone(),
            environment: launch.environment.clone(),
            user: launch.user.clone(),
        };
        let bytes = serde_json::to_vec(&order)?;
        if bytes.len() > MAX_MESSAGE {
            return Err(io::Error::new(
                io::ErrorKind::InvalidInput,
                "the arguments and variables of the process are too long",
            ));
        }
        loop {
            match socket::send(self.socket()?, &bytes, &[launch.listener.as_fd()]) {
                Ok(_) => return Ok(()),
                // The spawner reads whatever it does, so this is short.
                Err(error) if error.kind() == io::ErrorKind::WouldBlock => self.wait_writable()?,
                Err(error) => return Err(error),
            }
        }
    }

    /// The next event, if there is one. `UnexpectedEof`: the spawner has ended.
    pub fn try_next(&mut self) -> io::Result<Option<SpawnerEvent>> {
        let mut buffer = [0; MAX_ANSWER];
        let mut descriptors = Vec::new();
        let length = match socket::receive(self.socket()?, &mut buffer, &mut descriptors) {
            Ok(0) => return Err(io::ErrorKind::UnexpectedEof.into()),
            Ok(length) => length,
            Err(error) if error.kind() == io::ErrorKind::WouldBlock => return Ok(None),
            Err(error) => return Err(error),
        };
        let event = match serde_json::from_slice(buffer.get(..length).unwrap_or_default())? {
            Answer::Launched { instance, pid } => {
                let Some(pidfd) = descriptors.pop() else {
                    return Err(io::Error::new(io::ErrorKind::InvalidData, "no pidfd came with a process"));
                };
                SpawnerEvent::Launched { instance, pid, pidfd }
            }
            Answer::Failed { instance, code, message } => SpawnerEvent::Failed { instance, code, message },
            Answer::Exited { pid, code, signal } => SpawnerEvent::Exited { pid, code, signal },
        };
        Ok(Some(event))
    }

    /// The spawner's process id.
    pub fn pid(&self) -> u32 {
        self.pid
    }

    /// Has it end; whether it did. It does so at once when nobody has its socket any more; waiting for it leaves no zombie behind.
    pub fn end(&mut self) -> bool {
        match self.socket.take() {
            Some(socket) => {
                drop(socket);
                process::wait_for(self.pid, FAREWELL).unwrap_or(true)
            }
            None => true,
        }
    }

    fn socket(&self) -> io::Result<&OwnedFd> {
        self.socket.as_ref().ok_or_else(|| io::ErrorKind::NotConnected.into())
    }

    fn wait_writable(&self) -> io::Result<()> {
        let poller = Poller::new()?;
        poller.add(self.socket()?, 0, Interest::Write)?;
        poller.wait(&mut Vec::new(), None)
    }
}

impl AsFd for Spawner {
    fn as_fd(&self) -> BorrowedFd<'_> {
        #[expect(clippy::expect_used, reason = "INVARIANT: the socket is there until this is dropped")]
        self.socket.as_ref().expect("the socket is there").as_fd()
    }
}

impl Drop for Spawner {
    fn drop(&mut self) {
        self.end();
    }
}
