//! Output that can't be written.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use svckit_core::status::ServiceState;
use svckit_os::event::{Interest, Poller};
use svckit_os::watch::Watch;
use svckit_testkit::PATIENCE;
use svckit_testkit::binary;
use svckit_testkit::following::Following;
use svckit_testkit::gate::Gate;
use svckit_testkit::need;
use svckit_testkit::svc::Svc;

use crate::reaches;

/// The events of output that is lost, and of output that is written again.
const LOST: u32 = 8;
const RESUMED: u32 = 10;

/// A small file system, gone when it is dropped.
struct Small(PathBuf);

impl Small {
    fn mount(folder: &Path) -> Option<Self> {
        fs::create_dir(folder).unwrap();
        let mut mount = Command::new("mount");
        mount.args(["-t", "tmpfs", "-o", "size=256k,mode=0700", "tmpfs"]).arg(folder);
        let is_there = mount.output().is_ok_and(|output| output.status.success());
        is_there.then(|| Self(folder.to_owned()))
    }

    fn grow(&self) {
        let grown = Command::new("mount").args(["-o", "remount,size=32m"]).arg(&self.0).status().unwrap();
        assert!(grown.success());
    }
}

impl Drop for Small {
    fn drop(&mut self) {
        // Lazily: a host may still have a file of it open.
        let _ = Command::new("umount").arg("--lazy").arg(&self.0).status();
    }
}

/// Writes 4 MB, waits at the first gate, writes a line, waits at the second.
fn define(svc: &Svc, log: &Path, first: &Gate, second: &Gate) -> PathBuf {
    let program = binary::scripted();
    let wait = |gate: &Gate| format!("{} program=gate:{}", program.display(), gate.address());
    let run = format!(
        "head -c 4000000 /dev/zero | tr '\\0' 'x'; {}; echo; echo the end; exec {}",
        wait(first),
        wait(second)
    );
    let text = format!("[service.web]\nrun = [\"sh\", \"-c\", {run:?}]\n[service.web.log]\nfile = {log:?}\n");
    svc.write("web.toml", &text)
}

/// Waits until a log ends as wanted.
fn ends_with(log: &Path, wanted: &str) {
    let (poller, watch) = (Poller::new().unwrap(), Watch::new().unwrap());
    watch.add(log.parent().unwrap()).unwrap();
    poller.add(&watch, 0, Interest::Read).unwrap();
    let mut ready = Vec::new();
    while !fs::read(log).unwrap().ends_with(wanted.as_bytes()) {
        poller.wait(&mut ready, Some(PATIENCE)).unwrap();
        assert!(!ready.is_empty(), "{} does not end with {wanted:?}", log.display());
        watch.drain().unwrap();
    }
}

fn is_running_with_losses(svc: &Svc) {
    let status = svc.status("web");
    assert_eq!(status["state"], "RUNNING");
    assert!(status["host"]["log_trouble"].as_str().unwrap().contains("cannot be written"), "{status}");
    assert!(status["host"]["log_bytes_lost"].as_u64() > Some(0), "{status}");
}

#[test]
fn a_full_disk_costs_output_that_is_counted_and_nothing_else() {
    let svc = Svc::new();
    let Some(small) = Small::mount(&svc.folder().join("small")) else {
        return need::skip("no file system can be mounted here: it needs root and CAP_SYS_ADMIN");
    };
    let log = small.0.join("web.log");
    let (first, second) = (Gate::new(), Gate::new());
    let file = define(&svc, &log, &first, &second);
    svc.ok(&["up", file.to_str().unwrap()]);
    let held = first.arrival();
    let events = Following::events(&svc, "web");
    events.event(LOST);
    is_running_with_losses(&svc);
    small.grow();
    // Before that there may be no room in memory for what comes now.
    events.event(RESUMED);
    held.release();
    let _held = second.arrival();
    ends_with(&log, "the end\n");
    let lost = svc.status("web")["host"]["log_bytes_lost"].as_u64().unwrap();
    assert!(svc.status("web")["host"]["log_trouble"].is_null());
    let kept = fs::metadata(&log).unwrap().len();
    assert!(kept + lost >= 4_000_000 + 9, "every byte is in the log or counted: {kept} and {lost}");
    let events = svc.ok(&["events", "web"]);
    assert!(events.contains("lost"), "{events}");
}

#[test]
fn a_device_that_takes_nothing_does_not_stop_the_program() {
    let svc = Svc::new();
    let log = svc.folder().join("full.log");
    std::os::unix::fs::symlink("/dev/full", &log).unwrap();
    let (first, second) = (Gate::new(), Gate::new());
    let file = define(&svc, &log, &first, &second);
    svc.ok(&["up", file.to_str().unwrap()]);
    first.arrival().release();
    let _held = second.arrival();
    Following::events(&svc, "web").event(LOST);
    is_running_with_losses(&svc);
    svc.ok(&["stop", "web"]);
}

#[test]
fn a_log_of_json_shows_its_text_and_is_rotated_when_somebody_wants_it() {
    let (svc, gate) = (Svc::new(), Gate::new());
    let program = binary::scripted();
    let run =
        format!("echo one; printf 'half' >&2; exec {} program=gate:{}", program.display(), gate.address());
    let hook = "read line < \\\"$SVC_ROTATED_LOG\\\"; echo hook $line";
    let text = format!(
        "[service.web]\nrun = [\"sh\", \"-c\", {run:?}]\nlog.format = \"json\"\n\
         hooks.on-rotate = [\"sh\", \"-c\", \"{hook}\"]\nrestart.when = \"never\"\n"
    );
    let file = svc.write("web.toml", &text);
    svc.ok(&["up", file.to_str().unwrap()]);
    let held = gate.arrival();
    let following = Following::new(&svc, &["logs", "web", "-f"]);
    following.until(|line| line == "one");
    assert_eq!(svc.ok(&["logs", "--rotate", "web"]), "web: a new log is begun\n");
    following.until(|line| line.starts_with("hook {\"time\":") && line.ends_with("\"text\":\"one\"}"));
    held.release();
    reaches(&svc, "web", ServiceState::STOPPED);
    let last = svc.json(&["logs", "web", "-n", "1"]);
    assert_eq!((last["text"].as_str(), last["partial"].as_bool()), (Some("half"), Some(true)), "{last}");
    assert_eq!(last["stream"], "stderr");
    assert!(svc.ok(&["logs", "web", "-n", "1"]).ends_with("half"));
}

#[test]
fn a_log_that_can_not_be_rotated_is_told_of() {
    let svc = Svc::new();
    let refused = |hint: &str, code: i32| {
        let output = svc.run(&["logs", "--rotate", "web"]);
        assert_eq!(output.code(), Some(code), "{output:?}");
        assert!(output.stderr.starts_with("error: cannot rotate log of service \"web\""), "{output:?}");
        assert!(output.stderr.contains(hint), "{output:?}");
    };
    let file = crate::define(&svc, "web", "hang", "log.file = \"/dev/null\"\n");
    svc.ok(&["install", file.to_str().unwrap()]);
    refused("svc start web", 6);
    svc.ok(&["start", "web"]);
    refused("a device or a pipe", 1);
    svc.ok(&["sc", "create", "other", "binPath=", "/bin/false"]);
    let output = svc.run(&["logs", "--rotate", "other"]);
    assert!(output.stderr.contains("svckit doesn't run its program"), "{output:?}");
    let output = svc.run(&["logs", "--rotate", "web", "-f"]);
    assert_eq!(output.code(), Some(2), "{output:?}");
}
