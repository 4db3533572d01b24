//! The whole environment that a program is started with.

use std::collections::BTreeMap;
use std::ffi::OsString;

use svckit_core::definition::Program;
use svckit_core::name::ServiceName;
use svckit_os::{errno, process, secret, variable};

use crate::environment::{EnvironmentError, Origin, Variable, is_inherited, layered};
use crate::supervisor::Setting;

/// The whole environment of a program.
#[derive(Debug)]
pub(crate) struct Environment {
    pub(crate) variables: Vec<(OsString, OsString)>,
    /// Why what it inherits is what the host began with, if it should be newer.
    pub(crate) old: Option<String>,
}

/// Where the variables come from that the programs of a service inherit; why they can't be had.
pub(crate) type Inherit = fn(&ServiceName) -> Result<Vec<(OsString, OsString)>, String>;

/// What this process has: whoever started it saw to that.
pub(crate) fn of_this_process(_: &ServiceName) -> Result<Vec<(OsString, OsString)>, String> {
    Ok(inherited().collect())
}

/// The whole environment of a program, later sources over earlier: what it inherits, what came with the order for the host, what belongs to the
/// user, the files, the definition with its secrets, and what the host has to tell: the mark by which the program's tree is known.
pub(crate) fn assemble(
    setting: &Setting,
    service: &ServiceName,
    program: &Program,
    told: impl IntoIterator<Item = (OsString, OsString)>,
) -> Result<Environment, EnvironmentError> {
    let (begins, old) = match (setting.inherit)(service) {
        Ok(begins) => (begins, None),
        Err(why) => (inherited().collect(), Some(why)),
    };
    let given = setting.environment.iter().map(|(name, value)| (name.into(), value.into()));
    let begins = begins.into_iter().chain(given).chain(setting.terms.environment());
    let all = layered(begins.map(|variable| (Origin::Inherited, variable)), program)?;
    let mut whole = BTreeMap::new();
    for variable in all {
        let name = variable.name.clone();
        whole.insert(variable::key(&name), (name, value(variable)?));
    }
    for (name, value) in told {
        whole.insert(variable::key(&name), (name, value));
    }
    Ok(Environment { variables: whole.into_values().collect(), old })
}

/// The value of a variable; that of a secret is looked up here, and nowhere else.
fn value(variable: Variable) -> Result<OsString, EnvironmentError> {
    let Origin::Secret(path) = variable.origin else { return Ok(variable.value) };
    let read = secret::read(&path).map_err(|error| EnvironmentError {
        code: errno::win32(&error),
        message: format!(
            "cannot read the secret {} from {path:?}: {}",
            variable.name.display(),
            errno::describe(&error)
        ),
    });
    Ok(read?.as_str().into())
}

/// The variables of this process without those that are about itself.
pub(crate) fn inherited() -> impl Iterator<Item = (OsString, OsString)> {
    process::inherited_environment().filter(|(name, _)| is_inherited(name))
}

#[cfg(test)]
mod tests {
    use std::path::PathBuf;

    use super::*;
    use crate::supervisor::Output;
    use svckit_os::process::Terms;

    #[test]
    fn what_can_not_be_had_as_it_is_now_is_inherited_as_it_was() {
        let setting = |inherit| Setting {
            instance: "x".to_owned(),
            inherit,
            environment: vec![("GIVEN".to_owned(), "1".to_owned())],
            terms: Terms::default(),
            output: Output::Logs,
            gate: None,
        };
        let program = Program {
            command: vec!["x".to_owned()],
            directory: PathBuf::from("/"),
            environment: BTreeMap::from([("own".to_owned(), "2".to_owned())]),
            environment_files: Vec::new(),
            secrets: BTreeMap::new(),
        };
        let made = |inherit| {
            let service = ServiceName::new("web").unwrap();
            assemble(&setting(inherit), &service, &program, [("TOLD".into(), "3".into())]).unwrap()
        };
        let pair = |(name, value): (&str, &str)| (OsString::from(name), OsString::from(value));
        let added = [("GIVEN", "1"), ("TOLD", "3"), ("own", "2")].map(pair);
        let now = made(|service| Ok(vec![("NAME".into(), service.as_str().into())]));
        let mut expected = vec![pair(("NAME", "web"))];
        expected.extend(added.clone());
        expected.sort_by_key(|(name, _)| variable::key(name));
        assert_eq!((now.variables, now.old), (expected, None));
        let was = made(|_| Err("no reason".to_owned()));
        assert_eq!(was.old.as_deref(), Some("no reason"));
        assert_eq!(was.variables.len(), inherited().count() + added.len());
    }
}
