//! `svc.db`: the services and their definitions. One transaction, on the disk, for each acknowledged change.

use std::path::Path;
use std::time::Duration;

use rusqlite::{Connection, params};
use serde::{Deserialize, Serialize};
use svckit_core::Win32Error;
use svckit_core::config::{Config2, Config2Change, Config2Level, DEFAULT_PRESHUTDOWN_TIMEOUT, ServiceConfig};
use svckit_core::definition::HostDefinition;
use svckit_core::failure::FailureActions;
use svckit_core::kind::SidType;
use svckit_core::millis;
use svckit_core::name::ServiceName;

use super::database;
use crate::error::ServeError;

/// The form of `svc.db` that this version writes.
const FORM: i64 = 1;

const SCHEMA: &str = "
CREATE TABLE services (
    key TEXT PRIMARY KEY,        -- the name folded
    name TEXT NOT NULL,
    config TEXT NOT NULL,        -- JSON of ServiceConfig
    extra TEXT NOT NULL,         -- JSON of Extra
    definition TEXT,             -- JSON of HostDefinition
    delete_pending INTEGER NOT NULL
) STRICT, WITHOUT ROWID;
";

/// All that is stored of a service.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Record {
    pub(crate) name: ServiceName,
    pub(crate) config: ServiceConfig,
    pub(crate) extra: Extra,
    pub(crate) definition: Option<Box<HostDefinition>>,
    pub(crate) delete_pending: bool,
}

/// The optional configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Extra {
    description: Option<String>,
    pub(crate) failure_actions: FailureActions,
    pub(crate) delayed_auto_start: bool,
    pub(crate) failure_actions_flag: bool,
    sid: SidType,
    required_privileges: Vec<String>,
    #[serde(with = "millis")]
    pub(crate) preshutdown_timeout: Duration,
}

impl Default for Extra {
    fn default() -> Self {
        Self {
            description: None,
            failure_actions: FailureActions::default(),
            delayed_auto_start: false,
            failure_actions_flag: false,
            sid: SidType::NONE,
            required_privileges: Vec::new(),
            preshutdown_timeout: DEFAULT_PRESHUTDOWN_TIMEOUT,
        }
    }
}

impl Extra {
    /// One level; `None` for a level that isn't known.
    pub(crate) fn level(&self, level: Config2Level) -> Option<Config2> {
        Some(match level {
            Config2Level::DESCRIPTION => Config2::Description(self.description.clone()),
            Config2Level::FAILURE_ACTIONS => Config2::FailureActions(self.failure_actions.clone()),
            Config2Level::DELAYED_AUTO_START => Config2::DelayedAutoStart(self.delayed_auto_start),
            Config2Level::FAILURE_ACTIONS_FLAG => Config2::FailureActionsFlag(self.failure_actions_flag),
            Config2Level::SID_INFO => Config2::Sid(self.sid),
            Config2Level::REQUIRED_PRIVILEGES => {
                Config2::RequiredPrivileges(self.required_privileges.clone())
            }
            Config2Level::PRESHUTDOWN => Config2::PreshutdownTimeout(self.preshutdown_timeout),
            _ => return None,
        })
    }

    /// Carries out a change, or none with `ERROR_INVALID_LEVEL` if the level isn't known.
    pub(crate) fn apply(&mut self, change: Config2Change) -> Result<(), Win32Error> {
        match change {
            Config2Change::Description(None) => {}
            Config2Change::Description(Some(text)) => {
                self.description = if text.is_empty() { None } else { Some(text) };
            }
            Config2Change::FailureActions(change) => self.failure_actions.apply(change),
            Config2Change::DelayedAutoStart(on) => self.delayed_auto_start = on,
            Config2Change::FailureActionsFlag(on) => self.failure_actions_flag = on,
            Config2Change::Sid(kind) => self.sid = kind,
            Config2Change::RequiredPrivileges(names) => self.required_privileges = names,
            Config2Change::PreshutdownTimeout(timeout) => self.preshutdown_timeout = timeout,
            Config2Change::Triggers(_)
            | Config2Change::PreferredNode(_)
            | Config2Change::LaunchProtected(_) => return Err(Win32Error::INVALID_LEVEL),
        }
        Ok(())
    }
}

/// The open database.
pub(crate) struct ServiceStore {
    connection: Connection,
}

impl ServiceStore {
    /// Opens the database and reads everything.
    pub(crate) fn open(path: &Path) -> Result<(Self, Vec<Record>), ServeError> {
        let connection = database::open(path, FORM, SCHEMA, "FULL")?;
        let records = read(&connection, path)?;
        Ok((Self { connection }, records))
    }

    /// Stores a service in place of what was stored of it.
    pub(crate) fn put(&self, record: &Record) -> rusqlite::Result<()> {
        let json = |error| rusqlite::Error::ToSqlConversionFailure(Box::new(error));
        let definition = record.definition.as_ref().map(serde_json::to_string).transpose().map_err(json)?;
        let mut statement = self.connection.prepare_cached(
            "INSERT OR REPLACE INTO services (key, name, config, extra, definition, delete_pending) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
        )?;
        statement.execute(params![
            record.name.folded(),
            record.name.as_str(),
            serde_json::to_string(&record.config).map_err(json)?,
            serde_json::to_string(&record.extra).map_err(json)?,
            definition,
            record.delete_pending,
        ])?;
        Ok(())
    }

    /// Forgets a service.
    pub(crate) fn remove(&self, key: &str) -> rusqlite::Result<()> {
        self.connection.prepare_cached("DELETE FROM services WHERE key = ?1")?.execute([key])?;
        Ok(())
    }
}

fn read(connection: &Connection, path: &Path) -> Result<Vec<Record>, ServeError> {
    let failed = |source| database::describe(path, source);
    let mut statement = connection
        .prepare("SELECT name, config, extra, definition, delete_pending FROM services ORDER BY key")
        .map_err(failed)?;
    let mut rows = statement.query([]).map_err(failed)?;
    let mut records = Vec::new();
    while let Some(row) = rows.next().map_err(failed)? {
        let text = |index| row.get::<_, String>(index).map_err(failed);
        let name = text(0)?;
        let damaged = |error: &dyn std::fmt::Display| ServeError::Damaged {
            path: path.to_owned(),
            reason: format!("the record of service {name:?} is malformed: {error}"),
        };
        let definition: Option<String> = row.get(3).map_err(failed)?;
        records.push(Record {
            name: ServiceName::new(name.clone()).map_err(|error| damaged(&error))?,
            config: serde_json::from_str(&text(1)?).map_err(|error| damaged(&error))?,
            extra: serde_json::from_str(&text(2)?).map_err(|error| damaged(&error))?,
            definition: definition
                .map(|json| serde_json::from_str(&json))
                .transpose()
                .map_err(|error| damaged(&error))?,
            delete_pending: row.get(4).map_err(failed)?,
        });
    }
    Ok(records)
}
