//! The variables that the system keeps for programs: those of the machine, of an account, of a service.

use std::collections::BTreeMap;
use std::ffi::{OsString, c_void};
use std::io;
use std::mem::transmute;
use std::os::windows::ffi::OsStringExt;
use std::os::windows::io::{AsRawHandle, OwnedHandle};
use std::ptr;

use svckit_core::name::ServiceName;
use svckit_core::record::SERVICES_KEY;
use windows_sys::Win32::Security::{TOKEN_ACCESS_MASK, TOKEN_DUPLICATE, TOKEN_QUERY};

use crate::library::{Function, Library};
use crate::registry::Key;
use crate::{text, token};

/// Variables with their values.
type Variables = Vec<(OsString, OsString)>;

/// The value of a service's key that says variables of its own.
const SERVICE_VALUE: &str = "Environment";

/// What finding variables by a token takes.
const ACCESS: TOKEN_ACCESS_MASK = TOKEN_QUERY | TOKEN_DUPLICATE;

/// The variables that every service of this machine inherits, before those of its account.
pub fn system_environment() -> io::Result<Variables> {
    made_anew(None)
}

/// The variables of the system and of this process's account, as a program gets them that is started now: who changed one since this process began is
/// seen. The system makes one `PATH` of the system's and the account's.
pub fn account_environment() -> io::Result<Variables> {
    made_anew(Some(&token::own(ACCESS)?))
}

/// The same of another process's account, for who may look into that.
pub fn account_environment_of(process: u32) -> io::Result<Variables> {
    made_anew(Some(&token::of(process, ACCESS)?))
}

/// The variables that a service's key says, which the service control manager sets over all others when it makes the service's process.
pub fn service_environment(service: &ServiceName) -> io::Result<Variables> {
    let Some(key) = Key::open(&format!(r"{SERVICES_KEY}\{}", service.as_str()))? else {
        return Ok(Vec::new());
    };
    let lines = key.strings(SERVICE_VALUE)?.unwrap_or_default();
    Ok(lines.iter().filter_map(|line| assignment(line)).collect())
}

/// `CreateEnvironmentBlock` without anything of this process; without a token the system's variables alone. Its library goes again: each host would carry it.
fn made_anew(token: Option<&OwnedHandle>) -> io::Result<Variables> {
    type Create = unsafe extern "system" fn(*mut *mut c_void, *mut c_void, i32) -> i32;
    type Destroy = unsafe extern "system" fn(*const c_void) -> i32;
    let library = Library::load("userenv.dll")?;
    let (create, destroy) =
        (library.function(c"CreateEnvironmentBlock")?, library.function(c"DestroyEnvironmentBlock")?);
    // SAFETY: these are the types that the system documents of the two functions.
    let (create, destroy) =
        unsafe { (transmute::<Function, Create>(create), transmute::<Function, Destroy>(destroy)) };
    let mut block = ptr::null_mut();
    let token = token.map_or(ptr::null_mut(), AsRawHandle::as_raw_handle);
    // SAFETY: the token is open, or null for none; the block is written where told; the library is loaded.
    if unsafe { create(&raw mut block, token, 0) } == 0 {
        return Err(io::Error::last_os_error());
    }
    // SAFETY: the block is the one that the system made, and lives until after this.
    let all = unsafe { read(block.cast_const().cast()) };
    // SAFETY: the block is the one that the system made, and it is not used after this; the library is loaded.
    unsafe { destroy(block) };
    Ok(all)
}

/// # Safety
/// There is a block of variables: a list of texts.
unsafe fn read(block: *const u16) -> Variables {
    let mut all = BTreeMap::new();
    // SAFETY: by the contract.
    for line in unsafe { text::list(block) } {
        // Those that begin with an equals sign are the current folders of drives.
        if let Some(at) = line.iter().position(|unit| *unit == u16::from(b'=')).filter(|at| *at > 0) {
            let (name, value) = (OsString::from_wide(&line[..at]), OsString::from_wide(&line[at + 1..]));
            all.insert(crate::variable::key(&name), (name, value));
        }
    }
    all.into_values().collect()
}

/// What is no assignment counts for nothing.
fn assignment(line: &str) -> Option<(OsString, OsString)> {
    let (name, value) = line.split_once('=')?;
    (!name.is_empty()).then(|| (name.into(), value.into()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value<'a>(all: &'a [(OsString, OsString)], name: &str) -> Option<&'a OsString> {
        all.iter().find(|(one, _)| one.eq_ignore_ascii_case(name)).map(|(_, value)| value)
    }

    #[test]
    fn variables_are_those_that_the_system_keeps_and_not_those_of_this_process() {
        const KEY: &str = r"SYSTEM\CurrentControlSet\Control\Session Manager\Environment";
        let name = format!("SVCKIT_TEST_{}", std::process::id());
        let key = Key::create(KEY).unwrap();
        assert_eq!(value(&account_environment().unwrap(), &name), None);
        key.set_string(&name, "now").unwrap();
        let (system, own) = (system_environment(), account_environment());
        let other = account_environment_of(std::process::id());
        key.remove(&name).unwrap();
        for all in [system.unwrap(), own.unwrap(), other.unwrap()] {
            assert_eq!(value(&all, &name), Some(&OsString::from("now")));
            // What this process alone has, as cargo or a test's runner may have set it.
            assert_eq!(value(&all, "SVCKIT_WINE"), None);
            assert!(value(&all, "PATH").is_some() && all.iter().all(|(name, _)| !name.is_empty()));
        }
        assert!(std::env::var_os(&name).is_none());
        assert!(account_environment_of(0).is_err());
    }

    #[test]
    fn a_service_has_variables_of_its_own_or_none() {
        let service = ServiceName::new(format!("svckit-test-variables-{}", std::process::id())).unwrap();
        assert_eq!(service_environment(&service).unwrap(), []);
        let path = format!(r"{SERVICES_KEY}\{}", service.as_str());
        let key = Key::create(&path).unwrap();
        assert_eq!(service_environment(&service).unwrap(), []);
        key.set_strings(SERVICE_VALUE, &["A=b=c", "nonsense", "=C:=x", "Path=C:\\own"]).unwrap();
        let read = service_environment(&service).unwrap();
        key.set_number(SERVICE_VALUE, 7).unwrap();
        let wrong = service_environment(&service);
        crate::registry::delete_tree(&path).unwrap();
        let expected = [("A", "b=c"), ("Path", "C:\\own")].map(|(name, value)| (name.into(), value.into()));
        assert_eq!(read, expected);
        assert!(wrong.is_err(), "a number is no list of variables");
    }
}
