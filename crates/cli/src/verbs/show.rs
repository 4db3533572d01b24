//! `svc show`: everything about one service.

use serde::Serialize;
use serde_json::Value;
use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::backend::Service;
use svckit_core::config::{Config2, Config2Level, ServiceConfig};
use svckit_core::definition::{HostDefinition, LogTarget, PasswordSource, SecretSource, StopAction};
use svckit_core::failure::{FailureActions, ResetPeriod};
use svckit_core::hook::{Hook, Moment};
use svckit_core::kind::{LaunchProtection, StartType};
use svckit_core::limits::Limits;
use svckit_core::millis::to_u32;
use svckit_core::name::ServiceName;
use svckit_core::security::{SecurityDescriptor, SecurityInformation};
use svckit_core::timetable::Timetable;
use svckit_core::tree::TreePolicy;
use svckit_core::win32::Win32Error;

use crate::app::{App, one_named};
use crate::apply::kept_definition;
use crate::args::One;
use crate::failure::Failure;
use crate::report::{self, ServiceReport, StatusJson};
use crate::table::printable;
use crate::times;
use crate::triggers;
use crate::ui::heading_style;

/// Everything known of a service.
struct Whole {
    report: ServiceReport,
    config: ServiceConfig,
    optional: Vec<Config2>,
    security: Option<SecurityDescriptor>,
    definition: Option<HostDefinition>,
}

pub(crate) fn run(app: &mut App, arguments: &One) -> Result<(), Failure> {
    let name = one_named(app, &arguments.service)?;
    let report = report::one(app, &name)?;
    let service =
        app.manager(ManagerAccess::CONNECT)?.open_service(name.as_str(), ServiceAccess::QUERY_CONFIG)?;
    let config = service.config()?;
    let optional = optional(&*service)?;
    let definition = match kept_definition(app, &name) {
        Ok(definition) => definition.map(|definition| *definition),
        // On Windows it is for administrators, the rest isn't.
        Err(failure) if failure.code() == Some(Win32Error::ACCESS_DENIED) => {
            app.ui.warn(format!("the definition of {name} is left out: it is for administrators only"))?;
            None
        }
        Err(failure) => return Err(failure),
    };
    let security = security(app, &name);
    let whole = Whole { report, config, optional, security, definition };
    if app.ui.json { app.ui.print_json(&WholeJson::of(&whole)) } else { print(app, &whole) }
}

/// The security descriptor without what is recorded, for who may read it.
pub(crate) fn security(app: &mut App, name: &ServiceName) -> Option<SecurityDescriptor> {
    let parts = SecurityInformation::OWNER
        | SecurityInformation::GROUP
        | SecurityInformation::DACL
        | SecurityInformation::LABEL;
    app.open(name, ServiceAccess::READ_CONTROL).ok()?.security(parts).ok()
}

/// The levels that the service control manager knows.
pub(crate) fn optional(service: &dyn Service) -> Result<Vec<Config2>, Failure> {
    let mut known = Vec::new();
    for level in Config2Level::ALL {
        match service.config2(level) {
            Ok(value) => known.push(value),
            Err(error) if matches!(error.code, Win32Error::INVALID_LEVEL | Win32Error::NOT_SUPPORTED) => {}
            Err(error) => return Err(error.into()),
        }
    }
    Ok(known)
}

fn print(app: &mut App, whole: &Whole) -> Result<(), Failure> {
    let mut lines = status_lines(&whole.report);
    lines.extend(config_lines(&whole.config, &whole.optional));
    lines.extend(whole.security.iter().map(|security| ("security", security.to_string())));
    if let Some(definition) = &whole.definition {
        lines.extend(definition_lines(definition));
    }
    lines.retain(|(_, value)| !value.is_empty());
    let width = lines.iter().map(|(label, _)| label.len()).max().unwrap_or(0);
    for (label, value) in lines {
        let padding = " ".repeat(width - label.len());
        let label = app.ui.paint(heading_style(), label);
        writeln!(app.ui.out(), "{label}{padding}  {}", printable(&value))?;
    }
    Ok(())
}

fn status_lines(report: &ServiceReport) -> Vec<(&'static str, String)> {
    let status = &report.status;
    let mut lines = vec![
        ("name", report.name.clone()),
        ("display name", report.display_name.clone()),
        ("state", status.state.to_string()),
        ("detail", report::detail(report)),
        ("accepts", status.controls_accepted.names().join(", ")),
        ("service pid", if status.pid == 0 { String::new() } else { status.pid.to_string() }),
    ];
    if let Some(named) = &report.host {
        let host = &named.state;
        let files: Vec<_> = host.log_files.iter().map(|file| file.display().to_string()).collect();
        lines.extend([
            ("program pid", host.child_pid.map_or_else(String::new, |pid| pid.to_string())),
            ("restarts", host.restarts.to_string()),
            (
                "last exit",
                host.last_exit.map_or_else(String::new, |exit| {
                    format!("{} at {}", report::exited(&exit), times::plain(exit.at))
                }),
            ),
            ("writing", files.join(", ")),
        ]);
    }
    lines
}

fn config_lines(config: &ServiceConfig, optional: &[Config2]) -> Vec<(&'static str, String)> {
    let delayed = optional.contains(&Config2::DelayedAutoStart(true));
    let start = match config.start_type {
        StartType::AUTO_START if delayed => "delayed".to_owned(),
        StartType::AUTO_START => "auto".to_owned(),
        StartType::DEMAND_START => "manual".to_owned(),
        StartType::DISABLED => "disabled".to_owned(),
        other => other.to_string(),
    };
    let names: Vec<_> = config.dependencies.iter().map(ToString::to_string).collect();
    let group = config.load_order_group.as_ref().map_or_else(String::new, ToString::to_string);
    let mut lines = vec![
        ("type", config.service_type.to_string()),
        ("start", start),
        ("error control", config.error_control.to_string()),
        ("depends on", names.join(", ")),
        ("account", config.account.clone().unwrap_or_default()),
        ("group", if config.tag == 0 { group } else { format!("{group}, tag {}", config.tag) }),
        ("image path", config.image_path.to_string()),
    ];
    for value in optional {
        let line = match value {
            Config2::Description(text) => Some(("description", text.clone().unwrap_or_default())),
            Config2::FailureActions(actions) => Some(("recovery", recovery(actions))),
            Config2::FailureActionsFlag(true) => {
                Some(("recovery on", "stops with an error as well".to_owned()))
            }
            Config2::Sid(kind) => Some(("service SID", kind.to_string())),
            Config2::RequiredPrivileges(names) => Some(("privileges", names.join(", "))),
            Config2::PreshutdownTimeout(timeout) => Some(("preshutdown", times::span(*timeout))),
            Config2::PreferredNode(node) => node.map(|node| ("preferred node", node.to_string())),
            Config2::LaunchProtected(kind) => protection(*kind).map(|text| ("protection", text)),
            Config2::Triggers(all) => {
                lines.extend(all.iter().map(|trigger| ("trigger", triggers::words(trigger))));
                None
            }
            Config2::DelayedAutoStart(_) | Config2::FailureActionsFlag(false) => None,
        };
        lines.extend(line);
    }
    lines
}

fn protection(kind: LaunchProtection) -> Option<String> {
    let text = match kind {
        LaunchProtection::NONE => return None,
        LaunchProtection::WINDOWS => "of Windows",
        LaunchProtection::WINDOWS_LIGHT => "of Windows, light",
        LaunchProtection::ANTIMALWARE_LIGHT => "of services against malware",
        other => return Some(other.to_string()),
    };
    Some(text.to_owned())
}

fn recovery(actions: &FailureActions) -> String {
    let mut text: Vec<_> = actions
        .actions
        .iter()
        .map(|action| format!("{} after {}", action.kind, times::span(action.delay)))
        .collect();
    if let (ResetPeriod::Seconds(seconds), false) = (actions.reset_period, text.is_empty()) {
        text.push(format!("reset after {}", times::span(std::time::Duration::from_secs(seconds.into()))));
    }
    if !actions.command.is_empty() {
        text.push(format!("command {}", actions.command));
    }
    text.join(", ")
}

fn definition_lines(definition: &HostDefinition) -> Vec<(&'static str, String)> {
    let restart = &definition.restart;
    let target = |target: &LogTarget| match target {
        LogTarget::File(path) => path.display().to_string(),
        LogTarget::Discard => "nowhere".to_owned(),
    };
    let ladder: Vec<_> = definition
        .stop
        .ladder
        .iter()
        .map(|rung| format!("{} {}", means(&rung.action), times::span(rung.wait)))
        .collect();
    let files: Vec<_> =
        definition.program.environment_files.iter().map(|file| file.display().to_string()).collect();
    let secret = |(name, SecretSource::File(file)): (&String, &SecretSource)| {
        format!("{name} from {}", file.display())
    };
    let secrets: Vec<_> = definition.program.secrets.iter().map(secret).collect();
    // The values of variables may be secrets.
    let names: Vec<_> = definition.program.environment.keys().cloned().collect();
    let when = serde_json::to_value(restart.when).ok();
    let hook = |(moment, hook): (Moment, &Hook)| {
        let command = svckit_core::image_path::join(&hook.errand.command);
        format!("{} {command}, {}", moment.word(), times::span(hook.errand.timeout))
    };
    let all = definition
        .hooks
        .iter()
        .flat_map(|(moment, hooks)| hooks.as_slice().iter().map(|hook| (*moment, hook)));
    let hooks: Vec<_> = all.map(hook).collect();
    vec![
        ("runs", svckit_core::image_path::join(&definition.program.command)),
        ("in", definition.program.directory.display().to_string()),
        ("variables", names.join(", ")),
        ("variables from", files.join(", ")),
        ("secrets", secrets.join(", ")),
        ("account's password", definition.account_password.as_ref().map_or_else(String::new, password)),
        (
            "restart",
            format!(
                "{}, {} \u{d7} {} up to {}, budget {}",
                when.as_ref().and_then(Value::as_str).unwrap_or_default(),
                times::span(restart.delay),
                restart.factor,
                times::span(restart.max_delay),
                times::span(restart.budget)
            ),
        ),
        ("stop", ladder.join(", ")),
        ("what it started", tree(&definition.tree)),
        ("limits", limits(&definition.limits)),
        ("ready", definition.ready.as_ref().map_or_else(String::new, |ready| ready.when.to_string())),
        ("health", definition.health.as_ref().map_or_else(String::new, ToString::to_string)),
        ("hooks", hooks.join("; ")),
        ("schedule", schedule(&definition.schedule)),
        ("standard output", target(&definition.log.stdout)),
        ("standard error", target(&definition.log.stderr)),
        (
            "defined in",
            definition.source.as_ref().map_or_else(String::new, |file| file.display().to_string()),
        ),
    ]
}

/// What is done by the clock, in the words of a definition.
fn schedule(table: &Timetable) -> String {
    let all = [("start", &table.start), ("stop", &table.stop), ("restart", &table.restart)];
    let said = all.into_iter().filter(|(_, occasions)| !occasions.is_empty()).map(|(deed, occasions)| {
        let times: Vec<_> = occasions.iter().filter_map(svckit_recipe::written_occasion).collect();
        format!("{deed} {}", times.join(" and "))
    });
    said.collect::<Vec<_>>().join("; ")
}

/// What becomes of what the program has started, unless it ends with it.
fn tree(policy: &TreePolicy) -> String {
    match policy {
        TreePolicy::Kill => String::new(),
        TreePolicy::Leave(names) => format!("goes on: {}", names.join(", ")),
        TreePolicy::Follow => "is followed when the program ends".to_owned(),
    }
}

fn limits(limits: &Limits) -> String {
    let affinity = limits.affinity.iter().map(u16::to_string).collect::<Vec<_>>().join(", ");
    let core = limits.core_size.map(|size| match size {
        Limits::UNLIMITED => "core unlimited".to_owned(),
        size => format!("core {size} bytes"),
    });
    let all = [
        limits.priority.map(|priority| format!("priority {}", priority.word())),
        (!affinity.is_empty()).then(|| format!("processors {affinity}")),
        limits.open_files.map(|files| format!("files {files}")),
        core,
    ];
    let of_all = limits.of_all().into_iter().map(|(key, value)| format!("{key} {value}"));
    all.into_iter().flatten().chain(of_all).collect::<Vec<_>>().join("; ")
}

fn means(action: &StopAction) -> String {
    match action {
        StopAction::CtrlC => "ctrl-c".to_owned(),
        StopAction::CtrlBreak => "ctrl-break".to_owned(),
        StopAction::WmClose => "wm-close".to_owned(),
        StopAction::StdinClose => "stdin-close".to_owned(),
        StopAction::Signal(signal) => format!("signal:{signal}"),
        StopAction::Command(command) => svckit_core::image_path::join(command),
        StopAction::Http(request) => request.to_string(),
        StopAction::Terminate => "terminate".to_owned(),
    }
}

/// `svc show --json`: the object of `svc status` and the configuration.
#[derive(Serialize)]
struct WholeJson<'a> {
    // Two levels of one object: flattening is safe here, nothing is read back with it.
    #[serde(flatten)]
    status: StatusJson<'a>,
    start_type: String,
    error_control: String,
    image_path: &'a str,
    load_order_group: Option<String>,
    tag: u32,
    dependencies: Vec<String>,
    account: Option<&'a str>,
    #[serde(flatten)]
    optional: serde_json::Map<String, Value>,
    security: Option<String>,
    definition: Option<Value>,
}

impl<'a> WholeJson<'a> {
    fn of(whole: &'a Whole) -> Self {
        let config = &whole.config;
        Self {
            status: StatusJson::of(&whole.report),
            start_type: config.start_type.to_string(),
            error_control: config.error_control.to_string(),
            image_path: config.image_path.as_str(),
            load_order_group: config.load_order_group.as_ref().map(ToString::to_string),
            tag: config.tag,
            dependencies: config.dependencies.iter().map(ToString::to_string).collect(),
            account: config.account.as_deref(),
            optional: whole.optional.iter().map(optional_json).collect(),
            security: whole.security.as_ref().map(ToString::to_string),
            definition: whole.definition.as_ref().map(definition_json),
        }
    }
}

/// A level of the optional configuration, with its key.
pub(crate) fn optional_json(value: &Config2) -> (String, Value) {
    let (key, value) = match value {
        Config2::Description(text) => ("description", text.clone().into()),
        Config2::FailureActions(all) => ("failure_actions", failure_actions_json(all)),
        Config2::DelayedAutoStart(on) => ("delayed_auto_start", (*on).into()),
        Config2::FailureActionsFlag(on) => ("failure_flag", (*on).into()),
        Config2::Sid(kind) => ("sid_type", kind.to_string().into()),
        Config2::RequiredPrivileges(names) => ("required_privileges", names.clone().into()),
        Config2::PreshutdownTimeout(timeout) => ("preshutdown_timeout_ms", to_u32(*timeout).into()),
        Config2::Triggers(all) => ("triggers", triggers::json(all)),
        Config2::PreferredNode(node) => ("preferred_node", (*node).into()),
        Config2::LaunchProtected(kind) => ("launch_protected", kind.to_string().into()),
    };
    (key.to_owned(), value)
}

fn failure_actions_json(all: &FailureActions) -> Value {
    let reset = match all.reset_period {
        ResetPeriod::Never => None,
        ResetPeriod::Seconds(seconds) => Some(seconds),
    };
    let actions: Vec<_> = all
        .actions
        .iter()
        .map(
            |action| serde_json::json!({ "type": action.kind.to_string(), "delay_ms": to_u32(action.delay) }),
        )
        .collect();
    serde_json::json!({
        "reset_period_s": reset,
        "reboot_message": all.reboot_message,
        "command": all.command,
        "actions": actions,
    })
}

/// Where a password is.
fn password(source: &PasswordSource) -> String {
    match source {
        PasswordSource::File(file) => format!("in {}", file.display()),
        PasswordSource::Environment(name) => format!("in the variable {name} of whoever installs it"),
        PasswordSource::Credential(name) => format!("the credential {name} of whoever installs it"),
    }
}

/// The stored definition, with the names of the variables only: their values may be secrets.
fn definition_json(definition: &HostDefinition) -> Value {
    let mut value = serde_json::to_value(definition).unwrap_or_default();
    let names: Vec<_> = definition.program.environment.keys().cloned().collect();
    value["program"]["environment"] = names.into();
    value
}
