//! Accounts as people write them and as Windows wants them written.

use svckit_core::config::{LOCAL_SYSTEM, ServiceConfig};
use svckit_core::win32::Win32Error;
use svckit_recipe::Platform;

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
    if app.surroundings.platform == Platform::Unix {
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
                failure.hint("svc up, install and update read it from standard input with --password-stdin")
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
