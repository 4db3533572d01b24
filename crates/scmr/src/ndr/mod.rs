//! NDR32, little endian (C706 chapter 14): the form in which arguments and results travel.
//!
//! Only what [MS-SCMR] needs: integers, unique pointers, conformant byte arrays and conformant varying wide strings. A reader never
//! allocates more than the bytes it was given can account for.

mod reader;
pub(crate) mod wide;
mod writer;

pub use reader::Reader;
pub use writer::Writer;

/// The form of text: the calls of [MS-SCMR] whose names end with W have wide characters, those with A have bytes in the server's code page, which is UTF-8 here.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum Text {
    /// UTF-16.
    #[default]
    Wide,
    /// UTF-8.
    Ansi,
}

impl Text {
    /// How many characters a text has on the wire, without its terminator.
    pub fn length(self, text: &str) -> usize {
        match self {
            Self::Wide => wide::length(text),
            Self::Ansi => text.len(),
        }
    }

    /// How many bytes a text has with its terminator.
    pub fn size(self, text: &str) -> usize {
        self.width() * (self.length(text) + 1)
    }

    /// How many bytes a character has.
    pub(crate) fn width(self) -> usize {
        match self {
            Self::Wide => 2,
            Self::Ansi => 1,
        }
    }
}

/// Why bytes could not be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum DecodeError {
    /// The data ends too early.
    #[error("the data ends at byte {length}, but {wanted} bytes were expected at byte {at}")]
    Short {
        /// Where reading began.
        at: usize,
        /// How many bytes were needed there.
        wanted: usize,
        /// How many bytes there are in all.
        length: usize,
    },
    /// A number is above the bound that the interface sets for it.
    #[error("{what} is {found}, at most {limit} is allowed")]
    Bound {
        /// The field.
        what: &'static str,
        /// Its value.
        found: u64,
        /// The bound.
        limit: u64,
    },
    /// Text is not valid UTF-16, or UTF-8.
    #[error("the text at byte {at} is not valid")]
    Text {
        /// Where it begins.
        at: usize,
    },
    /// A value contradicts another or the specification.
    #[error("{what} is not as the specification has it")]
    Invalid {
        /// The field.
        what: &'static str,
    },
}

/// A result of reading.
pub type Result<T, E = DecodeError> = std::result::Result<T, E>;
