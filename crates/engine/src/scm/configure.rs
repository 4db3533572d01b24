//! Creating services and changing what is stored of them. Nothing is acknowledged before it is on the disk.

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::config::{Config2Change, ConfigChange, LOCAL_SYSTEM, NewService, ServiceConfig};
use svckit_core::definition::HostDefinition;
use svckit_core::failure::{ActionType, FailureActionsChange};
use svckit_core::kind::{ErrorControl, ServiceType, SidType, StartType};
use svckit_core::native::{EventId, Level};
use svckit_core::order::Cycle;
use svckit_core::rights;
use svckit_core::status::NotifyMask;
use svckit_core::trigger;
use svckit_core::win32::Win32Error;
use svckit_os::process::Credentials;

use super::{ConnectionId, HandleId, Scm, Service};
use crate::error::Failure;
use crate::store::{Extra, Record};

/// The most failure actions that a service may have (`cActions`, [MS-SCMR] 2.2.40).
const MAX_ACTIONS: usize = 1024;

/// How many NUMA nodes Windows counts at most (`MAXIMUM_NODE_COUNT`).
const NODES: u16 = 64;

impl Scm {
    /// Takes a stored service in when the service control manager starts.
    pub(super) fn admit(&mut self, record: Record) {
        let key = record.name.folded();
        if let Err(cycle) = self.order.insert(Service::member(&record)) {
            // It can't have been stored so; without its dependencies it can be looked at and mended.
            tracing::error!("service {:?}: {cycle}; its dependencies are left out", record.name.as_str());
            let alone = svckit_core::order::Member { dependencies: Vec::new(), ..Service::member(&record) };
            let _ = self.order.insert(alone);
        }
        self.display_names.insert(record.config.display_name.folded(), key.clone());
        self.services.insert(key, Service::new(record));
    }

    /// Creates a service ([MS-SCMR] 3.1.4.12) and opens it; the tag is zero if none was wanted.
    pub(crate) fn create(
        &mut self,
        connection: ConnectionId,
        manager: HandleId,
        new: NewService,
        wanted: ServiceAccess,
    ) -> Result<(HandleId, u32), Failure> {
        let token = self.check_manager(connection, manager, ManagerAccess::CREATE_SERVICE)?;
        self.refuse_while_stopping()?;
        rights::grant_service(&rights::SERVICE_SECURITY, &token, wanted)?;
        let key = new.name.folded();
        if let Some(existing) = self.services.get(&key) {
            return Err(if existing.record.delete_pending {
                Win32Error::SERVICE_MARKED_FOR_DELETE.into()
            } else {
                Win32Error::SERVICE_EXISTS.into()
            });
        }
        let mut config = new.config;
        if config.account.is_none() && config.service_type.is_win32() {
            config.account = Some(LOCAL_SYSTEM.to_owned());
        }
        check_config(&config)?;
        check_account(&config)?;
        self.check_names(&key, &config)?;
        config.tag = self.choose_tag(&config, new.want_tag, 0)?;
        let record = Record {
            name: new.name,
            config,
            extra: Extra::default(),
            definition: None,
            delete_pending: false,
            security: None,
        };
        self.order.insert(Service::member(&record)).map_err(circular)?;
        // From here on the order knows the service: whatever fails takes it out again.
        let opened = match self.store.put(&record) {
            Ok(()) => {
                self.added(record);
                self.open_by_key(connection, token, key.clone(), wanted)
            }
            Err(error) => {
                self.order.remove(&record.name);
                return Err(not_stored(&error));
            }
        };
        let tag = self.service(&key)?.record.config.tag;
        Ok((opened?, tag))
    }

    fn added(&mut self, record: Record) {
        let key = record.name.folded();
        let config = &record.config;
        let text = format!(
            "service {:?} was installed: image path {}, start type {}, account {}",
            record.name.as_str(),
            config.image_path,
            config.start_type,
            config.account.as_deref().unwrap_or("none"),
        );
        self.record_event(Some(&record.name.clone()), EventId::INSTALLED, Level::Information, text);
        self.display_names.insert(config.display_name.folded(), key.clone());
        let name = record.name.clone();
        let mut service = Service::new(record);
        // What is created in a session is for the next one to start.
        service.attempted = true;
        self.services.insert(key.clone(), service);
        self.mark_dirty(&key);
        self.notify_manager(NotifyMask::CREATED, &name);
        self.reconsider_starts();
    }

    /// Changes the basic configuration ([MS-SCMR] 3.1.4.11); the tag is zero if none was wanted.
    pub(crate) fn change_config(
        &mut self,
        connection: ConnectionId,
        id: HandleId,
        change: ConfigChange,
    ) -> Result<u32, Failure> {
        let key = self.check_service(connection, id, ServiceAccess::CHANGE_CONFIG)?;
        let before = self.changeable(&key)?;
        let want_tag = change.want_tag;
        let moved = change.load_order_group.is_some();
        let account_changed = change.account.is_some();
        let mut record = before.clone();
        apply(&mut record.config, change);
        check_config(&record.config)?;
        check_type(&before, &record)?;
        if account_changed {
            check_account(&record.config)?;
        }
        self.check_names(&key, &record.config)?;
        if record.extra.delayed_auto_start && record.config.load_order_group.is_some() {
            let cause = "a service with delayed automatic start can't be in a load order group";
            return Err(Failure::new(Win32Error::INVALID_PARAMETER, cause));
        }
        let kept = if moved { 0 } else { record.config.tag };
        record.config.tag = self.choose_tag(&record.config, want_tag, kept)?;
        let tag = if want_tag { record.config.tag } else { 0 };
        let (old, new) = (before.config.start_type, record.config.start_type);
        let name = record.name.clone();
        self.replace(record)?;
        if old != new {
            let text =
                format!("the start type of service {:?} was changed from {old} to {new}", name.as_str());
            self.record_event(Some(&name), EventId::START_TYPE_CHANGED, Level::Information, text);
        }
        Ok(tag)
    }

    /// Changes one level of the optional configuration ([MS-SCMR] 3.1.4.35).
    pub(crate) fn change_config2(
        &mut self,
        connection: ConnectionId,
        id: HandleId,
        change: Config2Change,
    ) -> Result<(), Failure> {
        let key = self.check_service(connection, id, rights::for_config2_change(&change))?;
        let mut record = self.changeable(&key)?;
        check_config2(&record.config, &change)?;
        let triggers = matches!(change, Config2Change::Triggers(_));
        record.extra.apply(change);
        self.replace(record)?;
        if triggers {
            self.tell_of_ignored(&key);
        }
        Ok(())
    }

    /// Stores the definition of a service's program.
    pub(super) fn set_definition(
        &mut self,
        key: &str,
        definition: Option<Box<HostDefinition>>,
    ) -> Result<(), Failure> {
        let mut record = self.changeable(key)?;
        record.definition = definition;
        self.replace(record)
    }

    pub(super) fn changeable(&self, key: &str) -> Result<Record, Failure> {
        self.refuse_while_stopping()?;
        let record = &self.service(key)?.record;
        if record.delete_pending {
            return Err(Win32Error::SERVICE_MARKED_FOR_DELETE.into());
        }
        Ok(record.clone())
    }

    /// Puts a changed record in place of the one before: on the disk, in the order, and in memory, or nowhere.
    pub(super) fn replace(&mut self, record: Record) -> Result<(), Failure> {
        let key = record.name.folded();
        let before = Service::member(&self.service(&key)?.record);
        let after = Service::member(&record);
        let moved = before != after;
        self.order.insert(after).map_err(circular)?;
        if let Err(error) = self.store.put(&record) {
            // It was there a moment ago, so it can't be a circle.
            let _ = self.order.insert(before);
            return Err(not_stored(&error));
        }
        if let Some(service) = self.services.get_mut(&key) {
            self.display_names.remove(&service.record.config.display_name.folded());
            self.display_names.insert(record.config.display_name.folded(), key.clone());
            service.record = record;
        }
        if moved {
            self.reconsider_starts();
        }
        self.reconfigured(&key);
        self.mark_changed(&key);
        Ok(())
    }

    /// Neither name may be the key name or the display name of another service.
    fn check_names(&self, key: &str, config: &ServiceConfig) -> Result<(), Failure> {
        let display = config.display_name.folded();
        let taken = |name: &str| {
            let by_key = self.services.get_key_value(name).map(|(key, _)| key);
            by_key.or(self.display_names.get(name)).filter(|owner| *owner != key)
        };
        match taken(&display).or_else(|| taken(key)) {
            None => Ok(()),
            Some(owner) => {
                let owner = self.service(owner)?.name().as_str();
                let cause =
                    format!("the name is in use by service {owner:?}, as its name or its display name");
                Err(Failure::new(Win32Error::DUPLICATE_SERVICE_NAME, cause))
            }
        }
    }

    fn choose_tag(&self, config: &ServiceConfig, wanted: bool, kept: u32) -> Result<u32, Failure> {
        match (&config.load_order_group, wanted) {
            (Some(group), true) => Ok(self.order.free_tag(group)),
            (None, true) => Err(Failure::new(
                Win32Error::INVALID_PARAMETER,
                "a tag is unique in a load order group, and there is none",
            )),
            (_, false) => Ok(kept),
        }
    }
}

pub(super) fn not_stored(error: &rusqlite::Error) -> Failure {
    tracing::error!("cannot store a change: {error}");
    let code = match error.sqlite_error_code() {
        Some(rusqlite::ErrorCode::DiskFull) => Win32Error::DISK_FULL,
        Some(rusqlite::ErrorCode::ReadOnly) => Win32Error::WRITE_PROTECT,
        _ => Win32Error::NO_SYSTEM_RESOURCES,
    };
    Failure::new(code, format!("the change could not be stored: {error}"))
}

#[expect(clippy::needless_pass_by_value, reason = "it is what an error is mapped with")]
fn circular(cycle: Cycle) -> Failure {
    Failure::new(Win32Error::CIRCULAR_DEPENDENCY, cycle.to_string())
}

fn apply(config: &mut ServiceConfig, change: ConfigChange) {
    if let Some(value) = change.service_type {
        config.service_type = value;
    }
    if let Some(value) = change.start_type {
        config.start_type = value;
    }
    if let Some(value) = change.error_control {
        config.error_control = value;
    }
    if let Some(value) = change.image_path {
        config.image_path = value;
    }
    if let Some(value) = change.load_order_group {
        config.load_order_group = value;
    }
    if let Some(value) = change.dependencies {
        config.dependencies = value;
    }
    if let Some(value) = change.account {
        config.account = Some(value);
    }
    if let Some(value) = change.display_name {
        config.display_name = value;
    }
}

/// The rules of [MS-SCMR] 3.1.4.12 for values that go together.
fn check_config(config: &ServiceConfig) -> Result<(), Failure> {
    let refuse = |cause: &str| Err(Failure::new(Win32Error::INVALID_PARAMETER, cause));
    let interactive = config.service_type.contains(ServiceType::INTERACTIVE_PROCESS);
    let driver = match config.service_type.without(ServiceType::INTERACTIVE_PROCESS) {
        ServiceType::KERNEL_DRIVER | ServiceType::FILE_SYSTEM_DRIVER => true,
        ServiceType::WIN32_OWN_PROCESS | ServiceType::WIN32_SHARE_PROCESS => false,
        _ => return refuse("the service type is none that a service can have"),
    };
    if interactive && (driver || !is_local_system(config.account.as_deref())) {
        return refuse("only a service of the local system's account may interact with the desktop");
    }
    match config.start_type {
        StartType::AUTO_START | StartType::DEMAND_START | StartType::DISABLED => {}
        StartType::BOOT_START | StartType::SYSTEM_START if driver => {}
        StartType::BOOT_START | StartType::SYSTEM_START => {
            return refuse("only a driver can be started by the loader or the kernel");
        }
        _ => return refuse("the start type is none that a service can have"),
    }
    match config.error_control {
        ErrorControl::IGNORE | ErrorControl::NORMAL | ErrorControl::SEVERE | ErrorControl::CRITICAL => Ok(()),
        _ => refuse("the error control is none that a service can have"),
    }
}

/// The rules of [MS-SCMR] 3.1.4.11 for a type that is changed.
fn check_type(before: &Record, after: &Record) -> Result<(), Failure> {
    let refuse = |cause: &str| Err(Failure::new(Win32Error::INVALID_PARAMETER, cause));
    let kind = after.config.service_type;
    if before.config.service_type.is_win32() && kind.intersects(ServiceType::DRIVER) {
        return refuse("what runs in a process can't become a driver");
    }
    if after.extra.preferred_node.is_some() && kind != ServiceType::WIN32_OWN_PROCESS {
        return refuse("only a service in a process of its own has a preferred node");
    }
    Ok(())
}

fn check_config2(config: &ServiceConfig, change: &Config2Change) -> Result<(), Failure> {
    let refuse = |cause: &str| Err(Failure::new(Win32Error::INVALID_PARAMETER, cause));
    match change {
        Config2Change::DelayedAutoStart(true) if config.load_order_group.is_some() => {
            refuse("a service in a load order group can't have delayed automatic start")
        }
        Config2Change::FailureActions(_) if config.service_type.intersects(ServiceType::DRIVER) => {
            Err(Win32Error::CANNOT_DETECT_DRIVER_FAILURE.into())
        }
        Config2Change::FailureActions(FailureActionsChange { actions: Some((_, actions)), .. }) => {
            if actions.len() > MAX_ACTIONS {
                return refuse("there are too many failure actions");
            }
            let known = |kind| {
                matches!(
                    kind,
                    ActionType::NONE | ActionType::RESTART | ActionType::REBOOT | ActionType::RUN_COMMAND
                )
            };
            if actions.iter().all(|action| known(action.kind)) {
                Ok(())
            } else {
                refuse("a failure action is none that is known")
            }
        }
        Config2Change::Sid(SidType::NONE | SidType::UNRESTRICTED | SidType::RESTRICTED) => Ok(()),
        Config2Change::Sid(_) => refuse("the type of the service identifier is none that is known"),
        Config2Change::Triggers(all) => trigger::check(all)
            .map_err(|wrong| Failure::new(Win32Error::INVALID_PARAMETER, wrong.to_string())),
        Config2Change::PreferredNode(_) if config.service_type != ServiceType::WIN32_OWN_PROCESS => {
            refuse("only a service in a process of its own has a preferred node")
        }
        Config2Change::PreferredNode(Some(NODES..)) => refuse("no machine has a node of that number"),
        Config2Change::LaunchProtected(kind) if kind.name().is_none() => {
            refuse("the launch protection is none that is known")
        }
        _ => Ok(()),
    }
}

/// Who a service's process runs as.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Account<'a> {
    /// Who the service control manager runs as.
    Own,
    /// A user of this machine.
    User(&'a str),
}

/// What the name of an account means here.
pub(super) fn account(name: Option<&str>) -> Account<'_> {
    let Some(name) = name else { return Account::Own };
    if is_local_system(Some(name)) {
        return Account::Own;
    }
    let local = name.strip_prefix(".\\").unwrap_or(name);
    let short = match local.split_once('\\') {
        Some((domain, rest)) if domain.eq_ignore_ascii_case("NT AUTHORITY") => rest,
        _ => local,
    };
    let built_in = ["LocalService", "Local Service", "NetworkService", "Network Service", "SYSTEM"];
    if built_in.iter().any(|known| known.eq_ignore_ascii_case(short)) {
        return Account::Own;
    }
    Account::User(local)
}

fn is_local_system(name: Option<&str>) -> bool {
    name.is_none_or(|name| {
        name.is_empty() || name.strip_prefix(".\\").unwrap_or(name).eq_ignore_ascii_case(LOCAL_SYSTEM)
    })
}

/// An account has to exist when it is set.
fn check_account(config: &ServiceConfig) -> Result<(), Failure> {
    if !config.service_type.is_win32() {
        return Ok(());
    }
    let Account::User(user) = account(config.account.as_deref()) else { return Ok(()) };
    match Credentials::of_user(user) {
        Ok(Some(_)) => Ok(()),
        Ok(None) => {
            let cause = format!("this machine has no user {user:?}");
            Err(Failure::new(Win32Error::INVALID_SERVICE_ACCOUNT, cause))
        }
        Err(error) => {
            let cause = format!("the user {user:?} could not be looked up: {error}");
            Err(Failure::new(Win32Error::INVALID_SERVICE_ACCOUNT, cause))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn built_in_accounts_are_our_own_and_others_are_users() {
        for name in [
            "LocalSystem",
            ".\\localsystem",
            "NT AUTHORITY\\LocalService",
            "networkservice",
            "NT Authority\\System",
        ] {
            assert_eq!(account(Some(name)), Account::Own, "{name}");
        }
        assert_eq!(account(None), Account::Own);
        assert_eq!(account(Some(".\\shop")), Account::User("shop"));
        assert_eq!(account(Some("shop")), Account::User("shop"));
    }
}
