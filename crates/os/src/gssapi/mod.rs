//! Kerberos by the system's GSSAPI (RFC 2743, RFC 2744, RFC 4121), which is loaded when somebody needs it: who doesn't need not have it.
//!
//! [`Credentials`] are tickets, or the keys of a server; [`initiate`] and [`accept`] make of them a [`Context`].

#![allow(unsafe_code)]

mod context;
mod credentials;
mod library;

pub use credentials::Credentials;
pub use svckit_core::kerberos::{Code, Context, Failure, Step, Style};

use std::sync::Arc;

/// The client's side of a connection to the service of a machine, such as `host` of `db1`. Nothing is asked of anybody before the first step.
pub fn initiate(
    credentials: &Arc<Credentials>,
    service: &str,
    host: &str,
    style: Style,
) -> Result<Box<dyn Context>, Failure> {
    Ok(Box::new(context::Security::initiator(Arc::clone(credentials), service, host, style)?))
}

/// The server's side, in the style of DCE.
pub fn accept(credentials: &Arc<Credentials>) -> Box<dyn Context> {
    Box::new(context::Security::acceptor(Arc::clone(credentials)))
}

#[cfg(test)]
mod tests;
