//! A program in the console, with the policy that it has as a service.

use std::io;

use svckit_core::definition::HostDefinition;
use svckit_core::dispatch::FromProcess;
use svckit_core::name::ServiceName;
use svckit_core::restart::Ended;
use svckit_os::clock;
use svckit_os::process::Terms;

pub use crate::debug_event::DebugEvent;
use crate::supervisor::{Output, PROGRAMS, Setting, Start, Supervisor};
use crate::whole;

/// Runs the program with its output going where this process's goes, until it has stopped by its policy or Ctrl+C (or another request to end) took it
/// down the stop ladder. Returns the exit status for this process: 0 for a clean end, else the program's.
///
/// It has to be called from a process's only thread: from here on the signals that end a process come here.
pub fn run(
    definition: &HostDefinition,
    name: &ServiceName,
    out: &mut dyn FnMut(DebugEvent),
) -> io::Result<i32> {
    let setting = Setting {
        instance: format!("debug-{}", std::process::id()),
        inherit: whole::of_this_process,
        environment: Vec::new(),
        terms: Terms::of_this_process(),
        output: Output::Console,
        gate: None,
    };
    let mut supervisor = Supervisor::new(setting)?;
    let start = Start { definition: Some(definition.clone()), ..Start::default() };
    supervisor.start(name.clone(), start, clock::now_awake());
    let mut ready = Vec::new();
    let mut last = Last::default();
    loop {
        let now = clock::now_awake();
        supervisor.tick(now);
        for frame in std::mem::take(&mut supervisor.shared.outbox) {
            last.take(frame, out);
        }
        if supervisor.all_stopped() {
            supervisor.shared.children.end_all();
            return Ok(last.exit_status());
        }
        supervisor.shared.poller.wait(&mut ready, supervisor.pause(now.tick))?;
        let now = clock::now_awake();
        for event in &ready {
            if event.token != PROGRAMS {
                supervisor.ready(*event, now);
            } else if supervisor.take_news(now)? {
                supervisor.stop_all(now);
            }
        }
    }
}

/// What was told last.
#[derive(Default)]
struct Last {
    win32: u32,
    specific: u32,
    ended: Option<Ended>,
}

impl Last {
    fn take(&mut self, frame: FromProcess, out: &mut dyn FnMut(DebugEvent)) {
        match frame {
            FromProcess::Event { time, id, level, message, .. } => {
                out(DebugEvent { time, id, level, message })
            }
            FromProcess::Status { status, .. } => {
                self.win32 = status.win32_exit_code.0;
                self.specific = status.service_exit_code;
            }
            FromProcess::Host { state, .. } => {
                self.ended = state
                    .last_exit
                    .and_then(|exit| exit.code.map(Ended::Code).or(exit.signal.map(Ended::Signal)));
            }
            FromProcess::Hello { .. } | FromProcess::ControlDone { .. } => {}
        }
    }

    /// As a shell has it: the program's code, or 128 and the number of the signal; 127 for a program that could not be started.
    fn exit_status(&self) -> i32 {
        match (self.win32, self.ended) {
            (0, _) => 0,
            (_, Some(Ended::Signal(signal))) => 128 + signal,
            (_, Some(Ended::Code(code))) if code != 0 => code,
            (_, Some(Ended::Code(_))) => 1,
            (_, None) => 127,
        }
    }
}
