use super::*;
use crate::event::Poller;
use crate::process::{End, Stdio};
use crate::{file, pipe, process};
use std::fs::{File, OpenOptions};
use std::io::{Read, Write};
use std::process::Command;
use std::sync::mpsc::channel;
use std::thread;

/// An inbox and the loop that a process has around it.
struct Bed {
    inbox: Inbox,
    poller: Poller,
}

impl Bed {
    fn new() -> Self {
        let (inbox, poller) = (Inbox::new().unwrap(), Poller::new().unwrap());
        poller.add(&inbox, 3, Interest::Read).unwrap();
        let mut bed = Self { inbox, poller };
        bed.turn(&|_| true);
        bed
    }

    /// Waits for something, and takes what there is.
    fn turn(&mut self, is_of: &dyn Fn(u32) -> bool) -> Vec<String> {
        let mut ready = Vec::new();
        self.poller.wait(&mut ready, None).unwrap();
        assert!(ready.iter().all(|event| event.token == 3 && event.readable));
        let mut all = Vec::new();
        while let Some(message) = self.inbox.take(is_of).unwrap() {
            all.push(String::from_utf8(message).unwrap());
        }
        all
    }

    /// The next messages, so many.
    fn messages(&mut self, count: usize) -> Vec<String> {
        let mut all = Vec::new();
        while all.len() < count {
            all.extend(self.turn(&|sender| sender == std::process::id()));
        }
        all
    }

    fn connect(&self) -> File {
        connect(&self.inbox.name).unwrap()
    }
}

fn connect(name: &str) -> io::Result<File> {
    OpenOptions::new().write(true).open(name)
}

#[test]
fn each_write_is_a_message_of_whoever_is_connected() {
    let mut bed = Bed::new();
    let (mut one, mut other) = (bed.connect(), bed.connect());
    one.write_all(b"READY=1\nSTATUS=up").unwrap();
    one.write_all(b"WATCHDOG=1").unwrap();
    assert_eq!(bed.messages(2), ["READY=1\nSTATUS=up", "WATCHDOG=1"]);
    other.write_all(b"STOPPING=1").unwrap();
    assert_eq!(bed.messages(1), ["STOPPING=1"]);
    let mut both = OpenOptions::new().read(true).write(true).open(&bed.inbox.name).unwrap();
    both.write_all(b"a").unwrap();
    drop(both);
    assert_eq!(bed.messages(1), ["a"], "what was said before the end is heard");
    // Places are used again.
    for _ in 0..3 * PLACES {
        let mut brief = loop {
            match connect(&bed.inbox.name) {
                Ok(brief) => break brief,
                // The places of those that went are free when their ends were seen.
                Err(_) => assert_eq!(bed.turn(&|_| true), [""; 0]),
            }
        };
        brief.write_all(b"x").unwrap();
        drop(brief);
        assert_eq!(bed.messages(1), ["x"]);
    }
}

#[test]
fn what_is_too_long_is_cut_and_what_is_empty_is_nothing() {
    let mut bed = Bed::new();
    let mut client = bed.connect();
    let writer = thread::spawn(move || {
        for length in [LONGEST, LONGEST + 1, 3 * LONGEST, 0, 1] {
            client.write_all(&vec![b'x'; length]).unwrap();
        }
        client
    });
    let lengths: Vec<usize> = bed.messages(4).iter().map(String::len).collect();
    assert_eq!(lengths, [LONGEST, LONGEST, LONGEST, 1]);
    drop(writer.join().unwrap());
}

#[test]
fn strangers_are_sent_away_and_hold_up_nobody() {
    let mut bed = Bed::new();
    let (send, stranger) = channel();
    let mut strange = bed.connect();
    strange.write_all(b"READY=1").unwrap();
    let seen = bed.turn(&|sender| {
        send.send(sender).unwrap();
        false
    });
    assert_eq!((seen, stranger.recv().unwrap()), (vec![], std::process::id()));
    assert!(strange.write_all(b"READY=1").is_err(), "it was sent away");
    let mut friend = bed.connect();
    friend.write_all(b"b").unwrap();
    assert_eq!(bed.messages(1), ["b"]);
}

#[test]
fn one_who_says_much_lets_others_be_heard() {
    const COUNT: usize = 1000;
    let mut bed = Bed::new();
    let name = bed.inbox.name.clone();
    let writers = ["one", "two"].map(|text| {
        let mut client = connect(&name).unwrap();
        thread::spawn(move || {
            for _ in 0..COUNT {
                client.write_all(text.as_bytes()).unwrap();
            }
        })
    });
    let all = bed.messages(2 * COUNT);
    assert_eq!(all.iter().filter(|text| *text == "one").count(), COUNT);
    writers.into_iter().for_each(|writer| writer.join().unwrap());
}

#[test]
fn nobody_else_can_offer_a_place_and_all_are_gone_with_the_inbox() {
    let bed = Bed::new();
    let own = security::own_identifier().unwrap();
    let descriptor = Descriptor::from_sddl(&format!("D:P(A;;FA;;;{own})")).unwrap();
    let error = Place::new(&wide(&bed.inbox.name), &descriptor, false).map(drop).unwrap_err();
    // ERROR_PIPE_BUSY: there are as many as there may be.
    assert_eq!(error.raw_os_error(), Some(231), "{error}");
    let name = bed.inbox.name.clone();
    let mut client = bed.connect();
    drop(bed);
    assert!(connect(&name).is_err() && client.read(&mut [0]).is_err());
}

#[test]
fn who_is_not_in_the_job_of_the_program_is_a_stranger() {
    let poller = Poller::new().unwrap();
    let mut children = Children::new(&poller, 1, "x").unwrap();
    let ((input, held), null) = (pipe::inflow().unwrap(), file::null_device().unwrap());
    // It goes on until its input ends.
    let command = process::Command {
        command: vec!["cmd.exe".into()],
        environment: std::env::vars_os().collect(),
        ..process::Command::default()
    };
    let output = End::from(&null);
    let program =
        children.spawn(&command, Stdio { input: End::from(&input), output, error: output }).unwrap();
    let mut other = Command::new("cmd")
        .stdin(std::process::Stdio::piped())
        .stdout(std::process::Stdio::null())
        .spawn()
        .unwrap();
    assert!(children.is_of(program, program));
    assert!(!children.is_of(program, std::process::id()) && !children.is_of(program, other.id()));
    assert!(!children.is_of(other.id(), other.id()), "it is none of these programs");
    drop(other.stdin.take());
    other.wait().unwrap();
    assert!(!children.is_of(program, other.id()), "whoever ended and is known is still a stranger");
    // Nobody has asked yet what became of it: its handle is open.
    drop(held);
    poller.wait(&mut Vec::new(), None).unwrap();
    assert!(children.is_of(program, program), "one that has ended is still known");
}
