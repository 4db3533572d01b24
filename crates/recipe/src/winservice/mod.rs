//! The recipe `p01.recipe.setup:winservice`: a script made into a Windows service.
//!
//! A part's options become [`Variables`] ([`plan()`]); the variables become the text of `bin/winservice.py`, a service script for pywin32 ([`script`]).
//! The other way, the variables of a `winservice.py`, ours or one that is deployed already, are read without running Python ([`read`]). Either way a
//! service for svckit's own host can be made of them ([`definition`]). `docs/design/recipe.md` tells why things are as they are.

mod debug;
pub(crate) mod encoding;
mod literal;
mod name;
mod native;
pub(crate) mod path;
mod plan;
mod read;
mod script;
mod source;

#[cfg(test)]
mod tests;

pub use debug::debug_copy;
pub use native::definition;
pub use plan::{DebugCopy, Options, Outcome, Problem, plan};
pub use read::{Script, load, read};
pub use script::script;

use crate::definition::Span;

/// The name of the recipe in a `buildout.cfg`.
pub const RECIPE: &str = "p01.recipe.setup:winservice";

/// The file that the recipe makes in the folder of scripts.
pub const SCRIPT_FILE: &str = "winservice.py";

/// What a generated script knows of its service: the variables at its beginning, in their order there.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Variables {
    /// `PYTHONSERVICE_EXE`: pywin32's program that runs services; empty when there is no Python.
    pub pythonservice_exe: String,
    /// `PYTHON`: the interpreter that runs the script; empty when the script is a program itself.
    pub python: String,
    /// `SCRIPT`: what is run.
    pub script: String,
    /// `PARAMETERS`: what follows it on the command line.
    pub parameters: String,
    /// `SERVICE_NAME`: the service's key name.
    pub service_name: String,
    /// `SERVICE_DISPLAY_NAME`: the name that people see.
    pub service_display_name: String,
    /// `SERVICE_DESCRIPTION`: what people are told it does.
    pub service_description: String,
    /// `INSTANCE_HOME`: the working directory.
    pub instance_home: String,
}

impl Variables {
    /// The names in the script, in their order.
    pub const NAMES: [&'static str; 8] = [
        "PYTHONSERVICE_EXE",
        "PYTHON",
        "SCRIPT",
        "PARAMETERS",
        "SERVICE_NAME",
        "SERVICE_DISPLAY_NAME",
        "SERVICE_DESCRIPTION",
        "INSTANCE_HOME",
    ];

    /// The values, in the order of [`Self::NAMES`].
    pub fn values(&self) -> [&str; 8] {
        [
            &self.pythonservice_exe,
            &self.python,
            &self.script,
            &self.parameters,
            &self.service_name,
            &self.service_display_name,
            &self.service_description,
            &self.instance_home,
        ]
    }

    /// The variables that have these values, in the order of [`Self::NAMES`].
    fn from_values(values: [String; 8]) -> Self {
        let [
            pythonservice_exe,
            python,
            script,
            parameters,
            service_name,
            service_display_name,
            service_description,
            instance_home,
        ] = values;
        Self {
            pythonservice_exe,
            python,
            script,
            parameters,
            service_name,
            service_display_name,
            service_description,
            instance_home,
        }
    }
}

/// Where in a text the values come from that a native service is made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Spans {
    /// The interpreter.
    pub python: Span,
    /// The script.
    pub script: Span,
    /// The parameters.
    pub parameters: Span,
    /// The key name.
    pub service_name: Span,
    /// The display name.
    pub service_display_name: Span,
    /// The description.
    pub service_description: Span,
    /// The working directory.
    pub instance_home: Span,
}
