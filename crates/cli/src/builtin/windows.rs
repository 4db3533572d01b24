use std::path::PathBuf;
use std::process::ExitCode;

use svckit_recipe::Platform;

use crate::failure::Failure;
use crate::ui::Detail;

/// What definitions are read for.
pub(crate) const PLATFORM: Platform = Platform::Windows;

/// It is for systems that have none of their own.
pub(crate) fn serve(_: PathBuf, _: Option<i32>, _: Detail) -> Result<ExitCode, Failure> {
    let failure = Failure::usage("the built-in service control manager does not run on Windows");
    Err(failure.hint("every verb works with that of this machine: leave --scm out"))
}
