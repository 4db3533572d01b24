//! The settings of the service control manager, from `scm.toml` in the state directory. All are optional.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;
use svckit_core::name::{GroupName, ServiceName};

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
    /// Clients of the network.
    pub(crate) network: Network,
}

/// Whether and how clients of the network are served.
#[derive(Debug, Clone, PartialEq, Deserialize)]
#[serde(deny_unknown_fields, rename_all = "kebab-case", default)]
pub(crate) struct Network {
    /// Where to listen; nowhere if there is none. Port 0: any that is free.
    pub(crate) listen: Vec<SocketAddr>,
    /// Where to tell the ports of `listen`.
    pub(crate) endpoint_mapper: Vec<SocketAddr>,
    /// These may be addresses that other machines reach.
    pub(crate) allow_network: bool,
    /// The keys of this machine, for clients with Kerberos; without it there is NTLM alone.
    pub(crate) keytab: Option<PathBuf>,
    /// How many connections there may be.
    pub(crate) max_connections: usize,
    /// How many of one address.
    pub(crate) max_connections_per_address: usize,
    /// How long somebody has to show who it is, in seconds.
    #[serde(with = "seconds")]
    pub(crate) logon_timeout: Duration,
    /// How long somebody may take nothing of what is sent to it, in seconds.
    #[serde(with = "seconds")]
    pub(crate) send_timeout: Duration,
    /// Services about which access lists alone decide, also for callers who are no administrators.
    pub(crate) remote_access_exemptions: Vec<ServiceName>,
}

impl Default for Network {
    fn default() -> Self {
        Self {
            listen: Vec::new(),
            endpoint_mapper: Vec::new(),
            allow_network: false,
            keytab: None,
            max_connections: 1024,
            max_connections_per_address: 128,
            logon_timeout: Duration::from_secs(10),
            send_timeout: Duration::from_secs(30),
            remote_access_exemptions: Vec::new(),
        }
    }
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
            network: Network::default(),
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
        std::fs::write(&path, "[network]\nlisten = [\"127.0.0.1:0\"]\n").unwrap();
        let settings = Settings::load(&path).unwrap();
        assert_eq!(settings.network.listen, ["127.0.0.1:0".parse().unwrap()]);
        std::fs::write(&path, "[network]\nlisten = [\"localhost:0\"]\n").unwrap();
        let error = Settings::load(&path).unwrap_err().to_string();
        assert!(error.contains("line 2") && error.contains("address"), "{error}");
        std::fs::write(&path, "reboot-command = []\n").unwrap();
        assert!(Settings::load(&path).is_err());
    }
}
