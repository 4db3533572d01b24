//! The system that a definition is for, where the same words mean different things.

use std::time::Duration;

use svckit_core::definition::{Rung, StopAction, StopPolicy};
use svckit_core::image_path;
use svckit_core::system_event::SystemEvent;

use crate::words::{self, WordsError};

/// A kind of system.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Platform {
    /// Linux and its relatives.
    Unix,
    /// Windows.
    Windows,
}

/// How long a rung of the ladder has that Windows services have by default.
const WINDOWS_RUNG: Duration = Duration::from_secs(5);

impl Platform {
    /// How a program is stopped whose definition says nothing; force follows in either case.
    pub fn stop(self) -> StopPolicy {
        match self {
            Self::Unix => StopPolicy::default(),
            Self::Windows => StopPolicy {
                ladder: [StopAction::CtrlC, StopAction::WmClose]
                    .map(|action| Rung { action, wait: WINDOWS_RUNG })
                    .to_vec(),
            },
        }
    }

    /// The words of a command line, by the rules that people know there: those of the shell, or those of `CommandLineToArgvW`, by which a backslash is
    /// itself.
    pub fn split(self, line: &str) -> Result<Vec<String>, WordsError> {
        match self {
            Self::Unix => words::split(line),
            // There a quotation mark that is never closed reaches to the end; here it is a mistake all the same.
            Self::Windows if !is_closed(line) => Err(WordsError::Unclosed('"')),
            Self::Windows => Ok(image_path::split(line)),
        }
    }

    /// Whether programs can be sent signals.
    pub fn has_signals(self) -> bool {
        self == Self::Unix
    }

    /// Whether a means of stopping a program is one there; others are skipped.
    pub fn knows(self, action: &StopAction) -> bool {
        match action {
            StopAction::CtrlBreak | StopAction::WmClose => self == Self::Windows,
            StopAction::Signal(_) => self.has_signals(),
            StopAction::CtrlC
            | StopAction::StdinClose
            | StopAction::Command(_)
            | StopAction::Http(_)
            | StopAction::Terminate => true,
        }
    }

    /// Whether somebody tells a host of such an event there.
    pub fn tells(self, event: SystemEvent) -> bool {
        self == Self::Windows || event == SystemEvent::Resume
    }

    /// Whether two names are those of one variable.
    pub fn is_same_variable(self, one: &str, other: &str) -> bool {
        match self {
            Self::Unix => one == other,
            Self::Windows => one.to_uppercase() == other.to_uppercase(),
        }
    }
}

/// Whether every quotation mark has its other one. In the first word a backslash is nothing special, in the others one before a mark makes it literal.
fn is_closed(line: &str) -> bool {
    let (mut quoted, mut backslashes, mut first) = (false, 0, true);
    for c in line.trim_start().chars() {
        match c {
            '"' if first || backslashes % 2 == 0 => quoted = !quoted,
            ' ' | '\t' if !quoted => first = false,
            _ => {}
        }
        backslashes = if c == '\\' { backslashes + 1 } else { 0 };
    }
    !quoted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn command_lines_of_windows_keep_their_backslashes() {
        let split = |line| Platform::Windows.split(line);
        assert_eq!(
            split(r#""C:\Program Files\x\x.exe" -d C:\data\ "a \"b\" c" 'q'"#).unwrap(),
            [r"C:\Program Files\x\x.exe", "-d", r"C:\data\", r#"a "b" c"#, "'q'"]
        );
        assert_eq!(split(r#"x "C:\data\\" y"#).unwrap(), ["x", r"C:\data\", "y"]);
        assert_eq!(split("  ").unwrap(), Vec::<String>::new());
        for open in [r#""C:\x"#, r#"x "a"#, r#"x "C:\data\""#] {
            assert_eq!(split(open), Err(WordsError::Unclosed('"')), "{open}");
        }
        assert_eq!(Platform::Unix.split(r"a\ b c").unwrap(), ["a b", "c"]);
    }

    #[test]
    fn variables_of_windows_have_no_case() {
        assert!(Platform::Windows.is_same_variable("Path", "PATH"));
        assert!(!Platform::Unix.is_same_variable("Path", "PATH"));
    }
}
