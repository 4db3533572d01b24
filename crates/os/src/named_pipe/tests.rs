use super::*;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::{env, thread};

/// The system, administrators and who runs the tests.
const SDDL: &str = "D:P(A;;FA;;;SY)(A;;FA;;;BA)(A;;FA;;;OW)";

fn name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    format!(r"\\.\pipe\svckit-test\{}-{count}", process::id())
}

fn listener() -> (String, Listener) {
    let name = name();
    let listener = Listener::bind(&name, SDDL).unwrap();
    (name, listener)
}

fn pair() -> (Connection, Connection) {
    let (name, listener) = listener();
    let client = connect(&name).unwrap();
    (listener.accept().unwrap(), client)
}

/// Whether this runs under Wine, by the word of who started it; `all` runs what is not for Wine too.
fn is_wine_excused(why: &str) -> bool {
    let excused = env::var("SVCKIT_WINE").is_ok_and(|wine| wine != "all");
    if excused {
        println!("not under Wine: {why}");
    }
    excused
}

fn pattern(length: usize, seed: usize) -> Vec<u8> {
    (0..length).map(|index| ((index * 31 + seed) % 251) as u8).collect()
}

#[test]
fn several_clients_are_answered() {
    let (name, listener) = listener();
    thread::scope(|scope| {
        for number in 0..8 {
            let name = &name;
            scope.spawn(move || {
                let mut client = connect(name).unwrap();
                let said = format!("client {number}");
                client.write_all(said.as_bytes()).unwrap();
                let mut answer = vec![0; said.len()];
                client.read_exact(&mut answer).unwrap();
                assert_eq!(answer, said.as_bytes());
                assert_eq!(client.read(&mut [0]).unwrap(), 0);
            });
        }
        for _ in 0..8 {
            let mut connection = listener.accept().unwrap();
            scope.spawn(move || {
                let mut said = [0; 8];
                connection.read_exact(&mut said).unwrap();
                connection.write_all(&said).unwrap();
                connection.flush().unwrap();
            });
        }
    });
}

#[test]
fn big_messages_go_both_ways_at_once() {
    const BIG: usize = 3 << 20;
    let (server, client) = pair();
    thread::scope(|scope| {
        for (end, seed, other) in [(server, 1, 2), (client, 2, 1)] {
            let (mut reader, mut writer) = (end.try_clone().unwrap(), end);
            let writing = scope.spawn(move || writer.write_all(&pattern(BIG, seed)).map(|()| writer));
            scope.spawn(move || {
                let mut got = vec![0; BIG];
                reader.read_exact(&mut got).unwrap();
                assert!(got == pattern(BIG, other));
                writing.join().unwrap().unwrap();
            });
        }
    });
}

#[test]
fn a_read_that_waits_holds_no_write_up() {
    let (server, mut client) = pair();
    let mut reader = server.try_clone().unwrap();
    let reading = thread::spawn(move || {
        let mut got = [0; 2];
        reader.read_exact(&mut got).map(|()| got)
    });
    let mut server = server;
    // Nothing comes to be read before this was heard.
    server.write_all(b"go").unwrap();
    let mut got = [0; 2];
    client.read_exact(&mut got).unwrap();
    server.flush().unwrap();
    client.write_all(b"ok").unwrap();
    assert_eq!((&got, &reading.join().unwrap().unwrap()), (b"go", b"ok"));
}

#[test]
fn closing_ends_accepting_and_gives_the_name_back() {
    let (name, listener) = listener();
    let mut kept = connect(&name).unwrap();
    let mut served = listener.accept().unwrap();
    thread::scope(|scope| {
        let waiting: Vec<_> = (0..2).map(|_| scope.spawn(|| listener.accept().unwrap_err())).collect();
        listener.close();
        for thread in waiting {
            assert_eq!(thread.join().unwrap().kind(), io::ErrorKind::ConnectionAborted);
        }
    });
    listener.close();
    assert_eq!(listener.accept().unwrap_err().kind(), io::ErrorKind::ConnectionAborted);
    kept.write_all(b"still here").unwrap();
    let mut got = [0; 10];
    served.read_exact(&mut got).unwrap();
    drop((kept, served));
    assert_eq!(connect(&name).unwrap_err().kind(), io::ErrorKind::NotFound);
    Listener::bind(&name, SDDL).unwrap();
}

#[test]
fn a_client_goes_away() {
    let (mut server, client) = pair();
    drop(client);
    assert_eq!(server.read(&mut [0; 4]).unwrap(), 0);
    assert_eq!(server.write(b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
}

#[test]
fn a_client_that_left_before_it_was_accepted_is_heard() {
    let (name, listener) = listener();
    connect(&name).unwrap().write_all(b"bye").unwrap();
    let mut said = Vec::new();
    listener.accept().unwrap().read_to_end(&mut said).unwrap();
    assert_eq!(said, b"bye");
    let _client = connect(&name).unwrap();
    listener.accept().unwrap();
}

#[test]
fn the_listener_disconnects_by_dropping() {
    let (mut server, mut client) = pair();
    let mut clone = server.try_clone().unwrap();
    server.write_all(b"one").unwrap();
    drop(server);
    let mut got = [0; 3];
    client.read_exact(&mut got).unwrap();
    clone.write_all(b"two").unwrap();
    drop(clone);
    assert_eq!(client.read(&mut got).unwrap(), 0);
    assert_eq!(client.write(b"x").unwrap_err().kind(), io::ErrorKind::BrokenPipe);
}

#[test]
fn what_was_flushed_was_read() {
    // Often enough that one which doesn't wait is seen.
    for _ in 0..50 {
        let (mut server, mut client) = pair();
        let is_flushed = AtomicBool::new(false);
        thread::scope(|scope| {
            scope.spawn(|| {
                server.write_all(b"the last words").unwrap();
                server.flush().unwrap();
                is_flushed.store(true, Ordering::SeqCst);
                drop(server);
            });
            let mut first = [0];
            client.read_exact(&mut first).unwrap();
            assert!(!is_flushed.load(Ordering::SeqCst));
            let mut rest = Vec::new();
            client.read_to_end(&mut rest).unwrap();
            assert_eq!((&first, rest.as_slice()), (b"t", b"he last words".as_slice()));
        });
    }
}

#[test]
fn a_name_is_taken_once() {
    let (name, listener) = listener();
    if !is_wine_excused("version 8 doesn't know FILE_FLAG_FIRST_PIPE_INSTANCE") {
        let error = Listener::bind(&name, SDDL).unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::PermissionDenied, "{error}");
    }
    drop(listener);
    Listener::bind(&name, SDDL).unwrap();
}

#[test]
fn a_client_waits_for_its_turn() {
    let (name, listener) = listener();
    let first = connect(&name).unwrap();
    let error = connect_within(&name, Duration::from_millis(30)).unwrap_err();
    assert_eq!(error.kind(), io::ErrorKind::TimedOut, "{error}");
    thread::scope(|scope| {
        let second = scope.spawn(|| connect(&name));
        let _served = (listener.accept().unwrap(), listener.accept().unwrap());
        second.join().unwrap().unwrap();
    });
    drop(first);
}

#[test]
fn without_a_place_for_the_next_the_name_is_kept() {
    let (name, mut listener) = listener();
    let mut client = connect(&name).unwrap();
    listener.sddl = "nonsense".to_owned();
    listener.accept().unwrap_err();
    assert_eq!(client.read(&mut [0]).unwrap(), 0);
    assert_ne!(connect_within(&name, Duration::ZERO).unwrap_err().kind(), io::ErrorKind::NotFound);
    listener.sddl = SDDL.to_owned();
    thread::scope(|scope| {
        let client = scope.spawn(|| connect(&name));
        let _served = listener.accept().unwrap();
        client.join().unwrap().unwrap();
    });
}

#[test]
fn a_client_needs_no_right_to_serve() {
    if is_wine_excused("version 8 lets everybody connect") {
        return;
    }
    let name = name();
    let _listener = Listener::bind(&name, "D:P(A;;0x12019b;;;WD)").unwrap();
    let mut full = OpenOptions::new();
    let denied = full.read(true).write(true).open(&name).unwrap_err();
    assert_eq!(denied.kind(), io::ErrorKind::PermissionDenied);
    connect(&name).unwrap();
}

#[test]
fn other_names_and_descriptors_are_refused() {
    for name in ["", "web", r"\\.\pipe\", r"\\server\pipe\web", r"C:\web", "\\\\.\\pipe\\a\0b"] {
        assert_eq!(Listener::bind(name, SDDL).unwrap_err().kind(), io::ErrorKind::InvalidInput, "{name}");
        assert_eq!(connect(name).unwrap_err().kind(), io::ErrorKind::InvalidInput, "{name}");
    }
    assert!(Listener::bind(&name(), "nonsense").is_err());
    assert_eq!(connect(&name()).unwrap_err().kind(), io::ErrorKind::NotFound);
}
