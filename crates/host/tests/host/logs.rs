//! Every byte of output, whatever happens.

use std::path::{Path, PathBuf};
use std::time::Duration;

use svckit_core::control::Control;
use svckit_core::definition::{Compression, HostDefinition, LogTarget, RestartWhen};
use svckit_core::dispatch::FromProcess;
use svckit_core::log::rotation::RotateTime;
use svckit_core::native::{EventId, LogFrom};
use svckit_core::status::ServiceState;
use svckit_core::win32::Win32Error;

use svckit_os::clock;
use svckit_os::event::{Interest, Poller};
use svckit_os::watch::Watch;

use crate::support::{Bed, Mounted, PATIENCE};

/// The rotated files of `out.log`, oldest first, and then the current one.
fn logs(bed: &Bed) -> Vec<PathBuf> {
    logs_in(bed.folder.path())
}

fn logs_in(folder: &Path) -> Vec<PathBuf> {
    let entries = std::fs::read_dir(folder).unwrap();
    let paths = entries.map(|entry| entry.unwrap().path());
    let mut rotated: Vec<PathBuf> =
        paths.filter(|path| path.file_name().unwrap().to_str().unwrap().starts_with("out-")).collect();
    rotated.sort_by_key(|path| order(path));
    rotated.push(folder.join("out.log"));
    rotated
}

/// Stamp and number of a rotated file.
fn order(path: &Path) -> (String, u32) {
    let name = path.file_name().unwrap().to_str().unwrap();
    let (rest, _) = name.strip_prefix("out-").unwrap().split_once(".log").unwrap_or((name, ""));
    match rest.split_once('-') {
        Some((stamp, number)) => (stamp.to_owned(), number.parse().unwrap()),
        None => (rest.to_owned(), 0),
    }
}

fn contents(paths: &[PathBuf]) -> Vec<u8> {
    paths.iter().flat_map(|path| std::fs::read(path).unwrap()).collect()
}

/// What a reader of the log is told.
fn told(bed: &Bed, lines: u32) -> Vec<u8> {
    let piece = svckit_os::log::read(&bed.path("out.log"), LogFrom::Tail { lines }).unwrap();
    piece.data
}

/// Whether nothing is left to be compressed.
fn is_packed(bed: &Bed) -> bool {
    let files = logs(bed);
    files[..files.len() - 1].iter().all(|path| path.extension().is_some_and(|extension| extension == "gz"))
}

fn numbers(count: u32) -> Vec<u8> {
    (1..=count).flat_map(|n| format!("{n}\n").into_bytes()).collect()
}

#[test]
fn the_last_output_before_the_end_is_kept() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    for _ in 0..20 {
        host.link.run("brief", bed.script("printf 'no newline'; echo error >&2; exit 9"));
        host.link.release("brief");
        host = bed.host();
    }
    assert_eq!(bed.log(), "no newlineerror\n".repeat(20));
}

#[test]
fn rotation_loses_no_byte_and_cuts_at_lines() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut definition = bed.script("seq 1 200000");
    definition.log.rotate_size = Some(100_000);
    let status = host.link.run("many", definition);
    assert_eq!(status.win32_exit_code, Win32Error::SUCCESS);
    let files = logs(&bed);
    assert!(files.len() > 10, "{files:?}");
    assert!(contents(&files) == numbers(200_000), "bytes differ");
    for path in &files[..files.len() - 1] {
        let bytes = std::fs::read(path).unwrap();
        assert_eq!(bytes.last(), Some(&b'\n'), "{path:?}");
        assert!((100_000..100_010).contains(&bytes.len()), "{path:?} {}", bytes.len());
    }
}

#[test]
fn a_flood_without_newlines_is_cut_all_the_same() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut definition = bed.script("head -c 1000000 /dev/zero");
    definition.log.rotate_size = Some(100_000);
    host.link.run("flood", definition);
    let files = logs(&bed);
    assert!(contents(&files) == vec![0; 1_000_000]);
    let sizes: Vec<usize> = files.iter().map(|path| std::fs::read(path).unwrap().len()).collect();
    assert!(sizes[..sizes.len() - 1].iter().all(|size| *size == 100_000 + (64 << 10)), "{sizes:?}");
}

#[test]
fn only_the_newest_rotated_files_are_kept() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    // One from an earlier run, and others that only look alike.
    for other in ["out-20010101T000000.000Z.log", "out-of-the-way.log", "out-20010101T000000.000Z.txt"] {
        std::fs::write(bed.path(other), "old\n").unwrap();
    }
    let mut definition = bed.script("seq 1 100000");
    definition.log.rotate_size = Some(50_000);
    definition.log.keep_count = Some(3);
    host.link.run("kept", definition);
    assert!(!bed.path("out-20010101T000000.000Z.log").exists());
    for other in ["out-of-the-way.log", "out-20010101T000000.000Z.txt"] {
        std::fs::remove_file(bed.path(other)).unwrap();
    }
    let files = logs(&bed);
    assert_eq!(files.len(), 4, "{files:?}");
    let all = numbers(100_000);
    let kept = contents(&files);
    assert!(all.ends_with(&kept) && kept.len() > 150_000, "{files:?}");
}

#[test]
fn a_log_that_is_there_is_continued_and_one_that_was_deleted_begun_anew() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    std::fs::write(bed.path("out.log"), "before\n").unwrap();
    let (mut gate, mut go) = (bed.gate("gate"), bed.gate("go"));
    let mut definition = bed.script("echo first; echo > gate; read word < go; seq 1 1000; exit 0");
    definition.log.rotate_size = Some(1000);
    host.link.start("log", definition);
    gate.wait();
    host.link.state("log", ServiceState::RUNNING);
    let before = std::fs::read_to_string(bed.path("out.log")).unwrap();
    assert!("before\nfirst\n".starts_with(&before));
    std::fs::remove_file(bed.path("out.log")).unwrap();
    go.open();
    host.link.state("log", ServiceState::STOPPED);
    let after = String::from_utf8(contents(&logs(&bed))).unwrap();
    assert!(after.ends_with("999\n1000\n"), "{after}");
}

#[test]
fn two_streams_can_have_two_files_or_none() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut definition = bed.script(
        "echo to out; echo to err >&2; test /proc/self/fd/1 -ef /dev/null && echo nowhere >&2; exit 0",
    );
    definition.log.stderr = LogTarget::File(bed.path("sub/err.log"));
    host.link.run("two", definition.clone());
    assert_eq!(bed.log(), "to out\n");
    let errors = std::fs::read_to_string(bed.path("sub/err.log")).unwrap();
    assert_eq!(errors, "to err\n");
    definition.log.stdout = LogTarget::Discard;
    host.link.run("two", definition);
    assert_eq!(bed.log(), "to out\n");
    let errors = std::fs::read_to_string(bed.path("sub/err.log")).unwrap();
    assert!(errors.ends_with("nowhere\n"), "{errors}");
}

/// The definition of a service whose log device is full for ever.
fn full(bed: &Bed, script: &str, memory: u64) -> HostDefinition {
    let mut definition = bed.script(script);
    definition.log.stdout = LogTarget::File("/dev/full".into());
    definition.log.stderr = definition.log.stdout.clone();
    definition.log.buffer = memory;
    definition
}

#[test]
fn a_full_disk_blocks_nobody_and_losses_are_counted() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut definition = full(&bed, "head -c 3000000 /dev/zero; exit 3", 100_000);
    definition.restart.when = RestartWhen::Never;
    let status = host.link.run("full", definition);
    assert_eq!(status.service_exit_code, 3, "the program ran to its end");
    let events = host.link.events();
    let of = |id: EventId| events.iter().find(|(of, _)| *of == id).map(|(_, text)| text.clone());
    let blocked = of(EventId::LOG_BLOCKED).unwrap();
    assert!(
        blocked.starts_with(r#"the log "/dev/full" cannot be written: no space left on device"#),
        "{blocked}"
    );
    assert_eq!(
        of(EventId::LOG_LOST).unwrap(),
        r#"the memory for the log "/dev/full" is full; output is being lost"#
    );
    assert_eq!(
        events.iter().rfind(|(id, _)| *id == EventId::LOG_LOST).unwrap().1,
        r#"the log "/dev/full" could not be written before the service stopped; 3000000 bytes were lost"#
    );
    let lost = host.link.seen.iter().rev().find_map(|frame| match frame {
        FromProcess::Host { state, .. } => Some(state.log_bytes_lost),
        _ => None,
    });
    assert_eq!(lost, Some(3_000_000));
}

#[test]
fn when_the_disk_has_room_again_what_was_held_is_written() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let disk = bed.path("disk");
    std::fs::create_dir(&disk).unwrap();
    let flags = rustix::mount::MountFlags::empty();
    if rustix::mount::mount("svckit-test", &disk, "tmpfs", flags, Some(c"size=256k")).is_err() {
        eprintln!("skipped: a small file system can't be mounted here");
        return;
    }
    let _mounted = Mounted(disk.clone());
    std::fs::write(disk.join("ballast"), vec![1; 200_000]).unwrap();
    let mut gate = bed.gate("gate");
    let mut go = bed.gate("go");
    let mut definition = bed.script("seq 1 40000; echo > gate; read word < go; echo end; exit 0");
    definition.log.stdout = LogTarget::File(disk.join("x.log"));
    definition.log.rotate_size = Some(1 << 30);
    host.link.start("tight", definition);
    gate.wait();
    host.link.event(EventId::LOG_BLOCKED);
    std::fs::remove_file(disk.join("ballast")).unwrap();
    assert!(host.link.event(EventId::LOG_RESUMED).ends_with("is written again; nothing was lost"));
    go.open();
    host.link.state("tight", ServiceState::STOPPED);
    let mut expected = numbers(40_000);
    expected.extend(b"end\n");
    assert!(std::fs::read(disk.join("x.log")).unwrap() == expected);
}

#[test]
fn a_disk_that_fills_and_empties_costs_no_byte_and_no_rotation() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let disk = bed.path("disk");
    std::fs::create_dir(&disk).unwrap();
    let flags = rustix::mount::MountFlags::empty();
    if rustix::mount::mount("svckit-test", &disk, "tmpfs", flags, Some(c"size=512k")).is_err() {
        eprintln!("skipped: a small file system can't be mounted here");
        return;
    }
    let _mounted = Mounted(disk.clone());
    let (mut gate, mut go) = (bed.gate("gate"), bed.gate("go"));
    let mut definition = bed.script(
        "i=0; while read word < go; do seq $((i * 20000 + 1)) $((i * 20000 + 20000)); i=$((i + 1)); echo > gate; done",
    );
    definition.log.stdout = LogTarget::File(disk.join("out.log"));
    definition.log.rotate_size = Some(50_000);
    definition.log.keep_total = Some(200_000);
    host.link.start("tight", definition);
    for _ in 0..4 {
        // More than there is room for: what fits is written.
        assert!(std::fs::write(disk.join("ballast"), vec![1; 600_000]).is_err());
        go.open();
        gate.wait();
        host.link.event(EventId::LOG_BLOCKED);
        std::fs::remove_file(disk.join("ballast")).unwrap();
        assert!(host.link.event(EventId::LOG_RESUMED).ends_with("nothing was lost"));
        host.link.seen.clear();
    }
    host.link.stop("tight");
    let files = logs_in(&disk);
    let kept = contents(&files);
    assert!(numbers(80_000).ends_with(&kept) && kept.len() > 150_000, "{files:?}");
    let rotated: usize = files[..files.len() - 1].iter().map(|path| std::fs::read(path).unwrap().len()).sum();
    assert!(rotated <= 200_000, "{files:?}");
}

#[test]
fn a_file_that_can_not_be_renamed_grows_on_and_is_rotated_later() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let file = bed.path("out.log");
    std::fs::write(&file, "").unwrap();
    // What a file is mounted on can't be renamed, as one that somebody has open for himself can't on Windows.
    if rustix::mount::mount_bind(&file, &file).is_err() {
        eprintln!("skipped: nothing can be mounted here");
        return;
    }
    let mounted = Mounted(file);
    let (mut gate, mut go) = (bed.gate("gate"), bed.gate("go"));
    let mut definition = bed.script("seq 1 10000; echo > gate; read word < go; seq 10001 20000; exit 0");
    definition.log.rotate_size = Some(10_000);
    host.link.start("held", definition);
    gate.wait();
    assert!(host.link.event(EventId::LOG_BLOCKED).contains("cannot be rotated"));
    let trouble = host.link.last_host_state().unwrap().log_trouble.unwrap();
    assert!(trouble.contains("out.log") && trouble.contains("cannot be rotated"), "{trouble}");
    drop(mounted);
    go.open();
    host.link.state("held", ServiceState::STOPPED);
    assert_eq!(host.link.last_host_state().unwrap().log_trouble, None);
    let told = host.link.events().iter().filter(|(id, _)| *id == EventId::LOG_BLOCKED).count();
    assert_eq!(told, 1, "it is told once");
    let files = logs(&bed);
    assert!(files.len() > 3, "{files:?}");
    assert!(contents(&files) == numbers(20_000));
}

#[test]
fn blank_lines_and_bytes_that_are_no_text_are_kept() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let all = (0..=255_u8).cycle().take(100_000).collect::<Vec<_>>();
    std::fs::write(bed.path("all"), &all).unwrap();
    let mut definition = bed.script("printf '\\n\\r\\n\\n  \\n'; cat all; printf '\\377\\376\\n\\n'");
    definition.log.rotate_size = Some(5000);
    definition.log.compress = Some(Compression::Gzip);
    host.link.run("bytes", definition);
    let expected = [&b"\n\r\n\n  \n"[..], &all, b"\xFF\xFE\n\n"].concat();
    assert!(told(&bed, 100_000) == expected);
}

/// The lines without their time stamps, each of which has one.
fn unstamped(bytes: &[u8]) -> Vec<u8> {
    let lines = bytes.split_inclusive(|byte| *byte == b'\n');
    lines.fold(Vec::new(), |mut all, line| {
        let (stamp, text) = line.split_at(25);
        assert!(stamp.starts_with(b"20") && stamp.ends_with(b"Z "), "{:?}", String::from_utf8_lossy(line));
        all.extend(text);
        all
    })
}

#[test]
fn lines_have_time_stamps_if_that_is_wanted() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut definition = bed.script("seq 1 20000");
    definition.log.timestamps = true;
    definition.log.rotate_size = Some(50_000);
    host.link.run("stamped", definition);
    let files = logs(&bed);
    assert!(files.len() > 10 && unstamped(&contents(&files)) == numbers(20_000));
}

#[test]
fn time_stamps_survive_a_full_disk_and_a_line_without_an_end() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut definition = bed.script("echo >> count; printf half; test $(wc -l < count) -eq 3");
    definition.log.timestamps = true;
    definition.restart.when = RestartWhen::OnFailure;
    definition.restart.delay = Duration::ZERO;
    host.link.run("stamped", definition);
    assert_eq!(unstamped(bed.log().as_bytes()), b"half\nhalf\nhalf");
    let mut full = full(&bed, "seq 1 20000; exit 0", 100_000);
    full.log.timestamps = true;
    host.link.run("full", full);
    let lost = host.link.seen.iter().rev().find_map(|frame| match frame {
        FromProcess::Host { state, .. } => Some(state.log_bytes_lost),
        _ => None,
    });
    assert!(lost > Some(108_894), "{lost:?}");
}

#[test]
fn a_log_that_can_not_be_opened_is_told_of_and_the_service_runs() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut gate = bed.gate("gate");
    let mut definition = bed.script("echo unheard; echo > gate; exec sleep 1000");
    std::fs::write(bed.path("file"), "").unwrap();
    definition.log.stdout = LogTarget::File(bed.path("file/x.log"));
    definition.log.stderr = definition.log.stdout.clone();
    host.link.start("deaf", definition);
    assert!(host.link.event(EventId::LOG_BLOCKED).contains("file/x.log"));
    host.link.state("deaf", ServiceState::RUNNING);
    gate.wait();
    host.link.stop("deaf");
    assert!(
        host.link
            .events()
            .iter()
            .any(|(id, text)| *id == EventId::LOG_LOST && text.ends_with("8 bytes were lost"))
    );
}

#[test]
fn a_link_in_the_place_of_a_log_is_not_followed() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    std::os::unix::fs::symlink(bed.path("elsewhere"), bed.path("out.log")).unwrap();
    host.link.run("trap", bed.script("echo secret"));
    assert!(!bed.path("elsewhere").exists());
    assert!(host.link.events().iter().any(|(id, _)| *id == EventId::LOG_LOST));
}

#[test]
fn output_goes_on_into_the_log_while_the_manager_is_away() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let (mut gate, mut go) = (bed.gate("gate"), bed.gate("go"));
    host.link.start("alone", bed.script("read word < go; seq 1 100000; echo > gate; exec sleep 1000"));
    host.link.state("alone", ServiceState::RUNNING);
    let nowhere = std::os::unix::net::UnixStream::pair().unwrap().0;
    host.link.replace(nowhere);
    go.open();
    gate.wait();
    host.reconnect();
    host.link.stop("alone");
    assert!(std::fs::read(bed.path("out.log")).unwrap() == numbers(100_000));
}

/// Rotation each so many milliseconds.
fn every(millis: u64) -> Option<RotateTime> {
    Some(RotateTime::Every { interval: Duration::from_millis(millis), at: Duration::ZERO })
}

/// A log that was written last more than a week ago.
fn old_log(bed: &Bed, text: &str) {
    std::fs::write(bed.path("out.log"), text).unwrap();
    let now = std::time::UNIX_EPOCH + Duration::from_millis(clock::now().wall.0);
    let file = std::fs::File::options().write(true).open(bed.path("out.log")).unwrap();
    file.set_modified(now - Duration::from_secs(8 * 86_400)).unwrap();
}

/// Sees changes in the folder of a bed.
struct Seen {
    watch: Watch,
    poller: Poller,
}

impl Seen {
    fn new(bed: &Bed) -> Self {
        let (watch, poller) = (Watch::new().unwrap(), Poller::new().unwrap());
        watch.add(bed.folder.path()).unwrap();
        poller.add(&watch, 0, Interest::Read).unwrap();
        Self { watch, poller }
    }

    /// Looks again at each change, until it is so.
    fn until(&self, is_so: impl Fn() -> bool) {
        let mut ready = Vec::new();
        while !is_so() {
            self.poller.wait(&mut ready, Some(PATIENCE)).unwrap();
            assert!(!ready.is_empty(), "nothing happens");
            self.watch.drain().unwrap();
        }
    }
}

#[test]
fn a_log_is_rotated_when_it_is_time_and_nothing_is_written() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let seen = Seen::new(&bed);
    let mut go = bed.gate("go");
    let mut definition = bed.script("seq 1 1000; read word < go; seq 1001 2000; exit 0");
    definition.log.rotate_time = every(300);
    host.link.start("timed", definition);
    seen.until(|| {
        let files = logs(&bed);
        contents(&files[..files.len() - 1]) == numbers(1000) && bed.path("out.log").exists()
    });
    assert_eq!(std::fs::read(bed.path("out.log")).unwrap(), b"", "an empty one is not rotated");
    go.open();
    host.link.state("timed", ServiceState::STOPPED);
    assert!(contents(&logs(&bed)) == numbers(2000));
}

#[test]
fn a_line_is_not_cut_when_it_is_time_to_rotate() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    old_log(&bed, "half");
    let mut definition = bed.script("echo ' and half'; echo next");
    definition.log.rotate_time = every(7 * 86_400_000);
    host.link.run("timed", definition);
    let files = logs(&bed);
    assert_eq!(std::fs::read(&files[0]).unwrap(), b"half and half\n", "{files:?}");
    assert_eq!(contents(&files), b"half and half\nnext\n");
}

#[test]
fn what_was_written_in_an_earlier_period_is_rotated_when_the_service_starts() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    old_log(&bed, "old\n");
    let mut definition = bed.script("echo new");
    definition.log.rotate_time = every(7 * 86_400_000);
    host.link.run("weekly", definition.clone());
    let files = logs(&bed);
    assert_eq!((files.len(), bed.log()), (2, "new\n".to_owned()));
    assert_eq!(contents(&files), b"old\nnew\n");
    host.link.run("weekly", definition);
    assert_eq!((logs(&bed).len(), bed.log()), (2, "new\nnew\n".to_owned()), "this week's is continued");
}

#[test]
fn a_start_begins_a_new_log_but_a_restart_does_not() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut definition = bed.script("echo once >> count; echo run; test $(wc -l < count) -eq 3");
    definition.log.rotate_at_start = true;
    definition.restart.when = RestartWhen::OnFailure;
    definition.restart.delay = Duration::ZERO;
    for runs in 1..=3 {
        let _ = std::fs::remove_file(bed.path("count"));
        host.link.run("fresh", definition.clone());
        assert_eq!((logs(&bed).len(), bed.log()), (runs, "run\n".repeat(3)));
    }
}

#[test]
fn rotated_files_have_no_more_bytes_together_than_they_may() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let mut definition = bed.script("seq 1 20000");
    definition.log.rotate_size = Some(10_000);
    definition.log.keep_total = Some(30_100);
    host.link.run("kept", definition);
    let files = logs(&bed);
    assert_eq!(files.len(), 4, "{files:?}");
    assert!(numbers(20_000).ends_with(&contents(&files)));
}

#[test]
fn files_that_are_too_old_go_without_output_and_those_of_others_stay() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let seen = Seen::new(&bed);
    for other in
        ["out-20010101T000000.000Z.log", "out-20010101t000000.000z.log", "out-20010101T000000.000Z.log.bak"]
    {
        std::fs::write(bed.path(other), "old\n").unwrap();
    }
    std::fs::create_dir(bed.path("out-20010101T000000.001Z.log")).unwrap();
    let mut definition = bed.script("seq 1 20000; exec sleep 1000");
    definition.log.rotate_size = Some(10_000);
    definition.log.keep_age = Some(Duration::from_millis(500));
    host.link.start("kept", definition);
    let is_there = |numbered: &Path| std::fs::read(numbered).is_ok_and(|bytes| bytes.ends_with(b"20000\n"));
    seen.until(|| is_there(&bed.path("out.log")) && logs(&bed).len() == 4);
    assert!(bed.path("out-20010101t000000.000z.log").exists(), "not our way to write it");
    assert!(bed.path("out-20010101T000000.001Z.log").is_dir(), "not a file");
    assert!(bed.path("out-20010101T000000.000Z.log.bak").exists());
    host.link.stop("kept");
}

/// Rotation at 10 kB with compression.
fn packed(bed: &Bed, script: &str) -> HostDefinition {
    let mut definition = bed.script(script);
    definition.log.rotate_size = Some(10_000);
    definition.log.compress = Some(Compression::Gzip);
    definition
}

#[test]
fn rotated_files_are_compressed_and_read_as_before() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let seen = Seen::new(&bed);
    host.link.start("packed", packed(&bed, "seq 1 20000; exec sleep 1000"));
    seen.until(|| told(&bed, 1) == b"20000\n" && is_packed(&bed));
    assert!(logs(&bed).len() > 10);
    assert!(told(&bed, 20_000) == numbers(20_000));
    let size: u64 = logs(&bed).iter().map(|path| path.metadata().unwrap().len()).sum();
    assert!(size < 70_000, "{size}");
    host.link.stop("packed");
}

#[test]
fn what_is_kept_is_counted_in_compressed_bytes_and_no_file_twice() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let seen = Seen::new(&bed);
    let mut go = bed.gate("go");
    let script = "seq 1 20000; read word < go; seq 20001 23000; exec sleep 1000";
    let mut definition = packed(&bed, script);
    definition.log.keep_count = Some(4);
    host.link.start("packed", definition);
    seen.until(|| told(&bed, 1) == b"20000\n" && is_packed(&bed));
    go.open();
    seen.until(|| told(&bed, 1) == b"23000\n" && is_packed(&bed) && logs(&bed).len() == 5);
    assert!(numbers(23_000).ends_with(&told(&bed, 23_000)));
    host.link.stop("packed");
}

#[test]
fn compression_goes_on_after_the_host_was_killed() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let seen = Seen::new(&bed);
    // As a host leaves it that dies between any two steps.
    let text = numbers(1000);
    for (name, text) in [
        ("out-20260101T000000.000Z.log", &text[..]),
        ("out-20260101T000001.000Z.log", b"second\n"),
        ("out-20260101T000001.000Z.log.gz.part", b"half of i"),
    ] {
        std::fs::write(bed.path(name), text).unwrap();
    }
    host.link.start("packed", packed(&bed, "echo third; exec sleep 1000"));
    seen.until(|| told(&bed, 1) == b"third\n" && logs(&bed).len() == 3 && is_packed(&bed));
    let mut expected = text;
    expected.extend(b"second\nthird\n");
    assert!(told(&bed, 9999) == expected);
    host.kill();
    let mut host = bed.host();
    host.link.run("packed", packed(&bed, "echo fourth"));
    expected.extend(b"fourth\n");
    assert!(told(&bed, 9999) == expected);
}

#[test]
fn a_file_that_can_not_be_compressed_stays_and_that_is_told() {
    let mut bed = Bed::new();
    let mut host = bed.host();
    let (mut gate, mut go) = (bed.gate("gate"), bed.gate("go"));
    std::fs::write(bed.path("out-20260101T000000.000Z.log"), "kept\n").unwrap();
    std::fs::create_dir(bed.path("out-20260101T000000.000Z.log.gz.part")).unwrap();
    host.link.start("packed", packed(&bed, "while read word < go; do seq 1 3000; echo > gate; done"));
    host.link.state("packed", ServiceState::RUNNING);
    let is_told =
        |(id, text): &(EventId, String)| *id == EventId::LOG_BLOCKED && text.contains("cannot be compressed");
    // It is told at the next rotation.
    while !host.link.events().iter().any(is_told) {
        go.open();
        gate.wait();
        host.link.control("packed", Control::INTERROGATE);
    }
    assert_eq!(std::fs::read(bed.path("out-20260101T000000.000Z.log")).unwrap(), b"kept\n");
    host.link.stop("packed");
}
