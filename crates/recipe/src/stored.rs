//! From what is installed back to the definition that says it.

use std::path::{Path, PathBuf};

use svckit_core::config::{Config2, LOCAL_SYSTEM, ServiceConfig};
use svckit_core::definition::{HostDefinition, LogTarget};
use svckit_core::kind::{ServiceType, StartType};
use svckit_core::name::ServiceName;

use crate::definition::{Hosted, LogSettings, Process, Runs, ServiceDefinition, StartMode};
use crate::platform::Platform;

/// A service as a service control manager has it.
#[derive(Debug, Clone, Copy)]
pub struct Stored<'a> {
    /// The key name.
    pub name: &'a ServiceName,
    /// The basic configuration.
    pub config: &'a ServiceConfig,
    /// The optional configuration, each level that the service control manager knows.
    pub optional: &'a [Config2],
    /// What its host was given, if svckit hosts it.
    pub host: Option<&'a HostDefinition>,
    /// Where its output goes if its definition doesn't say.
    pub default_log: &'a Path,
}

/// Something about a service that a definition has no words for.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a definition can't say {0}")]
pub struct Inexpressible(String);

impl ServiceDefinition {
    /// The definition from which a new service would be made like a stored one. What is as it is for a new service is left out; a password isn't stored where
    /// anybody could read it.
    pub fn from_stored(stored: &Stored<'_>, platform: Platform) -> Result<Self, Inexpressible> {
        let Stored { config, host, .. } = stored;
        let runs = match host {
            Some(host) => hosted(host, stored.default_log, platform)?.into(),
            None => Runs::BinaryPath(config.image_path.clone()),
        };
        let base = Self::new(stored.name.clone(), runs);
        let account = config.account.clone().filter(|account| !account.eq_ignore_ascii_case(LOCAL_SYSTEM));
        let mut service = Self {
            display_name: config.display_name.clone(),
            dependencies: config.dependencies.clone(),
            // One that was given the system's account since needs no password.
            password: host.and_then(|host| host.account_password.clone()).filter(|_| account.is_some()),
            account,
            process: process(config.service_type)?,
            start: start(config.start_type, stored.optional)?,
            error_control: config.error_control,
            group: config.load_order_group.clone(),
            tag: config.tag != 0,
            ..base
        };
        for value in stored.optional {
            service.take(value);
        }
        Ok(service)
    }

    /// Takes over a level of the optional configuration; when it is started was told with the start type.
    fn take(&mut self, value: &Config2) {
        match value {
            Config2::Description(text) => {
                self.description = text.clone().filter(|text| !text.is_empty());
            }
            Config2::FailureActions(actions) => self.recovery = actions.clone(),
            Config2::FailureActionsFlag(on) => self.recovery_on_error = *on,
            Config2::Sid(kind) => self.sid = *kind,
            Config2::RequiredPrivileges(names) => self.privileges.clone_from(names),
            Config2::PreshutdownTimeout(time) => self.preshutdown = *time,
            Config2::Triggers(all) => self.triggers.clone_from(all),
            Config2::PreferredNode(node) => self.preferred_node = *node,
            Config2::LaunchProtected(kind) => self.launch_protection = *kind,
            Config2::DelayedAutoStart(_) => {}
        }
    }
}

/// What a host was given, as a definition says it.
fn hosted(host: &HostDefinition, default_log: &Path, platform: Platform) -> Result<Hosted, Inexpressible> {
    Ok(Hosted {
        restart: host.restart.clone(),
        stop: host.stop.clone(),
        tree: host.tree.clone(),
        limits: host.limits.clone(),
        ready: host.ready.clone(),
        health: host.health.clone(),
        log: log(host, default_log)?,
        controls: host.controls.clone(),
        system_events: host.system_events.clone(),
        hooks: host.hooks.clone(),
        schedule: host.schedule.clone(),
        ..Hosted::new(host.program.clone(), platform)
    })
}

fn process(service_type: ServiceType) -> Result<Process, Inexpressible> {
    match service_type {
        ServiceType::WIN32_OWN_PROCESS => Ok(Process::Own),
        ServiceType::WIN32_SHARE_PROCESS => Ok(Process::Share),
        other => Err(Inexpressible(format!("that its type is {other}"))),
    }
}

/// Absent for a start that has to be asked for.
fn start(start_type: StartType, optional: &[Config2]) -> Result<Option<StartMode>, Inexpressible> {
    match start_type {
        StartType::AUTO_START if optional.contains(&Config2::DelayedAutoStart(true)) => {
            Ok(Some(StartMode::Delayed))
        }
        StartType::AUTO_START => Ok(Some(StartMode::Auto)),
        StartType::DEMAND_START => Ok(None),
        StartType::DISABLED => Ok(Some(StartMode::Disabled)),
        other => Err(Inexpressible(format!("that its start type is {other}"))),
    }
}

fn log(host: &HostDefinition, default_log: &Path) -> Result<LogSettings, Inexpressible> {
    let file = |target: &LogTarget, stream: &str| match target {
        LogTarget::File(file) => Ok((file != default_log).then(|| file.clone())),
        LogTarget::Discard => Err(Inexpressible(format!("that its standard {stream} goes nowhere"))),
    };
    let (stdout, stderr): (Option<PathBuf>, Option<PathBuf>) =
        (file(&host.log.stdout, "output")?, file(&host.log.stderr, "error")?);
    Ok(host.log.clone().with_targets(stdout, stderr))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Definition, toml};
    use svckit_core::image_path::ImagePath;
    use svckit_core::kind::SidType;

    const LOG: &str = "/state/logs/shop.log";

    fn definition() -> Definition {
        let text = "[service.shop]\nrun = ['/usr/bin/shop']\ndisplay-name = 'Shop'\ndescription = 'The shop'\nstart = 'delayed'\n\
                    depends-on = ['db']\naccount = 'shop'\nprocess = 'share'\nenvironment = { PORT = '80' }\n\
                    [service.shop.restart]\ndelay = '1s'\n[service.shop.stop]\nladder = [{ ctrl-c = '5s' }]\ntree = { leave = ['updater'] }\n\
                    [service.shop.limits]\npriority = 'idle'\naffinity = [1, 0]\nfiles = 9\ncore = 'none'\nmemory = '1GB'\ncpu = '50%'\nprocesses = 9\n\
                    [service.shop.ready]\ntcp = '[::1]:80'\n[service.shop.log]\nstderr-file = 'err.log'\nkeep = { count = 3 }\n\
                    [service.shop.controls]\nreload = 'signal:HUP'\n[service.shop.hooks]\npre-start = 'bin/up'\n[service.shop.schedule]\nrestart = 'sun 04:00'\n\
                    [service.shop.recovery]\nactions = [{ restart = '5s' }]\non-stop-with-error = true\n\
                    [service.shop.windows]\npreshutdown = '1m'\nprivileges = ['SeBackupPrivilege']\nsid-type = 'restricted'\n\
                    error-control = 'ignore'\npreferred-node = 2\nlaunch-protection = 'antimalware-light'\ntriggers = ['start/tcp/80', 'stop/domainleave']\n";
        toml::parse("/srv/service.toml", text, Platform::Unix).unwrap()
    }

    /// The definition of what would be installed.
    fn back(
        service: &ServiceDefinition,
        change: impl FnOnce(&mut ServiceConfig, &mut Vec<Config2>, &mut HostDefinition),
    ) -> Result<ServiceDefinition, Inexpressible> {
        let mut config = service.config(ImagePath::new("svc host run").unwrap());
        let mut optional = service.config2();
        let mut host = service.host(Path::new(LOG), Path::new("/srv/service.toml")).unwrap();
        change(&mut config, &mut optional, &mut host);
        let stored = Stored {
            name: &service.name,
            config: &config,
            optional: &optional,
            host: Some(&host),
            default_log: Path::new(LOG),
        };
        ServiceDefinition::from_stored(&stored, Platform::Unix)
    }

    #[test]
    fn what_was_installed_comes_back() {
        let mut service = definition().services.remove(0);
        service.places = crate::Places::default();
        assert_eq!(back(&service, |_, _, _| {}).unwrap(), service);
        // What is said although it is so anyway is left out.
        service.start = Some(StartMode::Manual);
        service.account = Some("localsystem".to_owned());
        let left_out = ServiceDefinition { start: None, account: None, ..service.clone() };
        assert_eq!(back(&service, |_, _, _| {}).unwrap(), left_out);
    }

    #[test]
    fn a_tag_is_wanted_again() {
        let service = definition().services.remove(0);
        assert!(back(&service, |config, _, _| config.tag = 7).unwrap().tag);
    }

    #[test]
    fn what_a_definition_can_not_say_is_told() {
        let service = definition().services.remove(0);
        let told = |change: fn(&mut ServiceConfig, &mut Vec<Config2>, &mut HostDefinition)| {
            back(&service, change).unwrap_err().to_string()
        };
        assert_eq!(
            told(|config, _, _| config.service_type = ServiceType(0x110)),
            "a definition can't say that its type is WIN32_OWN_PROCESS|INTERACTIVE_PROCESS"
        );
        assert_eq!(
            told(|config, _, _| config.start_type = StartType::BOOT_START),
            "a definition can't say that its start type is BOOT_START"
        );
        assert_eq!(
            told(|_, _, host| host.log.stdout = LogTarget::Discard),
            "a definition can't say that its standard output goes nowhere"
        );
        let unknown = back(&service, |_, optional, _| optional.push(Config2::Sid(SidType(9)))).unwrap();
        assert!(toml::write(&[unknown], Platform::Unix).is_err());
    }
}
