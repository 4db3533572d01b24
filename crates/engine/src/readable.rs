//! Waiting until a descriptor is readable.

use std::io;
use std::os::fd::{AsFd, AsRawFd};

use tokio::io::Interest;
use tokio::io::unix::AsyncFd;

/// Registers something with a descriptor to be waited for.
#[expect(
    deprecated,
    reason = "the replacement is unsafe, for types without a descriptor of their own; the bound AsFd keeps those out"
)]
pub(crate) fn readable<T: AsFd + AsRawFd>(descriptor: T) -> io::Result<AsyncFd<T>> {
    AsyncFd::with_interest(descriptor, Interest::READABLE)
}
