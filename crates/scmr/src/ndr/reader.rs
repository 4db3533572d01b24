use super::{DecodeError, Result, Text, wide};

/// Reads NDR from a stub, or little-endian structures from a buffer.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
    lossy: bool,
    text: Text,
}

impl<'a> Reader<'a> {
    /// Reads a stub from its start; text has to be valid UTF-16.
    pub fn new(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, lossy: false, text: Text::Wide }
    }

    /// Reads a stub from its start; what is not valid in a text is replaced, for answers that are only shown.
    pub fn lossy(bytes: &'a [u8]) -> Self {
        Self { bytes, at: 0, lossy: true, text: Text::Wide }
    }

    /// The same with text in this form.
    #[must_use]
    pub fn with_text(self, text: Text) -> Self {
        Self { text, ..self }
    }

    /// The form of text.
    pub fn text(&self) -> Text {
        self.text
    }

    /// How far reading has come.
    pub fn position(&self) -> usize {
        self.at
    }

    /// How many bytes are left.
    pub fn remaining(&self) -> usize {
        self.bytes.len() - self.at
    }

    /// The next `length` bytes as they are.
    pub fn take(&mut self, length: usize) -> Result<&'a [u8]> {
        let short = DecodeError::Short { at: self.at, wanted: length, length: self.bytes.len() };
        let end = self.at.checked_add(length).ok_or(short)?;
        let taken = self.bytes.get(self.at..end).ok_or(short)?;
        self.at = end;
        Ok(taken)
    }

    /// The next `N` bytes as they are.
    pub fn array<const N: usize>(&mut self) -> Result<[u8; N]> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    /// Skips to the next multiple of `alignment` (C706 14.2.2). The skipped bytes may hold anything, and may be missing at the end.
    pub fn align(&mut self, alignment: usize) {
        self.at = self.at.next_multiple_of(alignment).min(self.bytes.len());
    }

    /// One byte.
    pub fn u8(&mut self) -> Result<u8> {
        Ok(self.array::<1>()?[0])
    }

    /// An aligned 16-bit integer.
    pub fn u16(&mut self) -> Result<u16> {
        self.align(2);
        self.array().map(u16::from_le_bytes)
    }

    /// An aligned 32-bit integer.
    pub fn u32(&mut self) -> Result<u32> {
        self.align(4);
        self.array().map(u32::from_le_bytes)
    }

    /// An aligned 64-bit integer.
    pub fn u64(&mut self) -> Result<u64> {
        self.align(8);
        self.array().map(u64::from_le_bytes)
    }

    /// An aligned 32-bit integer with a bound (`[range(0, limit)]`).
    pub fn bounded(&mut self, what: &'static str, limit: u32) -> Result<u32> {
        let found = self.u32()?;
        if found > limit {
            return Err(DecodeError::Bound { what, found: found.into(), limit: limit.into() });
        }
        Ok(found)
    }

    /// The representation of a unique pointer: whether it points to anything (C706 14.3.10).
    pub fn pointer(&mut self) -> Result<bool> {
        Ok(self.u32()? != 0)
    }

    /// A conformant array of bytes (C706 14.3.3.2).
    pub fn conformant_bytes(&mut self, what: &'static str, limit: u32) -> Result<&'a [u8]> {
        let count = self.bounded(what, limit)?;
        self.take(count as usize)
    }

    /// A conformant varying string with its terminator, which is left out (C706 14.3.4.2).
    pub fn string(&mut self, what: &'static str, limit: u32) -> Result<String> {
        let maximum = self.u32()?;
        let offset = self.u32()?;
        let actual = self.bounded(what, limit)?;
        if offset != 0 || actual > maximum {
            return Err(DecodeError::Invalid { what });
        }
        let at = self.at;
        let Some(count) = actual.checked_sub(1) else { return Ok(String::new()) };
        let width = self.text.width();
        let text = self.take(count as usize * width)?;
        if self.take(width)?.iter().any(|byte| *byte != 0) {
            return Err(DecodeError::Invalid { what });
        }
        self.decoded(text).ok_or(DecodeError::Text { at })
    }

    fn decoded(&self, text: &[u8]) -> Option<String> {
        match (self.text, self.lossy) {
            (Text::Wide, true) => Some(wide::lossy(text)),
            (Text::Wide, false) => wide::strict(text),
            (Text::Ansi, true) => Some(String::from_utf8_lossy(text).into_owned()),
            (Text::Ansi, false) => std::str::from_utf8(text).ok().map(str::to_owned),
        }
    }

    /// Checks that everything was read; up to seven bytes of padding may follow.
    pub fn finish(&self) -> Result<()> {
        if self.remaining() > 7 {
            return Err(DecodeError::Invalid { what: "the length of the stub" });
        }
        Ok(())
    }
}
