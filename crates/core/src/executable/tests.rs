use proptest::prelude::*;

use super::*;

fn read(bytes: &[u8]) -> Executable {
    Executable::read(&mut { bytes })
}

fn put(bytes: &mut Vec<u8>, at: usize, value: &[u8]) {
    bytes.resize(bytes.len().max(at + value.len()), 0);
    bytes[at..at + value.len()].copy_from_slice(value);
}

/// A program with one segment, which names its loader.
fn elf(is_64: bool, is_big: bool, machine: u16) -> Vec<u8> {
    let mut bytes = vec![0x7f, b'E', b'L', b'F', 1 + u8::from(is_64), 1 + u8::from(is_big)];
    let put = |bytes: &mut Vec<u8>, at, length: usize, value: u64| {
        let all = if is_big { value.to_be_bytes() } else { value.to_le_bytes() };
        let field = if is_big { &all[8 - length..] } else { &all[..length] };
        put(bytes, at, field);
    };
    let wide = if is_64 { 8 } else { 4 };
    put(&mut bytes, 18, 2, machine.into());
    put(&mut bytes, if is_64 { 32 } else { 28 }, wide, 300);
    put(&mut bytes, if is_64 { 54 } else { 42 }, 2, 64);
    put(&mut bytes, if is_64 { 56 } else { 44 }, 2, 2);
    put(&mut bytes, 300, 4, 1);
    put(&mut bytes, 364, 4, 3);
    put(&mut bytes, 364 + if is_64 { 8 } else { 4 }, wide, 500);
    put(&mut bytes, 364 + if is_64 { 32 } else { 16 }, wide, 9);
    self::put(&mut bytes, 500, b"/lib/ld.1");
    bytes
}

/// A program with one section, which has its imports.
fn pe(machine: u16, is_64: bool, names: &[&str]) -> Vec<u8> {
    let mut bytes = b"MZ".to_vec();
    put(&mut bytes, 0x3c, &0x80_u32.to_le_bytes());
    put(&mut bytes, 0x80, b"PE\0\0");
    put(&mut bytes, 0x84, &machine.to_le_bytes());
    put(&mut bytes, 0x86, &1_u16.to_le_bytes());
    let (length, directories) = if is_64 { (240_u16, 112) } else { (224, 96) };
    put(&mut bytes, 0x94, &length.to_le_bytes());
    let optional = 0x98;
    put(&mut bytes, optional, &(if is_64 { 0x20b_u16 } else { 0x10b }).to_le_bytes());
    put(&mut bytes, optional + directories - 4, &16_u32.to_le_bytes());
    put(&mut bytes, optional + directories + 8, &0x2010_u32.to_le_bytes());
    let section = optional + usize::from(length);
    for (at, value) in [(8, 0x1000_u32), (12, 0x2000), (16, 0x1000), (20, 0x400)] {
        put(&mut bytes, section + at, &value.to_le_bytes());
    }
    for (index, name) in names.iter().enumerate() {
        let text = 0x800 + index * 0x20;
        let address = u32::try_from(0x2000 + text - 0x400).unwrap();
        put(&mut bytes, 0x410 + index * 20 + 12, &address.to_le_bytes());
        put(&mut bytes, text, name.as_bytes());
        put(&mut bytes, text + name.len(), &[0]);
    }
    put(&mut bytes, 0xfff, &[0]);
    bytes
}

#[test]
fn programs_of_unix() {
    let loader = Some("/lib/ld.1".to_owned());
    for (is_64, is_big, code, machine) in [
        (true, false, 62, Machine::X86_64),
        (false, false, 3, Machine::X86),
        (true, true, 22, Machine::Other(22)),
        (false, true, 40, Machine::Arm),
        (true, false, 183, Machine::Aarch64),
    ] {
        assert_eq!(read(&elf(is_64, is_big, code)), Executable::Elf { machine, loader: loader.clone() });
    }
    let mut alone = elf(true, false, 62);
    alone[364] = 1;
    assert_eq!(read(&alone), Executable::Elf { machine: Machine::X86_64, loader: None });
}

#[test]
fn programs_of_windows() {
    let imports = vec!["KERNEL32.dll".to_owned(), "shop.dll".to_owned()];
    let names = ["KERNEL32.dll", "shop.dll"];
    for (code, is_64, machine) in [(0x8664, true, Machine::X86_64), (0x14c, false, Machine::X86)] {
        let expected = Executable::Pe { machine, imports: imports.clone() };
        assert_eq!(read(&pe(code, is_64, &names)), expected);
    }
    assert_eq!(read(&pe(0xaa64, true, &[])), Executable::Pe { machine: Machine::Aarch64, imports: vec![] });
    assert_eq!(read(b"MZ but no more"), Executable::Unknown);
}

#[test]
fn scripts() {
    let script = |text: &str| match read(text.as_bytes()) {
        Executable::Script(script) => script,
        other => panic!("{other:?}"),
    };
    let plain = script("#! /bin/sh -e \necho\n");
    assert_eq!((plain.interpreter.as_str(), plain.argument.as_deref()), ("/bin/sh", Some("-e")));
    assert!(!plain.has_carriage_return() && !plain.has_mark && plain.looked_up().is_none());
    assert!(script("#!/bin/sh\r\necho\r\n").has_carriage_return());
    assert!(script("#!/usr/bin/env python3\r\n").has_carriage_return());
    assert_eq!(script("#!/usr/bin/env python3\r\n").looked_up(), Some("python3"));
    assert_eq!(script("#!/usr/bin/env -S A=1 python3 -u\n").looked_up(), Some("python3"));
    assert!(script("\u{feff}#!/bin/sh\n").has_mark);
    assert_eq!(read(b""), Executable::Empty);
    assert_eq!(read(b"echo hello\n"), Executable::Unknown);
}

#[test]
fn what_runs_where() {
    assert!(Machine::X86.runs_on("x86_64", false) && !Machine::Aarch64.runs_on("x86_64", true));
    assert!(Machine::X86_64.runs_on("aarch64", true) && !Machine::X86_64.runs_on("aarch64", false));
    assert!(Machine::Other(1).runs_on("riscv64", false));
}

proptest! {
    #[test]
    fn damaged_files_are_read_to_their_end(
        kind in 0..3_usize,
        changes in prop::collection::vec((0..0x500_usize, any::<u8>()), 0..20),
        length in 0..0x1000_usize,
    ) {
        let mut bytes = [elf(true, false, 62), pe(0x8664, true, &["a.dll"]), b"#!/bin/sh\n".to_vec()][kind].clone();
        for (at, value) in changes {
            let at = at % bytes.len();
            bytes[at] = value;
        }
        bytes.truncate(length);
        read(&bytes);
    }
}
