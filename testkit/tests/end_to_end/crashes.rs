//! A program that ends as soon as it runs, over and over.

use std::collections::BTreeSet;
use std::fs;
use std::path::Path;

use svckit_core::backend::Backend;
use svckit_core::name::ServiceName;
use svckit_core::native::{Reply, Request};
use svckit_os::process::kill;
use svckit_testkit::gate::Gate;
use svckit_testkit::svc::Svc;
use svckit_testkit::{PATIENCE, binary};

use crate::{connect, up};

/// How often, unless this variable says another number.
const CRASHES: u32 = 1000;
const VARIABLE: &str = "SVCKIT_CRASHES";

/// How often before what is held is looked at first.
const FEW: u32 = 200;

/// What a process holds.
#[derive(Debug, PartialEq, Eq)]
struct Held {
    descriptors: usize,
    children: usize,
    threads: usize,
}

impl Held {
    fn by(pid: u64) -> Self {
        let process = Path::new("/proc").join(pid.to_string());
        let count = |name: &str| fs::read_dir(process.join(name)).unwrap().count();
        let tasks = fs::read_dir(process.join("task")).unwrap();
        let children =
            |task: fs::DirEntry| fs::read_to_string(task.path().join("children")).unwrap_or_default();
        let children = tasks.map(|task| children(task.unwrap()).split_whitespace().count()).sum();
        Self { descriptors: count("fd"), children, threads: count("task") }
    }

    fn is_hardly_more_than(&self, before: &Self) -> bool {
        let numbers = |held: &Self| [held.descriptors, held.children, held.threads];
        numbers(self).iter().zip(numbers(before)).all(|(now, before)| *now <= before + 10)
    }
}

/// The memory of a process, in KiB.
fn memory(pid: u64) -> u64 {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}

/// The names of all files in a folder.
fn files(folder: &Path) -> BTreeSet<String> {
    let entries = fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    entries.map(|name| name.to_string_lossy().into_owned()).collect()
}

/// Waits until the service was run again so often; every now and then another is asked for.
fn crash(svc: &Svc, backend: &impl Backend, times: u32) {
    let web = || Some(vec![ServiceName::new("web").unwrap()]);
    let mut answer = Some(backend.native(Request::Overview { after: None, services: web() }).unwrap());
    let mut asked = 0;
    while let Some(Reply::Overview(overview)) = answer {
        let restarts =
            overview.services.first().and_then(|view| view.host.as_ref()).map(|host| host.state.restarts);
        if restarts >= Some(times) {
            return;
        }
        if restarts > Some(asked + 100) {
            asked += 100;
            assert_eq!(svc.status("calm")["state"], "RUNNING");
        }
        answer = backend.changes(overview.revision, web(), PATIENCE).unwrap();
    }
    panic!("it is not run again: {answer:?}");
}

#[test]
fn a_crash_loop_at_full_speed_leaves_nothing_behind_and_holds_up_nobody() {
    let times = std::env::var(VARIABLE).map_or(CRASHES, |times| times.parse().unwrap());
    let (svc, gate) = (Svc::new(), Gate::new());
    up(&svc, "calm", "hang", "");
    let program = binary::scripted();
    let script =
        format!("test -e enough && exec '{}' program=gate:{}; exit 1", program.display(), gate.address());
    let restart = "restart = { delay = \"0s\" }";
    let definition = format!("[service.web]\nrun = [\"sh\", \"-c\", {script:?}]\n{restart}\n");
    let file = svc.write("web.toml", &definition);
    let enough = svc.write("enough", "");
    svc.ok(&["up", file.to_str().unwrap()]);
    let backend = connect(&svc);
    let mut held = gate.arrival();
    let mut before = None;
    for restarts in [FEW, FEW + times] {
        fs::remove_file(&enough).unwrap();
        kill(u32::try_from(svc.status("web")["host"]["child_pid"].as_u64().unwrap()).unwrap()).unwrap();
        held.gone();
        crash(&svc, &backend, restarts);
        fs::write(&enough, "").unwrap();
        held = gate.arrival();
        let host = svc.status("web")["pid"].as_u64().unwrap();
        let scm = svc.json(&["scm", "status"])["pid"].as_u64().unwrap();
        let now = (Held::by(host), files(svc.folder()), files(&svc.state()));
        // Connections of clients that have ended are closed soon, and some threads end when they have had nothing to do for a while.
        let (small, large, held_by_scm) = (memory(host), memory(scm), Held::by(scm));
        if let Some((before, few, many, held_before)) = before {
            assert_eq!(now, before);
            assert!(
                held_by_scm.is_hardly_more_than(&held_before),
                "{held_by_scm:?}, and before {held_before:?}"
            );
            assert!(small < few + 1024, "the host has {small} KiB, and had {few}");
            assert!(large < many + 8192, "the service control manager has {large} KiB, and had {many}");
        }
        before = Some((now, small, large, held_by_scm));
    }
}
