//! Output that can't be written.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use svckit_testkit::binary;
use svckit_testkit::gate::Gate;
use svckit_testkit::need;
use svckit_testkit::svc::Svc;

use crate::until;

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

/// Whether there is an event that says that output is written again.
fn resumed(svc: &Svc) -> bool {
    let events = svc.json(&["events", "web"]);
    events.as_array().unwrap().iter().any(|event| event["id"] == 10)
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
    until("the loss is counted", || svc.status("web")["host"]["log_bytes_lost"].as_u64() > Some(0));
    assert_eq!(svc.status("web")["state"], "RUNNING");
    small.grow();
    // Before that there may be no room in memory for what comes now.
    until("the disk takes output again", || resumed(&svc));
    held.release();
    let _held = second.arrival();
    until("output is written again", || {
        fs::read_to_string(&log).is_ok_and(|text| text.ends_with("the end\n"))
    });
    let lost = svc.status("web")["host"]["log_bytes_lost"].as_u64().unwrap();
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
    until("the loss is counted", || svc.status("web")["host"]["log_bytes_lost"].as_u64() > Some(0));
    assert_eq!(svc.status("web")["state"], "RUNNING");
    svc.ok(&["stop", "web"]);
}
