use std::time::Duration;

use svckit_core::backend::Service;
use svckit_core::config::{Config2, Config2Change, Config2Level, DEFAULT_PRESHUTDOWN_TIMEOUT, ServiceConfig};
use svckit_core::failure::FailureActions;
use svckit_core::kind::{LaunchProtection, SidType};
use svckit_core::trigger::Trigger;
use svckit_core::{Error, Result, Win32Error};

use super::new::NewService;
use super::setting::Edits;

/// All settings of a service. Each was asked for on its own, so that one that is strange, or that a service control manager doesn't know, spoils no other.
#[derive(Debug, Clone, PartialEq)]
pub struct Configuration {
    /// What every service has.
    pub basic: Result<ServiceConfig>,
    /// What people are told that it does.
    pub description: Result<Option<String>>,
    /// What is done when it fails.
    pub failure_actions: Result<FailureActions>,
    /// Whether a stop with an error is a failure too.
    pub failure_actions_flag: Result<bool>,
    /// Whether an automatic start comes after the others.
    pub delayed_auto_start: Result<bool>,
    /// Whether its security identifier is in its token.
    pub sid_type: Result<SidType>,
    /// The privileges that it needs; it loses all others. Empty: it keeps those of its account.
    pub required_privileges: Result<Vec<String>>,
    /// How long it has when the system goes down.
    pub preshutdown_timeout: Result<Duration>,
    /// What starts and stops it.
    pub triggers: Result<Vec<Trigger>>,
    /// The NUMA node that it shall run on.
    pub preferred_node: Result<Option<u16>>,
    /// Whom its process is protected from.
    pub launch_protection: Result<LaunchProtection>,
}

/// Asks for one level.
macro_rules! field {
    ($service:expr, $level:ident, $variant:ident) => {
        $service.config2(Config2Level::$level).and_then(|value| match value {
            Config2::$variant(value) => Ok(value),
            other => Err(mistaken(other.level())),
        })
    };
}

impl Configuration {
    pub(super) fn read(service: &dyn Service) -> Self {
        Self {
            basic: service.config(),
            description: field!(service, DESCRIPTION, Description),
            failure_actions: field!(service, FAILURE_ACTIONS, FailureActions),
            failure_actions_flag: field!(service, FAILURE_ACTIONS_FLAG, FailureActionsFlag),
            delayed_auto_start: field!(service, DELAYED_AUTO_START, DelayedAutoStart),
            sid_type: field!(service, SID_INFO, Sid),
            required_privileges: field!(service, REQUIRED_PRIVILEGES, RequiredPrivileges),
            preshutdown_timeout: field!(service, PRESHUTDOWN, PreshutdownTimeout),
            triggers: field!(service, TRIGGER_INFO, Triggers),
            preferred_node: field!(service, PREFERRED_NODE, PreferredNode),
            launch_protection: field!(service, LAUNCH_PROTECTED, LaunchProtected),
        }
    }

    /// That of a service which is not there yet.
    pub(super) fn of_draft(draft: &NewService, edits: &Edits) -> Self {
        let (new, optional) = draft.complete(edits);
        let mut configuration = Self {
            basic: Ok(new.config),
            description: Ok(None),
            failure_actions: Ok(FailureActions::default()),
            failure_actions_flag: Ok(false),
            delayed_auto_start: Ok(false),
            sid_type: Ok(SidType::NONE),
            required_privileges: Ok(Vec::new()),
            preshutdown_timeout: Ok(DEFAULT_PRESHUTDOWN_TIMEOUT),
            triggers: Ok(Vec::new()),
            preferred_node: Ok(None),
            launch_protection: Ok(LaunchProtection::NONE),
        };
        configuration.edit(&Edits { optional, ..Edits::default() });
        configuration
    }

    /// Puts what was set in place of what is there.
    pub(super) fn edit(&mut self, edits: &Edits) {
        if let Ok(basic) = &mut self.basic {
            *basic = basic.changed(&edits.basic);
        }
        for change in &edits.optional {
            self.edit_optional(change.clone());
        }
    }

    fn edit_optional(&mut self, change: Config2Change) {
        match change {
            Config2Change::Description(None) => {}
            Config2Change::Description(text) => self.description = Ok(text.filter(|text| !text.is_empty())),
            // Parts of what can't be read say nothing of the whole.
            Config2Change::FailureActions(change) => {
                if let Ok(actions) = &mut self.failure_actions {
                    actions.apply(change);
                }
            }
            Config2Change::FailureActionsFlag(on) => self.failure_actions_flag = Ok(on),
            Config2Change::DelayedAutoStart(on) => self.delayed_auto_start = Ok(on),
            Config2Change::Sid(kind) => self.sid_type = Ok(kind),
            Config2Change::RequiredPrivileges(names) => self.required_privileges = Ok(names),
            Config2Change::PreshutdownTimeout(time) => self.preshutdown_timeout = Ok(time),
            Config2Change::Triggers(triggers) => self.triggers = Ok(triggers),
            Config2Change::PreferredNode(node) => self.preferred_node = Ok(node),
            Config2Change::LaunchProtected(kind) => self.launch_protection = Ok(kind),
        }
    }
}

/// The error of an answer that is about another level.
fn mistaken(level: Config2Level) -> Box<Error> {
    let error = Error::new("query configuration of service", Win32Error::INVALID_DATA);
    Box::new(error.cause(format!("the answer is about level {}, which was not asked for", level.0)))
}
