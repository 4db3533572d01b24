//! Hearing of the ends of processes.
//!
//! The system's pool of threads would do that too, but its threads wake up now and then though nothing happened.

use std::collections::VecDeque;
use std::io;
use std::os::windows::io::{AsRawHandle, OwnedHandle, RawHandle};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::{self, JoinHandle};

use windows_sys::Win32::System::Threading::{INFINITE, SetEvent, WaitForMultipleObjects};

use crate::event::Bell;
use crate::overlapped::new_event;

/// So many handles can be waited for at once, besides the one that wakes.
const MOST: usize = 63;

/// A thread that waits needs next to nothing.
const STACK: usize = 64 << 10;

/// Who waits for the ends of processes: a thread for every [`MOST`] of them.
#[derive(Debug)]
pub(super) struct Ends {
    heard: Arc<Heard>,
    waiters: Vec<Waiter>,
}

/// The processes whose end was seen, in order.
#[derive(Debug)]
struct Heard {
    bell: Bell,
    pids: Mutex<VecDeque<u32>>,
}

impl Ends {
    /// `bell` is rung when [`Ends::next`] has something to tell.
    pub(super) fn new(bell: Bell) -> Self {
        Self { heard: Arc::new(Heard { bell, pids: Mutex::default() }), waiters: Vec::new() }
    }

    /// The next process that ended.
    pub(super) fn next(&self) -> Option<u32> {
        lock(&self.heard.pids).pop_front()
    }

    /// Tells of the end of this process, once.
    pub(super) fn add(&mut self, pid: u32, process: Arc<OwnedHandle>) -> io::Result<()> {
        let waited = Waited { pid, process };
        let Some(waited) = self.waiters.iter().try_fold(waited, |waited, waiter| waiter.take(waited).err())
        else {
            return Ok(());
        };
        let waiter = Waiter::new(&self.heard)?;
        // It is new, so it has room.
        let _ = waiter.take(waited);
        self.waiters.push(waiter);
        Ok(())
    }
}

#[derive(Debug)]
struct Waited {
    pid: u32,
    process: Arc<OwnedHandle>,
}

/// A thread that waits.
#[derive(Debug)]
struct Waiter {
    shared: Arc<Shared>,
    thread: Option<JoinHandle<()>>,
}

#[derive(Debug)]
struct Shared {
    /// Set when there is something new for the thread; the system resets it when the thread has seen that.
    wake: OwnedHandle,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    new: Vec<Waited>,
    /// How many are waited for, the new ones too.
    count: usize,
    stop: bool,
}

impl Waiter {
    fn new(heard: &Arc<Heard>) -> io::Result<Self> {
        let wake = new_event(false)?;
        let shared = Arc::new(Shared { wake, state: Mutex::default() });
        let (heard, theirs) = (Arc::clone(heard), Arc::clone(&shared));
        let thread = thread::Builder::new().name("ends".to_owned()).stack_size(STACK);
        let thread = thread.spawn(move || theirs.wait(&heard))?;
        Ok(Self { shared, thread: Some(thread) })
    }

    /// Takes one more, or gives it back if there is no room.
    fn take(&self, waited: Waited) -> Result<(), Waited> {
        let mut state = lock(&self.shared.state);
        if state.count == MOST {
            return Err(waited);
        }
        state.count += 1;
        state.new.push(waited);
        drop(state);
        self.shared.wake();
        Ok(())
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        lock(&self.shared.state).stop = true;
        self.shared.wake();
        if let Some(thread) = self.thread.take() {
            // One that panicked has ended too.
            let _ = thread.join();
        }
    }
}

impl Shared {
    fn wake(&self) {
        // SAFETY: the event is open as long as this lives.
        unsafe { SetEvent(self.wake.as_raw_handle()) };
    }

    /// Waits until it is told to stop.
    fn wait(&self, heard: &Heard) {
        let mut all: Vec<Waited> = Vec::new();
        loop {
            let handles: Vec<RawHandle> = std::iter::once(self.wake.as_raw_handle())
                .chain(all.iter().map(|waited| waited.process.as_raw_handle()))
                .collect();
            let count = u32::try_from(handles.len()).unwrap_or(1);
            // SAFETY: there are so many handles, not more than the system takes, and all are open during the call.
            let first = unsafe { WaitForMultipleObjects(count, handles.as_ptr(), 0, INFINITE) };
            match usize::try_from(first) {
                Ok(0) => {
                    let mut state = lock(&self.state);
                    if state.stop {
                        return;
                    }
                    all.append(&mut state.new);
                }
                Ok(number) if number <= all.len() => {
                    let ended = all.remove(number - 1);
                    lock(&self.state).count -= 1;
                    lock(&heard.pids).push_back(ended.pid);
                    // A poller that is gone has nobody who waits.
                    let _ = heard.bell.readable();
                }
                // The handles are open and can be waited for, so the system has no reason to refuse.
                _ => return,
            }
        }
    }
}

/// A thread that panicked with it in hand left it whole.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::event::Poller;
    use std::collections::BTreeSet;

    /// Events stand for processes: they can be waited for too.
    fn event() -> Arc<OwnedHandle> {
        Arc::new(new_event(true).unwrap())
    }

    #[test]
    fn every_end_is_told_once_however_many_there_are() {
        let poller = Poller::new().unwrap();
        let mut ends = Ends::new(poller.bell(5));
        let all: Vec<_> = (0..150).map(|pid| (pid, event())).collect();
        for (pid, process) in &all {
            ends.add(*pid, Arc::clone(process)).unwrap();
        }
        assert_eq!(ends.waiters.len(), 3);
        let mut told = BTreeSet::new();
        let mut ready = Vec::new();
        for (pid, process) in all.iter().rev() {
            // SAFETY: the event is open.
            unsafe { SetEvent(process.as_raw_handle()) };
            while !told.contains(pid) {
                match ends.next() {
                    Some(ended) => assert!(told.insert(ended), "{ended} ended twice"),
                    None => poller.wait(&mut ready, None).unwrap(),
                }
            }
        }
        assert_eq!(told.len(), all.len());
        // There is room again.
        ends.add(1000, event()).unwrap();
        assert_eq!(ends.waiters.len(), 3);
    }
}
