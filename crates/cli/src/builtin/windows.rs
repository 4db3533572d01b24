use std::fs::File;
use std::io::{self, IsTerminal, Read};
use std::os::windows::io::AsHandle;
use std::path::{Path, PathBuf};

use svckit_recipe::Platform;
use svckit_recipe::doctor::OpenDirectory;

use crate::app::App;
use crate::args::{Network, User};
use crate::builtin::Deed;
use crate::failure::{Failure, Status};
use crate::ui::Detail;

/// What definitions are read for.
pub(crate) const PLATFORM: Platform = Platform::Windows;

/// It is for systems that have none of their own.
pub(crate) fn serve(_: PathBuf, _: Option<i32>, _: Network, _: Detail) -> Result<(), Failure> {
    Err(refusal())
}

/// The accounts of Windows are its own.
pub(crate) fn user(_: &App, _: &Path, _: User) -> Result<(), Failure> {
    Err(refusal())
}

fn refusal() -> Failure {
    let message = "the built-in service control manager does not run on Windows; that of this machine is what every verb works \
                   with when --scm is left out";
    Failure::Other { message: message.to_owned(), status: Status::Usage }
}

/// Standard input without the buffer that is never overwritten; what is typed comes from it, since a console has another encoding.
pub(crate) fn unbuffered_input() -> io::Result<Box<dyn Read>> {
    let input = io::stdin();
    if input.is_terminal() {
        return Ok(Box::new(input));
    }
    Ok(Box::new(File::from(input.as_handle().try_clone_to_owned()?)))
}

/// There is none, as long as there is no built-in service control manager here.
pub(crate) fn open_directory(_: &Path) -> Option<OpenDirectory> {
    None
}

/// Access control lists aren't read: nothing is said of them.
pub(crate) fn are_others_let(_: Deed, _: &Path) -> bool {
    false
}
