//! The host as a service control manager meets it: real processes, the real protocol, programs that are shell scripts.
#![allow(missing_docs)]

mod life;
mod support;
