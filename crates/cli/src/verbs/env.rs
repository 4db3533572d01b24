//! `svc env`: the environment that a service's program gets.

use std::ffi::OsString;

use serde::Serialize;
use svckit_core::access::ServiceAccess;
use svckit_core::definition::Program;
use svckit_core::error::Error;
use svckit_core::name::ServiceName;
use svckit_core::win32::Win32Error;
use svckit_host::environment::{self, Origin, Variable};
use svckit_manager::local::Inherited;
use svckit_recipe::secret::seems_secret;

use crate::app::{App, Named, named, one_named};
use crate::apply::stored_definition;
use crate::args::One;
use crate::checks;
use crate::failure::Failure;
use crate::table::{self, Cell};

const SHOW: &str = "show environment of service";

/// What stands for a secret.
const MASK: &str = "***";

/// Shows the variables as they would be at a start now: of a service of this machine as it is installed, or of a definition as it would be.
pub(crate) fn run(app: &mut App, arguments: &One) -> Result<(), Failure> {
    let name = one_named(app, &arguments.service)?;
    if app.surroundings.is_elsewhere {
        return Err(elsewhere(app, &name, &arguments.service)?);
    }
    let (program, account) = match named(&arguments.service)? {
        Named::Definition(mut definition) => {
            checks::on_this_machine(&mut definition)?;
            let service = definition.services.remove(0);
            let Some(hosted) = service.hosted() else { return Err(unhosted(app, &name, ITSELF)?) };
            (hosted.program.clone(), service.account)
        }
        // What it stands for may be another name: a pattern.
        Named::Service(_) => installed(app, &name)?,
    };
    let scm = match app.scm_status() {
        Ok(status) => Some(status.pid),
        Err(error) if error.code == Win32Error::NOT_SUPPORTED => None,
        Err(error) => return Err(error.into()),
    };
    let inherited = (app.surroundings.inherited)(scm, &name, account.as_deref());
    let inherited = inherited
        .map_err(|error| Failure::io("cannot read the environment of the service control manager", error))?;
    let Inherited { system, account, service } = inherited;
    let sources = [(Origin::Inherited, system), (Origin::Account, account), (Origin::Service, service)];
    let begins =
        sources.into_iter().flat_map(|(from, all)| all.into_iter().map(move |one| (from.clone(), one)));
    let begins = begins.filter(|(_, (name, _))| environment::is_inherited(name));
    let variables = environment::layered(begins, &program).map_err(|wrong| {
        let error = Error::new("make the environment of service", wrong.code).service(name.as_str());
        Failure::from(Box::new(error.cause(wrong.message)))
    })?;
    print(app, &variables)
}

/// Variables, accounts and files are those of the machine on which the program runs; nothing of them is known here. Of a service that isn't there, that is told in
/// place of it.
fn elsewhere(app: &mut App, name: &ServiceName, argument: &str) -> Result<Failure, Failure> {
    let cause = "its variables are those of its own machine, of the account and the files there, of which nothing is known here";
    let mut error = Error::new(SHOW, Win32Error::NOT_SUPPORTED).service(name.as_str()).cause(cause);
    let mut hint = "run svc env on that machine".to_owned();
    if let Named::Service(_) = named(argument)? {
        app.open(name, ServiceAccess::QUERY_STATUS)?;
        error.target = Some(app.backend()?.target());
        if let Ok(Some(_)) = stored_definition(app, name) {
            hint.push_str(&format!("; svc show {name} has the names that the definition says"));
        }
    }
    Ok(Failure::from(Box::new(error)).hint(hint))
}

/// What a service runs, and under which account.
fn installed(app: &mut App, name: &ServiceName) -> Result<(Program, Option<String>), Failure> {
    let config = app.open(name, ServiceAccess::QUERY_CONFIG)?.config()?;
    match stored_definition(app, name)? {
        Some(host) => Ok((host.program, config.account)),
        None => Err(unhosted(app, name, "svckit does not host it")?),
    }
}

/// Why a definition doesn't say what the environment is.
const ITSELF: &str = "its program is a service itself";

/// The error about a service whose process svckit doesn't start.
fn unhosted(app: &mut App, name: &ServiceName, why: &str) -> Result<Failure, Failure> {
    let mut error = Error::new(SHOW, Win32Error::NOT_SUPPORTED);
    error.target = Some(app.backend()?.target());
    let cause = format!("{why}, its process has what the service control manager gives it");
    Ok(Box::new(error.service(name.as_str()).cause(cause)).into())
}

fn print(app: &mut App, variables: &[Variable]) -> Result<(), Failure> {
    let shown: Vec<VariableJson> = variables.iter().map(VariableJson::of).collect();
    if app.ui.json {
        return app.ui.print_json(&shown);
    }
    let rows: Vec<_> = shown.iter().map(row).collect();
    table::print(&mut app.ui, &["NAME", "FROM", "VALUE"], &rows)
}

fn row(one: &VariableJson) -> [Cell<'_>; 3] {
    let from = one.file.as_deref().unwrap_or(one.from);
    // The cell shows control characters by itself.
    [Cell::plain(&one.name), Cell::plain(from), Cell::plain(&one.value)]
}

/// A variable as JSON.
#[derive(Serialize)]
struct VariableJson {
    name: String,
    value: String,
    secret: bool,
    from: &'static str,
    file: Option<String>,
}

impl VariableJson {
    /// What is not text is shown with replacement characters.
    fn of(variable: &Variable) -> Self {
        let text = |text: &OsString| text.to_string_lossy().into_owned();
        let (name, value) = (text(&variable.name), text(&variable.value));
        let secret = matches!(variable.origin, Origin::Secret(_)) || seems_secret(&name, &value);
        let (from, file) = match &variable.origin {
            Origin::Inherited => ("system", None),
            Origin::Account => ("account", None),
            Origin::Service => ("service", None),
            Origin::File(path) => ("file", Some(path.display().to_string())),
            Origin::Definition => ("definition", None),
            Origin::Secret(path) => ("secret", Some(path.display().to_string())),
        };
        Self { name, value: if secret { MASK.to_owned() } else { value }, secret, from, file }
    }
}
