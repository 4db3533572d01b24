//! The host's process: one loop around everything that it waits for.

use std::io;
use std::os::fd::OwnedFd;
use std::process::ExitCode;
use std::time::Duration;

use svckit_core::dispatch::{CHANNEL_VARIABLE, FromProcess, MARK_VARIABLE, ToProcess};
use svckit_core::time::Tick;
use svckit_os::clock;
use svckit_os::process::{self, Credentials, OpenFiles};
use svckit_os::tree::Group;

use crate::link::{CONNECTION, LISTENER, Link};
use crate::supervisor::{Output, SIGNALS, Setting, Supervisor, end_all_children};

/// How long a host without services waits for a service control manager.
const LONELY: Duration = Duration::from_secs(60);

/// What a host is made with.
#[derive(Debug)]
pub(crate) struct Ticket {
    /// The listening socket.
    pub(crate) listener: OwnedFd,
    /// The instance.
    pub(crate) instance: String,
    /// The control group of the instance, where there are such.
    pub(crate) group: Option<Group>,
    /// Variables for its programs.
    pub(crate) environment: Vec<(String, String)>,
    /// Who runs its programs.
    pub(crate) credentials: Option<Credentials>,
    /// How many open files they may have.
    pub(crate) open_files: OpenFiles,
}

/// `svc host run`: the host of the services that a service control manager will ask for over the inherited socket.
pub fn run_from_environment() -> ExitCode {
    let channel = std::env::var(CHANNEL_VARIABLE).ok().and_then(|text| text.parse().ok());
    let Some(Ok(listener)) = channel.map(process::adopt_descriptor) else {
        return ExitCode::FAILURE;
    };
    let mark = std::env::var(MARK_VARIABLE).unwrap_or_default();
    let instance = mark.split('/').next().unwrap_or_default().to_owned();
    run(Ticket {
        listener,
        instance,
        group: None,
        environment: Vec::new(),
        credentials: None,
        open_files: process::raise_open_files(),
    })
}

/// Is the host until no service is left.
pub(crate) fn run(mut ticket: Ticket) -> ExitCode {
    process::leave_terminal();
    process::name_process(c"svc-host");
    let group = ticket.group.take();
    if let Some(group) = &group {
        // Where it can't be, marks and sessions tell what belongs to the instance.
        let _ = group.join();
    }
    let done = Host::new(ticket).and_then(|mut host| host.serve());
    if let Some(group) = group
        && group.leave().is_ok()
    {
        // Refused when something is left in it; whoever ends that removes it.
        let _ = group.remove();
    }
    if done.is_ok() { ExitCode::SUCCESS } else { ExitCode::FAILURE }
}

struct Host {
    supervisor: Supervisor,
    link: Link,
    /// When a host that nobody needs ends; only while there is neither service nor service control manager.
    lonely_until: Option<Tick>,
    /// Whether it was asked to end when its services have.
    closing: bool,
    /// Whether it ever had a service.
    used: bool,
    /// Whether a service was started in this turn.
    started: bool,
}

impl Host {
    fn new(ticket: Ticket) -> io::Result<Self> {
        let Ticket { listener, instance, group: _, environment, credentials, open_files } = ticket;
        let setting = Setting { instance, environment, credentials, open_files, output: Output::Logs };
        let supervisor = Supervisor::new(setting)?;
        let link = Link::new(listener, &supervisor.shared.poller)?;
        Ok(Self { supervisor, link, lonely_until: None, closing: false, used: false, started: false })
    }

    fn serve(&mut self) -> io::Result<()> {
        let mut ready = Vec::new();
        loop {
            let now = clock::now();
            self.supervisor.tick(now);
            self.send()?;
            if self.is_done(now.tick) {
                end_all_children();
                return Ok(());
            }
            let pause =
                [self.supervisor.pause(now.tick), self.lonely_until.map(|until| until.since(now.tick))]
                    .into_iter()
                    .flatten()
                    .min();
            self.save_memory();
            self.supervisor.shared.poller.wait(&mut ready, pause)?;
            let now = clock::now();
            for event in &ready {
                match event.token {
                    LISTENER => {
                        let supervisor = &self.supervisor;
                        self.link.accept(&supervisor.shared.poller, || supervisor.reports(now))?;
                    }
                    CONNECTION => self.obey(now),
                    SIGNALS => {
                        if self.supervisor.take_signals(now)? {
                            self.closing = true;
                            self.supervisor.stop_all(now);
                        }
                    }
                    _ => self.supervisor.ready(*event, now),
                }
                // What was told by earlier events comes before what a new connection is greeted with.
                self.send()?;
            }
        }
    }

    fn obey(&mut self, now: svckit_core::time::Now) {
        for order in self.link.receive() {
            match order {
                ToProcess::Start { service, arguments, definition } => {
                    self.used = true;
                    self.started = true;
                    self.supervisor.start(service, arguments, definition.map(|boxed| *boxed), now);
                }
                ToProcess::Control { service, control, id } => {
                    let code = self.supervisor.control(&service, control, now);
                    self.supervisor.shared.outbox.push(FromProcess::ControlDone { id, code });
                }
                ToProcess::Release { service } => self.supervisor.release(&service),
                ToProcess::Close => self.closing = true,
            }
        }
    }

    /// After the start of a service a host is idle nearly all its life, and there may be a thousand like it.
    fn save_memory(&mut self) {
        if std::mem::take(&mut self.started) && self.supervisor.shared.alone {
            process::trim_memory();
        }
    }

    fn send(&mut self) -> io::Result<()> {
        for frame in std::mem::take(&mut self.supervisor.shared.outbox) {
            self.link.send(frame);
        }
        self.link.flush(&self.supervisor.shared.poller)
    }

    fn is_done(&mut self, now: Tick) -> bool {
        if !self.supervisor.is_empty() {
            self.lonely_until = None;
            // Asked to end by a signal or the service control manager: who is not there can't release either.
            return self.closing && self.supervisor.all_stopped() && !self.link.is_connected();
        }
        if self.used || self.closing {
            return true;
        }
        if self.link.is_connected() {
            self.lonely_until = None;
            return false;
        }
        let until = *self.lonely_until.get_or_insert(now + LONELY);
        until <= now
    }
}
