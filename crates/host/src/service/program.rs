//! The start of a service's program.

use std::ffi::OsString;
use std::io;
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::path::PathBuf;

use svckit_core::control::Control;
use svckit_core::definition::{LogTarget, StopAction};
use svckit_core::name::ServiceName;
use svckit_core::time::{Now, Tick};
use svckit_core::win32::Win32Error;
use svckit_os::event::Interest;
use svckit_os::process::{self, Command, Stdio};
use svckit_os::{errno, file, pipe};

use super::{PROBE, Run, Service, State};
use crate::environment;
use crate::log::Stream;
use crate::probe::Probe;
use crate::supervisor::{Output, Shared, token};

/// A program that runs.
#[derive(Debug)]
pub(super) struct Program {
    pub(super) pid: u32,
    pub(super) since: Tick,
    /// The other end of its standard input, if a rung of the stop ladder closes it.
    pub(super) input: Option<OwnedFd>,
    /// Until it is ready.
    pub(super) waiting: Option<Waiting>,
}

/// A program that isn't ready yet.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) until: Tick,
    pub(super) probe: Probe,
}

/// Why a program does not run.
#[derive(Debug)]
pub(super) struct NotStarted {
    pub(super) code: Win32Error,
    pub(super) message: String,
}

impl NotStarted {
    fn system(what: &str, error: &io::Error) -> Self {
        Self { code: errno::win32(error), message: format!("cannot {what}: {}", errno::describe(error)) }
    }
}

/// The mark of a service's processes.
pub(super) fn mark(shared: &Shared, name: &ServiceName) -> OsString {
    format!("{}/{}", shared.setting.instance, name.as_str()).into()
}

/// Waits for a descriptor of a service.
pub(super) fn watch(shared: &Shared, slot: usize, kind: usize, fd: BorrowedFd<'_>) {
    let interest = if kind == PROBE { Interest::Write } else { Interest::Read };
    // It can fail only without memory; a probe then is tried again, and output is read when the program ends.
    let _ = shared.poller.add(fd, token(slot, kind), interest);
}

impl Service {
    /// Starts the program: its process id.
    pub(super) fn launch(&mut self, shared: &mut Shared, now: Now) -> Result<u32, NotStarted> {
        let command = self.command(shared)?;
        let null = file::null_device().map_err(|error| NotStarted::system("open the null device", &error))?;
        let (ours, theirs) = self.input().map_err(|error| NotStarted::system("make a pipe", &error))?;
        let ends = self.outputs(shared, now)?;
        let input = theirs.as_ref().map_or(null.as_fd(), AsFd::as_fd);
        let pid = if shared.setting.output == Output::Console {
            let (output, error) = (io::stdout(), io::stderr());
            process::spawn(&command, Stdio { input, output: output.as_fd(), error: error.as_fd() }, None)
        } else {
            let [output, error] = ends.each_ref().map(|end| end.as_ref().map_or(null.as_fd(), AsFd::as_fd));
            process::spawn(&command, Stdio { input, output, error }, None)
        };
        let pid = pid.map_err(|error| NotStarted { code: error.code(), message: error.to_string() })?;
        for (kind, stream) in self.streams.iter().enumerate() {
            if let Some(pipe) = stream.pipe() {
                watch(shared, self.slot, kind, pipe);
            }
        }
        shared.programs.insert(pid, self.slot);
        self.leader = Some(pid);
        let ready = self.definition.as_ref().and_then(|definition| definition.ready.as_ref());
        let waiting = ready.map(|ready| Waiting {
            until: now.tick + ready.timeout,
            probe: Probe::new(&ready.tcp, now.tick),
        });
        if waiting.is_none() && matches!(self.state, State::Starting { .. }) {
            self.state = State::Up;
        }
        self.run = Run::Running(Program { pid, since: now.tick, input: ours, waiting });
        if self.paused {
            self.act(Control::PAUSE);
        }
        Ok(pid)
    }

    fn command(&self, shared: &Shared) -> Result<Command, NotStarted> {
        let Some(definition) = &self.definition else {
            return Err(NotStarted {
                code: Win32Error::INVALID_DATA,
                message: "it has no definition that this version of svckit can read".to_owned(),
            });
        };
        let program = &definition.program;
        let environment = environment::assemble(&shared.setting, &self.name, program)
            .map_err(|error| NotStarted { code: error.code, message: error.message })?;
        Ok(Command {
            command: program.command.iter().chain(&self.arguments).map(OsString::from).collect(),
            directory: Some(program.directory.clone()),
            environment,
            credentials: shared.setting.credentials.clone(),
            open_files: Some(shared.setting.open_files),
            ends_with_parent: true,
            keep: None,
        })
    }

    /// A pipe for the program's input, if its end is a rung of the stop ladder: our end and the program's.
    fn input(&self) -> io::Result<(Option<OwnedFd>, Option<OwnedFd>)> {
        let wanted = self.definition.as_ref().is_some_and(|definition| {
            definition.stop.ladder.iter().any(|rung| rung.action == StopAction::StdinClose)
        });
        if !wanted {
            return Ok((None, None));
        }
        let (read, write) = pipe::outflow()?;
        pipe::set_nonblocking(&read, false)?;
        Ok((Some(write), Some(read)))
    }

    /// The program's ends of the pipes for its two outputs; none where it is thrown away.
    fn outputs(&mut self, shared: &mut Shared, now: Now) -> Result<[Option<OwnedFd>; 2], NotStarted> {
        if shared.setting.output == Output::Console {
            return Ok([None, None]);
        }
        let Some(log) = self.definition.as_ref().map(|definition| definition.log.clone()) else {
            return Ok([None, None]);
        };
        let path = |target: &LogTarget| match target {
            LogTarget::File(path) => Some(path.clone()),
            LogTarget::Discard => None,
        };
        let paths = [path(&log.stdout), path(&log.stderr)];
        if self.streams.is_empty() {
            let mut distinct: Vec<PathBuf> = paths.iter().flatten().cloned().collect();
            distinct.dedup();
            self.streams = distinct.into_iter().map(|path| Stream::new(path, &log)).collect();
        }
        let mut remarks = Vec::new();
        let mut made = Vec::new();
        for stream in &mut self.streams {
            made.push((stream.path().to_owned(), stream.connect(now, &mut remarks)));
        }
        self.tell_remarks(shared, &remarks, now);
        let mut ends = [None, None];
        for (path, end) in made {
            let end = end.map_err(|error| NotStarted::system("make a pipe", &error))?;
            for (place, wanted) in ends.iter_mut().zip(&paths) {
                if wanted.as_ref() == Some(&path) {
                    let copy = end.try_clone().map_err(|error| NotStarted::system("copy a pipe", &error))?;
                    *place = Some(copy);
                }
            }
        }
        Ok(ends)
    }
}
