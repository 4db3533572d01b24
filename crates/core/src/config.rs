//! The configuration of a service.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::failure::{FailureActions, FailureActionsChange};
use crate::image_path::ImagePath;
use crate::kind::{ErrorControl, LaunchProtection, ServiceType, SidType, StartType};
use crate::millis;
use crate::name::{Dependency, DisplayName, GroupName, ServiceName};
use crate::secret::Secret;
use crate::trigger::Trigger;

/// The preshutdown time-out that a service has unless it sets one ([MS-SCMR] 2.2.45: three minutes).
pub const DEFAULT_PRESHUTDOWN_TIMEOUT: Duration = Duration::from_secs(180);

/// The account name that stands for the system itself.
pub const LOCAL_SYSTEM: &str = "LocalSystem";

/// The basic configuration (`QUERY_SERVICE_CONFIGW`, [MS-SCMR] 2.2.15).
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceConfig {
    /// `dwServiceType`.
    pub service_type: ServiceType,
    /// `dwStartType`.
    pub start_type: StartType,
    /// `dwErrorControl`.
    pub error_control: ErrorControl,
    /// `lpBinaryPathName`.
    pub image_path: ImagePath,
    /// `lpLoadOrderGroup`.
    pub load_order_group: Option<GroupName>,
    /// `dwTagId`, zero if there is none.
    pub tag: u32,
    /// `lpDependencies`.
    pub dependencies: Vec<Dependency>,
    /// `lpServiceStartName`; absent for some drivers.
    pub account: Option<String>,
    /// `lpDisplayName`.
    pub display_name: DisplayName,
}

impl ServiceConfig {
    /// The configuration after a change; the tag is told by whoever carries it out.
    #[must_use]
    pub fn changed(&self, change: &ConfigChange) -> Self {
        Self {
            service_type: change.service_type.unwrap_or(self.service_type),
            start_type: change.start_type.unwrap_or(self.start_type),
            error_control: change.error_control.unwrap_or(self.error_control),
            image_path: change.image_path.as_ref().unwrap_or(&self.image_path).clone(),
            load_order_group: change.load_order_group.as_ref().unwrap_or(&self.load_order_group).clone(),
            tag: self.tag,
            dependencies: change.dependencies.as_ref().unwrap_or(&self.dependencies).clone(),
            account: change.account.as_ref().or(self.account.as_ref()).cloned(),
            display_name: change.display_name.as_ref().unwrap_or(&self.display_name).clone(),
        }
    }
}

/// What `CreateService` takes ([MS-SCMR] 3.1.4.12).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewService {
    /// The key name.
    pub name: ServiceName,
    /// The configuration; `tag` is ignored, see `want_tag`.
    pub config: ServiceConfig,
    /// Whether a tag that is unique in the load order group is wanted.
    pub want_tag: bool,
    /// The account's password. Never printed.
    pub password: Option<Secret>,
}

impl NewService {
    /// A service in a process of its own, started on demand, with normal error control, run by `LocalSystem`: what `CreateService` makes when nothing else is
    /// said. Everything else is set in the fields.
    ///
    /// ```
    /// # use svckit_core::config::{LOCAL_SYSTEM, NewService};
    /// # use svckit_core::image_path::ImagePath;
    /// # use svckit_core::kind::StartType;
    /// # use svckit_core::name::{DisplayName, ServiceName};
    /// let image = ImagePath::from_arguments(&["/usr/bin/shop", "--port", "80"])?;
    /// let mut new = NewService::own_process(ServiceName::new("shop")?, DisplayName::new("The shop")?, image);
    /// assert_eq!(new.config.account.as_deref(), Some(LOCAL_SYSTEM));
    /// new.config.start_type = StartType::AUTO_START;
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn own_process(name: ServiceName, display_name: DisplayName, image_path: ImagePath) -> Self {
        let config = ServiceConfig {
            service_type: ServiceType::WIN32_OWN_PROCESS,
            start_type: StartType::DEMAND_START,
            error_control: ErrorControl::NORMAL,
            image_path,
            load_order_group: None,
            tag: 0,
            dependencies: Vec::new(),
            account: Some(LOCAL_SYSTEM.to_owned()),
            display_name,
        };
        Self { name, config, want_tag: false, password: None }
    }
}

/// A change of the basic configuration ([MS-SCMR] 3.1.4.11): what is absent stays as it is.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ConfigChange {
    /// `dwServiceType`.
    pub service_type: Option<ServiceType>,
    /// `dwStartType`.
    pub start_type: Option<StartType>,
    /// `dwErrorControl`.
    pub error_control: Option<ErrorControl>,
    /// `lpBinaryPathName`.
    pub image_path: Option<ImagePath>,
    /// `lpLoadOrderGroup`; `Some(None)` leaves the group.
    pub load_order_group: Option<Option<GroupName>>,
    /// Whether a new tag is wanted (`lpdwTagId`).
    pub want_tag: bool,
    /// `lpDependencies`; an empty list clears them.
    pub dependencies: Option<Vec<Dependency>>,
    /// `lpServiceStartName`.
    pub account: Option<String>,
    /// `lpPassword`. Never printed.
    pub password: Option<Secret>,
    /// `lpDisplayName`.
    pub display_name: Option<DisplayName>,
}

/// An information level of `QueryServiceConfig2` and `ChangeServiceConfig2` ([MS-SCMR] 3.1.4.36).
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Config2Level(pub u32);

impl Config2Level {
    /// `SERVICE_CONFIG_DESCRIPTION`.
    pub const DESCRIPTION: Self = Self(1);
    /// `SERVICE_CONFIG_FAILURE_ACTIONS`.
    pub const FAILURE_ACTIONS: Self = Self(2);
    /// `SERVICE_CONFIG_DELAYED_AUTO_START_INFO`.
    pub const DELAYED_AUTO_START: Self = Self(3);
    /// `SERVICE_CONFIG_FAILURE_ACTIONS_FLAG`.
    pub const FAILURE_ACTIONS_FLAG: Self = Self(4);
    /// `SERVICE_CONFIG_SERVICE_SID_INFO`.
    pub const SID_INFO: Self = Self(5);
    /// `SERVICE_CONFIG_REQUIRED_PRIVILEGES_INFO`.
    pub const REQUIRED_PRIVILEGES: Self = Self(6);
    /// `SERVICE_CONFIG_PRESHUTDOWN_INFO`.
    pub const PRESHUTDOWN: Self = Self(7);
    /// `SERVICE_CONFIG_TRIGGER_INFO`.
    pub const TRIGGER_INFO: Self = Self(8);
    /// `SERVICE_CONFIG_PREFERRED_NODE`.
    pub const PREFERRED_NODE: Self = Self(9);
    /// `SERVICE_CONFIG_LAUNCH_PROTECTED`, which only the service API has.
    pub const LAUNCH_PROTECTED: Self = Self(12);

    /// Every level that is known here.
    pub const ALL: [Self; 10] = [
        Self::DESCRIPTION,
        Self::FAILURE_ACTIONS,
        Self::DELAYED_AUTO_START,
        Self::FAILURE_ACTIONS_FLAG,
        Self::SID_INFO,
        Self::REQUIRED_PRIVILEGES,
        Self::PRESHUTDOWN,
        Self::TRIGGER_INFO,
        Self::PREFERRED_NODE,
        Self::LAUNCH_PROTECTED,
    ];
}

/// The optional configuration that `QueryServiceConfig2` returns, one level at a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Config2 {
    /// Level 1; absent when there is none.
    Description(Option<String>),
    /// Level 2.
    FailureActions(FailureActions),
    /// Level 3.
    DelayedAutoStart(bool),
    /// Level 4: failure actions also for a stop with an error.
    FailureActionsFlag(bool),
    /// Level 5.
    Sid(SidType),
    /// Level 6: names such as `SeBackupPrivilege`.
    RequiredPrivileges(Vec<String>),
    /// Level 7.
    PreshutdownTimeout(#[serde(with = "millis")] Duration),
    /// Level 8: what starts and stops the service by itself ([MS-SCMR] 2.2.54).
    Triggers(Vec<Trigger>),
    /// Level 9: the number of the NUMA node whose processors and memory the service shall run on ([MS-SCMR] 2.2.55); absent when there is
    /// none.
    PreferredNode(Option<u16>),
    /// Level 12: whom the service's process is protected from.
    LaunchProtected(LaunchProtection),
}

/// A change for `ChangeServiceConfig2`, one level at a time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Config2Change {
    /// Level 1; `Some("")` deletes it, `None` leaves it.
    Description(Option<String>),
    /// Level 2.
    FailureActions(FailureActionsChange),
    /// Level 3.
    DelayedAutoStart(bool),
    /// Level 4.
    FailureActionsFlag(bool),
    /// Level 5.
    Sid(SidType),
    /// Level 6; an empty list clears it.
    RequiredPrivileges(Vec<String>),
    /// Level 7.
    PreshutdownTimeout(Duration),
    /// Level 8: all triggers, in place of those before; an empty list deletes them.
    Triggers(Vec<Trigger>),
    /// Level 9; `None` deletes it.
    PreferredNode(Option<u16>),
    /// Level 12.
    LaunchProtected(LaunchProtection),
}

impl Config2 {
    /// The level this belongs to.
    pub const fn level(&self) -> Config2Level {
        match self {
            Self::Description(_) => Config2Level::DESCRIPTION,
            Self::FailureActions(_) => Config2Level::FAILURE_ACTIONS,
            Self::DelayedAutoStart(_) => Config2Level::DELAYED_AUTO_START,
            Self::FailureActionsFlag(_) => Config2Level::FAILURE_ACTIONS_FLAG,
            Self::Sid(_) => Config2Level::SID_INFO,
            Self::RequiredPrivileges(_) => Config2Level::REQUIRED_PRIVILEGES,
            Self::PreshutdownTimeout(_) => Config2Level::PRESHUTDOWN,
            Self::Triggers(_) => Config2Level::TRIGGER_INFO,
            Self::PreferredNode(_) => Config2Level::PREFERRED_NODE,
            Self::LaunchProtected(_) => Config2Level::LAUNCH_PROTECTED,
        }
    }

    /// The value after a change of the same level; one of another level changes nothing.
    #[must_use]
    pub fn after(self, change: Config2Change) -> Self {
        match (self, change) {
            (Self::Description(_), Config2Change::Description(Some(text))) => {
                Self::Description(Some(text).filter(|text| !text.is_empty()))
            }
            (Self::FailureActions(mut actions), Config2Change::FailureActions(change)) => {
                actions.apply(change);
                Self::FailureActions(actions)
            }
            (Self::DelayedAutoStart(_), Config2Change::DelayedAutoStart(on)) => Self::DelayedAutoStart(on),
            (Self::FailureActionsFlag(_), Config2Change::FailureActionsFlag(on)) => {
                Self::FailureActionsFlag(on)
            }
            (Self::Sid(_), Config2Change::Sid(kind)) => Self::Sid(kind),
            (Self::RequiredPrivileges(_), Config2Change::RequiredPrivileges(names)) => {
                Self::RequiredPrivileges(names)
            }
            (Self::PreshutdownTimeout(_), Config2Change::PreshutdownTimeout(timeout)) => {
                Self::PreshutdownTimeout(timeout)
            }
            (Self::Triggers(_), Config2Change::Triggers(all)) => Self::Triggers(all),
            (Self::PreferredNode(_), Config2Change::PreferredNode(node)) => Self::PreferredNode(node),
            (Self::LaunchProtected(_), Config2Change::LaunchProtected(kind)) => Self::LaunchProtected(kind),
            (before, _) => before,
        }
    }

    /// The change that sets exactly this value.
    pub fn into_change(self) -> Config2Change {
        match self {
            Self::Description(text) => Config2Change::Description(Some(text.unwrap_or_default())),
            Self::FailureActions(all) => Config2Change::FailureActions(all.into()),
            Self::DelayedAutoStart(on) => Config2Change::DelayedAutoStart(on),
            Self::FailureActionsFlag(on) => Config2Change::FailureActionsFlag(on),
            Self::Sid(kind) => Config2Change::Sid(kind),
            Self::RequiredPrivileges(names) => Config2Change::RequiredPrivileges(names),
            Self::PreshutdownTimeout(timeout) => Config2Change::PreshutdownTimeout(timeout),
            Self::Triggers(all) => Config2Change::Triggers(all),
            Self::PreferredNode(node) => Config2Change::PreferredNode(node),
            Self::LaunchProtected(kind) => Config2Change::LaunchProtected(kind),
        }
    }
}

impl Config2Change {
    /// The level this belongs to.
    pub const fn level(&self) -> Config2Level {
        match self {
            Self::Description(_) => Config2Level::DESCRIPTION,
            Self::FailureActions(_) => Config2Level::FAILURE_ACTIONS,
            Self::DelayedAutoStart(_) => Config2Level::DELAYED_AUTO_START,
            Self::FailureActionsFlag(_) => Config2Level::FAILURE_ACTIONS_FLAG,
            Self::Sid(_) => Config2Level::SID_INFO,
            Self::RequiredPrivileges(_) => Config2Level::REQUIRED_PRIVILEGES,
            Self::PreshutdownTimeout(_) => Config2Level::PRESHUTDOWN,
            Self::Triggers(_) => Config2Level::TRIGGER_INFO,
            Self::PreferredNode(_) => Config2Level::PREFERRED_NODE,
            Self::LaunchProtected(_) => Config2Level::LAUNCH_PROTECTED,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_change_makes_the_value_that_it_was_made_of() {
        let failure =
            |command: &str| FailureActions { command: command.to_owned(), ..FailureActions::default() };
        let pairs = [
            [Config2::Description(None), Config2::Description(Some("x".to_owned()))],
            [Config2::FailureActions(failure("")), Config2::FailureActions(failure("x"))],
            [Config2::DelayedAutoStart(false), Config2::DelayedAutoStart(true)],
            [Config2::FailureActionsFlag(false), Config2::FailureActionsFlag(true)],
            [Config2::Sid(SidType::NONE), Config2::Sid(SidType::RESTRICTED)],
            [Config2::RequiredPrivileges(Vec::new()), Config2::RequiredPrivileges(vec!["x".to_owned()])],
            [
                Config2::PreshutdownTimeout(Duration::ZERO),
                Config2::PreshutdownTimeout(DEFAULT_PRESHUTDOWN_TIMEOUT),
            ],
            [Config2::PreferredNode(None), Config2::PreferredNode(Some(1))],
            [
                Config2::LaunchProtected(LaunchProtection::NONE),
                Config2::LaunchProtected(LaunchProtection::WINDOWS),
            ],
        ];
        for [one, other] in pairs {
            assert_eq!(one.clone().after(other.clone().into_change()), other);
            assert_eq!(other.clone().after(one.clone().into_change()), one);
            assert_eq!(one.clone().after(Config2Change::Description(None)), one, "nothing is said");
        }
    }
}
