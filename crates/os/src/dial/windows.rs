use std::io::{self, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use super::{LONGEST_ANSWER, PIECE, resolve};
use crate::clock;
use crate::event::{Bell, Interest, Poller, Source};

/// An attempt to connect, and to be answered if there is a question, made by a thread that ends with it: it is one at a time for a service.
#[derive(Debug)]
pub struct Attempt {
    shared: Arc<Mutex<State>>,
    answer: Vec<u8>,
}

#[derive(Debug, Default)]
struct State {
    bell: Option<Bell>,
    result: Option<io::Result<Vec<u8>>>,
}

impl Attempt {
    /// Begins to connect to one of the addresses of `HOST:PORT`; then the question is asked, if it is not empty. Longer than about the limit it doesn't take, but
    /// for the time in which the system looks the name up.
    pub fn begin(
        poller: &Poller,
        token: u64,
        (name, turn): (&str, usize),
        question: Vec<u8>,
        limit: Duration,
    ) -> io::Result<Self> {
        let attempt = Self { shared: Arc::default(), answer: Vec::new() };
        poller.add(&attempt, token, Interest::Write)?;
        let (told, name) = (Arc::clone(&attempt.shared), name.to_owned());
        thread::Builder::new().name("dial".to_owned()).spawn(move || {
            let limit = limit.max(Duration::from_millis(1));
            let result = resolve(&name, turn).and_then(|address| ask(address, &question, limit));
            let mut state = lock(&told);
            state.result = Some(result);
            if let Some(bell) = state.bell.take() {
                // A poller that is gone has nobody who waits.
                let _ = bell.writable();
            }
        })?;
        Ok(attempt)
    }

    /// Goes on when its poller brought its number; whether it is over: connected, or answered.
    pub fn go_on(&mut self, _: &Poller, _: u64) -> io::Result<bool> {
        match lock(&self.shared).result.take() {
            Some(result) => {
                self.answer = result?;
                Ok(true)
            }
            None => Ok(false),
        }
    }

    /// What was answered.
    pub fn answer(&self) -> &[u8] {
        &self.answer
    }
}

/// The answer to a question; an empty one is not asked.
fn ask(address: SocketAddr, question: &[u8], limit: Duration) -> io::Result<Vec<u8>> {
    let until = clock::now().tick + limit;
    let mut stream = TcpStream::connect_timeout(&address, limit)?;
    let mut answer = Vec::new();
    if question.is_empty() {
        return Ok(answer);
    }
    stream.write_all(question)?;
    let mut piece = [0; PIECE];
    while answer.len() < LONGEST_ANSWER {
        let left = until.since(clock::now().tick);
        if left.is_zero() {
            break;
        }
        stream.set_read_timeout(Some(left))?;
        match stream.read(&mut piece) {
            Ok(0) => break,
            Ok(count) => answer.extend(piece.get(..count).unwrap_or_default()),
            // Who answered and went away, or left it at that, has answered.
            Err(_) if !answer.is_empty() => break,
            Err(error) => return Err(error),
        }
    }
    Ok(answer)
}

impl Source for Attempt {
    fn attach(&self, bell: &Bell, _: Interest) -> io::Result<()> {
        let mut state = lock(&self.shared);
        if state.result.is_some() {
            return bell.writable();
        }
        state.bell = Some(bell.clone());
        Ok(())
    }
}

/// A thread that panicked with the state in hand left it whole: every change is one assignment.
fn lock(shared: &Mutex<State>) -> MutexGuard<'_, State> {
    shared.lock().unwrap_or_else(PoisonError::into_inner)
}
