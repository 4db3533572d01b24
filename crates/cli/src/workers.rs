//! Threads with a connection each, for what is done at the same time. They are made when they are needed. Those that have nothing to do end before the process
//! does: Wine's stays for ever if a thread is ended with it in the middle of its own end. Others go with the process.

use std::io;
use std::sync::Arc;
use std::sync::mpsc::{Sender, channel};
use std::thread::{self, JoinHandle};

use svckit_core::Result;
use svckit_manager::entity::ServiceManager;

use crate::app::Connect;

/// What a worker does. It is given the services, or why there is no connection.
pub(crate) type Job = Box<dyn FnOnce(Result<ServiceManager>) + Send>;

/// Who has nothing to do.
pub(crate) struct Workers {
    connect: Connect,
    idle: Vec<Worker>,
}

/// A thread that waits for what it is to do.
pub(crate) struct Worker {
    jobs: Sender<Job>,
    thread: JoinHandle<()>,
}

impl Workers {
    pub(crate) fn new(connect: Connect) -> Self {
        Self { connect, idle: Vec::new() }
    }

    /// Has somebody do it. Whoever it is has to be given back when it is done.
    pub(crate) fn begin(&mut self, job: Job) -> io::Result<Worker> {
        let worker = match self.idle.pop() {
            Some(worker) => worker,
            None => Worker::new(Arc::clone(&self.connect))?,
        };
        worker.jobs.send(job).map_err(|_| io::Error::other("a thread has ended"))?;
        Ok(worker)
    }

    /// Takes one back that has nothing to do any more.
    pub(crate) fn give_back(&mut self, worker: Worker) {
        self.idle.push(worker);
    }
}

impl Drop for Workers {
    fn drop(&mut self) {
        for Worker { jobs, thread } in self.idle.drain(..) {
            drop(jobs);
            // One that has panicked has told so.
            let _ = thread.join();
        }
    }
}

impl Worker {
    fn new(connect: Connect) -> io::Result<Self> {
        let (sender, jobs) = channel::<Job>();
        let thread = thread::Builder::new().name("worker".to_owned()).spawn(move || {
            let mut services: Option<ServiceManager> = None;
            for job in jobs {
                let connected = match &services {
                    Some(services) => Ok(services.clone()),
                    None => connect().map(ServiceManager::over),
                };
                services = connected.as_ref().ok().cloned();
                job(connected);
            }
        })?;
        Ok(Self { jobs: sender, thread })
    }
}
