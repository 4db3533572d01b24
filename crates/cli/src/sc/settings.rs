//! The values of `create`, `config`, `failure` and their like.

use std::time::Duration;

use svckit_core::failure::{ActionType, FailureAction, FailureActionsChange, ResetPeriod};
use svckit_core::image_path::ImagePath;
use svckit_core::kind::{ErrorControl, ServiceType, StartType};
use svckit_core::name::{Dependency, DisplayName, GroupName, NameError};
use svckit_core::secret::Secret;
use svckit_core::win32::Win32Error;

use super::command::{Settings, Start};
use super::words::{Pairs, Words, choose, number};
use super::wrong::Wrong;

const KEYS: &[&str] =
    &["type", "start", "error", "binpath", "group", "tag", "depend", "obj", "displayname", "password"];

const TYPES: &[(&str, ServiceType)] = &[
    ("own", ServiceType::WIN32_OWN_PROCESS),
    ("share", ServiceType::WIN32_SHARE_PROCESS),
    ("kernel", ServiceType::KERNEL_DRIVER),
    ("filesys", ServiceType::FILE_SYSTEM_DRIVER),
    ("rec", ServiceType(0x8)),
    ("adapt", ServiceType(0x4)),
    ("interact", ServiceType::INTERACTIVE_PROCESS),
    ("userown", ServiceType(0x50)),
    ("usershare", ServiceType(0x60)),
];

const STARTS: &[(&str, Start)] = &[
    ("boot", Start { start_type: StartType::BOOT_START, delayed: false }),
    ("system", Start { start_type: StartType::SYSTEM_START, delayed: false }),
    ("auto", Start { start_type: StartType::AUTO_START, delayed: false }),
    ("demand", Start { start_type: StartType::DEMAND_START, delayed: false }),
    ("disabled", Start { start_type: StartType::DISABLED, delayed: false }),
    ("delayed-auto", Start { start_type: StartType::AUTO_START, delayed: true }),
];

const ERRORS: &[(&str, ErrorControl)] = &[
    ("normal", ErrorControl::NORMAL),
    ("severe", ErrorControl::SEVERE),
    ("critical", ErrorControl::CRITICAL),
    ("ignore", ErrorControl::IGNORE),
];

/// Reads what `create` and `config` say; `call` is what a bad name would make fail.
pub(super) fn read(words: &mut Words<'_>, call: &'static str) -> Result<Settings, Wrong> {
    let pairs = words.pairs(KEYS)?;
    if pairs.is_empty() {
        return Err(words.misuse("there is nothing to set".to_owned()));
    }
    let bad = |error: NameError| Wrong::refused(call, error.code(), error.to_string());
    let optional = |key| pairs.one(key).map(|text| (!text.is_empty()).then_some(text));
    let group = optional("group").map(|text| text.map(GroupName::new).transpose());
    let display_name = optional("displayname").map(|text| text.map(DisplayName::new).transpose());
    let dependencies = pairs.one("depend").map(|text| list(text).map(Dependency::new).collect());
    let image_path = pairs.one("binpath").map(|text| {
        let refused = |error: svckit_core::image_path::ImagePathError| {
            Wrong::refused(call, Win32Error::INVALID_PARAMETER, error.to_string())
        };
        ImagePath::new(text).map_err(refused)
    });
    Ok(Settings {
        service_type: service_type(&pairs)?,
        start: pairs.one("start").map(|text| choose("start=", text, STARTS)).transpose()?,
        error_control: pairs.one("error").map(|text| choose("error=", text, ERRORS)).transpose()?,
        image_path: image_path.transpose()?,
        group: group.transpose().map_err(bad)?,
        want_tag: match pairs.one("tag") {
            Some(text) => choose("tag=", text, &[("yes", true), ("no", false)])?,
            None => false,
        },
        dependencies: dependencies.transpose().map_err(bad)?,
        account: pairs.one("obj").map(str::to_owned),
        display_name: display_name.transpose().map_err(bad)?,
        password: pairs.one("password").map(Secret::from),
    })
}

/// `type=` can be there twice, as in `type= interact type= own`.
fn service_type(pairs: &Pairs<'_>) -> Result<Option<ServiceType>, Wrong> {
    let mut all = None;
    for text in pairs.every("type") {
        let one = choose("type=", text, TYPES)?;
        all = Some(all.unwrap_or(ServiceType::empty()) | one);
    }
    if all == Some(ServiceType::INTERACTIVE_PROCESS) {
        return Err(Wrong::usage("type= interact goes with type= own or type= share"));
    }
    Ok(all)
}

/// The members of a list that are separated by `/`; an empty text has none.
fn list(text: &str) -> impl Iterator<Item = &str> {
    text.split('/').take(if text.is_empty() { 0 } else { usize::MAX })
}

/// Reads what `failure` says. The reset period and the actions can only be set together.
pub(super) fn failure(words: &mut Words<'_>) -> Result<FailureActionsChange, Wrong> {
    let pairs = words.pairs(&["reset", "reboot", "command", "actions"])?;
    let actions = match (pairs.one("reset"), pairs.one("actions")) {
        (Some(reset), Some(text)) => Some((period(reset)?, actions(text)?)),
        (None, None) if pairs.is_empty() => {
            return Err(words.misuse("there is nothing to set".to_owned()));
        }
        (None, None) => None,
        (given, _) => {
            let (given, missing) = if given.is_some() { ("reset", "actions") } else { ("actions", "reset") };
            let message = format!("{given}= needs {missing}= with it: they can only be set together");
            return Err(Wrong::refused("ChangeServiceConfig2", Win32Error::INVALID_PARAMETER, message));
        }
    };
    Ok(FailureActionsChange {
        reboot_message: pairs.one("reboot").map(str::to_owned),
        command: pairs.one("command").map(str::to_owned),
        actions,
    })
}

fn period(text: &str) -> Result<ResetPeriod, Wrong> {
    if text.eq_ignore_ascii_case("infinite") {
        return Ok(ResetPeriod::Never);
    }
    number("reset= INFINITE or the seconds", text).map(ResetPeriod::from_wire)
}

/// Actions and their delays in turn: `restart/5000//1000` restarts, then does nothing.
fn actions(text: &str) -> Result<Vec<FailureAction>, Wrong> {
    const KINDS: &[(&str, ActionType)] = &[
        ("restart", ActionType::RESTART),
        ("run", ActionType::RUN_COMMAND),
        ("reboot", ActionType::REBOOT),
        ("", ActionType::NONE),
    ];
    let all: Vec<_> = list(text).collect();
    let pairs = all.chunks(2).map(|pair| match *pair {
        // A list may end with the separator.
        [""] => Ok(None),
        [kind, ""] if !kind.is_empty() => Err(Wrong::usage(format!("actions= has no delay after {kind}"))),
        [kind] => Err(Wrong::usage(format!("actions= has no delay after {kind}"))),
        [kind, delay, ..] => {
            let kind = choose("an action", kind, KINDS)?;
            let delay = if delay.is_empty() { 0 } else { number("a delay in milliseconds", delay)? };
            Ok(Some(FailureAction { kind, delay: Duration::from_millis(delay.into()) }))
        }
        [] => Ok(None),
    });
    pairs.filter_map(Result::transpose).collect()
}

/// Reads the privileges of `privs`, which begin with `Se`.
pub(super) fn privileges(text: &str) -> Result<Vec<String>, Wrong> {
    let one = |name: &str| {
        let is_one =
            name.len() > 2 && name.starts_with("Se") && name.chars().all(|c| c.is_ascii_alphanumeric());
        let wrong = || Wrong::usage(format!("a privilege is a name such as SeBackupPrivilege, not {name:?}"));
        if is_one { Ok(name.to_owned()) } else { Err(wrong()) }
    };
    list(text).map(one).collect()
}

/// Reads the number of a NUMA node.
pub(super) fn node(text: &str) -> Result<Option<u16>, Wrong> {
    if text.eq_ignore_ascii_case("delete") {
        return Ok(None);
    }
    let wrong =
        || Wrong::usage(format!("the number of the node is one of 0 to 65535, or delete, not {text:?}"));
    text.parse().map(Some).map_err(|_| wrong())
}
