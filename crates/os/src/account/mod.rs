//! Accounts of Windows: what they may do, and who this process is.

mod windows;

pub(crate) use windows::text;
pub use windows::{grant_service_logon, has_service_logon, identifier, is_own};
