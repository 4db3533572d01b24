//! What is recorded about a program, in words.

use std::time::Duration;

use svckit_core::definition::StopAction;
use svckit_core::limits::Shortage;
use svckit_core::native::{EventId, Level};
use svckit_core::restart::Ended;
use svckit_core::target;
use svckit_core::units::written_size;
use svckit_os::signal;

use crate::log::Remark;

/// An event without its service and time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Message {
    pub(crate) id: EventId,
    pub(crate) level: Level,
    pub(crate) text: String,
}

impl Message {
    pub(crate) fn new(id: EventId, level: Level, text: String) -> Self {
        Self { id, level, text }
    }
}

/// How a program ended: `exit code 3`, `SIGKILL`, `SIGKILL (it asked for more memory than its limit of 512MiB)`.
pub(crate) fn ending(how: Ended, why: Option<&str>) -> String {
    let how = match how {
        Ended::Code(code) => format!("exit code {code}"),
        Ended::Signal(number) => signal::name(number),
    };
    match why {
        Some(why) => format!("{how} ({why})"),
        None => how,
    }
}

/// Why a program with a limit of memory had no more.
pub(crate) fn shortage(shortage: Shortage, limit: u64) -> String {
    match shortage {
        Shortage::Limit => format!("it asked for more memory than its limit of {}", written_size(limit)),
        Shortage::Around => {
            "no memory was left on the machine, or for the control group that svckit is in".to_owned()
        }
    }
}

/// What has become of a program that has as many processes as it may have.
pub(crate) fn full(limit: u32) -> String {
    let noun = if limit == 1 { "process" } else { "processes" };
    format!("the program has reached its limit of {limit} {noun}, and could not start another")
}

/// That the variables which a program inherits may have changed since its host began.
pub(crate) fn old_variables(service: &str, why: &str) -> String {
    format!("{service} gets the variables that its host began with, and no later changes of them: {why}")
}

/// A time span: `5 s`, `1.5 s`, `200 ms`, `5 min`.
pub(crate) fn span(duration: Duration) -> String {
    let millis = duration.as_millis();
    match millis {
        0..1000 => format!("{millis} ms"),
        _ if millis.is_multiple_of(60_000) => format!("{} min", millis / 60_000),
        _ if millis.is_multiple_of(1000) => format!("{} s", millis / 1000),
        _ => format!("{:.1} s", duration.as_secs_f64()),
    }
}

/// When a program is started again.
pub(crate) fn again(delay: Duration) -> String {
    if delay.is_zero() {
        "it is started again at once".to_owned()
    } else {
        format!("it is started again in {}", span(delay))
    }
}

/// What a rung of the stop ladder does.
pub(crate) fn action(action: &StopAction) -> String {
    match action {
        StopAction::CtrlC => "Ctrl+C".to_owned(),
        StopAction::CtrlBreak => "Ctrl+Break".to_owned(),
        StopAction::WmClose => "WM_CLOSE".to_owned(),
        StopAction::StdinClose => "the end of its input".to_owned(),
        StopAction::Signal(signal) => format!("SIG{signal}"),
        StopAction::Command(command) => target::quoted(command),
        StopAction::Http(request) => format!("the request {request}"),
        StopAction::Terminate => "force".to_owned(),
    }
}

/// What a log has to say, if that is to be recorded.
pub(crate) fn remark(remark: &Remark) -> Option<Message> {
    Some(match remark {
        Remark::Rotated { .. } => return None,
        Remark::Blocked { path, why } => Message::new(
            EventId::LOG_BLOCKED,
            Level::Warning,
            format!("the log {path:?} cannot be written: {why}; output is held in memory and tried again"),
        ),
        Remark::Losing { path } => Message::new(
            EventId::LOG_LOST,
            Level::Error,
            format!("the memory for the log {path:?} is full; output is being lost"),
        ),
        Remark::Resumed { path, lost: 0 } => Message::new(
            EventId::LOG_RESUMED,
            Level::Information,
            format!("the log {path:?} is written again; nothing was lost"),
        ),
        Remark::Resumed { path, lost } => Message::new(
            EventId::LOG_RESUMED,
            Level::Warning,
            format!("the log {path:?} is written again; {lost} bytes were lost"),
        ),
        Remark::Lost { path, bytes } => Message::new(
            EventId::LOG_LOST,
            Level::Error,
            format!(
                "the log {path:?} could not be written before the service stopped; {bytes} bytes were lost"
            ),
        ),
        Remark::NotRotated { path, why } => Message::new(
            EventId::LOG_BLOCKED,
            Level::Warning,
            format!("the log {path:?} cannot be rotated: {why}; it grows on"),
        ),
        Remark::NotPacked { path, why } => Message::new(
            EventId::LOG_BLOCKED,
            Level::Warning,
            format!("a rotated file of the log {path:?} cannot be compressed: {why}; it stays as it is"),
        ),
        Remark::Unread { path, why } => Message::new(
            EventId::LOG_LOST,
            Level::Error,
            format!("the output for the log {path:?} cannot be read: {why}; what follows is lost"),
        ),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spans_read_well() {
        let of = |millis| span(Duration::from_millis(millis));
        assert_eq!(
            [of(0), of(200), of(1500), of(5000), of(90_000), of(300_000)],
            ["0 ms", "200 ms", "1.5 s", "5 s", "90 s", "5 min"]
        );
    }

    #[test]
    fn endings_read_well() {
        assert_eq!(ending(Ended::Code(3), None), "exit code 3");
        assert_eq!(ending(Ended::Signal(9), None), signal::name(9));
        let why = shortage(Shortage::Limit, 512 << 20);
        assert_eq!(
            ending(Ended::Code(3), Some(&why)),
            "exit code 3 (it asked for more memory than its limit of 512MiB)"
        );
    }
}
