#![allow(unsafe_code)]

use std::ffi::OsStr;
use std::io;
use std::ptr;

use windows_sys::Win32::Foundation::{
    ERROR_FILE_NOT_FOUND, ERROR_MORE_DATA, ERROR_NO_MORE_ITEMS, ERROR_SUCCESS,
};
use windows_sys::Win32::Security::DACL_SECURITY_INFORMATION;
use windows_sys::Win32::Storage::FileSystem::WRITE_DAC;
use windows_sys::Win32::System::Registry::{
    HKEY, HKEY_LOCAL_MACHINE, KEY_READ, KEY_WRITE, REG_DWORD, REG_EXPAND_SZ, REG_MULTI_SZ,
    REG_OPTION_NON_VOLATILE, REG_ROUTINE_FLAGS, REG_SZ, RRF_RT_REG_DWORD, RRF_RT_REG_MULTI_SZ, RRF_RT_REG_SZ,
    RegCloseKey, RegCreateKeyExW, RegDeleteTreeW, RegDeleteValueW, RegEnumKeyExW, RegGetValueW,
    RegOpenKeyExW, RegSetKeySecurity, RegSetValueExW,
};

/// How often a value is asked for again because it grew meanwhile.
const ATTEMPTS: usize = 8;

use crate::security::Descriptor;
use crate::text::{wide, wide_list};

/// The longest name of a key, in UTF-16 code units.
const LONGEST_NAME: usize = 255;

/// An open key below `HKEY_LOCAL_MACHINE`.
#[derive(Debug)]
pub struct Key {
    /// INVARIANT: open until this is dropped, and nobody else closes it.
    handle: HKEY,
}

impl Key {
    /// Opens a key to read it; `None` if it is not there.
    pub fn open(path: &str) -> io::Result<Option<Self>> {
        let path = wide(path);
        let mut handle = ptr::null_mut();
        // SAFETY: the path ends with NUL and lives during the call; the handle is written where told.
        let code = unsafe { RegOpenKeyExW(HKEY_LOCAL_MACHINE, path.as_ptr(), 0, KEY_READ, &raw mut handle) };
        match code {
            ERROR_FILE_NOT_FOUND => Ok(None),
            code => check(code).map(|()| Some(Self { handle })),
        }
    }

    pub(super) fn raw(&self) -> HKEY {
        self.handle
    }

    /// Opens a key to read and write it; it is made, with those above it, if it is not there.
    pub fn create(path: &str) -> io::Result<Self> {
        let path = wide(path);
        let mut handle = ptr::null_mut();
        // SAFETY: the path ends with NUL and lives during the call; the handle is written where told; the other pointers may be null.
        let code = unsafe {
            RegCreateKeyExW(
                HKEY_LOCAL_MACHINE,
                path.as_ptr(),
                0,
                ptr::null(),
                REG_OPTION_NON_VOLATILE,
                KEY_READ | KEY_WRITE | WRITE_DAC,
                ptr::null(),
                &raw mut handle,
                ptr::null_mut(),
            )
        };
        check(code).map(|()| Self { handle })
    }

    /// Opens a key to read and write it, made if it is not there, and lets only those at it whom the descriptor (SDDL) names.
    pub fn create_private(path: &str, sddl: &str) -> io::Result<Self> {
        let key = Self::create(path)?;
        let descriptor = Descriptor::from_sddl(sddl)?;
        // SAFETY: the handle is open and has the right to this; the descriptor lives during the call.
        check(unsafe { RegSetKeySecurity(key.handle, DACL_SECURITY_INFORMATION, descriptor.as_ptr()) })?;
        Ok(key)
    }

    /// A string (`REG_SZ`, or `REG_EXPAND_SZ` with its variables replaced); `None` if it is not there.
    pub fn string(&self, name: &str) -> io::Result<Option<String>> {
        let Some(units) = self.units(name, RRF_RT_REG_SZ)? else { return Ok(None) };
        let end = units.iter().position(|unit| *unit == 0).unwrap_or(units.len());
        let text = String::from_utf16(units.get(..end).unwrap_or_default());
        text.map(Some).map_err(io::Error::other)
    }

    /// Strings (`REG_MULTI_SZ`); `None` if they are not there.
    pub fn strings(&self, name: &str) -> io::Result<Option<Vec<String>>> {
        let Some(units) = self.units(name, RRF_RT_REG_MULTI_SZ)? else { return Ok(None) };
        // An empty one is the last.
        let each = units.split(|unit| *unit == 0).take_while(|units| !units.is_empty());
        let texts: Result<_, _> = each.map(String::from_utf16).collect();
        texts.map(Some).map_err(io::Error::other)
    }

    /// What is stored, if it is of a kind, in units of two bytes.
    fn units(&self, name: &str, kind: REG_ROUTINE_FLAGS) -> io::Result<Option<Vec<u16>>> {
        let name = wide(name);
        let mut units = vec![0u16; 256];
        for _ in 0..ATTEMPTS {
            let mut bytes = u32::try_from(units.len() * 2).map_err(|_| io::ErrorKind::InvalidData)?;
            // SAFETY: the handle is open; the name ends with NUL; so many bytes can be written to the buffer; the number is written where told.
            let code = unsafe {
                RegGetValueW(
                    self.handle,
                    ptr::null(),
                    name.as_ptr(),
                    kind,
                    ptr::null_mut(),
                    units.as_mut_ptr().cast(),
                    &raw mut bytes,
                )
            };
            match code {
                ERROR_FILE_NOT_FOUND => return Ok(None),
                // The number is what is needed now; somebody may make it longer before it is read.
                ERROR_MORE_DATA => units.resize(bytes as usize / 2 + 1, 0),
                code => {
                    check(code)?;
                    units.truncate(bytes as usize / 2);
                    return Ok(Some(units));
                }
            }
        }
        Err(io::ErrorKind::InvalidData.into())
    }

    /// A number (`REG_DWORD`); `None` if it is not there.
    pub fn number(&self, name: &str) -> io::Result<Option<u32>> {
        let name = wide(name);
        let mut number = 0u32;
        let mut bytes = 4;
        // SAFETY: the handle is open; the name ends with NUL; four bytes can be written to the number.
        let code = unsafe {
            RegGetValueW(
                self.handle,
                ptr::null(),
                name.as_ptr(),
                RRF_RT_REG_DWORD,
                ptr::null_mut(),
                (&raw mut number).cast(),
                &raw mut bytes,
            )
        };
        match code {
            ERROR_FILE_NOT_FOUND => Ok(None),
            code => check(code).map(|()| Some(number)),
        }
    }

    /// The names of the keys directly below.
    pub fn subkeys(&self) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        loop {
            let mut units = [0u16; LONGEST_NAME + 1];
            let mut length = LONGEST_NAME as u32 + 1;
            let index = u32::try_from(names.len()).map_err(|_| io::ErrorKind::InvalidData)?;
            // SAFETY: the handle is open; there is room for as many units as is said, and their number is written where told; the others may be null.
            let code = unsafe {
                RegEnumKeyExW(
                    self.handle,
                    index,
                    units.as_mut_ptr(),
                    &raw mut length,
                    ptr::null(),
                    ptr::null_mut(),
                    ptr::null_mut(),
                    ptr::null_mut(),
                )
            };
            if code == ERROR_NO_MORE_ITEMS {
                return Ok(names);
            }
            check(code)?;
            names.push(String::from_utf16_lossy(units.get(..length as usize).unwrap_or_default()));
        }
    }

    /// Sets a string (`REG_SZ`).
    pub fn set_string(&self, name: &str, text: &str) -> io::Result<()> {
        self.set(name, REG_SZ, &bytes(wide(text)))
    }

    /// Sets a string in which variables between percent signs are replaced when it is read (`REG_EXPAND_SZ`).
    pub fn set_expanded(&self, name: &str, text: impl AsRef<OsStr>) -> io::Result<()> {
        self.set(name, REG_EXPAND_SZ, &bytes(wide(text)))
    }

    /// Sets strings (`REG_MULTI_SZ`), none of which is empty.
    pub fn set_strings(&self, name: &str, texts: &[&str]) -> io::Result<()> {
        self.set(name, REG_MULTI_SZ, &bytes(wide_list(texts)))
    }

    /// Sets a number (`REG_DWORD`).
    pub fn set_number(&self, name: &str, number: u32) -> io::Result<()> {
        self.set(name, REG_DWORD, &number.to_le_bytes())
    }

    /// Removes a value. That it is not there is no error.
    pub fn remove(&self, name: &str) -> io::Result<()> {
        let name = wide(name);
        // SAFETY: the handle is open; the name ends with NUL and lives during the call.
        match unsafe { RegDeleteValueW(self.handle, name.as_ptr()) } {
            ERROR_FILE_NOT_FOUND => Ok(()),
            code => check(code),
        }
    }

    fn set(&self, name: &str, kind: u32, data: &[u8]) -> io::Result<()> {
        let name = wide(name);
        let length = u32::try_from(data.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
        // SAFETY: the handle is open; the name ends with NUL; so many bytes can be read from the data.
        check(unsafe { RegSetValueExW(self.handle, name.as_ptr(), 0, kind, data.as_ptr(), length) })
    }
}

impl Drop for Key {
    fn drop(&mut self) {
        // SAFETY: the handle is open by the invariant, and nobody can use it after this.
        unsafe { RegCloseKey(self.handle) };
    }
}

/// Removes a key below `HKEY_LOCAL_MACHINE` with everything in it. That it is not there is no error.
pub fn delete_tree(path: &str) -> io::Result<()> {
    let path = wide(path);
    // SAFETY: the path ends with NUL and lives during the call.
    match unsafe { RegDeleteTreeW(HKEY_LOCAL_MACHINE, path.as_ptr()) } {
        ERROR_FILE_NOT_FOUND => Ok(()),
        code => check(code),
    }
}

fn check(code: u32) -> io::Result<()> {
    if code == ERROR_SUCCESS { Ok(()) } else { Err(io::Error::from_raw_os_error(code.cast_signed())) }
}

fn bytes(units: Vec<u16>) -> Vec<u8> {
    units.into_iter().flat_map(u16::to_le_bytes).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_kept_and_removed() {
        let path = format!(r"SOFTWARE\svckit-test-{}", std::process::id());
        assert!(Key::open(&path).unwrap().is_none());
        let key = Key::create(&format!(r"{path}\inner")).unwrap();
        let long = "\u{20ac} long ".repeat(5000);
        key.set_string("text", &long).unwrap();
        key.set_number("number", 7).unwrap();
        key.set_expanded("path", "%ProgramData%").unwrap();
        let several = [&*long, "b=c"];
        key.set_strings("several", &several).unwrap();
        key.set_strings("none", &[]).unwrap();
        let again = Key::open(&format!(r"{path}\inner")).unwrap().unwrap();
        assert_eq!(again.string("text").unwrap().as_deref(), Some(&*long));
        assert_eq!(again.string("missing").unwrap(), None);
        assert!(again.string("number").is_err(), "a number is no string");
        assert_eq!(again.strings("several").unwrap().unwrap(), several);
        assert_eq!(again.strings("none").unwrap().unwrap(), Vec::<String>::new());
        assert_eq!(again.strings("missing").unwrap(), None);
        assert!(again.strings("text").is_err(), "a string is no list of strings");
        key.remove("text").unwrap();
        key.remove("text").unwrap();
        assert_eq!(again.string("text").unwrap(), None);
        delete_tree(&path).unwrap();
        delete_tree(&path).unwrap();
        assert!(Key::open(&path).unwrap().is_none());
    }
}
