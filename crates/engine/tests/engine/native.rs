//! The second interface: events, definitions, logs.

use std::collections::BTreeMap;
use std::path::Path;

use svckit_core::backend::Backend;
use svckit_core::definition::{
    DEFINITION_VERSION, HostDefinition, LogPolicy, LogTarget, Program, RestartPolicy, StopPolicy,
};
use svckit_core::image_path::ImagePath;
use svckit_core::name::ServiceName;
use svckit_core::native::{EventId, LogCursor, LogFrom, Reply, Request};
use svckit_core::status::ServiceState;
use svckit_core::win32::Win32Error;
use svckit_testkit::binary;

use crate::support::{Scm, create, events, open, reaches, scripted, start, state};

fn name(text: &str) -> ServiceName {
    ServiceName::new(text).unwrap()
}

fn definition(folder: &Path, command: &[&str]) -> HostDefinition {
    let log = LogTarget::File(folder.join("out.log"));
    HostDefinition {
        version: DEFINITION_VERSION,
        program: Program {
            command: command.iter().map(|word| (*word).to_owned()).collect(),
            directory: folder.to_owned(),
            environment: BTreeMap::new(),
            environment_files: Vec::new(),
            secrets: Default::default(),
        },
        restart: RestartPolicy::default(),
        stop: StopPolicy::default(),
        log: LogPolicy { buffer: 65536, ..LogPolicy::new(log) },
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

/// Creates a service whose program is run by a host.
pub(crate) fn hosted(scm: &Scm, folder: &Path, text: &str, command: &[&str]) {
    let mut new = scripted(text, &[]);
    let svc = binary::svc();
    new.config.image_path = ImagePath::from_arguments(&[svc.to_str().unwrap(), "host", "run"]).unwrap();
    create(&scm.direct, &[new]);
    let definition = Some(Box::new(definition(folder, command)));
    let request = Request::SetDefinition { service: name(text), definition };
    assert_eq!(scm.direct.native(request).unwrap(), Reply::Done);
}

#[test]
fn whoever_waits_for_an_event_gets_it_when_it_happens() {
    let state = state();
    let scm = Scm::serve(state.path());
    create(&scm.direct, &[scripted("web", &[]), scripted("other", &[])]);
    let last = events(&scm.direct).last().unwrap().sequence;
    let waiting = {
        let direct = scm.direct.clone();
        let service = Some(name("WEB"));
        let request = Request::Events { service, after: Some(last), limit: None, wait: true };
        std::thread::spawn(move || direct.native(request).unwrap())
    };
    start(&*open(&scm.direct, "other"));
    start(&*open(&scm.direct, "web"));
    let Reply::Events { events } = waiting.join().unwrap() else { panic!() };
    assert_eq!(events.len(), 1, "{events:?}");
    assert_eq!(
        (events[0].id, events[0].message.as_str()),
        (EventId::STATE, r#"service "web" entered the RUNNING state"#)
    );
}

#[test]
fn all_configurations_come_in_one_answer() {
    let state = state();
    let scm = Scm::serve(state.path());
    hosted(&scm, state.path(), "web", &["true"]);
    create(&scm.direct, &[scripted("other", &[])]);
    start(&*open(&scm.direct, "other"));
    let reply = scm.direct.native(Request::Configurations).unwrap();
    let Reply::Configurations { services } = reply else { panic!("{reply:?}") };
    let [other, web] = &services[..] else { panic!("{services:?}") };
    assert_eq!((other.service.as_str(), other.state), ("other", ServiceState::RUNNING));
    assert_eq!((web.service.as_str(), web.state), ("web", ServiceState::STOPPED));
    assert_eq!(web.definition, Some(Box::new(definition(state.path(), &["true"]))));
    assert_eq!(other.definition, None);
    for one in &services {
        let service = open(&scm.direct, one.service.as_str());
        assert_eq!(one.config, service.config().unwrap());
        assert!(!one.optional.is_empty());
        for value in &one.optional {
            assert_eq!(*value, service.config2(value.level()).unwrap());
        }
    }
}

#[test]
fn a_definition_is_kept_and_goes_with_its_service() {
    let state = state();
    let scm = Scm::serve(state.path());
    hosted(&scm, state.path(), "web", &["true"]);
    let ask = || scm.direct.native(Request::Definition { service: name("web") }).unwrap();
    let kept = Some(Box::new(definition(state.path(), &["true"])));
    assert_eq!(ask(), Reply::Definition { definition: kept });
    open(&scm.direct, "web").delete().unwrap();
    assert!(matches!(ask(), Reply::Error { code: Win32Error::SERVICE_DOES_NOT_EXIST, .. }));
}

#[test]
fn a_log_is_followed_from_its_tail_to_what_comes() {
    let state = state();
    let scm = Scm::serve(state.path());
    let script = "echo one; echo two; read line; echo never";
    hosted(&scm, state.path(), "web", &["/bin/sh", "-c", script]);
    let log = state.path().join("out.log");
    std::fs::write(&log, "").unwrap();
    let read =
        |from, wait| match scm.direct.native(Request::Log { service: name("web"), from, wait }).unwrap() {
            Reply::Log { data, cursor } => (data, cursor),
            other => panic!("{other:?}"),
        };
    let (data, mut cursor) = read(LogFrom::Tail { lines: 5 }, false);
    assert_eq!(data, "");
    open(&scm.direct, "web").start(&[]).unwrap();
    let mut seen = String::new();
    // "one", "two" and "never" with their ends are 14 bytes; in base64, pieces have lengths of their own.
    while unpacked(&seen) < 14 {
        let (data, next) = read(LogFrom::Cursor(cursor), true);
        assert!(!data.is_empty(), "whoever waits gets something");
        seen.push_str(&data);
        seen.push(' ');
        cursor = next;
    }
    assert_eq!(std::fs::read_to_string(&log).unwrap(), "one\ntwo\nnever\n");
    assert_eq!(read(LogFrom::Cursor(cursor), false), (String::new(), cursor));
    reaches(&*open(&scm.direct, "web"), ServiceState::STOPPED);
}

/// How many bytes pieces of base64 stand for.
fn unpacked(pieces: &str) -> usize {
    pieces
        .split(' ')
        .map(|piece| piece.len() / 4 * 3 - piece.bytes().rev().take_while(|b| *b == b'=').count())
        .sum()
}

#[test]
fn a_log_that_there_is_none_of_is_refused_in_words() {
    let state = state();
    let scm = Scm::serve(state.path());
    create(&scm.direct, &[scripted("web", &[])]);
    let from = LogFrom::Cursor(LogCursor { file: 1, offset: 0 });
    let reply = scm.direct.native(Request::Log { service: name("web"), from, wait: false }).unwrap();
    let Reply::Error { code: Win32Error::NOT_SUPPORTED, message } = reply else { panic!("{reply:?}") };
    assert!(message.contains("no definition"), "{message}");
}

#[test]
fn why_a_program_did_not_start_is_told_with_the_host() {
    let state = state();
    let scm = Scm::serve(state.path());
    hosted(&scm, state.path(), "web", &["/no/such/program"]);
    let web = open(&scm.direct, "web");
    // It fails after the process connected, so the call itself may succeed.
    let _ = web.start(&[]);
    assert_eq!(reaches(&*web, ServiceState::STOPPED).win32_exit_code, Win32Error::FILE_NOT_FOUND);
    let reply = scm.direct.native(Request::HostStates { services: Some(vec![name("web")]) }).unwrap();
    let Reply::HostStates { states } = reply else { panic!("{reply:?}") };
    let reason = states[0].start_error.as_deref().unwrap();
    assert!(reason.contains("/no/such/program"), "{reason}");
}
