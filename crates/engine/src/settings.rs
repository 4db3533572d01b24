//! The settings of the service control manager, from `scm.toml` in the state directory. All are optional.

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;
use svckit_core::name::GroupName;

use crate::error::ServeError;

/// What can be set.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Settings {
    /// How long a service's process has to connect, in seconds.
    #[serde(with = "seconds")]
    pub(crate) start_timeout: Duration,
    /// How long a service has to answer a control, in seconds.
    #[serde(with = "seconds")]
    pub(crate) control_timeout: Duration,
    /// How long after the others services with delayed automatic start are started, in seconds.
    #[serde(with = "seconds")]
    pub(crate) delayed_start_delay: Duration,
    /// How long a service without progress has at shutdown, in seconds; its wait hint if that is longer.
    #[serde(with = "seconds")]
    pub(crate) shutdown_timeout: Duration,
    /// The command for the failure action that restarts the machine; without one it is refused.
    pub(crate) reboot_command: Option<Vec<String>>,
    /// The load order groups, first to last; groups that are not listed come after these.
    pub(crate) group_order: Vec<GroupName>,
    /// How many events are kept.
    pub(crate) events_kept: u32,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            start_timeout: Duration::from_secs(30),
            control_timeout: Duration::from_secs(30),
            delayed_start_delay: Duration::from_secs(120),
            shutdown_timeout: Duration::from_secs(20),
            reboot_command: None,
            group_order: Vec::new(),
            events_kept: 10_000,
        }
    }
}

impl Settings {
    /// Reads the file; the defaults if there is none.
    pub(crate) fn load(path: &Path) -> Result<Self, ServeError> {
        let refuse = |reason: String| ServeError::Settings { path: path.to_owned(), reason };
        let text = match std::fs::read_to_string(path) {
            Ok(text) => text,
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => return Ok(Self::default()),
            Err(error) => return Err(refuse(error.to_string())),
        };
        let settings: Self = toml::from_str(&text).map_err(|error| refuse(error.to_string()))?;
        if settings.reboot_command.as_ref().is_some_and(Vec::is_empty) {
            return Err(refuse("reboot-command is empty; leave it out to refuse a reboot".to_owned()));
        }
        Ok(settings)
    }
}

mod seconds {
    use std::time::Duration;

    use serde::{Deserialize, Deserializer, de::Error};

    pub(super) fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
        let seconds = f64::deserialize(deserializer)?;
        Duration::try_from_secs_f64(seconds).map_err(|_| D::Error::custom("not a number of seconds"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn settings_are_read_and_mistakes_are_placed() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("scm.toml");
        assert_eq!(Settings::load(&path).unwrap(), Settings::default());
        std::fs::write(&path, "start-timeout = 1.5\ngroup-order = [\"Network\"]\n").unwrap();
        let settings = Settings::load(&path).unwrap();
        assert_eq!(settings.start_timeout, Duration::from_millis(1500));
        assert_eq!(settings.group_order, [GroupName::new("network").unwrap()]);
        std::fs::write(&path, "start-timeuot = 1\n").unwrap();
        let error = Settings::load(&path).unwrap_err().to_string();
        assert!(error.contains("line 1") && error.contains("start-timeout"), "{error}");
        std::fs::write(&path, "control-timeout = -1.0\n").unwrap();
        assert!(Settings::load(&path).is_err());
        std::fs::write(&path, "reboot-command = []\n").unwrap();
        assert!(Settings::load(&path).is_err());
    }
}
