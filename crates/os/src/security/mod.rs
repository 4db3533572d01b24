//! Who may use what on Windows: security descriptors in their text form (SDDL), and folders that are made with one.

mod windows;

#[cfg(test)]
pub(crate) use windows::let_in;
pub use windows::{Descriptor, create_private_folders, own_entries, share_folder};
pub(crate) use windows::{is_restricted, own_identifier, own_pipe};

/// The system and administrators may do everything, and so may the owner of each object; nothing comes from the folder above.
pub const PRIVATE: &str = "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;OW)";

/// Reading, writing and deleting, but not changing who may.
pub const MODIFY: &str = "0x1301bf";
