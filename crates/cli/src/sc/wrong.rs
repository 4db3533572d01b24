//! What went wrong, as sc says it: the call of the service API and its code, which is the exit status too.

use serde_json::json;
use svckit_core::error::Error;
use svckit_core::win32::Win32Error;

use crate::failure::{self, Failure};
use crate::table::printable;
use crate::ui::Ui;

/// Why a command did not do what it was asked.
#[derive(Debug)]
pub(super) struct Wrong {
    /// The call that failed; absent: the command line can't be right.
    call: Option<&'static str>,
    error: Box<Error>,
    hint: Option<String>,
}

impl Wrong {
    /// The command line can't be right.
    pub(super) fn usage(message: impl Into<String>) -> Self {
        let error = Error::new("read command line", Win32Error::INVALID_COMMAND_LINE).cause(message);
        Self { call: None, error: Box::new(error), hint: None }
    }

    /// A call failed.
    pub(super) fn call(call: &'static str, error: Box<Error>) -> Self {
        Self { call: Some(call), error, hint: None }
    }

    /// A call that would fail, or do harm, is not made.
    pub(super) fn refused(call: &'static str, code: Win32Error, cause: impl Into<String>) -> Self {
        let operation = match call {
            "CreateService" => "create service",
            "OpenSCManager" => "open service control manager",
            "ControlService" => "control service",
            "ChangeServiceConfig" | "ChangeServiceConfig2" => "change service",
            _ => "carry out command",
        };
        Self::call(call, Box::new(Error::new(operation, code).cause(cause)))
    }

    /// The same with a hint.
    pub(super) fn hint(mut self, text: impl Into<String>) -> Self {
        self.hint = Some(text.into());
        self
    }

    /// The same about a service.
    pub(super) fn service(mut self, name: &str) -> Self {
        self.error.service.get_or_insert_with(|| name.to_owned());
        self
    }

    /// The same with how things were left.
    pub(super) fn because(mut self, outcome: &str) -> Self {
        self.error.cause = Some(format!("{}; {outcome}", self.reason()));
        self
    }

    /// The Win32 code.
    pub(super) fn code(&self) -> Win32Error {
        self.error.code
    }

    /// The reason in words.
    pub(super) fn reason(&self) -> String {
        match (&self.error.cause, self.error.code.description()) {
            (Some(cause), _) => cause.clone(),
            (None, Some(description)) => description.to_owned(),
            (None, None) => self.error.code.numbered(),
        }
    }

    /// Tells it: what sc prints on standard output, the rest on standard error.
    pub(super) fn print(&self, ui: &mut Ui, exit_status: u32) -> Result<(), Failure> {
        let hint = self.hint.clone().or_else(|| failure::advice_of(&self.error));
        if ui.json {
            ui.finish()?;
            let Error { operation, service, target, code, .. } = &*self.error;
            let object = json!({ "error": {
                "operation": operation, "service": service, "target": target, "call": self.call, "code": code.0,
                "name": code.name(), "message": self.error.to_string(), "hint": hint, "exit_status": exit_status,
            }});
            writeln!(ui.err(), "{object}")?;
            return Ok(());
        }
        let reason = printable(&self.reason());
        match self.call {
            Some(call) => write!(ui.out(), "[SC] {call} FAILED {}:\n\n{reason}\n\n", self.error.code.0)?,
            None => writeln!(ui.err(), "error: {reason}")?,
        }
        ui.finish()?;
        if let Some(hint) = hint {
            writeln!(ui.err(), "hint: {}", printable(&hint))?;
        }
        Ok(())
    }
}
