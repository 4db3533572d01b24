//! Tests of the wire: round trips, the machines against each other, an independent implementation, and the corpora of the fuzz targets.

mod buffers;
mod convert;
mod corpus;
mod impacket;
mod machines;
mod round_trip;
#[cfg(unix)]
mod scm;
mod strategies;
