//! What DSC hands over: an instance of the resource.

use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};
use svckit_core::name::ServiceName;
use svckit_core::status::ServiceState;
use svckit_recipe::{Definition, Platform, toml};

use super::outcome::Present;
use super::tables;
use crate::changes::MASK;
use crate::failure::{Failure, Status};

/// An instance as it shall be.
#[derive(Debug)]
pub(super) struct Instance {
    pub(super) name: ServiceName,
    pub(super) exist: bool,
    pub(super) state: Option<Wished>,
    pub(super) definition: Option<Map<String, Value>>,
}

/// What a service can be asked to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Wished {
    Running,
    Stopped,
}

/// What a service does.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub(super) enum State {
    Running,
    Stopped,
    Paused,
    Starting,
    Stopping,
    Pausing,
    Continuing,
}

impl State {
    /// Every state, as the schema has them.
    pub(super) const ALL: [Self; 7] = [
        Self::Running,
        Self::Stopped,
        Self::Paused,
        Self::Starting,
        Self::Stopping,
        Self::Pausing,
        Self::Continuing,
    ];

    /// Absent for a state that has no name.
    pub(super) fn of(state: ServiceState) -> Option<Self> {
        Some(match state {
            ServiceState::RUNNING => Self::Running,
            ServiceState::STOPPED => Self::Stopped,
            ServiceState::PAUSED => Self::Paused,
            ServiceState::START_PENDING => Self::Starting,
            ServiceState::STOP_PENDING => Self::Stopping,
            ServiceState::PAUSE_PENDING => Self::Pausing,
            ServiceState::CONTINUE_PENDING => Self::Continuing,
            _ => return None,
        })
    }
}

impl Wished {
    /// The state in which it is so.
    pub(super) fn state(self) -> State {
        match self {
            Self::Running => State::Running,
            Self::Stopped => State::Stopped,
        }
    }
}

/// The instance as it is written; what only a test tells may come back.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Written {
    name: Option<String>,
    #[serde(rename = "_exist", default = "yes")]
    exist: bool,
    state: Option<State>,
    definition: Option<Map<String, Value>>,
    #[serde(rename = "_inDesiredState")]
    _in_desired_state: Option<bool>,
}

fn yes() -> bool {
    true
}

fn written(input: &str) -> Result<Written, Failure> {
    serde_json::from_str(input).map_err(|error| {
        let failure = Failure::usage(format!("the instance on standard input is wrong: {error}"));
        failure.hint("svc dsc schema prints what an instance is")
    })
}

/// The name of an instance that says which are wanted; it may be a pattern.
pub(super) fn filter(input: &str) -> Result<String, Failure> {
    let Written { name, .. } = written(input)?;
    Ok(name.unwrap_or_else(|| "*".to_owned()))
}

impl Instance {
    pub(super) fn read(input: &str) -> Result<Self, Failure> {
        let Written { name, exist, state, definition, .. } = written(input)?;
        let Some(name) = name else {
            return Err(Failure::usage("the instance on standard input has no \"name\""));
        };
        let name = ServiceName::new(name.as_str())
            .map_err(|error| Failure::usage(format!("{name:?} names no service: {error}")))?;
        let state = match state {
            None => None,
            Some(State::Running) => Some(Wished::Running),
            Some(State::Stopped) => Some(Wished::Stopped),
            Some(_) => {
                let message = format!("service {:?} can't be kept on the way or paused", name.as_str());
                return Err(Failure::usage(message).hint("\"state\" is \"running\" or \"stopped\""));
            }
        };
        Ok(Self { name, exist, state, definition })
    }

    /// Refuses what nobody can bring about: a service of which nothing is known.
    pub(super) fn can_be(&self, present: &Present) -> Result<(), Failure> {
        if !self.exist || present.state.is_some() || self.definition.is_some() {
            return Ok(());
        }
        let message =
            format!("there is no service {:?}, and the instance has no \"definition\"", self.name.as_str());
        Err(Failure::Other { message, status: Status::NoSuchService })
    }

    /// What the instance defines. It is in no file, so what is relative is so to its own directory.
    pub(super) fn definition(&self, platform: Platform) -> Result<Option<Definition>, Failure> {
        let Some(table) = &self.definition else { return Ok(None) };
        let text = tables::toml(self.name.as_str(), table).map_err(|wrong| self.wrong(&wrong))?;
        let directory = match table.get("directory").and_then(Value::as_str).map(Path::new) {
            Some(directory) if directory.is_absolute() => directory.to_owned(),
            Some(directory) => {
                let wrong = format!("directory: {} is relative, to nothing", directory.display());
                return Err(self.wrong(&wrong).hint("give the whole path"));
            }
            None => root(),
        };
        self.refuse_masks(table)?;
        let read = toml::parse(directory.join("definition"), text, platform);
        read.map(Some).map_err(|wrong| self.told(wrong.into()))
    }

    /// What stands for secrets in an answer is none.
    fn refuse_masks(&self, table: &Map<String, Value>) -> Result<(), Failure> {
        let variables = table.get("environment").and_then(Value::as_object);
        let masked = variables.into_iter().flatten().find(|(_, value)| value.as_str() == Some(MASK));
        let Some((name, _)) = masked else { return Ok(()) };
        let failure =
            self.wrong(&format!("environment.{name}: {MASK} stands for a secret that was not shown"));
        Err(failure.hint("{ \"file\": \"/path\" } has it read from a file"))
    }

    /// An error about the definition, in words that don't speak of a file, since there is none.
    pub(super) fn told(&self, failure: Failure) -> Failure {
        let Failure::Definition(wrong) = &failure else { return failure };
        let one = |one: &svckit_recipe::Diagnostic| match &one.help {
            Some(help) => format!("{} ({help})", one.message),
            None => one.message.clone(),
        };
        self.wrong(&wrong.iter().map(one).collect::<Vec<_>>().join("; "))
    }

    fn wrong(&self, what: &str) -> Failure {
        Failure::usage(format!("the definition of service {:?} is wrong: {what}", self.name.as_str()))
    }
}

/// Where a path begins that belongs to no folder.
fn root() -> PathBuf {
    let here = std::env::current_dir().unwrap_or_default();
    here.ancestors().last().map_or_else(PathBuf::new, Path::to_owned)
}
