//! The security descriptor definition language, read ([MS-DTYP] 2.5.1).
//!
//! As on Windows, case doesn't matter, blanks are skipped, and rights may be a number in hexadecimal, octal or decimal. What [`super::print`] writes in a way of
//! our own is read as well.

use std::str::FromStr;

use super::acl::{AccessList, Ace, AceFlags, AceType, Acl, Body, Layout, Objects};
use super::words::{FLAGS, KINDS, LABEL_RIGHTS, LIST_FLAGS, NO_ACCESS_CONTROL, RELATIVE, RIGHTS, SETS, SIDS};
use super::{Control, SecurityDescriptor};
use crate::sid::Sid;
use crate::trigger::Guid;

/// Why a text is no security descriptor, and where.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("character {character}: {reason}")]
pub struct SddlError {
    /// The number of the character, the first is 1.
    pub character: usize,
    /// What is wrong there, and what would be right.
    pub reason: String,
}

impl FromStr for SecurityDescriptor {
    type Err = SddlError;
    fn from_str(text: &str) -> Result<Self, SddlError> {
        let mut cursor = Cursor { text, at: 0 };
        let mut descriptor = Self::default();
        let mut seen = String::new();
        loop {
            cursor.skip_blanks();
            let start = cursor.at;
            let Some(letter) = cursor.rest().chars().next() else { return Ok(descriptor) };
            let part = letter.to_ascii_uppercase();
            if !"OGDS".contains(part) || !cursor.rest()[1..].starts_with(':') {
                let reason = "O:, G:, D: or S: is expected here: owner, group, access list or audit list";
                return Err(cursor.wrong(start, reason));
            }
            if seen.contains(part) {
                return Err(cursor.wrong(start, &format!("{part}: is there twice")));
            }
            seen.push(part);
            cursor.at += 2;
            match part {
                'O' => descriptor.owner = Some(cursor.sid()?),
                'G' => descriptor.group = Some(cursor.sid()?),
                'D' => descriptor.dacl = cursor.list(|row| row.1, &mut descriptor.control)?,
                _ => descriptor.sacl = cursor.list(|row| row.2, &mut descriptor.control)?,
            }
        }
    }
}

struct Cursor<'a> {
    text: &'a str,
    /// INVARIANT: at the start of a character.
    at: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn wrong(&self, at: usize, reason: &str) -> SddlError {
        SddlError { character: self.text[..at].chars().count() + 1, reason: reason.to_owned() }
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches(' ').len();
    }

    /// Goes past a word, if it comes next.
    fn takes(&mut self, word: &str) -> bool {
        let found = self.rest().get(..word.len()).is_some_and(|next| next.eq_ignore_ascii_case(word));
        if found {
            self.at += word.len();
        }
        found
    }

    fn expect(&mut self, word: &str, what: &str) -> Result<(), SddlError> {
        self.skip_blanks();
        if self.takes(word) {
            Ok(())
        } else {
            Err(self.wrong(self.at, &format!("{word} is expected {what}")))
        }
    }

    /// What is up to the next `;`, `(` or `)`, without blanks around it; and where it starts.
    fn field(&mut self) -> (usize, &'a str) {
        self.skip_blanks();
        let start = self.at;
        let rest = self.rest();
        let length = rest.find([';', '(', ')']).unwrap_or(rest.len());
        self.at += length;
        (start, rest[..length].trim_end_matches(' '))
    }

    fn sid(&mut self) -> Result<Sid, SddlError> {
        self.skip_blanks();
        let start = self.at;
        let rest = self.rest();
        let length = if rest.get(..2).is_some_and(|head| head.eq_ignore_ascii_case("S-")) {
            let number = |c: char| c == '-' || c.is_ascii_hexdigit() || matches!(c, 'x' | 'X');
            let end = rest[2..].find(|c| !number(c)).map_or(rest.len(), |end| end + 2);
            // The `D` of `D:` is no digit.
            if rest[end..].starts_with(':') && rest[..end].ends_with(['D', 'd']) { end - 1 } else { end }
        } else {
            rest.char_indices().nth(2).map_or(rest.len(), |(place, _)| place)
        };
        self.at += length;
        identifier(&rest[..length]).map_err(|reason| self.wrong(start, &reason))
    }

    /// What is after `D:` or `S:`; `bits` says which bits the flags are.
    fn list(
        &mut self,
        bits: fn(&(&str, Control, Control)) -> Control,
        control: &mut Control,
    ) -> Result<AccessList, SddlError> {
        loop {
            self.skip_blanks();
            let Some(row) = LIST_FLAGS.iter().find(|row| self.takes(row.0)) else { break };
            control.0 |= bits(row).0;
        }
        if self.takes(NO_ACCESS_CONTROL) {
            return Ok(AccessList::Null);
        }
        let start = self.at;
        let mut aces = Vec::new();
        loop {
            self.skip_blanks();
            if !self.rest().starts_with('(') {
                break;
            }
            aces.push(self.ace()?);
        }
        let list = Acl::new(aces).map(AccessList::Entries);
        list.ok_or_else(|| self.wrong(start, "the list is longer than the 64 KiB that one may have"))
    }

    fn ace(&mut self) -> Result<Ace, SddlError> {
        self.expect("(", "at the start of an entry")?;
        let (place, word) = self.field();
        let kind = kind(word).map_err(|reason| self.wrong(place, &reason))?;
        self.expect(";", "after the type of an entry")?;
        let (place, word) = self.field();
        let flags = words(word, FLAGS.iter().map(|(word, bit)| (*word, u32::from(*bit))), "flag of an entry");
        let flags = flags.map_err(|reason| self.wrong(place, &reason))?;
        let flags = AceFlags(flags as u8);
        self.expect(";", "after the flags of an entry")?;
        let body = match kind.layout() {
            Some(layout) => self.known(kind, layout)?,
            None => Body::Other(self.bytes()?),
        };
        self.expect(")", "at the end of an entry")?;
        Ok(Ace { kind, flags, body })
    }

    fn known(&mut self, kind: AceType, layout: Layout) -> Result<Body, SddlError> {
        let (place, word) = self.field();
        let mask = rights(kind, word).map_err(|reason| self.wrong(place, &reason))?;
        self.expect(";", "after the rights of an entry")?;
        let object = self.guid(layout)?;
        self.expect(";", "after the kind of objects of an entry")?;
        let inherited = self.guid(layout)?;
        self.expect(";", "after the kind of inheriting objects of an entry")?;
        let sid = self.sid()?;
        self.skip_blanks();
        let data = if self.takes(";") { self.bytes()? } else { Vec::new() };
        let objects = (layout == Layout::Object).then_some(Objects { object, inherited });
        Ok(Body::Known { mask, objects, sid, data })
    }

    fn guid(&mut self, layout: Layout) -> Result<Option<Guid>, SddlError> {
        let (place, word) = self.field();
        if word.is_empty() {
            return Ok(None);
        }
        if layout == Layout::Plain {
            let reason = "an entry of this type is not about kinds of objects; the types OA, OD and OU are";
            return Err(self.wrong(place, reason));
        }
        word.parse().map(Some).map_err(|error| self.wrong(place, &format!("{word:?} is no GUID: {error}")))
    }

    /// Bytes in our own way; filled up to whole words.
    fn bytes(&mut self) -> Result<Vec<u8>, SddlError> {
        let (place, word) = self.field();
        let pairs = word.strip_prefix('#').and_then(|digits| {
            let (pairs, rest) = digits.as_bytes().as_chunks::<2>();
            rest.is_empty().then(|| pairs.iter().map(|pair| hexadecimal(*pair)).collect::<Option<Vec<u8>>>())
        });
        let Some(mut bytes) = pairs.flatten() else {
            let reason = "# and an even number of hexadecimal digits are expected here: conditions and attributes are not known as text";
            return Err(self.wrong(place, reason));
        };
        if bytes.len() > Acl::MAX_SIZE {
            return Err(self.wrong(place, "an entry may have 64 KiB"));
        }
        bytes.resize(bytes.len().next_multiple_of(4), 0);
        Ok(bytes)
    }
}

fn hexadecimal(pair: [u8; 2]) -> Option<u8> {
    let [high, low] = pair.map(|digit| char::from(digit).to_digit(16));
    u8::try_from(high? << 4 | low?).ok()
}

fn identifier(text: &str) -> Result<Sid, String> {
    if let Some((_, sid)) = SIDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)) {
        return Ok(*sid);
    }
    if let Some((word, number)) = RELATIVE.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)) {
        return Err(format!(
            "{word} is somebody of a machine or domain that isn't known here; write the whole identifier, which ends with -{number}"
        ));
    }
    text.parse()
        .map_err(|error| format!("{text:?} names nobody: a name has two letters, such as SY and BA; {error}"))
}

fn kind(text: &str) -> Result<AceType, String> {
    if let Some((_, kind)) = KINDS.iter().find(|(word, _)| word.eq_ignore_ascii_case(text)) {
        return Ok(*kind);
    }
    let number = text.strip_prefix("0x").and_then(|digits| u8::from_str_radix(digits, 16).ok());
    number.map(AceType).ok_or_else(|| {
        let known: Vec<&str> = KINDS.iter().map(|(word, _)| *word).collect();
        format!("{text:?} is no type of an entry; there are {}", known.join(" "))
    })
}

/// The rights of an entry: a number, or words one after the other.
fn rights(kind: AceType, text: &str) -> Result<u32, String> {
    if text.starts_with(|c: char| c.is_ascii_digit()) {
        let digits = text.strip_prefix("0x").or(text.strip_prefix("0X"));
        let number = match (digits, text.strip_prefix('0')) {
            (Some(digits), _) => u32::from_str_radix(digits, 16),
            (None, Some(digits)) if !digits.is_empty() => u32::from_str_radix(digits, 8),
            _ => text.parse(),
        };
        return number.map_err(|_| format!("{text:?} is no number of 32 bits"));
    }
    if kind == AceType::MANDATORY_LABEL {
        return words(text, LABEL_RIGHTS.iter().copied(), "right that a label forbids");
    }
    words(text, RIGHTS.iter().chain(SETS).copied(), "right")
}

/// Words of two letters, one after the other.
fn words<'a>(
    text: &str,
    known: impl Iterator<Item = (&'a str, u32)> + Clone,
    what: &str,
) -> Result<u32, String> {
    let mut rest = text;
    let mut bits = 0;
    while !rest.is_empty() {
        let next = rest.char_indices().nth(2).map_or(rest.len(), |(place, _)| place);
        let word = &rest[..next];
        match known.clone().find(|(name, _)| name.eq_ignore_ascii_case(word)) {
            Some((_, bit)) => bits |= bit,
            None => {
                let known: Vec<&str> = known.map(|(name, _)| name).collect();
                return Err(format!("{word:?} is no {what}; there are {}", known.join(" ")));
            }
        }
        rest = rest[next..].trim_start_matches(' ');
    }
    Ok(bits)
}
