//! Descriptors as text in the security descriptor definition language ([MS-DTYP] 2.5.1).
//!
//! What the language has no word for is written in a way of our own, so that nothing is lost: a kind of entry as a hexadecimal number, bytes as `#` and
//! hexadecimal digits.

use std::fmt::{self, Display, Formatter};

use super::acl::{AccessList, Ace, AceType, Body};
use super::words::{FLAGS, KINDS, LABEL_RIGHTS, LIST_FLAGS, NO_ACCESS_CONTROL, RIGHTS, SETS, SIDS};
use super::{Control, SecurityDescriptor};
use crate::sid::Sid;

impl Display for SecurityDescriptor {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        for (letter, sid) in [('O', &self.owner), ('G', &self.group)] {
            if let Some(sid) = sid {
                write!(f, "{letter}:")?;
                write_sid(f, sid)?;
            }
        }
        let flags = |of: fn(&(&str, Control, Control)) -> Control| {
            LIST_FLAGS.iter().filter(move |row| self.control.contains(of(row))).map(|row| row.0)
        };
        write_list(f, 'D', &self.dacl, flags(|row| row.1))?;
        write_list(f, 'S', &self.sacl, flags(|row| row.2))
    }
}

fn write_list<'a>(
    f: &mut Formatter<'_>,
    letter: char,
    list: &AccessList,
    mut flags: impl Iterator<Item = &'a str>,
) -> fmt::Result {
    if *list == AccessList::Absent {
        return Ok(());
    }
    write!(f, "{letter}:")?;
    flags.try_for_each(|flag| f.write_str(flag))?;
    if *list == AccessList::Null {
        f.write_str(NO_ACCESS_CONTROL)?;
    }
    list.aces().iter().try_for_each(|ace| write!(f, "{ace}"))
}

impl Display for Ace {
    fn fmt(&self, f: &mut Formatter<'_>) -> fmt::Result {
        match KINDS.iter().find(|(_, kind)| *kind == self.kind) {
            Some((word, _)) => write!(f, "({word};")?,
            None => write!(f, "({:#x};", self.kind.0)?,
        }
        let set = FLAGS.iter().filter(|(_, bit)| self.flags.0 & bit != 0);
        set.map(|(word, _)| word).try_for_each(|word| f.write_str(word))?;
        f.write_str(";")?;
        match &self.body {
            Body::Other(body) => write_bytes(f, body)?,
            Body::Known { mask, objects, sid, data } => {
                write_rights(f, self.kind, *mask)?;
                let objects = objects.unwrap_or_default();
                for guid in [objects.object, objects.inherited] {
                    f.write_str(";")?;
                    guid.map_or(Ok(()), |guid| write!(f, "{guid}"))?;
                }
                f.write_str(";")?;
                write_sid(f, sid)?;
                if !data.is_empty() {
                    f.write_str(";")?;
                    write_bytes(f, data)?;
                }
            }
        }
        f.write_str(")")
    }
}

fn write_bytes(f: &mut Formatter<'_>, bytes: &[u8]) -> fmt::Result {
    f.write_str("#")?;
    bytes.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
}

fn write_sid(f: &mut Formatter<'_>, sid: &Sid) -> fmt::Result {
    match SIDS.iter().find(|(_, known)| known == sid) {
        Some((word, _)) => f.write_str(word),
        None => write!(f, "{sid}"),
    }
}

/// Words if there are such for every bit, else a number.
fn write_rights(f: &mut Formatter<'_>, kind: AceType, mask: u32) -> fmt::Result {
    let words = if kind == AceType::MANDATORY_LABEL { LABEL_RIGHTS } else { RIGHTS };
    let named = words.iter().fold(0, |bits, (_, bit)| bits | bit);
    if kind != AceType::MANDATORY_LABEL
        && let Some((word, _)) = SETS.iter().find(|(_, set)| *set == mask)
    {
        return f.write_str(word);
    }
    if mask & !named != 0 {
        return write!(f, "{mask:#x}");
    }
    let set = words.iter().filter(|(_, bit)| mask & bit != 0);
    set.map(|(word, _)| word).try_for_each(|word| f.write_str(word))
}
