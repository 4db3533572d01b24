//! A process of which there may be a thousand asks the C library not to keep caches of freed memory: they pin nearly every page of the heap.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;

/// The variable from which the GNU C library takes its settings; others don't know it.
const VARIABLE: &str = "GLIBC_TUNABLES";
const SETTING: &str = "glibc.malloc.tcache_count=0";

/// Adds the setting to the environment of a process that is to be lean.
pub fn make_lean(environment: &mut Vec<(OsString, OsString)>) {
    match environment.iter_mut().find(|(name, _)| name == VARIABLE) {
        Some((_, value)) => {
            value.push(":");
            value.push(SETTING);
        }
        None => environment.push((VARIABLE.into(), SETTING.into())),
    }
}

/// What the variable of that name was before [`make_lean`], if it was there; any other variable is what it is.
pub fn undo_lean(name: &OsStr, value: OsString) -> Option<OsString> {
    if name != VARIABLE {
        return Some(value);
    }
    match value.as_bytes().strip_suffix(SETTING.as_bytes()) {
        None => Some(value),
        Some([]) => None,
        Some(before) => Some(OsStr::from_bytes(before.strip_suffix(b":").unwrap_or(before)).to_owned()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_was_set_before_is_restored() {
        for before in [None, Some("glibc.malloc.check=1"), Some(SETTING)] {
            let mut environment = vec![("A".into(), "1".into())];
            environment.extend(before.map(|value| (VARIABLE.into(), value.into())));
            make_lean(&mut environment);
            let (name, value) = environment.pop().unwrap();
            assert!(value.to_str().unwrap().ends_with(SETTING));
            assert_eq!(undo_lean(&name, value), before.map(OsString::from));
        }
        assert_eq!(undo_lean(OsStr::new("A"), SETTING.into()), Some(SETTING.into()));
    }
}
