//! Bodies of the other messages.

use super::SmbError;
use super::frame::{Fields, HEADER};
use super::negotiate::SIGNING_REQUIRED;
use crate::ndr::wide;

/// `FileId`.
pub(super) type FileId = [u8; 16];

/// `FSCTL_VALIDATE_NEGOTIATE_INFO`.
const VALIDATE_NEGOTIATE_INFO: u32 = 0x0014_0204;

/// What is asked for at a pipe: to read and write, its attributes, and to wait (`FILE_GENERIC_READ | FILE_GENERIC_WRITE` without appending).
const PIPE_ACCESS: u32 = 0x0012_019b;

/// `SMB2_SESSION_FLAG_IS_GUEST` and `SMB2_SESSION_FLAG_IS_NULL`.
const GUEST_OR_NOBODY: u16 = 3;

/// `SMB2_SHARE_TYPE_PIPE`.
const SHARE_OF_PIPES: u8 = 2;

/// The offset of what follows a body of this length.
fn after(body: usize) -> [u8; 2] {
    ((HEADER + body) as u16).to_le_bytes()
}

fn length(bytes: &[u8]) -> [u8; 2] {
    u16::try_from(bytes.len()).unwrap_or(u16::MAX).to_le_bytes()
}

fn long_length(bytes: &[u8]) -> [u8; 4] {
    u32::try_from(bytes.len()).unwrap_or(u32::MAX).to_le_bytes()
}

/// `SMB2 SESSION_SETUP Request` ([MS-SMB2] 2.2.5).
pub(super) fn session_setup(token: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(25_u16.to_le_bytes()); // StructureSize
    out.extend([0, SIGNING_REQUIRED as u8]); // Flags, SecurityMode
    out.extend([0; 8]); // Capabilities, Channel
    out.extend(after(24)); // SecurityBufferOffset
    out.extend(length(token)); // SecurityBufferLength
    out.extend([0; 8]); // PreviousSessionId
    out.extend_from_slice(token);
    out
}

/// `SMB2 SESSION_SETUP Response` ([MS-SMB2] 2.2.6): the token.
pub(super) fn session_token(body: &[u8]) -> Result<&[u8], SmbError> {
    let fields = Fields::new(body, "SESSION_SETUP").sized(9)?;
    if fields.u16(2)? & GUEST_OR_NOBODY != 0 {
        return Err(SmbError::Guest);
    }
    fields.buffer(fields.u16(4)?.into(), fields.u16(6)?.into())
}

/// `SMB2 TREE_CONNECT Request` ([MS-SMB2] 2.2.9).
pub(super) fn tree_connect(host: &str) -> Vec<u8> {
    let mut path = Vec::new();
    wide::write(&mut path, &format!(r"\\{host}\IPC$"));
    let mut out = Vec::new();
    out.extend(9_u16.to_le_bytes()); // StructureSize
    out.extend([0; 2]); // Flags
    out.extend(after(8)); // PathOffset
    out.extend(length(&path)); // PathLength
    out.extend(path);
    out
}

/// `SMB2 TREE_CONNECT Response` ([MS-SMB2] 2.2.10): whether it is the share of pipes.
pub(super) fn check_share(body: &[u8]) -> Result<(), SmbError> {
    let fields = Fields::new(body, "TREE_CONNECT").sized(16)?;
    match fields.bytes(2, 1)? {
        [SHARE_OF_PIPES] => Ok(()),
        _ => Err(SmbError::Malformed { what: "the share IPC$ is none of pipes" }),
    }
}

/// `SMB2 IOCTL Request` ([MS-SMB2] 2.2.31) that repeats what was negotiated.
pub(super) fn validate(input: &[u8]) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(57_u16.to_le_bytes()); // StructureSize
    out.extend([0; 2]); // Reserved
    out.extend(VALIDATE_NEGOTIATE_INFO.to_le_bytes()); // CtlCode
    out.extend([0xff; 16]); // FileId
    out.extend(((HEADER + 56) as u32).to_le_bytes()); // InputOffset
    out.extend(long_length(input)); // InputCount
    out.extend([0; 4]); // MaxInputResponse
    out.extend([0; 8]); // OutputOffset, OutputCount
    out.extend(24_u32.to_le_bytes()); // MaxOutputResponse
    out.extend(1_u32.to_le_bytes()); // Flags: SMB2_0_IOCTL_IS_FSCTL
    out.extend([0; 4]); // Reserved2
    out.extend_from_slice(input);
    out
}

/// `SMB2 IOCTL Response` ([MS-SMB2] 2.2.32): the output.
pub(super) fn validated(body: &[u8]) -> Result<&[u8], SmbError> {
    let fields = Fields::new(body, "IOCTL").sized(49)?;
    fields.buffer(fields.u32(32)?, fields.u32(36)?)
}

/// `SMB2 CREATE Request` ([MS-SMB2] 2.2.13) of a pipe.
pub(super) fn create(pipe: &str) -> Vec<u8> {
    let mut name = Vec::new();
    wide::write(&mut name, pipe);
    let mut out = Vec::new();
    out.extend(57_u16.to_le_bytes()); // StructureSize
    out.extend([0; 2]); // SecurityFlags, RequestedOplockLevel: none
    out.extend(2_u32.to_le_bytes()); // ImpersonationLevel: Impersonation
    out.extend([0; 16]); // SmbCreateFlags, Reserved
    out.extend(PIPE_ACCESS.to_le_bytes()); // DesiredAccess
    out.extend([0; 4]); // FileAttributes
    out.extend(3_u32.to_le_bytes()); // ShareAccess: reading and writing
    out.extend(1_u32.to_le_bytes()); // CreateDisposition: FILE_OPEN
    out.extend([0; 4]); // CreateOptions
    out.extend(after(56)); // NameOffset
    out.extend(length(&name)); // NameLength
    out.extend([0; 8]); // CreateContextsOffset, CreateContextsLength
    out.extend(name);
    out
}

/// `SMB2 CREATE Response` ([MS-SMB2] 2.2.14): the pipe.
pub(super) fn created(body: &[u8]) -> Result<FileId, SmbError> {
    Fields::new(body, "CREATE").sized(89)?.array(64)
}

/// `SMB2 WRITE Request` ([MS-SMB2] 2.2.21).
pub(super) fn write(file: &FileId, bytes: &[u8]) -> Vec<u8> {
    let mut out = Vec::with_capacity(48 + bytes.len());
    out.extend(49_u16.to_le_bytes()); // StructureSize
    out.extend(after(48)); // DataOffset
    out.extend(long_length(bytes)); // Length
    out.extend([0; 8]); // Offset
    out.extend(file); // FileId
    out.extend([0; 16]); // Channel, RemainingBytes, WriteChannelInfoOffset, WriteChannelInfoLength, Flags
    out.extend_from_slice(bytes);
    out
}

/// `SMB2 WRITE Response` ([MS-SMB2] 2.2.22): how much was taken.
pub(super) fn written(body: &[u8]) -> Result<usize, SmbError> {
    Ok(Fields::new(body, "WRITE").sized(17)?.u32(4)? as usize)
}

/// `SMB2 READ Request` ([MS-SMB2] 2.2.19).
pub(super) fn read(file: &FileId, limit: u32) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(49_u16.to_le_bytes()); // StructureSize
    out.extend([(HEADER + 16) as u8, 0]); // Padding, Flags
    out.extend(limit.to_le_bytes()); // Length
    out.extend([0; 8]); // Offset
    out.extend(file); // FileId
    out.extend([0; 16]); // MinimumCount, Channel, RemainingBytes, ReadChannelInfoOffset, ReadChannelInfoLength
    out.push(0); // Buffer, which may not be empty
    out
}

/// `SMB2 READ Response` ([MS-SMB2] 2.2.20): what was read.
pub(super) fn data(body: &[u8]) -> Result<&[u8], SmbError> {
    let fields = Fields::new(body, "READ").sized(17)?;
    fields.buffer(u32::from(fields.array::<1>(2)?[0]), fields.u32(4)?)
}

/// `SMB2 CLOSE Request` ([MS-SMB2] 2.2.15).
pub(super) fn close(file: &FileId) -> Vec<u8> {
    let mut out = Vec::new();
    out.extend(24_u16.to_le_bytes()); // StructureSize
    out.extend([0; 6]); // Flags, Reserved
    out.extend(file); // FileId
    out
}

/// `SMB2 LOGOFF Request` ([MS-SMB2] 2.2.7).
pub(super) fn logoff() -> Vec<u8> {
    vec![4, 0, 0, 0] // StructureSize, Reserved
}
