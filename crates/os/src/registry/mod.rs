//! The registry of Windows, as far as services need it: keys below `HKEY_LOCAL_MACHINE` with strings and numbers.

mod changes;
mod windows;

pub use changes::Changes;
pub use windows::{Key, delete_tree};
