//! What all services do, and what of that has changed: for those who go on looking.

use std::collections::VecDeque;

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::kind::ServiceType;
use svckit_core::name::{Selection, ServiceName};
use svckit_core::native::{Listed, Overview, Reply as NativeReply, ServiceView};
use svckit_core::rights;
use svckit_core::security::check::Token;

use super::native::{NativeAnswer, named_state};
use super::{ConnectionId, Failure, Scm, Service};

/// How many removed services are remembered; who has missed more is told everything.
const REMEMBERED: usize = 1024;

/// What has changed, by revisions, and who waits for more.
#[derive(Default)]
pub(super) struct Changes {
    revision: u64,
    /// Services that were removed, and the revisions of that.
    removed: VecDeque<(u64, ServiceName)>,
    /// The newest revision of which a removal was forgotten.
    forgotten: u64,
    waits: Vec<Wait>,
}

/// Somebody who waits for what comes after a revision.
struct Wait {
    connection: ConnectionId,
    after: u64,
    sight: Sight,
    answer: NativeAnswer,
}

/// Of what somebody is told.
struct Sight {
    token: Token,
    services: Selection,
}

impl Changes {
    /// A service is not there any more.
    pub(super) fn removed(&mut self, name: &ServiceName) {
        self.revision += 1;
        self.removed.push_back((self.revision, name.clone()));
        if self.removed.len() > REMEMBERED
            && let Some((revision, _)) = self.removed.pop_front()
        {
            self.forgotten = revision;
        }
    }

    /// Nobody waits on that connection any more.
    pub(super) fn forget(&mut self, connection: ConnectionId) {
        self.waits.retain(|wait| wait.connection != connection);
    }
}

impl Scm {
    /// Something that an overview tells of a service has changed.
    pub(super) fn mark_changed(&mut self, key: &str) {
        if let Some(service) = self.services.get_mut(key) {
            self.changes.revision += 1;
            service.revision = self.changes.revision;
        }
    }

    /// What all services do; after a revision, what has changed since, when there is something.
    pub(super) fn overview(
        &mut self,
        connection: ConnectionId,
        token: &Token,
        (after, services): (Option<u64>, Option<Vec<ServiceName>>),
        answer: NativeAnswer,
    ) {
        if let Err(failure) = self.may_enumerate(token) {
            let refused = Self::native_error(&failure);
            return answer.give(self, refused);
        }
        let sight = Sight { token: token.clone(), services: Selection::new(services.as_deref()) };
        match after {
            Some(after) => self.answer_or_keep(Wait { connection, after, sight, answer }),
            None => {
                let overview = self.view(&sight, None);
                answer.give(self, NativeReply::Overview(overview));
            }
        }
    }

    fn may_enumerate(&self, token: &Token) -> Result<(), Failure> {
        Ok(rights::grant_manager(self.manager_security(), token, ManagerAccess::ENUMERATE_SERVICE)
            .map(drop)?)
    }

    /// Every service that somebody may see, in a line.
    pub(super) fn list(&self, token: &Token) -> Result<NativeReply, Failure> {
        self.may_enumerate(token)?;
        let all = Selection::new(None);
        let line = |service: &Service| {
            let is_hosted = service.record.definition.is_some();
            let program = is_hosted.then(|| service.host.as_ref().and_then(|host| host.child_pid));
            let display_name = &service.record.config.display_name;
            Listed::new(service.name().clone(), display_name.as_str(), &service.status(), program)
        };
        Ok(NativeReply::List { services: self.seen(&all, token).map(line).collect() })
    }

    /// The services of these whose status somebody may ask for.
    fn seen<'a>(&'a self, services: &'a Selection, token: &'a Token) -> impl Iterator<Item = &'a Service> {
        self.services.values().filter(|service| {
            service.service_type().intersects(ServiceType::WIN32)
                && services.has(service.name())
                && service.permits(token, ServiceAccess::QUERY_STATUS)
        })
    }

    /// Answers when there is news for him; else he goes on waiting.
    fn answer_or_keep(&mut self, mut wait: Wait) {
        if wait.after != self.changes.revision {
            let overview = self.view(&wait.sight, Some(wait.after));
            if overview.complete || !overview.services.is_empty() || !overview.gone.is_empty() {
                return wait.answer.give(self, NativeReply::Overview(overview));
            }
            wait.after = self.changes.revision;
        }
        self.changes.waits.push(wait);
    }

    /// Answers those who wait for a change.
    pub(super) fn answer_overview_waits(&mut self) {
        for wait in std::mem::take(&mut self.changes.waits) {
            self.answer_or_keep(wait);
        }
    }

    /// What somebody may see of what he asked for: services whose status he may ask for.
    fn view(&self, sight: &Sight, after: Option<u64>) -> Overview {
        // A revision that was never told is that of another service control manager.
        let known = |after: &u64| (self.changes.forgotten..=self.changes.revision).contains(after);
        let after = after.filter(known);
        let is_news = |revision: u64| after.is_none_or(|after| revision > after);
        let shown = self.seen(&sight.services, &sight.token).filter(|service| is_news(service.revision));
        let removed =
            self.changes.removed.iter().filter(|(revision, _)| after.is_some() && is_news(*revision));
        let told =
            |name: &&ServiceName| sight.services.has(name) && !self.services.contains_key(&name.folded());
        Overview {
            revision: self.changes.revision,
            complete: after.is_none(),
            services: shown.map(view).collect(),
            gone: removed.map(|(_, name)| name).filter(told).cloned().collect(),
        }
    }
}

fn view(service: &Service) -> ServiceView {
    ServiceView {
        service: service.name().clone(),
        display_name: service.record.config.display_name.to_string(),
        status: service.status(),
        host: service.record.definition.is_some().then(|| named_state(service)),
    }
}
