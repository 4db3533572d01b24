//! A few processes at a time: those that have inherited the same [`Gate`] and do nothing but wait for a processor otherwise.
//!
//! It is a courtesy and no lock: who has waited for long enough goes on without having entered. On Windows there is none: services' processes inherit nothing from each other there.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::Gate;
#[cfg(windows)]
pub use windows::Gate;
