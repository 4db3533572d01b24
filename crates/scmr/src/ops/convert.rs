//! From the plain data of the wire to the types of `svckit-core`, with the codes that Windows refuses bad values with, and back.

use std::time::Duration;

use svckit_core::Win32Error;
use svckit_core::access::ServiceAccess;
use svckit_core::config::{Config2Change, ConfigChange, NewService, ServiceConfig};
use svckit_core::failure::{FailureActionsChange, ResetPeriod};
use svckit_core::image_path::ImagePath;
use svckit_core::millis;
use svckit_core::name::{Dependency, DisplayName, GroupName, ServiceName};
use svckit_core::secret::Secret;
use svckit_core::trigger;

use super::{
    ChangeServiceConfig, ConfigInfo, ConfigRecord, CreateService, FailureActionsInfo, Handle, MAX_PASSWORD,
    NO_CHANGE, Password, multi,
};
use crate::ndr::wide;
use crate::secret;

impl CreateService {
    /// The call that creates a service ([MS-SCMR] 3.1.4.12).
    pub fn new(manager: Handle, new: &NewService, access: ServiceAccess) -> Self {
        let config = &new.config;
        Self {
            manager,
            name: new.name.as_str().to_owned(),
            display_name: Some(config.display_name.as_str().to_owned()),
            access,
            service_type: config.service_type.0,
            start_type: config.start_type.0,
            error_control: config.error_control.0,
            image_path: config.image_path.as_str().to_owned(),
            load_order_group: config.load_order_group.as_ref().map(|group| group.as_str().to_owned()),
            tag: new.want_tag.then_some(0),
            dependencies: (!config.dependencies.is_empty()).then(|| dependency_list(&config.dependencies)),
            account: config.account.clone(),
            password: new.password.as_ref().map(|password| Password::new(password.as_str())),
        }
    }

    /// The service to create: names and paths checked, the display name filled in ([MS-SCMR] 3.1.4.12).
    pub fn to_new_service(&self) -> Result<NewService, Win32Error> {
        let name = ServiceName::new(self.name.as_str()).map_err(|error| error.code())?;
        let display_name = self.display_name.as_deref().filter(|text| !text.is_empty()).unwrap_or(&self.name);
        Ok(NewService {
            config: ServiceConfig {
                service_type: self.service_type.into(),
                start_type: self.start_type.into(),
                error_control: self.error_control.into(),
                image_path: image_path(&self.image_path)?,
                load_order_group: self.load_order_group.as_deref().map_or(Ok(None), group)?,
                tag: 0,
                dependencies: self.dependencies.as_deref().map_or(Ok(Vec::new()), dependencies)?,
                account: self.account.clone().filter(|account| !account.is_empty()),
                display_name: DisplayName::new(display_name).map_err(|error| error.code())?,
            },
            name,
            want_tag: self.tag.is_some(),
            password: self.password.as_ref().map_or(Ok(None), Password::secret)?,
        })
    }
}

impl ChangeServiceConfig {
    /// The call that changes a configuration ([MS-SCMR] 3.1.4.11).
    pub fn new(service: Handle, change: &ConfigChange) -> Self {
        Self {
            service,
            service_type: change.service_type.map_or(NO_CHANGE, |value| value.0),
            start_type: change.start_type.map_or(NO_CHANGE, |value| value.0),
            error_control: change.error_control.map_or(NO_CHANGE, |value| value.0),
            image_path: change.image_path.as_ref().map(|path| path.as_str().to_owned()),
            load_order_group: change
                .load_order_group
                .as_ref()
                .map(|group| group.as_ref().map_or(String::new(), |group| group.as_str().to_owned())),
            tag: change.want_tag.then_some(0),
            dependencies: change.dependencies.as_deref().map(dependency_list),
            account: change.account.clone(),
            password: change.password.as_ref().map(|password| Password::new(password.as_str())),
            display_name: change.display_name.as_ref().map(|name| name.as_str().to_owned()),
        }
    }

    /// The change, checked ([MS-SCMR] 3.1.4.11).
    pub fn to_change(&self) -> Result<ConfigChange, Win32Error> {
        let number = |value: u32| (value != NO_CHANGE).then_some(value);
        Ok(ConfigChange {
            service_type: number(self.service_type).map(Into::into),
            start_type: number(self.start_type).map(Into::into),
            error_control: number(self.error_control).map(Into::into),
            image_path: self.image_path.as_deref().map(image_path).transpose()?,
            load_order_group: self.load_order_group.as_deref().map(group).transpose()?,
            want_tag: self.tag.is_some(),
            dependencies: self.dependencies.as_deref().map(dependencies).transpose()?,
            account: self.account.clone(),
            password: self.password.as_ref().map_or(Ok(None), Password::secret)?,
            display_name: match self.display_name.as_deref() {
                Some(text) => Some(DisplayName::new(text).map_err(|error| error.code())?),
                None => None,
            },
        })
    }
}

impl Password {
    /// A password in clear, for a channel that is sealed itself, or that nobody else reads ([MS-SCMR] 3.1.4.12: over TCP).
    pub fn new(text: &str) -> Self {
        let mut bytes = Vec::with_capacity(2 * (wide::length(text) + 1));
        wide::write(&mut bytes, text);
        bytes.extend([0, 0]);
        bytes.into()
    }

    /// A password that is encrypted with the key of a session, for a pipe over SMB ([MS-SCMR] 3.1.4.12, [MS-LSAD] 5.1.2).
    pub fn encrypted(text: &str, key: &[u8; 16]) -> Self {
        Self::from(std::mem::take(&mut *secret::encrypt(key, Self::new(text).as_bytes())))
    }

    /// Whether the wire takes it: it has a limit of bytes ([`MAX_PASSWORD`]), however they came about.
    pub fn fits(&self) -> bool {
        self.as_bytes().len() <= MAX_PASSWORD as usize
    }

    /// The password in clear; no bytes at all are none, as some clients send them.
    pub fn secret(&self) -> Result<Option<Secret>, Win32Error> {
        let bytes = self.as_bytes();
        if bytes.is_empty() {
            return Ok(None);
        }
        if !bytes.len().is_multiple_of(2) {
            return Err(Win32Error::INVALID_PARAMETER);
        }
        wide::secret(wide::until_terminator(bytes)).map(Some).ok_or(Win32Error::INVALID_PARAMETER)
    }
}

/// More triggers or data than the wire takes are `ERROR_INVALID_PARAMETER`.
impl TryFrom<&Config2Change> for ConfigInfo {
    type Error = Win32Error;
    fn try_from(change: &Config2Change) -> Result<Self, Win32Error> {
        Ok(match change {
            Config2Change::Description(text) => Self::Description(Some(text.clone())),
            Config2Change::FailureActions(change) => Self::FailureActions(Some(change.into())),
            Config2Change::DelayedAutoStart(on) => Self::DelayedAutoStart(Some(*on)),
            Config2Change::FailureActionsFlag(on) => Self::FailureActionsFlag(Some(*on)),
            Config2Change::Sid(kind) => Self::Sid(Some(*kind)),
            Config2Change::RequiredPrivileges(names) => {
                Self::RequiredPrivileges(Some(Some(multi::encode(names))))
            }
            Config2Change::PreshutdownTimeout(timeout) => Self::Preshutdown(Some(millis::to_u32(*timeout))),
            Config2Change::Triggers(all) => {
                trigger::check_sizes(all).map_err(|_| Win32Error::INVALID_PARAMETER)?;
                Self::Triggers(Some(all.clone()))
            }
            Config2Change::PreferredNode(node) => Self::PreferredNode(Some((*node).into())),
            Config2Change::LaunchProtected(kind) => Self::LaunchProtected(Some(*kind)),
        })
    }
}

impl ConfigInfo {
    /// The change, checked ([MS-SCMR] 3.1.4.35): an unknown level is `ERROR_INVALID_LEVEL`, a missing structure
    /// `ERROR_INVALID_PARAMETER`.
    pub fn to_change(&self) -> Result<Config2Change, Win32Error> {
        const MISSING: Win32Error = Win32Error::INVALID_PARAMETER;
        Ok(match self {
            Self::Description(info) => Config2Change::Description(info.clone().ok_or(MISSING)?),
            Self::FailureActions(info) => {
                Config2Change::FailureActions(info.as_ref().ok_or(MISSING)?.to_change())
            }
            Self::DelayedAutoStart(info) => Config2Change::DelayedAutoStart(info.ok_or(MISSING)?),
            Self::FailureActionsFlag(info) => Config2Change::FailureActionsFlag(info.ok_or(MISSING)?),
            Self::Sid(info) => Config2Change::Sid(info.ok_or(MISSING)?),
            Self::RequiredPrivileges(info) => {
                let list = info.as_ref().ok_or(MISSING)?;
                Config2Change::RequiredPrivileges(multi::decode(list.as_deref().unwrap_or_default())?)
            }
            Self::Preshutdown(info) => {
                Config2Change::PreshutdownTimeout(Duration::from_millis(info.ok_or(MISSING)?.into()))
            }
            Self::Triggers(info) => Config2Change::Triggers(info.clone().ok_or(MISSING)?),
            Self::PreferredNode(info) => Config2Change::PreferredNode(info.ok_or(MISSING)?.into()),
            Self::LaunchProtected(info) => Config2Change::LaunchProtected(info.ok_or(MISSING)?),
            Self::Other(_) => return Err(Win32Error::INVALID_LEVEL),
        })
    }
}

impl From<&FailureActionsChange> for FailureActionsInfo {
    fn from(change: &FailureActionsChange) -> Self {
        let (reset_period, actions) = match &change.actions {
            Some((period, actions)) => (period.to_wire(), Some(actions.clone())),
            None => (0, None),
        };
        Self {
            reset_period,
            reboot_message: change.reboot_message.clone(),
            command: change.command.clone(),
            actions,
        }
    }
}

impl FailureActionsInfo {
    /// The change ([MS-SCMR] 2.2.40): without a list of actions the reset period means nothing.
    pub fn to_change(&self) -> FailureActionsChange {
        FailureActionsChange {
            reboot_message: self.reboot_message.clone(),
            command: self.command.clone(),
            actions: self.actions.clone().map(|actions| (ResetPeriod::from_wire(self.reset_period), actions)),
        }
    }
}

impl From<&ServiceConfig> for ConfigRecord {
    fn from(config: &ServiceConfig) -> Self {
        Self {
            service_type: config.service_type.0,
            start_type: config.start_type.0,
            error_control: config.error_control.0,
            image_path: Some(config.image_path.as_str().to_owned()),
            load_order_group: Some(
                config.load_order_group.as_ref().map_or(String::new(), |group| group.as_str().to_owned()),
            ),
            tag: config.tag,
            dependencies: Some(config.dependencies.iter().map(|name| format!("{name}/")).collect()),
            account: Some(config.account.clone().unwrap_or_default()),
            display_name: Some(config.display_name.as_str().to_owned()),
        }
    }
}

impl ConfigRecord {
    /// The configuration of the service `name`; what the server left out is filled in as Windows would. A server that keeps nonsense is
    /// answered with `ERROR_INVALID_DATA`.
    pub fn to_config(&self, name: &str) -> Result<ServiceConfig, Win32Error> {
        const BAD: Win32Error = Win32Error::INVALID_DATA;
        let some = |text: &Option<String>| text.clone().filter(|text| !text.is_empty());
        let dependencies = some(&self.dependencies).unwrap_or_default();
        Ok(ServiceConfig {
            service_type: self.service_type.into(),
            start_type: self.start_type.into(),
            error_control: self.error_control.into(),
            image_path: ImagePath::new(some(&self.image_path).unwrap_or_default()).map_err(|_| BAD)?,
            load_order_group: some(&self.load_order_group)
                .map(GroupName::new)
                .transpose()
                .map_err(|_| BAD)?,
            tag: self.tag,
            dependencies: dependencies
                .split(['/', '\0'])
                .filter(|text| !text.is_empty())
                .map(Dependency::new)
                .collect::<Result<_, _>>()
                .map_err(|_| BAD)?,
            account: some(&self.account),
            display_name: DisplayName::new(some(&self.display_name).unwrap_or_else(|| name.to_owned()))
                .map_err(|_| BAD)?,
        })
    }
}

fn dependency_list(dependencies: &[Dependency]) -> Vec<u8> {
    multi::encode(dependencies.iter().map(Dependency::to_string))
}

/// `lpBinaryPathName`: one that can't be an image path is `ERROR_INVALID_PARAMETER`.
fn image_path(text: &str) -> Result<ImagePath, Win32Error> {
    ImagePath::new(text).map_err(|_| Win32Error::INVALID_PARAMETER)
}

/// `lpLoadOrderGroup`: an empty name is no group.
fn group(text: &str) -> Result<Option<GroupName>, Win32Error> {
    if text.is_empty() {
        return Ok(None);
    }
    GroupName::new(text).map(Some).map_err(|_| Win32Error::INVALID_PARAMETER)
}

/// `lpDependencies`: one that can't be a name is `ERROR_INVALID_PARAMETER`.
fn dependencies(list: &[u8]) -> Result<Vec<Dependency>, Win32Error> {
    multi::decode(list)?
        .iter()
        .map(|text| Dependency::new(text).map_err(|_| Win32Error::INVALID_PARAMETER))
        .collect()
}
