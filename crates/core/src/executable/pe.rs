//! Programs of Windows (PE format: "COFF File Header", "Optional Header", "Section Table", "The .idata Section").

use super::{Executable, Machine, Pieces, number, text};

/// More libraries, and more sections, than these no program has.
const MOST_IMPORTS: u64 = 4096;
const MOST_SECTIONS: u64 = 96;

/// The longest name of a library that is read.
const LONGEST_NAME: usize = 260;

/// What is mapped where: the address, how long it is, and the place in the file.
struct Section {
    address: u64,
    length: u64,
    place: u64,
}

pub(super) fn read(file: &mut impl Pieces, head: &[u8]) -> Option<Executable> {
    let start = number(head, 0x3c, 4, false)?;
    let coff = file.piece(start, 24);
    if !coff.starts_with(b"PE\0\0") {
        return None;
    }
    // `Machine`, `NumberOfSections`, `SizeOfOptionalHeader`
    let machine = match u16::try_from(number(&coff, 4, 2, false)?).ok()? {
        0x14c => Machine::X86,
        0x8664 => Machine::X86_64,
        0x1c4 => Machine::Arm,
        0xaa64 => Machine::Aarch64,
        other => Machine::Other(other),
    };
    let sections = number(&coff, 6, 2, false)?.min(MOST_SECTIONS);
    let optional_length = number(&coff, 20, 2, false)?;
    let optional = file.piece(start + 24, usize::try_from(optional_length).ok()?);
    let sections = table(file, start + 24 + optional_length, sections);
    let imports = imports(file, &optional, &sections).unwrap_or_default();
    Some(Executable::Pe { machine, imports })
}

fn table(file: &mut impl Pieces, start: u64, count: u64) -> Vec<Section> {
    let section = |index| {
        let entry = file.piece(start + index * 40, 40);
        // `VirtualSize`, `VirtualAddress`, `SizeOfRawData`, `PointerToRawData`
        let field = |at| number(&entry, at, 4, false);
        Some(Section { address: field(12)?, length: field(8)?.max(field(16)?), place: field(20)? })
    };
    (0..count).filter_map(section).collect()
}

/// The names in the import directory.
fn imports(file: &mut impl Pieces, optional: &[u8], sections: &[Section]) -> Option<Vec<String>> {
    const PE32_PLUS: u64 = 0x20b;
    let directories = if number(optional, 0, 2, false)? == PE32_PLUS { 112 } else { 96 };
    // The second of the data directories, unless there are fewer.
    if number(optional, directories - 4, 4, false)? < 2 {
        return None;
    }
    let table = number(optional, directories + 8, 4, false)?;
    let place = |address: u64| {
        let within =
            |section: &&Section| address.checked_sub(section.address).is_some_and(|at| at < section.length);
        let section = sections.iter().find(within)?;
        Some(section.place + (address - section.address))
    };
    let first = place(table).filter(|_| table != 0)?;
    let mut names = Vec::new();
    for index in 0..MOST_IMPORTS {
        let entry = file.piece(first + index * 20, 20);
        // `Name`; the entry after the last is zero.
        let Some(name) = number(&entry, 12, 4, false).filter(|name| *name != 0) else { break };
        names.extend(place(name).and_then(|place| text(&file.piece(place, LONGEST_NAME))));
    }
    Some(names)
}
