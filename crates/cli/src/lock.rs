//! One run at a time works on a record.

use std::fs::{File, TryLockError};
use std::path::Path;

use crate::app::App;
use crate::failure::Failure;

/// Takes the lock of a file, which is made if it is missing, and stays: whoever waits for the lock has it open. While another has it, `waiting` is shown.
pub(crate) fn take(app: &mut App, path: &Path, waiting: &str) -> Result<File, Failure> {
    let fail = |error| Failure::io(format!("cannot lock {}", path.display()), error);
    let file = File::options().create(true).truncate(false).write(true).open(path).map_err(fail)?;
    match file.try_lock() {
        Ok(()) => {}
        Err(TryLockError::WouldBlock) => {
            app.ui.progress(waiting)?;
            file.lock().map_err(fail)?;
            app.ui.clear_progress()?;
        }
        Err(TryLockError::Error(error)) => return Err(fail(error)),
    }
    Ok(file)
}
