//! What commands print: sc's fixed English form, or the same as JSON.

use serde_json::{Value, json};
use svckit_core::backend::{Enumerated, LockStatus};
use svckit_core::config::{Config2, LOCAL_SYSTEM, ServiceConfig};
use svckit_core::control::ControlsAccepted;
use svckit_core::failure::{ActionType, FailureActions};
use svckit_core::kind::{LaunchProtection, ServiceType, SidType, StartType};
use svckit_core::millis::to_u32;
use svckit_core::security::SecurityDescriptor;
use svckit_core::status::ServiceStatus;

use super::forms::{FORMS, Form};
use super::{database, security};
use crate::failure::Failure;
use crate::report::{ServiceReport, StatusJson};
use crate::table::printable;
use crate::triggers;
use crate::ui::Ui;
use crate::verbs::show;

/// What came of a command.
#[derive(Debug)]
pub(super) enum Answer {
    /// How commands are written.
    Help(Option<&'static Form>),
    /// A call succeeded that answers nothing else.
    Done { call: &'static str, name: String },
    /// Calls succeeded that are about no service.
    AllDone { calls: &'static [&'static str] },
    /// The status of one service.
    Status { service: Enumerated, extended: bool },
    /// Services that were looked for; with a call, how many there are is said.
    Services { call: Option<&'static str>, all: Vec<Enumerated>, extended: bool },
    /// The configuration, and whether an automatic start is delayed.
    Config { name: String, config: Box<ServiceConfig>, delayed: bool },
    /// A level of the optional configuration.
    Optional { name: String, value: Config2 },
    /// A name that was looked up.
    Name { call: &'static str, key: &'static str, value: String },
    /// A security descriptor, and whether each right is told by name.
    Security { name: String, descriptor: Box<SecurityDescriptor>, rights: bool },
    /// Who locks the database.
    Lock(LockStatus),
    /// A service SID.
    Sid { name: String, sid: String },
}

impl Answer {
    pub(super) fn print(&self, ui: &mut Ui) -> Result<(), Failure> {
        if ui.json {
            return ui.print_json(&self.json());
        }
        write!(ui.out(), "{}", self.text())?;
        Ok(())
    }

    fn text(&self) -> String {
        match self {
            Self::Help(None) => FORMS.iter().map(usage).collect(),
            Self::Help(Some(form)) => usage(form),
            Self::Done { call, .. } => format!("[SC] {call} SUCCESS\n"),
            Self::AllDone { calls } => calls.iter().map(|call| format!("[SC] {call} SUCCESS\n")).collect(),
            Self::Status { service, extended } => block(service, false, *extended),
            Self::Services { call, all, extended } => {
                let head = call.map(|call| format!("[SC] {call}: entriesread = {}\n", all.len()));
                let blocks = all.iter().map(|service| block(service, true, *extended));
                head.into_iter().chain(blocks).collect()
            }
            Self::Config { name, config, delayed } => {
                format!("[SC] QueryServiceConfig SUCCESS\n{}", lines(name, &config_lines(config, *delayed)))
            }
            Self::Optional { name, value } => {
                format!("[SC] QueryServiceConfig2 SUCCESS\n{}", lines(name, &optional_lines(value)))
            }
            Self::Name { call, value, .. } => format!("[SC] {call} SUCCESS\nName = {}\n", printable(value)),
            Self::Security { name, descriptor, rights } => security::text(name, descriptor, *rights),
            Self::Lock(status) => database::text(status),
            Self::Sid { name, sid } => format!("\nNAME: {}\nSERVICE SID: {sid}\n", printable(name)),
        }
    }

    fn json(&self) -> Value {
        match self {
            Self::Help(form) => {
                let one = |form: &Form| json!({ "command": form.name, "usage": form.usage });
                form.map_or_else(|| FORMS.iter().map(one).collect(), one)
            }
            Self::Done { call, name } => json!({ "name": name, "call": call, "result": "SUCCESS" }),
            Self::AllDone { calls } => json!({ "calls": calls, "result": "SUCCESS" }),
            Self::Status { service, .. } => status_json(service),
            Self::Services { all, .. } => all.iter().map(status_json).collect(),
            Self::Config { name, config, delayed } => json!({
                "name": name,
                "display_name": config.display_name.as_str(),
                "type": config.service_type.to_string(),
                "start_type": config.start_type.to_string(),
                "delayed_auto_start": delayed,
                "error_control": config.error_control.to_string(),
                "image_path": config.image_path.as_str(),
                "load_order_group": config.load_order_group.as_ref().map(ToString::to_string),
                "tag": config.tag,
                "dependencies": config.dependencies.iter().map(ToString::to_string).collect::<Vec<_>>(),
                "account": config.account,
            }),
            Self::Optional { name, value } => {
                let (key, value) = show::optional_json(value);
                json!({ "name": name, key: value })
            }
            Self::Name { key, value, .. } => json!({ *key: value }),
            Self::Security { name, descriptor, .. } => security::json(name, descriptor),
            Self::Lock(status) => database::json(status),
            Self::Sid { name, sid } => json!({ "name": name, "sid": sid }),
        }
    }
}

fn usage(form: &Form) -> String {
    format!("{}\n", format!("sc {} {}", form.name, form.usage).trim_end())
}

fn status_json(service: &Enumerated) -> Value {
    let report = ServiceReport {
        name: service.name.clone(),
        display_name: service.display_name.clone(),
        status: service.status,
        host: None,
    };
    let mut value = serde_json::to_value(StatusJson::of(&report)).unwrap_or_default();
    value["flags"] = service.status.flags.into();
    value
}

/// A status as sc tells it.
fn block(service: &Enumerated, display_name: bool, extended: bool) -> String {
    let status = &service.status;
    let mut text = format!("\nSERVICE_NAME: {}\n", printable(&service.name));
    if display_name {
        text.push_str(&format!("\tDISPLAY_NAME: {}\n", printable(&service.display_name)));
    }
    let mut line = |label: &str, value: String| {
        text.push_str(format!("\t{label:<19}: {value}").trim_end());
        text.push('\n');
    };
    line("TYPE", service_type(status.service_type));
    line("STATE", format!("{}  {}\n\t\t\t\t({})", status.state.0, status.state, accepted(status)));
    let code = status.win32_exit_code.0;
    line("WIN32_EXIT_CODE", format!("{code}  ({code:#x})"));
    line("SERVICE_EXIT_CODE", format!("{0}  ({0:#x})", status.service_exit_code));
    line("CHECKPOINT", format!("{:#x}", status.checkpoint));
    line("WAIT_HINT", format!("{:#x}", to_u32(status.wait_hint)));
    if extended {
        line("PID", status.pid.to_string());
        let flags = match status.flags {
            0 => String::new(),
            1 => "RUNS_IN_SYSTEM_PROCESS".to_owned(),
            other => format!("{other:#x}"),
        };
        line("FLAGS", flags);
    }
    text
}

fn accepted(status: &ServiceStatus) -> String {
    let accepts = |control| status.controls_accepted.contains(control);
    let mut words = vec![
        if accepts(ControlsAccepted::STOP) { "STOPPABLE" } else { "NOT_STOPPABLE" },
        if accepts(ControlsAccepted::PAUSE_CONTINUE) { "PAUSABLE" } else { "NOT_PAUSABLE" },
    ];
    if accepts(ControlsAccepted::PRESHUTDOWN) {
        words.push("ACCEPTS_PRESHUTDOWN");
    }
    if accepts(ControlsAccepted::SHUTDOWN) {
        words.push("ACCEPTS_SHUTDOWN");
    } else if !accepts(ControlsAccepted::PRESHUTDOWN) {
        words.push("IGNORES_SHUTDOWN");
    }
    words.join(", ")
}

/// The number of a type in hexadecimal, and its name.
fn service_type(kind: ServiceType) -> String {
    let base = kind.without(ServiceType::INTERACTIVE_PROCESS);
    let name = match base.0 {
        0x4 => "ADAPTER".to_owned(),
        0x8 => "RECOGNIZER_DRIVER".to_owned(),
        0x30 => "WIN32".to_owned(),
        0x50 => "USER_OWN_PROCESS TEMPLATE".to_owned(),
        0x60 => "USER_SHARE_PROCESS TEMPLATE".to_owned(),
        0xD0 => "USER_OWN_PROCESS INSTANCE".to_owned(),
        0xE0 => "USER_SHARE_PROCESS INSTANCE".to_owned(),
        _ => base.to_string(),
    };
    let interactive = if kind.contains(ServiceType::INTERACTIVE_PROCESS) { " (interactive)" } else { "" };
    format!("{:x}  {name}{interactive}", kind.0)
}

/// Labelled values below the name of a service. A label that is empty goes on with the values above it.
fn lines(name: &str, lines: &[(&str, String)]) -> String {
    let width = lines.iter().map(|(label, _)| label.len()).max().unwrap_or(0).max(18);
    let one = |(label, value): &(&str, String)| {
        let line = format!("\t{label:<width$} : {}", printable(value));
        format!("{}\n", line.trim_end())
    };
    format!("\nSERVICE_NAME: {}\n{}", printable(name), lines.iter().map(one).collect::<String>())
}

fn config_lines(config: &ServiceConfig, delayed: bool) -> Vec<(&'static str, String)> {
    let suffix = if delayed && config.start_type == StartType::AUTO_START { "  (DELAYED)" } else { "" };
    let error = config.error_control;
    let mut lines = vec![
        ("TYPE", service_type(config.service_type)),
        ("START_TYPE", format!("{}   {}{suffix}", config.start_type.0, config.start_type)),
        ("ERROR_CONTROL", format!("{}   {}", error.0, error.to_string().trim_start_matches("ERROR_"))),
        ("BINARY_PATH_NAME", config.image_path.to_string()),
        ("LOAD_ORDER_GROUP", config.load_order_group.as_ref().map_or_else(String::new, ToString::to_string)),
        ("TAG", config.tag.to_string()),
        ("DISPLAY_NAME", config.display_name.to_string()),
    ];
    lines.extend(several("DEPENDENCIES", config.dependencies.iter().map(ToString::to_string)));
    let nobody = if config.service_type.is_win32() { LOCAL_SYSTEM } else { "" };
    lines.push(("SERVICE_START_NAME", config.account.clone().unwrap_or_else(|| nobody.to_owned())));
    lines
}

/// Values one below the other, the first with a label; a label without a value if there is none.
fn several(
    label: &'static str,
    values: impl Iterator<Item = String>,
) -> impl Iterator<Item = (&'static str, String)> {
    let mut lines: Vec<_> = values.map(|value| ("", value)).collect();
    match lines.first_mut() {
        Some(first) => first.0 = label,
        None => lines.push((label, String::new())),
    }
    lines.into_iter()
}

fn optional_lines(value: &Config2) -> Vec<(&'static str, String)> {
    match value {
        Config2::Description(text) => vec![("DESCRIPTION", text.clone().unwrap_or_default())],
        Config2::FailureActions(all) => failure_lines(all),
        Config2::DelayedAutoStart(on) => vec![("DELAYED_AUTO_START", boolean(*on))],
        Config2::FailureActionsFlag(on) => vec![("FAILURE_ACTIONS_ON_NONCRASH_FAILURES", boolean(*on))],
        Config2::Sid(kind) => {
            let name = match *kind {
                SidType::NONE => "NONE".to_owned(),
                SidType::UNRESTRICTED => "UNRESTRICTED".to_owned(),
                SidType::RESTRICTED => "RESTRICTED".to_owned(),
                other => other.to_string(),
            };
            vec![("SERVICE_SID_TYPE", name)]
        }
        Config2::RequiredPrivileges(names) => several("PRIVILEGES", names.iter().cloned()).collect(),
        Config2::PreshutdownTimeout(timeout) => {
            vec![("PRESHUTDOWN_TIMEOUT (in milliseconds)", to_u32(*timeout).to_string())]
        }
        Config2::Triggers(all) => several("TRIGGERS", all.iter().map(triggers::words)).collect(),
        Config2::PreferredNode(node) => {
            vec![("PREFERRED_NODE", node.map_or_else(String::new, |node| node.to_string()))]
        }
        Config2::LaunchProtected(kind) => {
            let name = match *kind {
                LaunchProtection::NONE => "NONE".to_owned(),
                LaunchProtection::WINDOWS => "WINDOWS".to_owned(),
                LaunchProtection::WINDOWS_LIGHT => "WINDOWS LIGHT".to_owned(),
                LaunchProtection::ANTIMALWARE_LIGHT => "ANTIMALWARE LIGHT".to_owned(),
                other => other.to_string(),
            };
            vec![("PROTECTION_LEVEL", name)]
        }
    }
}

fn boolean(on: bool) -> String {
    if on { "TRUE" } else { "FALSE" }.to_owned()
}

fn failure_lines(all: &FailureActions) -> Vec<(&'static str, String)> {
    let reset = match all.reset_period.to_wire() {
        u32::MAX => "INFINITE".to_owned(),
        seconds => seconds.to_string(),
    };
    let mut lines = vec![
        ("RESET_PERIOD (in seconds)", reset),
        ("REBOOT_MESSAGE", all.reboot_message.clone()),
        ("COMMAND_LINE", all.command.clone()),
    ];
    let actions = all.actions.iter().map(|action| {
        let name = match action.kind {
            ActionType::RUN_COMMAND => "RUN PROCESS".to_owned(),
            kind => kind.to_string(),
        };
        format!("{name} -- Delay = {} milliseconds.", to_u32(action.delay))
    });
    lines.extend(several("FAILURE_ACTIONS", actions));
    lines
}
