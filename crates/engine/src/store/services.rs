//! `svc.db`: the services and their definitions. One transaction, on the disk, for each acknowledged change.

use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, OptionalExtension, params};
use serde::{Deserialize, Serialize};
use svckit_core::config::{Config2, Config2Change, Config2Level, DEFAULT_PRESHUTDOWN_TIMEOUT, ServiceConfig};
use svckit_core::definition::HostDefinition;
use svckit_core::failure::FailureActions;
use svckit_core::kind::{LaunchProtection, SidType};
use svckit_core::millis;
use svckit_core::name::ServiceName;
use svckit_core::security::{FormError, SecurityDescriptor};
use svckit_core::trigger::Trigger;

use super::database;
use crate::error::ServeError;

const SCHEMA: &str = "
CREATE TABLE services (
    key TEXT PRIMARY KEY,        -- the name folded
    name TEXT NOT NULL,
    config TEXT NOT NULL,        -- JSON of ServiceConfig
    extra TEXT NOT NULL,         -- JSON of Extra
    definition TEXT,             -- JSON of HostDefinition
    delete_pending INTEGER NOT NULL,
    security BLOB                -- self-relative security descriptor; NULL: the usual one
) STRICT, WITHOUT ROWID;
CREATE TABLE manager (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    security BLOB                -- as that of a service
) STRICT;
";

/// What makes each form of `svc.db` the next one.
const UPGRADES: &[&str] = &[
    // Triggers, preferred node and launch protection.
    "UPDATE services SET extra = json_set(extra, '$.triggers', json('[]'), '$.preferred_node', NULL, '$.launch_protected', 0)",
    // Security descriptors.
    "ALTER TABLE services ADD COLUMN security BLOB;
     CREATE TABLE manager (one INTEGER PRIMARY KEY CHECK (one = 1), security BLOB) STRICT",
];

/// All that is stored of a service.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Record {
    pub(crate) name: ServiceName,
    pub(crate) config: ServiceConfig,
    pub(crate) extra: Extra,
    pub(crate) definition: Option<Box<HostDefinition>>,
    pub(crate) delete_pending: bool,
    /// Absent: the usual one.
    pub(crate) security: Option<Box<SecurityDescriptor>>,
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
    pub(crate) triggers: Vec<Trigger>,
    pub(crate) preferred_node: Option<u16>,
    launch_protected: LaunchProtection,
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
            triggers: Vec::new(),
            preferred_node: None,
            launch_protected: LaunchProtection::NONE,
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
            Config2Level::TRIGGER_INFO => Config2::Triggers(self.triggers.clone()),
            Config2Level::PREFERRED_NODE => Config2::PreferredNode(self.preferred_node),
            Config2Level::LAUNCH_PROTECTED => Config2::LaunchProtected(self.launch_protected),
            _ => return None,
        })
    }

    /// Carries out a change.
    pub(crate) fn apply(&mut self, change: Config2Change) {
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
            Config2Change::Triggers(all) => self.triggers = all,
            Config2Change::PreferredNode(node) => self.preferred_node = node,
            Config2Change::LaunchProtected(kind) => self.launch_protected = kind,
        }
    }
}

/// The open database.
pub(crate) struct ServiceStore {
    connection: Connection,
    path: PathBuf,
}

impl ServiceStore {
    /// Opens the database and reads everything.
    pub(crate) fn open(path: &Path) -> Result<(Self, Vec<Record>), ServeError> {
        let connection = database::open(path, SCHEMA, UPGRADES, "FULL")?;
        let records = read(&connection, path)?;
        Ok((Self { connection, path: path.to_owned() }, records))
    }

    /// Stores a service in place of what was stored of it.
    pub(crate) fn put(&self, record: &Record) -> rusqlite::Result<()> {
        let json = |error| rusqlite::Error::ToSqlConversionFailure(Box::new(error));
        let definition = record.definition.as_ref().map(serde_json::to_string).transpose().map_err(json)?;
        let mut statement = self.connection.prepare_cached(
            "INSERT OR REPLACE INTO services (key, name, config, extra, definition, delete_pending, security) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        )?;
        statement.execute(params![
            record.name.folded(),
            record.name.as_str(),
            serde_json::to_string(&record.config).map_err(json)?,
            serde_json::to_string(&record.extra).map_err(json)?,
            definition,
            record.delete_pending,
            record.security.as_ref().map(|security| security.to_bytes()),
        ])?;
        Ok(())
    }

    /// The security descriptor of the service control manager, if another than the usual one was stored.
    pub(crate) fn manager_security(&self) -> Result<Option<Box<SecurityDescriptor>>, ServeError> {
        let mut statement = self
            .connection
            .prepare("SELECT security FROM manager")
            .map_err(|source| database::describe(&self.path, source))?;
        let stored = statement.query_row([], |row| row.get(0)).optional();
        let stored: Option<Option<Vec<u8>>> =
            stored.map_err(|source| database::describe(&self.path, source))?;
        security(stored.flatten()).map_err(|error| ServeError::Damaged {
            path: self.path.clone(),
            reason: format!("the record of the service control manager is malformed: {error}"),
        })
    }

    /// Stores the security descriptor of the service control manager.
    pub(crate) fn put_manager_security(&self, security: &SecurityDescriptor) -> rusqlite::Result<()> {
        self.connection
            .prepare_cached("INSERT OR REPLACE INTO manager (one, security) VALUES (1, ?1)")?
            .execute([security.to_bytes()])?;
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
        .prepare(
            "SELECT name, config, extra, definition, delete_pending, security FROM services ORDER BY key",
        )
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
            security: security(row.get(5).map_err(failed)?).map_err(|error| damaged(&error))?,
        });
    }
    Ok(records)
}

fn security(form: Option<Vec<u8>>) -> Result<Option<Box<SecurityDescriptor>>, FormError> {
    form.map(|form| SecurityDescriptor::from_bytes(&form).map(Box::new)).transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The first form of the database, with a service as that version wrote it.
    const FIRST: &str = r#"
        CREATE TABLE services (
            key TEXT PRIMARY KEY, name TEXT NOT NULL, config TEXT NOT NULL, extra TEXT NOT NULL, definition TEXT,
            delete_pending INTEGER NOT NULL
        ) STRICT, WITHOUT ROWID;
        INSERT INTO services VALUES (
            'WEB', 'Web',
            '{"service_type":16,"start_type":3,"error_control":1,"image_path":"/bin/web","load_order_group":null,"tag":0,
              "dependencies":[],"account":"LocalSystem","display_name":"The web"}',
            '{"description":"Sells","failure_actions":{"reset_period":{"Seconds":0},"reboot_message":"","command":"","actions":[]},
              "delayed_auto_start":true,"failure_actions_flag":false,"sid":1,"required_privileges":["SeX"],"preshutdown_timeout":5}',
            NULL, 0
        );
        PRAGMA user_version = 1;
    "#;

    #[test]
    fn services_of_the_first_form_are_read_and_kept() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("svc.db");
        Connection::open(&path).unwrap().execute_batch(FIRST).unwrap();
        let (store, mut records) = ServiceStore::open(&path).unwrap();
        let mut record = records.remove(0);
        let expected = Extra {
            description: Some("Sells".to_owned()),
            delayed_auto_start: true,
            sid: SidType::UNRESTRICTED,
            required_privileges: vec!["SeX".to_owned()],
            preshutdown_timeout: Duration::from_millis(5),
            failure_actions: record.extra.failure_actions.clone(),
            ..Extra::default()
        };
        assert_eq!((record.name.as_str(), &record.extra), ("Web", &expected));
        assert_eq!((&record.security, store.manager_security().unwrap()), (&None, None));
        record.extra.apply(Config2Change::PreferredNode(Some(3)));
        let security: SecurityDescriptor = "O:SYD:(D;;GA;;;WD)".parse().unwrap();
        record.security = Some(Box::new(security.clone()));
        store.put_manager_security(&security).unwrap();
        store.put(&record).unwrap();
        drop(store);
        let (store, records) = ServiceStore::open(&path).unwrap();
        assert_eq!(store.manager_security().unwrap(), record.security);
        assert_eq!(records, [record]);
    }
}
