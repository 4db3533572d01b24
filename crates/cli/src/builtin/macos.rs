use std::path::{Path, PathBuf};

use svckit_recipe::doctor::OpenDirectory;

use crate::app::App;
use crate::args::{Network, User};
use crate::failure::{Failure, Status};
use crate::ui::Detail;

/// It doesn't run here yet.
pub(crate) fn serve(_: PathBuf, _: Option<i32>, _: Network, _: Detail) -> Result<(), Failure> {
    Err(refusal())
}

/// Without it there are no accounts of it.
pub(crate) fn user(_: &App, _: &Path, _: User) -> Result<(), Failure> {
    Err(refusal())
}

fn refusal() -> Failure {
    let message =
        "the built-in service control manager does not run on macOS yet; --scm HOST manages another machine";
    Failure::Other { message: message.to_owned(), status: Status::Usage }
}

/// There is none, as long as there is no built-in service control manager here.
pub(crate) fn open_directory(_: &Path) -> Option<OpenDirectory> {
    None
}
