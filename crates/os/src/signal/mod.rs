//! Signals: names of those that may have ended a program, and, on Unix, numbers and receiving them as events.

#[cfg(target_os = "linux")]
mod linux;
#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(target_os = "linux")]
pub use linux::{Delivered, SignalSource};
#[cfg(unix)]
pub use unix::{ignore_file_size_signal, name, number, on_end};
#[cfg(windows)]
pub(crate) use windows::is_of_system;
#[cfg(windows)]
pub use windows::{name, on_end};
