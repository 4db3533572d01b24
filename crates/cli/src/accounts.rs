//! Accounts as people write them and as Windows wants them written.

use svckit_core::config::{LOCAL_SYSTEM, ServiceConfig};
use svckit_core::win32::Win32Error;
use svckit_manager::local::Logon;
use svckit_recipe::lint::{Finding, Severity};
use svckit_recipe::{Definition, Platform, ServiceDefinition};

use crate::app::App;
use crate::apply::Wanted;
use crate::failure::Failure;

/// Accounts that the system itself has, under every name: what people write, and what the service API takes.
const BUILT_IN: &[(&str, &str)] = &[
    ("LocalSystem", LOCAL_SYSTEM),
    ("SYSTEM", LOCAL_SYSTEM),
    (r"NT AUTHORITY\SYSTEM", LOCAL_SYSTEM),
    (r".\LocalSystem", LOCAL_SYSTEM),
    ("LocalService", r"NT AUTHORITY\LocalService"),
    (r"NT AUTHORITY\LocalService", r"NT AUTHORITY\LocalService"),
    (r"NT AUTHORITY\LOCAL SERVICE", r"NT AUTHORITY\LocalService"),
    ("NetworkService", r"NT AUTHORITY\NetworkService"),
    (r"NT AUTHORITY\NetworkService", r"NT AUTHORITY\NetworkService"),
    (r"NT AUTHORITY\NETWORK SERVICE", r"NT AUTHORITY\NetworkService"),
];

/// What the virtual accounts of services begin with.
const VIRTUAL: &str = r"NT SERVICE\";

/// Who knows the password of an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// One of the system's own, or a virtual one: nobody, and it may run services anyway.
    System,
    /// A managed one: the domain.
    Managed,
    /// Its user.
    User,
}

/// The account as the service API takes it: built-in ones by their full name, a user of this machine with `.\` in front.
pub(crate) fn written(platform: Platform, account: &str) -> String {
    if platform == Platform::Unix {
        return account.to_owned();
    }
    match BUILT_IN.iter().find(|(name, _)| name.eq_ignore_ascii_case(account)) {
        Some((_, full)) => (*full).to_owned(),
        None if account.contains(['\\', '@']) || account.ends_with('$') => account.to_owned(),
        None => format!(r".\{account}"),
    }
}

/// The account of a service whose password somebody has to know.
pub(crate) fn with_password(platform: Platform, config: &ServiceConfig) -> Option<&str> {
    let account = config.account.as_deref()?;
    (platform == Platform::Windows && kind(account) == Kind::User).then_some(account)
}

/// Whether an account has to be there and to have the right to log on as a service: one that is none of the system's own.
pub(crate) fn has_to_log_on(account: &str) -> bool {
    kind(&written(Platform::Windows, account)) != Kind::System
}

/// Whether somebody knows the password of an account.
pub(crate) fn has_password(account: &str) -> bool {
    kind(&written(Platform::Windows, account)) == Kind::User
}

/// Whether the service API wants an empty password with this account, which is one of the system's own: for a virtual or managed one it wants none.
pub(crate) fn has_empty_password(account: &str) -> bool {
    BUILT_IN.iter().any(|(_, full)| full.eq_ignore_ascii_case(account))
}

fn kind(account: &str) -> Kind {
    let is_virtual = account.get(..VIRTUAL.len()).is_some_and(|head| head.eq_ignore_ascii_case(VIRTUAL));
    if is_virtual || has_empty_password(account) {
        Kind::System
    } else if account.ends_with('$') {
        Kind::Managed
    } else {
        Kind::User
    }
}

/// Sees to it that the service can run under its account: that a password is there exactly where one is needed, and that the account may log on as a
/// service. `present` is the configuration before an update.
pub(crate) fn prepare(
    app: &mut App,
    wanted: &Wanted,
    present: Option<&ServiceConfig>,
) -> Result<(), Failure> {
    if app.platform_of_services()? == Platform::Unix {
        return Ok(());
    }
    let before = present.map(|config| config.account.as_deref().unwrap_or(LOCAL_SYSTEM));
    let account = wanted.service.account.as_deref().or(before).unwrap_or(LOCAL_SYSTEM);
    let is_new = before.is_none_or(|before| !before.eq_ignore_ascii_case(account));
    let kind = kind(account);
    match (kind, &wanted.password) {
        (Kind::User, None) if is_new => {
            let failure =
                Failure::usage(format!("the password of {account} is needed for {}", wanted.service.name));
            return Err(
                failure.hint("svc up, install and update read it from standard input with --password-stdin; or the definition says where it is: password = { file = \"…\" }")
            );
        }
        (Kind::System | Kind::Managed, Some(_)) => {
            let failure = Failure::usage(format!("{account} has no password that anybody knows"));
            return Err(failure.hint("leave --password-stdin out"));
        }
        _ => {}
    }
    if kind == Kind::System || !is_new && wanted.password.is_none() {
        return Ok(());
    }
    match (app.surroundings.grant_logon)(account) {
        Ok(true) => app.ui.say(format!("granted {account} the right to log on as a service")),
        Ok(false) => Ok(()),
        Err(error) if [Win32Error::NOT_SUPPORTED, Win32Error::CALL_NOT_IMPLEMENTED].contains(&error.code) => {
            app.ui.warn(format!("{error}; it may have to be granted by other means"))
        }
        Err(error) => Err(error.into()),
    }
}

/// What keeps services from running under their accounts. Of one that `is_installed` also that it lacks the right to log on, which installing would grant.
pub(crate) fn lint(app: &App, definition: &Definition, is_installed: bool) -> Vec<Finding> {
    definition
        .services
        .iter()
        .filter_map(|service| lint_one(app, definition, service, is_installed))
        .collect()
}

fn lint_one(
    app: &App,
    definition: &Definition,
    service: &ServiceDefinition,
    is_installed: bool,
) -> Option<Finding> {
    let account = service.account.as_deref().filter(|account| has_to_log_on(account))?;
    let platform = app.surroundings.platform;
    // Who can't tell says nothing.
    let logon = (app.surroundings.logon)(&written(platform, account)).ok()?;
    let (severity, rule, message, help) = match (logon, platform) {
        (Logon::Possible, _) => return None,
        (Logon::NoRight, Platform::Windows) if !is_installed => return None,
        (Logon::NoAccount, _) => {
            let help = match platform {
                Platform::Unix => "name a user of this machine",
                Platform::Windows => {
                    r"an account is written DOMAIN\NAME, .\NAME for one of this machine, or NT SERVICE\NAME"
                }
            };
            (Severity::Error, "account", format!("there is no account {account}"), help)
        }
        (Logon::NoRight, Platform::Unix) => {
            let message =
                format!("only a service control manager that runs as root can run a service as {account}");
            (Severity::Error, "account-right", message, "run svc as root, or leave account out")
        }
        (Logon::NoRight, Platform::Windows) => {
            let message = format!(
                "{account} itself has not the right to log on as a service; a group of it may have it"
            );
            (
                Severity::Warning,
                "account-right",
                message,
                "svc update DEF --username ACCOUNT --password-stdin grants it",
            )
        }
    };
    let span = service.places.account.unwrap_or(service.places.name);
    let diagnostic = definition.diagnostic(span, message, Some(help.to_owned()));
    Some(Finding { severity, rule, service: Some(service.name.clone()), diagnostic })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_completed_on_windows_only() {
        let windows = |account| written(Platform::Windows, account);
        assert_eq!(windows("localservice"), r"NT AUTHORITY\LocalService");
        assert_eq!(windows(r"nt authority\network service"), r"NT AUTHORITY\NetworkService");
        assert_eq!(windows("SYSTEM"), "LocalSystem");
        assert_eq!(windows("ann"), r".\ann");
        for whole in [r"DOM\ann", "ann@dom.example", r"NT SERVICE\web", r"DOM\web$", "web$"] {
            assert_eq!(windows(whole), whole);
        }
        assert_eq!(written(Platform::Unix, "LocalService"), "LocalService");
    }

    #[test]
    fn who_knows_the_password() {
        assert_eq!(kind(r"nt service\web"), Kind::System);
        assert_eq!(kind("LocalSystem"), Kind::System);
        assert_eq!(kind(r"DOM\web$"), Kind::Managed);
        assert_eq!(kind(r".\ann"), Kind::User);
    }
}
