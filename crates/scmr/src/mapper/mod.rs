//! The endpoint mapper (C706 appendix O, [MS-RPCE] 2.2.1.2): which port the service control manager listens at. Nobody has to say who he is, and all of it fits a few packets.

mod client;
mod server;
mod tower;

pub use client::{Lookup, Step};
pub use server::Mapper;
pub use tower::Tower;

use crate::ndr::{DecodeError, Reader, Result, Writer};
use crate::pdu::{Syntax, Uuid};

/// The interface, version 3.0 (C706 appendix O).
pub const INTERFACE: Syntax =
    Syntax { uuid: Uuid::from_u128(0xe1af8308_5d1f_11c9_91a4_08002b14a0fa), major: 3, minor: 0 };

/// The port that it listens at by convention.
pub const PORT: u16 = 135;

/// `ept_map`.
const MAP: u16 = 3;

/// `ept_s_not_registered` (C706 appendix E).
const NOT_REGISTERED: u32 = 0x16c9_a0d6;

/// Longer towers are nobody's.
const MAX_TOWER: u32 = 512;

/// More towers aren't read.
const MAX_TOWERS: u32 = 16;

/// What `ept_map` asks (C706 appendix O): where what the tower describes can be reached.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapRequest {
    /// `map_tower`.
    pub tower: Tower,
    /// `entry_handle`: where an answer before stopped.
    pub entry: [u8; 20],
    /// `max_towers`.
    pub max_towers: u32,
}

/// What `ept_map` answers (C706 appendix O).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MapAnswer {
    /// `towers`; those that aren't understood are left out.
    pub towers: Vec<Tower>,
    /// `status`.
    pub status: u32,
}

impl MapRequest {
    /// Writes the stub.
    pub fn encode(&self) -> Vec<u8> {
        let mut w = Writer::new();
        w.pointer(false); // object
        w.pointer(true); // map_tower
        write_tower(&mut w, &self.tower);
        w.raw(&self.entry); // entry_handle
        w.u32(self.max_towers); // max_towers
        w.into_bytes()
    }

    /// Reads the stub.
    pub fn decode(stub: &[u8]) -> Result<Self> {
        let mut r = Reader::new(stub);
        if r.pointer()? {
            r.take(16)?; // object
        }
        if !r.pointer()? {
            return Err(DecodeError::Invalid { what: "map_tower" });
        }
        let tower = Tower::read(read_tower(&mut r)?)?;
        r.align(4);
        Ok(Self { tower, entry: r.array()?, max_towers: r.u32()? })
    }
}

impl MapAnswer {
    /// Writes the stub, for a client that has room for so many towers.
    pub fn encode(&self, max_towers: u32) -> Vec<u8> {
        let towers: Vec<_> = self.towers.iter().take(max_towers as usize).collect();
        let mut w = Writer::new();
        w.raw(&[0; 20]); // entry_handle: there is no more
        w.count(towers.len()); // num_towers
        w.u32(max_towers);
        w.u32(0);
        w.count(towers.len());
        for _ in &towers {
            w.pointer(true); // towers
        }
        for tower in towers {
            write_tower(&mut w, tower);
        }
        w.u32(self.status); // status
        w.into_bytes()
    }

    /// Reads the stub.
    pub fn decode(stub: &[u8]) -> Result<Self> {
        let mut r = Reader::new(stub);
        r.take(20)?; // entry_handle
        r.u32()?; // num_towers
        r.take(8)?;
        let count = r.bounded("towers", MAX_TOWERS)?;
        let pointers = (0..count).map(|_| r.pointer()).collect::<Result<Vec<_>>>()?;
        let mut towers = Vec::new();
        for _ in pointers.into_iter().filter(|is_there| *is_there) {
            r.align(4);
            towers.extend(Tower::read(read_tower(&mut r)?));
        }
        Ok(Self { towers, status: r.u32()? })
    }
}

/// `twr_t` (C706 appendix L).
fn write_tower(w: &mut Writer, tower: &Tower) {
    let bytes = tower.to_bytes();
    w.count(bytes.len());
    w.conformant_bytes(&bytes); // tower_length, tower_octet_string
    w.align(4);
}

fn read_tower<'a>(r: &mut Reader<'a>) -> Result<&'a [u8]> {
    let maximum = r.u32()?;
    let bytes = r.conformant_bytes("tower_length", MAX_TOWER)?;
    if maximum as usize != bytes.len() {
        return Err(DecodeError::Invalid { what: "tower_length" });
    }
    Ok(bytes)
}
