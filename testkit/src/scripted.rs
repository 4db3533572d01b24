//! A service's process that follows a [`Script`] and speaks the dispatcher protocol.

mod channel;

use std::collections::BTreeMap;
use std::io::{BufRead, Write};
use std::process::ExitCode;
use std::sync::mpsc::{Receiver, Sender, channel};
use std::thread;
use std::time::Duration;

use svckit_core::control::{Control, ControlsAccepted};
use svckit_core::dispatch::{FromProcess, PROTOCOL, ServiceReport, ToProcess};
use svckit_core::kind::ServiceType;
use svckit_core::name::ServiceName;
use svckit_core::status::{ExitStatus, ServiceState, ServiceStatus};
use svckit_core::win32::Win32Error;

use crate::gate;
use crate::output;
use crate::script::{Action, Script};
use channel::Connection;

/// What happens to the process.
enum Event {
    /// The service control manager connected.
    Connected(Connection),
    /// It said something.
    Said(ToProcess),
    /// The gate at which a service stands was opened.
    Opened(ServiceName, ServiceState),
}

/// What a transition that is under way answers when it is through.
struct Service {
    script: Script,
    status: ServiceStatus,
}

struct Process {
    script: Script,
    services: BTreeMap<ServiceName, Service>,
    connection: Option<Connection>,
    events: Sender<Event>,
    closing: bool,
}

/// Runs the script in the process's arguments.
pub fn main() -> ExitCode {
    let words: Vec<String> = std::env::args().skip(1).collect();
    match Script::default().with(&words).and_then(|script| run(script).map_err(|error| error.to_string())) {
        Ok(()) => ExitCode::SUCCESS,
        Err(message) => {
            #[expect(clippy::print_stderr, reason = "this is a program of its own")]
            {
                eprintln!("svckit-scripted: {message}");
            }
            ExitCode::from(64)
        }
    }
}

fn run(script: Script) -> std::io::Result<()> {
    if let Some((address, text)) = &script.note {
        gate::report(address, &["note", text]);
        return Ok(());
    }
    if let Some(steps) = &script.program {
        program(&script, steps);
        return Ok(());
    }
    end_as_told(&script.connect);
    if let Action::Gate(address) = &script.connect {
        gate::pass(address);
    }
    let (events, received) = channel();
    if script.connect != Action::Hang {
        channel::listen(&script.services, events.clone())?;
    }
    Process { script, services: BTreeMap::new(), connection: None, events, closing: false }.serve(&received);
    Ok(())
}

/// Does its steps as an ordinary program.
fn program(script: &Script, steps: &[Action]) {
    if let Some(address) = &script.report {
        gate::report(address, &["program", &std::process::id().to_string()]);
    }
    for step in steps {
        end_as_told(step);
        match step {
            Action::Gate(address) => gate::pass(address),
            Action::Answer(socket) => channel::answer(*socket),
            Action::Hang => loop {
                thread::park();
            },
            Action::Lines(first, last) => write(output::lines(*first, *last)),
            Action::Endless(count) => write(output::endless(*count)),
            Action::EveryByte(count) => write(output::every_byte(*count)),
            Action::Say(text) => write(text.as_bytes()),
            // Whoever is to read it may be gone.
            Action::Complain(text) => drop(std::io::stderr().write_all(text.as_bytes())),
            _ => {}
        }
    }
}

/// Writes all of it, in large pieces; whoever is to read it may be gone.
fn write(mut from: impl BufRead) {
    let mut out = std::io::stdout().lock();
    while let Ok(piece) = from.fill_buf()
        && !piece.is_empty()
        && out.write_all(piece).is_ok()
    {
        let count = piece.len();
        from.consume(count);
    }
    let _ = out.flush();
}

impl Process {
    fn serve(mut self, events: &Receiver<Event>) {
        for event in events {
            match event {
                Event::Connected(connection) => {
                    self.connection = Some(connection);
                    self.say_hello();
                }
                Event::Said(message) => self.obey(message),
                Event::Opened(service, state) => self.arrive(&service, state, ExitStatus::CLEAN),
            }
            if self.closing && self.services.is_empty() {
                return;
            }
        }
    }

    fn obey(&mut self, message: ToProcess) {
        match message {
            ToProcess::Start { service, arguments, .. } => self.start(service, &arguments),
            ToProcess::Control { service, control, id } => self.control(&service, control, id),
            // The built-in service control manager tells nobody of such things.
            ToProcess::Happened { .. } => {}
            ToProcess::Release { service } => {
                self.services.remove(&service);
                self.closing = true;
            }
            ToProcess::Close => self.closing = true,
        }
    }

    fn start(&mut self, service: ServiceName, arguments: &[String]) {
        self.closing = false;
        let script = match self.script.clone().with(arguments) {
            Ok(script) => script,
            Err(message) => panic!("{message}"),
        };
        if let Some(address) = &script.alive {
            // It may be over soon: the gate has to know of it before anybody hears that it runs.
            thread::spawn(gate::arrive(address));
        }
        if let Some(address) = &script.report {
            let pid = std::process::id().to_string();
            let mut words = vec!["started", service.as_str(), &pid];
            words.extend(arguments.iter().map(String::as_str));
            gate::report(address, &words);
        }
        let action = script.start.clone();
        let mut status = ServiceStatus::stopped(ServiceType::WIN32_OWN_PROCESS, Win32Error::SUCCESS);
        status.pid = std::process::id();
        self.services.insert(service.clone(), Service { script, status });
        self.carry_out(&service, &action, ServiceState::START_PENDING, ServiceState::RUNNING);
    }

    fn control(&mut self, name: &ServiceName, control: Control, id: u64) {
        let Some(service) = self.services.get(name) else {
            self.say(&FromProcess::ControlDone { id, code: Win32Error::SERVICE_NOT_ACTIVE });
            return;
        };
        if let Some(address) = &service.script.report {
            gate::report(address, &["control", name.as_str(), &control.0.to_string()]);
        }
        let action = service.script.on(control).clone();
        end_as_told(&action);
        let code = match action {
            Action::Hang => return,
            Action::Code(code) => code,
            _ => Win32Error::SUCCESS,
        };
        match control {
            _ if matches!(action, Action::Code(_)) => {}
            Control::PAUSE => {
                self.carry_out(name, &action, ServiceState::PAUSE_PENDING, ServiceState::PAUSED)
            }
            Control::CONTINUE => {
                self.carry_out(name, &action, ServiceState::CONTINUE_PENDING, ServiceState::RUNNING);
            }
            Control::STOP | Control::SHUTDOWN | Control::PRESHUTDOWN => {
                self.carry_out(name, &action, ServiceState::STOP_PENDING, ServiceState::STOPPED);
            }
            _ if matches!(action, Action::Stop(_) | Action::Specific(_)) => {
                self.carry_out(name, &action, ServiceState::STOP_PENDING, ServiceState::STOPPED);
            }
            _ => {}
        }
        self.say(&FromProcess::ControlDone { id, code });
    }

    /// Brings a service over a pending state to `target`, or to where the action leads instead.
    fn carry_out(
        &mut self,
        service: &ServiceName,
        action: &Action,
        pending: ServiceState,
        target: ServiceState,
    ) {
        end_as_told(action);
        self.arrive(service, pending, ExitStatus::CLEAN);
        match action {
            Action::Stop(code) => self.arrive(service, ServiceState::STOPPED, ExitStatus::Win32(*code)),
            Action::Specific(code) => {
                self.arrive(service, ServiceState::STOPPED, ExitStatus::Specific(*code))
            }
            Action::Gate(address) => {
                let (events, service, address) = (self.events.clone(), service.clone(), address.clone());
                thread::spawn(move || {
                    gate::pass(&address);
                    // The process may be ending.
                    let _ = events.send(Event::Opened(service, target));
                });
            }
            Action::Hang => {}
            _ => self.arrive(service, target, ExitStatus::CLEAN),
        }
    }

    fn arrive(&mut self, name: &ServiceName, state: ServiceState, exit: ExitStatus) {
        let Some(service) = self.services.get_mut(name) else { return };
        let (win32_exit_code, service_exit_code) = exit.codes();
        let pending = state.is_pending();
        service.status = ServiceStatus {
            state,
            controls_accepted: match state {
                ServiceState::RUNNING | ServiceState::PAUSED => service.script.accept,
                _ => ControlsAccepted::empty(),
            },
            win32_exit_code,
            service_exit_code,
            checkpoint: u32::from(pending),
            wait_hint: if pending { Duration::from_secs(120) } else { Duration::ZERO },
            ..service.status
        };
        let status = service.status;
        self.say(&FromProcess::Status { service: name.clone(), status });
    }

    fn say_hello(&mut self) {
        let services = self
            .services
            .iter()
            .map(|(name, service)| ServiceReport {
                service: name.clone(),
                status: service.status,
                host: None,
            })
            .collect();
        let hello = FromProcess::Hello { protocol: PROTOCOL, pid: std::process::id(), services };
        if let Some(connection) = &mut self.connection {
            connection.introduce(&hello);
        }
    }

    /// Says something to the service control manager if there is one; a new one learns the state from the greeting.
    fn say(&mut self, message: &FromProcess) {
        if let Some(connection) = &mut self.connection {
            connection.say(message);
        }
    }
}

#[expect(clippy::disallowed_methods, reason = "ending at any place is what the script is for")]
fn end_as_told(action: &Action) {
    match action {
        Action::Exit(code) => std::process::exit(*code),
        Action::Abort => std::process::abort(),
        _ => {}
    }
}
