//! Those who follow logs. The system tells of what is written to an open file when it has reached the disk, which may be much later; so the host tells them, by a
//! byte through a pipe whenever there may be something new.

use std::io::Write;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use svckit_core::record::output_pipe;
use svckit_os::named_pipe::{Connection, Listener};

/// The system and administrators, who may read logs, and the account of this process. (The first number is what clients need, without the right to be the
/// server.)
const RIGHTS: &str = "D:P(A;;0x12019b;;;BA)(A;;FA;;;SY)(A;;FA;;;OW)";

/// Takes the connections of followers. Without a pipe they are told late, by the system.
#[derive(Debug)]
pub(super) struct Followers {
    news: Arc<News>,
    /// Who takes connections, if that could be begun.
    server: Option<(Arc<Listener>, JoinHandle<()>)>,
}

#[derive(Debug, Default)]
struct News {
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Debug, Default, Clone, Copy)]
struct State {
    /// How often there was something new.
    count: u64,
    closed: bool,
}

impl News {
    /// A thread that panicked with it left it whole: every change is one assignment.
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Followers {
    pub(super) fn new() -> Self {
        let news = Arc::new(News::default());
        let listener = Listener::bind(&output_pipe(std::process::id()), RIGHTS).ok().map(Arc::new);
        let server = listener.and_then(|listener| {
            let (taken, told) = (Arc::clone(&listener), Arc::clone(&news));
            let thread = thread::Builder::new().name("followers".to_owned());
            Some((listener, thread.spawn(move || serve(&taken, &told)).ok()?))
        });
        Self { news, server }
    }

    /// There may be something new.
    pub(super) fn tell(&self) {
        self.news.state().count += 1;
        self.news.changed.notify_all();
    }
}

impl Drop for Followers {
    fn drop(&mut self) {
        self.news.state().closed = true;
        self.news.changed.notify_all();
        if let Some((listener, thread)) = self.server.take() {
            listener.close();
            // One that panicked has ended too.
            let _ = thread.join();
        }
    }
}

fn serve(listener: &Listener, news: &Arc<News>) {
    while let Ok(follower) = listener.accept() {
        let news = Arc::clone(news);
        // Each has a thread, so that one who doesn't read holds up nobody. One who gets none sees the end and comes again.
        let _ = thread::Builder::new().name("follower".to_owned()).spawn(move || follow(follower, &news));
    }
}

fn follow(mut follower: Connection, news: &News) {
    let mut seen = news.state().count;
    // What was new before this begins may have been missed.
    while follower.write_all(&[0]).is_ok() {
        let nothing_new = |state: &mut State| state.count == seen && !state.closed;
        let state =
            news.changed.wait_while(news.state(), nothing_new).unwrap_or_else(PoisonError::into_inner);
        if state.closed {
            return;
        }
        seen = state.count;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Read;
    use svckit_os::named_pipe::connect;

    #[test]
    fn a_follower_hears_of_news_and_of_the_end() {
        let followers = Followers::new();
        let mut one = connect(&output_pipe(std::process::id())).unwrap();
        let mut other = connect(&output_pipe(std::process::id())).unwrap();
        let mut bytes = [9];
        // At once: something may have been new before.
        assert_eq!((one.read(&mut bytes).unwrap(), other.read(&mut bytes).unwrap()), (1, 1));
        for _ in 0..3 {
            followers.tell();
            assert_eq!((one.read(&mut bytes).unwrap(), bytes), (1, [0]));
        }
        drop(followers);
        while one.read(&mut bytes).unwrap() > 0 {}
        while other.read(&mut bytes).unwrap() > 0 {}
        assert!(connect(&output_pipe(std::process::id())).is_err());
    }
}
