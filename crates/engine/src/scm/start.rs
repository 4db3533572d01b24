//! Starting services: what they depend on first, side by side where it doesn't depend on each other.

use svckit_core::access::ServiceAccess;
use svckit_core::kind::{ServiceType, StartType};
use svckit_core::lifecycle::{Action, Event, Lifecycle};
use svckit_core::native::{EventId, Level};
use svckit_core::order::{Need, Readiness, Standing, readiness};
use svckit_core::status::{NotifyMask, ServiceState};
use svckit_core::win32::Win32Error;

use super::timers::Timer;
use super::{ConnectionId, Effect, HandleId, Reply, Scm, Service};
use crate::error::Failure;
use svckit_core::dispatch::ToProcess;

impl Scm {
    /// Starts a service; answered when its process has connected or the start has failed ([MS-SCMR] 3.1.4.19).
    pub(crate) fn start(
        &mut self,
        connection: ConnectionId,
        id: HandleId,
        arguments: Vec<String>,
        reply: Reply<()>,
    ) {
        let checked = self.check_service(connection, id, ServiceAccess::START);
        match checked.and_then(|key| self.accept_start(&key, arguments).map(|()| key)) {
            Ok(key) => {
                if let Some(service) = self.services.get_mut(&key) {
                    service.starters.push(reply);
                }
                self.advance(&key);
            }
            Err(failure) => self.answer(reply, Err(failure)),
        }
    }

    /// Starts a service that nobody waits for.
    pub(super) fn start_unasked(&mut self, key: &str) -> Result<(), Failure> {
        self.accept_start(key, Vec::new())?;
        self.advance(key);
        Ok(())
    }

    /// Accepts the start of a service and of everything that it needs and that is not under way. After this, [`Self::advance`].
    fn accept_start(&mut self, key: &str, arguments: Vec<String>) -> Result<(), Failure> {
        self.check_start(key)?;
        self.accept_one(key, arguments);
        let mut open = self.down_needs(key);
        let mut accepted = Vec::new();
        while let Some(next) = open.pop() {
            match self.check_start(&next) {
                Ok(()) => {
                    self.accept_one(&next, Vec::new());
                    open.extend(self.down_needs(&next));
                    accepted.push(next);
                }
                Err(failure) if failure.code == Win32Error::SERVICE_ALREADY_RUNNING => {}
                Err(failure) => self.report_failed_start(&next, &failure),
            }
        }
        for next in accepted {
            self.advance(&next);
        }
        Ok(())
    }

    fn check_start(&self, key: &str) -> Result<(), Failure> {
        self.refuse_while_stopping()?;
        let service = self.service(key)?;
        let config = &service.record.config;
        if service.record.delete_pending {
            return Err(Win32Error::SERVICE_MARKED_FOR_DELETE.into());
        }
        if config.start_type == StartType::DISABLED {
            return Err(Win32Error::SERVICE_DISABLED.into());
        }
        if !service.life.is_at_rest() {
            return Err(Win32Error::SERVICE_ALREADY_RUNNING.into());
        }
        if config.service_type.intersects(ServiceType::DRIVER) {
            return Err(Failure::new(Win32Error::BAD_EXE_FORMAT, "there is nothing to load a driver into"));
        }
        let name = service.name();
        if let Err(cycle) = self.order.check(name) {
            return Err(Failure::new(Win32Error::CIRCULAR_DEPENDENCY, cycle.to_string()));
        }
        let deleted = |need: &Need| match need {
            Need::Missing(name) => Some(name.clone()),
            Need::Service(name) => self
                .services
                .get(&name.folded())
                .filter(|s| s.record.delete_pending)
                .map(|s| s.name().clone()),
            Need::Group(..) => None,
        };
        if let Some(missing) = self.order.needs(name).iter().find_map(deleted) {
            let cause = format!(
                "it depends on {:?}, which does not exist or is marked for deletion",
                missing.as_str()
            );
            return Err(Failure::new(Win32Error::SERVICE_DEPENDENCY_DELETED, cause));
        }
        Ok(())
    }

    fn accept_one(&mut self, key: &str, arguments: Vec<String>) {
        if let Some(service) = self.services.get_mut(key) {
            service.arguments = arguments;
            service.due = None;
            service.hung = false;
            self.timers.cancel(service.due_timer.take());
        }
        self.apply(key, Event::StartAccepted);
    }

    /// The services that this one needs and that are neither running nor on their way.
    fn down_needs(&self, key: &str) -> Vec<String> {
        let Ok(service) = self.service(key) else { return Vec::new() };
        let needs = self.order.needs(service.name()).into_iter().flat_map(|need| match need {
            Need::Service(name) => vec![name],
            Need::Group(_, members) => members,
            Need::Missing(_) => Vec::new(),
        });
        needs
            .map(|name| name.folded())
            .filter(|key| self.services.get(key).is_some_and(|s| s.life.is_at_rest()))
            .collect()
    }

    /// Goes on with a start that waits for what it depends on.
    pub(super) fn advance(&mut self, key: &str) {
        let Some(service) = self.services.get(key) else { return };
        if !matches!(service.life, Lifecycle::Waiting { .. }) {
            return;
        }
        let needs = self.order.needs(service.name());
        let standing = |name: &svckit_core::name::ServiceName| {
            self.services.get(&name.folded()).map_or(Standing::Down, Service::standing)
        };
        match readiness(&needs, standing) {
            Readiness::Wait => {}
            Readiness::Ready => {
                self.set_attempted(key);
                self.apply(key, Event::DependenciesReady);
            }
            Readiness::Failed(need) => self.dependency_failed(key, &need),
        }
    }

    fn dependency_failed(&mut self, key: &str, need: &Need) {
        let (code, cause) = match need {
            Need::Missing(name) => (
                Win32Error::SERVICE_DEPENDENCY_DELETED,
                format!("it depends on {:?}, which does not exist", name.as_str()),
            ),
            Need::Service(name) => {
                (Win32Error::SERVICE_DEPENDENCY_FAIL, format!("dependency {:?} failed", name.as_str()))
            }
            Need::Group(group, _) => (
                Win32Error::SERVICE_DEPENDENCY_FAIL,
                format!("no service of the group {:?} that it depends on runs", group.as_str()),
            ),
        };
        let Some(name) = self.services.get(key).map(|service| service.name().clone()) else { return };
        let text = format!("service {:?} was not started: {cause}", name.as_str());
        self.record_event(Some(&name), EventId::DEPENDENCY_FAILED, Level::Error, text);
        self.set_attempted(key);
        self.fail_start(key, Failure::new(code, cause));
    }

    /// Ends a start that can't go on.
    pub(super) fn fail_start(&mut self, key: &str, failure: Failure) {
        let code = failure.code;
        if let Some(service) = self.services.get_mut(key) {
            service.start_error = Some(failure.words());
        }
        self.detach(key);
        self.apply(key, Event::StartFailed(code));
    }

    fn set_attempted(&mut self, key: &str) {
        if let Some(service) = self.services.get_mut(key) {
            service.attempted = true;
        }
        self.mark_dirty(key);
    }

    /// Records that a service which nobody waits for could not be started.
    pub(super) fn report_failed_start(&mut self, key: &str, failure: &Failure) {
        let Some(service) = self.services.get_mut(key) else { return };
        service.start_error = Some(failure.words());
        service.attempted = true;
        let name = service.name().clone();
        self.mark_dirty(key);
        let text = format!(
            "service {:?} was not started: {} ({})",
            name.as_str(),
            failure.words(),
            failure.code.numbered()
        );
        self.record_event(Some(&name), EventId::START_FAILED, Level::Error, text);
    }

    /// Goes on with the starts that wait for this service.
    pub(super) fn wake_dependents(&mut self, key: &str) {
        let Some(service) = self.services.get(key) else { return };
        for name in self.order.direct_dependents(&service.name().clone()) {
            self.advance(&name.folded());
        }
    }

    /// Goes on with all starts that wait: what they wait for may be something else now.
    pub(super) fn reconsider_starts(&mut self) {
        let waiting = |service: &Service| matches!(service.life, Lifecycle::Waiting { .. });
        let services = self.services.iter().filter(|(_, service)| waiting(service));
        for key in services.map(|(key, _)| key.clone()).collect::<Vec<_>>() {
            self.advance(&key);
        }
    }

    /// Lets an event happen to a service and does what follows.
    pub(super) fn apply(&mut self, key: &str, event: Event) {
        let Some(service) = self.services.get_mut(key) else { return };
        let actions = match service.life.handle(event, self.now.tick) {
            Ok(actions) => actions,
            Err(refused) => {
                tracing::warn!("service {:?}: passed over {event:?}: {refused}", service.name().as_str());
                return;
            }
        };
        self.mark_dirty(key);
        for action in actions {
            match action {
                Action::Launch => self.launch(key),
                Action::Announce(state) => self.announce(key, state),
                Action::AnswerStart(result) => self.answer_start(key, result),
                Action::Release => self.release(key),
                Action::Ended(end) => self.ended(key, end),
            }
        }
        self.watch_progress(key);
        self.watch_stop(key);
        self.touched.push(key.to_owned());
        self.remove_if_over(key);
    }

    fn announce(&mut self, key: &str, state: ServiceState) {
        let Some(service) = self.services.get_mut(key) else { return };
        service.changes += 1;
        if state == ServiceState::RUNNING {
            service.start_error = None;
        }
        let name = service.name().clone();
        if matches!(state, ServiceState::RUNNING | ServiceState::STOPPED | ServiceState::PAUSED) {
            let text = format!("service {:?} entered the {state} state", name.as_str());
            self.record_event(Some(&name), EventId::STATE, Level::Information, text);
        }
        self.notify_service(key, NotifyMask::of(state));
    }

    fn answer_start(&mut self, key: &str, result: Result<(), Win32Error>) {
        let Some(service) = self.services.get_mut(key) else { return };
        let starters = std::mem::take(&mut service.starters);
        let name = service.name().clone();
        let failure = result.err().map(|code| Failure { code, cause: service.start_error.clone() });
        if let Some(failure) = &failure {
            let dependency = [Win32Error::SERVICE_DEPENDENCY_FAIL, Win32Error::SERVICE_DEPENDENCY_DELETED]
                .contains(&failure.code);
            if !dependency {
                let (words, code) = (failure.words(), failure.code.numbered());
                let text = format!("service {:?} was not started: {words} ({code})", name.as_str());
                self.record_event(Some(&name), EventId::START_FAILED, Level::Error, text);
            }
        }
        for starter in starters {
            let result = failure.clone().map_or(Ok(()), Err);
            self.answer(starter, result);
        }
    }

    /// Lets the process forget a service that has stopped.
    fn release(&mut self, key: &str) {
        let Some(service) = self.services.get(key) else { return };
        let name = service.name().clone();
        if let Some(instance) = service.instance.clone() {
            self.effect(Effect::Tell { instance, message: ToProcess::Release { service: name } });
        }
        self.detach(key);
    }

    /// Watches whether a starting service makes progress.
    fn watch_progress(&mut self, key: &str) {
        let Some(service) = self.services.get_mut(key) else { return };
        let starting = service.state() == ServiceState::START_PENDING;
        let hangs_at =
            service.life.hangs_at(self.settings.start_timeout).filter(|_| starting && !service.hung);
        // Set anew each time: a new hint may be the shorter one.
        self.timers.cancel(service.hang_timer.take());
        service.hang_timer = hangs_at.map(|at| self.timers.set(at, Timer::Hang(key.to_owned())));
        if !starting {
            service.hung = false;
        }
    }

    pub(super) fn check_hang(&mut self, key: &str) {
        let Some(service) = self.services.get_mut(key) else { return };
        service.hang_timer = None;
        match service.life.hangs_at(self.settings.start_timeout) {
            Some(at) if at <= self.now.tick && service.state() == ServiceState::START_PENDING => {
                service.hung = true;
                let name = service.name().clone();
                let text = format!("service {:?} hung while it was starting", name.as_str());
                self.record_event(Some(&name), EventId::START_HANG, Level::Error, text);
                self.touched.push(key.to_owned());
            }
            _ => self.watch_progress(key),
        }
    }
}
