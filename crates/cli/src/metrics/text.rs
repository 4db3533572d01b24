//! Services as text in the exposition format of Prometheus, version 0.0.4.

use std::fmt::Write;

use svckit_core::native::{HostState, Phase, ServiceUsage, ServiceView};
use svckit_core::status::ServiceState;
use svckit_core::time::WallTime;
use svckit_core::usage::Usage;

/// What the text is, for HTTP.
pub(super) const TYPE: &str = "text/plain; version=0.0.4; charset=utf-8";

const PHASES: [(Phase, &str); 7] = [
    (Phase::Stopped, "stopped"),
    (Phase::Starting, "starting"),
    (Phase::Running, "running"),
    (Phase::Backoff, "backoff"),
    (Phase::Paused, "paused"),
    (Phase::Stopping, "stopping"),
    (Phase::GaveUp, "gave_up"),
];

/// The text; nobody tells of services that could not be asked for.
pub(super) fn of(services: Option<&[ServiceView]>, used: &[ServiceUsage]) -> String {
    let mut text = Text(String::new());
    text.family("svckit_up", "gauge", "Whether the service control manager answers.");
    text.line("svckit_up", &[], u8::from(services.is_some()));
    let services = services.unwrap_or_default();
    text.family("svckit_service_state", "gauge", "1 for the state in which the service is.");
    for view in services {
        for (state, name) in ServiceState::NAMED {
            let labels = [("service", view.service.as_str()), ("state", *name)];
            text.line("svckit_service_state", &labels, u8::from(view.status.state == *state));
        }
    }
    text.each(
        (
            "svckit_service_exit_code",
            "gauge",
            "The Win32 exit code of the service; 1077 if it was never started.",
        ),
        services.iter().map(|view| (view.service.as_str(), view.status.win32_exit_code.0)),
    );
    hosts(&mut text, services);
    usage(&mut text, used);
    text.0
}

/// What hosts tell of their programs.
fn hosts(text: &mut Text, services: &[ServiceView]) {
    let hosted: Vec<(&str, &HostState)> = services
        .iter()
        .filter_map(|view| Some((view.service.as_str(), &view.host.as_ref()?.state)))
        .collect();
    text.family("svckit_host_phase", "gauge", "1 for what the host of the program does.");
    for (service, state) in &hosted {
        for (phase, word) in PHASES {
            let labels = [("service", *service), ("phase", word)];
            text.line("svckit_host_phase", &labels, u8::from(state.phase == phase));
        }
    }
    let all = || hosted.iter().copied();
    text.each(
        ("svckit_program_ready", "gauge", "Whether the program is ready to serve."),
        all().map(|(service, state)| (service, u8::from(state.ready))),
    );
    text.each(
        (
            "svckit_program_restarts_total",
            "counter",
            "How often the program was run again since the service started.",
        ),
        all().map(|(service, state)| (service, state.restarts)),
    );
    text.each(
        ("svckit_program_next_start_timestamp_seconds", "gauge", "When the program is run again."),
        all().filter_map(|(service, state)| Some((service, seconds(state.next_retry_at?)))),
    );
    let exits = || all().filter_map(|(service, state)| Some((service, state.last_exit?)));
    text.each(
        ("svckit_program_last_exit_timestamp_seconds", "gauge", "When the program ended last."),
        exits().map(|(service, exit)| (service, seconds(exit.at))),
    );
    text.each(
        (
            "svckit_program_last_exit_code",
            "gauge",
            "The exit code with which it did, unless a signal ended it.",
        ),
        exits().filter_map(|(service, exit)| Some((service, exit.code?))),
    );
    text.each(
        ("svckit_program_last_exit_signal", "gauge", "The signal that ended it."),
        exits().filter_map(|(service, exit)| Some((service, exit.signal?))),
    );
    text.each(
        (
            "svckit_log_lost_bytes_total",
            "counter",
            "Bytes of output that could not be kept since the service started.",
        ),
        all().map(|(service, state)| (service, state.log_bytes_lost)),
    );
}

/// What services use.
fn usage(text: &mut Text, used: &[ServiceUsage]) {
    let programs = || used.iter().filter_map(|one| Some((one.service.as_str(), one.program?)));
    let hosts = || used.iter().filter_map(|one| Some((one.service.as_str(), one.host?)));
    let cpu = |(service, usage): (_, Usage)| (service, usage.cpu.as_secs_f64());
    let memory = |(service, usage): (_, Usage)| (service, usage.memory);
    text.each(
        (
            "svckit_program_cpu_seconds_total",
            "counter",
            "Processor time of the program and all that it started.",
        ),
        programs().map(cpu),
    );
    text.each(
        ("svckit_program_memory_bytes", "gauge", "Their resident memory; what they share counts for each."),
        programs().map(memory),
    );
    text.each(
        ("svckit_program_processes", "gauge", "How many processes they are."),
        programs().map(|(service, usage)| (service, usage.processes)),
    );
    text.each(
        (
            "svckit_host_cpu_seconds_total",
            "counter",
            "Processor time of the host, which may have other services too.",
        ),
        hosts().map(cpu),
    );
    text.each(("svckit_host_memory_bytes", "gauge", "The host's resident memory."), hosts().map(memory));
}

fn seconds(time: WallTime) -> f64 {
    time.0 as f64 / 1000.0
}

struct Text(String);

impl Text {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        self.0.push_str(&format!("# HELP {name} {help}\n# TYPE {name} {kind}\n"));
    }

    /// A line for each service; no family without lines.
    fn each<'a, V: std::fmt::Display>(
        &mut self,
        (name, kind, help): (&str, &str, &str),
        values: impl Iterator<Item = (&'a str, V)>,
    ) {
        let mut values = values.peekable();
        if values.peek().is_some() {
            self.family(name, kind, help);
        }
        for (service, value) in values {
            self.line(name, &[("service", service)], value);
        }
    }

    fn line(&mut self, name: &str, labels: &[(&str, &str)], value: impl std::fmt::Display) {
        self.0.push_str(name);
        for (place, (label, text)) in labels.iter().enumerate() {
            self.0.push(if place == 0 { '{' } else { ',' });
            self.0.push_str(label);
            self.0.push_str("=\"");
            for character in text.chars() {
                match character {
                    '\\' => self.0.push_str("\\\\"),
                    '"' => self.0.push_str("\\\""),
                    '\n' => self.0.push_str("\\n"),
                    other => self.0.push(other),
                }
            }
            self.0.push('"');
        }
        self.0.push_str(if labels.is_empty() { "" } else { "}" });
        // Writing to a string doesn't fail.
        let _ = writeln!(self.0, " {value}");
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use svckit_core::kind::ServiceType;
    use svckit_core::name::ServiceName;
    use svckit_core::native::{NamedHostState, ProgramExit};
    use svckit_core::status::ServiceStatus;
    use svckit_core::win32::Win32Error;

    #[test]
    fn each_family_is_told_once_and_each_service_in_it() {
        let name = |text: &str| ServiceName::new(text).unwrap();
        let view = |text: &str, state, host: Option<HostState>| ServiceView {
            service: name(text),
            display_name: text.to_owned(),
            status: ServiceStatus {
                state,
                ..ServiceStatus::stopped(ServiceType::WIN32_OWN_PROCESS, Win32Error::SERVICE_NOT_ACTIVE)
            },
            host: host.map(|state| NamedHostState { service: name(text), state, start_error: None }),
        };
        let host = HostState {
            phase: Phase::Backoff,
            restarts: 3,
            last_exit: Some(ProgramExit { code: Some(-1), signal: None, at: WallTime(1500) }),
            next_retry_at: Some(WallTime(2_000_250)),
            ..HostState::default()
        };
        let services = [
            view("plain \"one\"", ServiceState::STOPPED, None),
            view("web", ServiceState::RUNNING, Some(host)),
        ];
        let program = Usage { cpu: Duration::from_millis(1250), memory: 4096, processes: 2 };
        let used = [ServiceUsage { service: name("web"), program: Some(program), host: None }];
        let text = of(Some(&services), &used);
        for line in [
            "svckit_up 1",
            "svckit_service_state{service=\"plain \\\"one\\\"\",state=\"STOPPED\"} 1",
            "svckit_service_state{service=\"web\",state=\"STOPPED\"} 0",
            "svckit_service_state{service=\"web\",state=\"RUNNING\"} 1",
            "svckit_service_exit_code{service=\"web\"} 1062",
            "svckit_host_phase{service=\"web\",phase=\"backoff\"} 1",
            "svckit_host_phase{service=\"web\",phase=\"running\"} 0",
            "svckit_program_ready{service=\"web\"} 0",
            "svckit_program_restarts_total{service=\"web\"} 3",
            "svckit_program_next_start_timestamp_seconds{service=\"web\"} 2000.25",
            "svckit_program_last_exit_timestamp_seconds{service=\"web\"} 1.5",
            "svckit_program_last_exit_code{service=\"web\"} -1",
            "svckit_log_lost_bytes_total{service=\"web\"} 0",
            "svckit_program_cpu_seconds_total{service=\"web\"} 1.25",
            "svckit_program_memory_bytes{service=\"web\"} 4096",
            "svckit_program_processes{service=\"web\"} 2",
        ] {
            assert!(text.lines().any(|found| found == line), "{line} in {text}");
        }
        for (place, line) in text.lines().enumerate().filter(|(_, line)| line.starts_with("# TYPE")) {
            let name = line.split(' ').nth(2).unwrap();
            let of_it = |other: &str| other.split(['{', ' ']).next() == Some(name);
            let count = text.lines().filter(|other| of_it(other)).count();
            assert!(count > 0 && text.lines().skip(place + 1).take(count).all(of_it), "{name} in {text}");
        }
        assert!(!text.contains("_signal") && !text.contains("svckit_host_cpu"), "{text}");
        assert_eq!(of(None, &[]).lines().find(|line| !line.starts_with('#')), Some("svckit_up 0"));
    }
}
