//! Who may use what on Windows: security descriptors in their text form (SDDL), and folders that are made with one.

mod windows;

pub use windows::{Descriptor, create_private_folders, share_folder};
#[cfg(test)]
pub(crate) use windows::{let_in, own_identifier};

/// The system and administrators may do everything, and so may the owner of each object; nothing comes from the folder above.
pub const PRIVATE: &str = "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;OW)";
