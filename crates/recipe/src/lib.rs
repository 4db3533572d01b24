//! From what people write to what a service control manager needs.
//!
//! This version reads the TOML definition file (`docs/reference/definition.md`); other sources follow. Reading is a function of the text and the
//! file's path: whether a folder or a program is really there is asked by the caller, who then points into the file with
//! [`Definition::diagnostic`].

#![forbid(unsafe_code)]

pub mod buildout;
mod definition;
mod diagnostic;
pub mod doctor;
mod escape;
mod file;
pub mod hosts;
pub mod import;
pub mod lint;
mod moments;
mod order;
pub mod parts;
mod platform;
pub mod secret;
mod stored;
pub mod toml;
pub mod units;
pub mod winservice;
pub mod words;

pub use definition::{
    Definition, Hosted, LogSettings, Places, Process, Runs, ServiceDefinition, Span, StartMode,
};
pub use diagnostic::{Diagnostic, Diagnostics, Place, Source};
pub use file::plain;
pub use moments::written_occasion;
pub use platform::Platform;
pub use stored::{Inexpressible, Stored};
