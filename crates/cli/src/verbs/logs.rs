//! `svc logs`.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use svckit_core::name::ServiceName;
use svckit_core::native::{LogCursor, LogFrom, Reply, Request};

use crate::app::{App, one_named};
use crate::args::Logs;
use crate::failure::Failure;

/// An answer this long may be only a piece of what is there.
const PIECE: usize = 64 * 1024;

/// The program's output, byte for byte.
pub(crate) fn run(app: &mut App, arguments: &Logs) -> Result<(), Failure> {
    let name = one_named(app, &arguments.service)?;
    let (data, mut cursor) = read(app, &name, LogFrom::Tail { lines: arguments.lines }, false)?;
    app.ui.out().write_all(&data)?;
    let mut full = data.len() >= PIECE;
    while arguments.follow || full {
        if arguments.follow {
            app.ui.out().flush()?;
        }
        let (data, next) = read(app, &name, LogFrom::Cursor(cursor), arguments.follow)?;
        app.ui.out().write_all(&data)?;
        full = data.len() >= PIECE;
        cursor = next;
    }
    Ok(())
}

/// A piece of a service's log and where it goes on.
pub(crate) fn read(
    app: &mut App,
    name: &ServiceName,
    from: LogFrom,
    wait: bool,
) -> Result<(Vec<u8>, LogCursor), Failure> {
    match app.native("read log of service", Some(name), Request::Log { service: name.clone(), from, wait })? {
        Reply::Log { data, cursor } => match decode(&data) {
            Some(bytes) => Ok((bytes, cursor)),
            None => Err(app.unexpected("read log of service").into()),
        },
        _ => Err(app.unexpected("read log of service").into()),
    }
}

/// The bytes of a piece of log.
pub(crate) fn decode(data: &str) -> Option<Vec<u8>> {
    STANDARD.decode(data).ok()
}
