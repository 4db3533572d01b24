//! Which process a starting service gets: one of its own, or the one that it shares.

use svckit_core::lifecycle::Event;
use svckit_core::win32::Win32Error;
use svckit_os::process::Credentials;

use super::configure::{Account, account};
use super::process::{Instance, Phase};
use super::timers::Timer;
use super::{Effect, LaunchOrder, Scm};
use crate::error::Failure;

impl Scm {
    /// Gets a process for a service that may start now.
    pub(super) fn launch(&mut self, key: &str) {
        let Some(service) = self.services.get(key) else { return };
        let config = &service.record.config;
        let user = match self.user(config.account.as_deref()) {
            Ok(user) => user,
            Err(failure) => return self.fail_start(key, failure),
        };
        let shared =
            service.is_shared().then(|| format!("{}\n{}", user.as_deref().unwrap_or(""), config.image_path));
        let usable = |instance: &Instance| instance.shared == shared && !instance.closing;
        let existing =
            shared.as_ref().and_then(|_| self.instances.iter().find(|(_, instance)| usable(instance)));
        if let Some((id, instance)) = existing {
            let (id, connected, pid) = (id.clone(), instance.phase == Phase::Connected, instance.pid);
            self.attach(key, &id);
            if connected {
                self.hand_over(key, &id, pid);
            } else {
                self.limit_connection(&id);
                if pid != 0 {
                    self.apply(key, Event::Launched { pid });
                }
            }
            return;
        }
        let image = config.image_path.clone();
        let id = self.new_instance(shared);
        self.attach(key, &id);
        self.effect(Effect::Launch(LaunchOrder { instance: id, image, user }));
    }

    /// Makes the record of a process to be ordered, with a time limit for its connection.
    fn new_instance(&mut self, shared: Option<String>) -> String {
        let id = loop {
            self.instances_made += 1;
            let id = format!("{:016x}-{:x}", self.about.nonce, self.instances_made);
            // Only a predecessor with the same random number could have made it.
            if !self.instances.contains_key(&id) {
                break id;
            }
        };
        self.instances.insert(id.clone(), Instance::ordered(shared));
        self.limit_connection(&id);
        self.dirty.instances.insert(id.clone());
        id
    }

    /// Sets the time that a process has to connect, unless that is set.
    pub(super) fn limit_connection(&mut self, id: &str) {
        let Some(instance) = self.instances.get_mut(id) else { return };
        let at = self.now.tick + self.settings.start_timeout;
        instance.connect_timer.get_or_insert_with(|| self.timers.set(at, Timer::Connect(id.to_owned())));
    }

    fn attach(&mut self, key: &str, id: &str) {
        if let Some(instance) = self.instances.get_mut(id) {
            instance.services.insert(key.to_owned());
        }
        if let Some(service) = self.services.get_mut(key) {
            service.instance = Some(id.to_owned());
        }
        self.mark_dirty(key);
    }

    /// Tells a process to run a service.
    pub(super) fn hand_over(&mut self, key: &str, id: &str, pid: u32) {
        self.apply(key, Event::Connected { pid });
        self.tell_start(key, id);
    }

    /// Who a service's process runs as; `None` for our own user.
    fn user(&self, name: Option<&str>) -> Result<Option<String>, Failure> {
        let Account::User(user) = account(name) else { return Ok(None) };
        let refuse = |cause: String| Err(Failure::new(Win32Error::SERVICE_LOGON_FAILED, cause));
        match Credentials::of_user(user) {
            Ok(Some(found)) if found.is_current() => Ok(None),
            Ok(Some(_)) if self.about.may_switch_user => Ok(Some(user.to_owned())),
            Ok(Some(_)) => refuse(format!(
                "only a service control manager that runs as root can run a service as user {user:?}"
            )),
            Ok(None) => refuse(format!("this machine has no user {user:?}")),
            Err(error) => refuse(format!("the user {user:?} could not be looked up: {error}")),
        }
    }
}
