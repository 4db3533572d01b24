use super::{Text, wide};

/// The first referent identifier, as Windows has it; the others follow in steps of four.
const FIRST_REFERENT: u32 = 0x0002_0000;

/// Writes NDR into a stub, or little-endian structures into a buffer.
#[derive(Debug, Clone)]
pub struct Writer {
    bytes: Vec<u8>,
    next_referent: u32,
    text: Text,
}

impl Default for Writer {
    fn default() -> Self {
        Self::new()
    }
}

impl Writer {
    /// An empty stub.
    pub fn new() -> Self {
        Self::with_capacity(256)
    }

    /// An empty stub with room for `capacity` bytes.
    pub fn with_capacity(capacity: usize) -> Self {
        Self { bytes: Vec::with_capacity(capacity), next_referent: FIRST_REFERENT, text: Text::Wide }
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

    /// What was written.
    pub fn into_bytes(self) -> Vec<u8> {
        self.bytes
    }

    /// Makes room for so many bytes more.
    pub fn reserve(&mut self, additional: usize) {
        self.bytes.reserve(additional);
    }

    /// Bytes as they are.
    pub fn raw(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// Fills up with zeros to the next multiple of `alignment` (C706 14.2.2).
    pub fn align(&mut self, alignment: usize) {
        self.bytes.resize(self.bytes.len().next_multiple_of(alignment), 0);
    }

    /// One byte.
    pub fn u8(&mut self, value: u8) {
        self.bytes.push(value);
    }

    /// An aligned 16-bit integer.
    pub fn u16(&mut self, value: u16) {
        self.align(2);
        self.raw(&value.to_le_bytes());
    }

    /// An aligned 32-bit integer.
    pub fn u32(&mut self, value: u32) {
        self.align(4);
        self.raw(&value.to_le_bytes());
    }

    /// An aligned 64-bit integer.
    pub fn u64(&mut self, value: u64) {
        self.align(8);
        self.raw(&value.to_le_bytes());
    }

    /// A length or count. What doesn't fit 32 bits can't be sent, and is cut by the limits of whoever calls long before.
    pub fn count(&mut self, value: usize) {
        self.u32(u32::try_from(value).unwrap_or(u32::MAX));
    }

    /// The representation of a unique pointer, null or with a referent identifier of its own (C706 14.3.10).
    pub fn pointer(&mut self, present: bool) {
        if !present {
            self.u32(0);
            return;
        }
        self.u32(self.next_referent);
        self.next_referent = self.next_referent.wrapping_add(4);
    }

    /// A unique pointer directly followed by what it points to, as it is with parameters; in a structure the referent comes after all
    /// fields (C706 14.3.12).
    pub fn optional<T>(&mut self, value: Option<T>, referent: impl FnOnce(&mut Self, T)) {
        self.pointer(value.is_some());
        if let Some(value) = value {
            referent(self, value);
        }
    }

    /// A conformant array of bytes (C706 14.3.3.2).
    pub fn conformant_bytes(&mut self, bytes: &[u8]) {
        self.count(bytes.len());
        self.raw(bytes);
    }

    /// A conformant varying string; the terminator is added (C706 14.3.4.2).
    pub fn string(&mut self, text: &str) {
        self.string_in(text, self.text.length(text) + 1);
    }

    /// The same in a buffer of `maximum` characters, the terminator included.
    pub fn string_in(&mut self, text: &str, maximum: usize) {
        self.count(maximum);
        self.u32(0);
        self.count(self.text.length(text) + 1);
        self.characters(text);
    }

    /// Characters with their terminator and nothing before.
    pub fn characters(&mut self, text: &str) {
        match self.text {
            Text::Wide => wide::write(&mut self.bytes, text),
            Text::Ansi => self.raw(text.as_bytes()),
        }
        self.raw(&[0, 0][..self.text.width()]);
    }
}
