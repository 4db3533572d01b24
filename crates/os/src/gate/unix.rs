use std::io;
use std::os::fd::OwnedFd;
use std::sync::Arc;

use rustix::event::{EventfdFlags, epoll, eventfd};
use rustix::io::{read, write};

use crate::event::Poller;

/// Lets a few processes in at a time. Clones, also those of processes that were forked, are the same gate.
#[derive(Debug, Clone)]
pub struct Gate {
    /// How many may still enter.
    places: Arc<OwnedFd>,
    most: u32,
}

impl Gate {
    /// One for so many at a time.
    pub fn new(most: usize) -> io::Result<Self> {
        let most = u32::try_from(most).unwrap_or(u32::MAX);
        let flags = EventfdFlags::CLOEXEC | EventfdFlags::NONBLOCK | EventfdFlags::SEMAPHORE;
        Ok(Self { places: Arc::new(eventfd(most, flags)?), most })
    }

    /// Enters if there is a place; [`Gate::leave`] gives it back.
    pub fn enter(&self) -> bool {
        read(&self.places, &mut [0; 8]).is_ok()
    }

    /// Gives a place back; one of those who wait is told.
    pub fn leave(&self) {
        self.give(1);
    }

    /// Gives a place back for a process that has ended, and may have had one. If it had none while others are in, there is one too many for as long as they are; after this there
    /// are never more free than at the beginning, so the next mend that finds nobody in sets it right.
    pub fn mend(&self) {
        let mut free = 1;
        while self.enter() {
            free += 1;
        }
        self.give(free.min(self.most));
    }

    /// From now on `poller` brings `token` when there is a place, for one of those who wait at a time.
    pub fn wait(&self, poller: &Poller, token: u64) -> io::Result<()> {
        let flags = epoll::EventFlags::IN | epoll::EventFlags::EXCLUSIVE;
        Ok(epoll::add(poller, &self.places, epoll::EventData::new_u64(token), flags)?)
    }

    /// It does so no more.
    pub fn stop_waiting(&self, poller: &Poller) {
        // It may not have begun.
        let _ = epoll::delete(poller, &self.places);
    }

    fn give(&self, places: u32) {
        // It would have to be full with 2^64 places to refuse.
        let _ = write(&self.places, &u64::from(places).to_ne_bytes());
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Ready;
    use std::time::Duration;

    const TOKEN: u64 = 5;

    fn brought(poller: &Poller) -> Vec<u64> {
        let mut ready: Vec<Ready> = Vec::new();
        poller.wait(&mut ready, Some(Duration::ZERO)).unwrap();
        ready.into_iter().map(|ready| ready.token).collect()
    }

    #[test]
    fn so_many_enter_and_who_waits_is_told_when_one_leaves() {
        let gate = Gate::new(2).unwrap();
        let same = gate.clone();
        assert!(gate.enter() && same.enter() && !gate.enter());
        let poller = Poller::new().unwrap();
        gate.wait(&poller, TOKEN).unwrap();
        assert_eq!(brought(&poller), []);
        same.leave();
        assert_eq!(brought(&poller), [TOKEN]);
        assert!(gate.enter());
        assert_eq!(brought(&poller), [], "somebody else was quicker");
        gate.stop_waiting(&poller);
        gate.leave();
        assert_eq!(brought(&poller), []);
    }

    #[test]
    fn one_who_waits_is_woken_by_a_place_and_not_all() {
        let gate = Gate::new(1).unwrap();
        assert!(gate.enter());
        let pollers: Vec<Poller> = (0..3).map(|_| Poller::new().unwrap()).collect();
        pollers.iter().for_each(|poller| gate.wait(poller, TOKEN).unwrap());
        let (say, said) = std::sync::mpsc::channel();
        let waiting: Vec<_> = pollers
            .into_iter()
            .map(|poller| {
                let (gate, say) = (gate.clone(), say.clone());
                std::thread::spawn(move || {
                    let mut ready = Vec::new();
                    while !gate.enter() {
                        poller.wait(&mut ready, None).unwrap();
                    }
                    gate.stop_waiting(&poller);
                    say.send(()).unwrap();
                })
            })
            .collect();
        for _ in &waiting {
            gate.leave();
            said.recv().unwrap();
            assert!(said.try_recv().is_err() && !gate.enter(), "there was one place");
        }
        waiting.into_iter().for_each(|thread| thread.join().unwrap());
    }

    #[test]
    fn a_place_that_was_lost_is_mended_and_one_that_was_not_adds_none() {
        let gate = Gate::new(2).unwrap();
        gate.mend();
        assert!(gate.enter() && gate.enter() && !gate.enter());
        gate.mend();
        assert!(gate.enter() && !gate.enter());
    }

    #[test]
    fn a_place_too_many_is_gone_with_the_next_mend_when_nobody_is_in() {
        let gate = Gate::new(2).unwrap();
        assert!(gate.enter());
        gate.mend();
        assert!(gate.enter() && gate.enter() && !gate.enter(), "one more than two");
        (0..3).for_each(|_| gate.leave());
        gate.mend();
        assert!(gate.enter() && gate.enter() && !gate.enter());
    }
}
