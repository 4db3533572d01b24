//! Passwords of services' accounts: given on standard input, or looked up where the definition says they are.

use std::io::{self, Read};

use svckit_core::access::{ManagerAccess, ServiceAccess};
use svckit_core::config::{LOCAL_SYSTEM, ServiceConfig};
use svckit_core::definition::{HostDefinition, PasswordSource};
use svckit_core::secret::Secret;
use svckit_core::win32::Win32Error;
use svckit_manager::local;
use svckit_recipe::Platform;
use zeroize::Zeroizing;

use crate::accounts;
use crate::app::App;
use crate::apply::{Wanted, kept_definition};
use crate::builtin::PLATFORM;
use crate::failure::Failure;
use crate::several::each;

/// The most bytes of a line with a password: one has at most 256 characters, and who sends more means something else.
const LONGEST_LINE: usize = 4 << 10;

/// The first line.
pub(crate) fn first_line(mut input: impl Read) -> Result<Secret, Failure> {
    local::withhold_dumps();
    let mut buffer = Zeroizing::new(vec![0; LONGEST_LINE + 1]);
    let mut length = 0;
    while length < buffer.len() && !buffer[..length].contains(&b'\n') {
        match input.read(&mut buffer[length..]) {
            Ok(0) => break,
            Ok(more) => length += more,
            Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
            Err(error) => return Err(Failure::io("cannot read the password", error)),
        }
    }
    let line = buffer[..length].split(|byte| *byte == b'\n').next().unwrap_or_default();
    let wrong = |what: &str| Err(Failure::usage(format!("the password on standard input {what}")));
    if line.len() > LONGEST_LINE {
        return wrong("is longer than 4 KiB");
    }
    let Ok(text) = std::str::from_utf8(line) else { return wrong("is not valid UTF-8") };
    match text.trim_end_matches('\r') {
        "" => Err(Failure::usage("there is no password on standard input")),
        password => Ok(password.into()),
    }
}

/// Looks up the passwords that are needed and were not given, before anything is changed; nothing else reads them. Nobody can compare one with that which the
/// system has, so it is needed where something tells that it may be another: the service is new, its account or the place of the password is another, or it
/// is asked for.
pub(crate) fn look_up(app: &mut App, all: &mut [Wanted], renew: bool) -> Result<(), Failure> {
    let is_one = all.len() == 1;
    each(app, 0..all.len(), is_one, |app, index| {
        let wanted = &mut all[*index];
        let Some(source) = wanted.service.password.clone().filter(|_| wanted.password.is_none()) else {
            return Ok(());
        };
        if is_needed(app, wanted, &source, renew)? {
            wanted.password = Some(read(wanted, &source)?);
        }
        Ok(())
    })?
    .end
}

fn is_needed(app: &mut App, wanted: &Wanted, source: &PasswordSource, renew: bool) -> Result<bool, Failure> {
    let present = present(app, wanted)?;
    let before = present.as_ref().map(|present| present.config.account.as_deref().unwrap_or(LOCAL_SYSTEM));
    let account = wanted.service.account.as_deref().or(before).unwrap_or(LOCAL_SYSTEM);
    if !accounts::has_password(account) {
        let failure = Failure::usage(format!(
            "{account} has no password that anybody knows, and the definition of {} says where it is",
            wanted.service.name
        ));
        return Err(failure.hint("leave \"password\" out, or say which account it belongs to"));
    }
    let Some(present) = &present else { return Ok(true) };
    let known = present.stored.as_ref().and_then(|stored| stored.account_password.as_ref());
    // Without a host nobody remembers where it was.
    let is_elsewhere = wanted.host.is_some() && known != Some(source);
    Ok(renew || is_elsewhere || before.is_none_or(|before| !before.eq_ignore_ascii_case(account)))
}

/// A service as it is.
struct Present {
    config: ServiceConfig,
    stored: Option<Box<HostDefinition>>,
}

/// How the service is now, if it is there.
fn present(app: &mut App, wanted: &Wanted) -> Result<Option<Present>, Failure> {
    let name = &wanted.service.name;
    let manager = app.manager(ManagerAccess::CONNECT)?;
    let service = match manager.open_service(name.as_str(), ServiceAccess::QUERY_CONFIG) {
        Ok(service) => service,
        Err(error) if error.code == Win32Error::SERVICE_DOES_NOT_EXIST => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let config = service.config()?;
    Ok(Some(Present { config, stored: kept_definition(app, name)? }))
}

fn read(wanted: &Wanted, source: &PasswordSource) -> Result<Secret, Failure> {
    local::withhold_dumps();
    let read = local::password(source, &wanted.service.name, |name| std::env::var_os(name));
    read.map_err(|error| {
        let hint = match source {
            PasswordSource::File(path)
                if error.code == Win32Error::ACCESS_DENIED && PLATFORM == Platform::Unix =>
            {
                format!("only who runs svc has to read it: chmod 600 {}", path.display())
            }
            PasswordSource::File(_) => "svc has to be able to read it, and not everybody may".to_owned(),
            PasswordSource::Environment(name) => format!("set {name} for this run of svc"),
            PasswordSource::Credential(name) => format!("cmdkey /generic:{name} /user:NAME /pass stores it"),
        };
        let denied = error.code == Win32Error::ACCESS_DENIED;
        let failure = if denied { Failure::from(error) } else { Failure::usage(error.to_string()) };
        failure.hint(hint)
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_line_is_the_password() {
        let read = |input: &[u8]| match first_line(input) {
            Ok(secret) => secret.as_str().to_owned(),
            Err(failure) => failure.line(),
        };
        assert_eq!(read(b"hunter2"), "hunter2");
        assert_eq!(read(b" a b \r\nmore\n"), " a b ");
        assert_eq!(read(b"\nx"), "there is no password on standard input");
        assert_eq!(read(b"\xff\n"), "the password on standard input is not valid UTF-8");
        assert_eq!(read(&[b'a'; 5000]), "the password on standard input is longer than 4 KiB");
    }
}
