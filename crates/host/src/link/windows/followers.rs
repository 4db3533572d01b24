//! Those who follow logs. The system tells of what is written to an open file when it has reached the disk, which may be much later; so the host tells them, by a
//! byte through a pipe whenever there may be something new.

use svckit_core::record::output_pipe;
use svckit_os::event::{Interest, Poller};
use svckit_os::named_pipe::Notices;
use svckit_os::security;

/// The system and administrators, who may read logs, and the account of this process. (The first number is what clients need, without the right to be the
/// server.)
const RIGHTS: &str = "D:P(A;;0x12019b;;;BA)(A;;FA;;;SY)(A;;FA;;;OW)";

/// Takes the connections of followers. Without a pipe they are told late, by the system.
#[derive(Debug)]
pub(super) struct Followers {
    notices: Option<Notices>,
}

impl Followers {
    pub(super) fn new(poller: &Poller, token: u64) -> Self {
        // What makes a place for the next follower, too.
        let own = security::own_entries("", "FA");
        let notices = own
            .and_then(|own| Notices::bind(&output_pipe(std::process::id()), &format!("{RIGHTS}{own}")))
            .ok();
        Self { notices: notices.filter(|notices| poller.add(notices, token, Interest::Read).is_ok()) }
    }

    /// There may be something new.
    pub(super) fn tell(&mut self) {
        self.notices.iter_mut().for_each(Notices::tell);
    }

    /// Somebody came or went.
    pub(super) fn ready(&mut self) {
        self.notices.iter_mut().for_each(Notices::ready);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use svckit_os::named_pipe::Listener;

    #[test]
    fn a_follower_hears_of_news_and_of_the_end() {
        let poller = Poller::new().unwrap();
        let mut followers = Followers::new(&poller, 1);
        let mut client = Listener::connect(&output_pipe(std::process::id())).unwrap();
        let mut ready = Vec::new();
        while followers.notices.as_ref().unwrap().is_empty() {
            poller.wait(&mut ready, None).unwrap();
            followers.ready();
        }
        // At once: something may have been new before.
        assert!(client.wait(None).unwrap());
        followers.tell();
        assert!(client.wait(None).unwrap());
        drop(followers);
        assert!(!client.wait(None).unwrap());
        assert!(Listener::connect(&output_pipe(std::process::id())).is_err());
    }
}
