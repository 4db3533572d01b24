//! Log files: opening, reading and writing at a place, rotating.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::{identity, is_at, null_device, open_log, read_at, rename_new, write_at};
#[cfg(windows)]
pub use windows::{identity, is_at, null_device, open_log, read_at, rename_new, write_at};
