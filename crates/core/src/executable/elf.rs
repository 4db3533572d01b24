//! Programs of Unix (System V ABI, chapter 4 "Object Files" and chapter 5 "Program Loading").

use super::{Executable, Machine, Pieces, number, text};

/// `PT_INTERP`: where the loader's path is.
const INTERPRETER: u64 = 3;

/// More segments no program has.
const MOST_SEGMENTS: u64 = 256;

/// The longest path of a loader that is read.
const LONGEST_PATH: u64 = 4096;

pub(super) fn read(file: &mut impl Pieces, head: &[u8]) -> Option<Executable> {
    let is_64 = *head.get(4)? == 2;
    let is_big = *head.get(5)? == 2;
    // `e_machine`
    let machine = match u16::try_from(number(head, 18, 2, is_big)?).ok()? {
        3 => Machine::X86,
        62 => Machine::X86_64,
        40 => Machine::Arm,
        183 => Machine::Aarch64,
        other => Machine::Other(other),
    };
    let loader = loader(file, head, is_64, is_big);
    Some(Executable::Elf { machine, loader })
}

/// What `PT_INTERP` names.
fn loader(file: &mut impl Pieces, head: &[u8], is_64: bool, is_big: bool) -> Option<String> {
    let wide = if is_64 { 8 } else { 4 };
    // `e_phoff`, `e_phentsize`, `e_phnum`
    let table = number(head, if is_64 { 32 } else { 28 }, wide, is_big)?;
    let size = number(head, if is_64 { 54 } else { 42 }, 2, is_big)?;
    let count = number(head, if is_64 { 56 } else { 44 }, 2, is_big)?.min(MOST_SEGMENTS);
    for index in 0..count {
        let entry = file.piece(table.checked_add(index * size)?, usize::try_from(size).ok()?);
        if number(&entry, 0, 4, is_big)? == INTERPRETER {
            // `p_offset`, `p_filesz`
            let offset = number(&entry, if is_64 { 8 } else { 4 }, wide, is_big)?;
            let length = number(&entry, if is_64 { 32 } else { 16 }, wide, is_big)?.min(LONGEST_PATH);
            return text(&file.piece(offset, usize::try_from(length).ok()?));
        }
    }
    None
}
