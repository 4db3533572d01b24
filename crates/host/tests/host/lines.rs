//! Logs whose lines are JSON, logs that are rotated when somebody wants it, and who hears of that.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::Value;
use svckit_core::control::Control;
use svckit_core::definition::{HostDefinition, LogFormat, LogTarget, RestartWhen};
use svckit_core::hook::{Errand, Hook, Moment};
use svckit_core::native::EventId;
use svckit_core::probe::{LinePattern, ReadyPolicy, ReadyWhen};
use svckit_core::status::ServiceState;
use svckit_core::win32::Win32Error;

use crate::support::{Bed, Host, PATIENCE};

fn json(bed: &Bed, script: &str) -> HostDefinition {
    let mut definition = bed.script(script);
    definition.log.format = LogFormat::Json;
    definition
}

/// The objects of a log.
fn objects(bed: &Bed) -> Vec<Value> {
    bed.log().lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// What a program wrote to one of its outputs.
fn written(objects: &[Value], stream: &str) -> Vec<u8> {
    let mut all = Vec::new();
    for object in objects.iter().filter(|object| object["stream"] == stream) {
        match object["text"].as_str() {
            Some(text) => all.extend(text.as_bytes()),
            None => all.extend(STANDARD.decode(object["base64"].as_str().unwrap()).unwrap()),
        }
        if object["partial"] != true {
            all.push(b'\n');
        }
    }
    all
}

#[test]
fn every_line_is_an_object_that_tells_its_output_and_no_byte_is_lost() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let all = (0..=255_u8).cycle().take(100_000).collect::<Vec<_>>();
    std::fs::write(bed.path("all"), &all).unwrap();
    host.link.run("shop", json(&bed, "seq 1 20000; (cat all; printf 'the end') >&2; echo last"));
    let objects = objects(&bed);
    assert!(objects.iter().all(|object| object["service"] == "shop" && object["time"].is_string()));
    let numbers: String = (1..=20_000).map(|number| format!("{number}\n")).collect();
    assert!(written(&objects, "stdout") == format!("{numbers}last\n").as_bytes());
    assert!(written(&objects, "stderr") == [&all[..], b"the end"].concat());
    let last = objects.iter().rfind(|object| object["stream"] == "stderr").unwrap();
    assert_eq!((last["partial"].as_bool(), last["base64"].is_string()), (Some(true), true), "{last}");
    let files = host.link.last_host_state().unwrap().log_files;
    assert_eq!(files, [bed.path("out.log")], "it is one file");
}

#[test]
fn a_line_without_an_end_is_there_when_its_program_ends_and_not_before_the_next() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut definition = json(&bed, "echo >> count; printf half; test $(wc -l < count) -eq 3");
    definition.restart.when = RestartWhen::OnFailure;
    definition.restart.delay = std::time::Duration::ZERO;
    host.link.run("half", definition);
    let objects = objects(&bed);
    assert_eq!(objects.len(), 3, "{objects:?}");
    assert!(objects.iter().all(|object| object["text"] == "half" && object["partial"] == true));
}

#[test]
fn a_line_that_says_that_a_program_is_ready_is_found_in_either_output() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    for stream in ["1", "2"] {
        let script = format!("echo not yet; (printf 're'; echo not; echo ready) >&{stream}; exec sleep 1000");
        let mut definition = json(&bed, &script);
        let pattern = LinePattern::new("ready").unwrap();
        definition.ready =
            Some(ReadyPolicy { when: ReadyWhen::Log(pattern), timeout: PATIENCE, interval: None });
        host.link.start("ready", definition);
        host.link.state("ready", ServiceState::RUNNING);
        host.link.stop("ready");
        host.link.release("ready");
        host = bed.host();
    }
}

#[test]
fn what_a_full_disk_holds_up_is_within_the_buffer() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut definition = json(&bed, "seq 1 200000; exit 0");
    definition.log.stdout = LogTarget::File("/dev/full".into());
    definition.log.stderr = LogTarget::Discard;
    definition.log.buffer = 100_000;
    let status = host.link.run("full", definition);
    assert_eq!(status.win32_exit_code, Win32Error::SUCCESS, "the program ran to its end");
    let lost = host.link.last_host_state().unwrap().log_bytes_lost;
    assert!(lost > 1_200_000, "{lost}");
}

/// The control that rotates, which the host tells.
fn rotate(host: &mut Host, service: &str) -> Win32Error {
    let told = host.link.last_host_state().and_then(|state| state.rotate_control);
    let control = match told {
        Some(control) => control,
        None => host.link.host_state(|state| state.rotate_control.is_some()).rotate_control.unwrap(),
    };
    host.link.control(service, Control(control.into()))
}

/// The rotated files.
fn rotated(bed: &Bed) -> Vec<String> {
    let log = bed.path("out.log");
    let entries = std::fs::read_dir(bed.folder.path()).unwrap().map(|entry| entry.unwrap().file_name());
    let mut found: Vec<_> =
        entries.filter_map(|file| Some((svckit_core::log::name::place(&log, &file)?, file))).collect();
    found.sort();
    found
        .into_iter()
        .map(|(_, file)| std::fs::read_to_string(bed.path(file.to_str().unwrap())).unwrap())
        .collect()
}

#[test]
fn a_log_is_rotated_when_somebody_wants_it() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let (mut gate, mut go) = (bed.gate("gate"), bed.gate("go"));
    let script = "while read word < go; do echo $word; printf half; echo > gate; read word < go; echo done; echo > gate; done";
    host.link.start("shop", bed.script(script));
    host.link.state("shop", ServiceState::RUNNING);
    assert_eq!(rotate(&mut host, "shop"), Win32Error::SUCCESS);
    assert_eq!(rotated(&bed), [""; 0], "an empty one stays");
    go.open();
    gate.wait();
    assert_eq!(rotate(&mut host, "shop"), Win32Error::SUCCESS);
    assert_eq!(rotated(&bed), [""; 0], "a line has begun");
    go.open();
    gate.wait();
    go.open();
    gate.wait();
    host.link.stop("shop");
    assert_eq!((rotated(&bed), bed.log()), (vec!["go\nhalfdone\n".to_owned()], "go\nhalf".to_owned()));
}

#[test]
fn the_control_for_it_is_none_that_the_definition_uses_and_what_can_not_be_is_told() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut definition = bed.script("echo all; exec sleep 1000");
    let signal = svckit_core::definition::ControlAction::Signal(svckit_core::signal::Signal::Cont);
    definition.controls = [128, 129].into_iter().map(|control| (control, signal.clone())).collect();
    definition.log.stderr = LogTarget::Discard;
    host.link.start("shop", definition.clone());
    let state = host.link.host_state(|state| state.rotate_control.is_some());
    assert_eq!(state.rotate_control, Some(130));
    assert_eq!(host.link.control("shop", Control(131)), Win32Error::INVALID_SERVICE_CONTROL);
    host.link.stop("shop");
    assert_eq!(host.link.last_host_state().unwrap().rotate_control, None);
    host.link.release("shop");
    for (place, code) in [
        (LogTarget::File("/dev/null".into()), Win32Error::NOT_SUPPORTED),
        (LogTarget::File("/dev/full".into()), Win32Error::SERVICE_CANNOT_ACCEPT_CTRL),
        (LogTarget::Discard, Win32Error::INVALID_SERVICE_CONTROL),
    ] {
        let mut host = bed.host();
        definition.log.stdout = place.clone();
        host.link.start("shop", definition.clone());
        host.link.state("shop", ServiceState::RUNNING);
        if place == LogTarget::File("/dev/full".into()) {
            host.link.event(EventId::LOG_BLOCKED);
        }
        assert_eq!(host.link.control("shop", Control(130)), code, "{place:?}");
        host.link.stop("shop");
    }
}

#[test]
fn a_hook_hears_of_rotated_files_one_at_a_time() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let (mut gate, mut go, mut told) = (bed.gate("gate"), bed.gate("go"), bed.gate("told"));
    let mut definition = bed.script("while read word < go; do seq 1 1000; echo > gate; done");
    let hook = "echo $SVC_HOOK $(wc -c < \"$SVC_ROTATED_LOG\") > told; read word < on";
    let errand = Errand { command: ["/bin/sh", "-c", hook].map(str::to_owned).to_vec(), timeout: PATIENCE };
    let on_failure = Moment::OnRotate.usual();
    definition.hooks = [(Moment::OnRotate, Hook { errand, on_failure }.into())].into_iter().collect();
    let mut on = bed.gate("on");
    host.link.start("shop", definition);
    host.link.state("shop", ServiceState::RUNNING);
    let mut write = |host: &mut Host, times: usize| {
        for _ in 0..times {
            go.open();
            gate.wait();
            assert_eq!(rotate(host, "shop"), Win32Error::SUCCESS);
        }
    };
    write(&mut host, 1);
    assert_eq!(told.wait(), "on-rotate 3893\n");
    // While it runs, two more are rotated: it is run once for both.
    write(&mut host, 2);
    on.open();
    assert_eq!(told.wait(), "on-rotate 3893\n");
    on.open();
    host.link.host_state(|state| state.hook.is_none());
    write(&mut host, 1);
    assert_eq!(told.wait(), "on-rotate 3893\n");
    assert_eq!(rotated(&bed).len(), 4);
    // A stop doesn't wait for it.
    host.link.stop("shop");
}
