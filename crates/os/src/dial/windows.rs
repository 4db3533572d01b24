use std::io;
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::Duration;

use crate::event::{Bell, Interest, Source};

/// Longer than anybody waits for an attempt; the thread that makes it shall end some day.
const LIMIT: Duration = Duration::from_secs(30);

/// An attempt to connect, made by a thread: it is one at a time for a service, while that starts.
#[derive(Debug)]
pub struct Attempt {
    shared: Arc<Mutex<State>>,
}

#[derive(Debug, Default)]
struct State {
    bell: Option<Bell>,
    result: Option<io::Result<()>>,
}

impl Attempt {
    /// Begins to connect.
    pub fn begin(address: SocketAddr) -> io::Result<Self> {
        let shared = Arc::new(Mutex::new(State::default()));
        let told = Arc::clone(&shared);
        thread::Builder::new().name("dial".to_owned()).spawn(move || {
            let result = TcpStream::connect_timeout(&address, LIMIT).map(drop);
            let mut state = lock(&told);
            state.result = Some(result);
            if let Some(bell) = state.bell.take() {
                // A poller that is gone has nobody who waits.
                let _ = bell.writable();
            }
        })?;
        Ok(Self { shared })
    }

    /// How the attempt ended, when it has; `WouldBlock` as long as it has not.
    pub fn result(self) -> io::Result<()> {
        lock(&self.shared).result.take().unwrap_or_else(|| Err(io::ErrorKind::WouldBlock.into()))
    }
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
