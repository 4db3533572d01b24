//! A service's process on Windows: the service control manager calls into it, and what it says becomes messages of the dispatcher protocol.

mod windows;

pub use windows::{Dispatcher, serve};
