//! Tests of the wire: round trips, the machines against each other, an independent implementation, and the corpora of the fuzz targets.

#![allow(clippy::unwrap_used, clippy::print_stderr)] // in helpers of tests, too

mod buffers;
mod captures;
mod convert;
mod corpus;
mod impacket;
#[cfg(unix)]
mod impacket_sealed;
mod kerberos;
mod machines;
mod mapper;
#[cfg(unix)]
mod passwords;
mod round_trip;
#[cfg(unix)]
mod scm;
mod sealed;
#[cfg(target_os = "linux")]
mod secret;
mod smb;
mod strategies;
