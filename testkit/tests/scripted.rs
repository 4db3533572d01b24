//! The scripted service speaks the dispatcher protocol as the service control manager expects it.

#![cfg(unix)]
#![expect(clippy::unwrap_used, reason = "a failed expectation is how a test fails")]

use std::os::fd::OwnedFd;
use std::os::unix::net::{UnixListener, UnixStream};
use std::process::{Child, Command, Stdio};

use svckit_core::control::Control;
use svckit_core::dispatch::{CHANNEL_VARIABLE, FromProcess, PROTOCOL, ServiceReport, ToProcess};
use svckit_core::name::ServiceName;
use svckit_core::status::ServiceState;
use svckit_core::win32::Win32Error;
use svckit_testkit::gate::{Gate, Reporter};
use tempfile::TempDir;

/// A scripted process and the place where it listens. It is ended with the test.
struct Process {
    child: Child,
    directory: TempDir,
}

impl Process {
    fn start(script: &[&str]) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let listener = UnixListener::bind(directory.path().join("channel")).unwrap();
        let child = Command::new(env!("CARGO_BIN_EXE_svckit-scripted"))
            .args(script)
            .env(CHANNEL_VARIABLE, "0")
            .stdin(Stdio::from(OwnedFd::from(listener)))
            .spawn()
            .unwrap();
        Self { child, directory }
    }

    /// Connects as a service control manager does, and hears the greeting.
    fn connect(&self) -> (Channel, Vec<ServiceReport>) {
        let stream = UnixStream::connect(self.directory.path().join("channel")).unwrap();
        stream.set_read_timeout(Some(svckit_testkit::PATIENCE)).unwrap();
        let mut length = [0; 4];
        let mut descriptors = Vec::new();
        let first = svckit_os::socket::receive(&stream, &mut length, &mut descriptors).unwrap();
        assert_eq!((first, descriptors.len()), (4, 1), "the greeting carries a pidfd");
        let mut channel = Channel(stream);
        match channel.read_rest(length) {
            FromProcess::Hello { protocol: PROTOCOL, pid, services } if pid == self.child.id() => {
                (channel, services)
            }
            other => panic!("no greeting but {other:?}"),
        }
    }

    fn exit_code(mut self) -> Option<i32> {
        self.child.wait().unwrap().code()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        // It has ended, or it is ended here.
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

struct Channel(UnixStream);

impl Channel {
    fn say(&mut self, message: &ToProcess) {
        use std::io::Write;
        let json = serde_json::to_vec(message).unwrap();
        self.0.write_all(&u32::try_from(json.len()).unwrap().to_le_bytes()).unwrap();
        self.0.write_all(&json).unwrap();
    }

    fn hear(&mut self) -> FromProcess {
        use std::io::Read;
        let mut length = [0; 4];
        self.0.read_exact(&mut length).unwrap();
        self.read_rest(length)
    }

    fn read_rest(&mut self, length: [u8; 4]) -> FromProcess {
        use std::io::Read;
        let mut json = vec![0; u32::from_le_bytes(length) as usize];
        self.0.read_exact(&mut json).unwrap();
        serde_json::from_slice(&json).unwrap()
    }

    fn hears_state(&mut self, state: ServiceState) {
        match self.hear() {
            FromProcess::Status { status, .. } => assert_eq!(status.state, state),
            other => panic!("no status but {other:?}"),
        }
    }
}

fn name() -> ServiceName {
    ServiceName::new("scripted").unwrap()
}

fn start(arguments: &[&str]) -> ToProcess {
    let arguments = arguments.iter().map(|argument| (*argument).to_owned()).collect();
    ToProcess::Start { service: name(), display_name: None, arguments, definition: None, sockets: Vec::new() }
}

#[test]
fn a_service_starts_stops_and_ends_when_released() {
    let process = Process::start(&[]);
    let (mut channel, services) = process.connect();
    assert_eq!(services, []);
    channel.say(&start(&[]));
    channel.hears_state(ServiceState::START_PENDING);
    channel.hears_state(ServiceState::RUNNING);
    channel.say(&ToProcess::Control { service: name(), control: Control::STOP, id: 7 });
    channel.hears_state(ServiceState::STOP_PENDING);
    channel.hears_state(ServiceState::STOPPED);
    assert_eq!(channel.hear(), FromProcess::ControlDone { id: 7, code: Win32Error::SUCCESS });
    channel.say(&ToProcess::Release { service: name() });
    assert_eq!(process.exit_code(), Some(0));
}

#[test]
fn the_next_service_control_manager_learns_the_state() {
    let process = Process::start(&["on-1=specific:3"]);
    let (mut channel, _) = process.connect();
    channel.say(&start(&[]));
    channel.hears_state(ServiceState::START_PENDING);
    channel.hears_state(ServiceState::RUNNING);
    drop(channel);
    let (mut channel, services) = process.connect();
    assert_eq!(services[0].status.state, ServiceState::RUNNING);
    channel.say(&ToProcess::Control { service: name(), control: Control::STOP, id: 1 });
    channel.hears_state(ServiceState::STOP_PENDING);
    channel.hears_state(ServiceState::STOPPED);
    drop(channel);
    let (_, services) = process.connect();
    assert_eq!((services.len(), services[0].status.service_exit_code), (1, 3), "kept until it is released");
}

#[test]
fn a_gate_holds_the_start_and_start_arguments_win_over_the_image_path() {
    let (gate, reporter) = (Gate::new(), Reporter::new());
    let process = Process::start(&["start=exit:9"]);
    let (mut channel, _) = process.connect();
    let script = [format!("start=gate:{}", gate.address()), format!("report={}", reporter.address())];
    channel.say(&start(&[&script[0], &script[1], "an argument"]));
    channel.hears_state(ServiceState::START_PENDING);
    let held = gate.arrival();
    assert_eq!(reporter.next().last().unwrap(), "an argument");
    held.release();
    channel.hears_state(ServiceState::RUNNING);
}

#[test]
fn it_ends_as_it_is_told() {
    let process = Process::start(&["connect=exit:3"]);
    assert_eq!(process.exit_code(), Some(3));
    let process = Process::start(&["start=abort"]);
    process.connect().0.say(&start(&[]));
    assert_eq!(process.exit_code(), None, "a signal has no exit code");
}
