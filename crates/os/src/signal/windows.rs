/// What an exit code tells that the system gave to a program which it ended: `access violation`. There are no signals here; the number is the exit code.
pub fn name(number: i32) -> String {
    let known = match number.cast_unsigned() {
        0x4001_0004 => "ended by a debugger",
        0x8000_0003 => "breakpoint",
        0xC000_0005 => "access violation",
        0xC000_0006 => "page could not be read",
        0xC000_0017 => "out of memory",
        0xC000_001D => "illegal instruction",
        0xC000_0094 => "integer division by zero",
        0xC000_0096 => "privileged instruction",
        0xC000_00FD => "stack overflow",
        0xC000_0135 => "a DLL was not found",
        0xC000_0138 | 0xC000_0139 => "an entry point was not found in a DLL",
        0xC000_013A => "ended by Ctrl+C",
        0xC000_0142 => "a DLL could not be initialised",
        0xC000_0374 => "heap corruption",
        0xC000_0409 => "stack buffer overrun or fail-fast",
        0xE06D_7363 => "unhandled C++ exception",
        0xE043_4352 => "unhandled .NET exception",
        other => return format!("code {other:#010x}"),
    };
    format!("{known} ({:#010x})", number.cast_unsigned())
}

/// A console that closes ends its programs, and takes what is on it along: there is nothing to be called for.
pub fn on_end(_: impl FnOnce() + Send + 'static) -> std::io::Result<()> {
    Ok(())
}

/// Whether an exit code is one that the system gives to programs which it ends, and not a program's own: an error of the system's, an exception, or the end that Ctrl+C
/// makes. (Programs that end with -1 or the like are left what they are.)
pub(crate) fn is_of_system(code: u32) -> bool {
    matches!(code, 0x4001_0004 | 0x8000_0003 | 0xC000_0000..=0xCFFF_FFFF | 0xE06D_7363 | 0xE043_4352)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn codes_in_words() {
        assert_eq!(name(0xC000_0005_u32.cast_signed()), "access violation (0xc0000005)");
        assert_eq!(name(-1), "code 0xffffffff");
    }
}
