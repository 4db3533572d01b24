//! Connection-oriented DCE/RPC 5.0 (C706 chapter 12, [MS-RPCE] 2.2.2): protocol data units, and fragments both ways.
//!
//! A unit of binding that carries an authentication trailer is taken apart and its trailer kept ([`Frame::auth`]), for who knows the security provider. When that is done, a `Channel` seals and opens
//! the units.

mod bind;
mod fragment;
mod frame;
mod secure;
mod syntax;
mod verification;

pub use bind::{Bind, BindAck, BindNak, ContextResult, Proposal, result};
pub use fragment::{Assembler, Body, fragments};
pub(crate) use fragment::{read_fault, write_fault};
pub(crate) use frame::write_with_trailer;
pub use frame::{Auth, Frame, Header, PacketType, flags};
pub(crate) use secure::Channel;
pub use syntax::{NATIVE, NDR32, SCMR, Syntax, Uuid};
pub(crate) use verification::{Expected, verified};

use crate::auth::AuthError;
use crate::ndr::DecodeError;

/// The largest stub, all fragments together, that is put together or sent.
pub const MAX_STUB: usize = 4 * 1024 * 1024;

/// The smallest fragment size that every implementation has to take (C706 12.6.3.1 `MustRecvFragSize`).
pub const MIN_FRAGMENT: u16 = 1432;

/// The largest fragment there can be.
pub const MAX_FRAGMENT: u16 = u16::MAX;

/// The length of the common header (C706 12.6.3.1).
pub const HEADER: usize = 16;

/// How the other side broke the protocol. The connection can't go on.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ProtocolError {
    /// The version is not 5.0 or 5.1.
    #[error("the peer speaks version {major}.{minor} of the RPC protocol, only 5.0 is known here")]
    Version {
        /// `rpc_vers`.
        major: u8,
        /// `rpc_vers_minor`.
        minor: u8,
    },
    /// Integers, characters or floats are not in little endian, ASCII and IEEE.
    #[error("the data representation {0:#010x} is not supported, only little endian is")]
    Representation(u32),
    /// The length of a fragment is impossible.
    #[error("a fragment of {found} bytes came, allowed are {HEADER} to {limit}")]
    FragmentLength {
        /// `frag_length`.
        found: u16,
        /// The size agreed upon.
        limit: u16,
    },
    /// A unit that makes no sense at this point.
    #[error("an unexpected packet of type {0} came")]
    Unexpected(u8),
    /// The fragments of a message don't fit each other.
    #[error("the fragments of a message do not belong together")]
    Fragments,
    /// A message is too large.
    #[error("a message is larger than {MAX_STUB} bytes")]
    TooLarge,
    /// Too many calls at the same time.
    #[error("more than {0} calls are under way")]
    TooManyCalls(usize),
    /// The inside of a unit is malformed.
    #[error("a packet is malformed: {0}")]
    Malformed(#[from] DecodeError),
    /// A packet in clear, or one of another security context, on a connection that is sealed.
    #[error("a packet came that is not sealed as it was agreed")]
    Unsealed,
    /// Who the other side is, or what came from it, can't be believed.
    #[error("{0}")]
    Security(#[from] AuthError),
    /// The server does not let the client in.
    #[error("the server let nobody in with this user name and password ({0})")]
    LogonRefused(Status),
    /// The server did not carry out the only call that there is.
    #[error("the server refused the call with the fault {0}")]
    Fault(Status),
    /// The server does not want to talk.
    #[error("the server refused the connection with reason {0}")]
    Refused(u16),
    /// The server does not offer the interface.
    #[error(
        "the server does not offer the service control manager interface (result {result}, reason {reason})"
    )]
    NoInterface {
        /// `result`.
        result: u16,
        /// `reason`.
        reason: u16,
    },
}

/// The status of a fault (C706 appendix E, [MS-RPCE] 2.2.2.12).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Status(pub u32);

impl Status {
    /// `nca_op_rng_error`: the operation is not known.
    pub const OPERATION: Self = Self(0x1c01_0002);
    /// `nca_unk_if`: the interface is not known.
    pub const INTERFACE: Self = Self(0x1c01_0003);
    /// `nca_proto_error`: the protocol was broken.
    pub const PROTOCOL: Self = Self(0x1c01_000b);
    /// `nca_s_fault_context_mismatch`: a context handle is not valid.
    pub const CONTEXT: Self = Self(0x1c00_001a);
    /// `RPC_X_BAD_STUB_DATA`: the stub can't be read.
    pub const STUB: Self = Self(0x0000_06f7);
    /// `ERROR_ACCESS_DENIED`.
    pub const ACCESS: Self = Self(0x0000_0005);

    /// The name, if it has one here.
    pub const fn name(self) -> Option<&'static str> {
        Some(match self {
            Self::OPERATION => "nca_op_rng_error",
            Self::INTERFACE => "nca_unk_if",
            Self::PROTOCOL => "nca_proto_error",
            Self::CONTEXT => "nca_s_fault_context_mismatch",
            Self::STUB => "RPC_X_BAD_STUB_DATA",
            Self::ACCESS => "ERROR_ACCESS_DENIED",
            _ => return None,
        })
    }
}

impl std::fmt::Display for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => f.pad(&format!("{:#010x}", self.0)),
        }
    }
}

impl std::fmt::Debug for Status {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        std::fmt::Display::fmt(self, f)
    }
}
