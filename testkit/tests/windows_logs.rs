//! Logs of services on Windows, which may be Wine: every byte is accounted for, whatever others do to the files.

#![forbid(unsafe_code)]
#![cfg(windows)]
#![expect(clippy::unwrap_used, reason = "a failed expectation is how a test fails")]

use std::collections::BTreeMap;
use std::fs::{self, File, OpenOptions};
use std::io::{BufReader, Read, Seek};
use std::os::windows::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::thread;

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::Backend;
use svckit_core::log::name::{self, Form};
use svckit_core::log::stamp;
use svckit_core::status::{NotifyMask, ServiceState};
use svckit_core::time::WallTime;
use svckit_manager::windows::WindowsBackend;
use svckit_os::clock;
use svckit_os::watch::Watch;
use svckit_testkit::following::Following;
use svckit_testkit::gate::Gate;
use svckit_testkit::output::{self, LINE};
use svckit_testkit::svc::{Svc, starting};
use svckit_testkit::{PATIENCE, binary};

/// Events: output is lost, a log takes nothing or can't be rotated or compressed, it is written again.
const LOST: u32 = 8;
const BLOCKED: u32 = 9;
const RESUMED: u32 = 10;

/// What others may do with a file that somebody has open: nothing; or read and write, but neither rename nor delete it.
const NOTHING: u32 = 0;
const NO_RENAMING: u32 = 3;

/// A service whose program does some steps, with a log in a folder of its own.
struct Logged {
    svc: Svc,
    name: String,
    log: PathBuf,
}

impl Logged {
    /// Installed and not started; `policy` is what follows the file in the table of the log.
    fn new(steps: &str, policy: &str, more: &str) -> Self {
        let svc = Svc::new();
        let (name, log) = (svc.name("log"), svc.folder().join("logs").join("out.log"));
        let run = format!("run = [{:?}, \"program={steps}\"]", binary::scripted());
        let log_table = format!("log = {{ file = {log:?}{policy} }}\nrestart = {{ when = \"never\" }}");
        let file = svc.write("service.toml", &format!("[service.{name}]\n{run}\n{log_table}\n{more}"));
        fs::create_dir(log.parent().unwrap()).unwrap();
        svc.ok(&["install", file.to_str().unwrap()]);
        Self { svc, name, log }
    }

    #[track_caller]
    fn start(&self) {
        let output = starting(|| self.svc.run(&["start", &self.name]));
        assert!(output.status.success(), "{}{}", output.stdout, output.stderr);
    }

    #[track_caller]
    fn stops(&self) {
        let manager = WindowsBackend::local().open_manager(ManagerAccess::CONNECT).unwrap();
        let service = manager.open_service(&self.name, ServiceAccess::ALL_ACCESS).unwrap();
        let stopped = service.wait(NotifyMask::of(ServiceState::STOPPED), PATIENCE * 3).unwrap();
        assert!(stopped.is_some(), "{} does not stop: {}", self.name, self.svc.status(&self.name));
    }

    fn events(&self) -> Following {
        Following::events(&self.svc, &self.name)
    }

    /// The next event that a log takes nothing or grows on.
    #[track_caller]
    fn is_told(&self, events: &Following, id: u32, why: &str) {
        let told = events.event(id);
        assert!(told["message"].as_str().unwrap().contains(why), "{told}");
    }

    fn host(&self) -> serde_json::Value {
        self.svc.status(&self.name)["host"].clone()
    }

    fn folder(&self) -> &Path {
        self.log.parent().unwrap()
    }

    /// The files of the log, oldest first; the one that is being written is the last.
    fn files(&self) -> Vec<PathBuf> {
        let entries = fs::read_dir(self.folder()).unwrap().map(|entry| entry.unwrap().file_name());
        let place = |file: std::ffi::OsString| {
            name::place(&self.log, &file).map(|(place, _)| (place, self.folder().join(&file)))
        };
        let rotated: BTreeMap<_, _> = entries.filter_map(place).collect();
        rotated.into_values().chain([self.log.clone()]).collect()
    }

    /// The rotated ones' sizes.
    fn sizes(&self) -> Vec<u64> {
        let mut files = self.files();
        files.pop();
        files.iter().map(|path| path.metadata().unwrap().len()).collect()
    }

    /// All that is there.
    fn all(&self) -> BufReader<Box<dyn Read>> {
        joined(self.files().iter().map(|path| File::open(path).unwrap()))
    }

    /// Looks again at each change in the folder, until it is so.
    fn until(&self, is_so: impl Fn(&Self) -> bool) {
        let watch = Watch::new(self.folder(), false).unwrap();
        while !is_so(self) {
            watch.wait_or_be_called(None, Some(PATIENCE)).unwrap();
        }
    }
}

/// One file after the other.
fn joined(files: impl IntoIterator<Item = File>) -> BufReader<Box<dyn Read>> {
    let whole: Box<dyn Read> = Box::new(std::io::empty());
    let whole = files.into_iter().fold(whole, |before, file| Box::new(before.chain(file)) as Box<dyn Read>);
    BufReader::with_capacity(1 << 20, whole)
}

/// Opens a file, made if it is missing, with which others may do only so much.
fn hold(path: &Path, others: u32) -> File {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create(true)
        .truncate(false)
        .share_mode(others)
        .open(path)
        .unwrap()
}

/// Takes the files of a log away as they come, now and then also the one that is being written, and keeps them open; until there is a file `over`.
fn taking(logged: &Logged) -> Vec<File> {
    let watch = Watch::new(logged.folder(), false).unwrap();
    let mut taken = Vec::new();
    loop {
        let is_over = logged.folder().join("over").exists();
        for path in logged.files() {
            if path == logged.log && !is_over && taken.len() % 5 != 4 {
                continue;
            }
            let to = logged.folder().join(format!("taken-{}", taken.len()));
            if fs::rename(&path, &to).is_ok() {
                taken.push(File::open(&to).unwrap());
                fs::remove_file(&to).unwrap();
            }
        }
        if is_over {
            return taken;
        }
        watch.wait_or_be_called(None, Some(PATIENCE)).unwrap();
    }
}

#[test]
fn two_hundred_megabytes_are_all_there_while_others_hold_and_delete_the_files() {
    const LINES: u32 = 3_125_000;
    let logged = Logged::new(&format!("lines:1-{LINES},exit:0"), ", rotate = { size = \"4MB\" }", "");
    fs::write(&logged.log, "").unwrap();
    let held = hold(&logged.log, NO_RENAMING);
    let events = logged.events();
    logged.start();
    logged.is_told(&events, BLOCKED, "cannot be rotated");
    drop(held);
    let taken = thread::scope(|scope| {
        let taker = scope.spawn(|| taking(&logged));
        logged.stops();
        fs::write(logged.folder().join("over"), "").unwrap();
        taker.join().unwrap()
    });
    assert!(taken.len() > 20, "{}", taken.len());
    // What was taken while it was written came earlier than what was rotated before.
    let begin = |mut file: &File| {
        let number = output::number(&mut BufReader::with_capacity(LINE, file));
        file.rewind().unwrap();
        number.unwrap_or(u32::MAX)
    };
    let taken: BTreeMap<_, _> = taken.into_iter().map(|file| (begin(&file), file)).collect();
    output::assert_same(joined(taken.into_values()), output::lines(1, LINES));
    assert_eq!(logged.host()["log_bytes_lost"], 0);
}

#[test]
fn a_hundred_megabytes_without_a_newline_are_all_there() {
    const COUNT: u64 = 100_000_000;
    let logged = Logged::new(&format!("endless:{COUNT},exit:0"), ", rotate = { size = \"10MB\" }", "");
    logged.start();
    logged.stops();
    let sizes = logged.sizes();
    assert!(sizes.len() == 9 && sizes.iter().all(|size| *size == 10_000_000 + (64 << 10)), "{sizes:?}");
    output::assert_same(logged.all(), output::endless(COUNT));
}

#[test]
fn a_log_that_another_program_may_not_see_renamed_grows_on_and_is_rotated_later() {
    let gate = Gate::new();
    let steps = format!("lines:1-1000,gate:{0},lines:1001-3000,gate:{0}", gate.address());
    let logged = Logged::new(&steps, ", rotate = { size = \"10KB\" }", "");
    fs::write(&logged.log, "").unwrap();
    let (held, events) = (hold(&logged.log, NO_RENAMING), logged.events());
    logged.start();
    logged.is_told(&events, BLOCKED, "cannot be rotated");
    let stands = gate.arrival();
    assert!(
        logged.host()["log_trouble"].as_str().unwrap().contains("cannot be rotated"),
        "{}",
        logged.host()
    );
    logged.until(|logged| logged.log.metadata().unwrap().len() == 1000 * LINE as u64);
    drop(held);
    stands.release();
    let _stands = gate.arrival();
    // For a moment there is no file of this name.
    let begin = |logged: &Logged| output::number(&mut BufReader::new(File::open(&logged.log).ok()?));
    logged.until(|logged| begin(logged).is_some_and(|number| number > 2500));
    assert_eq!(
        (logged.host()["log_trouble"].clone(), logged.sizes().len() > 5),
        (serde_json::Value::Null, true)
    );
    output::assert_same(logged.all(), output::lines(1, 3000));
}

#[test]
fn output_is_held_while_another_program_has_the_log_for_itself() {
    let gate = Gate::new();
    let steps = format!("lines:1-3000,gate:{0},lines:3001-4000,gate:{0}", gate.address());
    let logged = Logged::new(&steps, "", "");
    let (held, events) = (hold(&logged.log, NOTHING), logged.events());
    logged.start();
    logged.is_told(&events, BLOCKED, "cannot be written");
    gate.arrival().release();
    let _stands = gate.arrival();
    let told = logged.svc.ok(&["status", &logged.name]);
    assert!(told.contains("cannot be written") && told.contains("held in memory"), "{told}");
    drop(held);
    logged.is_told(&events, RESUMED, "nothing was lost");
    output::assert_same(logged.all(), output::lines(1, 4000));
    assert_eq!(logged.host()["log_trouble"], serde_json::Value::Null);
}

#[test]
fn output_that_nothing_can_hold_is_lost_and_counted() {
    let gate = Gate::new();
    let steps = format!("lines:1-4000,gate:{0},say:the end,gate:{0}", gate.address());
    let logged = Logged::new(&steps, ", buffer = \"64KB\"", "");
    let (held, events) = (hold(&logged.log, NOTHING), logged.events());
    logged.start();
    logged.is_told(&events, LOST, "output is being lost");
    let stands = gate.arrival();
    drop(held);
    events.event(RESUMED);
    stands.release();
    let _stands = gate.arrival();
    logged.svc.ok(&["stop", &logged.name]);
    let lost = logged.host()["log_bytes_lost"].as_u64().unwrap();
    let kept = fs::read(&logged.log).unwrap();
    assert!(kept.len() >= 64_000 && kept.ends_with(b"the end"), "{} are there", kept.len());
    assert_eq!(kept.len() as u64 + lost, 4000 * LINE as u64 + 7);
    let kept = &kept[..64_000];
    output::assert_same(kept, output::lines(1, 1000));
}

#[test]
fn rotated_files_are_deleted_by_number_age_and_size_but_never_the_one_that_is_written() {
    let old = ["out-20010101T000000.000Z.log", "out-of-the-way.log", "out-20010101T000000.000Z.txt"];
    for (keep, kept) in
        [("count = 3", 3), ("total = \"25KB\"", 2), ("total = \"1KB\"", 0), ("age = \"1d\"", 19)]
    {
        let policy = format!(", rotate = {{ size = \"10KB\" }}, keep = {{ {keep} }}");
        let logged = Logged::new("lines:1-3000,exit:0", &policy, "");
        old.iter().for_each(|other| fs::write(logged.folder().join(other), "old\n").unwrap());
        logged.start();
        logged.stops();
        assert_eq!(logged.sizes().len(), kept, "{keep}: {:?}", logged.files());
        let mut all = logged.all();
        let first = output::number(&mut all).unwrap();
        output::assert_same(all, output::lines(first, 3000));
        assert!(!logged.folder().join(old[0]).exists(), "{keep}");
        assert!(old[1..].iter().all(|other| logged.folder().join(other).exists()), "{keep}");
    }
}

#[test]
fn a_rotated_file_that_somebody_has_open_is_deleted_and_compressed_later() {
    let gate = Gate::new();
    let steps =
        format!("lines:1-1000,gate:{0},lines:1001-2000,gate:{0},lines:2001-3000,gate:{0}", gate.address());
    let policy = ", rotate = { size = \"10KB\" }, keep = { age = \"1d\" }, compress = true";
    let logged = Logged::new(&steps, policy, "");
    let path = |at, form| logged.folder().join(name::rotated(&logged.log, (at, 0), form));
    let (long_ago, now) = (WallTime(1_000_000_000_000), clock::now().wall);
    let (too_old, not_packed) = (path(long_ago, Form::Plain), path(now, Form::Plain));
    let held = [hold(&too_old, NO_RENAMING), hold(&not_packed, NOTHING)];
    fs::write(&too_old, "old\n").unwrap();
    let events = logged.events();
    logged.start();
    gate.arrival().release();
    logged.is_told(&events, BLOCKED, "cannot be compressed");
    assert!(too_old.exists() && not_packed.exists());
    drop(held);
    gate.arrival().release();
    let _stands = gate.arrival();
    let is_packed = |path: &PathBuf| path.extension().is_some_and(|extension| extension == "gz");
    logged.until(|logged| {
        let files = logged.files();
        !too_old.exists() && files.len() > 15 && files[..files.len() - 1].iter().all(is_packed)
    });
    assert!(path(now, Form::Gzip).exists());
    let told = logged.svc.ok(&["logs", "--lines", "3000", &logged.name]);
    output::assert_same(told.as_bytes(), output::lines(1, 3000));
}

#[test]
fn blank_lines_and_bytes_that_are_no_text_are_kept() {
    const COUNT: u64 = 100_000;
    let logged = Logged::new(&format!("every-byte:{COUNT},exit:0"), ", rotate = { size = \"5KB\" }", "");
    logged.start();
    logged.stops();
    assert!(logged.sizes().len() > 10);
    output::assert_same(logged.all(), output::every_byte(COUNT));
}

#[test]
fn lines_have_time_stamps_if_that_is_wanted() {
    let logged = Logged::new("lines:1-3000,exit:0", ", rotate = { size = \"50KB\" }, timestamps = true", "");
    logged.start();
    logged.stops();
    assert!(logged.sizes().len() > 3);
    let mut all = Vec::new();
    logged.all().read_to_end(&mut all).unwrap();
    let mut texts = Vec::new();
    for line in all.split_inclusive(|byte| *byte == b'\n') {
        let (stamp, text) = line.split_at(stamp::LENGTH);
        assert!(stamp.starts_with(b"20") && stamp.ends_with(b"Z "), "{:?}", String::from_utf8_lossy(line));
        texts.extend(text);
    }
    output::assert_same(&texts[..], output::lines(1, 3000));
}

#[test]
fn a_log_of_json_shows_its_text_and_is_rotated_when_somebody_wants_it() {
    let gate = Gate::new();
    let steps = format!("lines:1-1,complain:half,gate:{0},lines:2-2,gate:{0}", gate.address());
    let hook = "[\"cmd\", \"/c\", \"echo hook %SVC_ROTATED_LOG%\"]";
    let logged = Logged::new(&steps, ", format = \"json\"", &format!("hooks = {{ on-rotate = {hook} }}\n"));
    logged.start();
    let stands = gate.arrival();
    let following = Following::new(&logged.svc, &["logs", &logged.name, "-f"]);
    following.until(|line| line.starts_with("0000000001."));
    let told = logged.svc.ok(&["logs", "--rotate", &logged.name]);
    assert_eq!(told.trim_end(), format!("{}: a new log is begun", logged.name));
    following.until(|line| line.contains("hook ") && line.contains(r"\out-20"));
    stands.release();
    following.until(|line| line.contains("0000000002."));
    let _stands = gate.arrival();
    logged.svc.ok(&["stop", &logged.name]);
    let lines: Vec<serde_json::Value> = joined(logged.files().iter().map(|path| File::open(path).unwrap()))
        .bytes()
        .collect::<Result<Vec<u8>, _>>()
        .unwrap()
        .split(|byte| *byte == b'\n')
        .filter(|line| !line.is_empty())
        .map(|line| serde_json::from_slice(line).unwrap())
        .collect();
    let half = lines.iter().find(|line| line["text"] == "half").unwrap();
    assert_eq!((&half["stream"], &half["partial"]), (&"stderr".into(), &true.into()));
    assert!(
        lines.iter().all(|line| line["service"] == logged.name && line["time"].is_string()),
        "{lines:#?}"
    );
    assert_eq!(logged.sizes().len(), 1);
}
