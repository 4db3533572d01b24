//! The Service Control Manager Remote Protocol ([MS-SCMR]) on the wire: codec, client and server, without I/O.
//!
//! Three layers, each of which knows nothing of the one above:
//!
//! * [`ndr`]: NDR32 in little endian, the form of arguments and results (C706 chapter 14);
//! * [`pdu`]: connection-oriented DCE/RPC 5.0 in fragments (C706 chapter 12, [MS-RPCE] 2.2.2);
//! * [`ops`]: the calls of [MS-SCMR] and their answers in typed form.
//!
//! Beside them are [`auth`], which knows who a peer is and seals, [`mapper`], which knows ports, [`smb`], which brings bytes through a named pipe, and [`secret`], which encrypts passwords for it. [`client`] and [`server`] are machines over these: bytes go in, calls or answers come out, and the other way round. Who
//! carries the bytes is not their business. Everything that a peer can make them hold is bounded ([`pdu::MAX_STUB`]).

#![forbid(unsafe_code)]

pub mod auth;
pub mod client;
pub mod mapper;
pub mod native;
pub mod ndr;
pub mod ops;
pub mod pdu;
pub mod secret;
pub mod server;
pub mod smb;
