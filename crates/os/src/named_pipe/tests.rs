use super::*;
use crate::event::Poller;
use crate::interrupt::Interrupt;
use std::io::{Read, Write};
use std::sync::atomic::{AtomicU32, Ordering};
use std::{env, process, thread};

/// The system, administrators and who runs the tests.
const SDDL: &str = "D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;OW)";

fn name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!(r"\\.\pipe\svckit-test\{}-{count}", process::id())
}

/// A client that reads and writes as it likes.
fn connect(name: &str) -> io::Result<File> {
    connect_within(name, PATIENCE, 0)
}

/// Notices and the loop that a process has around them.
struct Bed {
    name: String,
    notices: Notices,
    poller: Poller,
}

impl Bed {
    fn new() -> Self {
        let name = name();
        let (notices, poller) = (Notices::bind(&name, SDDL).unwrap(), Poller::new().unwrap());
        poller.add(&notices, 3, Interest::Read).unwrap();
        let mut bed = Self { name, notices, poller };
        bed.turn();
        bed
    }

    fn turn(&mut self) {
        let mut ready = Vec::new();
        self.poller.wait(&mut ready, None).unwrap();
        assert!(ready.iter().all(|event| event.token == 3 && event.readable));
        self.notices.ready();
    }

    fn until(&mut self, followers: usize) {
        while self.notices.len() != followers {
            self.turn();
        }
    }

    fn client(&mut self) -> File {
        let client = connect(&self.name).unwrap();
        self.until(self.notices.len() + 1);
        client
    }
}

fn byte(client: &mut File) -> usize {
    client.read(&mut [0]).unwrap()
}

/// Whether this runs under Wine, by the word of who started it; `all` runs what is not for Wine too.
fn is_wine_excused(why: &str) -> bool {
    let excused = env::var("SVCKIT_WINE").is_ok_and(|wine| wine != "all");
    if excused {
        println!("not under Wine: {why}");
    }
    excused
}

#[test]
fn everybody_is_told_at_once_and_of_everything_new() {
    let mut bed = Bed::new();
    let mut all: Vec<File> = (0..8).map(|_| bed.client()).collect();
    for client in &mut all {
        assert_eq!(byte(client), 1);
    }
    for _ in 0..3 {
        bed.notices.tell();
        for client in &mut all {
            assert_eq!(byte(client), 1);
        }
    }
    drop(bed);
    for client in &mut all {
        assert!(!client.read(&mut [0]).is_ok_and(|count| count > 0));
    }
}

#[test]
fn a_listener_hears_of_everything_new_until_it_is_interrupted_or_alone() {
    let mut bed = Bed::new();
    let mut listener = Listener::connect(&bed.name).unwrap();
    bed.until(1);
    assert!(listener.wait(None).unwrap());
    let interrupt = Interrupt::new().unwrap();
    bed.notices.tell();
    assert!(listener.wait(Some(&interrupt)).unwrap());
    let other = interrupt.clone();
    let caller = thread::spawn(move || other.interrupt());
    assert_eq!(listener.wait(Some(&interrupt)).unwrap_err().raw_os_error(), Some(995));
    caller.join().unwrap();
    bed.notices.tell();
    assert!(listener.wait(Some(&interrupt)).is_err(), "it stays so");
    assert!(listener.wait(None).unwrap(), "what the interrupt came before is not lost");
    drop(bed);
    assert!(!listener.wait(None).unwrap());
    assert!(!listener.wait(None).unwrap());
}

#[test]
fn who_goes_away_is_let_go_without_any_news() {
    let mut bed = Bed::new();
    let (first, mut second) = (bed.client(), bed.client());
    drop(first);
    bed.until(1);
    assert_eq!(byte(&mut second), 1);
    bed.notices.tell();
    assert_eq!(byte(&mut second), 1);
    drop(second);
    bed.until(0);
    assert!(bed.notices.is_empty());
}

#[test]
fn who_does_not_read_holds_nobody_up_and_hears_of_it_later() {
    let mut bed = Bed::new();
    let (mut busy, mut other) = (bed.client(), bed.client());
    assert_eq!(byte(&mut other), 1);
    // More than a pipe holds.
    for _ in 0..100_000 {
        bed.notices.tell();
        let _ = other.read(&mut [0; 64]).unwrap();
    }
    assert_eq!(bed.notices.len(), 2);
    assert_eq!(byte(&mut busy), 1);
}

#[test]
fn who_writes_is_sent_away() {
    let mut bed = Bed::new();
    let (mut talks, mut listens) = (bed.client(), bed.client());
    talks.write_all(b"hello").unwrap();
    bed.until(1);
    assert_eq!(byte(&mut listens), 1);
    bed.notices.tell();
    assert_eq!(byte(&mut listens), 1);
}

#[test]
fn one_that_left_before_it_was_taken_is_no_matter() {
    let mut bed = Bed::new();
    drop(connect(&bed.name).unwrap());
    let name = bed.name.clone();
    let client = thread::spawn(move || connect(&name).unwrap());
    bed.turn();
    while bed.notices.is_empty() {
        bed.turn();
    }
    let mut client = client.join().unwrap();
    // Perhaps the one that left was still counted: the other comes in a turn that is rung for.
    bed.until(1);
    assert_eq!(byte(&mut client), 1);
}

#[test]
fn a_name_is_taken_once() {
    let name = name();
    let notices = Notices::bind(&name, SDDL).unwrap();
    if !is_wine_excused("version 8 doesn't know FILE_FLAG_FIRST_PIPE_INSTANCE") {
        let error = Notices::bind(&name, SDDL).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied, "{error}");
    }
    drop(notices);
    Notices::bind(&name, SDDL).unwrap();
}

#[test]
fn a_client_waits_for_its_turn() {
    let mut bed = Bed::new();
    let first = connect(&bed.name).unwrap();
    let error = connect_within(&bed.name, Duration::from_millis(30), 0).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{error}");
    let name = bed.name.clone();
    let second = thread::spawn(move || connect(&name));
    bed.until(2);
    second.join().unwrap().unwrap();
    drop(first);
}

#[test]
fn without_a_place_for_the_next_the_name_is_kept() {
    let mut bed = Bed::new();
    bed.notices.sddl = "nonsense".to_owned();
    let mut client = bed.client();
    assert_eq!(byte(&mut client), 1);
    assert_ne!(connect_within(&bed.name, Duration::ZERO, 0).unwrap_err().kind(), io::ErrorKind::NotFound);
    bed.notices.sddl = SDDL.to_owned();
    bed.notices.ready();
    bed.client();
}

#[test]
fn a_client_needs_no_right_to_serve() {
    if is_wine_excused("version 8 lets everybody connect") {
        return;
    }
    let name = name();
    let _notices = Notices::bind(&name, "D:P(A;;0x12019b;;;WD)").unwrap();
    let mut full = OpenOptions::new();
    let denied = full.read(true).write(true).open(&name).unwrap_err();
    assert_eq!(denied.kind(), io::ErrorKind::PermissionDenied);
    connect(&name).unwrap();
}

#[test]
fn other_names_and_descriptors_are_refused() {
    for name in ["", "web", r"\\.\pipe\", r"\\server\pipe\web", r"C:\web", "\\\\.\\pipe\\a\0b"] {
        assert_eq!(Notices::bind(name, SDDL).unwrap_err().kind(), io::ErrorKind::InvalidInput, "{name}");
        assert_eq!(connect(name).unwrap_err().kind(), io::ErrorKind::InvalidInput, "{name}");
    }
    assert!(Notices::bind(&name(), "nonsense").is_err());
    assert_eq!(connect(&name()).unwrap_err().kind(), io::ErrorKind::NotFound);
}
