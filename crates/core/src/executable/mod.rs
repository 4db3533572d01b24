//! What kind of program a file is, told by its bytes: whether a system can run it is known before it is tried.

mod elf;
mod pe;
mod script;

#[cfg(test)]
mod tests;

pub use script::Script;

/// A file that may be a program. What is damaged in it is as if it were not there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Executable {
    /// There is not a byte in it.
    Empty,
    /// A program of Unix.
    Elf {
        /// What it is made for.
        machine: Machine,
        /// The program that loads it; absent for one that needs none.
        loader: Option<String>,
    },
    /// A program of Windows.
    Pe {
        /// What it is made for.
        machine: Machine,
        /// The libraries that have to be there before it begins.
        imports: Vec<String>,
    },
    /// A text that begins with the name of its interpreter.
    Script(Script),
    /// Anything else.
    Unknown,
}

/// A kind of processor.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Machine {
    /// 32-bit Intel.
    X86,
    /// 64-bit Intel and AMD.
    X86_64,
    /// 32-bit ARM.
    Arm,
    /// 64-bit ARM.
    Aarch64,
    /// The code of any other.
    Other(u16),
}

impl Machine {
    /// Its name, as Rust's `std::env::consts::ARCH` has it.
    pub fn name(self) -> String {
        match self {
            Self::X86 => "x86".to_owned(),
            Self::X86_64 => "x86_64".to_owned(),
            Self::Arm => "arm".to_owned(),
            Self::Aarch64 => "aarch64".to_owned(),
            Self::Other(code) => format!("machine {code:#x}"),
        }
    }

    /// Whether a machine of that name usually runs its programs; of an unknown one nobody can say that it doesn't.
    pub fn runs_on(self, arch: &str, is_windows: bool) -> bool {
        match arch {
            "x86_64" => matches!(self, Self::X86_64 | Self::X86),
            "aarch64" if is_windows => !matches!(self, Self::Other(_)),
            "aarch64" => matches!(self, Self::Aarch64 | Self::Arm),
            _ => true,
        }
    }
}

/// Reads pieces of a file: so many bytes from a place on, fewer only at its end.
pub trait Pieces {
    /// The bytes at a place.
    fn piece(&mut self, offset: u64, length: usize) -> Vec<u8>;
}

impl Pieces for &[u8] {
    fn piece(&mut self, offset: u64, length: usize) -> Vec<u8> {
        let start = usize::try_from(offset).unwrap_or(usize::MAX).min(self.len());
        self[start..start.saturating_add(length).min(self.len())].to_vec()
    }
}

/// How much of a file tells its kind; the kernel looks for the interpreter's name in so much too.
const HEAD: usize = 256;

impl Executable {
    /// Looks at a file.
    pub fn read(file: &mut impl Pieces) -> Self {
        let head = file.piece(0, HEAD);
        match &head[..] {
            [] => Self::Empty,
            [0x7f, b'E', b'L', b'F', ..] => elf::read(file, &head).unwrap_or(Self::Unknown),
            [b'M', b'Z', ..] => pe::read(file, &head).unwrap_or(Self::Unknown),
            head => Script::read(head).map_or(Self::Unknown, Self::Script),
        }
    }
}

/// A number in a header: so many bytes at a place.
fn number(bytes: &[u8], at: usize, length: usize, is_big: bool) -> Option<u64> {
    let field = bytes.get(at..at.checked_add(length)?)?;
    let fold = |value, byte: &u8| value << 8 | u64::from(*byte);
    Some(if is_big { field.iter().fold(0, fold) } else { field.iter().rev().fold(0, fold) })
}

/// A text that ends with NUL, or with the piece.
fn text(bytes: &[u8]) -> Option<String> {
    let end = bytes.iter().position(|byte| *byte == 0).unwrap_or(bytes.len());
    String::from_utf8(bytes[..end].to_vec()).ok().filter(|text| !text.is_empty())
}
