//! Beginning: a new session, or taking over what an earlier service control manager left.

use std::time::Duration;

use svckit_core::lifecycle::{Active, Lifecycle};
use svckit_core::status::ServiceState;

use super::process::Instance;
use super::timers::Timer;
use super::{Effect, Scm};
use crate::error::ServeError;
use crate::store::{Run, Session};

/// How long the processes of the predecessor have to tell how they are, before what was recorded is taken for true.
const GREETING: Duration = Duration::from_secs(5);

impl Scm {
    /// Begins: takes over the session that is under way, or starts a new one. `identity` is that of the machine's life.
    pub(crate) fn begin(&mut self, identity: &str) -> Result<(), ServeError> {
        match self.run.session()? {
            Some(session) if session.identity == identity && !session.clean_stop => {
                self.session = session;
                self.take_over()?;
            }
            _ => self.begin_session(identity)?,
        }
        for key in self.services.keys().cloned().collect::<Vec<_>>() {
            self.remove_if_over(&key);
        }
        for key in self.services.keys().cloned().collect::<Vec<_>>() {
            self.update_door(&key);
        }
        self.start_automatic();
        Ok(())
    }

    fn begin_session(&mut self, identity: &str) -> Result<(), ServeError> {
        self.session = Session {
            identity: identity.to_owned(),
            started: self.now.wall,
            clean_stop: false,
            automatic_done: false,
            delayed_done: false,
            boot_accepted: false,
        };
        self.run.begin_session(&self.session)
    }

    fn take_over(&mut self) -> Result<(), ServeError> {
        for (id, row) in self.run.instances()? {
            self.instances.insert(id, Instance::taken_over(row));
        }
        for (key, run) in self.run.runs()? {
            if self.services.contains_key(&key) {
                self.take_over_service(&key, run);
            } else {
                // Its record is gone; so goes what is left of it here.
                self.mark_dirty(&key);
            }
        }
        for instance in self.instances.values_mut() {
            // What has no service is about to end; nothing new goes there.
            instance.closing = instance.services.is_empty();
        }
        tracing::info!("taking over {} processes", self.instances.len());
        for id in self.instances.keys().cloned().collect::<Vec<_>>() {
            self.limit_connection(&id);
            self.effect(Effect::Reconnect { instance: id });
        }
        self.taking_over = Some(self.timers.set(self.now.tick + GREETING, Timer::TakeOver));
        Ok(())
    }

    /// Whether a process of the predecessor has yet to tell how it is: what was recorded of it may be over.
    pub(crate) fn is_taking_over(&self) -> bool {
        self.taking_over.is_some()
    }

    /// Ends the taking over when every process has told how it is, or is gone.
    pub(super) fn end_take_over(&mut self) {
        if self.taking_over.is_some() && !self.instances.values().any(Instance::is_unheard) {
            let limit = self.taking_over.take();
            self.timers.cancel(limit);
        }
    }

    fn take_over_service(&mut self, key: &str, run: Run) {
        let now = self.now.tick;
        let instance = run.instance.filter(|id| self.instances.contains_key(id));
        let Some(service) = self.services.get_mut(key) else { return };
        service.attempted = run.attempted;
        service.count = run.count;
        service.due = run.due;
        service.start_error = run.start_error;
        service.life = Lifecycle::Stopped { exit: run.exit };
        if let (Some(id), Some(status)) = (instance, run.status) {
            let launching = status.state == ServiceState::START_PENDING && status.pid == 0;
            let active = Active::taken_over(status.pid, &status, now).filter(|_| !launching);
            let pid = self.instances.get(&id).map_or(0, |instance| instance.pid);
            service.life = active.map_or(Lifecycle::Launching { pid }, Lifecycle::Active);
            service.arguments = run.arguments;
            if let Some(program) = run.program {
                // Until the host tells more, this is how what is left of it would be found.
                let host = service.host.get_or_insert_default();
                host.child_pid = Some(program);
            }
            service.instance = Some(id.clone());
            if let Some(instance) = self.instances.get_mut(&id) {
                instance.services.insert(key.to_owned());
            }
        }
        if let Some(at) = service.life.hangs_at(self.settings.start_timeout)
            && service.state() == ServiceState::START_PENDING
        {
            service.hang_timer = Some(self.timers.set(at, Timer::Hang(key.to_owned())));
        }
        self.resume_failure_action(key);
    }
}
