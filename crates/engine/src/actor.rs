//! The actor: takes one input after the other, lets the service control manager decide, and carries out what follows.

use std::collections::HashMap;
use std::io;
use std::os::fd::OwnedFd;
use std::process::{Command, Stdio};

use svckit_core::base64;
use svckit_core::dispatch::{FromProcess, ToProcess};
use svckit_core::native::{Reply as NativeReply, ServiceUsage};
use svckit_core::trigger::Endpoint;
use svckit_core::usage::Processes;
use svckit_core::win32::Win32Error;
use svckit_host::spawner::{Launch, SpawnerEvent};
use svckit_os::pidfd::PidFd;
use svckit_os::process::Sockets;
use svckit_os::watch::Watch;
use svckit_os::{clock, errno, log, socket, usage};
use tokio::net::UnixStream;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::{spawn_blocking, spawn_local, yield_now};

use crate::connection::{Asked, Outgoing, Question};
use crate::directory::StateDirectory;
use crate::doors::Doors;
use crate::launcher::{Launcher, LauncherEvent};
use crate::link::{Link, LinkOrder, Turn, Turns};
use crate::readable::readable;
use crate::remains::Remains;
use crate::scm::{
    ConnectionId, Effect, FailedLogon, LaunchOrder, LogRequest, NativeAnswer, ProcessEvent, Scm, UsageRequest,
};
use crate::wire;

/// How many inputs are taken in one turn at most: what follows from the first of them has to wait for the last, and is written down once for all of them.
const TURN: usize = 128;

/// What the actor is told.
pub(crate) enum Input {
    /// A client asks something.
    Question(Question),
    /// Somebody in this process asks something.
    Direct(Box<dyn FnOnce(&mut Scm) + Send>),
    /// A process has connected.
    Opened { connection: ConnectionId, pid: u32 },
    /// A connection is closed.
    Closed(ConnectionId),
    /// Something happened to a process.
    Process { instance: String, event: ProcessEvent },
    /// A process said something; its link's turn ends when that has been taken.
    Said { instance: String, said: Vec<FromProcess>, turn: Option<Turn> },
    /// What a process left behind has been ended.
    RemainsEnded { instance: String, ended: usize },
    /// Somebody connected where that starts a service.
    Knocked { service: String, at: Endpoint },
    /// Somebody from the network could not show who it is.
    LogonFailed(Box<FailedLogon>),
    /// It can't be listened where that is to start a service.
    NotListening { service: String, at: Endpoint, cause: String },
    /// A command of the failure actions failed.
    CommandFailed { service: String, cause: String },
    /// The service control manager is to end; told again: at once.
    End,
}

/// The actor with all that it holds in the world.
pub(crate) struct Actor {
    scm: Scm,
    directory: StateDirectory,
    launcher: Launcher,
    remains: Remains,
    doors: Doors,
    links: HashMap<String, UnboundedSender<LinkOrder>>,
    turns: Turns,
    /// Which process is which, to understand the spawner.
    processes: HashMap<u32, String>,
    inputs: UnboundedSender<Input>,
    /// What clients said before the processes of the predecessor have told how they are.
    held: Vec<Input>,
    /// Who is to be told of the end, when it has come.
    finished: Option<Vec<NativeAnswer>>,
}

impl Actor {
    pub(crate) fn new(
        scm: Scm,
        directory: StateDirectory,
        launcher: Launcher,
        inputs: UnboundedSender<Input>,
    ) -> Self {
        Self {
            scm,
            directory,
            launcher,
            remains: Remains::new(inputs.clone()),
            doors: Doors::new(inputs.clone()),
            links: HashMap::new(),
            turns: Turns::new(),
            processes: HashMap::new(),
            inputs,
            held: Vec::new(),
            finished: None,
        }
    }

    /// Runs until everything has stopped, and lets go of all that it holds; those that are returned are to be told.
    pub(crate) async fn run(mut self, mut inputs: UnboundedReceiver<Input>) -> Vec<NativeAnswer> {
        self.end_turn();
        loop {
            if let Some(answers) = self.finished {
                return answers;
            }
            let deadline = self.scm.next_deadline().map(|at| at.since(clock::now().tick));
            tokio::select! {
                Some(input) = inputs.recv() => {
                    self.begin_turn();
                    self.take_some(input, &mut inputs);
                }
                event = self.launcher.next() => {
                    self.begin_turn();
                    self.launcher_event(event);
                }
                () = sleep(deadline) => self.begin_turn(),
            }
            self.scm.expire();
            self.end_turn();
            if !self.scm.is_taking_over() && !self.held.is_empty() {
                std::mem::take(&mut self.held).into_iter().for_each(|input| self.take(input));
                self.end_turn();
            }
            // Inputs may never end; connections and processes get their turn too.
            yield_now().await;
        }
    }

    /// Takes this input and those that have come, until one of them is answered at the end of the turn.
    fn take_some(&mut self, first: Input, inputs: &mut UnboundedReceiver<Input>) {
        let mut input = first;
        for _ in 1..TURN {
            let is_awaited = matches!(input, Input::Question(_) | Input::Direct(_));
            self.take(input);
            if is_awaited {
                return;
            }
            let Ok(next) = inputs.try_recv() else { return };
            input = next;
        }
        self.take(input);
    }

    fn begin_turn(&mut self) {
        self.scm.at(clock::now());
    }

    /// Carries out what follows, and what follows from that.
    fn end_turn(&mut self) {
        loop {
            let effects = self.scm.finish();
            if effects.is_empty() {
                return;
            }
            for effect in effects {
                self.carry_out(effect);
            }
        }
    }

    fn take(&mut self, input: Input) {
        match input {
            Input::Question(_) | Input::Direct(_) | Input::Closed(_) | Input::Knocked { .. }
                if self.scm.is_taking_over() =>
            {
                self.held.push(input);
            }
            Input::Question(question) => self.question(question),
            Input::Direct(act) => act(&mut self.scm),
            Input::Opened { connection, pid } => self.scm.connection_opened(connection, pid),
            Input::Closed(connection) => self.scm.connection_closed(connection),
            Input::Process { instance, event } => self.scm.process_event(&instance, event),
            Input::Said { instance, said, turn } => {
                said.into_iter().for_each(|one| self.scm.process_event(&instance, ProcessEvent::Said(one)));
                drop(turn);
            }
            Input::RemainsEnded { instance, ended } => self.scm.remains_ended(&instance, ended),
            Input::Knocked { service, at } => self.scm.knocked(&service, &at),
            Input::NotListening { service, at, cause } => self.scm.not_listening(&service, &at, &cause),
            Input::LogonFailed(failed) => self.scm.logon_failed(&failed),
            Input::CommandFailed { service, cause } => self.scm.command_failed(&service, &cause),
            Input::End => self.scm.stop_everything(None),
        }
    }

    fn question(&mut self, question: Question) {
        let Question { connection, token, call_id, asked, answers } = question;
        // An answer that nobody takes any more is dropped with the connection.
        match asked {
            Asked::Call(call) => {
                let reply = move |answer| drop(answers.send(Outgoing::Answer(call_id, Box::new(answer))));
                wire::carry_out(&mut self.scm, connection, &token, *call, reply);
            }
            Asked::Native(request) => {
                let client = answers.clone();
                let gone = async move { client.closed().await };
                let reply = move |reply| drop(answers.send(Outgoing::Reply(call_id, Box::new(reply))));
                self.scm.native(connection, &token, *request, NativeAnswer::new(reply, gone));
            }
        }
    }

    fn launcher_event(&mut self, event: LauncherEvent) {
        match event {
            LauncherEvent::Spawner(SpawnerEvent::Launched { instance, pid, pidfd }) => {
                self.order(&instance, LinkOrder::Process(PidFd::from(pidfd)));
                self.processes.insert(pid, instance.clone());
                self.scm.process_event(&instance, ProcessEvent::Launched { pid });
            }
            LauncherEvent::Spawner(SpawnerEvent::Failed { instance, code, message }) => {
                self.scm.process_event(&instance, ProcessEvent::Failed { code, message });
            }
            LauncherEvent::Spawner(SpawnerEvent::Exited { pid, code, signal }) => {
                if let Some(instance) = self.processes.remove(&pid) {
                    tracing::debug!("process {pid} of {instance} ended: code {code:?}, signal {signal:?}");
                }
            }
            LauncherEvent::Lost => self.scm.spawner_lost(),
        }
    }

    fn carry_out(&mut self, effect: Effect) {
        match effect {
            Effect::Answer(answer) => answer(),
            Effect::Launch(order) => self.launch(order),
            Effect::Reconnect { instance } => {
                let stream = socket::connect(&self.directory.instance(&instance));
                self.link(instance, stream);
            }
            Effect::Tell { instance, message } => self.tell(&instance, message),
            Effect::Door { service, door } => self.doors.set(service, door),
            Effect::Kill { instance } => self.order(&instance, LinkOrder::Kill),
            Effect::EndRemains { instance, programs } => self.remains.end(instance, programs),
            Effect::Forget { instance } => {
                self.links.remove(&instance);
                // It may never have been there.
                let _ = std::fs::remove_file(self.directory.instance(&instance));
            }
            Effect::Run { service, command } => self.run_command(service, &command),
            Effect::ReadLog(request) => self.read_log(request),
            Effect::Measure(request) => measure(request),
            Effect::Finished(answers) => self.finished = Some(answers),
        }
    }

    /// Sends a message; the order to start a service with the sockets that its program accepts from.
    fn tell(&mut self, instance: &str, mut message: ToProcess) {
        let mut listeners = Vec::new();
        if let ToProcess::Start { service, sockets, .. } = &mut message {
            let found = self.doors.hand_over(&service.folded()).into_iter().take(Sockets::MOST);
            (*sockets, listeners) = found.unzip();
        }
        self.order(instance, LinkOrder::Tell(Box::new(message), listeners));
    }

    fn order(&self, instance: &str, order: LinkOrder) {
        if let Some(link) = self.links.get(instance) {
            // A link that has ended has said so.
            let _ = link.send(order);
        }
    }

    fn launch(&mut self, order: LaunchOrder) {
        let LaunchOrder { instance, image, user } = order;
        let path = self.directory.instance(&instance);
        let image = self.launcher.image(&image);
        let launched = (|| {
            let listener = OwnedFd::from(socket::bind(&path)?);
            let launch =
                Launch { instance: instance.clone(), image, environment: Vec::new(), user, listener };
            self.launcher.launch(&launch)
        })();
        match launched {
            Ok(()) => {
                let stream = socket::connect(&path);
                self.link(instance, stream);
            }
            Err(error) => {
                let message = format!("its process could not be ordered: {}", errno::describe(&error));
                let event = ProcessEvent::Failed { code: errno::win32(&error), message };
                self.scm.process_event(&instance, event);
            }
        }
    }

    fn link(&mut self, instance: String, stream: io::Result<socket::Stream>) {
        let stream = stream.and_then(|stream| {
            stream.set_nonblocking(true)?;
            UnixStream::from_std(stream)
        });
        let (sender, orders) = unbounded_channel();
        self.links.insert(instance.clone(), sender);
        spawn_local(Link::new(instance, self.inputs.clone(), self.turns.clone()).run(stream, orders));
    }

    /// Runs a command of the failure actions; it goes on by itself.
    fn run_command(&self, service: String, command: &[String]) {
        let inputs = self.inputs.clone();
        let fail = move |cause: String| drop(inputs.send(Input::CommandFailed { service, cause }));
        let Some((program, arguments)) = command.split_first() else { return };
        let mut run = Command::new(program);
        run.args(arguments).current_dir("/").stdin(Stdio::null()).stdout(Stdio::null()).stderr(Stdio::null());
        match run.spawn() {
            Ok(mut child) => {
                let ended = PidFd::open(child.id());
                spawn_local(async move {
                    let Ok(ended) = ended.and_then(readable) else { return };
                    let readable = ended.readable().await.is_ok();
                    if readable && let Err(error) = child.wait() {
                        tracing::error!("a failure command was lost: {error}");
                    }
                });
            }
            Err(error) => fail(format!("{program:?} could not be run: {}", errno::describe(&error))),
        }
    }

    fn read_log(&self, request: LogRequest) {
        spawn_local(async move {
            let LogRequest { file, from, wait, answer } = request;
            let piece = async {
                if !wait {
                    return log::read(&file, from);
                }
                // The watch first: what is written after the reading is told of.
                let watch = Watch::new()?;
                let directory = file.parent().unwrap_or(&file);
                let watching = watch.add(directory);
                let watch = readable(watch)?;
                loop {
                    let piece = log::read(&file, from)?;
                    if !piece.data.is_empty() || watching.is_err() {
                        return Ok(piece);
                    }
                    let mut ready = watch.readable().await?;
                    watch.get_ref().drain()?;
                    ready.clear_ready();
                }
            };
            let reply = async {
                match piece.await {
                    Ok(piece) => NativeReply::Log { data: base64::encode(&piece.data), cursor: piece.cursor },
                    Err(error) => log_failure(&file, &error),
                }
            };
            answer.give_later(reply).await;
        });
    }
}

/// Looks through all processes, on a thread: of many services that takes longer than anybody should have to wait for the actor.
fn measure(request: UsageRequest) {
    spawn_local(async move {
        let UsageRequest { services, answer } = request;
        let measured = spawn_blocking(move || {
            let processes = Processes::new(usage::list()?);
            let measured = services.into_iter().map(|(service, roots)| {
                let (program, host) = processes.usage(roots);
                ServiceUsage { service, program, host }
            });
            Ok(measured.collect())
        });
        let reply = async {
            let lost = |error| Err(io::Error::other(error));
            match measured.await.unwrap_or_else(lost) {
                Ok(services) => {
                    let at = clock::now().tick.0.as_millis();
                    NativeReply::Usage { at_ms: u64::try_from(at).unwrap_or(u64::MAX), services }
                }
                Err(error) => {
                    let message = format!("the processes cannot be listed: {}", errno::describe(&error));
                    NativeReply::Error { code: errno::win32(&error), message }
                }
            }
        };
        answer.give_later(reply).await;
    });
}

fn log_failure(file: &std::path::Path, error: &io::Error) -> NativeReply {
    let message = format!("the log {} cannot be read: {}", file.display(), errno::describe(error));
    let code = match errno::win32(error) {
        Win32Error::SUCCESS => Win32Error::INVALID_DATA,
        code => code,
    };
    NativeReply::Error { code, message }
}

async fn sleep(time: Option<std::time::Duration>) {
    match time {
        Some(time) => tokio::time::sleep(time).await,
        None => std::future::pending().await,
    }
}
