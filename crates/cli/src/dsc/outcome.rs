//! How a service is, and how it would be, as an instance.

use serde::Serialize;
use serde_json::{Map, Value};
use svckit_core::image_path::ImagePath;
use svckit_core::name::ServiceName;
use svckit_core::win32::Win32Error;
use svckit_manager::plan::Fate;
use svckit_recipe::secret::seems_secret;
use svckit_recipe::{Runs, ServiceDefinition};

use super::instance::{Instance, State};
use super::tables;
use crate::app::App;
use crate::changes::{MASK, masked_words};
use crate::desired::Desired;
use crate::failure::{Failure, Status};
use crate::report;
use crate::verbs::export;

/// A service as it is.
pub(super) struct Present {
    /// Absent: there is none.
    pub(super) state: Option<State>,
    /// Absent: there is none that says what it is.
    definition: Option<ServiceDefinition>,
    table: Option<Map<String, Value>>,
}

/// A state as it is printed.
#[derive(Serialize)]
pub(super) struct Told<'a> {
    name: &'a str,
    #[serde(rename = "_exist")]
    exist: bool,
    #[serde(skip_serializing_if = "Option::is_none")]
    state: Option<State>,
    #[serde(skip_serializing_if = "Option::is_none")]
    definition: Option<Map<String, Value>>,
    #[serde(rename = "_inDesiredState", skip_serializing_if = "Option::is_none")]
    pub(super) in_desired_state: Option<bool>,
}

/// Asks how a service is.
pub(super) fn present(app: &mut App, name: &ServiceName) -> Result<Present, Failure> {
    let state = match report::one(app, name) {
        Ok(report) => report.status.state,
        Err(failure) if failure.code() == Some(Win32Error::SERVICE_DOES_NOT_EXIST) => {
            return Ok(Present { state: None, definition: None, table: None });
        }
        Err(failure) => return Err(failure),
    };
    let Some(state) = State::of(state) else {
        let message = format!("service {:?} is in the state {state}, which has no name", name.as_str());
        return Err(Failure::Other { message, status: Status::Failure });
    };
    let definition = match export::installed(app, name) {
        Ok(installed) => Some(installed.definition),
        // A definition can't say what it is, or it is for administrators only.
        Err(failure)
            if matches!(failure.code(), Some(Win32Error::NOT_SUPPORTED | Win32Error::ACCESS_DENIED)) =>
        {
            None
        }
        Err(failure) => return Err(failure),
    };
    let table = match &definition {
        Some(definition) if definition.hosted().is_none() => table(app, definition).ok(),
        Some(definition) => Some(table(app, definition)?),
        None => None,
    };
    Ok(Present { state: Some(state), definition, table })
}

impl Present {
    pub(super) fn state<'a>(&self, name: &'a ServiceName) -> Told<'a> {
        Told {
            name: name.as_str(),
            exist: self.state.is_some(),
            state: self.state,
            definition: self.table.clone(),
            in_desired_state: None,
        }
    }
}

/// The properties in which a service is not as it shall be.
pub(super) fn differing(
    instance: &Instance,
    present: &Present,
    desired: Option<&Desired>,
) -> Vec<&'static str> {
    let Some(state) = present.state else {
        let is_new = [
            (instance.exist, "_exist"),
            (instance.exist && instance.state.is_some(), "state"),
            (instance.exist && instance.definition.is_some(), "definition"),
        ];
        return is_new.into_iter().filter_map(|(is_so, name)| is_so.then_some(name)).collect();
    };
    if !instance.exist {
        return vec!["_exist"];
    }
    let mut all = Vec::new();
    if instance.state.is_some_and(|wished| wished.state() != state) {
        all.push("state");
    }
    if desired.is_some_and(|desired| desired.plan.fates.iter().any(|fate| *fate != Fate::Keep)) {
        all.push("definition");
    }
    all
}

/// How a service would be.
pub(super) fn expected<'a>(
    app: &App,
    instance: &'a Instance,
    present: &Present,
    desired: Option<&Desired>,
) -> Result<Told<'a>, Failure> {
    let mut told = present.state(&instance.name);
    told.exist = instance.exist;
    if !instance.exist {
        (told.state, told.definition) = (None, None);
        return Ok(told);
    }
    told.state = instance.state.map(|wished| wished.state()).or(present.state).or(Some(State::Stopped));
    if let Some(wanted) = desired.and_then(|desired| desired.wanted.first()) {
        let mut service = wanted.service.clone();
        // What the definition doesn't say stays.
        if let Some(present) = &present.definition {
            service.start = service.start.or(present.start);
            service.account = service.account.or_else(|| present.account.clone());
        }
        told.definition = Some(table(app, &service)?);
    }
    Ok(told)
}

/// A definition as JSON, without what seems to be a secret.
fn table(app: &App, definition: &ServiceDefinition) -> Result<Map<String, Value>, Failure> {
    let mut shown = definition.clone();
    match &mut shown.runs {
        Runs::Hosted(hosted) => {
            for (name, value) in &mut hosted.program.environment {
                if seems_secret(name, value) {
                    MASK.clone_into(value);
                }
            }
            let words: Vec<&str> = hosted.program.command.iter().map(String::as_str).collect();
            hosted.program.command = masked_words(&words);
        }
        Runs::BinaryPath(path) => {
            let words: Vec<&str> = path.as_str().split(' ').collect();
            let masked = ImagePath::new(masked_words(&words).join(" ")).or_else(|_| ImagePath::new(MASK));
            *path = masked.map_err(|error| Failure::usage(error.to_string()))?;
        }
    }
    let text = export::written(app, &[shown])?;
    tables::json(definition.name.as_str(), &text)
        .map_err(|message| Failure::Other { message, status: Status::Failure })
}
