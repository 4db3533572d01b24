//! The native interface ([`svckit_core::native`]) on the wire: one operation, its stub is UTF-8 JSON.

use svckit_core::Win32Error;
use svckit_core::native::{Reply, Request};

use crate::ndr::DecodeError;

/// The only operation.
pub const OPNUM: u16 = 0;

/// A request that can't be written as JSON, such as one with a path that is not UTF-8.
#[derive(Debug, thiserror::Error)]
#[error("the request can't be sent: {0}")]
pub struct EncodeError(#[from] serde_json::Error);

/// The stub of a request.
pub fn encode_request(request: &Request) -> Result<Vec<u8>, EncodeError> {
    Ok(serde_json::to_vec(request)?)
}

/// The request in a stub. One that is not understood has the reply to it as the error.
pub fn decode_request(stub: &[u8]) -> Result<Request, Box<Reply>> {
    serde_json::from_slice(stub).map_err(|error| {
        let message = format!("the request is not understood: {error}");
        Box::new(Reply::Error { code: Win32Error::INVALID_PARAMETER, message })
    })
}

/// The stub of a reply. In place of one that can't be written as JSON goes an error that says so.
pub fn encode_reply(reply: &Reply) -> Vec<u8> {
    serde_json::to_vec(reply).unwrap_or_else(|error| {
        let message = format!("the reply can't be sent: {error}");
        serde_json::to_vec(&Reply::Error { code: Win32Error::INVALID_DATA, message }).unwrap_or_default()
    })
}

/// The reply in a stub.
pub fn decode_reply(stub: &[u8]) -> Result<Reply, DecodeError> {
    serde_json::from_slice(stub)
        .map_err(|_| DecodeError::Invalid { what: "the reply on the native interface" })
}
