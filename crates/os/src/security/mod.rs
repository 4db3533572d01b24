//! Who may use what on Windows: security descriptors in their text form (SDDL), and folders that are made with one.

mod windows;

#[cfg(test)]
pub(crate) use windows::let_in;
pub(crate) use windows::own_identifier;
pub use windows::{Descriptor, create_private_folders, share_folder};

/// The system and administrators may do everything, and so may the owner of each object; nothing comes from the folder above.
pub const PRIVATE: &str = "D:P(A;OICI;FA;;;SY)(A;OICI;FA;;;BA)(A;OICI;FA;;;OW)";
