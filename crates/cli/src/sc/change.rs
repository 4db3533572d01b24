//! Commands that change: starting, controlling, creating, configuring, deleting.

use svckit_core::access::ServiceAccess;
use svckit_core::backend::Service;
use svckit_core::config::{
    Config2, Config2Change, Config2Level, ConfigChange, LOCAL_SYSTEM, NewService, ServiceConfig,
};
use svckit_core::control::Control;
use svckit_core::image_path::ImagePath;
use svckit_core::kind::{ErrorControl, ServiceType, StartType};
use svckit_core::name::{DisplayName, ServiceName};
use svckit_core::reason::StopReason;
use svckit_core::rights;
use svckit_core::secret::Secret;
use svckit_core::win32::Win32Error;
use svckit_manager::install::{self, InstallPlan};
use svckit_recipe::Platform;

use super::Session;
use super::answer::Answer;
use super::command::Settings;
use super::wrong::Wrong;
use crate::accounts;

const DELAYED_IN_GROUP: &str =
    "a service in a load order group can't have delayed automatic start: leave out group=, or delayed-auto";

impl Session<'_> {
    pub(super) fn start(&mut self, name: String, arguments: &[String]) -> Result<Answer, Wrong> {
        let service = self.open(&name, ServiceAccess::START | ServiceAccess::QUERY_STATUS)?;
        service.start(arguments).map_err(|error| Wrong::call("StartService", error).service(&name))?;
        let status =
            service.status().map_err(|error| Wrong::call("QueryServiceStatusEx", error).service(&name))?;
        let service = self.with_display_name(name, status)?;
        Ok(Answer::Status { service, extended: true })
    }

    pub(super) fn control(&mut self, name: String, control: Control) -> Result<Answer, Wrong> {
        let access = rights::for_control(control).map_err(|code| {
            Wrong::refused("ControlService", code, format!("{control} can't be sent to a service"))
        })?;
        let service = self.open(&name, access)?;
        let status =
            service.control(control).map_err(|error| Wrong::call("ControlService", error).service(&name))?;
        let service = self.with_display_name(name, status)?;
        Ok(Answer::Status { service, extended: false })
    }

    pub(super) fn stop(&mut self, name: String, reason: &StopReason) -> Result<Answer, Wrong> {
        const CALL: &str = "ControlServiceEx";
        let service = self.open(&name, ServiceAccess::STOP)?;
        let status = service.stop(reason).map_err(|error| Wrong::call(CALL, error).service(&name))?;
        let service = self.with_display_name(name, status)?;
        Ok(Answer::Status { service, extended: false })
    }

    pub(super) fn delete(&mut self, name: String) -> Result<Answer, Wrong> {
        let service = self.open(&name, ServiceAccess::DELETE)?;
        service.delete().map_err(|error| Wrong::call("DeleteService", error).service(&name))?;
        Ok(Answer::Done { call: "DeleteService", name })
    }

    pub(super) fn set(&mut self, name: String, change: &Config2Change) -> Result<Answer, Wrong> {
        let service = self.open(&name, rights::for_config2_change(change))?;
        let done = service.change_config2(change);
        done.map_err(|error| Wrong::call("ChangeServiceConfig2", error).service(&name))?;
        self.warn_of_triggers(change);
        Ok(Answer::Done { call: "ChangeServiceConfig2", name })
    }

    /// What is stored and has no effect is better said at once.
    fn warn_of_triggers(&mut self, change: &Config2Change) {
        let Config2Change::Triggers(all) = change else { return };
        if self.app.surroundings.platform == Platform::Windows {
            return;
        }
        for trigger in all.iter().filter(|trigger| !trigger.is_carried_out()) {
            let text = trigger.to_text().unwrap_or_else(|| trigger.kind.to_string());
            self.warnings.push(format!("{text} is stored, and nothing happens because of it: the service control manager sees no such events"));
        }
    }

    /// Creates a service: whole, or not at all.
    pub(super) fn create(&mut self, name: &str, settings: Settings) -> Result<Answer, Wrong> {
        const CALL: &str = "CreateService";
        let key = ServiceName::new(name);
        let key = key.map_err(|error| Wrong::refused(CALL, error.code(), error.to_string()).service(name))?;
        let delayed = settings.start.is_some_and(|start| start.delayed);
        if delayed && matches!(settings.group, Some(Some(_))) {
            return Err(Wrong::refused(CALL, Win32Error::INVALID_PARAMETER, DELAYED_IN_GROUP).service(name));
        }
        let Some(image_path) = settings.image_path.clone() else {
            return Err(Wrong::usage("binpath= is missing"));
        };
        self.warn(&settings);
        let (account, password) = self.account(&settings);
        let service_type = settings.service_type.unwrap_or(ServiceType::WIN32_OWN_PROCESS);
        let config = ServiceConfig {
            service_type,
            start_type: settings.start.map_or(StartType::DEMAND_START, |start| start.start_type),
            error_control: settings.error_control.unwrap_or(ErrorControl::NORMAL),
            image_path,
            load_order_group: settings.group.flatten(),
            tag: 0,
            dependencies: settings.dependencies.unwrap_or_default(),
            account: account.or_else(|| service_type.is_win32().then(|| LOCAL_SYSTEM.to_owned())),
            display_name: settings.display_name.flatten().unwrap_or_else(|| DisplayName::from(key.clone())),
        };
        let service = NewService { name: key, config, want_tag: settings.want_tag, password };
        let config2 = delayed.then_some(Config2Change::DelayedAutoStart(true)).into_iter().collect();
        let plan = InstallPlan { service, config2, security: None, definition: None };
        let backend = self.app.backend().map_err(|error| Wrong::call("OpenSCManager", error))?;
        let installed =
            install::install(backend, &plan).map_err(|error| Wrong::call(CALL, error).service(name))?;
        self.warnings.extend(installed.warnings.iter().map(ToString::to_string));
        Ok(Answer::Done { call: CALL, name: name.to_owned() })
    }

    pub(super) fn config(&mut self, name: String, settings: Settings) -> Result<Answer, Wrong> {
        const CALL: &str = "ChangeServiceConfig";
        let service = self.open(&name, ServiceAccess::QUERY_CONFIG | ServiceAccess::CHANGE_CONFIG)?;
        let present =
            service.config().map_err(|error| Wrong::call("QueryServiceConfig", error).service(&name))?;
        let was_delayed =
            matches!(service.config2(Config2Level::DELAYED_AUTO_START), Ok(Config2::DelayedAutoStart(true)));
        let delayed = settings.start.map_or(was_delayed, |start| start.delayed);
        let group = settings.group.as_ref().unwrap_or(&present.load_order_group);
        if delayed && group.is_some() {
            return Err(Wrong::refused(CALL, Win32Error::INVALID_PARAMETER, DELAYED_IN_GROUP).service(&name));
        }
        self.warn(&settings);
        let change = self.change(&name, settings, &present)?;
        // With a group a service can't be delayed, so that goes first, and comes last.
        if was_delayed && !delayed {
            set_delayed(&*service, &name, false)?;
        }
        if let Err(error) = service.change_config(&change) {
            let wrong = Wrong::call(CALL, error).service(&name);
            let back = if was_delayed && !delayed { set_delayed(&*service, &name, true) } else { Ok(()) };
            return Err(match back {
                Ok(()) => wrong,
                Err(second) => wrong.because(&format!("the delayed start is off now: {}", second.reason())),
            });
        }
        if delayed && !was_delayed {
            let rest = "everything else is set, the delayed start is not";
            set_delayed(&*service, &name, true).map_err(|wrong| wrong.because(rest))?;
        }
        Ok(Answer::Done { call: CALL, name })
    }

    /// The change of an existing service. One that leaves the local system's account can't interact with the desktop any more.
    fn change(
        &mut self,
        name: &str,
        settings: Settings,
        present: &ServiceConfig,
    ) -> Result<ConfigChange, Wrong> {
        let (account, password) = self.account(&settings);
        let interactive = present.service_type.contains(ServiceType::INTERACTIVE_PROCESS);
        let full = account.as_deref().map(|account| accounts::written(Platform::Windows, account));
        let leaves = full.is_some_and(|account| account != LOCAL_SYSTEM);
        let mut service_type = settings.service_type;
        if interactive && leaves && service_type.is_none() {
            service_type = Some(present.service_type.without(ServiceType::INTERACTIVE_PROCESS));
            self.warnings
                .push(format!("{name} does not interact with the desktop any more: only LocalSystem may"));
        }
        let display_name = match settings.display_name {
            None => None,
            Some(Some(given)) => Some(given),
            Some(None) => {
                let bad = |error: svckit_core::name::NameError| {
                    Wrong::refused("ChangeServiceConfig", error.code(), error.to_string())
                };
                Some(DisplayName::new(name).map_err(bad)?)
            }
        };
        Ok(ConfigChange {
            service_type,
            start_type: settings.start.map(|start| start.start_type),
            error_control: settings.error_control,
            image_path: settings.image_path,
            load_order_group: settings.group,
            want_tag: settings.want_tag,
            dependencies: settings.dependencies,
            account,
            password,
            display_name,
        })
    }

    /// The account as the service API takes it, with its password: for one of the system's own that has to be empty, not absent.
    fn account(&mut self, settings: &Settings) -> (Option<String>, Option<Secret>) {
        let platform = self.app.surroundings.platform;
        let Some(said) = &settings.account else { return (None, settings.password.clone()) };
        let account = accounts::written(platform, said);
        if !accounts::has_empty_password(&account) {
            return (Some(account), settings.password.clone());
        }
        if settings.password.as_ref().is_some_and(|password| !password.is_empty()) {
            self.warnings.push(format!("{account} has no password, so password= is left out"));
        }
        (Some(account), Some(Secret::from("")))
    }

    /// What is allowed and known for doing harm.
    fn warn(&mut self, settings: &Settings) {
        if let Some(path) = settings.image_path.as_ref().and_then(ImagePath::unquoted_program) {
            self.warnings.push(format!(
                "the path of the program has blanks and no quotes, so another program may be run in its place: write binpath= \"\\\"{path}\\\" …\""
            ));
        }
        if settings.password.as_ref().is_some_and(|password| !password.is_empty()) {
            self.warnings.push("others can see a password on a command line".to_owned());
        }
    }
}

fn set_delayed(service: &dyn Service, name: &str, delayed: bool) -> Result<(), Wrong> {
    let done = service.change_config2(&Config2Change::DelayedAutoStart(delayed));
    done.map_err(|error| Wrong::call("ChangeServiceConfig2", error).service(name))
}
