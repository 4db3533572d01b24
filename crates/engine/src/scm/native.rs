//! The second interface: hosts' states, definitions, events, logs, and the service control manager itself.

use std::path::PathBuf;
use std::pin::Pin;

use svckit_core::access::ServiceAccess;
use svckit_core::config::Config2Level;
use svckit_core::definition::HostDefinition;
use svckit_core::name::ServiceName;
use svckit_core::native::{
    Configured, HostState, LogFrom, NamedHostState, Reply as NativeReply, Request, ScmStatus,
};
use svckit_core::security::check::Token;
use svckit_core::status::ServiceState;
use svckit_core::usage::Roots;
use svckit_core::win32::Win32Error;

use super::journal::EventWait;
use super::{ConnectionId, Effect, Scm, Service};
use crate::error::Failure;

/// Somebody who waits for a reply on the native interface.
pub(crate) struct NativeAnswer {
    answer: Box<dyn FnOnce(NativeReply)>,
    gone: Pin<Box<dyn Future<Output = ()>>>,
}

impl NativeAnswer {
    /// `gone` comes to its end when nobody waits any more.
    pub(crate) fn new(
        answer: impl FnOnce(NativeReply) + 'static,
        gone: impl Future<Output = ()> + 'static,
    ) -> Self {
        Self { answer: Box::new(answer), gone: Box::pin(gone) }
    }

    /// Answers after the turn.
    pub(super) fn give(self, scm: &mut Scm, reply: NativeReply) {
        scm.effect(Effect::Answer(Box::new(move || (self.answer)(reply))));
    }

    /// Answers at once.
    pub(crate) fn give_now(self, reply: NativeReply) {
        (self.answer)(reply);
    }

    /// Answers with what comes, unless nobody waits for it any more.
    pub(crate) async fn give_later(self, reply: impl Future<Output = NativeReply>) {
        tokio::select! {
            reply = reply => (self.answer)(reply),
            () = self.gone => {}
        }
    }
}

/// A piece of a log that somebody wants.
pub(crate) struct LogRequest {
    /// The file that is being written.
    pub(crate) file: PathBuf,
    pub(crate) from: LogFrom,
    pub(crate) wait: bool,
    pub(crate) answer: NativeAnswer,
}

/// Whose use of the machine somebody wants to know.
pub(crate) struct UsageRequest {
    pub(crate) services: Vec<(ServiceName, Roots)>,
    pub(crate) answer: NativeAnswer,
}

impl Scm {
    /// Takes a request on the native interface.
    pub(crate) fn native(
        &mut self,
        connection: ConnectionId,
        token: &Token,
        request: Request,
        answer: NativeAnswer,
    ) {
        if token.is_remote_user() {
            // It tells logs and definitions, of which access lists say nothing.
            let cause = "over the network this is only for administrators";
            let failure = Failure::new(Win32Error::ACCESS_DENIED, cause);
            return answer.give(self, Self::native_error(&failure));
        }
        let result = match request {
            Request::HostStates { services } => self.host_states(token, services),
            Request::Definition { service } => self.definition(token, &service),
            Request::Configurations => Ok(self.configurations(token)),
            Request::SetDefinition { service, definition } => self.define(token, &service, definition),
            Request::Events { service, after, limit, wait } => {
                let after = after.unwrap_or(0);
                return self.events(wait, EventWait { connection, service, after, limit, answer });
            }
            Request::Log { service, from, wait } => match self.log_file(token, &service) {
                Ok(file) => {
                    let request = LogRequest { file, from, wait, answer };
                    return self.effect(Effect::ReadLog(request));
                }
                Err(failure) => Err(failure),
            },
            Request::Holders { service } => self
                .known(&service, token, ServiceAccess::QUERY_STATUS)
                .map(|_| NativeReply::Holders { holders: self.holders(&service.folded()) }),
            Request::Raise(raised) => self.refuse_while_stopping().map(|()| self.raise(token, &raised)),
            Request::Overview { after, services } => {
                return self.overview(connection, token, (after, services), answer);
            }
            Request::List => self.list(token),
            Request::Usage => {
                let request = UsageRequest { services: self.processes(), answer };
                return self.effect(Effect::Measure(request));
            }
            Request::ScmStatus => Ok(self.scm_status()),
            Request::ScmStop => return self.stop_everything(Some(answer)),
        };
        let reply = result.unwrap_or_else(|failure| Self::native_error(&failure));
        answer.give(self, reply);
    }

    fn host_states(&self, token: &Token, services: Option<Vec<ServiceName>>) -> Result<NativeReply, Failure> {
        let hosted = |service: &&Service| service.record.definition.is_some();
        let states = match services {
            None => {
                let told = |service: &&Service| service.permits(token, ServiceAccess::QUERY_STATUS);
                self.services.values().filter(hosted).filter(told).map(named_state).collect()
            }
            Some(names) => {
                let mut states = Vec::with_capacity(names.len());
                for name in names {
                    let service = self.known(&name, token, ServiceAccess::QUERY_STATUS)?;
                    states.extend(Some(service).filter(hosted).map(named_state));
                }
                states
            }
        };
        Ok(NativeReply::HostStates { states })
    }

    fn definition(&self, token: &Token, name: &ServiceName) -> Result<NativeReply, Failure> {
        let definition = self.known(name, token, ServiceAccess::QUERY_CONFIG)?.record.definition.clone();
        Ok(NativeReply::Definition { definition })
    }

    fn configurations(&self, token: &Token) -> NativeReply {
        let told =
            self.services.values().filter(|service| service.permits(token, ServiceAccess::QUERY_CONFIG));
        NativeReply::Configurations { services: told.map(configured).collect() }
    }

    fn define(
        &mut self,
        token: &Token,
        name: &ServiceName,
        definition: Option<Box<HostDefinition>>,
    ) -> Result<NativeReply, Failure> {
        self.known(name, token, ServiceAccess::CHANGE_CONFIG)?;
        self.set_definition(&name.folded(), definition)?;
        Ok(NativeReply::Done)
    }

    fn log_file(&self, token: &Token, name: &ServiceName) -> Result<PathBuf, Failure> {
        let service = self.known(name, token, ServiceAccess::QUERY_STATUS)?;
        let Some(definition) = &service.record.definition else {
            let cause = format!("service {:?} has no definition that says where its log is", name.as_str());
            return Err(Failure::new(Win32Error::NOT_SUPPORTED, cause));
        };
        let file = definition.log.files().into_iter().next();
        file.ok_or_else(|| {
            let cause = format!("service {:?} keeps no log", name.as_str());
            Failure::new(Win32Error::FILE_NOT_FOUND, cause)
        })
    }

    /// The services that have a process, and which ones are theirs.
    fn processes(&self) -> Vec<(ServiceName, Roots)> {
        let roots = |service: &Service| {
            let process = Some(service.status().pid).filter(|pid| *pid != 0)?;
            let program = service.host.as_ref().and_then(|host| host.child_pid);
            let hosted = service.record.definition.is_some();
            let roots = Roots { service: process, program, hosted, alone: !service.is_shared() };
            Some((service.name().clone(), roots))
        };
        self.services.values().filter_map(roots).collect()
    }

    fn scm_status(&self) -> NativeReply {
        let count = |number: usize| u32::try_from(number).unwrap_or(u32::MAX);
        let active =
            self.services.values().filter(|service| service.state() != ServiceState::STOPPED).count();
        NativeReply::ScmStatus(ScmStatus {
            pid: self.about.pid,
            version: env!("CARGO_PKG_VERSION").to_owned(),
            directory: self.about.directory.clone(),
            program: self.about.program.clone(),
            started_at: self.about.started,
            services: count(self.services.len()),
            active: count(active),
            processes: count(self.instances.len()),
            listening: self.listening.scmr.clone(),
            endpoint_mapper: self.listening.mapper.clone(),
        })
    }

    /// A service that is there, to somebody who has the right.
    fn known(&self, name: &ServiceName, token: &Token, needed: ServiceAccess) -> Result<&Service, Failure> {
        let service = self.services.get(&name.folded()).ok_or_else(|| {
            let cause = format!("service {:?} does not exist", name.as_str());
            Failure::new(Win32Error::SERVICE_DOES_NOT_EXIST, cause)
        })?;
        if service.permits(token, needed) {
            return Ok(service);
        }
        let cause = format!("access to service {:?} is denied, it needs {needed}", name.as_str());
        Err(Failure::new(Win32Error::ACCESS_DENIED, cause))
    }
}

fn configured(service: &Service) -> Configured {
    let record = &service.record;
    Configured {
        service: record.name.clone(),
        state: service.state(),
        config: record.config.clone(),
        optional: Config2Level::ALL.into_iter().filter_map(|level| record.extra.level(level)).collect(),
        security: record.security.as_deref().cloned(),
        definition: record.definition.clone(),
    }
}

pub(super) fn named_state(service: &Service) -> NamedHostState {
    let mut state = service.host.as_deref().cloned().unwrap_or_else(|| HostState {
        log_files: service
            .record
            .definition
            .as_deref()
            .map(|definition| definition.log.files())
            .unwrap_or_default(),
        ..HostState::default()
    });
    state.scheduled = service.scheduled().map(Box::new);
    NamedHostState { service: service.name().clone(), state, start_error: service.start_error.clone() }
}
