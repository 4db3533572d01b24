use std::io;
use std::path::Path;

use svckit_core::secret::Secret;
use svckit_engine::{AccountError, Accounts};
use svckit_manager::local;

use crate::app::App;
use crate::args::User;
use crate::builtin::unbuffered_input;
use crate::failure::{Failure, Status};
use crate::passwords;
use crate::table::printable;

/// Shows or changes the accounts that may come over the network to the service control manager of a state directory.
pub(crate) fn user(app: &mut App, directory: &Path, action: User) -> Result<(), Failure> {
    let accounts = Accounts::open(directory).map_err(failure)?;
    match action {
        User::Add { name, administrator, password_stdin, principal } => {
            let added = match principal {
                Some(principal) => accounts.add_principal(&name, &principal, administrator),
                None => accounts.add(&name, &password(&name, password_stdin)?, administrator),
            };
            let added = added.map_err(failure)?;
            app.ui.say(format!("added account {} ({})", printable(&added.name), added.sid))?;
        }
        User::List => list(app, &accounts)?,
        User::Remove { name } => {
            accounts.remove(&name).map_err(failure)?;
            app.ui.say(format!(
                "removed account {}; connections that it has stay until they end",
                printable(&name)
            ))?;
        }
        User::Passwd { name, password_stdin } => {
            let password = password(&name, password_stdin)?;
            accounts.set_password(&name, &password).map_err(failure)?;
            app.ui.say(format!("account {} has another password from now on", printable(&name)))?;
        }
    }
    Ok(())
}

fn list(app: &mut App, accounts: &Accounts) -> Result<(), Failure> {
    let all = accounts.list().map_err(failure)?;
    if app.ui.json {
        let told = |account: &svckit_engine::Account| {
            let sid = account.sid.to_string();
            serde_json::json!({
                "name": account.name,
                "administrator": account.is_administrator,
                "sid": sid,
                "principal": account.principal,
            })
        };
        let all: Vec<_> = all.iter().map(told).collect();
        return app.ui.print_json(&all);
    }
    for account in all {
        let kind = if account.is_administrator { "administrator" } else { "user" };
        let principal = account.principal.as_deref().map(|principal| format!("  {}", printable(principal)));
        let principal = principal.unwrap_or_default();
        writeln!(app.ui.out(), "{:<20}  {kind:<13}  {}{principal}", printable(&account.name), account.sid)?;
    }
    Ok(())
}

/// The password for an account: the first line of standard input, or what is typed at the terminal, twice.
fn password(name: &str, from_input: bool) -> Result<Secret, Failure> {
    if from_input {
        let input = unbuffered_input().map_err(|error| Failure::io("cannot read the password", error))?;
        return passwords::first_line(input);
    }
    local::withhold_dumps();
    let first = local::prompt(&format!("password of {}: ", printable(name))).map_err(unread)?;
    let second = local::prompt("the same again: ").map_err(unread)?;
    match first == second {
        true => Ok(first),
        false => Err(Failure::usage("the two passwords are not the same")),
    }
}

fn unread(error: io::Error) -> Failure {
    match error.kind() {
        io::ErrorKind::NotFound => Failure::usage("there is no terminal to read the password from")
            .hint("--password-stdin reads it from standard input"),
        io::ErrorKind::Interrupted => Failure::Told(Status::Failure),
        _ => Failure::io("cannot read the password", error),
    }
}

fn failure(error: AccountError) -> Failure {
    let message = error.to_string();
    match error {
        AccountError::Exists(_) | AccountError::PrincipalTaken(..) => {
            Failure::AlreadySo { message, service: None }
        }
        AccountError::Name(_) | AccountError::Password(_) | AccountError::Principal(_) => {
            Failure::usage(message)
        }
        _ => Failure::Other { message, status: Status::Failure },
    }
}
