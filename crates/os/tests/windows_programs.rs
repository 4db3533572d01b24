//! Programs on Windows: started, heard of, asked to end, and ended with everything that they started.

#![forbid(unsafe_code)]
#![cfg(windows)]
#![allow(clippy::unwrap_used, reason = "tests")]

use std::ffi::{OsStr, OsString};
use std::io::{BufRead, BufReader, Read, Write};
use std::iter;
use std::net::{TcpListener, TcpStream};
use std::os::windows::process::CommandExt;
use std::path::PathBuf;
use std::time::Duration;

use svckit_core::Win32Error;
use svckit_core::definition::StopAction;
use svckit_core::limits::{Limits, Priority};
use svckit_core::restart::Ended;
use svckit_os::event::{Interest, Poller};
use svckit_os::file;
use svckit_os::pipe::{self, Reader};
use svckit_os::process::{
    Children, Command, End, News, SpawnError, Stage, Stdio, Terms, inherited_environment,
};
use svckit_testkit::role;

const CHILDREN: u64 = 1;
const OUTPUT: u64 = 2;

const DETACHED_PROCESS: u32 = 8;

/// The other processes of these tests begin here, since they are this program too.
#[test]
fn role() {
    let Some((role, place)) = role::asked() else { return };
    match &*role {
        "words" => {
            for word in std::env::args().skip(4) {
                println!("<{word}>");
            }
            println!("in {}", std::env::current_dir().unwrap().display());
            // The harness makes 101 of it.
            panic!("done");
        }
        "meet" => meet(&place),
        "parent" => {
            let mut child = role::command("meet", &place).creation_flags(DETACHED_PROCESS).spawn().unwrap();
            meet(&place);
            // Nobody waits for it but those who end it.
            let _ = child.try_wait();
        }
        other => panic!("no role {other}"),
    }
}

/// Connects, says its id, and waits until the connection ends.
fn meet(place: &str) {
    let mut connection = TcpStream::connect(place).unwrap();
    writeln!(connection, "{}", std::process::id()).unwrap();
    let _ = connection.read(&mut [0]);
}

struct World {
    poller: Poller,
    children: Children,
    listener: TcpListener,
}

impl World {
    fn new() -> Self {
        let poller = Poller::new().unwrap();
        let children = Children::new(&poller, CHILDREN, "i").unwrap();
        Self { poller, children, listener: TcpListener::bind("127.0.0.1:0").unwrap() }
    }

    fn command(&self, role: &str, words: &[&str]) -> Command {
        let own = role::command(role, &self.listener.local_addr().unwrap().to_string());
        let more = own.get_envs().filter_map(|(name, value)| Some((name.to_owned(), value?.to_owned())));
        let words = own.get_args().chain(words.iter().map(OsStr::new));
        Command {
            command: iter::once(own.get_program()).chain(words).map(OsString::from).collect(),
            directory: None,
            environment: inherited_environment().chain(more).collect(),
            leave: Vec::new(),
            limits: Default::default(),
            terms: Terms::default(),
        }
    }

    fn spawn(&mut self, command: &Command) -> Result<(u32, Reader), SpawnError> {
        let null = file::null_device().unwrap();
        let (reader, end) = pipe::outflow().unwrap();
        let stdio = Stdio { input: End::from(&null), output: End::from(&end), error: End::from(&end) };
        let pid = self.children.spawn(command, stdio)?;
        self.poller.add(&reader, OUTPUT, Interest::Read).unwrap();
        Ok((pid, reader))
    }

    /// A process of this file that meets: its connection, which ends with it, and its id.
    fn arrival(&self) -> (BufReader<TcpStream>, u32) {
        let mut connection = BufReader::new(self.listener.accept().unwrap().0);
        let mut line = String::new();
        connection.read_line(&mut line).unwrap();
        (connection, line.trim().parse().unwrap())
    }

    /// The next thing that happened.
    fn news(&mut self) -> News {
        let mut ready = Vec::new();
        loop {
            if let Some(news) = self.children.next().unwrap() {
                return news;
            }
            self.poller.wait(&mut ready, Some(Duration::from_secs(60))).unwrap();
            assert_ne!(ready, [], "nothing happened in a minute");
        }
    }
}

/// What a job keeps for all of its processes together; where the system doesn't keep it, the program doesn't run.
#[test]
fn a_limit_for_all_processes_together_is_kept_or_refused_by_its_name() {
    let mut world = World::new();
    for (limits, subject) in [
        (Limits { memory: Some(256 << 20), ..Limits::default() }, "memory = 256MiB"),
        (Limits { cpu: Some(150), ..Limits::default() }, "cpu = 150%"),
        (Limits { processes: Some(9), ..Limits::default() }, "processes = 9"),
    ] {
        let command = Command { limits, ..world.command("words", &[]) };
        let started = world.spawn(&command);
        if std::env::var_os("SVCKIT_WINE").is_some() {
            let refused = started.unwrap_err();
            assert_eq!((refused.stage, refused.subject.as_str()), (Stage::Limits, subject));
            eprintln!("not under Wine: {refused}");
        } else {
            let (pid, _output) = started.unwrap();
            assert_eq!(world.news(), News::Ended { pid, how: Ended::Code(101) });
        }
    }
}

fn everything(reader: &mut Reader) -> String {
    let poller = Poller::new().unwrap();
    let mut found = Vec::new();
    let mut ready = Vec::new();
    loop {
        match reader.read(&mut found, 4096) {
            Ok(0) => return String::from_utf8(found).unwrap(),
            Ok(_) => {}
            // What the program wrote is there when its end is known; somebody else may hold the pipe.
            Err(_) => poller.wait(&mut ready, Some(Duration::from_millis(1))).unwrap(),
        }
    }
}

#[test]
fn a_program_gets_its_words_and_its_directory_and_its_code_comes_back() {
    let mut world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let words =
        ["plain", "", "a b", r#"say "hi""#, r"C:\x y\", r#"\\"\"#, "tab\tß€\u{1F600}", "%PATH%", "^&|"];
    let mut command = world.command("words", &words);
    command.directory = Some(folder.path().to_owned());
    let (pid, mut reader) = world.spawn(&command).unwrap();
    assert_eq!(world.news(), News::Ended { pid, how: Ended::Code(101) });
    let output = everything(&mut reader);
    let found: Vec<&str> =
        output.lines().filter_map(|line| line.strip_prefix('<')?.strip_suffix('>')).collect();
    assert_eq!(found, words);
    let directory = output.lines().find_map(|line| line.strip_prefix("in ")).unwrap();
    assert_eq!(PathBuf::from(directory).file_name(), folder.path().file_name());
    assert_eq!(world.children.end_rest(pid, "".as_ref(), true), [0; 0]);
}

#[test]
fn what_a_program_leaves_is_ended_even_if_it_is_detached() {
    let mut world = World::new();
    let (pid, _reader) = world.spawn(&world.command("parent", &[])).unwrap();
    let (one, other) = (world.arrival(), world.arrival());
    let (parent, mut child) = if one.1 == pid { (one, other) } else { (other, one) };
    assert_eq!(parent.1, pid);
    drop(parent);
    assert_eq!(world.news(), News::Ended { pid, how: Ended::Code(0) });
    assert_eq!(world.children.end_rest(pid, "".as_ref(), true), [child.1]);
    assert_eq!(world.news(), News::Orphan);
    assert_eq!(world.children.end_rest(pid, "".as_ref(), true), [0; 0]);
    // Its connection has ended with it.
    assert!(matches!(child.0.read(&mut [0]), Ok(0) | Err(_)));
}

#[test]
fn a_tree_is_ended_by_force() {
    let mut world = World::new();
    let (pid, _reader) = world.spawn(&world.command("parent", &[])).unwrap();
    let _both = (world.arrival(), world.arrival());
    assert!(world.children.can(pid, &StopAction::Terminate));
    world.children.ask(pid, &StopAction::Terminate).unwrap();
    assert_eq!(world.news(), News::Ended { pid, how: Ended::Code(1) });
    while !world.children.end_rest(pid, "".as_ref(), true).is_empty() {
        assert_eq!(world.news(), News::Orphan);
    }
}

#[test]
fn a_program_runs_with_limits_that_can_be_and_not_with_others() {
    let mut world = World::new();
    let mut command = world.command("words", &[]);
    command.limits.priority = Some(Priority::BelowNormal);
    command.limits.affinity = vec![0];
    let (pid, _reader) = world.spawn(&command).unwrap();
    assert_eq!(world.news(), News::Ended { pid, how: Ended::Code(101) });
    command.limits.affinity = vec![0, 63];
    let refused = world.spawn(&command).unwrap_err();
    assert_eq!(refused.stage, Stage::Limits);
    assert!(refused.to_string().starts_with("cannot set the limit \"affinity = [0, 63]\": "), "{refused}");
    assert!(refused.to_string().ends_with(": not all of these processors are there for it"), "{refused}");
}

/// The name of this file's program.
fn own_name() -> String {
    let own = std::env::current_exe().unwrap();
    own.file_stem().unwrap().to_str().unwrap().to_owned()
}

#[test]
fn what_may_stay_stays_and_a_program_never_does() {
    for names in [vec![own_name()], vec!["*".to_owned()]] {
        let mut world = World::new();
        let mut command = world.command("parent", &[]);
        command.leave = names;
        let (pid, _reader) = world.spawn(&command).unwrap();
        let (one, other) = (world.arrival(), world.arrival());
        let (_parent, mut child) = if one.1 == pid { (one, other) } else { (other, one) };
        world.children.ask(pid, &StopAction::Terminate).unwrap();
        assert_eq!(world.news(), News::Ended { pid, how: Ended::Code(1) });
        assert_eq!(world.children.end_rest(pid, "".as_ref(), true), [0; 0]);
        let World { mut children, .. } = world;
        children.end_all();
        drop(children);
        // It answers still: its connection ends when it is told to.
        child.0.get_mut().write_all(b"x").unwrap();
        assert!(svckit_os::process::program_of(child.1).is_some());
        assert!(matches!(child.0.read(&mut [0]), Ok(0) | Err(_)));
    }
}

#[test]
fn what_a_program_leaves_is_followed() {
    let mut world = World::new();
    let (pid, _reader) = world.spawn(&world.command("parent", &[])).unwrap();
    let (one, other) = (world.arrival(), world.arrival());
    let (parent, child) = if one.1 == pid { (one, other) } else { (other, one) };
    drop(parent);
    assert_eq!(world.news(), News::Ended { pid, how: Ended::Code(0) });
    assert_eq!(world.children.follow(pid, "".as_ref(), true), Some(child.1));
    assert_eq!(world.children.follow(pid, "".as_ref(), true), None);
    world.children.ask(child.1, &StopAction::Terminate).unwrap();
    assert_eq!(world.news(), News::Ended { pid: child.1, how: Ended::Code(1) });
    assert_eq!(world.children.follow(child.1, "".as_ref(), true), None);
    assert_eq!(world.children.end_rest(child.1, "".as_ref(), true), [0; 0]);
}

#[test]
fn programs_end_with_the_one_who_started_them() {
    let mut world = World::new();
    let (_, _reader) = world.spawn(&world.command("meet", &[])).unwrap();
    let (mut connection, _) = world.arrival();
    let World { children, .. } = world;
    drop(children);
    assert!(matches!(connection.read(&mut [0]), Ok(0) | Err(_)));
}

#[test]
fn ctrl_c_reaches_a_program() {
    let mut world = World::new();
    let (pid, _reader) = world.spawn(&world.command("meet", &[])).unwrap();
    let _connection = world.arrival();
    assert!(world.children.can(pid, &StopAction::CtrlC));
    world.children.ask(pid, &StopAction::CtrlC).unwrap();
    // What a program that handles no Ctrl+C ends with: STATUS_CONTROL_C_EXIT; zero under Wine.
    let by_system = News::Ended { pid, how: Ended::Signal(0xC000_013A_u32.cast_signed()) };
    assert!([by_system, News::Ended { pid, how: Ended::Code(0) }].contains(&world.news()));
}

#[test]
fn what_cannot_be_run_is_told_with_the_reason() {
    let mut world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let fail = |world: &mut World, change: &dyn Fn(&mut Command)| {
        let mut command = world.command("words", &[]);
        change(&mut command);
        world.spawn(&command).unwrap_err()
    };
    let missing = fail(&mut world, &|command| command.command = vec![r"C:\no\such.exe".into()]);
    assert_eq!((missing.stage, missing.code()), (Stage::Program, Win32Error::FILE_NOT_FOUND));
    let nowhere = fail(&mut world, &|command| command.command = vec!["no-such-program".into()]);
    assert!(nowhere.to_string().contains("it is in no folder of PATH"), "{nowhere}");
    let directory = fail(&mut world, &|command| command.directory = Some(r"C:\no such folder".into()));
    assert_eq!((directory.stage, directory.code()), (Stage::Directory, Win32Error::DIRECTORY));
    let text = folder.path().join("text.exe");
    std::fs::write(&text, "this is no program").unwrap();
    let text = fail(&mut world, &|command| command.command = vec![text.clone().into()]);
    assert_eq!(text.stage, Stage::Program);
    assert_eq!(text.code(), Win32Error(193), "{text}");
    let script = folder.path().join("it.bat");
    std::fs::write(&script, "@exit 0").unwrap();
    let unsafe_word =
        fail(&mut world, &|command| command.command = vec![script.clone().into(), "a\nb".into()]);
    assert!(unsafe_word.to_string().contains("argument 1"), "{unsafe_word}");
}

#[test]
fn batch_files_run_and_get_their_words() {
    let mut world = World::new();
    let folder = tempfile::tempdir().unwrap();
    let script = folder.path().join("a script.bat");
    std::fs::write(&script, "@echo [%1][%2][%3]\r\n@exit 5\r\n").unwrap();
    let mut command = world.command("words", &[]);
    command.command =
        [script.as_os_str(), "plain".as_ref(), "a & b".as_ref(), "c,d".as_ref()].map(OsString::from).to_vec();
    command.directory = Some(folder.path().to_owned());
    let (pid, mut reader) = world.spawn(&command).unwrap();
    assert_eq!(world.news(), News::Ended { pid, how: Ended::Code(5) });
    assert_eq!(everything(&mut reader).trim_end(), r#"[plain]["a & b"]["c,d"]"#);
}
