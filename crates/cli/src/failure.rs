//! What went wrong, as people and as programs are told: heading, cause, hint, exit status.

use std::io;

use anstyle::{AnsiColor, Style};
use serde::Serialize;
use svckit_core::win32::Win32Error;
use svckit_recipe::{Diagnostic, Diagnostics, Place};

pub(crate) use svckit_recipe::plain;

use crate::args::Goal;
use crate::bulk::Action;
use crate::ui::Ui;

/// The exit statuses: `docs/reference/exit-status.md`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Status {
    Failure = 1,
    Usage = 2,
    NoSuchService = 3,
    AccessDenied = 4,
    TimeOut = 5,
    AlreadySo = 6,
    ServiceFailed = 7,
    Unreachable = 8,
    MarkedForDeletion = 9,
    NotNow = 10,
    Different = 11,
    Unwell = 12,
    /// Of several machines.
    Partial = 13,
}

/// Why a verb did not do what it was asked.
#[derive(Debug)]
pub(crate) enum Failure {
    /// A service control manager's answer.
    Scm(ScmFailure),
    /// The definition is wrong.
    Definition(Diagnostics),
    /// The command line can't be right.
    Usage { message: String, hint: Option<String> },
    /// Everything is as it was asked for already.
    AlreadySo { message: String, service: Option<String> },
    /// The system's answer.
    Io { doing: String, error: io::Error },
    /// Something that says all there is to say.
    Other { message: String, status: Status },
    /// A service of that name is there which svckit did not make, and which doesn't run the program that was wanted without a host.
    Stranger { service: String, image: String, program: Option<String> },
    /// A step of a buildout.
    Step { operation: &'static str, doing: String, message: String, hint: Option<String> },
    /// It was told before.
    Told(Status),
    /// Nobody reads the output any more.
    BrokenPipe,
}

/// An error with what may help.
#[derive(Debug)]
pub(crate) struct ScmFailure {
    pub(crate) error: Box<svckit_core::Error>,
    pub(crate) hint: Option<String>,
    /// Lines that tell more: the last output of a program that would not run.
    pub(crate) notes: Vec<String>,
}

impl Failure {
    pub(crate) fn usage(message: impl Into<String>) -> Self {
        Self::Usage { message: message.into(), hint: None }
    }

    pub(crate) fn io(doing: impl Into<String>, error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            return Self::BrokenPipe;
        }
        Self::Io { doing: doing.into(), error }
    }

    /// The code of a service control manager's answer.
    pub(crate) fn code(&self) -> Option<Win32Error> {
        match self {
            Self::Scm(failure) => Some(failure.error.code),
            _ => None,
        }
    }

    /// The same with a hint, in place of the one that the code would give.
    pub(crate) fn hint(mut self, text: impl Into<String>) -> Self {
        match &mut self {
            Self::Scm(ScmFailure { hint, .. }) | Self::Usage { hint, .. } => *hint = Some(text.into()),
            _ => {}
        }
        self
    }

    /// The exit status.
    pub(crate) fn status(&self) -> Status {
        match self {
            // Of a service that was waited for it is no answer that it has stopped already.
            Self::Scm(failure)
                if failure.error.code == Win32Error::SERVICE_NOT_ACTIVE
                    && failure.error.operation == Action::Wait(Goal::Ready).operation() =>
            {
                Status::ServiceFailed
            }
            Self::Scm(failure) => status_of(failure.error.code),
            Self::Definition(_) | Self::Usage { .. } | Self::Stranger { .. } => Status::Usage,
            Self::AlreadySo { .. } => Status::AlreadySo,
            Self::Io { error, .. } if error.kind() == io::ErrorKind::PermissionDenied => Status::AccessDenied,
            Self::Other { status, .. } | Self::Told(status) => *status,
            Self::Step { .. } | Self::Io { .. } | Self::BrokenPipe => Status::Failure,
        }
    }

    /// All of it in a line.
    pub(crate) fn line(&self) -> String {
        let ErrorBody { message, hint, .. } = self.object().error;
        match hint {
            Some(hint) => format!("{message}; {hint}"),
            None => message,
        }
    }

    /// Tells it, on standard error.
    pub(crate) fn print(&self, ui: &mut Ui) -> io::Result<()> {
        ui.finish()?;
        if ui.traces && !matches!(self, Self::BrokenPipe | Self::Told(_)) {
            return ui.trace("error", &self.line());
        }
        if ui.json {
            if !matches!(self, Self::BrokenPipe | Self::Told(_)) {
                serde_json::to_writer(ui.err(), &self.object()).map_err(io::Error::from)?;
                writeln!(ui.err())?;
            }
            return Ok(());
        }
        let error = ui.err_paint(AnsiColor::Red.on_default().bold(), "error:");
        match self {
            Self::BrokenPipe | Self::Told(_) => return Ok(()),
            Self::Definition(wrong) => {
                for diagnostic in wrong.iter() {
                    print_diagnostic(ui, &error, diagnostic)?;
                }
                return Ok(());
            }
            Self::AlreadySo { message, .. } => return writeln!(ui.err(), "{message}"),
            // As zc.buildout says it.
            Self::Step { doing, message, .. } => writeln!(ui.err(), "While:\n  {doing}\nError: {message}")?,
            Self::Scm(failure) => {
                writeln!(ui.err(), "{error} {}", failure.error)?;
                for note in &failure.notes {
                    writeln!(ui.err(), "  {note}")?;
                }
            }
            Self::Usage { message, .. } | Self::Other { message, .. } => {
                writeln!(ui.err(), "{error} {message}")?
            }
            Self::Stranger { service, image, program } => {
                writeln!(ui.err(), "{error} {}", strange(service, image, program.as_deref()))?;
            }
            Self::Io { doing, error: cause } => writeln!(ui.err(), "{error} {doing}: {}", plain(cause))?,
        }
        match self.advice() {
            Some(advice) => print_hint(ui, &advice),
            None => Ok(()),
        }
    }

    fn advice(&self) -> Option<String> {
        match self {
            Self::Scm(failure) => failure.hint.clone().or_else(|| advice_of(&failure.error)),
            Self::Usage { hint, .. } | Self::Step { hint, .. } => hint.clone(),
            Self::Stranger { service, program: None, .. } => Some(format!(
                "choose another name in the file; what has to go can be removed by name: svc remove {service}"
            )),
            Self::Stranger { service, program: Some(_), .. } => Some(format!(
                "choose another name in the file; svc sc config {service} binPath= … has it run another program, svc remove {service} removes it"
            )),
            _ => None,
        }
    }

    fn object(&self) -> ErrorReport<'_> {
        let mut body = ErrorBody { message: String::new(), ..ErrorBody::default() };
        match self {
            Self::Scm(failure) => {
                let error = &failure.error;
                body.operation = Some(error.operation);
                body.service = error.service.as_deref();
                body.target = error.target.as_deref();
                body.code = Some(error.code.0);
                body.name = error.code.name();
                body.message = error.to_string();
            }
            Self::Definition(wrong) => {
                body.operation = Some("read definition");
                body.message = wrong.to_string();
                body.diagnostics = wrong.iter().map(DiagnosticReport::of).collect();
            }
            Self::Usage { message, .. } | Self::Other { message, .. } => body.message.clone_from(message),
            Self::AlreadySo { message, service } => {
                body.service = service.as_deref();
                body.message.clone_from(message);
            }
            Self::Step { operation, message, .. } => {
                body.operation = Some(operation);
                body.message.clone_from(message);
            }
            Self::Stranger { service, image, program } => {
                body.service = Some(service);
                body.message = strange(service, image, program.as_deref());
            }
            Self::Io { doing, error } => body.message = format!("{doing}: {}", plain(error)),
            Self::BrokenPipe | Self::Told(_) => {}
        }
        body.hint = self.advice();
        body.exit_status = self.status() as u8;
        ErrorReport { error: body }
    }
}

fn strange(service: &str, image: &str, program: Option<&str>) -> String {
    match program {
        None => format!(
            "a service {service:?} is there that svckit did not make, and it is left alone: it runs {image}"
        ),
        Some(program) => format!(
            "a service {service:?} is there that runs another program than {program}, and it is left alone: it runs {image}"
        ),
    }
}

fn print_hint(ui: &mut Ui, text: &str) -> io::Result<()> {
    let heading = ui.err_paint(AnsiColor::Cyan.on_default().bold(), "hint:");
    writeln!(ui.err(), "{heading} {text}")
}

/// Shows something at its place in a file.
pub(crate) fn print_diagnostic(ui: &mut Ui, heading: &str, diagnostic: &Diagnostic) -> io::Result<()> {
    writeln!(ui.err(), "{heading} {}", diagnostic.message)?;
    let arrow = ui.err_paint(AnsiColor::Blue.on_default(), "-->");
    let Some(place) = &diagnostic.place else {
        writeln!(ui.err(), "  {arrow} {}", diagnostic.file.display())?;
        return diagnostic.help.as_ref().map_or(Ok(()), |help| print_hint(ui, help));
    };
    let number = place.line.to_string();
    let margin = " ".repeat(number.len());
    let bar = ui.err_paint(AnsiColor::Blue.on_default(), "|");
    writeln!(ui.err(), "{margin}{arrow} {}:{}:{}", diagnostic.file.display(), place.line, place.column)?;
    let Excerpt { text, column, length } = Excerpt::of(place);
    // Tabs and wide characters keep the caret under its text by being copied as blanks.
    let lead: String = text.chars().take(column - 1).map(|c| if c == '\t' { '\t' } else { ' ' }).collect();
    let caret = ui.err_paint(Style::new().bold().fg_color(Some(AnsiColor::Red.into())), &"^".repeat(length));
    writeln!(ui.err(), "{number} {bar} {text}")?;
    writeln!(ui.err(), "{margin} {bar} {lead}{caret}")?;
    diagnostic.help.as_ref().map_or(Ok(()), |help| print_hint(ui, help))
}

/// What is shown of a line: of a long one no more than what is around the place.
struct Excerpt {
    text: String,
    column: usize,
    length: usize,
}

impl Excerpt {
    /// How many characters of a line are shown, and how many of them before the place.
    const WIDTH: usize = 160;
    const BEFORE: usize = 60;

    fn of(place: &Place) -> Self {
        let at = place.column - 1;
        let whole = place.text.chars().count();
        let start = if whole > Self::WIDTH { at.saturating_sub(Self::BEFORE) } else { 0 };
        let end = whole.min(start + Self::WIDTH);
        // What is no text would do something to the terminal.
        let shown = |c: char| if c.is_control() && c != '\t' { char::REPLACEMENT_CHARACTER } else { c };
        let mut text: String = place.text.chars().skip(start).take(end - start).map(shown).collect();
        let mut column = place.column - start;
        if start > 0 {
            text.insert(0, '\u{2026}');
            column += 1;
        }
        if end < whole {
            text.push('\u{2026}');
        }
        Self { text, column, length: place.length.min(end.saturating_sub(at)).max(1) }
    }
}

fn status_of(code: Win32Error) -> Status {
    match code {
        Win32Error::SERVICE_DOES_NOT_EXIST => Status::NoSuchService,
        Win32Error::ACCESS_DENIED
        | Win32Error::PRIVILEGE_NOT_HELD
        | Win32Error::INVALID_SERVICE_ACCOUNT
        | Win32Error::TIME_SKEW
        | Win32Error::SERVICE_LOGON_FAILED => Status::AccessDenied,
        code if code.refuses_logon() => Status::AccessDenied,
        Win32Error::WAIT_TIMEOUT | Win32Error::SERVICE_REQUEST_TIMEOUT | Win32Error::SERVICE_START_HANG => {
            Status::TimeOut
        }
        Win32Error::SERVICE_ALREADY_RUNNING
        | Win32Error::SERVICE_NOT_ACTIVE
        | Win32Error::SERVICE_EXISTS
        | Win32Error::DUPLICATE_SERVICE_NAME => Status::AlreadySo,
        Win32Error::SERVICE_SPECIFIC_ERROR
        | Win32Error::PROCESS_ABORTED
        | Win32Error::EXCEPTION_IN_SERVICE
        | Win32Error::SERVICE_DEPENDENCY_FAIL
        | Win32Error::FILE_NOT_FOUND
        | Win32Error::PATH_NOT_FOUND
        | Win32Error::BAD_EXE_FORMAT
        | Win32Error::DIRECTORY => Status::ServiceFailed,
        Win32Error::RPC_S_SERVER_UNAVAILABLE
        | Win32Error::RPC_S_CALL_FAILED
        | Win32Error::NO_LOGON_SERVERS
        | Win32Error::WRONG_TARGET_NAME
        | Win32Error::RPC_S_SEC_PKG_ERROR => Status::Unreachable,
        Win32Error::SERVICE_MARKED_FOR_DELETE => Status::MarkedForDeletion,
        Win32Error::DEPENDENT_SERVICES_RUNNING
        | Win32Error::INVALID_SERVICE_CONTROL
        | Win32Error::SERVICE_CANNOT_ACCEPT_CTRL
        | Win32Error::SERVICE_DISABLED
        | Win32Error::CIRCULAR_DEPENDENCY
        | Win32Error::SERVICE_DEPENDENCY_DELETED
        | Win32Error::SHUTDOWN_IN_PROGRESS => Status::NotNow,
        _ => Status::Failure,
    }
}

/// What may help, by the code.
pub(crate) fn advice_of(error: &svckit_core::Error) -> Option<String> {
    let name = error.service.as_deref().unwrap_or("NAME");
    if let Some(advice) = advice_from_afar(error) {
        return Some(advice.to_owned());
    }
    Some(match error.code {
        Win32Error::SERVICE_DOES_NOT_EXIST => "svc list shows the services that there are".to_owned(),
        Win32Error::SERVICE_DISABLED => format!("svc update DEF --startup manual makes {name} startable"),
        Win32Error::SERVICE_REQUEST_TIMEOUT
        | Win32Error::SERVICE_SPECIFIC_ERROR
        | Win32Error::PROCESS_ABORTED
        | Win32Error::SERVICE_DEPENDENCY_FAIL => format!("svc logs {name} and svc events {name} tell more"),
        Win32Error::WAIT_TIMEOUT => "a longer time can be given (--wait, or --timeout of svc wait); svc status shows where it is".to_owned(),
        Win32Error::SERVICE_MARKED_FOR_DELETE => {
            "it goes when it has stopped and the last program that has it open closes it; --wait SECONDS waits longer"
                .to_owned()
        }
        Win32Error::ACCESS_DENIED if is_windows(error) => {
            "this takes an administrator: open the console by \"Run as administrator\"".to_owned()
        }
        Win32Error::INVALID_SERVICE_ACCOUNT if is_windows(error) => {
            r"an account is written DOMAIN\NAME, .\NAME for one of this machine, or NT SERVICE\NAME"
                .to_owned()
        }
        Win32Error::RPC_S_SERVER_UNAVAILABLE => "svc scm status tells whether it runs".to_owned(),
        Win32Error::INVALID_SERVICE_CONTROL => {
            format!(
                "svc show {name} lists what it accepts; [service.{name}.controls] in its definition adds more"
            )
        }
        _ => return None,
    })
}

/// What may help with another machine.
fn advice_from_afar(error: &svckit_core::Error) -> Option<&'static str> {
    let target = error.target.as_deref()?;
    if ![r"\\", "tcp://", "smb://"].iter().any(|start| target.starts_with(start)) {
        return None;
    }
    match error.code {
        Win32Error::RPC_S_SERVER_UNAVAILABLE => {
            Some("docs/tasks/remote-machines.md says what has to be open and running there")
        }
        Win32Error::WAIT_TIMEOUT if error.operation.starts_with("connect") => {
            Some("a firewall may drop what comes; --connect-timeout gives more time")
        }
        Win32Error::ACCESS_DENIED => Some(
            "changes from afar are for administrators of that machine; for its own accounts Windows has LocalAccountTokenFilterPolicy: docs/tasks/remote-machines.md",
        ),
        _ => None,
    }
}

/// Whether the answer is that of Windows on this machine.
fn is_windows(error: &svckit_core::Error) -> bool {
    error.target.as_deref() == Some("windows")
}

#[derive(Serialize)]
struct ErrorReport<'a> {
    error: ErrorBody<'a>,
}

#[derive(Serialize, Default)]
struct ErrorBody<'a> {
    operation: Option<&'a str>,
    service: Option<&'a str>,
    target: Option<&'a str>,
    code: Option<u32>,
    name: Option<&'static str>,
    message: String,
    hint: Option<String>,
    exit_status: u8,
    #[serde(skip_serializing_if = "Vec::is_empty")]
    diagnostics: Vec<DiagnosticReport<'a>>,
}

/// Something at its place in a file, as JSON.
#[derive(Serialize)]
pub(crate) struct DiagnosticReport<'a> {
    file: &'a std::path::Path,
    line: Option<usize>,
    column: Option<usize>,
    message: &'a str,
    help: Option<&'a str>,
}

impl<'a> DiagnosticReport<'a> {
    pub(crate) fn of(diagnostic: &'a Diagnostic) -> Self {
        Self {
            file: &diagnostic.file,
            line: diagnostic.place.as_ref().map(|place| place.line),
            column: diagnostic.place.as_ref().map(|place| place.column),
            message: &diagnostic.message,
            help: diagnostic.help.as_deref(),
        }
    }
}

impl From<Box<svckit_core::Error>> for Failure {
    fn from(error: Box<svckit_core::Error>) -> Self {
        Self::Scm(ScmFailure { error, hint: None, notes: Vec::new() })
    }
}

impl From<Diagnostics> for Failure {
    fn from(wrong: Diagnostics) -> Self {
        Self::Definition(wrong)
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        Self::io("cannot write", error)
    }
}
