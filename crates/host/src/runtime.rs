//! The host's process: one loop around everything that it waits for.

use std::io;
use std::time::Duration;

use svckit_core::dispatch::{FromProcess, ToProcess};
use svckit_core::time::{Now, Tick};
use svckit_os::event::Poller;
use svckit_os::{clock, process};

use crate::link::{Link, TOKENS};
use crate::supervisor::{PROGRAMS, Setting, Start, Supervisor};

/// How long a host without services waits for a service control manager.
const LONELY: Duration = Duration::from_secs(60);

/// Is the host until no service is left. `connect` makes the link.
pub(crate) fn run(setting: Setting, connect: impl FnOnce(&Poller) -> io::Result<Link>) -> io::Result<()> {
    let supervisor = Supervisor::new(setting)?;
    let link = connect(&supervisor.shared.poller)?;
    Host { supervisor, link, lonely_until: None, closing: false, used: false, started: false }.serve()
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
    fn serve(mut self) -> io::Result<()> {
        let mut ready = Vec::new();
        loop {
            let now = clock::now_awake();
            self.supervisor.tick(now);
            self.send()?;
            if self.is_done(now.tick) {
                self.supervisor.shared.children.end_all();
                return Ok(());
            }
            let pause =
                [self.supervisor.pause(now.tick), self.lonely_until.map(|until| until.since(now.tick))]
                    .into_iter()
                    .flatten()
                    .min();
            self.save_memory();
            self.supervisor.shared.poller.wait(&mut ready, pause)?;
            let now = clock::now_awake();
            for event in &ready {
                match event.token {
                    PROGRAMS => {
                        if self.supervisor.take_news(now)? {
                            self.closing = true;
                            self.supervisor.stop_all(now);
                        }
                    }
                    token if TOKENS.contains(&token) => {
                        let supervisor = &self.supervisor;
                        let poller = &supervisor.shared.poller;
                        let orders = self.link.ready(*event, poller, || supervisor.reports(now))?;
                        self.obey(orders, now);
                    }
                    _ => self.supervisor.ready(*event, now),
                }
                // What was told by earlier events comes before what a new connection is greeted with.
                self.send()?;
            }
        }
    }

    fn obey(&mut self, orders: Vec<ToProcess>, now: Now) {
        for order in orders {
            match order {
                ToProcess::Start { service, display_name, arguments, definition, sockets } => {
                    self.used = true;
                    self.started = true;
                    let start = Start {
                        display_name,
                        arguments,
                        definition: definition.map(|boxed| *boxed),
                        sockets: self.link.sockets(sockets),
                    };
                    self.supervisor.start(service, start, now);
                }
                ToProcess::Control { service, control, id } => {
                    let code = self.supervisor.control(&service, control, now);
                    self.supervisor.shared.outbox.push(FromProcess::ControlDone { id, code });
                }
                ToProcess::Happened { service, happening, id } => {
                    self.supervisor.happened(&service, happening, id, now);
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
            return !self.link.keeps_process();
        }
        if self.link.is_connected() {
            self.lonely_until = None;
            return false;
        }
        let until = *self.lonely_until.get_or_insert(now + LONELY);
        until <= now
    }
}
