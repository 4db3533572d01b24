//! What can be set of a service, and what was set but not saved yet.

use svckit_core::config::{Config2Change, ConfigChange};
use svckit_core::failure::FailureActionsChange;
use svckit_core::image_path::ImagePath;
use svckit_core::kind::{ErrorControl, ServiceType, SidType, StartType};
use svckit_core::millis;
use svckit_core::name::{Dependency, DisplayName, GroupName};
use svckit_core::security::SecurityDescriptor;
use svckit_core::{Error, Result, Win32Error};

/// A setting of a service with its value. The name is no setting: it is what a service is known by.
///
/// Types that stand for one setting alone can be given as they are:
///
/// ```
/// use svckit_core::config::Config2Change;
/// use svckit_core::kind::{SidType, StartType};
/// use svckit_manager::entity::Setting;
/// assert_eq!(Setting::from(StartType::AUTO_START), Setting::StartType(StartType::AUTO_START));
/// assert_eq!(Setting::from(SidType::NONE), Setting::Optional(Config2Change::Sid(SidType::NONE)));
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Setting {
    /// The kind of service.
    ServiceType(ServiceType),
    /// When it is started.
    StartType(StartType),
    /// What it means when it fails to start.
    ErrorControl(ErrorControl),
    /// The command line of its process.
    ImagePath(ImagePath),
    /// The load order group; `None` leaves it.
    LoadOrderGroup(Option<GroupName>),
    /// A new tag in the load order group, which the service control manager chooses.
    NewTag,
    /// What has to run before it; an empty list clears them.
    Dependencies(Vec<Dependency>),
    /// The account that it runs as. The password is given to `save`.
    Account(String),
    /// The name that people see.
    DisplayName(DisplayName),
    /// A setting of the optional configuration.
    Optional(Config2Change),
    /// Who may do what with it: the parts that the descriptor has. Others stay as they are.
    Security(SecurityDescriptor),
}

macro_rules! setting_from {
    ($($type:ty => $variant:ident,)*) => {
        $(impl From<$type> for Setting {
            fn from(value: $type) -> Self {
                Self::$variant(value)
            }
        })*
    };
}
setting_from! {
    ServiceType => ServiceType,
    StartType => StartType,
    ErrorControl => ErrorControl,
    ImagePath => ImagePath,
    Vec<Dependency> => Dependencies,
    DisplayName => DisplayName,
    Config2Change => Optional,
    SecurityDescriptor => Security,
}

impl From<SidType> for Setting {
    fn from(kind: SidType) -> Self {
        Self::Optional(Config2Change::Sid(kind))
    }
}

/// What was set and not saved yet; later values are in place of earlier ones.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Edits {
    pub(super) basic: ConfigChange,
    pub(super) optional: Vec<Config2Change>,
    pub(super) security: Option<SecurityDescriptor>,
}

impl Edits {
    pub(super) fn add(&mut self, setting: Setting) {
        let basic = &mut self.basic;
        match setting {
            Setting::ServiceType(value) => basic.service_type = Some(value),
            Setting::StartType(value) => basic.start_type = Some(value),
            Setting::ErrorControl(value) => basic.error_control = Some(value),
            Setting::ImagePath(value) => basic.image_path = Some(value),
            Setting::LoadOrderGroup(value) => basic.load_order_group = Some(value),
            Setting::NewTag => basic.want_tag = true,
            Setting::Dependencies(value) => basic.dependencies = Some(value),
            Setting::Account(value) => basic.account = Some(value),
            Setting::DisplayName(value) => basic.display_name = Some(value),
            // Nothing is to be changed.
            Setting::Optional(Config2Change::Description(None)) => {}
            Setting::Optional(change) => self.add_optional(change),
            Setting::Security(new) => {
                let earlier = self.security.take().unwrap_or_default();
                // An audit list that would be too long with labels that were set before is set without them.
                self.security = Some(earlier.with(new.parts(), &new).unwrap_or(new));
            }
        }
    }

    fn add_optional(&mut self, change: Config2Change) {
        let Some(earlier) = self.optional.iter_mut().find(|edit| edit.level() == change.level()) else {
            return self.optional.push(change);
        };
        match (earlier, change) {
            (Config2Change::FailureActions(all), Config2Change::FailureActions(part)) => {
                all.reboot_message = part.reboot_message.or(all.reboot_message.take());
                all.command = part.command.or(all.command.take());
                all.actions = part.actions.or(all.actions.take());
            }
            (earlier, change) => *earlier = change,
        }
    }

    /// Refuses times that the service API has no number for; they would be cut off without a word.
    pub(super) fn check(&self) -> Result<()> {
        let fits = |time| std::time::Duration::from_millis(millis::to_u32(time).into()) == time;
        let wrong = self.optional.iter().find_map(|change| match change {
            Config2Change::PreshutdownTimeout(time) if !fits(*time) => Some("the preshutdown time-out"),
            Config2Change::FailureActions(FailureActionsChange { actions: Some((_, actions)), .. })
                if !actions.iter().all(|action| fits(action.delay)) =>
            {
                Some("the delay of a failure action")
            }
            _ => None,
        });
        let Some(what) = wrong else { return Ok(()) };
        let cause = format!("{what} is whole milliseconds, at most {}", u32::MAX);
        Err(Box::new(Error::new("save service", Win32Error::INVALID_PARAMETER).cause(cause)))
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use svckit_core::failure::{ActionType, FailureAction, ResetPeriod};

    use super::*;

    #[test]
    fn failure_actions_are_set_in_parts() {
        let mut edits = Edits::default();
        let part = |change: FailureActionsChange| Setting::Optional(Config2Change::FailureActions(change));
        let command = |text: &str| FailureActionsChange { command: Some(text.into()), ..Default::default() };
        edits.add(part(command("one")));
        edits.add(part(FailureActionsChange { reboot_message: Some(String::new()), ..Default::default() }));
        edits.add(part(command("two")));
        let both = FailureActionsChange {
            reboot_message: Some(String::new()),
            command: Some("two".into()),
            actions: None,
        };
        assert_eq!(edits.optional, [Config2Change::FailureActions(both)]);
    }

    #[test]
    fn a_security_descriptor_is_set_in_parts() {
        let mut edits = Edits::default();
        for text in ["O:BAD:(A;;GA;;;BA)", "D:(A;;GR;;;WD)", "S:(ML;;NW;;;HI)", "G:SY"] {
            edits.add(text.parse::<SecurityDescriptor>().unwrap().into());
        }
        assert_eq!(edits.security.unwrap().to_string(), "O:BAG:SYD:(A;;GR;;;WD)S:(ML;;NW;;;HI)");
    }

    #[test]
    fn a_time_that_the_service_api_has_no_number_for_is_refused() {
        let longest = Duration::from_millis(u32::MAX.into());
        for (time, is_right) in [
            (Duration::ZERO, true),
            (longest, true),
            (longest + Duration::from_millis(1), false),
            (Duration::MAX, false),
            (Duration::from_micros(1), false),
        ] {
            let action = FailureAction { kind: ActionType::RESTART, delay: time };
            let actions = FailureActionsChange {
                actions: Some((ResetPeriod::Never, vec![action])),
                ..Default::default()
            };
            for change in [Config2Change::PreshutdownTimeout(time), Config2Change::FailureActions(actions)] {
                let mut edits = Edits::default();
                edits.add(change.into());
                assert_eq!(edits.check().is_ok(), is_right, "{time:?}");
            }
        }
    }
}
