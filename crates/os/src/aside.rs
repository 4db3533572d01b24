//! What the system does in its own time, done aside: nobody waits for it longer than was said.

use std::io;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::thread;
use std::time::Duration;

/// Does something on a thread of its own and waits for it, at most so long. `None`: it goes on until it ends, and nobody hears what came of it.
pub fn within<T: Send + 'static>(
    limit: Duration,
    what: impl FnOnce() -> T + Send + 'static,
) -> io::Result<Option<T>> {
    let (tell, told) = mpsc::sync_channel(1);
    thread::Builder::new().name("aside".to_owned()).spawn(move || {
        // Whoever asked may have given up.
        let _ = tell.send(what());
    })?;
    match told.recv_timeout(limit) {
        Ok(done) => Ok(Some(done)),
        Err(RecvTimeoutError::Timeout) => Ok(None),
        Err(RecvTimeoutError::Disconnected) => Err(io::Error::other("it ended without a word")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_done_in_time_is_told_and_what_is_not_is_left_behind() {
        assert_eq!(within(Duration::from_secs(60), || 3).unwrap(), Some(3));
        let (go_on, held) = mpsc::channel::<()>();
        let (ended, end) = mpsc::channel();
        let stuck = move || {
            let _ = held.recv();
            ended.send(()).unwrap();
        };
        assert_eq!(within(Duration::from_millis(10), stuck).unwrap(), None);
        drop(go_on);
        end.recv().unwrap();
    }
}
