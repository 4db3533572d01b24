//! `svc logs`.

use serde_json::Value;
use svckit_core::access::ServiceAccess;
pub(crate) use svckit_core::base64::decode;
use svckit_core::control::Control;
use svckit_core::definition::LogFormat;
use svckit_core::error::Error;
use svckit_core::name::ServiceName;
use svckit_core::native::{LogCursor, LogFrom, Reply, Request};
use svckit_core::status::ServiceState;
use svckit_core::win32::Win32Error;

use crate::app::{App, one_named};
use crate::apply::stored_definition;
use crate::args::Logs;
use crate::failure::Failure;

/// An answer this long may be only a piece of what is there.
const PIECE: usize = 64 * 1024;

/// The program's output, byte for byte.
pub(crate) fn run(app: &mut App, arguments: &Logs) -> Result<(), Failure> {
    let name = one_named(app, &arguments.service)?;
    if arguments.rotate {
        return rotate(app, &name);
    }
    let mut texts = Texts::default();
    // A program may write lines that only look like the host's.
    let is_raw = app.ui.json || !is_json(app, &name);
    let mut shown = |data: Vec<u8>| if is_raw { data } else { texts.take(&data) };
    let (data, mut cursor) = read(app, &name, LogFrom::Tail { lines: arguments.lines }, false)?;
    let mut full = data.len() >= PIECE;
    app.ui.out().write_all(&shown(data))?;
    while arguments.follow || full {
        if arguments.follow {
            app.ui.out().flush()?;
        }
        let (data, next) = read(app, &name, LogFrom::Cursor(cursor), arguments.follow)?;
        full = data.len() >= PIECE;
        app.ui.out().write_all(&shown(data))?;
        cursor = next;
    }
    Ok(app.ui.out().write_all(&texts.rest())?)
}

/// Whether a service's log is JSON. Who may not look at the definition sees the log as it is.
fn is_json(app: &mut App, name: &ServiceName) -> bool {
    let stored = stored_definition(app, name).ok().flatten();
    stored.is_some_and(|stored| stored.log.format == LogFormat::Json)
}

/// Has the host begin new files.
fn rotate(app: &mut App, name: &ServiceName) -> Result<(), Failure> {
    const OPERATION: &str = "rotate log of service";
    let service = app.open(name, ServiceAccess::USER_DEFINED_CONTROL | ServiceAccess::QUERY_STATUS)?;
    let host = app.host_states(Some(vec![name.clone()]))?.into_iter().next();
    let (has_host, control) = (host.is_some(), host.and_then(|host| host.state.rotate_control));
    let target = app.backend()?.target();
    let failed = |code, hint: String| {
        let error = Error::new(OPERATION, code).service(name.as_str()).target(target);
        Err(Failure::from(Box::new(error)).hint(hint))
    };
    let runs = service.status()?.state;
    let Some(control) = control else {
        return match runs {
            _ if !has_host => failed(
                Win32Error::NOT_SUPPORTED,
                "svckit doesn't run its program, so it has no log of it".to_owned(),
            ),
            ServiceState::RUNNING | ServiceState::PAUSED => failed(
                Win32Error::NOT_SUPPORTED,
                format!(
                    "its output goes nowhere, or it was started by an earlier version: svc restart {name}"
                ),
            ),
            _ => failed(
                Win32Error::SERVICE_NOT_ACTIVE,
                format!("svc start {name}; log.rotate.at-start = true begins a new file then"),
            ),
        };
    };
    match service.control(Control(control.into())) {
        Ok(_) => app.ui.say(format!("{name}: a new log is begun")),
        Err(error) => match error.code {
            Win32Error::NOT_SUPPORTED => {
                failed(error.code, "its log is a device or a pipe, and no file".to_owned())
            }
            Win32Error::SERVICE_CANNOT_ACCEPT_CTRL => failed(
                error.code,
                format!("its log takes nothing at the moment: svc events {name} tells why"),
            ),
            code => failed(code, "the file grows on".to_owned()),
        },
    }
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
/// What programs wrote, in logs whose lines are JSON and in others, which comes in pieces.
#[derive(Debug, Default)]
pub(crate) struct Texts {
    /// The begin of a line that may be JSON.
    begun: Vec<u8>,
}

impl Texts {
    /// All of a log at once.
    pub(crate) fn of(data: &[u8]) -> Vec<u8> {
        let mut texts = Self::default();
        let mut all = texts.take(data);
        all.extend(texts.rest());
        all
    }

    pub(crate) fn take(&mut self, data: &[u8]) -> Vec<u8> {
        const BEGIN: &[u8] = b"{\"time\":\"";
        let mut all = std::mem::take(&mut self.begun);
        all.extend(data);
        let mut texts = Vec::with_capacity(data.len());
        for line in all.split_inclusive(|byte| *byte == b'\n') {
            if !line.ends_with(b"\n") && (line.starts_with(BEGIN) || BEGIN.starts_with(line)) {
                self.begun = line.to_vec();
            } else {
                let text = line.starts_with(BEGIN).then(|| text(line)).flatten();
                texts.extend(text.as_deref().unwrap_or(line));
            }
        }
        texts
    }

    /// What has begun, as it is.
    fn rest(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.begun)
    }
}

/// What a line stands for, if it is the host's JSON.
fn text(line: &[u8]) -> Option<Vec<u8>> {
    let object: Value = serde_json::from_slice(line).ok()?;
    let string = |key: &str| object.get(key).and_then(Value::as_str);
    [string("time"), string("service"), string("stream")].into_iter().collect::<Option<Vec<_>>>()?;
    let mut text = match string("text") {
        Some(text) => text.as_bytes().to_vec(),
        None => decode(string("base64")?)?,
    };
    if object.get("partial") != Some(&Value::Bool(true)) {
        text.push(b'\n');
    }
    Some(text)
}

#[cfg(test)]
mod tests {
    use svckit_core::log::lines::Lines;
    use svckit_core::time::WallTime;

    use super::*;

    #[test]
    fn lines_of_json_are_shown_as_they_were_written_wherever_pieces_end() {
        let written = b"one\n\n\xFF\xFE\nlong \xC3\xA9 \"quoted\"\nrest";
        let mut lines = Lines::new(&ServiceName::new("web").unwrap(), "stdout");
        let mut log = lines.take(written, WallTime(0));
        log.extend(lines.end());
        let other = b"{\"time\":\"now\"}\nplain\n{\"time\":1}\n{\"ti";
        let (log, expected) = ([&log[..], b"\n", other].concat(), [&written[..], b"\n", other].concat());
        assert_eq!(Texts::of(&log), expected);
        for length in 1..50 {
            let mut texts = Texts::default();
            let mut all: Vec<u8> = log.chunks(length).flat_map(|piece| texts.take(piece)).collect();
            all.extend(texts.rest());
            assert_eq!(all, expected, "{length}");
        }
        // What can't be JSON is not waited for.
        assert_eq!(Texts::default().take(b"pass"), b"pass");
    }
}
