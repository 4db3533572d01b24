//! Log files: opening, reading and writing at a place, rotating.

mod unix;

pub use unix::{null_device, open_log, read_at, rename_new, same, write_at};
