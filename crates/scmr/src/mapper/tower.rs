use std::net::Ipv4Addr;

use crate::ndr::{DecodeError, Reader, Result};
use crate::pdu::{NDR32, SCMR, Syntax, Uuid};

/// Protocol identifiers of floors (C706 appendix I).
const UUID: u8 = 0x0d;
const CONNECTIONS: u8 = 0x0b;
const TCP: u8 = 0x07;
const IP: u8 = 0x09;

/// A protocol tower of an interface over TCP (C706 appendix L, [MS-RPCE] 2.2.1.2.5): five floors.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tower {
    /// The first floor: the interface.
    pub interface: Syntax,
    /// The second: the transfer syntax.
    pub transfer: Syntax,
    /// The fourth: the port, zero where it is asked for.
    pub port: u16,
    /// The fifth: the address. Who has reached the mapper knows a better one.
    pub address: Ipv4Addr,
}

impl Tower {
    /// That of the service control manager.
    pub fn of_scm(port: u16, address: Ipv4Addr) -> Self {
        Self { interface: SCMR, transfer: NDR32, port, address }
    }

    /// Writes it, without a length.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = 5_u16.to_le_bytes().to_vec();
        for syntax in [self.interface, self.transfer] {
            let mut left = vec![UUID];
            left.extend(syntax.uuid.0);
            left.extend(syntax.major.to_le_bytes());
            floor(&mut out, &left, &syntax.minor.to_le_bytes());
        }
        floor(&mut out, &[CONNECTIONS], &[0, 0]);
        floor(&mut out, &[TCP], &self.port.to_be_bytes());
        floor(&mut out, &[IP], &self.address.octets());
        out
    }

    /// Reads it; a tower of something else than TCP is an error.
    pub fn read(bytes: &[u8]) -> Result<Self> {
        let other = DecodeError::Invalid { what: "a tower that is not one of RPC over TCP" };
        let mut r = Reader::new(bytes);
        if u16::from_le_bytes(r.array()?) < 5 {
            return Err(other);
        }
        let (interface, transfer) = (read_syntax(&mut r)?, read_syntax(&mut r)?);
        let mut protocol = |wanted: u8| match read_floor(&mut r)? {
            ([found], right) if *found == wanted => Ok(right),
            _ => Err(other),
        };
        protocol(CONNECTIONS)?;
        let port = protocol(TCP)?.try_into().map_err(|_| other)?;
        let address: [u8; 4] = protocol(IP)?.try_into().map_err(|_| other)?;
        Ok(Self { interface, transfer, port: u16::from_be_bytes(port), address: address.into() })
    }
}

fn floor(out: &mut Vec<u8>, left: &[u8], right: &[u8]) {
    for side in [left, right] {
        out.extend(u16::try_from(side.len()).unwrap_or(u16::MAX).to_le_bytes());
        out.extend_from_slice(side);
    }
}

fn read_floor<'a>(r: &mut Reader<'a>) -> Result<(&'a [u8], &'a [u8])> {
    let mut side = || {
        let length = u16::from_le_bytes(r.array()?);
        r.take(length.into())
    };
    Ok((side()?, side()?))
}

fn read_syntax(r: &mut Reader<'_>) -> Result<Syntax> {
    let invalid = DecodeError::Invalid { what: "a floor of a tower" };
    let (left, right) = read_floor(r)?;
    let (Some((&UUID, left)), Ok(minor)) = (left.split_first(), right.try_into()) else {
        return Err(invalid);
    };
    let (uuid, major) = left.split_at_checked(16).ok_or(invalid)?;
    Ok(Syntax {
        uuid: Uuid(uuid.try_into().map_err(|_| invalid)?),
        major: u16::from_le_bytes(major.try_into().map_err(|_| invalid)?),
        minor: u16::from_le_bytes(minor),
    })
}
