//! NDR32, little endian (C706 chapter 14): the form in which arguments and results travel.
//!
//! Only what [MS-SCMR] needs: integers, unique pointers, conformant byte arrays and conformant varying wide strings. A reader never
//! allocates more than the bytes it was given can account for.

mod reader;
pub(crate) mod wide;
mod writer;

pub use reader::Reader;
pub use writer::Writer;

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
    /// Text is not valid UTF-16.
    #[error("the text at byte {at} is not valid UTF-16")]
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
