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
#[cfg(unix)]
mod smb_pipe;
mod strategies;
#[cfg(target_os = "linux")]
mod tickets;

/// What a process of this program does that is started for a test.
#[cfg(target_os = "linux")]
#[test]
fn role() {
    match svckit_testkit::role::asked() {
        Some((role, with)) if role == tickets::SEALS => tickets::seal(&with),
        Some((role, with)) if role == tickets::RECORDS => tickets::record(&with),
        Some((role, _)) => panic!("no role: {role}"),
        None => {}
    }
}
