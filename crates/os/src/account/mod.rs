//! Accounts of Windows: what they may do, and who this process is.

mod windows;

pub use windows::{grant_service_logon, is_administrator};
