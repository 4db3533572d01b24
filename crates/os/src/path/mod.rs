//! Paths as the functions of Windows want them.

#![allow(unsafe_code)]

use std::ffi::OsString;
use std::io;
use std::os::windows::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use windows_sys::Win32::Storage::FileSystem::{
    FILE_ATTRIBUTE_DIRECTORY, GetFileAttributesW, INVALID_FILE_ATTRIBUTES,
};

/// From so many units on a path is written in the form that may be long: shorter than the 260 that files may have, since folders leave room for a name of the
/// old kind, 8 and 3 characters ([naming files](https://learn.microsoft.com/en-us/windows/win32/fileio/maximum-file-path-limitation)).
const LONG: usize = 240;

/// A path in UTF-16 with a NUL at its end, in the form that may be long (`\\?\…`) if it has to be.
pub(crate) fn wide(path: &Path) -> Vec<u16> {
    let units: Vec<u16> = long(path).encode_wide().collect();
    units.into_iter().chain([0]).collect()
}

/// Whether there is a folder at a path, without opening it: that takes far longer. An error if there is nothing, or if it can't be told.
pub(crate) fn is_folder(path: &Path) -> io::Result<bool> {
    let path = wide(path);
    // SAFETY: the path ends with NUL and lives during the call.
    match unsafe { GetFileAttributesW(path.as_ptr()) } {
        INVALID_FILE_ATTRIBUTES => Err(io::Error::last_os_error()),
        attributes => Ok(attributes & FILE_ATTRIBUTE_DIRECTORY != 0),
    }
}

/// A path in the form that may be long, if it has to be. In that form nothing is interpreted, so it is made absolute and plain first.
pub(crate) fn long(path: &Path) -> OsString {
    let is_short = path.as_os_str().encode_wide().count() < LONG;
    let absolute = match std::path::absolute(path) {
        Ok(absolute) if !is_short => absolute,
        _ => return path.as_os_str().to_owned(),
    };
    let units: Vec<u16> = absolute.as_os_str().encode_wide().collect();
    let starts = |with: &str| with.encode_utf16().eq(units.iter().copied().take(with.len()));
    // What begins otherwise with two backslashes says already how it is to be read.
    let (prefix, rest) = match () {
        () if starts(r"\\?\") || starts(r"\\.\") => return absolute.into_os_string(),
        () if starts(r"\\") => (r"\\?\UNC\", units.get(2..).unwrap_or_default()),
        () => (r"\\?\", units.as_slice()),
    };
    let mut form = OsString::from(prefix);
    form.push(OsString::from_wide(rest));
    form
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_long_paths_are_changed() {
        let of = |path: &str| long(Path::new(path)).into_string().unwrap();
        assert_eq!(of("a/b.txt"), "a/b.txt");
        assert_eq!(of(r"C:\a\b.txt"), r"C:\a\b.txt");
        let name = "x".repeat(250);
        assert_eq!(of(&format!("C:/a/../b/{name}")), format!(r"\\?\C:\b\{name}"));
        assert_eq!(of(&format!(r"\\server\share\{name}")), format!(r"\\?\UNC\server\share\{name}"));
        assert_eq!(of(&format!(r"\\?\C:\{name}")), format!(r"\\?\C:\{name}"));
    }

    #[test]
    fn it_ends_with_nul() {
        assert_eq!(wide(Path::new("ab")), [u16::from(b'a'), u16::from(b'b'), 0]);
    }
}
