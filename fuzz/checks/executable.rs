//! Any bytes are some kind of program, told after a bounded number of bounded reads; names in it are texts that can be names.

use svckit_core::executable::{Executable, Pieces};

/// More reads, and more bytes at once, no file is worth.
const MOST_READS: usize = 10_000;
const MOST_BYTES: usize = 64 * 1024;

struct Counted<'a> {
    bytes: &'a [u8],
    reads: usize,
}

impl Pieces for Counted<'_> {
    fn piece(&mut self, offset: u64, length: usize) -> Vec<u8> {
        self.reads += 1;
        assert!(self.reads <= MOST_READS && length <= MOST_BYTES, "{} reads, now of {length}", self.reads);
        self.bytes.piece(offset, length)
    }
}

pub(crate) fn check(data: &[u8]) {
    let found = Executable::read(&mut Counted { bytes: data, reads: 0 });
    let is_name = |name: &String| !name.is_empty() && !name.contains('\0');
    match &found {
        Executable::Empty => assert!(data.is_empty()),
        Executable::Elf { machine, loader } => {
            assert!(data.starts_with(b"\x7fELF") && loader.iter().all(is_name) && !machine.name().is_empty());
        }
        Executable::Pe { machine, imports } => {
            assert!(data.starts_with(b"MZ") && imports.iter().all(is_name) && !machine.name().is_empty());
        }
        Executable::Script(script) => {
            assert!(!script.interpreter.contains([' ', '\t', '\n']));
            assert!(script.looked_up().is_none_or(|name| !name.is_empty() && !name.contains('=')));
            let whole = [Some(&script.interpreter), script.argument.as_ref()];
            assert_eq!(
                script.has_carriage_return(),
                whole.into_iter().flatten().next_back().is_some_and(|last| last.ends_with('\r'))
            );
        }
        Executable::Unknown => {}
    }
    assert_eq!(Executable::read(&mut { data }), found);
}
