//! What every message has: the length before it, and the header ([MS-SMB2] 2.1, 2.2.1).

use std::fmt;

use super::SmbError;

/// How long the header of a message is.
pub(super) const HEADER: usize = 64;

/// Where the signature is in it.
pub(super) const SIGNATURE: std::ops::Range<usize> = 48..64;

/// `ProtocolId` of a message in clear.
pub(super) const PLAIN: [u8; 4] = [0xfe, b'S', b'M', b'B'];

/// `ProtocolId` of `SMB2 TRANSFORM_HEADER`.
pub(super) const ENCRYPTED: [u8; 4] = [0xfd, b'S', b'M', b'B'];

/// The longest message that is taken: what is read at once is far less.
const MAX_MESSAGE: usize = 128 * 1024;

/// `Command`.
pub(super) mod command {
    pub(crate) const NEGOTIATE: u16 = 0;
    pub(crate) const SESSION_SETUP: u16 = 1;
    pub(crate) const LOGOFF: u16 = 2;
    pub(crate) const TREE_CONNECT: u16 = 3;
    pub(crate) const CREATE: u16 = 5;
    pub(crate) const CLOSE: u16 = 6;
    pub(crate) const READ: u16 = 8;
    pub(crate) const WRITE: u16 = 9;
    pub(crate) const IOCTL: u16 = 11;
    pub(crate) const CANCEL: u16 = 12;
}

/// `Flags`.
pub(super) mod flags {
    /// `SMB2_FLAGS_SERVER_TO_REDIR`.
    pub(crate) const ANSWER: u32 = 1;
    /// `SMB2_FLAGS_ASYNC_COMMAND`.
    pub(crate) const ASYNC: u32 = 2;
    /// `SMB2_FLAGS_SIGNED`.
    pub(crate) const SIGNED: u32 = 8;
}

/// A status of a server ([MS-ERREF] 2.3).
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct NtStatus(pub u32);

macro_rules! statuses {
    ($($(#[$doc:meta])* $name:ident = $code:literal => $text:literal,)*) => {
        impl NtStatus {
            $($(#[$doc])* pub const $name: Self = Self($code);)*

            /// Its name, if it is one of these.
            pub fn name(self) -> Option<&'static str> {
                match self {
                    $(Self::$name => Some($text),)*
                    _ => None,
                }
            }
        }
    };
}

statuses! {
    /// Done.
    SUCCESS = 0 => "STATUS_SUCCESS",
    /// An answer will follow.
    PENDING = 0x0000_0103 => "STATUS_PENDING",
    /// There is more to read.
    BUFFER_OVERFLOW = 0x8000_0005 => "STATUS_BUFFER_OVERFLOW",
    /// Something is wrong with what was sent; Samba's word for a mechanism that it doesn't know.
    INVALID_PARAMETER = 0xc000_000d => "STATUS_INVALID_PARAMETER",
    /// The control is not one of the device's.
    INVALID_DEVICE_REQUEST = 0xc000_0010 => "STATUS_INVALID_DEVICE_REQUEST",
    /// The end.
    END_OF_FILE = 0xc000_0011 => "STATUS_END_OF_FILE",
    /// The logon goes on.
    MORE_PROCESSING_REQUIRED = 0xc000_0016 => "STATUS_MORE_PROCESSING_REQUIRED",
    /// Who asks may not.
    ACCESS_DENIED = 0xc000_0022 => "STATUS_ACCESS_DENIED",
    /// There is no such pipe.
    OBJECT_NAME_NOT_FOUND = 0xc000_0034 => "STATUS_OBJECT_NAME_NOT_FOUND",
    /// Nobody is there who could say who comes.
    NO_LOGON_SERVERS = 0xc000_005e => "STATUS_NO_LOGON_SERVERS",
    /// There is no such user.
    NO_SUCH_USER = 0xc000_0064 => "STATUS_NO_SUCH_USER",
    /// The password is wrong.
    WRONG_PASSWORD = 0xc000_006a => "STATUS_WRONG_PASSWORD",
    /// Name or password is wrong.
    LOGON_FAILURE = 0xc000_006d => "STATUS_LOGON_FAILURE",
    /// A restriction of the account, such as that an empty password is not for the network.
    ACCOUNT_RESTRICTION = 0xc000_006e => "STATUS_ACCOUNT_RESTRICTION",
    /// Not at this hour.
    INVALID_LOGON_HOURS = 0xc000_006f => "STATUS_INVALID_LOGON_HOURS",
    /// Not from this machine.
    INVALID_WORKSTATION = 0xc000_0070 => "STATUS_INVALID_WORKSTATION",
    /// The password has expired.
    PASSWORD_EXPIRED = 0xc000_0071 => "STATUS_PASSWORD_EXPIRED",
    /// The account is disabled.
    ACCOUNT_DISABLED = 0xc000_0072 => "STATUS_ACCOUNT_DISABLED",
    /// Too little of something.
    INSUFFICIENT_RESOURCES = 0xc000_009a => "STATUS_INSUFFICIENT_RESOURCES",
    /// All instances of the pipe are taken.
    INSTANCE_NOT_AVAILABLE = 0xc000_00ab => "STATUS_INSTANCE_NOT_AVAILABLE",
    /// The same.
    PIPE_NOT_AVAILABLE = 0xc000_00ac => "STATUS_PIPE_NOT_AVAILABLE",
    /// The other end has gone.
    PIPE_DISCONNECTED = 0xc000_00b0 => "STATUS_PIPE_DISCONNECTED",
    /// The other end goes.
    PIPE_CLOSING = 0xc000_00b1 => "STATUS_PIPE_CLOSING",
    /// It isn't known there.
    NOT_SUPPORTED = 0xc000_00bb => "STATUS_NOT_SUPPORTED",
    /// There is no such share.
    BAD_NETWORK_NAME = 0xc000_00cc => "STATUS_BAD_NETWORK_NAME",
    /// More sessions than it takes.
    REQUEST_NOT_ACCEPTED = 0xc000_00d0 => "STATUS_REQUEST_NOT_ACCEPTED",
    /// The file is closed.
    FILE_CLOSED = 0xc000_0128 => "STATUS_FILE_CLOSED",
    /// The clocks of server and domain controller, or of client and server, differ too much.
    TIME_DIFFERENCE_AT_DC = 0xc000_0133 => "STATUS_TIME_DIFFERENCE_AT_DC",
    /// The other end has gone.
    PIPE_BROKEN = 0xc000_014b => "STATUS_PIPE_BROKEN",
    /// Not over the network.
    LOGON_TYPE_NOT_GRANTED = 0xc000_015b => "STATUS_LOGON_TYPE_NOT_GRANTED",
    /// The account has expired.
    ACCOUNT_EXPIRED = 0xc000_0193 => "STATUS_ACCOUNT_EXPIRED",
    /// A driver is missing.
    FS_DRIVER_REQUIRED = 0xc000_019c => "STATUS_FS_DRIVER_REQUIRED",
    /// Nobody is logged on any more.
    USER_SESSION_DELETED = 0xc000_0203 => "STATUS_USER_SESSION_DELETED",
    /// The password has to be changed first.
    PASSWORD_MUST_CHANGE = 0xc000_0224 => "STATUS_PASSWORD_MUST_CHANGE",
    /// The account is locked.
    ACCOUNT_LOCKED_OUT = 0xc000_0234 => "STATUS_ACCOUNT_LOCKED_OUT",
    /// The logon was too long ago.
    NETWORK_SESSION_EXPIRED = 0xc000_035c => "STATUS_NETWORK_SESSION_EXPIRED",
    /// NTLM is forbidden there.
    NTLM_BLOCKED = 0xc000_0418 => "STATUS_NTLM_BLOCKED",
}

impl fmt::Display for NtStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.write_str(name),
            None => write!(f, "status {:#010x}", self.0),
        }
    }
}

impl fmt::Debug for NtStatus {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `SMB2 Packet Header` ([MS-SMB2] 2.2.1), of which the process and the signature are left out.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct Header {
    /// In a request the credits that are asked for, in an answer those that are granted.
    pub(super) credits: u16,
    pub(super) status: NtStatus,
    pub(super) command: u16,
    pub(super) flags: u32,
    pub(super) next: u32,
    pub(super) message: u64,
    /// Of an answer that comes later this is half of another number.
    pub(super) tree: u32,
    pub(super) session: u64,
}

impl Header {
    /// Writes a request's.
    pub(super) fn write(&self, out: &mut Vec<u8>) {
        out.extend(PLAIN);
        out.extend(64_u16.to_le_bytes()); // StructureSize
        out.extend(1_u16.to_le_bytes()); // CreditCharge
        out.extend(self.status.0.to_le_bytes()); // ChannelSequence, Reserved
        out.extend(self.command.to_le_bytes()); // Command
        out.extend(self.credits.to_le_bytes()); // CreditRequest
        out.extend(self.flags.to_le_bytes()); // Flags
        out.extend(self.next.to_le_bytes()); // NextCommand
        out.extend(self.message.to_le_bytes()); // MessageId
        out.extend([0; 4]); // Reserved
        out.extend(self.tree.to_le_bytes()); // TreeId
        out.extend(self.session.to_le_bytes()); // SessionId
        out.extend([0; 16]); // Signature
    }

    /// Reads an answer's.
    pub(super) fn read(bytes: &[u8]) -> Result<Self, SmbError> {
        let fields = Fields::new(bytes, "the header");
        if fields.array(0)? != PLAIN || fields.u16(4)? != 64 {
            return Err(SmbError::Malformed { what: "the header" });
        }
        let header = Self {
            credits: fields.u16(14)?,
            status: NtStatus(fields.u32(8)?),
            command: fields.u16(12)?,
            flags: fields.u32(16)?,
            next: fields.u32(20)?,
            message: fields.u64(24)?,
            tree: fields.u32(36)?,
            session: fields.u64(40)?,
        };
        fields.bytes(SIGNATURE.start, SIGNATURE.len())?;
        match header.flags & flags::ANSWER {
            0 => Err(SmbError::Malformed { what: "it is a request" }),
            _ => Ok(header),
        }
    }
}

/// Numbers at fixed places of a message or a part of it, which is named in errors.
#[derive(Debug, Clone, Copy)]
pub(super) struct Fields<'a> {
    bytes: &'a [u8],
    what: &'static str,
}

impl<'a> Fields<'a> {
    pub(super) fn new(bytes: &'a [u8], what: &'static str) -> Self {
        Self { bytes, what }
    }

    pub(super) fn bytes(&self, at: usize, length: usize) -> Result<&'a [u8], SmbError> {
        at.checked_add(length).and_then(|end| self.bytes.get(at..end)).ok_or_else(|| self.malformed())
    }

    pub(super) fn array<const N: usize>(&self, at: usize) -> Result<[u8; N], SmbError> {
        self.bytes(at, N)?.try_into().map_err(|_| self.malformed())
    }

    pub(super) fn u16(&self, at: usize) -> Result<u16, SmbError> {
        self.array(at).map(u16::from_le_bytes)
    }

    pub(super) fn u32(&self, at: usize) -> Result<u32, SmbError> {
        self.array(at).map(u32::from_le_bytes)
    }

    pub(super) fn u64(&self, at: usize) -> Result<u64, SmbError> {
        self.array(at).map(u64::from_le_bytes)
    }

    /// What an offset from the begin of the header and a length at these places say, in the body of a message.
    pub(super) fn buffer(&self, offset: u32, length: u32) -> Result<&'a [u8], SmbError> {
        let (offset, length) = (offset as usize, length as usize);
        if length == 0 {
            return Ok(&[]);
        }
        self.bytes(offset.checked_sub(HEADER).ok_or_else(|| self.malformed())?, length)
    }

    /// Checks `StructureSize`.
    pub(super) fn sized(self, size: u16) -> Result<Self, SmbError> {
        if self.u16(0)? == size { Ok(self) } else { Err(self.malformed()) }
    }

    fn malformed(&self) -> SmbError {
        SmbError::Malformed { what: self.what }
    }
}

/// Writes a message with its length before it ([MS-SMB2] 2.1).
pub(super) fn write(out: &mut Vec<u8>, message: &[u8]) {
    // StreamProtocolLength has three bytes, the one before is zero.
    let length = u32::try_from(message.len()).unwrap_or(u32::MAX);
    out.extend(length.to_be_bytes());
    out.extend_from_slice(message);
}

/// Takes the first message out of what came, if it is there as a whole.
pub(super) fn take(input: &mut Vec<u8>) -> Result<Option<Vec<u8>>, SmbError> {
    let Some((length, _)) = input.split_first_chunk::<4>() else { return Ok(None) };
    let length = u32::from_be_bytes(*length) as usize;
    if !(HEADER - 12..=MAX_MESSAGE).contains(&length) {
        return Err(SmbError::Malformed { what: "the length of a message" });
    }
    if input.len() < 4 + length {
        return Ok(None);
    }
    let rest = input.split_off(4 + length);
    let mut message = std::mem::replace(input, rest);
    message.drain(..4);
    Ok(Some(message))
}
