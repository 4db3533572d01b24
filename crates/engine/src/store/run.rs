//! `run.db`: what is running, counters and events. It outlives the service control manager, so that the next one can take over; after a crash of the
//! machine nothing in it matters but the events.

use std::path::{Path, PathBuf};

use rusqlite::{Connection, OptionalExtension, Transaction, params};
use serde::{Deserialize, Serialize};
use svckit_core::failure::ActionType;
use svckit_core::name::{ServiceName, fold};
use svckit_core::native::{Event, EventId, Level};
use svckit_core::recovery::FailureCount;
use svckit_core::status::{ExitStatus, ServiceStatus};
use svckit_core::time::WallTime;

use super::database;
use crate::error::ServeError;

const SCHEMA: &str = "
CREATE TABLE session (
    one INTEGER PRIMARY KEY CHECK (one = 1),
    content TEXT NOT NULL        -- JSON of Session
) STRICT;
CREATE TABLE instances (
    id TEXT PRIMARY KEY,
    content TEXT NOT NULL        -- JSON of InstanceRow
) STRICT, WITHOUT ROWID;
CREATE TABLE runs (
    key TEXT PRIMARY KEY,        -- the service's name folded
    content TEXT NOT NULL        -- JSON of Run
) STRICT, WITHOUT ROWID;
CREATE TABLE events (
    sequence INTEGER PRIMARY KEY,
    time INTEGER NOT NULL,
    id INTEGER NOT NULL,
    level TEXT NOT NULL,
    key TEXT,
    service TEXT,
    message TEXT NOT NULL
) STRICT;
CREATE INDEX events_of_service ON events (key, sequence);
";

/// The life of the machine, or of the service control manager after a clean stop.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Session {
    /// What the system says of itself.
    pub(crate) identity: String,
    /// When the session began.
    pub(crate) started: WallTime,
    /// Whether the service control manager stopped everything and itself.
    pub(crate) clean_stop: bool,
    /// Whether every automatic service was tried.
    pub(crate) automatic_done: bool,
    /// The same for those with delayed start.
    pub(crate) delayed_done: bool,
    /// Whether somebody said that the start of the system went well.
    #[serde(default)]
    pub(crate) boot_accepted: bool,
}

/// A process that was asked for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct InstanceRow {
    /// Its number, as far as it is known.
    pub(crate) pid: u32,
    /// What services that share it have in common; absent for a process of one service.
    pub(crate) shared: Option<String>,
}

/// A failure action that is yet to be taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Due {
    pub(crate) kind: ActionType,
    pub(crate) at: WallTime,
}

/// What is known of a service beyond its configuration.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Run {
    /// The process that has it or is to have it.
    pub(crate) instance: Option<String>,
    /// Whether a start was tried in this session, so that the automatic start passes it over.
    pub(crate) attempted: bool,
    /// The last status while a process has it.
    pub(crate) status: Option<ServiceStatus>,
    /// How it ended last.
    pub(crate) exit: ExitStatus,
    /// Its failures.
    pub(crate) count: FailureCount,
    /// What follows from the last one.
    pub(crate) due: Option<Due>,
    /// The arguments of a start under way.
    pub(crate) arguments: Vec<String>,
    /// Why the last start failed.
    pub(crate) start_error: Option<String>,
    /// The leader of the program's session, to find what is left of it.
    pub(crate) program: Option<u32>,
}

/// Changes to be written together; an absent content means that the row goes.
#[derive(Debug, Default)]
pub(crate) struct Work {
    pub(crate) runs: Vec<(String, Option<Run>)>,
    pub(crate) instances: Vec<(String, Option<InstanceRow>)>,
    pub(crate) session: Option<Session>,
    pub(crate) events: Vec<Event>,
    /// Events up to this one go.
    pub(crate) forget_to: Option<u64>,
}

impl Work {
    pub(crate) fn is_empty(&self) -> bool {
        self.runs.is_empty() && self.instances.is_empty() && self.session.is_none() && self.events.is_empty()
    }
}

/// The open database.
pub(crate) struct RunStore {
    path: PathBuf,
    connection: Connection,
}

impl RunStore {
    pub(crate) fn open(path: &Path) -> Result<Self, ServeError> {
        let connection = database::open(path, SCHEMA, &[], "NORMAL")?;
        Ok(Self { path: path.to_owned(), connection })
    }

    pub(crate) fn session(&self) -> Result<Option<Session>, ServeError> {
        let content: Option<String> = self
            .connection
            .query_row("SELECT content FROM session", [], |row| row.get(0))
            .optional()
            .map_err(|error| database::describe(&self.path, error))?;
        content.map(|json| self.parse(&json)).transpose()
    }

    pub(crate) fn instances(&self) -> Result<Vec<(String, InstanceRow)>, ServeError> {
        self.all("SELECT id, content FROM instances")
    }

    pub(crate) fn runs(&self) -> Result<Vec<(String, Run)>, ServeError> {
        self.all("SELECT key, content FROM runs")
    }

    /// The number of the newest event, zero if there is none.
    pub(crate) fn newest_event(&self) -> Result<u64, ServeError> {
        self.connection
            .query_row("SELECT coalesce(max(sequence), 0) FROM events", [], |row| row.get(0))
            .map_err(|error| database::describe(&self.path, error))
    }

    /// Forgets what ran in another session.
    pub(crate) fn begin_session(&mut self, session: &Session) -> Result<(), ServeError> {
        let begin = |connection: &mut Connection| {
            let transaction = connection.transaction()?;
            transaction.execute_batch("DELETE FROM instances; DELETE FROM runs;")?;
            put_session(&transaction, session)?;
            transaction.commit()
        };
        begin(&mut self.connection).map_err(|error| database::describe(&self.path, error))
    }

    /// Writes everything or nothing.
    pub(crate) fn write(&mut self, work: &Work) -> rusqlite::Result<()> {
        let transaction = self.connection.transaction()?;
        for (key, run) in &work.runs {
            put(&transaction, RUNS, key, run.as_ref())?;
        }
        for (id, instance) in &work.instances {
            put(&transaction, INSTANCES, id, instance.as_ref())?;
        }
        for event in &work.events {
            put_event(&transaction, event)?;
        }
        if let Some(session) = &work.session {
            put_session(&transaction, session)?;
        }
        if let Some(last) = work.forget_to {
            transaction.prepare_cached("DELETE FROM events WHERE sequence <= ?1")?.execute([last])?;
        }
        transaction.commit()
    }

    /// Events after `after`, oldest first; of those, at most `limit`, the newest.
    pub(crate) fn events(
        &self,
        service: Option<&ServiceName>,
        after: u64,
        limit: Option<u32>,
    ) -> rusqlite::Result<Vec<Event>> {
        let limit = limit.map_or(-1, i64::from);
        let select = "SELECT sequence, time, id, level, service, message FROM events";
        let order = "ORDER BY sequence DESC LIMIT";
        let mut events: Vec<Event> = match service {
            Some(service) => self
                .connection
                .prepare_cached(&format!("{select} WHERE key = ?1 AND sequence > ?2 {order} ?3"))?
                .query_map(params![service.folded(), after, limit], read_event)?
                .collect::<rusqlite::Result<_>>()?,
            None => self
                .connection
                .prepare_cached(&format!("{select} WHERE sequence > ?1 {order} ?2"))?
                .query_map(params![after, limit], read_event)?
                .collect::<rusqlite::Result<_>>()?,
        };
        events.reverse();
        Ok(events)
    }

    fn all<T: serde::de::DeserializeOwned>(&self, select: &str) -> Result<Vec<(String, T)>, ServeError> {
        let rows = || {
            let mut statement = self.connection.prepare(select)?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get::<_, String>(1)?)))?;
            rows.collect::<rusqlite::Result<Vec<_>>>()
        };
        let rows = rows().map_err(|error| database::describe(&self.path, error))?;
        rows.into_iter().map(|(key, json)| Ok((key, self.parse(&json)?))).collect()
    }

    fn parse<T: serde::de::DeserializeOwned>(&self, json: &str) -> Result<T, ServeError> {
        serde_json::from_str(json).map_err(|error| ServeError::Damaged {
            path: self.path.clone(),
            reason: format!("a row is malformed: {error}"),
        })
    }
}

/// How the rows of a table are put and taken away.
struct Table {
    put: &'static str,
    remove: &'static str,
}

const RUNS: Table = Table {
    put: "INSERT OR REPLACE INTO runs (key, content) VALUES (?1, ?2)",
    remove: "DELETE FROM runs WHERE key = ?1",
};

const INSTANCES: Table = Table {
    put: "INSERT OR REPLACE INTO instances (id, content) VALUES (?1, ?2)",
    remove: "DELETE FROM instances WHERE id = ?1",
};

fn put(
    transaction: &Transaction<'_>,
    table: Table,
    key: &str,
    content: Option<&impl Serialize>,
) -> rusqlite::Result<()> {
    match content {
        Some(content) => transaction.prepare_cached(table.put)?.execute([key, &json(content)?])?,
        None => transaction.prepare_cached(table.remove)?.execute([key])?,
    };
    Ok(())
}

fn put_session(transaction: &Transaction<'_>, session: &Session) -> rusqlite::Result<()> {
    transaction.execute("INSERT OR REPLACE INTO session (one, content) VALUES (1, ?1)", [json(session)?])?;
    Ok(())
}

fn put_event(transaction: &Transaction<'_>, event: &Event) -> rusqlite::Result<()> {
    let mut statement = transaction.prepare_cached(
        "INSERT INTO events (sequence, time, id, level, key, service, message) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
    )?;
    let level = match event.level {
        Level::Information => "information",
        Level::Warning => "warning",
        Level::Error => "error",
    };
    let service = event.service.as_ref().map(ServiceName::as_str);
    statement.execute(params![
        event.sequence,
        event.time.0,
        event.id.0,
        level,
        service.map(fold),
        service,
        event.message
    ])?;
    Ok(())
}

fn read_event(row: &rusqlite::Row<'_>) -> rusqlite::Result<Event> {
    let level: String = row.get(3)?;
    let service: Option<String> = row.get(4)?;
    Ok(Event {
        sequence: row.get(0)?,
        time: WallTime(row.get(1)?),
        id: EventId(row.get(2)?),
        level: match level.as_str() {
            "information" => Level::Information,
            "warning" => Level::Warning,
            _ => Level::Error,
        },
        service: service.and_then(|name| ServiceName::new(name).ok()),
        message: row.get(5)?,
    })
}

fn json(content: &impl Serialize) -> rusqlite::Result<String> {
    serde_json::to_string(content).map_err(|error| rusqlite::Error::ToSqlConversionFailure(Box::new(error)))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn event(sequence: u64, service: Option<&str>) -> Event {
        Event {
            sequence,
            time: WallTime(sequence * 10),
            id: EventId::STATE,
            level: Level::Information,
            service: service.map(|name| ServiceName::new(name).unwrap()),
            message: format!("event {sequence}"),
        }
    }

    #[test]
    fn events_are_found_by_service_number_and_count() {
        let directory = tempfile::tempdir().unwrap();
        let mut store = RunStore::open(&directory.path().join("run.db")).unwrap();
        assert_eq!(store.newest_event().unwrap(), 0);
        let events: Vec<Event> =
            (1..=6).map(|n| event(n, [Some("Web"), Some("db"), None][n as usize % 3])).collect();
        store.write(&Work { events: events.clone(), ..Work::default() }).unwrap();
        assert_eq!(store.events(None, 0, None).unwrap(), events);
        let numbers = |found: Vec<Event>| found.into_iter().map(|e| e.sequence).collect::<Vec<_>>();
        assert_eq!(numbers(store.events(None, 2, Some(2)).unwrap()), [5, 6]);
        let web = ServiceName::new("WEB").unwrap();
        assert_eq!(numbers(store.events(Some(&web), 0, None).unwrap()), [3, 6]);
        store.write(&Work { forget_to: Some(4), events: vec![event(7, None)], ..Work::default() }).unwrap();
        assert_eq!(numbers(store.events(None, 0, None).unwrap()), [5, 6, 7]);
        assert_eq!(store.newest_event().unwrap(), 7);
    }

    #[test]
    fn a_failed_write_leaves_nothing_behind() {
        let directory = tempfile::tempdir().unwrap();
        let mut store = RunStore::open(&directory.path().join("run.db")).unwrap();
        let row = InstanceRow { pid: 1, shared: None };
        let twice = Work {
            instances: vec![("a".to_owned(), Some(row.clone()))],
            events: vec![event(1, None), event(1, None)],
            ..Work::default()
        };
        assert!(store.write(&twice).is_err());
        assert_eq!(store.instances().unwrap(), []);
        let good = Work { instances: vec![("a".to_owned(), Some(row.clone()))], ..Work::default() };
        store.write(&good).unwrap();
        assert_eq!(store.instances().unwrap(), [("a".to_owned(), row)]);
    }
}
