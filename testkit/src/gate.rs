//! How a test and the programs that it started tell each other where they are: over loopback connections, so that nobody sleeps or polls.

use std::io::{BufRead, BufReader, ErrorKind, Read, Write};
use std::net::{Shutdown, SocketAddr, TcpListener, TcpStream};
use std::sync::mpsc::{Receiver, channel};
use std::thread;

use crate::PATIENCE;

/// Holds a program at a place of its script until the test lets it go on.
#[derive(Debug)]
pub struct Gate {
    address: SocketAddr,
    arrivals: Receiver<TcpStream>,
}

impl Gate {
    /// A closed gate.
    pub fn new() -> Self {
        let (address, arrivals) = listen();
        Self { address, arrivals }
    }

    /// What a script needs to know: `gate:ADDRESS`.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Whether nobody stands at the gate who was not asked for.
    pub fn is_empty(&self) -> bool {
        self.arrivals.try_recv().is_err()
    }

    /// Waits until a program stands at the gate.
    pub fn arrival(&self) -> Held {
        Held(self.arrivals.recv_timeout(PATIENCE).expect("no program came to the gate"))
    }
}

impl Default for Gate {
    fn default() -> Self {
        Self::new()
    }
}

/// A program that stands at a gate; goes on when this is dropped.
#[derive(Debug)]
#[must_use = "the program goes on when this is dropped"]
pub struct Held(TcpStream);

impl Held {
    /// Lets the program go on.
    pub fn release(self) {}

    /// Waits until the program is gone while it is still held.
    pub fn gone(mut self) {
        self.0.set_read_timeout(Some(PATIENCE)).expect("a connection has time-outs");
        match self.0.read(&mut [0]) {
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                panic!("the program was still there after {PATIENCE:?}")
            }
            // However the connection ended, its other end is no more.
            _ => {}
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        // A process that the test has started meanwhile may have inherited the connection (under Wine it does), so that closing it is not enough.
        let _ = self.0.shutdown(Shutdown::Both);
    }
}

/// The program's side of a [`Gate`]: returns when the gate is opened, or when the test is gone.
pub fn pass(address: &str) {
    arrive(address)();
}

/// The same in two steps: the program stands at the gate when this returns; what is returned waits until it is opened.
pub fn arrive(address: &str) -> impl FnOnce() + Send + 'static {
    let stream = TcpStream::connect(address);
    move || {
        if let Ok(mut stream) = stream {
            // Whether it ends by a close or by a reset, the gate is open.
            let _ = stream.read(&mut [0]);
        }
    }
}

/// Hears what programs have to say.
#[derive(Debug)]
pub struct Reporter {
    address: SocketAddr,
    lines: Receiver<Vec<String>>,
}

impl Reporter {
    /// A reporter that listens.
    pub fn new() -> Self {
        let (address, arrivals) = listen();
        let (say, lines) = channel();
        thread::spawn(move || {
            // One after the other, as they came: a report is written at once and its connection closed. What is told shall be in the order of what happened.
            while let Ok(stream) = arrivals.recv() {
                for line in BufReader::new(stream).lines().map_while(Result::ok) {
                    if say.send(line.split('\t').map(str::to_owned).collect()).is_err() {
                        return;
                    }
                }
            }
        });
        Self { address, lines }
    }

    /// What a script needs to know: `report=ADDRESS`.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// The words of the next report, waited for.
    pub fn next(&self) -> Vec<String> {
        self.lines.recv_timeout(PATIENCE).expect("no program reported anything")
    }

    /// The next report that begins with `word`; others are passed over.
    pub fn next_of(&self, word: &str) -> Vec<String> {
        loop {
            let report = self.next();
            if report.first().is_some_and(|first| first == word) {
                return report;
            }
        }
    }

    /// The reports that have come and were not asked for.
    pub fn rest(&self) -> Vec<Vec<String>> {
        self.lines.try_iter().collect()
    }
}

impl Default for Reporter {
    fn default() -> Self {
        Self::new()
    }
}

/// The program's side of a [`Reporter`]: one report, in words without tabs and line ends.
pub fn report(address: &str, words: &[&str]) {
    let Ok(mut stream) = TcpStream::connect(address) else { return };
    // A test that is gone needs no report.
    let _ = stream.write_all(format!("{}\n", words.join("\t")).as_bytes());
}

/// Accepts connections until the receiver is gone and one more has come.
fn listen() -> (SocketAddr, Receiver<TcpStream>) {
    let listener = TcpListener::bind("127.0.0.1:0").expect("loopback is there");
    let address = listener.local_addr().expect("a bound socket has an address");
    let (arrive, arrivals) = channel();
    thread::spawn(move || {
        while let Ok((stream, _)) = listener.accept() {
            if arrive.send(stream).is_err() {
                return;
            }
        }
    });
    (address, arrivals)
}
