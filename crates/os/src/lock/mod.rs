//! Lock files: one holder at a time, and the file tells who. The system releases the lock when the holder ends, however it ends.

#[cfg(unix)]
mod unix;
#[cfg(windows)]
mod windows;

#[cfg(unix)]
pub use unix::Lock;
#[cfg(windows)]
pub use windows::Lock;
