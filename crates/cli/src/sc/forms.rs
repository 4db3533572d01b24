//! Every command of sc: how it is written, and how it is read.

use std::time::Duration;

use svckit_core::config::{Config2Change, Config2Level};
use svckit_core::control::Control;
use svckit_core::kind::{ServiceType, SidType};
use svckit_core::reason::StopReason;
use svckit_core::status::StateFilter;
use svckit_core::win32::Win32Error;

use super::command::{Command, Whom};
use super::security;
use super::settings;
use super::triggers;
use super::words::{Words, choose, number};
use super::wrong::Wrong;

/// A command.
pub(super) struct Form {
    pub(super) name: &'static str,
    /// What follows the name.
    pub(super) usage: &'static str,
    read: fn(Words<'_>) -> Result<Command, Wrong>,
}

impl std::fmt::Debug for Form {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name)
    }
}

const fn form(
    name: &'static str,
    usage: &'static str,
    read: fn(Words<'_>) -> Result<Command, Wrong>,
) -> Form {
    Form { name, usage, read }
}

const SETTINGS: &str = "NAME [type= own|share|kernel|filesys|rec|interact] [start= boot|system|auto|demand|disabled|delayed-auto] \
                        [error= normal|severe|critical|ignore] [binpath= COMMAND] [group= GROUP] [tag= yes|no] \
                        [depend= NAME/+GROUP/…] [obj= ACCOUNT] [displayname= TEXT] [password= PASSWORD]";

const QUERY: &str = "[NAME] | [type= driver|service|interact|userservice|all] [state= active|inactive|all] [group= GROUP] [ri= N] [bufsize= N]";

/// The commands, in the order in which help tells them.
pub(super) static FORMS: &[Form] = &[
    form("query", QUERY, |words| query(words, false)),
    form("queryex", QUERY, |words| query(words, true)),
    form("start", "NAME [ARGUMENT…]", |mut words| {
        Ok(Command::Start { name: words.name()?, arguments: words.all() })
    }),
    form("stop", "NAME [FLAG:MAJOR:MINOR [COMMENT]]", stop),
    form("pause", "NAME", |words| control(words, Control::PAUSE)),
    form("continue", "NAME", |words| control(words, Control::CONTINUE)),
    form("interrogate", "NAME", |words| control(words, Control::INTERROGATE)),
    form(
        "control",
        "NAME paramchange|netbindadd|netbindremove|netbindenable|netbinddisable|128…255",
        any_control,
    ),
    form("create", SETTINGS, |mut words| {
        let name = words.name()?;
        let settings = settings::read(&mut words, "CreateService")?;
        if settings.image_path.is_none() {
            return Err(words.misuse("binpath= is missing".to_owned()));
        }
        Ok(Command::Create { name, settings: Box::new(settings) })
    }),
    form("config", SETTINGS, |mut words| {
        let name = words.name()?;
        let settings = settings::read(&mut words, "ChangeServiceConfig")?;
        Ok(Command::Config { name, settings: Box::new(settings) })
    }),
    form("delete", "NAME", |mut words| {
        let name = words.name()?;
        words.end().map(|()| Command::Delete { name })
    }),
    form("description", "NAME TEXT", |words| {
        set(words, "the description", |text| Ok(Config2Change::Description(Some(text.to_owned()))))
    }),
    form("qdescription", "NAME", |words| ask(words, Config2Level::DESCRIPTION)),
    form(
        "failure",
        "NAME [reset= SECONDS|INFINITE actions= restart|run|reboot/MILLISECONDS/…] [reboot= MESSAGE] [command= COMMAND]",
        |mut words| {
            let name = words.name()?;
            let change = Config2Change::FailureActions(settings::failure(&mut words)?);
            Ok(Command::Set { name, change })
        },
    ),
    form("qfailure", "NAME", |words| ask(words, Config2Level::FAILURE_ACTIONS)),
    form("failureflag", "NAME 0|1", |words| {
        set(words, "the flag", |text| {
            choose("the flag", text, &[("0", false), ("1", true)]).map(Config2Change::FailureActionsFlag)
        })
    }),
    form("qfailureflag", "NAME", |words| ask(words, Config2Level::FAILURE_ACTIONS_FLAG)),
    form("sidtype", "NAME none|unrestricted|restricted", |words| {
        let types = [
            ("none", SidType::NONE),
            ("unrestricted", SidType::UNRESTRICTED),
            ("restricted", SidType::RESTRICTED),
        ];
        set(words, "the type", |text| choose("the type", text, &types).map(Config2Change::Sid))
    }),
    form("qsidtype", "NAME", |words| ask(words, Config2Level::SID_INFO)),
    form("privs", "NAME PRIVILEGE/PRIVILEGE…", |words| {
        set(words, "the privileges", |text| settings::privileges(text).map(Config2Change::RequiredPrivileges))
    }),
    form("qprivs", "NAME", |words| ask(words, Config2Level::REQUIRED_PRIVILEGES)),
    form("preshutdown", "NAME MILLISECONDS", |words| {
        set(words, "the time-out", |text| {
            let timeout = Duration::from_millis(number("the time-out", text)?.into());
            Ok(Config2Change::PreshutdownTimeout(timeout))
        })
    }),
    form("qpreshutdown", "NAME", |words| ask(words, Config2Level::PRESHUTDOWN)),
    form("triggerinfo", triggers::USAGE, |mut words| {
        let name = words.name()?;
        let change = Config2Change::Triggers(triggers::read(&mut words)?);
        Ok(Command::Set { name, change })
    }),
    form("qtriggerinfo", "NAME", |words| ask(words, Config2Level::TRIGGER_INFO)),
    form("preferrednode", "NAME NODE|delete", |words| {
        set(words, "the number of the node", |text| settings::node(text).map(Config2Change::PreferredNode))
    }),
    form("qpreferrednode", "NAME", |words| ask(words, Config2Level::PREFERRED_NODE)),
    form("qprotection", "NAME", |words| ask(words, Config2Level::LAUNCH_PROTECTED)),
    form("qc", "NAME", |words| named(words, |name| Command::AskConfig { name })),
    form("GetDisplayName", "NAME", |words| named(words, |name| Command::DisplayName { name })),
    form("GetKeyName", "DISPLAY-NAME", |mut words| {
        let display_name = words.required("the display name")?.to_owned();
        words.buffer_size().map(|()| Command::KeyName { display_name })
    }),
    form("EnumDepend", "NAME", |words| named(words, |name| Command::Dependents { name })),
    form("sdshow", "NAME|scmanager [showrights]", show_security),
    form("sdset", "NAME|scmanager DESCRIPTOR", |mut words| {
        let name = words.name()?;
        let text = words.required("the security descriptor")?;
        words.end()?;
        let new = security::read(text).map_err(|wrong| wrong.service(&name))?;
        Ok(Command::SetSecurity { name, new: Box::new(new) })
    }),
    form("boot", "ok|bad", |mut words| {
        let text = words.required("how the start of the system went")?;
        words.end()?;
        let acceptable = choose("how the start went", text, &[("ok", true), ("bad", false)])?;
        Ok(Command::Boot { acceptable })
    }),
    form("Lock", "", |mut words| words.end().map(|()| Command::Lock)),
    form("QueryLock", "", |mut words| words.buffer_size().map(|()| Command::AskLock)),
    form("showsid", "NAME", |mut words| {
        let name = words.name()?;
        words.end().map(|()| Command::Sid { name })
    }),
];

/// Commands of sc whose calls are documented nowhere, these calls, and what they do.
const MISSING: &[(&str, &str, &str)] = &[
    ("managedaccount", "ChangeServiceConfig2", "telling that the password of an account is managed"),
    ("qmanagedaccount", "QueryServiceConfig2", "asking whether the password of an account is managed"),
    ("quserservice", "QueryUserServiceName", "asking for the instance of a per-user service"),
];

/// Reads a command line without the server.
pub(super) fn read(words: &[String]) -> Result<Command, Wrong> {
    let Some((command, rest)) = words.split_first() else {
        return Err(Wrong::usage("a command is missing").hint("svc sc help tells all commands"));
    };
    if ["/?", "-?", "help", "--help", "-h"].contains(&&*command.to_ascii_lowercase()) {
        return Ok(Command::Help(None));
    }
    if let Some((name, call, what)) = MISSING.iter().find(|(name, ..)| name.eq_ignore_ascii_case(command)) {
        let message = format!("{what} is a call of Windows that is documented nowhere, so it is not made");
        let wrong = Wrong::refused(call, Win32Error::NOT_SUPPORTED, message);
        return Err(wrong.hint(format!("on Windows, %SystemRoot%\\System32\\sc.exe {name} makes it")));
    }
    let Some(form) = FORMS.iter().find(|form| form.name.eq_ignore_ascii_case(command)) else {
        let mut wrong = Wrong::usage(format!("{command:?} is no command of sc"));
        if command.starts_with('-') {
            wrong = wrong.hint("options of svc come before the command: svc sc --json query");
        } else {
            wrong = wrong.hint("svc sc help tells all commands");
        }
        return Err(wrong);
    };
    if let [only] = rest
        && ["/?", "-?"].contains(&&**only)
    {
        return Ok(Command::Help(Some(form)));
    }
    (form.read)(Words::new(form, rest))
}

fn query(mut words: Words<'_>, extended: bool) -> Result<Command, Wrong> {
    const KEYS: &[&str] = &["type", "state", "bufsize", "ri", "group"];
    const TYPES: &[(&str, ServiceType)] = &[
        ("driver", ServiceType::DRIVER),
        ("service", ServiceType::WIN32),
        ("interact", ServiceType::INTERACTIVE_PROCESS),
        ("userservice", ServiceType(0xC0)),
        ("all", ServiceType(0x3B)),
        ("own", ServiceType::WIN32_OWN_PROCESS),
        ("share", ServiceType::WIN32_SHARE_PROCESS),
        ("kernel", ServiceType::KERNEL_DRIVER),
        ("filesys", ServiceType::FILE_SYSTEM_DRIVER),
    ];
    const STATES: &[(&str, StateFilter)] =
        &[("active", StateFilter::ACTIVE), ("inactive", StateFilter::INACTIVE), ("all", StateFilter::ALL)];
    if let Some(name) = words.unless_key(KEYS) {
        words.end()?;
        return Ok(Command::Query { whom: Whom::One(name.to_owned()), extended });
    }
    let pairs = words.pairs(KEYS)?;
    let mut types = ServiceType::empty();
    for text in pairs.every("type") {
        types = types | choose("type=", text, TYPES)?;
    }
    if types == ServiceType::empty() {
        types = ServiceType::WIN32;
    }
    let states = pairs.one("state").map(|text| choose("state=", text, STATES)).transpose()?;
    if let Some(text) = pairs.one("bufsize") {
        number("bufsize=", text)?;
    }
    let skip = pairs.one("ri").map(|text| number("ri=", text)).transpose()?.unwrap_or(0);
    let whom = Whom::Those {
        types,
        states: states.unwrap_or(StateFilter::ACTIVE),
        group: pairs.one("group").map(str::to_owned),
        skip: usize::try_from(skip).unwrap_or(usize::MAX),
    };
    Ok(Command::Query { whom, extended })
}

/// `stop`, perhaps with a reason and a comment.
fn stop(mut words: Words<'_>) -> Result<Command, Wrong> {
    let name = words.name()?;
    let Some(text) = words.optional() else {
        return Ok(Command::Control { name, control: Control::STOP });
    };
    let parts: Option<Vec<u32>> = text.split(':').map(|part| part.parse().ok()).collect();
    let reason = match parts.as_deref() {
        Some([flag, major, minor]) => StopReason::new(*flag, *major, *minor),
        _ => None,
    };
    let Some(mut reason) = reason else {
        let message = format!("a reason is FLAG:MAJOR:MINOR in numbers, such as 4:5:4, not {text:?}");
        return Err(words.misuse(message));
    };
    reason.comment = words.optional().map(str::to_owned);
    words.end()?;
    reason.check().map_err(|wrong| words.misuse(wrong.to_owned()))?;
    Ok(Command::Stop { name, reason })
}

/// `sdshow`, where the word about rights may also come first.
fn show_security(mut words: Words<'_>) -> Result<Command, Wrong> {
    const RIGHTS: &str = "showrights";
    let name = words.name()?;
    let Some(second) = words.optional() else { return Ok(Command::ShowSecurity { name, rights: false }) };
    words.end()?;
    if name.eq_ignore_ascii_case(RIGHTS) && !second.eq_ignore_ascii_case(RIGHTS) {
        return Ok(Command::ShowSecurity { name: second.to_owned(), rights: true });
    }
    choose("what to show", second, &[(RIGHTS, true)]).map(|rights| Command::ShowSecurity { name, rights })
}

fn control(mut words: Words<'_>, control: Control) -> Result<Command, Wrong> {
    let name = words.name()?;
    words.end().map(|()| Command::Control { name, control })
}

fn any_control(mut words: Words<'_>) -> Result<Command, Wrong> {
    const CONTROLS: &[(&str, Control)] = &[
        ("paramchange", Control::PARAMCHANGE),
        ("netbindadd", Control::NETBINDADD),
        ("netbindremove", Control::NETBINDREMOVE),
        ("netbindenable", Control::NETBINDENABLE),
        ("netbinddisable", Control::NETBINDDISABLE),
    ];
    let name = words.name()?;
    let text = words.required("the control")?;
    words.end()?;
    let control = match text.parse() {
        Ok(number) if Control(number).is_user_defined() => Control(number),
        Ok(number) => {
            let message = format!("a control that is a number is one of 128 to 255, not {number}");
            return Err(words.misuse(message));
        }
        Err(_) => choose("the control", text, CONTROLS)?,
    };
    Ok(Command::Control { name, control })
}

fn set(
    mut words: Words<'_>,
    what: &str,
    read: impl FnOnce(&str) -> Result<Config2Change, Wrong>,
) -> Result<Command, Wrong> {
    let name = words.name()?;
    let text = words.required(what)?;
    words.end()?;
    Ok(Command::Set { name, change: read(text)? })
}

fn ask(words: Words<'_>, level: Config2Level) -> Result<Command, Wrong> {
    named(words, |name| Command::Ask { name, level })
}

/// A name, and perhaps the size of a buffer.
fn named(mut words: Words<'_>, command: impl FnOnce(String) -> Command) -> Result<Command, Wrong> {
    let name = words.name()?;
    words.buffer_size().map(|()| command(name))
}
