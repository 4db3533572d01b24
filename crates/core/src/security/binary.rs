//! The self-relative form: how descriptors are on the wire, and in Windows' registry ([MS-DTYP] 2.4.6).

use super::acl::{AccessList, Ace, AceFlags, AceType, Acl, Body, Layout, Objects};
use super::{Control, SecurityDescriptor};
use crate::sid::Sid;
use crate::trigger::Guid;

/// The header of a descriptor: `Revision`, `Sbz1`, `Control` and four offsets.
const HEADER: usize = 20;

/// The header of a list: `AclRevision`, `Sbz1`, `AclSize`, `AceCount`, `Sbz2`.
const ACL_HEADER: usize = 8;

/// The header of an entry: `AceType`, `AceFlags`, `AceSize`.
const ACE_HEADER: usize = 4;

/// `SECURITY_DESCRIPTOR_REVISION`, and that of identifiers.
const REVISION: u8 = 1;

/// `ACE_OBJECT_TYPE_PRESENT` ([MS-DTYP] 2.4.4.3).
const OBJECT_PRESENT: u32 = 1;

/// `ACE_INHERITED_OBJECT_TYPE_PRESENT` ([MS-DTYP] 2.4.4.3).
const INHERITED_PRESENT: u32 = 2;

/// Why bytes are no descriptor.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum FormError {
    /// There is less than there has to be.
    #[error("the security descriptor ends within {0}")]
    Short(&'static str),
    /// A value is none that may be there.
    #[error("the security descriptor has an impossible {0}")]
    Impossible(&'static str),
}

impl SecurityDescriptor {
    /// Writes the self-relative form: the lists first, then owner and group, as Windows does.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut out = vec![REVISION, self.resource_manager];
        let mut control = self.control.0 | Control::SELF_RELATIVE.0;
        for (list, present) in [(&self.dacl, Control::DACL_PRESENT), (&self.sacl, Control::SACL_PRESENT)] {
            if *list != AccessList::Absent {
                control |= present.0;
            }
        }
        out.extend(control.to_le_bytes());
        out.resize(HEADER, 0);
        put_list(&mut out, 12, &self.sacl);
        put_list(&mut out, 16, &self.dacl);
        for (offset, sid) in [(4, &self.owner), (8, &self.group)] {
            if let Some(sid) = sid {
                point_here(&mut out, offset);
                sid.write(&mut out);
            }
        }
        out
    }

    /// Reads the self-relative form.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, FormError> {
        let mut header = Bytes { rest: bytes, within: "its header" };
        if header.u8()? != REVISION {
            return Err(FormError::Impossible("revision"));
        }
        let resource_manager = header.u8()?;
        let control = Control(header.u16()?);
        if !control.contains(Control::SELF_RELATIVE) {
            return Err(FormError::Impossible("form: it is not self-relative"));
        }
        let mut place = |within| {
            let offset = header.u32()? as usize;
            let rest = bytes.get(offset..).ok_or(FormError::Short(within))?;
            Ok::<_, FormError>((offset != 0).then_some(Bytes { rest, within }))
        };
        let (owner, group) = (place("its owner")?, place("its group")?);
        let (sacl, dacl) = (place("its audit list")?, place("its access list")?);
        let sid = |place: Option<Bytes<'_>>| place.map(|mut bytes| Sid::read(&mut bytes)).transpose();
        let list = |place: Option<Bytes<'_>>, present| match place {
            _ if !control.contains(present) => Ok(AccessList::Absent),
            None => Ok(AccessList::Null),
            Some(mut bytes) => Acl::read(&mut bytes).map(AccessList::Entries),
        };
        Ok(Self {
            owner: sid(owner)?,
            group: sid(group)?,
            dacl: list(dacl, Control::DACL_PRESENT)?,
            sacl: list(sacl, Control::SACL_PRESENT)?,
            control: control.kept(),
            resource_manager,
        })
    }
}

/// Writes at `offset` that what comes next is here.
fn point_here(out: &mut [u8], offset: usize) {
    // INVARIANT: two lists of less than 64 KiB and two identifiers.
    let here = out.len() as u32;
    out[offset..offset + 4].copy_from_slice(&here.to_le_bytes());
}

fn put_list(out: &mut Vec<u8>, offset: usize, list: &AccessList) {
    if let AccessList::Entries(list) = list {
        point_here(out, offset);
        list.write(out);
    }
}

impl Acl {
    /// The length in bytes.
    pub(super) fn size(&self) -> usize {
        ACL_HEADER + self.aces.iter().map(Ace::size).sum::<usize>()
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend([self.revision, 0]);
        out.extend((self.size() as u16).to_le_bytes());
        out.extend((self.aces.len() as u16).to_le_bytes());
        out.extend([0, 0]);
        for ace in &self.aces {
            ace.write(out);
        }
    }

    fn read(bytes: &mut Bytes<'_>) -> Result<Self, FormError> {
        let revision = bytes.u8()?;
        if !(2..=4).contains(&revision) {
            return Err(FormError::Impossible("revision of a list"));
        }
        bytes.u8()?; // Sbz1
        let size = usize::from(bytes.u16()?);
        let count = bytes.u16()?;
        bytes.u16()?; // Sbz2
        let size = size.checked_sub(ACL_HEADER).ok_or(FormError::Impossible("size of a list"))?;
        let mut entries = Bytes { rest: bytes.take(size)?, within: "a list" };
        let aces = (0..count).map(|_| Ace::read(&mut entries)).collect::<Result<Vec<_>, _>>()?;
        let list = Self { revision, aces };
        if list.size() > Self::MAX_SIZE {
            return Err(FormError::Impossible("size of a list"));
        }
        Ok(list)
    }
}

impl Ace {
    /// The length in bytes.
    fn size(&self) -> usize {
        let body = match &self.body {
            Body::Other(body) => body.len(),
            Body::Known { objects, sid, data, .. } => {
                let objects = objects.map_or(0, |objects| {
                    let present = objects.object.iter().chain(&objects.inherited).count();
                    4 + 16 * present
                });
                4 + objects + sid.size() + data.len()
            }
        };
        ACE_HEADER + body
    }

    fn write(&self, out: &mut Vec<u8>) {
        out.extend([self.kind.0, self.flags.0]);
        out.extend((self.size() as u16).to_le_bytes());
        match &self.body {
            Body::Other(body) => out.extend(body),
            Body::Known { mask, objects, sid, data } => {
                out.extend(mask.to_le_bytes());
                if let Some(Objects { object, inherited }) = objects {
                    let object_flag = object.map_or(0, |_| OBJECT_PRESENT);
                    let flags = object_flag | inherited.map_or(0, |_| INHERITED_PRESENT);
                    out.extend(flags.to_le_bytes());
                    for guid in object.iter().chain(inherited) {
                        out.extend(guid_bytes(*guid));
                    }
                }
                sid.write(out);
                out.extend(data);
            }
        }
    }

    fn read(bytes: &mut Bytes<'_>) -> Result<Self, FormError> {
        let kind = AceType(bytes.u8()?);
        let flags = AceFlags(bytes.u8()?);
        let size = usize::from(bytes.u16()?);
        if size % 4 != 0 {
            return Err(FormError::Impossible("size of an entry"));
        }
        let size = size.checked_sub(ACE_HEADER).ok_or(FormError::Impossible("size of an entry"))?;
        let mut body = Bytes { rest: bytes.take(size)?, within: "an entry" };
        let Some(layout) = kind.layout() else {
            return Ok(Self { kind, flags, body: Body::Other(body.rest.to_vec()) });
        };
        let mask = body.u32()?;
        let objects = match layout {
            Layout::Plain => None,
            Layout::Object => Some(read_objects(&mut body)?),
        };
        let sid = Sid::read(&mut body)?;
        Ok(Self { kind, flags, body: Body::Known { mask, objects, sid, data: body.rest.to_vec() } })
    }
}

fn read_objects(body: &mut Bytes<'_>) -> Result<Objects, FormError> {
    let flags = body.u32()?;
    if flags & !(OBJECT_PRESENT | INHERITED_PRESENT) != 0 {
        return Err(FormError::Impossible("flag of an entry about objects"));
    }
    let mut guid = |flag| if flags & flag != 0 { read_guid(body).map(Some) } else { Ok(None) };
    Ok(Objects { object: guid(OBJECT_PRESENT)?, inherited: guid(INHERITED_PRESENT)? })
}

impl Sid {
    /// The length in bytes.
    fn size(&self) -> usize {
        8 + 4 * self.sub_authorities().len()
    }

    /// The packet representation ([MS-DTYP] 2.4.2.2).
    fn write(&self, out: &mut Vec<u8>) {
        out.extend([REVISION, self.sub_authorities().len() as u8]);
        out.extend(&self.authority().to_be_bytes()[2..]);
        out.extend(self.sub_authorities().iter().flat_map(|number| number.to_le_bytes()));
    }

    fn read(bytes: &mut Bytes<'_>) -> Result<Self, FormError> {
        if bytes.u8()? != REVISION {
            return Err(FormError::Impossible("revision of an identifier"));
        }
        let count = bytes.u8()?;
        let authority = bytes.take(6)?.iter().fold(0, |value, byte| value << 8 | u64::from(*byte));
        let numbers = (0..count).map(|_| bytes.u32()).collect::<Result<Vec<_>, _>>()?;
        Self::new(authority, &numbers).ok_or(FormError::Impossible("identifier: it has too many numbers"))
    }
}

/// [MS-DTYP] 2.3.4.2: the first three parts have the least byte first.
fn guid_bytes(guid: Guid) -> [u8; 16] {
    let [a, b, c, d, e, f, g, h, rest @ ..] = guid.0.to_be_bytes();
    let [i, j, k, l, m, n, o, p] = rest;
    [d, c, b, a, f, e, h, g, i, j, k, l, m, n, o, p]
}

fn read_guid(bytes: &mut Bytes<'_>) -> Result<Guid, FormError> {
    let (first, second, third) = (bytes.u32()?, bytes.u16()?, bytes.u16()?);
    let head = u128::from(first) << 96 | u128::from(second) << 80 | u128::from(third) << 64;
    Ok(Guid(bytes.take(8)?.iter().fold(0, |value, byte| value << 8 | u128::from(*byte)) | head))
}

/// What is still to be read.
struct Bytes<'a> {
    rest: &'a [u8],
    /// For errors.
    within: &'static str,
}

impl<'a> Bytes<'a> {
    fn take(&mut self, length: usize) -> Result<&'a [u8], FormError> {
        let (taken, rest) = self.rest.split_at_checked(length).ok_or(FormError::Short(self.within))?;
        self.rest = rest;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], FormError> {
        let (taken, rest) = self.rest.split_first_chunk().ok_or(FormError::Short(self.within))?;
        self.rest = rest;
        Ok(*taken)
    }

    fn u8(&mut self) -> Result<u8, FormError> {
        self.array().map(u8::from_le_bytes)
    }

    fn u16(&mut self) -> Result<u16, FormError> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, FormError> {
        self.array().map(u32::from_le_bytes)
    }
}
