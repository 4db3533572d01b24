//! Output by the hundred megabytes, and a thousand programs at once.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader, Read, Seek};
use std::path::{Path, PathBuf};
use std::thread;

use svckit_core::definition::{LogTarget, RestartWhen};
use svckit_core::dispatch::{FromProcess, ToProcess};
use svckit_core::name::ServiceName;
use svckit_core::native::EventId;
use svckit_core::status::ServiceState;
use svckit_os::event::{Interest, Poller};
use svckit_os::watch::Watch;

use crate::support::{Bed, Mounted, PATIENCE, name};

/// The most memory that a process had, in KiB.
fn peak(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().strip_suffix(" kB").unwrap().parse().unwrap()
}

/// The files of a log in a folder: rotated ones by their places, and the one that is being written.
fn files(folder: &Path) -> Vec<PathBuf> {
    let log = folder.join("out.log");
    let entries = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().file_name());
    let place = |file: OsString| {
        svckit_core::log::name::place(&log, &file).map(|(place, _)| (place, folder.join(&file)))
    };
    let rotated: BTreeMap<_, _> = entries.filter_map(place).collect();
    rotated.into_values().chain([log]).collect()
}

/// One file after the other.
fn joined(files: impl IntoIterator<Item = File>) -> impl BufRead {
    let whole: Box<dyn Read> = Box::new(std::io::empty());
    let whole = files.into_iter().fold(whole, |before, file| Box::new(before.chain(file)) as Box<dyn Read>);
    BufReader::with_capacity(1 << 20, whole)
}

#[test]
fn a_hundred_megabytes_without_a_newline_are_all_there_and_take_no_memory() {
    const BLOCK: usize = 1 << 20;
    let mut bed = Bed::new();
    // No block begins with what another begins with, and none has the byte of a newline.
    let block: Vec<u8> = (0..BLOCK).map(|at| 11 + (at % 241) as u8).collect();
    std::fs::write(bed.path("block"), &block).unwrap();
    for timestamps in [false, true] {
        let mut host = bed.host();
        let mut definition = bed.script("for i in $(seq 100); do cat block; done");
        definition.log.rotate_size = Some(10_000_000);
        definition.log.timestamps = timestamps;
        host.link.run("endless", definition);
        assert!(peak(host.pid) < 24 << 10, "{} KiB", peak(host.pid));
        let files = files(bed.folder.path());
        let mut all = joined(files.iter().map(|path| File::open(path).unwrap()));
        if timestamps {
            all.read_exact(&mut [0; svckit_core::log::stamp::LENGTH]).unwrap();
        }
        let mut piece = vec![0; BLOCK];
        for number in 0..100 {
            all.read_exact(&mut piece).unwrap();
            assert!(piece == block, "block {number} with timestamps {timestamps}");
        }
        assert_eq!(all.read(&mut piece).unwrap(), 0, "nothing more is there");
        files.iter().for_each(|path| std::fs::remove_file(path).unwrap());
    }
}

/// Takes the files of a log away as they come, also the one that is being written, and keeps them open; until there is a file `over`.
fn taking(folder: &Path, watch: &Watch) -> Vec<File> {
    let poller = Poller::new().unwrap();
    poller.add(watch, 0, Interest::Read).unwrap();
    let (mut taken, mut ready) = (Vec::new(), Vec::new());
    loop {
        let is_over = folder.join("over").exists();
        for path in files(folder) {
            // Of those that are being written only a few: they are whole when there is another.
            if path.ends_with("out.log") && !is_over && taken.len() % 5 != 4 {
                continue;
            }
            // Whichever has this name now.
            if std::fs::rename(&path, folder.join("taken")).is_ok() {
                taken.push(File::open(folder.join("taken")).unwrap());
                std::fs::remove_file(folder.join("taken")).unwrap();
            }
        }
        if is_over {
            return taken;
        }
        poller.wait(&mut ready, Some(PATIENCE)).unwrap();
        assert!(!ready.is_empty(), "nothing happens");
        watch.drain().unwrap();
    }
}

/// Counts up as `seq` writes it.
struct Count(Vec<u8>);

impl Count {
    fn up(&mut self) {
        let Some(at) = self.0.iter().rposition(|digit| !matches!(digit, b'9' | b'\n')) else {
            let length = self.0.len();
            self.0 = vec![b'0'; length];
            self.0.insert(0, b'1');
            self.0.push(b'\n');
            self.0.remove(length);
            return;
        };
        self.0[at] += 1;
        let end = self.0.len() - 1;
        self.0[at + 1..end].fill(b'0');
    }
}

#[test]
fn two_hundred_megabytes_are_all_there_while_others_delete_the_files() {
    const LINES: u32 = 23_500_000;
    let mut bed = Bed::new();
    let mut host = bed.host();
    std::fs::create_dir(bed.path("logs")).unwrap();
    let watch = Watch::new().unwrap();
    watch.add(&bed.path("logs")).unwrap();
    let folder = bed.path("logs");
    let taker = thread::spawn(move || taking(&folder, &watch));
    let mut definition = bed.script(&format!("seq 1 {LINES}"));
    definition.log.stdout = LogTarget::File(bed.path("logs/out.log"));
    definition.log.stderr = definition.log.stdout.clone();
    definition.log.rotate_size = Some(1_000_000);
    host.link.run("flood", definition);
    std::fs::write(bed.path("logs/over"), "").unwrap();
    let taken = taker.join().unwrap();
    assert!(taken.len() > 100, "{}", taken.len());
    // What was taken while it was written came earlier than what was rotated before.
    let begin = |file: &File| {
        let mut line = String::new();
        BufReader::with_capacity(64, file).read_line(&mut line).unwrap();
        (&*file).rewind().unwrap();
        line.trim().parse::<u32>().unwrap_or(u32::MAX)
    };
    let taken: BTreeMap<_, _> = taken.into_iter().map(|file| (begin(&file), file)).collect();
    let (mut all, mut line) = (joined(taken.into_values()), Vec::new());
    let mut count = Count(b"0\n".to_vec());
    for _ in 0..LINES {
        count.up();
        line.clear();
        all.read_until(b'\n', &mut line).unwrap();
        assert!(
            line == count.0,
            "{:?} is not {:?}",
            String::from_utf8_lossy(&line),
            String::from_utf8_lossy(&count.0)
        );
    }
    assert!(all.fill_buf().unwrap().is_empty(), "nothing is there twice");
}

#[test]
fn two_hundred_megabytes_are_there_or_counted_while_the_disk_fills_and_empties() {
    const ROUND: u64 = 20_000_000;
    let mut bed = Bed::new();
    let mut host = bed.host();
    let disk = bed.path("disk");
    std::fs::create_dir(&disk).unwrap();
    let flags = rustix::mount::MountFlags::empty();
    if rustix::mount::mount("svckit-test", &disk, "tmpfs", flags, Some(c"size=24m")).is_err() {
        eprintln!("skipped: a small file system can't be mounted here");
        return;
    }
    let _mounted = Mounted(disk.clone());
    let (mut gate, mut go) = (bed.gate("gate"), bed.gate("go"));
    let script = format!("while read word < go; do head -c {ROUND} /dev/zero; echo > gate; done");
    let mut definition = bed.script(&script);
    definition.log.stdout = LogTarget::File(disk.join("out.log"));
    definition.log.stderr = definition.log.stdout.clone();
    definition.log.rotate_size = Some(1_000_000);
    host.link.start("tight", definition);
    // What has been rotated is written no more.
    let empty = || {
        let (mut size, mut files) = (0, files(&disk));
        files.pop();
        for path in files {
            size += path.metadata().unwrap().len();
            std::fs::remove_file(path).unwrap();
        }
        size
    };
    let mut kept = 0;
    for round in 0..10 {
        let is_tight = round % 3 == 1;
        if is_tight {
            std::fs::write(disk.join("ballast"), vec![1; 14 << 20]).unwrap();
        }
        go.open();
        gate.wait();
        if is_tight {
            host.link.event(EventId::LOG_LOST);
            std::fs::remove_file(disk.join("ballast")).unwrap();
            host.link.event(EventId::LOG_RESUMED);
        }
        kept += empty();
    }
    host.link.stop("tight");
    kept += empty() + disk.join("out.log").metadata().unwrap().len();
    let lost = host.link.last_host_state().unwrap().log_bytes_lost;
    assert_eq!(kept + lost, 10 * ROUND, "{kept} are there, {lost} are said to be lost");
    assert!(lost > 0 && kept > 7 * ROUND, "{kept} {lost}");
}

#[test]
fn a_thousand_programs_that_end_at_once_are_all_run_again() {
    const COUNT: usize = 1000;
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut definition = bed.script("");
    definition.program.command = vec!["/bin/sleep".to_owned(), "1000".to_owned()];
    definition.log.stdout = LogTarget::Discard;
    definition.log.stderr = LogTarget::Discard;
    definition.restart.when = RestartWhen::OnFailure;
    definition.restart.delay = std::time::Duration::from_millis(10);
    let names: Vec<ServiceName> = (0..COUNT).map(|number| name(&format!("s{number}"))).collect();
    for service in &names {
        host.link.start(service.as_str(), definition.clone());
    }
    let programs = programs(&mut host.link, COUNT, &BTreeMap::new());
    for pid in programs.values() {
        svckit_os::process::kill(*pid).unwrap();
    }
    let after = self::programs(&mut host.link, COUNT, &programs);
    assert!(after.iter().all(|(service, pid)| programs[service] != *pid));
    assert_eq!(host.link.control("s500", svckit_core::control::Control::INTERROGATE).0, 0);
    for service in names {
        host.link.send(&ToProcess::Control { service, control: svckit_core::control::Control::STOP, id: 0 });
    }
    for _ in 0..COUNT {
        host.link.find(|frame| {
            matches!(frame, FromProcess::Status { status, .. } if status.state == ServiceState::STOPPED)
                .then_some(())
        });
    }
}

/// Reads until so many services have a program that is another than before.
fn programs(
    link: &mut crate::support::Link,
    count: usize,
    before: &BTreeMap<ServiceName, u32>,
) -> BTreeMap<ServiceName, u32> {
    let mut programs = BTreeMap::new();
    while programs.len() < count {
        let (service, pid) = link.find(|frame| match frame {
            FromProcess::Host { service, state } => Some((service.clone(), state.child_pid)),
            _ => None,
        });
        if let Some(pid) = pid
            && before.get(&service) != Some(&pid)
        {
            programs.insert(service, pid);
        }
    }
    programs
}
