//! SPNEGO (RFC 4178, [MS-SPNG]) around NTLM or Kerberos: which mechanism, and a signature over the list of those that were offered.

mod acceptor;
pub(super) mod der;
mod initiator;
mod token;

pub use acceptor::{Acceptor, Step};
pub use initiator::Initiator;
pub use token::{Init, Response, State, Token};

/// The object identifier of NTLM, 1.3.6.1.4.1.311.2.2.10 ([MS-SPNG] 3.1.5.2), as it is in DER.
pub const NTLM: &[u8] = &[0x2b, 0x06, 0x01, 0x04, 0x01, 0x82, 0x37, 0x02, 0x02, 0x0a];
