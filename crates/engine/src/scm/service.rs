//! One service: what is stored of it and what it does at the moment.

use svckit_core::access::ServiceAccess;
use svckit_core::kind::{ServiceType, StartType};
use svckit_core::lifecycle::Lifecycle;
use svckit_core::name::ServiceName;
use svckit_core::native::HostState;
use svckit_core::order::{Automatic, Member, Standing};
use svckit_core::recovery::FailureCount;
use svckit_core::rights;
use svckit_core::security::SecurityDescriptor;
use svckit_core::security::check::Token;
use svckit_core::status::{ServiceState, ServiceStatus};

use super::alarm::StartAlarm;
use super::answers::Reply;
use super::handles::HandleId;
use super::timers::TimerId;
use crate::store::{Due, Record, Run};

/// A service.
pub(crate) struct Service {
    pub(super) record: Record,
    pub(super) life: Lifecycle,
    /// The process that has it or is to have it.
    pub(super) instance: Option<String>,
    /// Whether a start was tried in this session.
    pub(super) attempted: bool,
    pub(super) count: FailureCount,
    pub(super) due: Option<Due>,
    pub(super) due_timer: Option<TimerId>,
    /// When the clock starts it, if it does.
    pub(super) start_alarm: Option<StartAlarm>,
    /// The arguments of a start under way.
    pub(super) arguments: Vec<String>,
    pub(super) start_error: Option<String>,
    pub(super) host: Option<Box<HostState>>,
    /// How many handles to it are open.
    pub(super) handles: u32,
    /// How often its state changed, to tell whether somebody has seen the present one.
    pub(super) changes: u64,
    /// The revision of the overview in which it last changed.
    pub(super) revision: u64,
    /// Who waits for the start to come to its end.
    pub(super) starters: Vec<Reply<()>>,
    /// Who waits for a change of state.
    pub(super) watchers: Vec<HandleId>,
    /// It makes no progress while it starts.
    pub(super) hung: bool,
    pub(super) hang_timer: Option<TimerId>,
}

impl Service {
    pub(super) fn new(record: Record) -> Self {
        Self {
            record,
            life: Lifecycle::NEVER_STARTED,
            instance: None,
            attempted: false,
            count: FailureCount::default(),
            due: None,
            due_timer: None,
            start_alarm: None,
            arguments: Vec::new(),
            start_error: None,
            host: None,
            handles: 0,
            changes: 0,
            revision: 0,
            starters: Vec::new(),
            watchers: Vec::new(),
            hung: false,
            hang_timer: None,
        }
    }

    pub(super) fn name(&self) -> &ServiceName {
        &self.record.name
    }

    pub(super) fn service_type(&self) -> ServiceType {
        self.record.config.service_type
    }

    /// Who may do what with it.
    pub(super) fn security(&self) -> &SecurityDescriptor {
        self.record.security.as_deref().unwrap_or(&rights::SERVICE_SECURITY)
    }

    /// Whether somebody would be granted these rights.
    pub(super) fn permits(&self, token: &Token, access: ServiceAccess) -> bool {
        rights::grant_service(self.security(), token, access).is_ok()
    }

    /// The status that clients see.
    pub(super) fn status(&self) -> ServiceStatus {
        self.life.status(self.service_type())
    }

    pub(super) fn state(&self) -> ServiceState {
        self.life.state()
    }

    /// Whether it shares its process with others.
    pub(super) fn is_shared(&self) -> bool {
        self.service_type().contains(ServiceType::WIN32_SHARE_PROCESS)
    }

    /// How far it is for a service that depends on it.
    pub(super) fn standing(&self) -> Standing {
        match (&self.life, self.state()) {
            _ if self.hung => Standing::Down,
            (Lifecycle::Waiting { .. } | Lifecycle::Launching { .. }, _) => Standing::Pending,
            (_, ServiceState::START_PENDING) => Standing::Pending,
            (_, ServiceState::STOPPED | ServiceState::STOP_PENDING) => Standing::Down,
            _ => Standing::Up,
        }
    }

    /// What the order of services has to know of it.
    pub(super) fn member(record: &Record) -> Member {
        let config = &record.config;
        let automatic = match config.start_type {
            StartType::AUTO_START if record.extra.delayed_auto_start => Automatic::Delayed,
            StartType::AUTO_START => Automatic::AtOnce,
            _ => Automatic::No,
        };
        Member {
            name: record.name.clone(),
            dependencies: config.dependencies.clone(),
            group: config.load_order_group.clone(),
            tag: config.tag,
            automatic,
        }
    }

    /// What is to be remembered of it for the next service control manager.
    pub(super) fn run(&self) -> Run {
        let mut status = self.status();
        let active = self.instance.is_some() && status.state != ServiceState::STOPPED;
        if matches!(self.life, Lifecycle::Launching { .. }) {
            // By this the next one knows that its process has not connected.
            status.pid = 0;
        }
        Run {
            instance: self.instance.clone(),
            attempted: self.attempted,
            status: active.then_some(status),
            exit: svckit_core::status::ExitStatus::from_codes(
                status.win32_exit_code,
                status.service_exit_code,
            ),
            count: self.count,
            due: self.due,
            // As long as the order to run it may be lost.
            arguments: if status.state == ServiceState::START_PENDING {
                self.arguments.clone()
            } else {
                Vec::new()
            },
            start_error: self.start_error.clone(),
            program: self.host.as_ref().and_then(|host| host.child_pid),
        }
    }
}
