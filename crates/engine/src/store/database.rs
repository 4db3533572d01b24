//! Opening a database without ever harming one that can't be used.

use std::path::Path;

use rusqlite::{Connection, ErrorCode, OpenFlags};

use crate::error::ServeError;

/// Opens a database, making it if there is none, and an older one to the newest form: that of `schema`, which is the first form after all the
/// upgrades. A damaged or newer one is only read.
pub(crate) fn open(
    path: &Path,
    schema: &str,
    upgrades: &[&str],
    synchronous: &'static str,
) -> Result<Connection, ServeError> {
    let failed = |source| describe(path, source);
    let form = i64::try_from(upgrades.len()).unwrap_or(i64::MAX).saturating_add(1);
    if path.metadata().is_ok_and(|file| file.len() > 0) {
        let found = probe(path)?;
        if found > form {
            return Err(ServeError::Newer { path: path.to_owned(), found, known: form });
        }
    }
    let flags =
        OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let mut connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    connection.pragma_update(None, "journal_mode", "WAL").map_err(failed)?;
    connection.pragma_update(None, "synchronous", synchronous).map_err(failed)?;
    connection.pragma_update(None, "foreign_keys", true).map_err(failed)?;
    connection.pragma_update(None, "cache_size", -512).map_err(failed)?;
    let found: i64 = connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failed)?;
    if found < form {
        let transaction = connection.transaction().map_err(failed)?;
        let steps = match usize::try_from(found).ok().and_then(|found| found.checked_sub(1)) {
            Some(done) => &upgrades[done..],
            None => &[schema],
        };
        for step in steps {
            transaction.execute_batch(step).map_err(failed)?;
        }
        transaction.pragma_update(None, "user_version", form).map_err(failed)?;
        transaction.commit().map_err(failed)?;
    }
    Ok(connection)
}

/// Checks an existing database without writing to it, and tells its form.
fn probe(path: &Path) -> Result<i64, ServeError> {
    let failed = |source| describe(path, source);
    let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
    let connection = Connection::open_with_flags(path, flags).map_err(failed)?;
    let form = connection.pragma_query_value(None, "user_version", |row| row.get(0)).map_err(failed)?;
    let verdict: String =
        connection.query_row("PRAGMA quick_check(1)", [], |row| row.get(0)).map_err(failed)?;
    if verdict != "ok" {
        return Err(ServeError::Damaged { path: path.to_owned(), reason: verdict });
    }
    Ok(form)
}

/// What an error of the database means to whoever starts the service control manager.
pub(crate) fn describe(path: &Path, source: rusqlite::Error) -> ServeError {
    let damaged =
        matches!(source.sqlite_error_code(), Some(ErrorCode::NotADatabase | ErrorCode::DatabaseCorrupt));
    if damaged {
        return ServeError::Damaged { path: path.to_owned(), reason: source.to_string() };
    }
    ServeError::Database { path: path.to_owned(), source }
}

#[cfg(test)]
mod tests {
    use super::*;

    const SCHEMA: &str = "CREATE TABLE t (x INTEGER) STRICT";

    fn bytes(path: &Path) -> Vec<u8> {
        std::fs::read(path).unwrap()
    }

    #[test]
    fn a_damaged_database_is_refused_and_left_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.db");
        std::fs::write(&path, b"this is no database, but somebody's only copy of something").unwrap();
        let before = bytes(&path);
        let error = open(&path, SCHEMA, &[], "FULL").unwrap_err();
        assert!(matches!(error, ServeError::Damaged { .. }), "{error}");
        assert_eq!(bytes(&path), before);
    }

    #[test]
    fn a_page_of_garbage_in_the_middle_is_found() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.db");
        let connection = open(&path, SCHEMA, &[], "FULL").unwrap();
        connection.execute_batch("WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i+1 FROM n LIMIT 20000) INSERT INTO t SELECT i FROM n").unwrap();
        connection.pragma_update(None, "wal_checkpoint", "TRUNCATE").unwrap();
        drop(connection);
        let mut content = bytes(&path);
        let middle = content.len() / 2 / 4096 * 4096;
        content[middle..middle + 4096].fill(0xA5);
        std::fs::write(&path, &content).unwrap();
        let error = open(&path, SCHEMA, &[], "FULL").unwrap_err();
        assert!(matches!(error, ServeError::Damaged { .. }), "{error}");
        assert_eq!(bytes(&path), content);
    }

    #[test]
    fn a_newer_database_is_refused_and_left_as_it_is() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.db");
        drop(open(&path, SCHEMA, &[""; 8], "FULL").unwrap());
        let before = bytes(&path);
        let error = open(&path, SCHEMA, &[""; 7], "FULL").unwrap_err();
        assert!(error.to_string().contains("its form is 9, this version knows forms up to 8"), "{error}");
        assert_eq!(bytes(&path), before);
    }

    #[test]
    fn an_older_database_is_brought_to_the_newest_form_once() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.db");
        let newest = "CREATE TABLE t (x INTEGER, y INTEGER, z INTEGER) STRICT";
        let upgrades = ["ALTER TABLE t ADD y INTEGER", "ALTER TABLE t ADD z INTEGER; UPDATE t SET z = x + 1"];
        let connection = open(&path, SCHEMA, &[], "FULL").unwrap();
        connection.execute("INSERT INTO t VALUES (1)", []).unwrap();
        drop(connection);
        for upgrades in [&upgrades[..1], &upgrades, &upgrades] {
            drop(open(&path, newest, upgrades, "FULL").unwrap());
        }
        let connection = open(&path, newest, &upgrades, "FULL").unwrap();
        let row = connection.query_row("SELECT x, y, z FROM t", [], |row| {
            Ok((row.get::<_, i64>(0)?, row.get::<_, Option<i64>>(1)?, row.get::<_, i64>(2)?))
        });
        assert_eq!(row.unwrap(), (1, None, 2));
    }

    #[test]
    fn a_failed_upgrade_changes_nothing() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.db");
        drop(open(&path, SCHEMA, &[], "FULL").unwrap());
        let upgrades = ["ALTER TABLE t ADD y INTEGER", "ALTER TABLE nothing ADD z INTEGER"];
        assert!(matches!(open(&path, SCHEMA, &upgrades, "FULL"), Err(ServeError::Database { .. })));
        let connection = open(&path, SCHEMA, &[], "FULL").unwrap();
        connection.execute("INSERT INTO t VALUES (1)", []).unwrap();
    }

    #[test]
    fn an_empty_file_is_a_new_database() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("x.db");
        std::fs::write(&path, b"").unwrap();
        let connection = open(&path, SCHEMA, &[], "FULL").unwrap();
        let synchronous: i64 = connection.pragma_query_value(None, "synchronous", |row| row.get(0)).unwrap();
        assert_eq!(synchronous, 2);
        connection.execute("INSERT INTO t VALUES (1)", []).unwrap();
    }
}
